"""Noise maps: the regulariser against NumPy, what it tells apart, and the normalisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mystyle.latents.noise_maps import autocorrelation, normalise, random_maps


def drawn(*sides: int, n: int = 2) -> list[torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    return [torch.randn(n, 1, side, side, generator=draws, dtype=torch.float64) for side in sides]


def by_hand(maps: list[np.ndarray]) -> float:
    """Appendix D for one image, without its factor of 2 between levels."""
    total = 0.0
    for n in maps:
        while True:
            side = len(n)
            for before in ([[i - 1, j] for i in range(side) for j in range(side)], None):
                index = before or [[i, j - 1] for i in range(side) for j in range(side)]
                shifted = np.array([n[i, j] for i, j in index]).reshape(side, side)
                total += (n * shifted).mean() ** 2
            if side <= 8:
                break
            n = (n[::2, ::2] + n[1::2, ::2] + n[::2, 1::2] + n[1::2, 1::2]) / 4
    return total


def test_the_regulariser_is_the_papers():
    maps = drawn(4, 8, 8, 16, 32)
    found = autocorrelation(maps)
    for i in range(2):
        assert float(found[i]) == pytest.approx(by_hand([n[i, 0].numpy() for n in maps]), rel=1e-12)  # float64


def test_smooth_maps_are_told_from_noise():
    white = drawn(32)
    smooth = [n + n.roll(1, 2) + n.roll(1, 3) for n in white]
    normalise(white)
    normalise(smooth)
    assert (autocorrelation(smooth) > 20 * autocorrelation(white)).all()


def test_normalised_maps_have_mean_zero_and_mean_square_one_each():
    maps = [3 * n + 2 for n in drawn(4, 16)]
    normalise(maps)
    for n in maps:
        torch.testing.assert_close(n.mean(dim=(1, 2, 3)), torch.zeros(2, dtype=n.dtype), rtol=0, atol=1e-12)
        torch.testing.assert_close(n.square().mean(dim=(1, 2, 3)), torch.ones(2, dtype=n.dtype))


def test_random_maps_of_an_image_depend_on_its_draws_alone(tiny_domain):
    synthesis = tiny_domain.generator.synthesis

    def maps(*seeds):
        return random_maps(synthesis, [torch.Generator().manual_seed(seed) for seed in seeds])

    together, alone = maps(3, 5), maps(5)
    assert [n.shape[1:] for n in together] == [shape[1:] for shape in synthesis.noise_shapes]
    assert all(torch.equal(a[1:], b) for a, b in zip(together, alone, strict=True))
