"""Bringing: each source to a network in the cache; its record; faults; what is kept for the next time."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import weight_sources
from weight_sources import Toy, entry, read_toy, toy_bytes

from mystyle.checkpoints import load_network
from mystyle.files import sha256
from mystyle.weights import ByHand, Entry, Npm, PyPI, Url, home, status, way_out, weight_file
from mystyle.weights import download as downloading
from mystyle.weights.bring import Outcome, bring

A, B = toy_bytes(1, 2, 3), toy_bytes(4, 5)
WHEEL = weight_sources.wheel({"toy/a.bin": A, "toy/b.bin": B})
TARBALL = weight_sources.tarball({"package/model/a.bin": A})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server():
    with weight_sources.serving() as server:
        server.files["/a.bin"] = A
        yield server


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder of the user's with packages and a file."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "Toy_Weights-1.0-py3-none-any.whl").write_bytes(WHEEL)
    (folder / "weights-2.0.tgz").write_bytes(TARBALL)
    (folder / "a.bin").write_bytes(A)
    return folder


@pytest.fixture
def pip(tmp_path, monkeypatch) -> Path:
    """The user's settings of pip: no index, and a folder of wheels."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "toy_weights-1.0-py3-none-any.whl").write_bytes(WHEEL)
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return wheels


def program(path: Path, script: str) -> Path:
    """A program of the shell."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def values(file: str = "toy.safetensors") -> list[float]:
    return load_network(Toy, weight_file("made_up", file)).w.tolist()


def only(outcomes) -> Outcome:
    (outcome,) = outcomes
    return outcome


def nothing_is_left(cache: Path) -> bool:
    """Whether the cache has weight files and their record alone."""
    return not list((cache / "downloads").iterdir()) and not list(cache.rglob(".*")) and not list(cache.rglob("*.bin"))


def pypi(member: str = "toy/a.bin") -> PyPI:
    return PyPI("toy-weights", "1.0", (member,))


def npm(registry: str = "http://127.0.0.1:9") -> Npm:
    return Npm("@toy/weights", "2.0", ("package/model/a.bin",), registry)


# Sources


def test_a_wheel_by_the_users_pip_serves_several_entries(pip, cache, monkeypatch):
    fetched = []
    monkeypatch.setattr(PyPI, "fetch", lambda self, *rest, fetch=PyPI.fetch: fetched.append(self) or fetch(self, *rest))
    entries = [entry(pypi(), WHEEL, "a.safetensors"), entry(pypi("toy/b.bin"), WHEEL, "b.safetensors")]
    outcomes = list(bring("made_up", entries))
    assert [outcome.made for outcome in outcomes] == [True, True], outcomes
    assert values("a.safetensors") == [1, 2, 3] and values("b.safetensors") == [4, 5]
    assert len(fetched) == 1 and nothing_is_left(cache)
    assert "toy" not in sys.modules and outcomes[0].message == "made from toy_weights-1.0-py3-none-any.whl"


def test_pip_builds_nothing_and_its_last_lines_are_told(pip, tmp_path):
    """A source distribution would run its setup.py."""
    (pip / "toy_weights-1.0-py3-none-any.whl").unlink()
    source = tmp_path / "toy_weights-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w'); import setuptools; setuptools.setup()")
    shutil.make_archive(str(pip / "toy_weights-1.0"), "gztar", tmp_path, "toy_weights-1.0")
    outcome = only(bring("made_up", [entry(pypi(), WHEEL)]))
    assert not outcome.made and not (tmp_path / "ran").exists()
    said, by_hand = outcome.message.split("\n")
    assert said.startswith("pip download toy-weights==1.0 failed: ERROR: Could not find a version")
    assert by_hand == (
        "by hand: download toy_weights-1.0-*.whl from https://pypi.org/project/toy-weights/1.0/#files "
        f"(SHA-256 {weight_sources.digest(WHEEL)}), then python -m mystyle.weights made_up --bring --from FOLDER"
    )


def test_a_python_without_pip(tmp_path, monkeypatch):
    python = program(tmp_path / "bin/python", 'echo "$0: No module named pip" >&2; exit 1')
    monkeypatch.setattr(sys, "executable", str(python))
    assert (
        "this Python has no pip; python -m ensurepip brings it"
        in only(bring("made_up", [entry(pypi(), WHEEL)])).message
    )


def test_a_tarball_by_the_users_npm(tmp_path, monkeypatch, cache):
    tarball = tmp_path / "registry.tgz"
    tarball.write_bytes(TARBALL)
    check = '[ "$1 $2" = "pack --ignore-scripts" ] && case "$*" in *" @toy/weights@2.0");; *) exit 1;; esac'
    program(tmp_path / "bin/npm", f"{check} && cp {tarball} toy-weights-2.0.tgz && echo toy-weights-2.0.tgz")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    outcome = only(bring("made_up", [entry(npm(), TARBALL)]))
    assert outcome.made and outcome.message == "made from toy-weights-2.0.tgz"
    assert values() == [1, 2, 3] and nothing_is_left(cache)


def test_what_npm_says_is_told_without_its_trace(tmp_path, monkeypatch):
    said = (
        "npm error code ECONNREFUSED\nnpm error FetchError: request failed\nnpm error     at main.js:1\n"
        "npm error   code: 'X'\nnpm error }\nnpm error\nnpm error A complete log of this run can be found in: /x"
    )
    program(tmp_path / "bin/npm", f'echo "{said}" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    message = only(bring("made_up", [entry(npm(), TARBALL)])).message
    expected = "npm pack @toy/weights@2.0 failed: npm error code ECONNREFUSED / npm error FetchError: request failed"
    assert message.split("\n")[0] == expected
    assert "by hand: download http://127.0.0.1:9/@toy/weights/-/weights-2.0.tgz" in message


def test_without_npm_the_registry_is_asked(server, monkeypatch, cache):
    monkeypatch.setenv("PATH", "")
    server.files["/@toy/weights/-/weights-2.0.tgz"] = TARBALL
    assert only(bring("made_up", [entry(npm(server.address), TARBALL)])).made and values() == [1, 2, 3]
    assert nothing_is_left(cache)
    server.files.clear()
    message = only(bring("made_up", [entry(npm(server.address), TARBALL)])).message
    assert "answers 404 Not Found (asked without npm, which is not installed)" in message


def test_a_file_by_its_address(server, cache):
    assert only(bring("made_up", [entry(Url(f"{server.address}/a.bin"), A)])).made
    assert values() == [1, 2, 3] and nothing_is_left(cache)


def test_a_folder_of_the_users_needs_no_network_and_is_left_as_it_is(folder, cache, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was used"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    entries = [
        entry(pypi(), WHEEL, "1.safetensors"),
        entry(npm(), TARBALL, "2.safetensors"),
        entry(Url("http://127.0.0.1:9/A.bin"), A, "3.safetensors"),
        entry(ByHand("http://127.0.0.1:9/form", "sign it", "a.bin"), A, "4.safetensors"),
        entry(Url("http://127.0.0.1:9/c.bin"), A, "5.safetensors"),
    ]
    *made, absent = bring("made_up", entries, folder)
    assert all(outcome.made for outcome in made) and len(made) == 4
    assert all(values(f"{i}.safetensors") == [1, 2, 3] for i in range(1, 5))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before and nothing_is_left(cache)
    assert not absent.made and absent.message.startswith(f"{folder} has no c.bin\nby hand: download http://127")


def test_what_is_got_by_hand_is_said(cache):
    message = only(bring("made_up", [entry(ByHand("https://example.org/form", "sign it", "a.bin"), A)])).message
    known = f"(SHA-256 {weight_sources.digest(A)})"
    assert f"by hand: get a.bin from https://example.org/form (sign it) {known}, then python -m mystyle" in message


# Faults


def test_a_wrong_hash(server, folder, cache):
    """A download of that kind is not kept, so that the next one can be right; the user's file is."""
    server.files["/a.bin"] = toy_bytes(1, 2, 4)
    wanted = entry(Url(f"{server.address}/a.bin"), A)
    message = only(bring("made_up", [wanted])).message
    assert "a.bin is another file: its SHA-256 is" in message and f"expected {wanted.sha256}" in message
    assert not weight_file("made_up", wanted.file).exists() and nothing_is_left(cache)
    (folder / "a.bin").write_bytes(server.files["/a.bin"])
    assert "another file" in only(bring("made_up", [wanted], folder)).message and (folder / "a.bin").exists()
    (folder / "a.bin").write_bytes(A[:-1])
    assert "has 15 bytes where 16 are expected: it is cut short" in only(bring("made_up", [wanted], folder)).message
    server.files["/a.bin"] = A
    assert only(bring("made_up", [wanted])).made and values() == [1, 2, 3]


