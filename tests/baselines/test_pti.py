"""PTI's settings: the regularisation by its formula, one generator for several images, and the pivots of Figure 16."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from baselines.pti import METHOD, PtiPrior
from mystyle.degradations import Downsampling, Identity
from mystyle.domains.domain import InMemory
from mystyle.latents.statistics import latent_statistics
from mystyle.locality import CODE, Locality, locality_loss
from mystyle.pivotal import PivotalTuning, tune_at_pivots
from mystyle.types import Portraits, Unsupported

NOBODY = Portraits("nobody", torch.zeros(0, 3, 32, 32), (), ())
SMOKE = METHOD.presets["smoke"]
TEXT = PivotalTuning(steps=15, learning_rate=3e-3, stop_below=0.0)


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def prior_of(domain, **changes):
    return METHOD.fit(NOBODY, domain, seed=0, settings=replace(SMOKE, **changes))


@pytest.fixture(scope="module")
def tuned(tiny_domain, images):
    """A generator tuned at two codes of W, and the codes."""
    g = tiny_domain.generator
    w = g.mapping(torch.randn(2, g.z_dim, generator=torch.Generator().manual_seed(1)))[:, :1]
    return tune_at_pivots(g, w, images, Identity(), tiny_domain.perceptual, TEXT)[0], w


@pytest.mark.parametrize("s", [Locality(distance=0.5), replace(CODE, distance=2.0, l2_weight=0.3)])
@pytest.mark.parametrize("layers", [1, "all"])
def test_locality_is_equations_4_and_5(tiny_domain, tuned, s, layers):
    g, perceptual = tiny_domain.generator, tiny_domain.perceptual
    generator, w = tuned
    std = latent_statistics(g).std
    if layers == "all":
        w = w + 0.1 * torch.randn(2, g.num_ws, g.w_dim, generator=torch.Generator().manual_seed(2))
    z = torch.randn(2, g.z_dim, generator=torch.Generator().manual_seed(3))
    expected = []
    for i in range(2):  # Eq. 4 as the released code has it: the norm is over all layers together
        w_p = w[i].expand(g.num_ws, -1)
        w_z = (g.mapping.w_avg + s.truncation * (g.mapping.w(z[i : i + 1]) - g.mapping.w_avg)).expand(g.num_ws, -1)
        alpha = s.distance * std * g.num_ws**0.5
        w_r = (w_p + alpha * (w_z - w_p) / (w_z - w_p).square().sum().sqrt())[None]
        x_r, x_s = (net.synthesis(w_r, noise=s.noise) for net in (g, generator))
        expected.append(perceptual(x_s, x_r) + s.l2_weight * (x_s - x_r).square().mean())
    found = locality_loss(generator.synthesis, g, perceptual, w, z, std, s)
    torch.testing.assert_close(found, torch.cat(expected), rtol=1e-3, atol=1e-6)  # float32, other batches
    assert (locality_loss(g.synthesis, g, perceptual, w, z, std, s).abs() < 1e-6).all(), "nothing is tuned"


def test_the_seeds_decide_the_codes_of_the_regularisation(tiny_domain, images):
    """And a fixed pivot stays, however strong it is."""
    g, perceptual, rate = tiny_domain.generator, tiny_domain.perceptual, 1e-3
    s, locality = PivotalTuning(steps=2, learning_rate=rate, stop_below=0.0), Locality(weight=50.0, codes=3)
    w = latent_statistics(g).mean.repeat(2, 1, 1)
    free, _, made = tune_at_pivots(g, w, images, Identity(), perceptual, s)
    held, at, _ = tune_at_pivots(g, w, images, Identity(), perceptual, s, locality, seeds=[0, 1])
    again, _, _ = tune_at_pivots(g, w, images, Identity(), perceptual, s, locality, seeds=[0, 1])
    other, _, _ = tune_at_pivots(g, w, images, Identity(), perceptual, s, locality, seeds=[0, 2])
    assert made == 2 and torch.equal(at, w)
    names = [dict(net.synthesis.named_parameters()) for net in (g, free, held, again, other)]
    moved = {k: [net[k] - names[0][k] for net in names[1:]] for k in names[0]}
    assert max(float(changes[0].abs().max()) for changes in moved.values()) <= 2 * rate * 1.01
    assert all(torch.equal(changes[1], changes[2]) for changes in moved.values()), "the seeds decide"
    assert any(not torch.equal(changes[0], changes[1]) for changes in moved.values())
    assert any(not torch.equal(changes[1], changes[3]) for changes in moved.values())


def test_regularisation_keeps_random_codes(tiny_domain, images):
    g = tiny_domain.generator
    z = torch.randn(16, g.z_dim, generator=torch.Generator().manual_seed(5))

    def moved(locality) -> float:
        prior = prior_of(tiny_domain, tuning=TEXT, locality=locality)
        own = prior.invert(images[:1], seeds=[0]).renderer.generators[0]
        return float((own(z, noise="const") - g(z, noise="const")).square().mean())

    assert moved(Locality(weight=5.0)) < 0.7 * moved(None)


def test_pivots_are_found_once_whatever_is_tuned_at_them(tiny_domain, images, monkeypatch):
    descents = []
    descend = PtiPrior.by_descent
    monkeypatch.setattr(PtiPrior, "by_descent", lambda *given: descents.append(1) or descend(*given))
    domain = replace(tiny_domain, fits=InMemory())
    prior_of(domain).invert(images, seeds=[0, 1])
    prior_of(domain, tuning=TEXT, together="mean").invert(images, seeds=[0, 1])
    assert len(descents) == 1
    prior_of(domain).invert(images, seeds=[0, 2])
    prior_of(domain).invert(images[:1], seeds=[0])
    prior_of(domain, pivot=replace(SMOKE.pivot, space="w+")).invert(images, seeds=[0, 1])
    assert len(descents) == 4
    for _ in range(2):
        prior_of(domain).project(images[..., ::2, ::2], Downsampling(2), seeds=[0, 1])
    assert len(descents) == 6, "of degraded images nothing is kept"


def test_one_generator_for_all_renders_all(tiny_domain, images):
    """Eq. 3: the mean over images; by Eq. 2 each image has a generator that is nearer to it."""
    together = prior_of(tiny_domain, tuning=TEXT, together="mean").invert(images, seeds=[0, 1])
    apart = prior_of(tiny_domain, tuning=TEXT).invert(images, seeds=[0, 1])
    first, second = together.renderer.generators
    assert first is second and torch.equal(together.ws, apart.ws)
    error = [(found.images - images).square().mean() for found in (apart, together)]
    before = tiny_domain.generator.synthesis(apart.ws, noise="const")
    assert error[0] < error[1] < (before - images).square().mean()
    alone = prior_of(tiny_domain, tuning=TEXT, together="mean").invert(images[:1], seeds=[0])
    assert torch.equal(alone.images, prior_of(tiny_domain, tuning=TEXT).invert(images[:1], seeds=[0]).images)


def test_images_in_turn_are_updated_one_by_one(tiny_domain, images):
    """The released code's loop, written plainly."""
    g, perceptual, s = tiny_domain.generator, tiny_domain.perceptual, PivotalTuning(3, 3e-3, l2_weight=0.7)
    w = g.mapping(torch.randn(2, g.z_dim, generator=torch.Generator().manual_seed(1)))[:, :1].detach()
    tuned, _, made = tune_at_pivots(g, w, images, Identity(), perceptual, s, in_turn=True)
    plain = copy.deepcopy(g)
    plain.synthesis.requires_grad_(True)
    optimizer = torch.optim.Adam(plain.synthesis.parameters(), s.learning_rate)
    for i in [0, 1] * s.steps:
        output = plain.synthesis(w[i : i + 1].expand(-1, g.num_ws, -1), noise="const")
        loss = perceptual(output, images[i : i + 1]).mean() + 0.7 * (output - images[i : i + 1]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert made == s.steps
    for one, other in zip(tuned.synthesis.parameters(), plain.synthesis.parameters(), strict=True):
        torch.testing.assert_close(one, other.detach(), rtol=1e-4, atol=1e-5)  # a fused Adam rounds otherwise
    prior = prior_of(tiny_domain, tuning=s, together="in turn")
    assert prior.invert(images, seeds=[0, 1]).facts["tuning_steps"].tolist() == [3, 3], "without an early stop"


def test_in_turn_a_pivot_moves_by_its_own_image_alone(tiny_domain, images):
    """A moment of Adam's would carry it on while other images have their turn."""
    g, perceptual, s = tiny_domain.generator, tiny_domain.perceptual, PivotalTuning(4, 0.0, stop_below=0.0)
    w = g.mapping(torch.randn(2, g.z_dim, generator=torch.Generator().manual_seed(1)))[:, :1].detach()
    _, both, _ = tune_at_pivots(g, w, images, Identity(), perceptual, s, pivot_rate=1e-2, in_turn=True)
    _, alone, _ = tune_at_pivots(g, w[:1], images[:1], Identity(), perceptual, s, pivot_rate=1e-2, in_turn=True)
    torch.testing.assert_close(both[:1], alone)
    assert not torch.equal(both, w)


@pytest.mark.parametrize("start", ["encoder", "mean", "random"])
@pytest.mark.parametrize("rate", [0.0, 1e-2])
def test_tuning_begins_where_it_is_told(tiny_domain, images, start, rate):
    g = tiny_domain.generator
    prior = prior_of(tiny_domain, tuning=PivotalTuning(steps=3, stop_below=0.0), start=start, pivot_rate=rate)
    found = prior.invert(images, seeds=[3, 4])
    if start == "random":
        z = torch.cat([torch.randn(1, g.z_dim, generator=torch.Generator().manual_seed(seed)) for seed in (3, 4)])
    expected = {
        "encoder": lambda: torch.cat([tiny_domain.encoder(image[None]) for image in images]),
        "mean": lambda: latent_statistics(g).mean.repeat(2, 1),
        "random": lambda: g.mapping.w(z),
    }[start]().detach()
    far = (found.ws[:, 0] - expected).abs().amax()
    assert (found.ws == found.ws[:, :1]).all() and found.losses.shape == (2, 0)
    assert far == 0 if not rate else 0 < far <= 3 * rate * 1.01  # a step of Adam is at most its rate, about
    assert found.facts["tuning_steps"].tolist() == [3, 3]


def test_a_pivot_in_wplus_has_layers_of_its_own(tiny_domain, images):
    pivot = replace(SMOKE.pivot, space="w+")
    found = prior_of(tiny_domain, pivot=pivot).invert(images[:1], seeds=[0])
    assert not torch.equal(found.ws[:, 0], found.ws[:, 1])


def test_it_tells_where_it_stopped(tiny_domain, images):
    prior = prior_of(tiny_domain, tuning=PivotalTuning(steps=5, stop_below=1.0))
    assert prior.invert(images[:1], seeds=[0]).facts["tuning_steps"].tolist() == [0]


def test_the_encoder_does_not_see_degraded_photos(tiny_domain, images):
    phi = Downsampling(4)
    with pytest.raises(Unsupported, match="whole photos"):
        prior_of(tiny_domain, start="encoder").restore(phi(images), phi, seeds=[0, 1])
