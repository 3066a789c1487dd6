"""Section 3.4 against NumPy: gamma, Eq. 12, endpoints, the three policies, and codes that move by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mystyle.editing import AlphaCodes, EditSettings, edit
from mystyle.inversion import SharedGenerator
from mystyle.latents.anchors import Anchors, with_midpoints
from mystyle.latents.subspace import (
    AlphaCode,
    chord,
    dilation,
    direction_to_alpha,
    project_to_dilated_hull,
    to_w,
)

N, K, LAYERS = 6, 20, 4
SETTINGS = EditSettings(beta=0.03)
STRENGTHS = (-3.0, -0.5, 0.0, 0.5, 3.0)


@pytest.fixture(scope="module")
def anchors() -> Anchors:
    codes = torch.randn(N, K, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Anchors(codes, tuple(map(str, range(N))))


@pytest.fixture(scope="module")
def code(anchors) -> AlphaCode:
    """Two codes inside P_0, each with four layers that differ."""
    torch.manual_seed(1)
    alpha = torch.distributions.Dirichlet(torch.full((N,), 5.0, dtype=torch.float64)).sample((2, LAYERS))
    return AlphaCode(alpha, anchors.hash)


@pytest.fixture(scope="module")
def direction() -> torch.Tensor:
    return torch.randn(K, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_gamma_is_the_papers_formula(anchors, direction):
    m = anchors.codes.numpy().T
    expected = np.linalg.inv(m.T @ m) @ m.T @ direction.numpy()
    np.testing.assert_allclose(direction_to_alpha(direction, anchors), expected, atol=1e-10)


def test_gamma_with_sum_zero_is_the_projection_to_the_affine_hull(anchors, direction):
    gamma = direction_to_alpha(direction, anchors, sum_to_zero=True)
    assert abs(float(gamma.sum())) < 1e-12
    rest = direction - gamma @ anchors.codes
    np.testing.assert_allclose((anchors.codes[1:] - anchors.codes[0]) @ rest, 0, atol=1e-10)


def test_gamma_exists_for_dependent_anchors(direction):
    codes = torch.randn(3, K, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    doubled = Anchors(torch.cat([codes, codes[:1]]), tuple("abcd"))
    gamma = direction_to_alpha(direction, doubled)
    single = direction_to_alpha(direction, Anchors(codes, tuple("abc")))
    torch.testing.assert_close(gamma @ doubled.codes, single @ codes)
    assert float(gamma[0]) == pytest.approx(float(gamma[3]))  # the shortest shares equally


def test_anchors_that_depend_but_for_rounding_have_short_coordinates(direction):
    """Midpoints in float32 are dependent to its precision alone: inverted, that would be coordinates of a million."""
    anchors = Anchors(torch.randn(12, K, generator=torch.Generator().manual_seed(4)), tuple("abcdefghijkl"))
    doubled, single = with_midpoints(anchors), anchors.codes.double()
    assert len(doubled) > len(anchors)
    gamma = direction_to_alpha(direction, doubled)
    assert gamma.norm() < direction_to_alpha(direction, anchors).norm(), "the shortest, of more"
    expected = direction @ torch.linalg.pinv(single) @ single
    torch.testing.assert_close(gamma @ doubled.codes.double(), expected, atol=1e-5, rtol=1e-5)
    nearest = project_to_dilated_hull(direction[None], doubled, None)
    assert nearest.abs().max() < 10 and float(nearest.sum()) == pytest.approx(1)


def test_chord_ends_where_a_coordinate_reaches_minus_beta():
    alpha = torch.tensor([0.2, 0.3, 0.5])
    low, high = chord(alpha, torch.tensor([0.1, -0.1, 0.0]), beta=0.1)
    assert (float(low), float(high)) == (pytest.approx(-3.0), pytest.approx(4.0))
    assert chord(alpha, torch.zeros(3), 0.1) == (-torch.inf, torch.inf)
    low, high = chord(torch.tensor([-0.2, 1.2]), torch.tensor([1.0, -1.0]), 0.1)
    assert (float(low), float(high)) == (0, pytest.approx(1.3)), "a code outside may come in, not go further out"


def test_continue_is_equation_12(anchors, code, direction):
    edits = edit(code, direction, STRENGTHS, anchors, replace(SETTINGS, policy="continue"))
    gamma = direction_to_alpha(direction, anchors, sum_to_zero=True)
    expected = np.stack([layers + theta * gamma.numpy() for layers in code.alpha.numpy() for theta in STRENGTHS])
    np.testing.assert_allclose(edits.code.alpha, expected, atol=1e-7)  # strengths are float32
    np.testing.assert_allclose(edits.code.alpha.sum(dim=-1), 1, atol=1e-7)
    beta = np.maximum(0, -expected.min(axis=(1, 2))).reshape(2, -1)
    np.testing.assert_allclose(edits.dilation, beta, atol=1e-6)
    assert edits.dilation.max() > 0.03  # the strengths do lead out


def test_the_papers_gamma_moves_along_the_projected_direction_and_changes_the_sum(anchors, code, direction):
    s = EditSettings(policy="continue", sum_to_zero=False)
    edits = edit(code, direction, [1.0], anchors, s)
    m = anchors.codes.numpy().T
    moved = to_w(edits.code.alpha, anchors) - to_w(code.alpha, anchors)
    projected = m @ np.linalg.pinv(m) @ direction.numpy()
    np.testing.assert_allclose(moved, np.broadcast_to(projected, moved.shape), atol=1e-6)
    assert (edits.code.alpha.sum(dim=-1) - 1).abs().min() > 1e-3


def test_by_the_papers_gamma_every_edit_is_projected_back_to_a_sum_of_one(anchors, code, direction):
    s = replace(SETTINGS, sum_to_zero=False)
    edits = edit(code, direction, [0.0, 1e-3, 0.5], anchors, s)
    np.testing.assert_allclose(edits.code.alpha.sum(dim=-1), 1, atol=1e-9)
    unmoved, near, _ = to_w(edits.code.alpha, anchors).unflatten(0, (2, 3)).unbind(1)
    assert (near - unmoved).norm(dim=-1).max() < 1e-2, "no jump where the bound is reached"


def test_stop_ends_at_the_endpoints_and_they_touch_the_bound(anchors, code, direction):
    edits = edit(code, direction, STRENGTHS, anchors, replace(SETTINGS, policy="stop"))
    low, high = edits.endpoints.unbind(1)
    assert (low < 0).all() and (high > 0).all()
    np.testing.assert_allclose(edits.theta[:, 0], low.clamp(min=-3))
    np.testing.assert_allclose(edits.theta[:, -1], high.clamp(max=3))
    assert torch.equal(edits.theta[:, 2], torch.zeros_like(low))
    assert (edits.dilation <= 0.03 + 1e-6).all()
    beyond = edit(code, direction, [float(high[0]) * 1.001], anchors, replace(SETTINGS, policy="continue"))
    assert float(beyond.dilation[0, 0]) > 0.03


def test_project_stays_within_keeps_the_sum_and_is_nearer_than_stopping(anchors, code, direction):
    free, projected, stopped = (
        to_w(edit(code, direction, STRENGTHS, anchors, replace(SETTINGS, policy=policy)).code.alpha, anchors)
        for policy in ("continue", "project", "stop")
    )
    edits = edit(code, direction, STRENGTHS, anchors, SETTINGS)
    assert (edits.dilation <= 0.03 + 1e-9).all()
    np.testing.assert_allclose(edits.code.alpha.sum(dim=-1), 1, atol=1e-9)
    away, stop = ((w - free).norm(dim=-1) for w in (projected, stopped))
    assert (away <= stop + 1e-6).all() and away[0].max() < stop[0].max()
    inside = edits.theta.flatten() == 0
    torch.testing.assert_close(projected[inside], free[inside])  # nothing to project there


def test_a_direction_in_the_span_is_expressed_wholly(anchors, code):
    within = anchors.codes[0] - anchors.codes[1]
    assert edit(code, within, [1.0], anchors, SETTINGS).cosine == pytest.approx(1)
    assert edit(code, torch.randn(K).double(), [1.0], anchors, SETTINGS).cosine < 0.9


def test_codes_of_other_anchors_are_refused(anchors, code, direction):
    with pytest.raises(ValueError, match="made with other anchors"):
        edit(AlphaCode(code.alpha, "another"), direction, [1.0], anchors, SETTINGS)


@pytest.mark.parametrize("policy", ["stop", "continue", "project"])
def test_codes_of_a_prior_move_as_they_are_edited(anchors, code, direction, policy):
    settings = replace(SETTINGS, policy=policy)
    codes = AlphaCodes(
        ws=to_w(code.alpha, anchors),
        renderer=SharedGenerator(None),  # nothing is rendered
        rows=(0, 1),
        code=code,
        anchors=anchors,
        editing=settings,
    )
    moved = codes.moved(direction, STRENGTHS)
    expected = edit(code, direction, STRENGTHS, anchors, settings).code
    assert torch.equal(moved.code.alpha, expected.alpha) and moved.code.anchors == anchors.hash
    assert torch.equal(moved.ws, to_w(expected.alpha, anchors))
    assert moved.rows == (0,) * 5 + (1,) * 5 and moved.renderer is codes.renderer
    again = moved.moved(direction, [1.0, 2.0])  # and go on moving within the prior
    assert again.editing == settings and len(again) == 20
    if policy != "continue":
        assert (dilation(again.code.alpha) <= 0.03 + 1e-6).all()


@pytest.mark.parametrize("policy", ["stop", "continue", "project"])
def test_a_direction_of_some_layers_leaves_the_others(anchors, code, direction, policy):
    layered = torch.zeros(LAYERS, K, dtype=torch.float64)
    layered[1:3] = direction
    settings = replace(SETTINGS, policy=policy)
    edits = edit(code, layered, [2.0], anchors, settings).code.alpha
    np.testing.assert_allclose(edits[:, [0, 3]], code.alpha[:, [0, 3]], atol=1e-9)  # projections of what is inside
    assert ((edits - code.alpha)[:, 1:3].abs().amax(dim=-1) > 1e-3).all()
    if policy == "continue":
        alike = edit(code, direction, [2.0], anchors, settings).code.alpha
        torch.testing.assert_close(edits[:, 1:3], alike[:, 1:3])
