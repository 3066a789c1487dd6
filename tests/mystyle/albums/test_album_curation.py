"""From a folder of photos to a person's folder: what is kept, why the rest is not, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from made_up_album import RECOGNISER, RESOLUTION, SETTINGS, SIDE, TEMPLATE, MadeUp, face_at, noise

from datasets.folders import read_portraits
from mystyle.albums.curate import Settings, curate, distinct
from mystyle.albums.filters import Filters
from mystyle.albums.folder import AlbumError
from mystyle.albums.sheets import caption, captioned_sheets
from mystyle.types import to_uint8


@pytest.fixture
def drawn():
    """Asks for contact sheets, which take longer than everything else of a small album."""


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("mystyle.albums.curate.draw_sheets", lambda *arguments: None)


@pytest.fixture
def album(tmp_path):
    made = MadeUp(tmp_path / "album")
    made.add("alice", 12)
    return made


def curated(album, out, settings=SETTINGS, **more):
    return curate(album.folder, out, album, RECOGNISER, settings, **more)


def refused(album, out, *parts, **more):
    before = sorted(out.parent.iterdir())
    with pytest.raises(AlbumError) as error:
        curated(album, out, **more)
    assert all(part in str(error.value) for part in parts), error.value
    assert sorted(out.parent.iterdir()) == before  # nothing was written
    return str(error.value)


def reasons_of(made):
    return {record.source: record.reason for record in made.records if record.reason}


def test_a_person_is_what_the_benchmark_reads(album, tmp_path, drawn):
    made = curated(album, tmp_path / "alice")
    assert made.made_now and len(made.kept) == 12 and made.summary == "12 of 12 kept (9 train, 3 test); rejected: none"
    train, test = (read_portraits(made.folder, split, RESOLUTION) for split in ("train", "test"))
    assert train.person == "alice" and (len(train), len(test)) == (9, 3) and train.parameters == {}
    assert sorted(p.name for p in made.folder.iterdir()) == [
        "README.md", "kept.png", "manifest.csv", "manifest.json", "test", "train",
    ]  # fmt: skip
    with (made.folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    hashes = zip(train.files + test.files, train.hashes + test.hashes, strict=True)
    assert {row["file"]: row["sha256"] for row in rows} == dict(hashes)
    assert {row["identity"] for row in rows} == {"alice"}


def test_a_portrait_is_the_aligned_face(album, tmp_path):
    """The template's square is that of the pixels up to 3 %; noise of cells of 8 pixels tells a shift by one."""
    made = curated(album, tmp_path / "alice")
    portraits = read_portraits(made.folder, "train", RESOLUTION)
    for file, image in zip(portraits.files, to_uint8(portraits.images), strict=True):
        pixels = noise("alice", int(file.split("_")[1][:2]))
        expected = PIL.Image.fromarray(pixels).resize((RESOLUTION, RESOLUTION), PIL.Image.Resampling.LANCZOS)
        found = image.permute(1, 2, 0).numpy().astype(float)
        assert np.corrcoef(found[2:-2, 2:-2].ravel(), np.asarray(expected, float)[2:-2, 2:-2].ravel())[0, 1] > 0.9


def test_the_manifest_has_every_file(album, tmp_path):
    (album.folder / "notes.txt").write_text("no photo")
    made = curated(album, tmp_path / "alice")
    content = json.loads((made.folder / "manifest.json").read_text())
    assert len(content["photos"]) == 13 and content["versions"]["mystyle"]
    assert content["made_of"]["settings"]["filters"]["least_pixels"] == 32
    assert content["made_of"]["recogniser"] == {"name": "colour", "sha256": "0" * 64, "threshold": 0.6}
    photo = content["photos"][0]
    digest = hashlib.sha256((album.folder / "alice_00.png").read_bytes()).hexdigest()
    assert (photo["source"], photo["sha256"], photo["reason"]) == ("alice_00.png", digest, "")
    np.testing.assert_allclose(photo["points"], [12, 8] + SIDE * TEMPLATE, atol=0.01)
    assert set(photo["measured"]) == {"side", "probability", "outside", "yaw", "pitch", "blur", "grey"}
    assert photo["file"] in {f"{photo['split']}/alice_00.png"} and photo["cosine"] > 0.6
    assert content["photos"][-1]["reason"].startswith("no photo")
    card = (made.folder / "README.md").read_text()
    assert "consent" in card and "licence" in card and "12 events" in card


def test_the_origin_is_written_into_the_card(album, tmp_path):
    made = curated(album, tmp_path / "alice", origin="From the attic {of} everybody.")
    assert "From the attic {of} everybody." in (made.folder / "README.md").read_text()


def test_the_album_is_left_as_it_is(album, tmp_path):
    before = {path.name: path.read_bytes() for path in album.folder.iterdir()}
    curated(album, tmp_path / "alice")
    assert {path.name: path.read_bytes() for path in album.folder.iterdir()} == before