def test_a_wheel_is_not_opened_before_its_hash_is_right(folder, monkeypatch):
    monkeypatch.setattr(PyPI, "open", lambda *_: pytest.fail("it was opened"))
    (folder / "Toy_Weights-1.0-py3-none-any.whl").write_bytes(bytes(len(WHEEL)))
    assert "is another file" in only(bring("made_up", [entry(pypi(), WHEEL)], folder)).message


def test_a_download_that_breaks_off_goes_on_the_next_time(cache):
    data = toy_bytes(*range(1000))
    with weight_sources.serving() as server:
        server.files["/a.bin"], server.breaks_after = data, 1500
        wanted = entry(Url(f"{server.address}/a.bin"), data)
        assert (
            "broke after 1,500 of 4,004 bytes; the same command continues" in only(bring("made_up", [wanted])).message
        )
        server.breaks_after = None
        assert only(bring("made_up", [wanted])).made and server.asked[-1] == ("/a.bin", "bytes=1500-")
    assert values() == list(range(1000)) and nothing_is_left(cache)


def full(*arguments, **keywords):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_space_for_the_download(server, cache, monkeypatch):
    monkeypatch.setattr(downloading, "pieces", full)
    outcome = only(bring("made_up", [entry(Url(f"{server.address}/a.bin"), A)]))
    assert not outcome.made and outcome.message == (
        "no space is left on the disk of the cache; free some, or set MYSTYLE_HOME to a folder of another disk"
    )


