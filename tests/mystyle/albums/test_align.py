"""FFHQ's square and its pixels: the published formula, equivariance, exact copies, no aliasing, reflection."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_album import TEMPLATE

from mystyle.albums.align import Crop, crop_of, cut, portrait, reflected

RNG = np.random.default_rng(0)
coordinates = st.floats(-0.1, 0.1)
faces = st.lists(coordinates, min_size=10, max_size=10).map(lambda x: 100 * (TEMPLATE + np.reshape(x, (5, 2))))


def complex_square(points: np.ndarray) -> np.ndarray:
    """FFHQ's formula in complex numbers, an independent oracle: [4] corners as z = x + i y, y down."""
    z = points @ [1, 1j]
    eyes, mouth = (z[0] + z[1]) / 2, (z[3] + z[4]) / 2
    between, down = z[1] - z[0], mouth - eyes
    right = between - 1j * down  # the script's flip and sign, which turn the second distance onto the first
    right *= max(2.0 * abs(between), 1.8 * abs(down)) / abs(right)
    return eyes + 0.1 * down + right * np.array([-1 - 1j, -1 + 1j, 1 + 1j, 1 - 1j])


@given(faces)
def test_the_square_is_ffhqs(points):
    expected = complex_square(points)
    np.testing.assert_allclose(crop_of(points).corners @ [1, 1j], expected, atol=1e-9)


def test_a_frontal_face_has_its_own_square():
    corners = crop_of(TEMPLATE).corners
    np.testing.assert_allclose(corners, [[0, 0], [0, 1], [1, 1], [1, 0]], atol=0.02)  # the template is a mean of faces


@given(faces, st.floats(0, 6.3), st.floats(0.1, 10), st.floats(-500, 500), st.floats(-500, 500))
def test_the_square_moves_with_the_face(points, angle, scale, x, y):
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = crop_of(points @ turn.T + (x, y))
    np.testing.assert_allclose(moved.corners, crop_of(points).corners @ turn.T + (x, y), atol=1e-6 * scale + 1e-8)


def test_points_in_one_place_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        crop_of(np.ones((5, 2)))


def square(left: float, top: float, side: float) -> Crop:
    return Crop(np.array([left + side / 2, top + side / 2]), np.array([side / 2, 0.0]))


def test_a_square_of_whole_pixels_is_copied():
    photo = RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.testing.assert_array_equal(portrait(photo, square(7, 11, 32), 32), photo[11:43, 7:39])


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("side", [24, 32, 50, 150])
def test_a_turned_photo_gives_the_same_portrait(turns, side):
    """Pillow rounds to levels after each of at most three steps."""
    photo = RNG.integers(0, 256, (160, 200, 3), dtype=np.uint8)
    crop, turned = square(21, 5, side), np.ascontiguousarray(np.rot90(photo, turns))
    centre, right = crop.centre, crop.right
    for k in range(turns):  # counter-clockwise: (x, y) -> (y, width - x), the photo's width being 200 or 160 in turn
        centre = np.array([centre[1], (200, 160)[k % 2] - centre[0]])
        right = np.array([right[1], -right[0]])
    found = portrait(turned, Crop(centre, right), 32).astype(int)
    assert np.abs(found - portrait(photo, crop, 32)).max() <= 3


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.0])
@pytest.mark.parametrize("side", [20.0, 61.7, 333.0])
def test_a_linear_photo_stays_linear(angle, side):
    """Interpolation and antialiasing keep a plane, but for rounding to levels: twice, and once more where reduced."""
    y, x = np.mgrid[:600, :700] + 0.5
    plane = np.stack([x / 4, y / 4, (x + y) / 8], axis=-1)
    crop = Crop(np.array([330.0, 310.0]), side / 2 * np.array([np.cos(angle), np.sin(angle)]))
    steps = (np.arange(48) + 0.5) / 48
    places = crop.places(np.stack(np.meshgrid(steps, steps), axis=-1))
    expected = np.stack([places[..., 0] / 4, places[..., 1] / 4, places.sum(axis=-1) / 8], axis=-1)
    assert np.abs(portrait(plane.round().astype(np.uint8), crop, 48) - expected).max() < 2


def test_fine_patterns_become_grey_and_no_others():
    """A chessboard of single pixels, reduced 10 times at an angle, has no moiré."""
    board = np.repeat((255 * (np.indices((500, 500)).sum(axis=0) % 2)).astype(np.uint8)[..., None], 3, axis=2)
    found = portrait(board, Crop(np.array([250.0, 250.0]), 160 * np.array([np.cos(0.2), np.sin(0.2)])), 32)
    assert np.abs(found.astype(int) - 127.5).max() < 6


@given(st.integers(-30, 10), st.integers(1, 40), st.integers(1, 9))
def test_reflection_is_numpys(low, length, size):
    row, high = np.arange(size), low + length
    padded = np.pad(row, (max(0, -low), max(0, high - size)), mode="symmetric")
    start = low + max(0, -low)
    np.testing.assert_array_equal(reflected(low, high, size), padded[start : start + length])


def test_what_lies_outside_is_reflected():
    photo = RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    found = portrait(photo, square(-8, 4, 32), 32)
    np.testing.assert_array_equal(found[:, :8], found[:, 15:7:-1])
    np.testing.assert_array_equal(found[:, 8:], photo[4:36, :24])


def test_the_share_outside():
    assert square(4, 4, 32).outside(40, 40) == 0
    assert square(-8, 4, 32).outside(40, 40) == 0.25
    assert square(100, 100, 32).outside(40, 40) == 1


def test_only_the_part_of_the_square_is_touched():
    part, corner = cut(np.zeros((3000, 4000, 3), np.uint8), square(1000, 500, 100), 4)
    assert part.shape == (108, 108, 3) and corner.tolist() == [996, 496]


@pytest.mark.parametrize("resolution", [16, 64, 256])
def test_resolutions_agree(resolution):
    photo = np.asarray(PIL.Image.fromarray(RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((300, 300)))
    crop = Crop(np.array([150.0, 140.0]), np.array([100.0, 20.0]))
    coarse, fine = (
        np.asarray(PIL.Image.fromarray(portrait(photo, crop, r)).resize((16, 16), PIL.Image.Resampling.BOX), int)
        for r in (resolution, 512)
    )
    assert np.abs(coarse - fine).mean() < 4  # filters of different widths on cells of 25 pixels
