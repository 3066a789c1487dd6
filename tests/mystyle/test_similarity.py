"""MS-SSIM against torchmetrics, and what is ours: fewer scales for small images, and a slope everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as oracle

from mystyle.similarity import WEIGHTS, ms_ssim


def pair(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 8, 8, generator=draws, dtype=torch.float64) * 1.6 - 0.8
    a = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    return a, a + 0.1 * torch.randn(a.shape, generator=draws, dtype=torch.float64)


def test_five_scales_are_those_of_torchmetrics():
    a, b = pair(176)
    expected = oracle((a + 1) / 2, (b + 1) / 2, data_range=1.0, reduction="none")
    # its window is float32, and its coarsest scale has a mirrored border, which hardly differs in images as smooth
    torch.testing.assert_close(ms_ssim(a, b), expected, rtol=1e-5, atol=1e-6)


def by_hand(a: np.ndarray, b: np.ndarray, scales: int) -> float:
    """Of two [3, h, w] in [-1, 1], window by window."""
    g = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(g, g) / g.sum() ** 2
    a, b, product = (a + 1) / 2, (b + 1) / 2, 1.0
    for scale in range(scales):
        luminance, structure = [], []
        for x, y in zip(a, b, strict=True):
            for i in range(len(x) - 10):
                for j in range(len(x) - 10):
                    p, q = (v[i : i + 11, j : j + 11] for v in (x, y))
                    mp, mq = (window * p).sum(), (window * q).sum()
                    vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                    cov = (window * (p - mp) * (q - mq)).sum()
                    luminance.append((2 * mp * mq + 1e-4) / (mp**2 + mq**2 + 1e-4))
                    structure.append((2 * cov + 9e-4) / (vp + vq + 9e-4))
        last = scale == scales - 1
        factor = np.mean(np.multiply(luminance, structure)) if last else np.mean(structure)
        product *= factor ** (WEIGHTS[scale] / sum(WEIGHTS[:scales]))
        a, b = ((v[:, ::2, ::2] + v[:, 1::2, ::2] + v[:, ::2, 1::2] + v[:, 1::2, 1::2]) / 4 for v in (a, b))
    return product


@pytest.mark.parametrize(("size", "scales"), [(12, 1), (24, 2)])
def test_small_images_have_the_scales_that_the_window_fits_into(size, scales):
    a, b = pair(size)
    expected = [by_hand(x.numpy(), y.numpy(), scales) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=1e-10)  # float64


@pytest.mark.parametrize("size", [11, 32, 128])
def test_equal_images_have_one_and_too_small_ones_nothing(size):
    a, b = pair(size)
    torch.testing.assert_close(ms_ssim(a, a), torch.ones(2, dtype=a.dtype))
    assert (ms_ssim(a, b) < 1).all()
    with pytest.raises(ValueError, match="11 px"):
        ms_ssim(a[..., :10], b[..., :10])


def test_opposite_images_have_finite_gradients():
    a, _ = pair(32)
    x = (-a).requires_grad_()
    (1 - ms_ssim(x, a)).sum().backward()
    assert x.grad.isfinite().all()
