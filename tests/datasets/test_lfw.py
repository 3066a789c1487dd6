"""``python -m datasets.lfw`` on a folder that is laid out like LFW."""

from __future__ import annotations

import subprocess
import sys
from urllib.error import URLError

import pytest
from made_up_album import RECOGNISER, RESOLUTION, MadeUp

from datasets.folders import read_portraits
from datasets.lfw import main, people_of


@pytest.fixture
def lfw(tmp_path, monkeypatch):
    """Alice has twelve photos, Bob ten, Carol three."""
    known = {}
    for name, count in (("alice", 12), ("bob", 10), ("carol", 3)):
        MadeUp(tmp_path / "lfw" / f"{name.title()}_Surname", known).add(name, count)
    detector = MadeUp(tmp_path, known)
    monkeypatch.setattr("mystyle.albums.curate.detector_for", lambda settings, device: detector)
    monkeypatch.setattr("mystyle.albums.curate.draw_sheets", lambda *arguments: None)  # which would take longest
    monkeypatch.setattr("mystyle.albums.recogniser.load_recogniser", lambda domain, device: RECOGNISER)
    return tmp_path / "lfw"


def command(out, *arguments):
    fixed = ["--out", out, "--resolution", RESOLUTION, "--least_pixels", 32, "--least", 10, "--test", 3]
    return main([str(argument) for argument in (*fixed, *arguments)])


def test_people_with_enough_photos_are_written(lfw, tmp_path):
    assert command(tmp_path / "out", "--from", lfw) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["alice_surname", "bob_surname"]
    assert len(read_portraits(tmp_path / "out/bob_surname", "test", RESOLUTION)) == 3
    card = (tmp_path / "out/bob_surname/README.md").read_text()
    assert "Labeled Faces in the Wild" in card and "consent" in card


def test_people_are_asked_for_by_either_name(lfw, tmp_path):
    assert command(tmp_path / "out", "--from", lfw, "--people", "Bob_Surname") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["bob_surname"]
    assert [path.name for path in people_of(lfw, ["carol_surname", "Alice_Surname"], 30)] == [
        "Carol_Surname",
        "Alice_Surname",
    ]


def test_splits_are_the_same_every_time_and_follow_the_seed(lfw, tmp_path):
    def split(out, *more):
        assert command(tmp_path / out, "--from", lfw, *more) == 0
        return read_portraits(tmp_path / out / "alice_surname", "test", RESOLUTION).files

    assert split("one") == split("two") != split("three", "--seed", 3)


def test_who_cannot_be_curated_is_told_and_the_others_are_there(lfw, tmp_path, capsys):
    MadeUp(lfw / "Dave_Surname").add("dave", 10)  # whom the detector does not know
    assert command(tmp_path / "out", "--from", lfw) == 2
    assert "Dave_Surname: no usable face" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["alice_surname", "bob_surname"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "nowhere"], "--from nowhere: there is no such folder"),
        (["--least", 100], "nobody has 100 photos"),
        (["--least", 1], "--least 1: must be at least 2"),
        (["--people", "eve"], "--people eve: no such folder"),
    ],
)
def test_what_cannot_be_is_one_message(lfw, tmp_path, capsys, arguments, message):
    source = [] if "--from" in arguments else ["--from", lfw]
    assert command(tmp_path / "out", *source, *arguments) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_the_copy_of_scikit_learn_is_taken(lfw, tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "data"))
    (tmp_path / "data/lfw_home").mkdir(parents=True)
    lfw.rename(tmp_path / "data/lfw_home/lfw_funneled")
    monkeypatch.setattr("sklearn.datasets.fetch_lfw_people", lambda **_: pytest.fail("it is there already"))
    assert command(tmp_path / "out") == 0


def test_without_a_network_the_way_by_hand_is_said(lfw, tmp_path, capsys, monkeypatch):
    def unreachable(**options):
        raise URLError("no route to host")

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("sklearn.datasets.fetch_lfw_people", unreachable)
    assert command(tmp_path / "out") == 2
    message = capsys.readouterr().err
    assert "no route to host" in message and "lfw-funneled.tgz" in message and "--from" in message


def test_consent_is_named_where_photos_enter():
    shown = subprocess.run([sys.executable, "-m", "datasets.lfw", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "research" in shown.stdout and "were not asked" in " ".join(shown.stdout.split())
