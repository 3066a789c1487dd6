"""Projection (Eq. 5-11) against a plain version for one image, and its laws.

Numbers are compared in float64 with a smooth distance: Adam divides by the gradient's size, so in float32 the rounding
of a batched convolution is amplified to visible, though harmless, differences.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mystyle.degradations import Blur, Chain, Downsampling, Grey, Identity, Inpainting
from mystyle.descent import Constant, Ramps
from mystyle.inversion import SharedGenerator
from mystyle.latents.anchors import Anchors
from mystyle.latents.statistics import LatentStatistics
from mystyle.latents.subspace import constrain, dilation, sample_a0, to_w
from mystyle.losses import reconstruction
from mystyle.progress import listening
from mystyle.projection import OFFICIAL_CODE, PAPER_TEXT, LatentProjectionSettings, project, project_latent
from tests.helpers.by_hand import GradientDistance, adam

N = 6


PERCEPTUAL = GradientDistance()


@pytest.fixture(scope="module")
def generator(tiny_domain):
    return copy.deepcopy(tiny_domain.generator).double()


@pytest.fixture(scope="module")
def anchors(tiny_domain) -> Anchors:
    z = torch.randn(N, tiny_domain.generator.z_dim, generator=torch.Generator().manual_seed(0))
    codes = tiny_domain.generator.mapping(z)[:, 0].double()
    return Anchors(codes, tuple(map(str, range(N))))


@pytest.fixture(scope="module")
def target(generator, anchors) -> torch.Tensor:
    """Three images of known alpha in A_0."""
    alpha = sample_a0(N, 3, torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        return generator.synthesis(to_w(alpha, anchors)[:, None].expand(-1, generator.num_ws, -1))


@pytest.fixture(scope="module")
def holes(target) -> Inpainting:
    mask = torch.ones(len(target), 1, *target.shape[2:])
    for i in range(len(mask)):
        mask[i, :, 4 * i + 2 : 4 * i + 12, 6:20] = 0
    return Inpainting(mask)


def project_one(x, phi, generator, anchors, s):
    """Section 3.3 for a single image [3, h, w], layer by layer; alpha+ [num_ws, N] and the loss curve."""
    m = anchors.codes.T
    alpha = torch.full((N,), 1 / N, dtype=torch.float64)
    if s.sum_of == "constrained":  # Eq. 7, solved for what gives 1/N
        alpha = torch.log(torch.expm1(s.sharpness * (alpha + s.beta))) / s.sharpness - s.beta
    delta = torch.zeros(generator.num_ws, N, dtype=torch.float64)
    moments = [(torch.zeros_like(v), torch.zeros_like(v)) for v in (alpha, delta)]
    regularised = min(generator.num_ws, 12)

    def equation_7(a):
        y = s.sharpness * (a + s.beta)
        return torch.logaddexp(y, torch.zeros_like(y)) / s.sharpness - s.beta

    curve = []
    for step in range(s.steps):
        a, d = alpha.clone().requires_grad_(), delta.clone().requires_grad_()
        ws, l_sum = [], 0.0
        for layer in range(generator.num_ws):
            raw = a + d[layer]
            bounded = equation_7(raw)
            ws.append(m @ (bounded / bounded.sum()))
            l_sum += ((bounded if s.sum_of == "constrained" else raw).sum() - 1) ** 2 / generator.num_ws
        image = phi(generator.synthesis(torch.stack(ws)[None]))
        l_rec = PERCEPTUAL.between(PERCEPTUAL.features(image), PERCEPTUAL.features(x[None])).sum()
        l_rec = l_rec + s.l2_weight * ((image - x[None]) ** 2).mean()
        l_norm = sum(d[layer].norm() for layer in range(regularised))
        total = l_rec + s.offset_weight * l_norm + s.sum_weight * l_sum  # Eq. 10
        curve.append(total.item())

        if isinstance(s.schedule, Constant):
            rate = s.schedule.rate
        else:
            t = step / s.steps
            rate = s.schedule.peak * min(1, t / 0.05) * (0.5 - 0.5 * math.cos(math.pi * min(1, (1 - t) / 0.25)))
        alpha, delta = adam((alpha, delta), torch.autograd.grad(total, (a, d)), moments, step + 1, rate)
    bounded = equation_7(alpha + delta)
    return bounded / bounded.sum(dim=1, keepdim=True), curve


NAMED = {
    "paper_text": replace(PAPER_TEXT, steps=8, schedule=Ramps(1e-2)),
    "official_code": replace(OFFICIAL_CODE, steps=8),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_batch_equals_the_plain_version_image_by_image(name, generator, anchors, target, holes):
    s = NAMED[name]
    degraded = holes(target)
    result = project(degraded, holes, generator, anchors, PERCEPTUAL, s)
    for i in range(len(target)):
        alpha, curve = project_one(degraded[i], holes[i : i + 1], generator, anchors, s)
        # float64; torch's softplus is linear beyond s x = 20 (2e-11 off), 8 steps of Adam amplify it a little
        np.testing.assert_allclose(result.code.alpha[i], alpha, atol=1e-7)
        np.testing.assert_allclose(result.losses[i], curve, rtol=1e-7)


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_row_i_does_not_depend_on_other_rows_or_the_batch_size(batch, generator, anchors, target, holes):
    s = replace(NAMED["official_code"], batch=batch)
    degraded = holes(target)
    together = project(degraded, holes, generator, anchors, PERCEPTUAL, s)
    for i in range(len(target)):
        alone = project(degraded[i : i + 1], holes[i : i + 1], generator, anchors, PERCEPTUAL, s)
        # float64 convolutions of other batch sizes round differently (1e-15), amplified by Adam
        np.testing.assert_allclose(alone.images[0], together.images[i], atol=1e-8)
        np.testing.assert_allclose(alone.code.alpha[0], together.code.alpha[i], atol=1e-9)


def test_an_image_of_a_known_alpha_is_recovered(generator, anchors, target):
    s = replace(OFFICIAL_CODE, steps=60, schedule=Constant(2e-2))
    result = project(target, Identity(), generator, anchors, PERCEPTUAL, s)
    centre = torch.full((1, generator.num_ws, N), 1 / N, dtype=torch.float64)
    start = generator.synthesis(to_w(centre, anchors))
    error, at_start = ((image - target).square().mean(dim=(1, 2, 3)) for image in (result.images, start))
    assert (error < 0.2 * at_start).all()


def test_the_hole_is_not_looked_at(generator, anchors, target, holes):
    s = replace(OFFICIAL_CODE, steps=3)
    spoilt = torch.where(holes.mask == 1, target, torch.full_like(target, 9.0))
    a, b = (project(holes(x), holes, generator, anchors, PERCEPTUAL, s) for x in (target, spoilt))
    assert torch.equal(a.images, b.images)


def test_the_result_is_in_alpha_space_and_consistent(generator, anchors, target):
    s = replace(PAPER_TEXT, steps=30, beta=0.02)
    result = project(target, Identity(), generator, anchors, PERCEPTUAL, s)
    assert result.code.alpha.shape == (3, generator.num_ws, N)
    assert result.code.anchors == anchors.hash
    torch.testing.assert_close(result.code.alpha.sum(dim=-1), torch.ones_like(result.code.alpha[..., 0]))
    torch.testing.assert_close(result.ws, to_w(result.code.alpha, anchors))
    torch.testing.assert_close(result.images, generator.synthesis(result.ws))
    assert result.losses.shape == (3, 30)
    assert result.losses.isfinite().all()
    assert result.rows == (0, 1, 2) and torch.equal(result.render(), result.images)


def test_facts_are_the_dilation_and_the_bound_of_every_image(generator, anchors, target):
    s = replace(SHORT, steps=10, offset_weight=0.0)
    for beta in (0.02, None):
        result = project(target, Identity(), generator, anchors, PERCEPTUAL, replace(s, beta=beta))
        facts = result.facts
        assert set(facts) == {"dilation", "bound"}
        assert torch.equal(facts["dilation"], dilation(result.code.alpha).amax(dim=1))
        assert facts["bound"].tolist() == [pytest.approx(math.inf if beta is None else beta)] * 3  # float32


SETTINGS = {"text": PAPER_TEXT, "code": OFFICIAL_CODE, "softmax": replace(PAPER_TEXT, coordinates="softmax")}
STARTS = [(name, beta) for name in SETTINGS for beta in (0.0, 0.02, 0.05, None) if (name, beta) != ("softmax", None)]


@pytest.mark.parametrize("space", ["alpha", "alpha+"])
@pytest.mark.parametrize(("name", "beta"), STARTS)
def test_projection_starts_at_the_centre(name, beta, space, generator, anchors, target):
    """B.2. The schedule's rate at step 0 is zero, so that a descent of one step ends where it started."""
    s = replace(SETTINGS[name], beta=beta, space=space, steps=1, schedule=Ramps(0.1))
    result = project(target, Identity(), generator, anchors, PERCEPTUAL, s)
    np.testing.assert_allclose(result.code.alpha, 1 / N, rtol=1e-12)  # float64
    centre = generator.synthesis(anchors.codes.mean(dim=0).expand(len(target), generator.num_ws, -1))
    features = PERCEPTUAL.features(target)
    expected = reconstruction(PERCEPTUAL, centre, target, features)  # offsets are zero, the sum is one: nothing else
    np.testing.assert_allclose(result.losses[:, 0], expected, rtol=1e-9)  # sums of anchors in another order
    torch.testing.assert_close(result.images, centre)


