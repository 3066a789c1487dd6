"""Eq. 1, 8 and 9 against NumPy written from the paper, and their behaviour where they are not smooth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mystyle.losses import offset_norm, reconstruction, regularised_layers, sum_penalty
from mystyle.networks.mobilestylegan import MobileGenerator
from mystyle.networks.stylegan2 import Generator


class PixelDistance:
    """A perceptual distance with an obvious value: mean absolute difference."""

    def to_target(self, images: torch.Tensor, target: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return (images - target[0]).abs().mean(dim=(1, 2, 3))


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_reconstruction_is_equation_1_for_each_image():
    x, y = draw(0, 3, 3, 4, 4), draw(1, 3, 3, 4, 4)
    loss = reconstruction(PixelDistance(), x, y, (y,), l2_weight=0.5)
    expected = [np.abs(a - b).mean() + 0.5 * np.mean((a - b) ** 2) for a, b in zip(x.numpy(), y.numpy(), strict=True)]
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_sum_penalty_is_equation_8_averaged_over_layers():
    alpha = draw(2, 2, 4, 5)
    expected = [np.mean([(layer.sum() - 1) ** 2 for layer in image]) for image in alpha.numpy()]
    np.testing.assert_allclose(sum_penalty(alpha), expected, rtol=1e-12)


def test_offset_norm_is_equation_9_over_the_first_layers():
    delta = draw(3, 2, 4, 5)
    expected = [sum(np.sqrt((layer**2).sum()) for layer in image[:3]) for image in delta.numpy()]
    np.testing.assert_allclose(offset_norm(delta, layers=3), expected, rtol=1e-12)


def test_offset_norm_has_subgradient_zero_at_zero():
    delta = torch.zeros(2, 4, 5, requires_grad=True)
    offset_norm(delta, layers=4).sum().backward()
    assert torch.equal(delta.grad, torch.zeros_like(delta))


def stylegan2(resolution: int) -> Generator:
    return Generator(resolution, 8, 8, channel_base=1024, channel_max=4, mapping_layers=1)


def mobilestylegan(resolution: int) -> MobileGenerator:
    return MobileGenerator(resolution, 8, 8, channels=[4] * (resolution.bit_length() - 3), mapping_layers=1)


FREE = [
    *((stylegan2, resolution, free) for resolution, free in ((64, 0), (128, 0), (256, 2), (512, 4), (1024, 6))),
    *((mobilestylegan, resolution, free) for resolution, free in ((128, 0), (256, 0), (512, 2), (1024, 4))),
]


@pytest.mark.parametrize(("kind", "resolution", "free"), FREE)
def test_the_regularised_layers_are_those_that_work_at_up_to_128_px(kind, resolution, free):
    """The official code takes the first 12 of 18: all convolutions up to 128 px, and the layer of RGB at 128 px."""
    generator = kind(resolution)
    layers = regularised_layers(generator.num_ws)
    assert generator.num_ws - layers == free
    sizes = [shape[-1] for shape in generator.synthesis.noise_shapes]  # of the convolution that takes the layer's code
    assert all(size <= 128 for size in sizes[: layers - 1])
    assert all(size > 128 for size in sizes[layers - 1 :])
