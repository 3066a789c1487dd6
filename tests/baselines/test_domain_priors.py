"""What does not learn the person (W, W+, PTI), what trains its anchors (GLO), and which snapshot is kept."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from baselines.common.latent_prior import EARLY_STOPPED, LatentPrior
from baselines.common.snapshots import BestSnapshot
from baselines.domain_encoder import METHOD as ENCODER
from baselines.domain_w import METHOD as DOMAIN_W
from baselines.domain_wplus import METHOD as DOMAIN_WPLUS
from baselines.glo import METHOD as GLO
from baselines.glo import GloSettings, GloTuning
from baselines.pti import METHOD as PTI
from mystyle.latents.anchors import encode_anchors
from mystyle.latents.statistics import latent_statistics
from mystyle.networks.features import PerceptualDistance
from mystyle.pivotal import PivotalTuning
from mystyle.prior import Settings as MyStyleSettings
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Portraits


@pytest.fixture(scope="module")
def person(tiny_domain) -> Portraits:
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Portraits("p00", images, tuple(f"{i}.png" for i in range(4)), tuple(f"{i:064x}" for i in range(4)))


def test_domain_priors_differ_in_their_space_alone_and_are_identity_agnostic(tiny_domain, person):
    for method, space in ((DOMAIN_W, "w"), (DOMAIN_WPLUS, "w+")):
        prior = method.fit(person, tiny_domain, seed=0, settings=method.presets["smoke"])
        assert prior.generator is tiny_domain.generator
        ws = prior.invert(person.images[:2], seeds=[0, 1]).ws
        layers_agree = torch.equal(ws[:, 0], ws[:, -1])
        assert layers_agree == (space == "w")
    w, wplus = (method.presets["paper"] for method in (DOMAIN_W, DOMAIN_WPLUS))
    assert w == replace(wplus, restore=replace(wplus.restore, space="w"))


def test_an_encoder_s_inversion_renders_its_codes(tiny_domain, person):
    """The anchors that MyStyle takes of the same photos, in every layer, whatever the seeds."""
    prior = ENCODER.fit(person, tiny_domain, seed=0, settings=ENCODER.presets["paper"])
    found = prior.invert(person.images, seeds=range(len(person)))
    expected = encode_anchors(person, tiny_domain.encoder).codes
    assert torch.equal(found.ws, expected[:, None].expand_as(found.ws))
    assert found.ws.shape[1] == prior.domain.generator.num_ws
    assert torch.equal(found.images, found.render())
    assert torch.equal(found.images, prior.invert(person.images, seeds=[7] * len(person)).images)


def test_pti_tunes_each_image_at_its_pivot(tiny_domain, person):
    settings = replace(PTI.presets["smoke"], tuning=PivotalTuning(steps=40, learning_rate=1e-2, stop_below=0.0))
    prior = PTI.fit(person, tiny_domain, seed=0, settings=settings)
    found = prior.invert(person.images[:2], seeds=[0, 1])
    before = torch.cat([tiny_domain.generator.synthesis(w[None]) for w in found.ws])
    error = [(x - person.images[:2]).square().mean(dim=(1, 2, 3)) for x in (before, found.render())]
    assert (error[1] < 0.5 * error[0]).all()
    assert torch.equal(found.images, found.render())
    generators = found.renderer.generators
    assert len(generators) == 2 and tiny_domain.generator not in generators
    assert not any(p.requires_grad for g in generators for p in g.parameters())


def test_pti_stops_where_it_is_near_enough(tiny_domain, person):
    """A threshold that every image is below leaves the generator as it is."""
    settings = replace(PTI.presets["smoke"], tuning=PivotalTuning(steps=5, stop_below=1.0))
    found = PTI.fit(person, tiny_domain, seed=0, settings=settings).invert(person.images[:1], seeds=[0])
    for name, value in found.renderer.generators[0].state_dict().items():
        assert torch.equal(value, tiny_domain.generator.state_dict()[name]), name


def test_glo_moves_the_anchors_and_with_a_rate_of_zero_is_mystyle(tiny_domain, person):
    fit = TuningSettings(epochs=3, batch=2, learning_rate=1e-3, schedule="cosine", shuffle=True)
    start = encode_anchors(person, tiny_domain.encoder)

    def glo(rate: float):
        settings = MyStyleSettings(fit=GloSettings(**vars(fit), anchor_rate=rate))
        return GLO.fit(person, tiny_domain, seed=0, settings=settings)

    moved = glo(1e-2)
    assert not torch.allclose(moved.anchors.codes, start.codes)
    assert (moved.anchors.codes - start.codes).abs().max() <= 6 * 1e-2 * 1.01  # a step of Adam is at most its rate
    still, ours = glo(0.0), tune(tiny_domain.generator, start, person.images, tiny_domain.perceptual, fit, seed=0)
    assert torch.equal(still.anchors.codes, start.codes)
    for a, b in zip(still.generator.parameters(), ours.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("start", ["encoder", "mean", "random"])
def test_glo_starts_where_it_is_told_and_tells_how_far_anchors_moved(tiny_domain, person, start, tmp_path):
    def glo(rate: float, seed: int = 0):
        fit = GloSettings(epochs=1, batch=4, anchor_rate=rate, start=start)
        return GLO.fit(person, tiny_domain, seed=seed, settings=MyStyleSettings(fit=fit))

    statistics = latent_statistics(tiny_domain.generator)
    codes = glo(0.0).anchors.codes
    if start == "encoder":
        assert torch.equal(codes, encode_anchors(person, tiny_domain.encoder).codes)
    elif start == "mean":
        assert torch.equal(codes, statistics.mean.expand_as(codes))
    else:
        assert not torch.equal(codes, glo(0.0, seed=1).anchors.codes)
        assert (codes - codes.roll(1, 0)).norm(dim=1).min() > 0.1 * statistics.std
    assert glo(0.0).facts == {"anchor_displacement": 0.0}
    moved = glo(1e-2)
    expected = 1e-2 * tiny_domain.generator.w_dim**0.5 / statistics.std  # Adam's first step is its rate in every number
    assert moved.facts["anchor_displacement"] == pytest.approx(expected, rel=0.05)  # but where a gradient is about eps
    moved.save(tmp_path)
    again = GLO.load(tmp_path, person, tiny_domain, settings=moved.settings)
    assert again.facts == moved.facts


def test_an_anchor_is_moved_by_its_own_photo_alone(tiny_domain, person):
    start = encode_anchors(person, tiny_domain.encoder)
    g = copy.deepcopy(tiny_domain.generator)
    module = GloTuning(start.codes, g, tiny_domain.generator, tiny_domain.perceptual, GloSettings(), 0)
    positions = torch.tensor([0, 2])
    loss = (module.render(module.codes[positions]) - person.images[positions]).square().mean()
    (gradient,) = torch.autograd.grad(loss, module.codes)
    assert (gradient[[0, 2]].abs().sum(dim=1) > 0).all()
    assert gradient[[1, 3]].abs().sum() == 0


@pytest.fixture(scope="module")
def perceptual(tiny_domain) -> PerceptualDistance:
    """Untrained, its network hardly tells images apart."""
    network = copy.deepcopy(tiny_domain.perceptual.network)
    for layer in network.modules():
        if hasattr(layer, "weight"):
            layer.weight.mul_(3)
    return PerceptualDistance(network)


@pytest.mark.parametrize("truncation", [0.7, 1.0])
def test_the_snapshot_kept_is_the_one_nearest_to_the_photos(tiny_domain, perceptual, truncation):
    g = copy.deepcopy(tiny_domain.generator)
    with torch.no_grad():
        photos = g(torch.randn(40, g.z_dim, generator=torch.Generator().manual_seed(5)))
    snapshot = BestSnapshot(photos, perceptual, truncation)
    worse, kept = copy.deepcopy(g), copy.deepcopy(g)
    with torch.no_grad():
        for parameter in worse.synthesis.parameters():
            parameter.mul_(1.5)
    snapshot.look(worse, 1)
    snapshot.look(g, 2)
    snapshot.look(worse, 3)
    assert snapshot.distances[2] < snapshot.distances[1] == snapshot.distances[3]
    snapshot.restore(worse)
    for a, b in zip(worse.parameters(), kept.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("truncation", [0.3, 0.7, 1.0])
def test_snapshots_are_compared_by_the_samples_that_the_method_gives(tiny_domain, perceptual, truncation):
    """KID of images that are made as ``LatentPrior.sample`` makes them, about the mean code of the mapping as it is."""
    g = copy.deepcopy(tiny_domain.generator)
    with torch.no_grad():
        for parameter in g.mapping.parameters():
            parameter.mul_(1.2)  # as if trained: the stored mean code is another mapping's
        photos = tiny_domain.generator(torch.randn(30, g.z_dim, generator=torch.Generator().manual_seed(5)))
    snapshot = BestSnapshot(photos, perceptual, truncation, samples=30)
    snapshot.look(g, 1)
    prior = LatentPrior(g, perceptual, EARLY_STOPPED, truncation)
    assert torch.equal(g.mapping.w_avg, prior.statistics.mean)
    with torch.no_grad():
        pairs = (photos, prior.sample(30, seed=0))
        real, fake = (perceptual.network.deep(x.clamp(-1, 1)).double().numpy() for x in pairs)
    n, d = real.shape

    def kernel(a, b):
        return (a @ b.T / d + 1) ** 3

    within = [(kernel(x, x).sum() - kernel(x, x).trace()) / n / (n - 1) for x in (real, fake)]
    expected = sum(within) - 2 * kernel(real, fake).mean()
    rounding = 1e-5 * kernel(real, fake).mean()  # float32 sums of 900 terms that nearly cancel
    assert snapshot.distances[1] == pytest.approx(expected, abs=rounding)
    assert abs(expected) > 100 * rounding
