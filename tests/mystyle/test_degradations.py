"""Laws of degradations and compositing; SciPy and Pillow as oracles."""

from __future__ import annotations

import io
import math

import numpy as np
import PIL.Image
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.testing import assert_close

from mystyle.compositing import lanczos, membrane, poisson_blend
from mystyle.degradations import Blur, Chain, Downsampling, Grey, Identity, Inpainting, Jpeg
from mystyle.types import Degradation, from_uint8, to_uint8


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def inpainting() -> Inpainting:
    return Inpainting((torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1)) > 0.4).float())


def test_masking_twice_is_masking_once(images, inpainting):
    once = inpainting(images)
    assert torch.equal(inpainting(once), once)


def test_hidden_pixels_become_mid_grey(images, inpainting):
    hidden = (inpainting.mask == 0).expand_as(images)
    assert (inpainting(images)[hidden] == 0).all()
    assert torch.equal(inpainting(images)[~hidden], images[~hidden])


def test_composite_takes_known_pixels_from_the_input_and_the_rest_from_the_output(images, inpainting):
    output = torch.randn_like(images)
    image = inpainting.composite(output, inpainting(images))
    known = (inpainting.mask == 1).expand_as(images)
    assert torch.equal(image[known], images[known])  # exactly: multiplied by 1, plus 0
    assert torch.equal(image[~known], output[~known])
    assert torch.equal(inpainting(image), inpainting(images))  # consistent with the input


def test_slicing_commutes_with_degrading(images, inpainting):
    assert torch.equal(inpainting[1:](images[1:]), inpainting(images)[1:])


def test_degrading_is_linear_and_self_adjoint(images, inpainting):
    other = torch.randn_like(images)
    assert_close((inpainting(images) * other).sum(), (images * inpainting(other)).sum())


def test_identity_leaves_images_and_outputs_alone(images):
    phi = Identity()
    assert phi(images) is images
    assert phi[1:2](images) is images
    assert phi.composite(images, torch.zeros_like(images)) is images


def test_both_are_degradations(inpainting):
    assert isinstance(inpainting, Degradation)
    assert isinstance(Identity(), Degradation)


@pytest.mark.parametrize("mask", [torch.ones(2, 8, 8), torch.ones(2, 3, 8, 8), torch.full((2, 1, 8, 8), 0.5)])
def test_an_unusable_mask_is_refused(mask):
    with pytest.raises(ValueError, match="zeros and ones"):
        Inpainting(mask)


@pytest.mark.parametrize("factor", [1, 2, 4, 3.2])
def test_down_sampling_is_the_mean_of_the_area(factor):
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    small = Downsampling(factor)(x)
    size = round(16 / factor)
    assert small.shape == (2, 3, size, size)
    if 16 % size == 0:
        k = 16 // size
        expected = x.unflatten(3, (size, k)).unflatten(2, (size, k)).mean(dim=(3, 5))
        assert_close(small, expected, atol=1e-6, rtol=0)  # order of the sum in float32
    assert_close(Downsampling(factor)(torch.full_like(x, 0.3)), torch.full_like(small, 0.3))


def test_down_sampling_keeps_the_head_and_enlarges_the_rest():
    output, degraded = torch.ones(1, 3, 64, 64), torch.zeros(1, 3, 8, 8)
    image = Downsampling(8).composite(output, degraded)
    assert image[0, 0, 32, 32] == 1 and image[0, 0, 0, 0] == 0
    assert 0 < image.mean() < 1
    assert torch.equal(Downsampling(8, keep_background=False).composite(output, degraded), output)
    assert_close(lanczos(torch.full((1, 3, 8, 8), 0.7), 64), torch.full((1, 3, 64, 64), 0.7))


def test_grey_is_a_projection_that_keeps_greys(images):
    grey = Grey()(images)
    assert torch.equal(grey[:, 0], grey[:, 1]) and torch.equal(grey[:, 0], grey[:, 2])
    assert_close(Grey()(grey), grey)
    weights = torch.tensor([0.299, 0.587, 0.114])
    assert_close(grey[:, 0], torch.einsum("nchw,c->nhw", images, weights))


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_blur_is_scipys_gaussian(sigma):
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    radius = math.ceil(3 * sigma)
    expected = gaussian_filter(x[0].double().numpy(), (0, sigma, sigma), mode="mirror", radius=(0, radius, radius))
    assert_close(Blur(sigma)(x)[0].double(), torch.from_numpy(expected), atol=1e-5, rtol=0)


