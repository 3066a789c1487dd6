"""SG2, I2S, I2S++, PULSE and II2S's direct descent against plain versions for one image, and their laws.

In float64 with a smooth distance, on a generator whose noise is seen, for the reasons of ``test_projection``.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch

from baselines.i2s import METHOD as I2S
from baselines.i2s_pp import METHOD as I2S_PP
from baselines.ii2s import METHOD as II2S
from baselines.ii2s_direct import METHOD as DIRECT
from baselines.pulse import METHOD as PULSE
from baselines.pulse import geocross
from baselines.sg2 import METHOD as SG2
from baselines.sg2_wplus import METHOD as SG2_WPLUS
from mystyle.degradations import Downsampling, Identity
from mystyle.descent import Constant
from mystyle.latents.pnorm import to_p
from mystyle.latents.statistics import latent_samples
from mystyle.types import Portraits
from tests.helpers.by_hand import GradientDistance, descended
from tests.mystyle.latents.test_noise_maps import by_hand as autocorrelation

NOBODY = Portraits("nobody", torch.zeros(0, 3, 32, 32), (), ())
PERCEPTUAL = GradientDistance()
STEPS = 12
# float64; convolutions of other batch sizes round at 1e-15, which Adam amplifies where a gradient is near its 1e-8
SAME = dict(rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def domain(tiny_domain):
    g = copy.deepcopy(tiny_domain.generator).double()
    for layer in g.synthesis.styled_convolutions():
        layer.noise_strength.data.fill_(0.1)
    return replace(tiny_domain, generator=g, perceptual=PERCEPTUAL, weights={"generator.safetensors": "noisy"})


@pytest.fixture(scope="module")
def images(domain):
    z = torch.randn(2, domain.generator.z_dim, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return domain.generator(z, noise="none") + 0.1


def fitted(method, domain, **changes):
    """The prior of the preset ``smoke``, with fields of its settings changed: restore={"steps": 12}."""
    settings = method.presets["smoke"]
    settings = replace(settings, **{name: replace(getattr(settings, name), **new) for name, new in changes.items()})
    return method.fit(NOBODY, domain, seed=0, settings=settings)


def mean_and_std(domain):
    w = latent_samples(domain.generator)
    mean = w.mean(dim=0)
    return mean, math.sqrt(((w - mean) ** 2).sum() / len(w))


def distance(x, y):
    return PERCEPTUAL.to_target(x, PERCEPTUAL.features(y)).sum()


@pytest.mark.parametrize(("method", "peak"), [(SG2, 0.1), (SG2_WPLUS, 0.01)])
def test_sg2_is_the_projector(domain, images, method, peak):
    """Appendix D for one image: the rates, the exploration, the regulariser and the normalisation written out."""
    g, seed = domain.generator, 5
    layers = 1 if method is SG2 else g.num_ws
    mean, std = mean_and_std(domain)
    draw = torch.Generator().manual_seed(seed)
    maps = [torch.randn(1, 1, r, r, generator=draw).double() for _, _, r, _ in g.synthesis.noise_shapes]

    def smooth(n):  # as the oracle in NumPy, with gradients
        total = 0
        while True:
            total = total + (n * n.roll(1, 2)).mean() ** 2 + (n * n.roll(1, 3)).mean() ** 2
            if n.shape[-1] <= 8:
                return total
            n = (n[..., ::2, ::2] + n[..., 1::2, ::2] + n[..., ::2, 1::2] + n[..., 1::2, 1::2]) / 4

    def loss(step, values):
        w, *n = values
        sigma = 0.05 * std * max(0, 1 - step / STEPS / 0.75) ** 2
        explored = w + sigma * torch.randn(layers, g.w_dim, generator=draw)
        image = g.synthesis(explored.expand(1, g.num_ws, -1), noise=n)
        return distance(image, images[:1]) + 1e5 * sum(smooth(each) for each in n)

    def rate(step):
        t = step / STEPS
        return peak * min(1, t / 0.05) * (0.5 - 0.5 * math.cos(math.pi * min(1, (1 - t) / 0.25)))

    def after(values):
        w, *n = values
        n = [each - each.mean() for each in n]
        return [w, *(each / each.square().mean().sqrt() for each in n)]

    (w, *maps), losses = descended([mean.repeat(1, layers, 1), *maps], loss, rate, STEPS, after)
    found = fitted(method, domain, restore={"steps": STEPS}).project(images, Identity(), seeds=[seed, 6])
    torch.testing.assert_close(found.losses[0], torch.tensor(losses, dtype=torch.float64), rtol=1e-6, atol=0)
    torch.testing.assert_close(found.ws[:1], w.expand(1, g.num_ws, -1), **SAME)
    assert all(torch.allclose(a[:1], b, **SAME) for a, b in zip(found.renderer.maps, maps, strict=True))
    with torch.no_grad():
        torch.testing.assert_close(found.images[:1], g.synthesis(found.ws[:1], noise=maps), **SAME)


def test_the_maps_of_sg2_stay_noise_and_are_of_each_image(domain, images):
    prior = fitted(SG2, domain, restore={"steps": STEPS})
    found = prior.invert(images, seeds=[1, 2])
    for n in found.renderer.maps:
        assert not torch.allclose(n[0], n[1])
        torch.testing.assert_close(n.square().mean(dim=(1, 2, 3)), torch.ones(2, dtype=n.dtype))
    free = fitted(SG2, domain, restore={"steps": STEPS, "noise_weight": 0.0}).invert(images, seeds=[1, 2])
    kept, loose = [autocorrelation([n[0, 0].numpy() for n in x.renderer.maps]) for x in (found, free)]
    assert kept < loose


def test_i2s_descends_on_pixels_and_distance_at_one_rate(domain, images):
    g = domain.generator
    mean, _ = mean_and_std(domain)

    def loss(step, values):
        image = g.synthesis(values[0])
        return distance(image, images[:1]) + (image - images[:1]).square().mean()

    (w,), losses = descended([mean.repeat(1, g.num_ws, 1)], loss, lambda step: 0.01, STEPS)
    found = fitted(I2S, domain, restore={"steps": STEPS}).project(images, Identity())
    torch.testing.assert_close(found.ws[:1], w, **SAME)
    torch.testing.assert_close(found.losses[0], torch.tensor(losses, dtype=torch.float64))


def test_i2s_pp_has_the_codes_of_i2s_and_then_its_noise(domain, images):
    g = domain.generator
    codes = fitted(I2S, domain, restore={"steps": STEPS}).project(images, Identity())
    prior = fitted(I2S_PP, domain, restore={"steps": STEPS}, maps={"steps": STEPS})
    found = prior.project(images, Identity())
    assert torch.equal(found.ws, codes.ws) and found.losses.shape == (2, 2 * STEPS)

    def loss(step, values):
        return (g.synthesis(codes.ws[:1], noise=values) - images[:1]).square().mean()

    maps, losses = descended(g.synthesis.noise_maps(), loss, lambda step: 5.0, STEPS)
    torch.testing.assert_close(found.losses[0, STEPS:], torch.tensor(losses, dtype=torch.float64), rtol=1e-6, atol=0)
    assert all(torch.allclose(a[:1], b, **SAME) for a, b in zip(found.renderer.maps, maps, strict=True))
    assert torch.equal(prior.invert(images, seeds=[8, 9]).images, found.images)  # nothing is random


def test_the_noise_of_i2s_pp_carries_what_codes_do_not(domain, images):
    codes = fitted(I2S, domain, restore={"steps": STEPS}).project(images, Identity())
    maps = {"steps": 60, "schedule": Constant(0.3)}
    both = fitted(I2S_PP, domain, restore={"steps": STEPS}, maps=maps).project(images, Identity())
    error = [(x.images - images).square().mean(dim=(1, 2, 3)) for x in (codes, both)]
    assert (error[1] < 0.7 * error[0]).all()


def test_pulse_is_the_released_codes(domain, images):
    """One image, photographs made smaller: whitening, spheres, losses and rates written out."""
    g, seed, eps = domain.generator, 3, 2e-3
    phi = Downsampling(4)
    target = phi(images)
    prior = fitted(PULSE, domain, restore={"steps": STEPS})
    mean, std = prior.space.mean, prior.space.scale
    draw = torch.Generator().manual_seed(seed)
    v = torch.randn(1, g.num_ws, g.w_dim, generator=draw).double()
    maps = [torch.randn(1, 1, r, r, generator=draw).double() for _, _, r, _ in g.synthesis.noise_shapes]
    maps[-1] = torch.zeros_like(maps[-1])
    radii = [v.norm(dim=2, keepdim=True), *(n.norm() for n in maps[:5])]

    def loss(step, values):
        p = values[0] * std + mean
        w = torch.where(p > 0, p, 0.2 * p)
        small = (phi(g.synthesis(w, noise=[*values[1:], *maps[5:]])) + 1) / 2
        error = (small - (target[:1] + 1) / 2).square().mean()
        cross = 0.0
        for a in w[0]:
            for b in w[0]:
                apart, sum_ = ((x.square().sum() + 1e-9).sqrt() for x in (a - b, a + b))
                cross = cross + 512 * (2 * torch.atan2(apart, sum_)) ** 2
        return 100 * error.clamp(min=eps) + 0.05 * cross / len(w[0]) ** 2 / 8

    def rate(step):
        t = step / STEPS
        if t >= 0.9:
            return 0.4 * (0.1 + (t - 0.9) / 0.1 * (0.001 - 0.1))
        return 0.4 * (0.1 + 0.9 * (t / 0.45 if t < 0.45 else 2 - t / 0.45))

    def after(values):
        first, *n = values
        first = first / first.norm(dim=2, keepdim=True) * radii[0]
        return [first, *(each / each.norm() * r for each, r in zip(n, radii[1:], strict=True))]

    (v, *trained), losses = descended([v, *maps[:5]], loss, rate, STEPS, after)
    found = prior.project(target, phi, seeds=[seed, 4])
    torch.testing.assert_close(found.losses[0], torch.tensor(losses, dtype=torch.float64), rtol=1e-6, atol=0)
    p = v * std + mean
    torch.testing.assert_close(found.ws[:1], torch.where(p > 0, p, 0.2 * p), **SAME)
    for n, expected in zip(found.renderer.maps, [*trained, *maps[5:]], strict=True):
        torch.testing.assert_close(n[:1], expected, **SAME)


def test_pulse_whitens_every_coordinate_of_p_by_itself(domain):
    prior = fitted(PULSE, domain)
    z = torch.randn(10_000, domain.generator.z_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        p = to_p(domain.generator.mapping.w(z.double()))
    torch.testing.assert_close(prior.space.mean, p.mean(dim=0))
    # deviations of principal components below a thousandth of the largest count as that
    torch.testing.assert_close(prior.space.scale, p.std(dim=0, correction=0), rtol=1e-4, atol=1e-3)


def test_geocross_is_zero_for_equal_layers_and_the_squared_angle_for_two(domain):
    w = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [0.0, 2.0]]], dtype=torch.float64)
    found = geocross(w)
    assert float(found[0]) == pytest.approx(0, abs=1e-5)  # 1e-9 inside the root
    assert float(found[1]) == pytest.approx(512 / 8 * (math.pi / 2) ** 2 / 2, rel=1e-6)  # two pairs of four


def test_pulse_lets_an_image_be_that_is_near_enough(domain, images):
    changes = {"steps": STEPS, "near_enough": 1e3, "cross_weight": 0.0}
    found = fitted(PULSE, domain, restore=changes).invert(images, seeds=[0, 1])
    start = fitted(PULSE, domain, restore=changes | {"steps": 1}).invert(images, seeds=[0, 1])
    torch.testing.assert_close(found.ws, start.ws, **SAME)


def test_the_direct_descent_is_of_coordinates(domain, images):
    """Unregularised, by hand; and clipped: every coordinate within its bound, exactly."""
    g = domain.generator
    free = fitted(DIRECT, domain, restore={"steps": STEPS, "clip": None})
    space = free.space
    mean, _ = mean_and_std(domain)

    def loss(step, values):
        image = g.synthesis(space.codes(values[0]))
        return distance(image, images[:1]) + (image - images[:1]).square().mean()

    (v,), losses = descended([space(mean.repeat(1, g.num_ws, 1))], loss, lambda step: 0.01, STEPS)
    found = free.project(images, Identity())
    torch.testing.assert_close(found.losses[0], torch.tensor(losses, dtype=torch.float64))
    torch.testing.assert_close(found.ws[:1], space.codes(v), **SAME)
    clipped = fitted(DIRECT, domain, restore={"steps": STEPS, "clip": 0.5}).project(images, Identity())
    assert space(clipped.ws).abs().max() < 0.5 + 1e-9
    short = fitted(DIRECT, domain, restore={"steps": STEPS, "clip": None, "radius": 0.7}).project(images, Identity())
    assert space(short.ws).norm(dim=1).max() < 0.7 + 1e-9
    drawn = fitted(DIRECT, domain, restore={"steps": STEPS, "clip": None, "penalty": 1.0}).project(images, Identity())
    assert space(drawn.ws).norm() < space(found.ws).norm()


@pytest.mark.parametrize("method", [SG2, SG2_WPLUS, I2S, I2S_PP, PULSE, DIRECT])
def test_a_row_does_not_depend_on_the_others_or_on_the_batch(domain, images, method):
    prior = fitted(method, domain)
    together = prior.invert(images, seeds=[7, 8])
    alone = prior.invert(images[1:], seeds=[8])
    torch.testing.assert_close(alone.images[0], together.images[1], **SAME)
    torch.testing.assert_close(alone.render()[0], alone.images[0], **SAME)
    one_by_one = fitted(method, domain, restore={"batch": 1}).invert(images, seeds=[7, 8])
    torch.testing.assert_close(one_by_one.images, together.images, **SAME)


def test_papers_are_the_papers():
    sg2, plus, i2s = (m.presets["paper"].restore for m in (SG2, SG2_WPLUS, I2S))
    assert (sg2.steps, sg2.schedule.peak, sg2.noise_weight, sg2.l2_weight, sg2.space) == (1000, 0.1, 1e5, 0, "w")
    assert (plus.steps, plus.schedule.peak, plus.space, plus.exploration) == (2100, 0.01, "w+", 0.05)
    assert (i2s.steps, i2s.schedule.rate, i2s.space, i2s.exploration) == (5000, 0.01, "w+", 0)
    both = I2S_PP.presets["paper"]
    assert (both.restore.steps, both.maps.steps, both.maps.schedule.rate) == (1000, 1000, 5)
    pulse = PULSE.presets["paper"].restore
    assert (pulse.steps, pulse.schedule.peak, pulse.l2_weight, pulse.cross_weight) == (100, 0.4, 100, 0.05)
    assert DIRECT.presets["paper"] == II2S.presets["paper"]