def test_the_same_again_does_nothing_and_gives_the_same_elsewhere(album, tmp_path, drawn):
    made = curated(album, tmp_path / "one/alice")
    stamp = (made.folder / "manifest.json").stat().st_mtime_ns
    again = curated(album, tmp_path / "one/alice")
    assert not again.made_now and again.records == made.records
    assert (made.folder / "manifest.json").stat().st_mtime_ns == stamp
    other = curated(album, tmp_path / "two/alice")
    for path in made.folder.rglob("*.*"):
        assert path.read_bytes() == (other.folder / path.relative_to(made.folder)).read_bytes()


def test_the_seed_decides_the_split(album, tmp_path):
    held = set()
    for seed in range(4):
        made = curated(album, tmp_path / f"{seed}", replace(SETTINGS, seed=seed))
        held.add(tuple(record.source for record in made.records if record.split == "test"))
    assert len(held) == 4 and {len(sources) for sources in held} == {3}


def reduced(pixels, factor):
    small = PIL.Image.fromarray(pixels).resize((SIDE // factor, SIDE // factor), PIL.Image.Resampling.BOX)
    return np.asarray(small.resize((SIDE, SIDE), PIL.Image.Resampling.BICUBIC))


def test_every_rejection_has_its_reason(album, tmp_path, drawn):
    """One photo of each kind beside twelve good ones."""
    a, b, c, d, e, f, g = (noise("alice", seed) for seed in range(50, 57))
    grey = np.repeat(g.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    album.photo("cut.png", (a, face_at(-20, 8)))
    album.photo("small.png", (b[:24, :24], face_at(12, 8, 24)))
    album.photo("hidden.png", (c, face_at(12, 8, probability=0.8)))
    album.photo("aside.png", (d, face_at(12, 8, nose=(0.2, 0))))
    album.photo("up.png", (e, face_at(12, 8, nose=(0, -0.15))))
    album.photo("blurred.png", (reduced(f, 16), face_at(12, 8)))
    album.photo("grey.png", (grey, face_at(12, 8)))
    album.photo("nobody.png")
    album.photo("bob.png", (noise("bob", 0), face_at(12, 8)))
    album.photo("copy.png", (noise("alice", 3), face_at(12, 8)))
    (album.folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (album.folder / "clip.mov").write_bytes(b"no photo")
    (album.folder / "phone.HEIC").write_bytes(b"no photo")
    PIL.Image.new("RGBA", (40, 40), (9, 9, 9, 100)).save(album.folder / "clear.png")
    settings = replace(SETTINGS, filters=Filters(least_pixels=32, most_blur=0.65, keep_grey=False))
    made = curated(album, tmp_path / "alice", settings)
    expected = {
        "cut.png": "cut off: 4",
        "small.png": "too small: 23 pixels, 32 wanted",
        "hidden.png": "hardly a face, or a hidden one: probability 0.800",
        "aside.png": "turned away: yaw",
        "up.png": "turned up or down: pitch",
        "blurred.png": "blurred: 0.",
        "grey.png": "grey",
        "nobody.png": "no face found",
        "bob.png": "unlike the person: cosine -0.",
        "copy.png": "near-duplicate: of alice_03.png (1.00)",
        "broken.jpg": "unreadable: cannot be decoded",
        "clip.mov": "no photo: the suffix is none of",
        "phone.HEIC": "HEIC without pillow-heif: pip install pillow-heif",
        "clear.png": "unreadable: has transparent pixels",
    }
    reasons = reasons_of(made)
    assert reasons.keys() == expected.keys()
    for source, reason in expected.items():
        assert reasons[source].startswith(reason), (source, reasons[source])
    assert len(made.kept) == 12 and (made.folder / "rejected.png").is_file()
    assert "1 blurred" in made.summary and "12 of 26 kept" in made.summary


def test_grey_photos_are_kept_unless_told_otherwise(tmp_path):
    """A recogniser of tints knows no grey: here one that takes everybody for the same."""
    album, person = MadeUp(tmp_path / "album"), replace(RECOGNISER, embed=lambda x: x.new_ones(len(x), 1))
    for i in range(4):
        grey = np.repeat(noise("alice", i)[..., :1], 3, axis=2)
        path = album.photo(f"{i}.png", (grey, face_at(12, 8)))
        PIL.Image.open(path).convert("L").save(path)
    made = curate(album.folder, tmp_path / "out", album, person, replace(SETTINGS, test=0))
    assert len(made.kept) == 4 and all(record.measured["grey"] for record in made.records)


def test_the_person_is_found_beside_a_larger_companion(album, tmp_path):
    for i in range(3):
        faces = (noise("alice", 80 + i, 40), face_at(4, 10, 40)), (noise("bob", i, 60), face_at(60, 2, 60))
        album.photo(f"both_{i}.png", *faces, width=140)
    made = curated(album, tmp_path / "alice")
    assert len(made.kept) == 15
    both = [record for record in made.records if record.source.startswith("both")]
    assert all(record.points[0][0] < 40 for record in both)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_photos_are_turned_upright_first(tmp_path, orientation):
    """The camera's turn is undone: the detector, which knows upright photos alone, finds the faces."""
    album, exif = MadeUp(tmp_path / "album"), PIL.Image.Exif()
    exif[0x0112] = orientation
    turn = {3: PIL.Image.Transpose.ROTATE_180, 6: PIL.Image.Transpose.ROTATE_90, 8: PIL.Image.Transpose.ROTATE_270}
    album.add("alice", 4)
    for path in album.folder.iterdir():
        PIL.Image.open(path).transpose(turn[orientation]).save(path, exif=exif)
    assert len(curated(album, tmp_path / "out", replace(SETTINGS, test=0)).kept) == 4


def test_photos_taken_together_stay_together(album, tmp_path):
    """All of one afternoon but three: those are the test photos, whatever the seed."""
    for i, path in enumerate(sorted(album.folder.iterdir())):
        exif, minutes = PIL.Image.Exif(), 20 * i if i < 9 else 60 * i
        exif[0x8769] = {36867: f"2021:06:01 {8 + minutes // 60:02d}:{minutes % 60:02d}:00"}  # when it was taken
        PIL.Image.open(path).save(path, exif=exif)
    for seed in range(3):
        made = curated(album, tmp_path / str(seed), replace(SETTINGS, seed=seed))
        test = [record.source for record in made.records if record.split == "test"]
        assert test == ["alice_09.png", "alice_10.png", "alice_11.png"]
        assert len({record.event for record in made.records}) == 4


def test_an_example_chooses_the_person(album, tmp_path):
    album.add("bob", 10)
    refused(album, tmp_path / "out", "no one person", "22 photos", "--example")
    example = MadeUp(tmp_path / "example", album.known).photo("bob.png", (noise("bob", 99), face_at(12, 8)))
    made = curated(album, tmp_path / "bob", example=example)
    assert {record.source[:3] for record in made.kept} == {"bob"} and len(made.kept) == 10


def test_an_example_that_does_not_help_is_named(album, tmp_path):
    examples = MadeUp(tmp_path / "example", album.known)
    carol = examples.photo("carol.png", (noise("carol", 0), face_at(12, 8)))
    refused(album, tmp_path / "out", "the person of the example is not in the album", example=carol)
    refused(album, tmp_path / "out", "nobody.png: no face found", example=examples.photo("nobody.png"))
    (tmp_path / "text.png").write_text("no photo")
    refused(album, tmp_path / "out", "text.png: unreadable", example=tmp_path / "text.png")
    refused(album, tmp_path / "out", "no such file", example=tmp_path / "none.png")


def test_albums_that_make_nobody(tmp_path):
    album = MadeUp(tmp_path / "album")
    refused(album, tmp_path / "out", "is no folder of photos")
    album.folder.mkdir()
    (album.folder / "notes.txt").write_text("no photo")
    (album.folder / "inner").mkdir()
    refused(album, tmp_path / "out", "holds no photo", "1 folders, which are not searched")
    album.add("alice", 1)
    refused(album, tmp_path / "out", "one photo only")
    album.photo("nobody.png")
    album.photo("alice_copy.png", (noise("alice", 0), face_at(12, 8)))
    refused(album, tmp_path / "out", "1 of 4 files is left", "1 near-duplicate", "1 no face found")
    faceless = MadeUp(tmp_path / "faceless")
    for i in range(3):
        faceless.photo(f"{i}.png")
    refused(faceless, tmp_path / "out", "no usable face in any of 3 files: 3 no face found")


def test_too_few_events_to_split_are_told(tmp_path):
    album = MadeUp(tmp_path / "album")
    album.add("alice", 2)
    refused(album, tmp_path / "out", "--test 3: 2 photos of 2 events are too few", "--test 0")
    assert len(curated(album, tmp_path / "out", replace(SETTINGS, test=0)).kept) == 2


def test_nothing_is_replaced(album, tmp_path):
    (out := tmp_path / "out").mkdir()
    (out / "letter.txt").write_text("dear")
    refused(album, out, "--out", "holds something else")
    (file := tmp_path / "file").write_text("dear")
    refused(album, file, "is no folder")
    refused(album, album.folder, "is in the album")
    refused(album, album.folder / "out", "is in the album")
    (link := tmp_path / "link").symlink_to(album.folder)
    refused(album, link / "out", "is in the album")
    made = curated(album, tmp_path / "alice")
    refused(album, made.folder, "other photos or settings", settings=replace(SETTINGS, seed=1))
    next(made.folder.glob("train/*")).unlink()
    refused(album, made.folder, "is missing")
    for damage in ("{", "[]", '{"made_of": 1, "photos": [{}]}'):
        (made.folder / "manifest.json").write_text(damage)
        refused(album, made.folder, "manifest.json: is damaged")


def test_an_empty_folder_is_taken(album, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    made = curated(album, Path("."))
    assert len(made.kept) == 12 and made.folder == tmp_path / "out"
    assert len(read_portraits(made.folder, "train", RESOLUTION)) == 9


def test_nothing_is_left_of_what_fails(album, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mystyle.albums.curate.write_tables", full)
    with pytest.raises(OSError, match="No space"):
        curated(album, tmp_path / "alice")
    assert [path.name for path in tmp_path.iterdir()] == ["album"]


def test_files_that_cannot_be_read_are_named(album, tmp_path):
    os.mkfifo(album.folder / "pipe.png")
    (album.folder / "gone.png").symlink_to("nowhere")
    made = curated(album, tmp_path / "alice")
    assert reasons_of(made) == {
        "gone.png": "cannot be read: No such file or directory",
        "pipe.png": "cannot be read: not a regular file",
    }


def test_hidden_files_and_folders_are_no_photos(album, tmp_path):
    (album.folder / ".hidden.png").write_text("no photo")
    (album.folder / "inner.png").mkdir()
    assert len(curated(album, tmp_path / "alice").records) == 12


def test_a_face_whose_points_coincide_is_none(album, tmp_path):
    face = face_at(12, 8)
    album.photo("point.png", (noise("alice", 60), replace(face, points=face.points)))
    odd = replace(face, points=np.ones((5, 2)))
    album.known[np.asarray(PIL.Image.open(album.folder / "point.png")).tobytes()] = (odd,)
    assert reasons_of(curated(album, tmp_path / "alice")) == {"point.png": "hardly a face: eyes and mouth coincide"}


def test_names_are_made_distinct(album, tmp_path):
    PIL.Image.open(album.folder / "alice_00.png").save(album.folder / "alice_00.webp", lossless=True)
    album.photo("ALICE_01.webp", (noise("alice", 70), face_at(12, 8)), lossless=True)
    made = curated(album, tmp_path / "alice", replace(SETTINGS, duplicate=1.0, test=0))
    names = [record.file.casefold() for record in made.kept]
    assert len(set(names)) == len(names) >= 13
    assert distinct(["a", "A", "a_2", "b", "a"]) == ["a", "A_3", "a_2", "b", "a_4"]


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes")
def test_names_that_are_no_utf8_and_names_that_are_long(album, tmp_path):
    path = album.photo("odd.png", (noise("alice", 71), face_at(12, 8)))
    path.rename(album.folder / os.fsdecode(b"od\xffd.png"))
    path = album.photo("long.png", (noise("alice", 72), face_at(12, 8)))
    path.rename(album.folder / f"{'ä' * 124}.png")
    made = curated(album, tmp_path / "alice")
    assert len(made.kept) == 14 and not curated(album, tmp_path / "alice").made_now
    assert all(len(path.name.encode()) < 230 for path in made.folder.rglob("*"))


@pytest.mark.parametrize(
    "change",
    [dict(resolution=4), dict(duplicate=0), dict(event=1.5), dict(event_minutes=-1), dict(seed=-1), dict(test=1.5)],
)
def test_settings_out_of_range_are_named(change):
    with pytest.raises(ValueError, match=f"--{next(iter(change))} "):
        Settings(**change)


def test_captions_are_short_lines():
    assert caption("a" * 40 + ".jpg", "unlike the person: cosine 0.12") == [
        "aaaaaaaaaa…aaaaaaa.jpg", "unlike the person:", "cosine 0.12",
    ]  # fmt: skip
    assert len(caption("a\x1b.jpg", "word " * 60)) == 4


def test_sheets_have_a_cell_for_each_image(tmp_path, monkeypatch):
    monkeypatch.setattr("mystyle.albums.sheets.ROWS", 2)
    previews = [np.full((128, 128, 3), 10, np.uint8)] * 17
    captioned_sheets(tmp_path, "kept", previews, [("$a_b$.jpg", "blurred: 0.7")] * 17)
    first, second = (PIL.Image.open(tmp_path / name) for name in ("kept.png", "kept_2.png"))
    assert first.width == 8 * 128 and second.width == 128 and first.height == 2 * second.height
    cell = np.asarray(second.convert("L"))
    assert (cell[:128] == 10).all() and (cell[128:] < 200).any() and (cell[-2:] == 255).all()
    captioned_sheets(tmp_path, "rejected", [], [])
    assert not (tmp_path / "rejected.png").exists()
