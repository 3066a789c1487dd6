"""P-norm: an invertible change of coordinates in which random codes are standard normal, and what regularises there."""

from __future__ import annotations

import pytest
import torch

from mystyle.latents.pnorm import FLOOR, SLOPE, PNorm, fit_pnorm, from_p, pnorm_of, to_p


@pytest.fixture(scope="module")
def space(tiny_domain) -> PNorm:
    return fit_pnorm(tiny_domain.generator, samples=20_000)


@pytest.fixture(scope="module")
def codes(tiny_domain):
    """Of other z than the fit's, [n, w_dim]."""
    g = tiny_domain.generator
    with torch.no_grad():
        return g.mapping.w(torch.randn(20_000, g.z_dim, generator=torch.Generator().manual_seed(7)))


def test_the_activation_is_undone(codes):
    assert SLOPE == 0.2
    torch.testing.assert_close(from_p(to_p(codes)), codes, rtol=1e-6, atol=0)  # a product and its quotient in float32
    assert (to_p(torch.tensor([-1.0, 2.0])) == torch.tensor([-5.0, 2.0])).all()


def test_random_codes_have_mean_zero_and_variance_one(space, codes):
    """The standard errors of 20,000 samples are 0.007 and 0.01 (more for heavy tails), in fit and check each."""
    v = space(codes)
    large = space.scale > FLOOR * space.scale[0]
    assert v.mean(dim=0).abs().max() < 0.06
    assert (v.var(dim=0)[large] - 1).abs().max() < 0.15
    correlation = torch.corrcoef(v[:, large].T)
    assert (correlation - torch.eye(len(correlation))).abs().max() < 0.06


def test_components_are_orthonormal_and_in_order(space):
    torch.testing.assert_close(space.components @ space.components.T, torch.eye(len(space.mean)), atol=1e-5, rtol=0)
    assert (space.scale[:-1] >= space.scale[1:]).all() and space.scale[-1] >= FLOOR * space.scale[0] * 0.999


def test_the_fit_is_numpy_s(tiny_domain, space):
    """Mean, variances and their axes of the same codes, held at once."""
    g = tiny_domain.generator
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        parts = [g.mapping.w(torch.randn(10_000, g.z_dim, generator=draws)) for _ in range(2)]
    p = to_p(torch.cat(parts)).double()
    singular, axes = torch.linalg.svd(p - p.mean(dim=0), full_matrices=False)[1:]
    torch.testing.assert_close(space.mean.double(), p.mean(dim=0), atol=1e-6, rtol=1e-6)
    largest = slice(0, 5)  # small ones are lost in the float32 of the result
    torch.testing.assert_close(space.scale[largest].double(), singular[largest] / 20_000**0.5, rtol=1e-4, atol=0)
    agreement = (space.components[largest].double() * axes[largest]).sum(dim=1).abs()
    torch.testing.assert_close(agreement, torch.ones(5).double(), atol=1e-3, rtol=0)


def test_codes_come_back(space, codes):
    ws = codes[:12].reshape(2, 6, -1)
    torch.testing.assert_close(space.codes(space(ws)), ws, atol=1e-4, rtol=1e-4)  # v is up to 1000 times as coarse


def test_clipping_bounds_every_coordinate_and_leaves_what_is_within(space, codes):
    ws = 3 * codes[:8].reshape(2, 4, -1)
    v, clipped = space(ws), space(space.clipped(ws, 2.0))
    assert v.abs().max() > 2.1 and clipped.abs().max() < 2.01
    inside = v.abs() < 1.9
    torch.testing.assert_close(clipped[inside], v[inside], atol=2e-2, rtol=0)  # through the smallest components


def test_projecting_bounds_the_norm_over_layers(space, codes):
    ws = 3 * codes[:8].reshape(2, 4, -1)
    before, after = space(ws).norm(dim=1), space(space.projected(ws, 3.0)).norm(dim=1)
    assert before.max() > 3.1 and after.max() < 3.02
    inside = before < 2.9
    torch.testing.assert_close(after[inside], before[inside], atol=2e-2, rtol=0)


def test_a_domain_s_space_is_fitted_once(tiny_domain, monkeypatch):
    first = pnorm_of(tiny_domain, samples=10_000)
    monkeypatch.setattr("mystyle.latents.pnorm.fit_pnorm", lambda *_: pytest.fail("fitted again"))
    second = pnorm_of(tiny_domain, samples=10_000)
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in ("mean", "components", "scale"))
