"""``python -m datasets.curate``: from the command line to a person's folder, and every refusal in one message."""

from __future__ import annotations

import subprocess
import sys

import pytest
from made_up_album import RECOGNISER, RESOLUTION, MadeUp

from datasets.curate import curate, main
from datasets.folders import read_portraits
from mystyle.albums.curate import Settings
from mystyle.albums.filters import Filters

SMALL = ["--resolution", str(RESOLUTION), "--test", "3"]


@pytest.fixture
def album(tmp_path, monkeypatch):
    """Photos of alice, a detector that knows them and a recogniser in place of the real ones."""
    made = MadeUp(tmp_path / "album")
    made.add("alice", 9)
    monkeypatch.setattr("mystyle.albums.curate.detector_for", lambda settings, device: made)
    monkeypatch.setattr("mystyle.albums.recogniser.load_recogniser", lambda domain, device: RECOGNISER)
    return made


def command(*arguments):
    return main([str(argument) for argument in arguments])


def test_a_person_is_made(album, tmp_path, capsys):
    out = tmp_path / "alice"
    assert command(album.folder, "--out", out, *SMALL) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{out}: 9 of 9 kept (6 train, 3 test); rejected: none"
    assert len(read_portraits(out, "train", RESOLUTION)) == 6
    assert command(album.folder, "--out", out, *SMALL) == 0
    assert "was curated already; 9 of 9 kept" in capsys.readouterr().out


def test_limits_are_options(album, tmp_path, capsys):
    assert command(album.folder, "--out", tmp_path / "out", *SMALL, "--least_pixels", 60) == 2
    assert "no usable face in any of 9 files: 9 too small" in capsys.readouterr().err
    assert command(album.folder, "--out", tmp_path / "out", *SMALL, "--most_blur", 0.1) == 2
    assert "9 blurred" in capsys.readouterr().err


def test_defaults_are_those_of_the_library(album, tmp_path, monkeypatch):
    """The command repeats them so that its help shows them."""
    seen = []
    monkeypatch.setattr("mystyle.albums.curate.detector_for", lambda settings, device: seen.append(settings))
    with pytest.raises(TypeError):  # there is no detector
        curate(album.folder, tmp_path / "out")
    assert seen == [Settings()] and Settings().filters == Filters()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test", "1.5"], "--test 1.5"),
        (["--resolution", "0"], "--resolution 0"),
        (["--most_yaw", "-3"], "--most_yaw -3"),
        (["--example", "none.png"], "none.png: cannot be read (no such file)"),
    ],
)
def test_what_cannot_be_is_one_message(album, tmp_path, capsys, arguments, message):
    assert command(album.folder, "--out", tmp_path / "out", *arguments) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_full_disk_is_another_status(album, tmp_path, capsys, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device", "manifest.json")

    monkeypatch.setattr("mystyle.albums.curate.write_tables", full)
    assert command(album.folder, "--out", tmp_path / "out", *SMALL) == 1
    assert "No space left" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_missing_recogniser_says_how_to_bring_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / "home"))
    assert command(tmp_path, "--out", tmp_path / "out") == 2
    message = capsys.readouterr().err
    assert "judge.safetensors is missing" in message and "python -m mystyle.weights faces --bring" in message


def test_consent_is_asked_for_where_photos_enter():
    shown = subprocess.run([sys.executable, "-m", "datasets.curate", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "consent" in shown.stdout and "licence" in shown.stdout
