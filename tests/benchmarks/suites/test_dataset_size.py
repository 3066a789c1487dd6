"""Subsets of the reference photos that are chosen for how much they vary."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmarks.api.task import Person
from benchmarks.suites.dataset_size import SUITE, contrasting, parts, thumbnail
from datasets.folders import Photo


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """Twenty photos of one grey each, from black to white."""
    folder = tmp_path_factory.mktemp("person")
    (folder / "train").mkdir()
    for i in range(20):
        Image.new("RGB", (32, 32), (12 * i,) * 3).save(folder / f"train/{i:02d}.png")
    photos = [
        Photo(folder / f"{split}/{i:02d}.png", f"{split}/{i:02d}.png", "", {})
        for split, n in (("train", 20), ("test", 3))
        for i in range(n)
    ]
    return Person("grey", folder, tuple(photos[:20]), tuple(photos[20:]))


def greys(person, files):
    return [int(np.asarray(Image.open(person.folder / file))[0, 0, 0]) // 12 for file in files]


@pytest.mark.parametrize("seed", range(5))
def test_alike_are_neighbours_and_varied_span_everything(person, seed):
    found = contrasting(person, 5, seed)
    alike, varied = greys(person, found["alike"]), greys(person, found["varied"])
    assert alike == list(range(alike[0], alike[0] + 5))
    assert varied[-1] - varied[0] >= 15 and min(np.diff(varied)) >= 3
    assert contrasting(person, 5, seed) == found


def test_a_thumbnail_is_the_mean_of_its_places(person):
    np.testing.assert_array_equal(thumbnail(person.folder / "train/03.png"), np.full(16 * 16 * 3, 36.0))


def test_both_are_conditions_for_all_who_have_enough_photos(person):
    settings = SUITE.presets["smoke"]
    assert [part.condition for part in parts(person, [person], settings, 0)] == ["10", "50", "alike", "varied"]
    few = Person("few", person.folder, person.train[:19], person.held_out)
    assert [part.condition for part in parts(few, [few], settings, 0)] == ["10", "50"]
