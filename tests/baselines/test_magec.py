"""MAGEC against a plain version for one image, written from Eq. 2 and 3; its phases; and the laws of its loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines import magec
from baselines.magec import METHOD, both_ways, edited, shifts
from baselines.magec_off import METHOD as OFF
from baselines.magec_off_300 import METHOD as OFF_300
from mystyle.domains.domain import InMemory
from mystyle.identity_loss import recogniser, similarity
from mystyle.latents.statistics import latent_samples
from mystyle.linknet import LinkNet
from mystyle.plugins import EDITORS
from mystyle.types import Portraits, Unsupported
from tests.helpers.by_hand import descended

NOBODY = Portraits("nobody", torch.zeros(0, 3, 32, 32), (), ())
NAMES = ("yaw", "smile")
STEPS, STRENGTH = 20, 2.0
WEIGHTS = {"perceptual": 0.5, "identity": 0.2, "magec": 0.3}  # so that every term counts


class Directions:
    """InterFaceGAN with directions that cost nothing to find."""

    def __init__(self, w_dim):
        draws = torch.Generator().manual_seed(3)
        self.vectors = {name: torch.randn(w_dim, generator=draws) for name in NAMES}

    def directions(self, domain):
        return self.vectors


@pytest.fixture(scope="module")
def domain(tiny_domain):
    return replace(tiny_domain, fits=InMemory())


@pytest.fixture(autouse=True)
def editor(domain, monkeypatch):
    found = EDITORS.load("interfacegan")
    monkeypatch.setattr(type(found), "directions", Directions(domain.generator.w_dim).directions)
    return found


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def link(domain, monkeypatch):
    draws = torch.Generator().manual_seed(1)
    weight = 0.05 * torch.randn(2, domain.generator.w_dim, generator=draws)  # unsaturated
    layers = torch.rand(2, domain.generator.num_ws, generator=draws) / 5
    found = LinkNet(weight, layers, torch.tensor([0.2, -0.1]), torch.ones(2))
    monkeypatch.setattr(magec, "linknet_of", lambda *_: found)
    return found


def prior_of(domain, method=METHOD, **changes):
    settings = method.presets["smoke"]
    return method.fit(NOBODY, domain, seed=0, settings=replace(settings, invert=replace(settings.invert, **changes)))


def test_it_is_equations_2_and_3(domain, images, link, editor):
    """One image: descriptors, edits, phases and rates written out; edits rendered by no shortcut."""
    g, x = domain.generator, images[:1]
    n = editor.directions(domain)
    reader, moments = domain.reader, domain.reader.moments
    read = reader.attributes(x)
    gain = torch.log(torch.tensor(0.95 / 0.05))
    d = [torch.sigmoid(gain * (read[a] - moments[a][0]) / moments[a][1]) for a in NAMES]
    who = domain.perceptual.network.deep(x)[0]

    def entropy(code, labels):
        p = torch.sigmoid((code @ link.weight.T * link.layers.T).sum(dim=0) + link.bias)
        return sum(-(t * p[k].log() + (1 - t) * (1 - p[k]).log()) for k, t in enumerate(labels))

    def loss(step, values):
        (z,) = values
        image = g.synthesis(z)
        consistency = entropy(z[0], d)
        for k, name in enumerate(NAMES):
            for sign in (1, -1):
                labels = [torch.tensor([float(sign > 0)]) if j == k else d[j] for j in range(2)]
                consistency = consistency + entropy(z[0] + sign * STRENGTH * n[name], labels) / 4
        deep = domain.perceptual.network.deep(image)[0]
        return (
            (1e-3 if step < STEPS // 2 else 0.5) * (image - x).square().mean()
            + 0.5 * domain.perceptual(image, x).sum()
            + 0.2 * (1 - deep @ who / (deep.norm() * who.norm()))
            + 0.3 * consistency
        ).squeeze()

    start = latent_samples(g, 10_000).mean(dim=0).repeat(1, g.num_ws, 1)
    (z,), losses = descended([start], loss, lambda step: 0.07 * 0.8 ** (step * 8 // STEPS), STEPS)
    weights = {f"{name}_weight": weight for name, weight in WEIGHTS.items()}
    found = prior_of(domain, steps=STEPS, strength=STRENGTH, **weights).invert(images, seeds=[0, 1])
    # float32: another order of the same sums and another batch, which Adam amplifies over twenty steps
    torch.testing.assert_close(found.losses[0], torch.tensor(losses), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.ws[:1], z, rtol=0, atol=5e-3)


def test_an_editor_that_no_gradient_passes_is_refused(domain, images, monkeypatch):
    settings = replace(METHOD.presets["smoke"], invert=replace(METHOD.presets["smoke"].invert, editor="styleflow"))
    with pytest.raises(Unsupported, match="styleflow passes no gradient"):
        METHOD.fit(NOBODY, domain, seed=0, settings=settings).invert(images, seeds=[0, 1])


def test_edits_along_directions_shift_what_link_says_by_a_constant(domain, link, editor):
    """Link(e_i(z)) = Link(z) + c_i for every z: the fast form beside the plain one."""
    g = domain.generator
    ws = torch.randn(3, g.num_ws, g.w_dim, generator=torch.Generator().manual_seed(2))
    edits = both_ways(NAMES, STRENGTH)
    assert edits == (("yaw", 2.0), ("smile", 2.0), ("yaw", -2.0), ("smile", -2.0))
    by = shifts(link, edits, editor, domain)
    # float32 sums of about ten
    torch.testing.assert_close(edited(link, ws, edits, editor, domain), link(ws)[:, None] + by, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(by[:2], -by[2:], rtol=1e-4, atol=1e-4)


def test_both_forms_have_the_same_loss_and_gradient(domain, images, link, editor, monkeypatch):
    g = domain.generator
    ws = torch.randn(2, g.num_ws, g.w_dim, generator=torch.Generator().manual_seed(2)).requires_grad_()
    losses, gradients = [], []
    for kind in (type(editor), int):  # an editor that is no DirectionEditor takes the plain form
        monkeypatch.setattr(magec, "DirectionEditor", kind)
        loss = prior_of(domain).consistency(images)(ws)
        losses.append(loss.detach())
        gradients.append(torch.autograd.grad(loss.sum(), ws)[0])
    # float32 sums of about ten
    torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)
    assert gradients[0].norm() > 0


def test_without_its_loss_nothing_is_read_and_with_it_codes_agree_more(domain, images, link, monkeypatch):
    agreed = prior_of(domain, steps=STEPS, magec_weight=1.0)
    consistency = agreed.consistency(images)
    with_it = consistency(agreed.invert(images, seeds=[0, 1]).ws)
    monkeypatch.setattr(magec, "linknet_of", lambda *_: pytest.fail("LinkNet was asked for"))
    without = consistency(prior_of(domain, OFF, steps=STEPS).invert(images, seeds=[0, 1]).ws)
    assert (with_it < without).all()


def test_phases_and_rates_are_the_paper_s():
    paper, longer = METHOD.presets["paper"].invert, OFF_300.presets["paper"].invert
    assert (paper.steps, paper.samples, paper.l2_weight) == (200, 50_000, 0)
    assert (paper.perceptual_weight, paper.identity_weight, paper.magec_weight) == (0.5, 3e-4, 3e-4)
    pixels = [paper.pixel_weight(step, 200) for step in range(200)]
    assert pixels == [1e-3] * 100 + [0.5] * 100
    rates = [paper.schedule(step, 200) for step in range(200)]
    assert rates == pytest.approx([0.07 * 0.8 ** (step // 25) for step in range(200)])
    assert OFF.presets["paper"].invert == replace(paper, magec_weight=0.0)
    assert (longer.steps, longer.magec_weight) == (300, 0)
    assert [longer.pixel_weight(step, 300) for step in range(300)] == [1e-3] * 100 + [0.5] * 200
    assert [longer.schedule(step, 300) for step in range(200)] == pytest.approx(rates)
    assert longer.schedule(299, 300) == pytest.approx(0.07 * 0.8**11)


def test_the_identity_of_losses_is_never_the_judge_s(domain, images):
    network = recogniser(domain)
    assert network is domain.perceptual.network and network is not domain.judge

    class Refining:
        identity = object()

    assert recogniser(replace(domain, encoder=Refining())) is Refining.identity
    torch.testing.assert_close(similarity(network, images, network.deep(images)), torch.ones(2))