def test_no_space_for_the_weights_keeps_what_was_fetched(server, cache, monkeypatch):
    wanted = entry(Url(f"{server.address}/a.bin"), A)
    with monkeypatch.context() as patch:
        patch.setattr("mystyle.checkpoints.save_network", full)
        assert "no space is left" in only(bring("made_up", [wanted])).message
    assert not weight_file("made_up", wanted.file).exists() and (cache / "downloads/a.bin").exists()
    assert only(bring("made_up", [wanted])).made and len(server.asked) == 1 and nothing_is_left(cache)


def test_a_reader_that_fails_is_one_message_and_the_others_go_on(folder, server):
    def broken(files):
        raise LookupError("no tensor w\nand more")

    entries = [
        entry(pypi(), WHEEL, "1.safetensors", read=broken),
        entry(pypi("toy/c.bin"), WHEEL, "2.safetensors"),
        entry(pypi("toy/b.bin"), WHEEL, "3.safetensors"),
        entry(npm(), TARBALL, "4.safetensors", read=read_toy),
    ]
    first, second, third, fourth = bring("made_up", entries, folder)
    assert "-any.whl cannot be read: LookupError: no tensor w" in first.message and not first.made
    assert "it has no member toy/c.bin" in second.message and not second.made
    assert third.made and fourth.made


def test_a_file_of_unknown_hash_is_told_recorded_and_not_kept_if_it_is_something_else(server, cache):
    wanted = entry(Url(f"{server.address}/a.bin"), None)
    server.files["/a.bin"] = b"<html>please log in</html>"
    message = only(bring("made_up", [wanted])).message
    assert message.startswith("a.bin cannot be read: a.bin: is no toy\nby hand") and nothing_is_left(cache)
    server.files["/a.bin"] = A
    outcome = only(bring("made_up", [wanted]))
    assert outcome.message.endswith(f"its SHA-256, not known to us before, is {weight_sources.digest(A)}")
    record = json.loads(weight_file("made_up", "sources.json").read_text())[wanted.file]
    assert record["fetched_sha256"] == weight_sources.digest(A)
    assert status("made_up", wanted).state == "there"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e5])
def test_weights_that_no_network_has_are_refused(folder, bad):
    (folder / "a.bin").write_bytes(toy_bytes(1, bad))
    message = only(bring("made_up", [entry(Url("http://127.0.0.1:9/a.bin"), None, half=True)], folder)).message
    assert "its weights w are not finite, or too large for float16" in message
    assert not weight_file("made_up", "toy.safetensors").exists()


# The cache