@pytest.mark.parametrize("beta", [0.0, 0.02, 0.05])
def test_the_bound_beta_is_respected(beta, generator, anchors):
    """The target lies far outside, so the projection presses against the bound."""
    outside = torch.full((1, generator.num_ws, N), -0.5, dtype=torch.float64)
    outside[..., 0] = 1 + 0.5 * (N - 1)
    target = generator.synthesis(to_w(outside, anchors)).detach()
    s = replace(OFFICIAL_CODE, steps=100, schedule=Constant(2e-2), beta=beta, offset_weight=0.0)
    bounded, free = (
        project(target, Identity(), generator, anchors, PERCEPTUAL, replace(s, beta=b)).dilation for b in (beta, None)
    )
    assert free.item() > 0.1
    # entries exceed -beta before the division by their sum, which the penalty of Eq. 8 keeps near one
    assert bounded.item() <= 1.2 * beta


def test_beta_matters_little_to_an_interior_point_and_dilation_says_so(generator, anchors, target):
    result = project(target, Identity(), generator, anchors, PERCEPTUAL, replace(OFFICIAL_CODE, steps=3))
    assert (result.dilation == 0).all()  # still near the centre, where the paper's |min alpha| is 1/N


def test_the_gradient_at_zero_offsets_is_finite(generator, anchors, target):
    result = project(target, Identity(), generator, anchors, PERCEPTUAL, replace(OFFICIAL_CODE, steps=1))
    assert result.images.isfinite().all()
    assert (result.code.alpha != 1 / N).any()  # and the step was taken


