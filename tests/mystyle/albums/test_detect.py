"""MTCNN on rendered people: where their faces are, at any size, alone and together; nothing where there is none."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
import torch

from datasets.synthetic.parameters import album_scores, person_scores, values
from datasets.synthetic.renderer import render
from mystyle.albums.align import crop_of
from mystyle.albums.detect import LONGEST, Face, Mtcnn, batches, fitted
from mystyle.albums.filters import Filters, geometric_fault, geometry_of
from mystyle.albums.raw import is_raw
from mystyle.types import to_uint8

COUNT, SIDE = 4, 128


@pytest.fixture(scope="module")
def people():
    """Rendered portraits, uint8 [n, 128, 128, 3], and their yaw in degrees."""
    draws = torch.Generator().manual_seed(0)
    scores = torch.cat([album_scores(*person_scores(draws), 2, draws) for _ in range(COUNT // 2)])
    return to_uint8(render(scores, SIDE)).permute(0, 2, 3, 1).numpy(), values(scores)["yaw"].numpy()


@pytest.fixture(scope="module")
def detect():
    return Mtcnn()


@pytest.fixture(scope="module")
def found(people, detect):
    return [faces[0] for faces in detect(list(people[0]))]


def test_the_square_of_an_aligned_face_is_the_image(found):
    """The renderer aligns as FFHQ does, by the true points; the detector's are off by some pixels in 128."""
    for face in found:
        assert face.probability > 0.95
        assert np.abs(crop_of(face.points).corners - [[0, 0], [0, SIDE], [SIDE, SIDE], [SIDE, 0]]).max() < 0.12 * SIDE


def test_yaw_is_read_with_its_sign(people, found):
    read = [geometry_of(face, crop_of(face.points), SIDE, SIDE).yaw for face in found]
    assert np.corrcoef(read, people[1])[0, 1] > 0.9  # 0.99 over 160 portraits
    assert np.abs(np.subtract(read, people[1])).max() < 12
    limits = Filters(least_pixels=64)
    assert not any(geometric_fault(geometry_of(f, crop_of(f.points), SIDE, SIDE), limits) for f in found)


def test_photos_alone_and_together_give_the_same(people, detect, found):
    """Up to the order of sums in convolutions of other batch sizes."""
    for image, face in zip(people[0][:2], found, strict=False):
        ((alone, *_),) = detect([image])
        np.testing.assert_allclose(alone.points, face.points, atol=0.05)


def test_huge_photos_are_reduced_and_mapped_back(people, found):
    """A photo 2000 pixels wide is reduced to 1280, where its face is as large as before: the same points, scaled."""
    scale, left, top = 2000 / LONGEST, 300, 250
    small = np.full((800, LONGEST, 3), 90, np.uint8)
    small[top : top + SIDE, left : left + SIDE] = people[0][0]
    photo = np.asarray(PIL.Image.fromarray(small).resize((2000, 1250), PIL.Image.Resampling.BICUBIC))
    ((face, *_),) = Mtcnn(least=60)([photo])
    np.testing.assert_allclose(face.points / scale, found[0].points + np.array([left, top]), atol=4)
    assert len(Mtcnn(least=400)([photo])[0]) == 0  # smaller faces are not looked for


@pytest.mark.parametrize("shape", [(1, 1), (10, 900), (3000, 21), (64, 64), (19, 300)])
def test_photos_without_faces(detect, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert detect([np.zeros_like(noise), noise]) == [(), ()]


def test_no_photos(detect):
    assert detect([]) == []


def test_batches_are_of_one_size():
    shapes = [(10, 20, 3), (20, 10, 3)] * 10
    found = batches(shapes)
    assert sorted(i for batch in found for i in batch) == list(range(20)) and max(map(len, found)) <= 8
    assert all(len({shapes[i] for i in batch}) == 1 for batch in found)


def test_faces_are_placed_alike_whatever_photos_come_along(monkeypatch):
    """A small and a large photo that are reduced to one size have scales of their own."""
    detect = Mtcnn()

    class Centre:
        min_face_size = 0

        def detect(self, images, landmarks):
            n, (width, height) = len(images), images[0].size
            box = np.array([[width / 4, height / 4, width / 2, height / 2]])
            return [box] * n, [np.array([0.99])] * n, [np.full((1, 5, 2), width / 3)] * n

    detect.network = Centre()
    photos = [np.zeros((960, 1280, 3), np.uint8), np.zeros((1920, 2560, 3), np.uint8)]
    together = [faces[0].box for faces in detect(photos)]
    assert together == [detect([photo])[0][0].box for photo in photos]
    assert together[1] == tuple(2 * x for x in together[0])


def test_reduction_keeps_what_fits():
    photo = np.zeros((300, 200, 3), np.uint8)
    assert fitted(photo, 300) is photo and fitted(photo, 150).shape == (150, 100, 3)
    assert fitted(np.zeros((5, 9000, 3), np.uint8), 1280).shape == (1, 1280, 3)


def test_aligned_portraits_are_told_from_raw_photos(tmp_path, people, detect, found):
    def written(name, images):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            PIL.Image.fromarray(image).save(tmp_path / name / f"{i}.png")
        return tmp_path / name

    aligned = written("aligned", people[0])
    assert not is_raw(aligned, SIDE, detect) and is_raw(aligned, 2 * SIDE, detect)
    (aligned / "notes.txt").write_text("no photo")
    (aligned / "damaged.png").write_text("no photo")
    assert not is_raw(aligned, SIDE, detect)
    assert is_raw(written("wide", [people[0][0][:100]]), 64, detect)
    framed = [np.pad(image, ((64, 64), (64, 64), (0, 0)), mode="edge") for image in people[0][:3]]
    assert is_raw(written("framed", framed), SIDE, detect)
    assert not is_raw(written("none", []), SIDE, detect)
    (tmp_path / "none/a.HEIC").touch()
    assert is_raw(tmp_path / "none", SIDE, detect)


def test_faces_have_an_area():
    assert Face((1, 2, 4, 8), np.zeros((5, 2)), 1.0).area == 18