@pytest.mark.parametrize("quality", [10, 50, 75, 95])
def test_jpeg_is_near_pillows(quality):
    """Pillow rounds coefficients and pixels, ours softly. On a smooth image both lose about the same."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    image = torch.stack([x * y, torch.sin(4 * x), torch.cos(5 * y * x)])[None] * 0.8
    file = io.BytesIO()
    pixels = to_uint8(image)[0].permute(1, 2, 0).numpy()
    PIL.Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    pillow = from_uint8(torch.from_numpy(np.array(PIL.Image.open(file))).permute(2, 0, 1)[None])
    ours = Jpeg(quality)(image)
    lost = (pillow - image).square().mean().sqrt()
    assert (ours - pillow).square().mean().sqrt() < 0.5 * lost + 0.004  # half an 8-bit level of the range [-1, 1]
    assert (ours - image).square().mean().sqrt() < 1.2 * lost + 0.004


def test_jpeg_loses_more_at_lower_quality_and_has_gradients(images):
    x = images.repeat(1, 1, 2, 2).clamp(-1, 1).requires_grad_()
    lost = [float((Jpeg(q)(x) - x).detach().square().mean()) for q in (95, 50, 5)]
    assert lost[0] < lost[1] < lost[2]
    (gradient,) = torch.autograd.grad(Jpeg(50)(x).square().sum(), x)
    assert gradient.isfinite().all() and gradient.abs().max() > 0


def test_a_chain_is_one_after_the_other_and_can_be_split(images, inpainting):
    chain = Chain((inpainting, Grey(), Downsampling(2)))
    assert torch.equal(chain(images), Downsampling(2)(Grey()(inpainting(images))))
    assert_close(chain[1:2](images[1:2]), chain(images)[1:2])
    output = torch.randn_like(images)
    assert torch.equal(chain.composite(output, chain(images)), output)
    one = Chain((inpainting,))
    assert torch.equal(one.composite(output, inpainting(images)), inpainting.composite(output, inpainting(images)))


@pytest.mark.parametrize(
    "phi", [Identity(), Downsampling(2), Grey(), Blur(1.0), Jpeg(50), Chain((Blur(1.0), Downsampling(4)))], ids=str
)
def test_every_degradation_is_differentiable_row_by_row_and_keeps_the_protocol(phi, images):
    assert isinstance(phi, Degradation)
    x = images.clone().requires_grad_()
    y = phi(x)
    (gradient,) = torch.autograd.grad(y[1].square().sum(), x)
    assert gradient[0].abs().max() == gradient[2].abs().max() == 0 and gradient[1].abs().max() > 0
    assert_close(phi[1:2](images[1:2]), phi(images)[1:2])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Downsampling(0.5), "at least 1"),
        (lambda: Downsampling(40)(torch.zeros(1, 3, 8, 8)), "less than one pixel"),
        (lambda: Blur(0), "above 0"),
        (lambda: Jpeg(0), "1 to 100"),
        (lambda: Jpeg(50)(torch.zeros(1, 3, 12, 12)), "multiples of 8"),
    ],
)
def test_senseless_settings_are_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()


# Poisson blending


def disc(size: int = 24) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return (x - 12) ** 2 + (y - 11) ** 2 < 49


def test_a_membrane_is_harmonic_and_meets_its_border():
    hole = disc()
    border = torch.randn(2, 24, 24, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    inside = membrane(border, hole).numpy()
    assert (inside[:, ~hole] == 0).all()
    field = np.where(hole, inside, border.numpy())
    mean = (np.roll(field, 1, 1) + np.roll(field, -1, 1) + np.roll(field, 1, 2) + np.roll(field, -1, 2)) / 4
    np.testing.assert_allclose(mean[:, hole], field[:, hole], atol=1e-10)
    low, high = border.numpy().min(), border.numpy().max()
    assert (inside[:, hole] > low).all() and (inside[:, hole] < high).all()  # the maximum principle


def test_a_linear_function_is_continued_into_the_hole():
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    plane = (0.3 * x - 0.1 * y + 2)[None].double()
    hole = disc()
    np.testing.assert_allclose(membrane(plane, hole)[0, hole], plane[0, hole], atol=1e-10)


def test_an_offset_of_the_output_disappears_and_known_pixels_stay():
    given = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(5))
    mask = torch.from_numpy(~disc()).float()[None, None].expand(2, -1, -1, -1)
    blended = poisson_blend(given + 0.4, given, mask, grow=3)
    assert_close(blended, given, atol=1e-6, rtol=0)  # the same gradients and the same border: the same image
    other = poisson_blend(torch.rand(2, 3, 24, 24), given, mask, grow=1)
    known = (mask == 1).expand_as(given)
    assert torch.equal(other[known], given[known])


def test_a_hole_that_reaches_the_edge_or_is_everything_is_filled():
    given, output = torch.zeros(1, 3, 16, 16), torch.full((1, 3, 16, 16), 0.5)
    mask = torch.ones(1, 1, 16, 16)
    mask[..., :8, :] = 0
    assert_close(poisson_blend(output, given, mask, 1), given, atol=1e-6, rtol=0)
    assert torch.equal(poisson_blend(output, given, torch.zeros_like(mask), 1), output)


def test_poisson_is_a_blend_of_inpainting_that_survives_splitting(images, inpainting):
    phi = Inpainting(inpainting.mask, "poisson")
    output = torch.randn_like(images)
    whole = phi.composite(output, phi(images))
    assert_close(phi[1:2].composite(output[1:2], phi(images)[1:2]), whole[1:2])
    assert not torch.equal(whole, inpainting.composite(output, inpainting(images)))