def test_the_generator_gets_no_gradients_and_its_flags_stay(generator, anchors, target):
    generator = copy.deepcopy(generator).requires_grad_(True)
    project(target, Identity(), generator, anchors, PERCEPTUAL, replace(OFFICIAL_CODE, steps=2))
    assert all(p.grad is None and p.requires_grad for p in generator.parameters())


def test_it_works_where_gradients_are_off(generator, anchors, target):
    s = replace(OFFICIAL_CODE, steps=2)
    with torch.no_grad():
        inside = project(target, Identity(), generator, anchors, PERCEPTUAL, s)
    assert torch.equal(inside.images, project(target, Identity(), generator, anchors, PERCEPTUAL, s).images)


def test_progress_counts_steps_over_all_batches(generator, anchors, target):
    events = []
    with listening(lambda *event: events.append(event)):
        project(target, Identity(), generator, anchors, PERCEPTUAL, replace(OFFICIAL_CODE, steps=2, batch=2))
    assert [event[:3] for event in events] == [("projection", i, 4) for i in range(1, 5)]


@pytest.mark.parametrize("phi", [Downsampling(4), Grey(), Chain((Blur(1.0), Downsampling(2)))], ids=str)
def test_any_differentiable_degradation_can_be_projected(generator, anchors, target, phi):
    with torch.no_grad():
        given = phi(target)
    result = project(given, phi, generator, anchors, PERCEPTUAL, replace(SHORT, steps=60))
    centre = anchors.codes.mean(dim=0).expand(len(target), generator.num_ws, -1)
    with torch.no_grad():
        before, after = (
            (phi(x) - given).square().mean(dim=(1, 2, 3)) for x in (generator.synthesis(centre), result.images)
        )
    assert (after < 0.5 * before).all()
    assert result.images.shape == target.shape


