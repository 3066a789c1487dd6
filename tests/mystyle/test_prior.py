"""MyStyle as a method: its preset ``paper`` is the letter, field by field, and every stage of it runs."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch

from mystyle.degradations import Downsampling, Inpainting
from mystyle.editing import edit
from mystyle.prior import METHOD, MyStylePrior
from mystyle.types import Portraits

LETTER = {
    "fit": {
        "epochs": 1000,  # code; B.2 has PTI's hyper-parameters, whose 350 steps are of one photo
        "batch": 1,  # code
        "learning_rate": 3e-4,  # code, PTI
        "schedule": "constant",  # code
        "shuffle": False,  # code
        "l2_weight": 1.0,  # B.2: lambda_L2 = 1
        "checkpointing": False,  # changes no result
        "stop_below": None,  # B.2: "no need for early-stopping"
        "locality_weight": 0.0,  # 3.1: "with no regularization"
        "locality_distance": 0.78,  # without effect
        "precision": "float32",  # code
    },
    "restore": {
        "space": "alpha+",  # 3.3, 4.2
        "beta": 0.02,  # 5.2.1
        "sharpness": 100.0,  # B.2: s = 100
        "offset_weight": 10.0,  # B.2: lambda_d-reg = 10
        "sum_weight": 1.0,  # Eq. 10
        "sum_of": "constrained",  # Eq. 8
        "coordinates": "softplus",  # Eq. 7
        "steps": 1000,  # B.2: StyleGAN2's projector
        "schedule": {"peak": 0.1, "up": 0.05, "down": 0.25},  # likewise
        "l2_weight": 1.0,  # B.2
        "batch": 16,  # changes no result
        "precision": "float32",  # code
    },
    "edit": {
        "beta": 0.03,  # code; the text leaves it to the user
        "policy": "project",  # 3.4: "in practice, we find the projection useful"
        "sum_to_zero": False,  # 3.4: gamma = (M^T M)^-1 M^T n
    },
    "sample": {
        "way": "b1",  # B.1
        "beta": 0.0,  # B.1: P_0
        "concentration": 1.0,  # without effect
        "sweeps": 1.0,  # without effect
    },
    "basis": "anchors",  # 3.2: all of them
}


def test_the_preset_paper_is_the_letter():
    assert asdict(METHOD.presets["paper"]) == LETTER


@pytest.fixture(scope="module")
def person(tiny_domain) -> Portraits:
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Portraits("p00", images, tuple(f"{i}.png" for i in range(4)), tuple(f"{i:064x}" for i in range(4)))


@pytest.fixture(scope="module")
def prior(tiny_domain, person) -> MyStylePrior:
    """Tuned by the preset ``paper`` but for its lengths."""
    paper = METHOD.presets["paper"]
    short = replace(paper, fit=replace(paper.fit, epochs=2), restore=replace(paper.restore, steps=3))
    return METHOD.fit(person, tiny_domain, seed=0, settings=short)


def test_paper_tunes(prior, person, tiny_domain):
    before, after = (g.synthesis.b32.conv1.weight for g in (tiny_domain.generator, prior.generator))
    assert not torch.equal(before, after)
    assert prior.reconstructions().shape == person.images.shape


def test_paper_samples(prior):
    images = prior.sample(3, seed=0)
    assert images.shape == (3, 3, 32, 32) and images.isfinite().all()


@pytest.mark.parametrize("task", ["inpainting", "super-resolution", "inversion"])
def test_paper_restores(prior, person, task):
    photos = person.images[:2]
    if task == "inversion":
        found = prior.invert(photos, seeds=[0, 1])
    else:
        mask = torch.ones(2, 1, 32, 32)
        mask[..., 8:20, 8:20] = 0
        phi = Inpainting(mask) if task == "inpainting" else Downsampling(4)
        found = prior.project(phi(photos), phi)
        assert torch.equal(prior.restore(phi(photos), phi, seeds=[0, 1]), found.images)
    assert torch.equal(found.images, found.render())  # the image is that of the code
    assert found.images.shape == photos.shape and found.images.isfinite().all()


@pytest.mark.parametrize(("basis", "count"), [("anchors", 4), ("dependent", 8), ("half", 2)])
def test_coordinates_are_of_what_spans_the_prior_and_edits_know_it(prior, person, basis, count):
    spanned = replace(prior, settings=replace(prior.settings, basis=basis))
    found = spanned.invert(person.images[:1], seeds=[0])
    assert found.code.alpha.shape == (1, 8, count) and found.code.anchors == spanned.basis.hash
    torch.testing.assert_close(found.ws, found.code.alpha @ spanned.basis.codes)
    again = spanned.inversion(found.tensors())
    direction = prior.anchors.codes[0] - prior.anchors.codes[1]
    assert torch.equal(again.moved(direction, [1.0]).ws, found.moved(direction, [1.0]).ws)
    assert spanned.sample(2, seed=0).shape == (2, 3, 32, 32)
    assert len(spanned.reconstructions()) == 4  # the photos are those of the anchors


def test_paper_edits_by_its_own_settings(prior, person, tiny_domain):
    found = prior.invert(person.images[:1], seeds=[0])
    z = torch.randn(1, tiny_domain.generator.z_dim, generator=torch.Generator().manual_seed(1))
    direction = tiny_domain.generator.mapping.w(z)[0]
    strengths = [-2.0, 0.0, 2.0]
    moved = found.moved(direction, strengths)
    expected = edit(found.code, direction, strengths, prior.anchors, METHOD.presets["paper"].edit)
    assert torch.equal(moved.code.alpha, expected.code.alpha)
    assert (expected.dilation <= 0.03 + 1e-6).all()  # projected back, in float32
    assert moved.render().shape == (3, 3, 32, 32)