def test_the_record_says_what_a_file_is_made_from_and_is_the_same_each_time(folder, tmp_path, monkeypatch):
    entries = [entry(pypi(), WHEEL, "b.safetensors", half=True), entry(npm(), TARBALL, "a.safetensors", version=3)]
    records = []
    for i in range(6):  # safetensors alone writes one of two files at random
        name, order = str(i), entries[:: 1 - 2 * (i % 2)]
        monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / name))
        assert all(outcome.made for outcome in bring("made_up", order, folder))
        records.append(weight_file("made_up", "sources.json").read_bytes())
    assert len(set(records)) == 1
    record = json.loads(records[0])["b.safetensors"]
    assert record == {
        "sha256": sha256(weight_file("made_up", "b.safetensors")),
        "source": "PyPI toy-weights 1.0",
        "address": "https://pypi.org/project/toy-weights/1.0/#files",
        "fetched": "Toy_Weights-1.0-py3-none-any.whl",
        "fetched_sha256": weight_sources.digest(WHEEL),
        "publisher": "Some Body",
        "licence": "CC0, for tests.",
        "precision": "float16",
        "reader_version": 1,
    }
    assert values("b.safetensors") == [1, 2, 3]


def test_states_of_a_file(folder):
    wanted = entry(pypi(), WHEEL)
    optional = replace(wanted, required=False)
    assert status("made_up", wanted).state == "missing" and status("made_up", optional).state == "optional"
    assert only(bring("made_up", [wanted], folder)).made
    path, record = weight_file("made_up", wanted.file), weight_file("made_up", "sources.json")
    whole, recorded = path.read_bytes(), record.read_bytes()
    assert status("made_up", wanted) == status("made_up", optional)
    assert (status("made_up", wanted).state, status("made_up", wanted).detail) == ("there", "0.0 MB")
    for change in ({"sha256": "0" * 64}, {"version": 2}, {"half": True}):
        assert status("made_up", replace(wanted, **change)).state == "outdated"
    assert status("made_up", replace(wanted, sha256=None)).state == "there"
    for data, reason in (
        (whole[:-1] + b"\7", "its SHA-256 is not the one in sources.json"),
        (whole[:-1], "(?i)incomplete ?metadata"),
        (b"text", "(?i)header ?too ?small"),
    ):
        path.write_bytes(data)
        found = status("made_up", wanted)
        assert found.state == "damaged" and re.search(reason, found.detail), found
    path.write_bytes(whole)
    record.write_text('["no record"]')
    assert (
        status("made_up", wanted).state == "damaged" and "sources.json is damaged" in status("made_up", wanted).detail
    )
    record.unlink()
    found = status("made_up", wanted)
    assert found.state == "there" and "its source is not recorded" in found.detail
    record.write_bytes(recorded)
    assert status("made_up", wanted).state == "there"


def test_a_damaged_record_is_begun_anew(folder):
    record = weight_file("made_up", "sources.json")
    record.parent.mkdir(parents=True)
    record.write_text("{")
    assert only(bring("made_up", [entry(pypi(), WHEEL)], folder)).made
    assert list(json.loads(record.read_text())) == ["toy.safetensors"]


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("MYSTYLE_HOME", "~/weights")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / "weights"
    monkeypatch.setenv("MYSTYLE_HOME", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert home() == tmp_path / "caches" / "mystyle"
    for unusable in ("", "relative"):  # as the XDG base directory specification says
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert home() == tmp_path / ".cache" / "mystyle"


def test_the_way_out_names_publisher_licence_hash_and_command():
    wanted = entry(pypi(), WHEEL)
    text = way_out("made_up", wanted)
    for part in ("PyPI toy-weights 1.0", "Some Body", wanted.sha256, "licence: CC0, for tests. Bring it"):
        assert part in text
    assert text.endswith("python -m mystyle.weights made_up --bring")
    assert way_out("made_up", wanted, again=True).endswith("--bring --again")
    assert "not known to us" in way_out("made_up", replace(wanted, sha256=None))


@pytest.mark.parametrize(
    "fields", [{"file": "../x.safetensors"}, {"file": "x.pt"}, {"sha256": "E5D1"}, {"sha256": "A" * 64}]
)
def test_an_entry_that_is_mistyped_is_refused(fields):
    given = dict(file="x.safetensors", sha256="0" * 64) | fields
    with pytest.raises(ValueError, match=r"NAME\.safetensors|no SHA-256"):
        Entry(role="", publisher="", licence="", source=pypi(), size=None, read=read_toy, **given)


def test_errors_of_the_disk_are_told_from_those_of_sources(cache):
    cache.mkdir()
    (cache / "downloads").write_text("a file")
    outcome = only(bring("made_up", [entry(pypi(), WHEEL)]))
    assert not outcome.made and str(cache / "downloads") in outcome.message and "by hand" not in outcome.message
