"""Photos beyond the domain: turned heads and covered faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.api.task import Inapplicable, Person
from benchmarks.tasks.hard_photos import CENTRE, RADII, YAW, HardPhotos, covered
from datasets.folders import Photo
from datasets.synthetic.parameters import values
from datasets.synthetic.people import fresh_scores
from datasets.synthetic.renderer import render, render_values
from mystyle.types import Portraits, from_uint8, to_uint8

R = 48
FILES = ("test/0.png", "test/1.png")
PERSON = Person("p05", Path(), (), tuple(Photo(Path(), file, "", {}) for file in FILES))


@pytest.fixture(scope="module")
def photos():
    scores = fresh_scores("p05", 2, seed=1)
    return Portraits("p05", from_uint8(to_uint8(render(scores, R))), FILES, FILES, values(scores))


def problem_of(kind, photos):
    task = HardPhotos(kind)
    return task.problem(photos, [task.case(PERSON, i, 0) for i in range(2)])


def test_ordinary_photos_are_what_they_are(photos):
    assert torch.equal(problem_of("ordinary", photos).clean, photos.images)


def test_heads_are_turned_to_the_side_to_which_they_look_and_nothing_else_changes(photos):
    sides = photos.parameters["yaw"].sign()
    truth = render_values({**photos.parameters, "yaw": sides * YAW}, R)
    found = problem_of("turned", photos)
    torch.testing.assert_close(found.clean, truth, rtol=0, atol=1 / 255 + 1e-6)  # half of an 8-bit step, and clipping
    assert torch.equal(found.degraded, found.clean) and not torch.equal(found.clean, photos.images)


def test_photographs_cannot_be_turned(photos):
    with pytest.raises(Inapplicable, match="only rendered people"):
        problem_of("turned", replace(photos, parameters={}))


def test_a_cover_is_of_one_colour_where_the_mouth_is_and_leaves_the_rest():
    images = torch.full((2, 3, 100, 100), -1.0)
    found = covered(images, [1, 2])
    x, y = (round(100 * place) for place in CENTRE)
    assert (found[:, :, y, x] != -1).any(dim=1).all() and not torch.equal(found[0], found[1]), "a colour for each seed"
    inside = (found != -1).any(dim=1).float().mean(dim=(1, 2))
    area = torch.pi * RADII[0] * RADII[1]
    assert ((inside - area).abs() < 0.02).all(), "its edge of a pixel is 1.3 % of the image"
    assert (found[:, :, :50] == -1).all(), "eyes are seen"
    assert torch.equal(covered(images, [1, 2]), found)


def test_render_is_render_values_of_its_scores(photos):
    scores = fresh_scores("p03", 1, seed=2)
    assert torch.equal(render(scores, 16), render_values(values(scores), 16))
