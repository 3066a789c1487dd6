"""Chips of faces: resampling against PyTorch's own, similarities against Umeyama's by singular values."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mystyle.chips import (
    ARCFACE,
    DLIB,
    FACE_API,
    PORTRAIT,
    Region,
    chips,
    from_points,
    region_of,
    resampling,
    similarity,
)

WHOLE = Region(0.0, 0.0, 1.0)


def smooth(n, size, seed=0):
    """Images of a few low waves, of which a pixel says nothing that its neighbours do not."""
    random = np.random.default_rng(seed)
    x = (np.arange(size) + 0.5) / size
    waves = np.stack([np.cos(np.pi * k * x) for k in range(4)])
    return torch.from_numpy(np.einsum("ncab,ah,bw->nchw", random.normal(size=(n, 3, 4, 4)) / 4, waves, waves)).float()


@pytest.mark.parametrize(("n", "size"), [(256, 112), (128, 150), (64, 64), (100, 33)])
def test_the_whole_image_is_pytorchs_antialiased_resize(n, size):
    images = torch.randn(2, 3, n, n, dtype=torch.float64, generator=torch.manual_seed(0))
    expected = F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)
    assert torch.allclose(chips(images, WHOLE, size), expected, atol=1e-12)


@pytest.mark.parametrize("region", [FACE_API, region_of(DLIB), Region(-0.2, 0.4, 0.9)])
def test_grey_stays_grey(region):
    chip = chips(torch.full((1, 3, 90, 90), 0.25), region, 112)
    assert torch.allclose(chip, torch.tensor(0.25), atol=1e-6)  # sums of rounded weights


def test_a_chip_does_not_depend_on_the_resolution():
    region = region_of(ARCFACE)
    fine, coarse = (chips(smooth(1, size), region, 112) for size in (512, 256))
    assert (fine - coarse).abs().max() < 1e-2  # of values up to 1.5: at 256 px three or four pixels make a mean


def test_a_region_of_whole_pixels_is_a_crop():
    images = smooth(1, 100)
    assert torch.allclose(chips(images, Region(0.1, 0.3, 0.5), 50), images[..., 30:80, 10:60], atol=1e-6)


def test_gradients():
    images = torch.rand(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: chips(x, FACE_API, 4), images)
    points = torch.tensor([PORTRAIT]).double() * 8
    assert torch.autograd.gradcheck(lambda x: from_points(x, points, DLIB, 4), images)


def test_portraits_are_square():
    with pytest.raises(ValueError, match="must be square, got 10 x 12 px"):
        chips(torch.zeros(1, 3, 10, 12), WHOLE, 5)


def test_rows_of_weights():
    weights = resampling(64, 20, 0.25, 0.5)
    assert torch.allclose(weights.sum(dim=1), torch.ones(20, dtype=torch.float64))
    centres = (weights * (torch.arange(64) + 0.5)).sum(dim=1)
    assert torch.allclose(
        centres[2:-2], 16 + (torch.arange(2, 18).double() + 0.5) * 1.6, atol=0.1
    )  # within a sample's step


@pytest.mark.parametrize("template", [DLIB, ARCFACE])
def test_the_region_of_a_template_is_the_nearest_similarity(template):
    """Least squares over scale and place: no region nearby brings the points nearer."""
    region = region_of(template)

    def error(left, top, side):
        return sum(
            ((x - left) / side - u) ** 2 + ((y - top) / side - v) ** 2
            for (x, y), (u, v) in zip(PORTRAIT, template, strict=True)
        )

    def residual(left, top, side):  # in the portrait, where the fit is linear
        return sum(
            (x - left - side * u) ** 2 + (y - top - side * v) ** 2
            for (x, y), (u, v) in zip(PORTRAIT, template, strict=True)
        )

    least = error(region.left, region.top, region.side)
    assert least**0.5 / 5 < 0.02  # the faces that the templates were made from are like those of the portraits
    assert 0.6 < region.side < 0.8 and residual(region.left, region.top, region.side) < 0.01
    for d in (-0.02, 0.02):
        moved = [(region.left + d, region.top, region.side), (region.left, region.top + d, region.side)]
        centre = sum(u for u, _ in template) / 5, sum(v for _, v in template) / 5
        wider = (region.left - d * centre[0], region.top - d * centre[1], region.side + d)
        assert all(error(*other) > least for other in [*moved, wider])


def test_the_region_of_the_portrait_is_the_whole_of_it():
    region = region_of(PORTRAIT)
    assert (region.left, region.top, region.side) == pytest.approx((0, 0, 1), abs=1e-12)


def umeyama(template, points):
    """Umeyama (1991), Eqs. 40 to 43."""
    mean_x, mean_y = template.mean(0), points.mean(0)
    x, y = template - mean_x, points - mean_y
    u, d, v = np.linalg.svd(y.T @ x / len(x))
    signs = np.diag([1, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    rotation = u @ signs @ v
    scale = np.trace(np.diag(d) @ signs) / x.var(axis=0).sum()
    return np.concatenate([scale * rotation, (mean_y - scale * rotation @ mean_x)[:, None]], axis=1)


def test_similarity_is_umeyamas():
    random = np.random.default_rng(0)
    points = random.normal(size=(6, 5, 2))
    points[0] = np.array(ARCFACE) * [1, -1]  # the nearest map without a mirror
    found = similarity(torch.from_numpy(points), ARCFACE).numpy()
    for points_of_one, map_of_one in zip(points, found, strict=True):
        assert np.allclose(map_of_one, umeyama(np.array(ARCFACE), points_of_one), atol=1e-12)


def test_points_in_their_places_leave_the_image_as_it_is():
    images = torch.rand(2, 3, 64, 64)
    points = torch.tensor([PORTRAIT, PORTRAIT]) * 64
    assert torch.allclose(from_points(images, points, PORTRAIT, 64), images, atol=1e-4)  # float32 places of samples


def test_points_that_turn_with_the_image_give_the_same_chip():
    images = smooth(1, 128)
    points = torch.tensor([PORTRAIT]) * 128
    turned = images.rot90(1, (2, 3))  # (x, y) to (y, 128 - x)
    there = torch.stack([points[..., 1], 128 - points[..., 0]], dim=2)
    a, b = (from_points(x, p, DLIB, 150) for x, p in ((images, points), (turned, there)))
    assert torch.allclose(a, b, atol=1e-4)  # float32 places of samples


def test_average_points_give_about_the_fixed_chip():
    images = smooth(1, 256)
    points = torch.tensor([PORTRAIT]) * 256
    exact, fixed = from_points(images, points, DLIB, 150), chips(images, region_of(DLIB), 150)
    assert (exact - fixed).abs().max() < 0.02  # the template leans by a tenth of a degree


def test_reduced_chips_skip_no_pixel():
    """A chessboard of single pixels becomes grey: every pixel of the image is in a mean."""
    y, x = torch.meshgrid(torch.arange(512), torch.arange(512), indexing="ij")
    board = ((x + y) % 2).float().mul(2).sub(1).expand(1, 3, 512, 512)
    points = torch.tensor([PORTRAIT]) * 512
    chip = from_points(board, points, PORTRAIT, 64)
    assert chip.abs().max() < 0.05


def test_an_image_does_not_depend_on_its_batch():
    images, points = smooth(2, 200), torch.tensor([PORTRAIT, PORTRAIT]) * torch.tensor([200.0, 90.0])[:, None, None]
    both = from_points(images, points, ARCFACE, 112)
    assert torch.equal(both[1:], from_points(images[1:], points[1:], ARCFACE, 112))
    assert from_points(images[:0], points[:0], ARCFACE, 112).shape == (0, 3, 112, 112)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (torch.zeros(1, 4, 2), r"\[1, 5, 2\], got \[1, 4, 2\]"),
        (torch.full((1, 5, 2), float("nan")), "finite"),
        (torch.ones(1, 5, 2), "all in one place"),
    ],
)
def test_points_that_are_none(points, message):
    with pytest.raises(ValueError, match=message):
        from_points(torch.zeros(1, 3, 20, 20), points, ARCFACE, 112)
