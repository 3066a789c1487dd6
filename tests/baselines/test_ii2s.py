"""II2S: each regulariser does what it says, and without one it is the projection to W+."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.ii2s import CODE, METHOD, TEXT
from baselines.ii2s_direct import METHOD as DIRECT
from mystyle.degradations import Identity
from mystyle.latents.statistics import latent_statistics
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.types import Portraits

NOBODY = Portraits("nobody", torch.zeros(0, 3, 32, 32), (), ())
SHORT = replace(TEXT, steps=30, schedule=type(TEXT.schedule)(0.1), clip=None, samples=10_000)


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def embedded(domain, images, **changes):
    """v [n, layers, w_dim] of the embeddings, and the inversion."""
    settings = replace(METHOD.presets["smoke"], restore=replace(SHORT, **changes))
    prior = METHOD.fit(NOBODY, domain, seed=0, settings=settings)
    found = prior.invert(images, seeds=[0, 1])
    return prior.space(found.ws), found


def test_without_a_regulariser_it_is_the_projection_to_wplus(tiny_domain, images):
    domain, (_, found) = tiny_domain, embedded(tiny_domain, images)
    settings = LatentProjectionSettings(steps=30, schedule=SHORT.schedule, exploration=0.0)
    statistics = latent_statistics(domain.generator)
    plain = project_latent(images, Identity(), domain.generator, domain.perceptual, statistics, settings)
    assert torch.equal(found.ws, plain.ws) and torch.equal(found.losses, plain.losses)


def test_clipped_codes_are_within_their_bound_and_fit_less(tiny_domain, images):
    free, found = embedded(tiny_domain, images)
    clipped, bounded = embedded(tiny_domain, images, clip=1.0)
    assert free.abs().max() > 1.5 and clipped.abs().max() < 1.01
    assert (bounded.losses[:, -1] > found.losses[:, -1]).all()


def test_projected_codes_are_within_their_radius(tiny_domain, images):
    free, _ = embedded(tiny_domain, images)
    projected, _ = embedded(tiny_domain, images, radius=2.0)
    assert free.norm(dim=1).max() > 2.5 and projected.norm(dim=1).max() < 2.02


def test_a_penalty_draws_codes_to_the_mean_of_p(tiny_domain, images):
    sizes = [float(embedded(tiny_domain, images, penalty=weight)[0].square().mean()) for weight in (0.0, 1e-4, 1e-2)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_codes_clipped_to_two_deviations_have_no_outliers(tiny_domain, images):
    """Though they come back from W a little off."""
    v, found = embedded(tiny_domain, images, clip=2.0)
    assert v.abs().max() > 1.999 and (found.facts["code_outliers"] == 0).all()


def test_the_direct_descent_tells_it_too(tiny_domain, images):
    settings = replace(METHOD.presets["smoke"], restore=replace(SHORT, clip=0.5))
    found = DIRECT.fit(NOBODY, tiny_domain, seed=0, settings=settings).invert(images, seeds=[0, 1])
    assert (found.facts["code_outliers"] == 0).all() and (found.facts["code_distance"] <= 0.501).all()


def test_it_tells_how_far_codes_are_from_those_of_the_generator(tiny_domain, images):
    """Codes of the generator are at a distance of one, with the outliers of their distribution."""
    v, found = embedded(tiny_domain, images, clip=1.0)
    expected = v.double().square().mean(dim=(1, 2)).sqrt().float()
    torch.testing.assert_close(found.facts["code_distance"], expected)
    assert (found.facts["code_outliers"] == 0).all()
    free, found = embedded(tiny_domain, images)
    assert found.facts["code_outliers"].tolist() == [float((of.abs() > 2.001).float().mean()) for of in free]
    g = tiny_domain.generator
    ws = g.mapping(torch.randn(500, g.z_dim, generator=torch.Generator().manual_seed(0)))
    own = replace(found, ws=ws, rows=tuple(range(500))).facts
    assert own["code_distance"].square().mean().sqrt() == pytest.approx(1, abs=0.1)  # of 500 codes


def test_the_presets_are_text_and_code():
    assert (METHOD.presets["paper"].restore.clip, METHOD.presets["paper"].restore.steps) == (2.0, 1200)
    assert CODE.clip is None and CODE.penalty == pytest.approx(1.085e-7, rel=1e-3)
