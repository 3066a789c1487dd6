"""The refining encoder: where it starts, what it lowers, and that images do not depend on each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mystyle.domains.domain import InMemory
from mystyle.latents.statistics import latent_samples
from mystyle.refinement import RefinementSettings, RefiningEncoder

SETTINGS = RefinementSettings(steps=15, batch=2)


@pytest.fixture(scope="module")
def refining(tiny_domain):
    def make(settings):
        d = tiny_domain
        return RefiningEncoder(d.encoder, d.generator, d.perceptual, d.perceptual.network, settings)

    return make


@pytest.fixture(scope="module")
def photos(tiny_domain):
    z = torch.randn(3, tiny_domain.generator.z_dim, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        return tiny_domain.generator(z).clamp(-1, 1)


def objective(tiny_domain, w, photos):
    g = tiny_domain.generator
    y = g.synthesis(w[:, None].expand(-1, g.num_ws, -1), noise="const")
    return tiny_domain.perceptual(y, photos) + (y - photos).square().mean(dim=(1, 2, 3))


def test_without_steps_it_is_the_encoder(refining, tiny_domain, photos):
    # float32: into whitened coordinates and back, whose scales differ by a hundred
    torch.testing.assert_close(
        refining(replace(SETTINGS, steps=0))(photos), tiny_domain.encoder(photos), rtol=0, atol=1e-4
    )


def test_it_comes_nearer_to_every_photo(refining, tiny_domain, photos):
    before, after = (refining(replace(SETTINGS, steps=steps))(photos) for steps in (0, 15))
    assert (objective(tiny_domain, after, photos) < objective(tiny_domain, before, photos)).all()
    assert not after.requires_grad


def test_a_code_does_not_depend_on_the_batch(refining, photos):
    together = refining(replace(SETTINGS, batch=3))(photos)
    alone = torch.cat([refining(replace(SETTINGS, batch=1))(photo[None]) for photo in photos])
    # Adam makes differences in the last bits larger, over 15 steps to about 1e-3 of the spread of W
    spread = latent_samples(refining(SETTINGS).generator).std()
    torch.testing.assert_close(together, alone, rtol=0, atol=float(0.02 * spread))


def test_whitened_codes_have_unit_covariance(refining):
    made = refining(SETTINGS)
    mean, whiten, _ = made.whitening
    v = (latent_samples(made.generator) - mean) @ whiten
    values = torch.linalg.eigvalsh(torch.cov(v.T))
    assert values.max() == pytest.approx(1, abs=1e-3)  # the least of W's variances are raised, theirs fall below 1
    torch.testing.assert_close(made.w(v), latent_samples(made.generator), rtol=0, atol=1e-4)


def test_photos_are_inverted_once_for_all_who_ask(tiny_domain, photos):
    d, fits = tiny_domain, InMemory()

    def of_domain(settings, weights):
        encoder = RefiningEncoder(
            d.encoder, d.generator, d.perceptual, d.perceptual.network, settings, {"weights": weights}
        )
        return replace(replace(d, encoder=encoder), fits=fits).encoder  # the engine gives a domain its fits

    first = of_domain(SETTINGS, "a")(photos)
    again = of_domain(SETTINGS, "a")
    again.codes = None  # asked for nothing
    assert torch.equal(again(photos), first)
    assert len(fits.kept) == 1
    of_domain(SETTINGS, "b")(photos)
    of_domain(replace(SETTINGS, steps=1), "a")(photos)
    assert len(fits.kept) == 3
