"""The statistics of a mapping network against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mystyle.latents.statistics import latent_statistics


def test_latent_statistics_are_the_mean_and_the_rms_distance_from_it(tiny_domain):
    generator = tiny_domain.generator
    z = torch.randn(10_000, generator.z_dim, generator=torch.Generator().manual_seed(123))
    with torch.no_grad():
        w = generator.mapping(z)[:, 0].numpy().astype(np.float64)
    statistics = latent_statistics(generator)
    np.testing.assert_allclose(statistics.mean, w.mean(axis=0), atol=1e-5)  # float32 means of 10,000
    expected = np.sqrt(((w - w.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert statistics.std == pytest.approx(expected, rel=1e-4)
