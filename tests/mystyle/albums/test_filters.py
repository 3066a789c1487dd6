"""Filters: every reason, the laws of pose and blur."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_album import face_at
from PIL import ImageFilter

from mystyle.albums.align import crop_of
from mystyle.albums.filters import (
    Filters,
    Geometry,
    Look,
    blur_of,
    geometric_fault,
    geometry_of,
    look_of,
    pose_of,
    visible_fault,
)

GOOD = Geometry(side=300, probability=1, outside=0, yaw=0, pitch=0)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (dict(side=255), "too small: 255 pixels, 256 wanted"),
        (dict(probability=0.5), "hardly a face, or a hidden one: probability 0.500"),
        (dict(outside=0.5), "cut off: 50% of the portrait"),
        (dict(yaw=-46), "turned away: yaw -46 degrees"),
        (dict(yaw=46), "turned away: yaw 46 degrees"),
        (dict(pitch=-41), "turned up or down: pitch -41 degrees"),
    ],
)
def test_every_geometric_reason(change, reason):
    assert geometric_fault(GOOD, Filters()) == ""
    assert geometric_fault(replace(GOOD, **change), Filters()).startswith(reason)


def test_the_reasons_that_are_seen():
    assert visible_fault(Look(0.5, True), Filters()) == ""
    assert visible_fault(Look(0.61, False), Filters()) == "blurred: 0.61"
    assert visible_fault(Look(0.5, True), Filters(keep_grey=False)) == "grey"


@pytest.mark.parametrize(
    "limits", [dict(least_pixels=-1), dict(most_yaw=math.inf), dict(most_blur=1.1), dict(least_probability=-0.1)]
)
def test_limits_out_of_range_are_named(limits):
    with pytest.raises(ValueError, match=f"--{next(iter(limits))} "):
        Filters(**limits)


noses = st.tuples(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15))


@given(noses, st.floats(-1, 1), st.floats(5, 500))
def test_pose_does_not_depend_on_size_place_and_roll(nose, angle, side):
    points = face_at(0, 0, 100, nose).points
    turn = side / 100 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points @ turn.T + (7, -3)
    np.testing.assert_allclose(pose_of(moved, crop_of(moved)), pose_of(points, crop_of(points)), atol=1e-6)


@given(noses)
def test_a_mirrored_face_looks_the_other_way(nose):
    points = face_at(0, 0, 100, nose).points
    mirrored = (points * (-1, 1))[[1, 0, 2, 4, 3]]
    (yaw, pitch), (other, same) = pose_of(points, crop_of(points)), pose_of(mirrored, crop_of(mirrored))
    assert other == pytest.approx(-yaw, abs=1e-6) and same == pytest.approx(pitch, abs=1e-6)


def test_the_signs_of_pose():
    right, up = (
        pose_of(f.points, crop_of(f.points)) for f in (face_at(0, 0, 99, (0.1, 0)), face_at(0, 0, 99, (0, -0.1)))
    )
    assert right[0] > 20 and abs(right[1]) < 3 and up[1] > 20 and abs(up[0]) < 1


def test_geometry_is_of_the_square():
    face = face_at(-25, 10, 100, probability=0.9)
    found = geometry_of(face, crop_of(face.points), 200, 150)
    assert found.side == pytest.approx(100, rel=0.03)  # the template is a mean of faces
    assert found.probability == 0.9 and found.outside == pytest.approx(0.25, abs=0.04)


OCTAVES = [RNG.integers(0, 256, (n, n, 3), dtype=np.uint8) for n in (4, 8, 16, 32, 64, 128, 256)]
PICTURE = PIL.Image.fromarray(
    np.mean([PIL.Image.fromarray(octave).resize((256, 256)) for octave in OCTAVES], axis=0).astype(np.uint8)
)  # as much contrast at every scale, as photographs have about


def test_blur_grows_with_blur():
    values = [blur_of(np.asarray(PICTURE.filter(ImageFilter.GaussianBlur(sigma)))) for sigma in (0, 1, 2, 4, 8)]
    assert values == sorted(values) and values[-1] - values[0] > 0.3


def test_blur_is_that_of_the_face_whatever_light_and_size():
    pixels = np.asarray(PICTURE)
    dark = (pixels // 2 + 20).astype(np.uint8)
    assert blur_of(dark) == pytest.approx(blur_of(pixels), abs=0.01)  # rounding to levels
    framed = np.asarray(PICTURE.filter(ImageFilter.GaussianBlur(9))).copy()
    framed[48:240, 40:216] = pixels[48:240, 40:216]
    assert blur_of(framed) == pytest.approx(blur_of(pixels), abs=0.02)  # edges of the two filters
    assert blur_of(np.full((64, 64, 3), 7, np.uint8)) == 1.0  # nothing to be seen


def test_grey_is_a_matter_of_the_channels():
    grey = np.repeat(RNG.integers(0, 256, (32, 32, 1), dtype=np.uint8), 3, axis=2)
    assert look_of(grey).grey and not look_of(np.asarray(PICTURE)).grey