def test_alpha_space_has_one_alpha_for_all_layers(generator, anchors, target):
    result = project(target, Identity(), generator, anchors, PERCEPTUAL, replace(SHORT, space="alpha", steps=40))
    alpha = result.code.alpha
    assert torch.equal(alpha, alpha[:, :1].expand_as(alpha))
    plus = project(target, Identity(), generator, anchors, PERCEPTUAL, replace(SHORT, steps=40)).code.alpha
    assert not torch.equal(plus, plus[:, :1].expand_as(plus))


SHORT = replace(OFFICIAL_CODE, steps=30, schedule=Constant(0.02))


def test_an_objective_that_is_not_finite_is_an_error_that_names_the_image(generator, anchors, target):
    broken = target.clone()
    broken[1, 0, 0, 0] = math.nan
    with pytest.raises(
        FloatingPointError, match="projection: the objective of image 1 of its batch became nan by step 0"
    ):
        project(broken, Identity(), generator, anchors, PERCEPTUAL, SHORT)


# Projection to W and W+


@pytest.fixture(scope="module")
def statistics(anchors) -> LatentStatistics:
    return LatentStatistics(anchors.codes.mean(dim=0), 1.0)


LATENT = LatentProjectionSettings(steps=40, exploration=0.02)


@pytest.mark.parametrize("space", ["w", "w+"])
def test_latent_projection_improves_and_stays_in_its_space(space, generator, target, holes, statistics):
    s = replace(LATENT, space=space)
    degraded = holes(target)
    result = project_latent(degraded, holes, generator, PERCEPTUAL, statistics, s, seeds=[0, 1, 2])
    start = generator.synthesis(statistics.mean.repeat(1, generator.num_ws, 1))
    error, at_start = ((holes(image) - degraded).square().mean(dim=(1, 2, 3)) for image in (result.images, start))
    assert (error < 0.5 * at_start).all()
    assert isinstance(result.renderer, SharedGenerator) and result.facts == {}
    shared = (result.ws == result.ws[:, :1]).all()
    assert shared if space == "w" else not shared


def test_latent_projection_of_a_row_depends_on_its_image_and_seed_alone(generator, target, holes, statistics):
    s = replace(LATENT, steps=8)
    degraded, seeds = holes(target), [5, 6, 7]
    together = project_latent(degraded, holes, generator, PERCEPTUAL, statistics, s, seeds=seeds)
    for i in range(3):
        alone = project_latent(
            degraded[i : i + 1], holes[i : i + 1], generator, PERCEPTUAL, statistics, s, seeds=seeds[i : i + 1]
        )
        np.testing.assert_allclose(alone.images[0], together.images[i], atol=1e-8)  # as above
    other = project_latent(degraded, holes, generator, PERCEPTUAL, statistics, s, seeds=[5, 6, 8])
    assert torch.allclose(other.images[:2], together.images[:2])
    assert not torch.allclose(other.images[2], together.images[2])


def test_constrain_none_is_what_renders_a_normalised_step():
    """`project` divides by the sum through `constrain(., None)`; both ways of writing Eq. 7 plus division agree."""
    raw = torch.randn(4, N, dtype=torch.float64) * 0.01 + 1 / N
    torch.testing.assert_close(constrain(constrain(raw, 0.02, normalize=False), None), constrain(raw, 0.02))


@pytest.mark.parametrize("space", ["alpha", "alpha+"])
def test_softmax_coordinates_stay_within_the_bound_and_start_at_the_centre(space, target, generator, anchors):
    beta = 0.02
    settings = replace(
        PAPER_TEXT, coordinates="softmax", space=space, beta=beta, steps=60, schedule=Ramps(0.1), sum_weight=1e6
    )
    found = project(target, Identity(), generator, anchors, PERCEPTUAL, settings)
    sums = found.code.alpha.sum(dim=-1)
    torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-12)  # the sum penalty weighs nothing
    assert (found.dilation <= beta + 1e-12).all()
    centre = generator.synthesis(anchors.codes.mean(dim=0).expand(1, generator.num_ws, -1))
    away = PERCEPTUAL.to_target(centre.expand_as(target), PERCEPTUAL.features(target))
    l2 = (centre - target).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(found.losses[:, 0], away + l2)  # float64: the first objective is the centre's
    assert (found.losses[:, -1] < 0.5 * found.losses[:, 0]).all()
    if space == "alpha":
        assert (found.code.alpha == found.code.alpha[:, :1]).all()


def test_softmax_coordinates_need_a_bound():
    with pytest.raises(ValueError, match="beta must be a number"):
        replace(PAPER_TEXT, coordinates="softmax", beta=None)
