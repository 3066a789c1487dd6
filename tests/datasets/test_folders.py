"""The reader of person folders: what it reads, and what it reports when it cannot."""

from __future__ import annotations

import csv
import hashlib
import os

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.folders import DataError, check, describe, read_portraits
from mystyle.types import to_uint8


def write_manifest(folder, rows):
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "sha256", "split", "identity", "yaw", "smile"])
        writer.writeheader()
        writer.writerows(rows)


def manifest_rows(folder):
    return [
        {
            "file": f"{path.parent.name}/{path.name}",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "split": path.parent.name,
            "identity": folder.name,
            "yaw": i,
            "smile": 0.5,
        }
        for i, path in enumerate(sorted(folder.glob("*/*.png")))
    ]


@pytest.fixture
def alice(tmp_path, draw_person):
    return draw_person(tmp_path, "alice", train=4, test=2)


def problems_of(folder, split="train", resolution=32):
    with pytest.raises(DataError) as raised:
        read_portraits(folder, split, resolution)
    return str(raised.value)


def test_photos_are_read_bit_for_bit_in_sorted_order(alice):
    portraits = read_portraits(alice, "train", 32)
    assert portraits.person == "alice" and len(portraits) == 4
    assert portraits.files == tuple(f"train/{i:03d}.png" for i in range(4))
    assert portraits.images.dtype == torch.float32 and portraits.images.shape == (4, 3, 32, 32)
    for file, digest, image in zip(portraits.files, portraits.hashes, to_uint8(portraits.images), strict=True):
        assert digest == hashlib.sha256((alice / file).read_bytes()).hexdigest()
        assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(Image.open(alice / file)))
    assert portraits.parameters == {}


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_any_colour_mode_becomes_rgb(alice, mode):
    Image.open(alice / "train/000.png").convert(mode).save(alice / "train/000.png")
    assert read_portraits(alice, "train", 32).images.shape == (4, 3, 32, 32)


def test_all_suffixes_are_taken_and_other_files_are_not(alice):
    image = Image.open(alice / "train/000.png")
    for name in ("b.jpg", "c.jpeg", "d.webp", "E.PNG"):
        image.save(alice / "train" / name)
    for name in ("notes.txt", ".hidden.png"):
        (alice / "train" / name).write_text("no photo")
    assert len(read_portraits(alice, "train", 32)) == 8


def test_the_manifest_gives_the_true_parameters(alice):
    write_manifest(alice, manifest_rows(alice))
    portraits = read_portraits(alice, "test", 32)
    assert set(portraits.parameters) == {"yaw", "smile"}
    assert portraits.parameters["yaw"].tolist() == [0.0, 1.0]


def test_describe_and_check_agree_with_what_is_read(alice):
    portraits = read_portraits(alice, "train", 32)
    for photos in (describe(alice, "train"), check(alice, "train", 32)):
        assert tuple(photo.file for photo in photos) == portraits.files
        assert tuple(photo.sha256 for photo in photos) == portraits.hashes


def test_describe_does_not_decode(alice):
    (alice / "train/001.png").write_bytes(b"not an image")
    assert len(describe(alice, "train")) == 4


def test_photos_known_to_be_good_are_not_decoded_again(alice):
    (alice / "train/001.png").write_bytes(b"not an image")
    digest = hashlib.sha256(b"not an image").hexdigest()
    assert len(check(alice, "train", 32, known_good={digest})) == 4


def test_wrong_size_names_file_found_and_needed(alice):
    Image.new("RGB", (40, 32)).save(alice / "train/002.png")
    message = problems_of(alice)
    assert "002.png is 40x32 pixels, this domain needs 32x32" in message and "align and resize" in message


@pytest.mark.parametrize("damage", [b"", b"not an image", "truncated"])
def test_a_damaged_photo_is_named(alice, damage):
    path = alice / "train/001.png"
    path.write_bytes(path.read_bytes()[:-40] if damage == "truncated" else damage)
    assert "001.png cannot be decoded" in problems_of(alice)


def test_every_problem_is_in_one_message(alice):
    write_manifest(alice, manifest_rows(alice))
    Image.new("RGB", (8, 8)).save(alice / "train/000.png")  # wrong size, and not the hash of the manifest
    (alice / "train/001.png").write_bytes(b"broken")
    (alice / "train/002.png").unlink()
    Image.new("RGB", (32, 32)).save(alice / "train/new.png")
    message = problems_of(alice)
    for part in (
        "000.png is not the file that manifest.csv describes",
        "000.png is 8x8",
        "001.png cannot be decoded",
        "002.png is listed in manifest.csv but missing",
        "new.png is not in manifest.csv",
    ):
        assert part in message
    assert len(message.splitlines()) == 6  # one line each; 001.png also has another hash


def test_a_changed_byte_is_found_by_the_manifest(alice):
    write_manifest(alice, manifest_rows(alice))
    image = np.asarray(Image.open(alice / "test/000.png")).copy()
    image[0, 0, 0] ^= 1
    Image.fromarray(image).save(alice / "test/000.png")
    assert "000.png is not the file" in problems_of(alice, "test")
    read_portraits(alice, "train", 32)  # the other split has no problem


def test_a_broken_manifest_is_named(alice):
    (alice / "manifest.csv").write_text("file;sha256\n1;2\n")
    assert "manifest.csv cannot be read" in problems_of(alice)


def test_no_folder_and_no_photo(tmp_path, alice):
    assert "there is no folder" in problems_of(tmp_path / "nobody")
    for path in (alice / "test").iterdir():
        path.unlink()
    assert "holds no photo" in problems_of(alice, "test")


def test_two_photos_of_one_name(alice):
    Image.open(alice / "train/000.png").save(alice / "train/000.jpg")
    assert "2 photos named 000" in problems_of(alice)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_unreadable_photo_is_named(alice):
    (alice / "train/000.png").chmod(0)
    assert "000.png cannot be read" in problems_of(alice)


def test_unknown_split(alice):
    with pytest.raises(ValueError, match="train, test"):
        read_portraits(alice, "val", 32)


def test_what_is_no_regular_file_is_named_and_not_waited_for(alice):
    os.mkfifo(alice / "train/pipe.png")
    (alice / "train/device.png").symlink_to("/dev/zero")
    message = problems_of(alice)
    assert "pipe.png cannot be read (not a regular file)" in message
    assert "device.png cannot be read (not a regular file)" in message


def test_sixteen_bits_of_grey_are_scaled(alice):
    values = np.full((32, 32), 257 * 100, dtype=np.uint16)
    Image.fromarray(values).save(alice / "train/000.png")
    assert np.unique(to_uint8(read_portraits(alice, "train", 32).images[:1])).tolist() == [100]
