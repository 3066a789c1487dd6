"""S2E: GGT against the full matrix, the start, the best codes, and what the domain has to have."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.s2e import EPSILON, METHOD, PAPER, Ggt, log_cosh
from mystyle.descent import DescentSettings, Exponential, descend
from mystyle.types import Portraits, Unsupported

NOBODY = Portraits("nobody", torch.zeros(0, 3, 32, 32), (), ())


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def fitted(domain, **changes):
    settings = METHOD.presets["smoke"]
    return METHOD.fit(NOBODY, domain, seed=0, settings=replace(settings, invert=replace(settings.invert, **changes)))


def test_ggt_is_its_algorithm_with_the_whole_matrix():
    draws = torch.Generator().manual_seed(0)
    start = torch.randn(2, 3, 4, generator=draws, dtype=torch.float64)
    gradients = torch.randn(14, 2, 3, 4, generator=draws, dtype=torch.float64)
    x = start.clone().requires_grad_()
    rates = Exponential(0.25, 0.9, 7)
    settings = DescentSettings(steps=14, schedule=rates)
    descend((x,), lambda step: (x * gradients[step]).sum(dim=(1, 2)), settings, optimizer=Ggt)
    for i in range(2):
        at, m, columns = start[i].flatten(), torch.zeros(12, dtype=torch.float64), []
        for step in range(14):
            m = 0.9 * m + 0.1 * gradients[step, i].flatten()
            columns = [m, *columns][:10]
            g = torch.stack(columns, dim=1)
            values, vectors = torch.linalg.eigh(g @ g.T)
            root = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
            at = at - rates(step, 14) * torch.linalg.solve(root + EPSILON * torch.eye(12, dtype=root.dtype), m)
        # the whole matrix has a null space whose rounding, 1e-8 under the root, is divided by eps
        torch.testing.assert_close(x[i].flatten().detach(), at, rtol=0, atol=2e-4)


def test_the_first_step_of_ggt_has_the_norm_of_the_rate_in_every_row():
    x = torch.zeros(3, 2, 5).requires_grad_()
    sizes = torch.tensor([1.0, 10.0, 1000.0])[:, None, None]
    settings = DescentSettings(steps=1, schedule=Exponential(0.25, 0.9, 25))
    descend((x,), lambda _: (x * sizes).sum(dim=(1, 2)), settings, optimizer=Ggt)
    torch.testing.assert_close(x.detach().flatten(1).norm(dim=1), torch.full((3,), 0.25), rtol=1e-3, atol=0)  # eps


def test_log_cosh_is_that():
    x = torch.linspace(-5, 5, 11, dtype=torch.float64)
    torch.testing.assert_close(log_cosh(x), x.cosh().log())
    assert log_cosh(torch.tensor(255.0)) == pytest.approx(255 - 0.693147)


def test_it_starts_at_the_encoders_code_and_keeps_the_best(tiny_domain, images):
    start = tiny_domain.encoder(images)[:, None].expand(-1, tiny_domain.generator.num_ws, -1)
    one = fitted(tiny_domain, steps=1).invert(images, seeds=[0, 1])
    torch.testing.assert_close(one.ws, start)  # the first objective is the least so far
    found = fitted(tiny_domain, steps=25).invert(images, seeds=[0, 1])
    assert (found.losses.amin(dim=1) < 0.9 * found.losses[:, 0]).all()
    error = [(x.images - images).square().mean(dim=(1, 2, 3)) for x in (one, found)]
    assert (error[1] < error[0]).all()
    assert torch.equal(found.images, found.render())


def test_the_kept_code_is_averaged_with_those_that_were_best_before(tiny_domain, images):
    """Two steps: a quarter of the start, three of what came next, if that is better."""
    newest = fitted(tiny_domain, steps=2, average=0.0).invert(images, seeds=[0, 1])
    mixed = fitted(tiny_domain, steps=2).invert(images, seeds=[0, 1])
    start = fitted(tiny_domain, steps=1).invert(images, seeds=[0, 1])
    assert (newest.losses[:, 1] < newest.losses[:, 0]).all()
    torch.testing.assert_close(mixed.ws, 0.25 * start.ws + 0.75 * newest.ws)


def test_the_objective_at_the_start_is_the_sum_of_its_terms(tiny_domain, images):
    d = tiny_domain
    found = fitted(d, steps=1, discriminator_weight=0.5).invert(images, seeds=[0, 1])
    parts = {
        "pixel_weight": 1.5 * log_cosh((found.images - images) * 127.5).mean(dim=(1, 2, 3)),
        "perceptual_weight": 100 * d.perceptual(found.images, images),
        "discriminator_weight": 0.5 * torch.nn.functional.softplus(-d.discriminator(found.images)).flatten(),
    }
    for name, value in parts.items():
        without = fitted(d, **{"steps": 1, "discriminator_weight": 0.5, name: 0.0}).invert(images, seeds=[0, 1])
        torch.testing.assert_close(
            found.losses[:, 0] - without.losses[:, 0], value, rtol=1e-3, atol=1e-3
        )  # of hundreds


def test_the_papers_objective_needs_a_discriminator(tiny_domain, images):
    assert METHOD.presets["paper"].invert == PAPER and PAPER.discriminator_weight == 0.5
    bare = replace(tiny_domain, discriminator=None)
    with pytest.raises(Unsupported, match="no discriminator"):
        fitted(bare, discriminator_weight=0.5).invert(images, seeds=[0, 1])
    assert len(fitted(bare).invert(images, seeds=[0, 1])) == 2
