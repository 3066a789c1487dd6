"""Images made elsewhere: ``--methods external:NAME=FOLDER`` scores them like a method's.

``FOLDER/PERSON/CASE.png`` is the answer to a case, by the name that the suite gives it. A run of any method leaves the
inputs as ``jobs/*/images/CASE.input.png``, and the cases with their masks and seeds in ``record.json``. The images
are put into the known pixels as a method's are. What is missing is a failed row, and named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.api.task import PRESETS, Case
from benchmarks.engine.plan import Job

PREFIX = "external:"


@dataclass(frozen=True)
class Settings:
    images: tuple[tuple[str, str], ...]
    """PERSON/CASE.png and SHA-256 of all that there is"""
    fit: None = None


@dataclass(frozen=True)
class External:
    """A folder of images in the place of a method. It fits nothing, and the worker reads the images."""

    name: str
    folder: Path
    version: int = 1
    does: tuple[str, ...] = ()
    networks: tuple[Any, ...] = ()
    personal: bool = False

    @property
    def title(self) -> str:
        return self.name

    @property
    def spec(self) -> str:
        """The value of --methods that asks for it."""
        return f"{PREFIX}{self.name}={self.folder}"

    @cached_property
    def presets(self) -> dict[str, Settings]:
        from datasets.folders import sha256

        files = sorted(self.folder.glob("*/*.png"))
        images = tuple((path.relative_to(self.folder).as_posix(), sha256(path)) for path in files)
        return dict.fromkeys(PRESETS, Settings(images))

    def file(self, person: str, case: Case) -> Path:
        return self.folder / person / f"{case.name}.png"

    def missing(self, jobs: Sequence[Job]) -> list[Path]:
        """The images that the jobs of this name want and that are not there."""
        wanted = [self.file(job.person, case) for job in jobs if job.method == self.name for case in job.cases]
        return [path for path in wanted if not path.is_file()]


def is_external(name: str) -> bool:
    """Whether the value of --methods asks for images made elsewhere."""
    return name.startswith(PREFIX)


def parse(text: str, taken: Sequence[str]) -> External:
    """``external:NAME=FOLDER``. Raises ValueError with the flag where it is not that, or NAME is ``taken``."""
    found = re.fullmatch(PREFIX + r"([A-Za-z0-9_.-]+)=(.+)", text)
    if not found:
        raise ValueError("write external:NAME=FOLDER, NAME of letters, digits, and _ . -")
    name, folder = found[1], Path(found[2])
    if name in taken:
        raise ValueError(f"there is a method {name} already; choose another name")
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; it holds PERSON/CASE.png")
    return External(name, folder)
