"""DiffAugment: the operators against loops written from their definition, the training, and the projection."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.diffaugment import (
    METHOD,
    OPERATORS,
    FewShotGAN,
    FitSettings,
    augment,
    brightness,
    contrast,
    cutout,
    saturation,
    train_few_shot,
    translation,
)

# Loops over images and pixels. x is [c, h, w], u two numbers in [0, 1); one image at a time.


def loop_brightness(x, u):
    return x + (u[0] - 0.5)


def loop_saturation(x, u):
    out = np.empty_like(x)
    for y in range(x.shape[1]):
        for z in range(x.shape[2]):
            grey = x[:, y, z].mean()
            out[:, y, z] = (x[:, y, z] - grey) * (2 * u[0]) + grey
    return out


def loop_contrast(x, u):
    return (x - x.mean()) * (u[0] + 0.5) + x.mean()


def loop_translation(x, u):
    _, h, w = x.shape
    ry, rx = math.floor(0.125 * h + 0.5), math.floor(0.125 * w + 0.5)
    dy, dx = list(range(-ry, ry + 1))[int(u[0] * (2 * ry + 1))], list(range(-rx, rx + 1))[int(u[1] * (2 * rx + 1))]
    out = np.zeros_like(x)
    for y in range(h):
        for z in range(w):
            if 0 <= y - dy < h and 0 <= z - dx < w:
                out[:, y, z] = x[:, y - dy, z - dx]
    return out


def loop_cutout(x, u):
    out = x.copy()
    _, h, w = x.shape
    ch, cw = math.floor(0.5 * h + 0.5), math.floor(0.5 * w + 0.5)
    oy, ox = int(u[0] * (h + 1 - ch % 2)), int(u[1] * (w + 1 - cw % 2))
    for y in range(oy - ch // 2, oy - ch // 2 + ch):
        for z in range(ox - cw // 2, ox - cw // 2 + cw):
            if 0 <= y < h and 0 <= z < w:
                out[:, y, z] = 0
    return out


LOOPS = [
    (brightness, loop_brightness),
    (saturation, loop_saturation),
    (contrast, loop_contrast),
    (translation, loop_translation),
    (cutout, loop_cutout),
]


@pytest.mark.parametrize(("operator", "loop"), LOOPS, ids=[operator.__name__ for operator, _ in LOOPS])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), h=st.integers(1, 20), w=st.integers(1, 20))
def test_operator_is_its_definition(operator, loop, seed, h, w):
    draw = torch.Generator().manual_seed(seed)
    x = torch.rand(3, 3, h, w, generator=draw, dtype=torch.float64) * 2 - 1
    u = torch.rand(3, 2, generator=draw, dtype=torch.float64)
    expected = np.stack([loop(a, b) for a, b in zip(x.numpy(), u.numpy(), strict=True)])
    np.testing.assert_allclose(operator(x, u), expected, atol=1e-12)  # float64


@pytest.mark.parametrize("u", [0.0, 1 - 2**-24])
def test_draws_at_the_ends_stay_in_range(u):
    """The largest float32 below one must not round up to the next integer."""
    x = torch.ones(1, 3, 64, 64)
    ends = torch.full((1, 2), u)
    assert translation(x, ends).sum() == 3 * 56 * 56  # r = 8, both axes
    assert cutout(x, ends).sum() == 3 * (64 * 64 - 16 * 16)  # a quarter of the 32 x 32 hole lies inside


def test_cutout_keeps_the_share_of_pixels_that_the_definition_gives():
    x = torch.ones(4000, 1, 8, 8)
    u = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0))
    visible = [sum(0 <= o - 2 + k < 8 for k in range(4)) / 8 for o in range(9)]
    expected = 1 - np.mean(visible) ** 2  # 0.83 at 8 x 8
    assert cutout(x, u).mean().item() == pytest.approx(expected, abs=0.005)  # 4 standard errors


def test_color_is_brightness_saturation_contrast_in_that_order():
    x = torch.randn(2, 3, 8, 8)
    draw = torch.Generator().manual_seed(0)
    expected = x
    for operator in (brightness, saturation, contrast):
        expected = operator(expected, torch.rand(2, 2, generator=draw))
    assert torch.equal(augment(x, "color", torch.Generator().manual_seed(0)), expected)
    assert OPERATORS["color"] == (brightness, saturation, contrast)


def test_the_generator_decides_every_draw():
    x = torch.randn(4, 3, 16, 16)
    a, b, c = (augment(x, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    state = torch.get_rng_state()
    augment(x, generator=torch.Generator().manual_seed(0))
    assert torch.equal(state, torch.get_rng_state())


def test_images_of_a_batch_get_draws_of_their_own():
    x = torch.randn(1, 3, 16, 16).repeat(4, 1, 1, 1)
    for policy in OPERATORS:
        out = augment(x, policy, torch.Generator().manual_seed(0))
        assert not any(torch.equal(out[0], other) for other in out[1:]), policy


def test_gradients_flow_through_every_operator():
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    for policy in (*OPERATORS, "color,translation,cutout"):
        assert torch.autograd.gradcheck(lambda v, p=policy: augment(v, p, torch.Generator().manual_seed(0)), x)


def test_an_empty_policy_is_the_identity_and_an_unknown_one_an_error():
    x = torch.randn(1, 3, 4, 4)
    assert augment(x, "") is x
    with pytest.raises(ValueError, match=r"unknown augmentation 'flip'; there is: color, translation, cutout"):
        augment(x, "color,flip")


# Training

TINY = FitSettings(images=12, batch=4, r1_interval=2, ema_half_life=4)


@pytest.fixture
def photos(tiny_domain) -> torch.Tensor:
    size = tiny_domain.generator.resolution
    return torch.rand(5, 3, size, size, generator=torch.Generator().manual_seed(3)) * 2 - 1


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in network.state_dict().values()])


def test_training_repeats_by_seed_and_leaves_domain_and_global_randomness_alone(tiny_domain, photos):
    before = [weights(n).clone() for n in (tiny_domain.generator, tiny_domain.discriminator)]
    state = torch.get_rng_state()
    a, b, c = (train_few_shot(tiny_domain, photos, TINY, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))
    assert torch.equal(state, torch.get_rng_state())
    for old, network in zip(before, (tiny_domain.generator, tiny_domain.discriminator), strict=True):
        assert torch.equal(old, weights(network))


def test_all_of_the_generator_moves_and_the_mean_code_follows_the_mapping(tiny_domain, photos):
    trained = train_few_shot(tiny_domain, photos, TINY, seed=0)
    for name, parameter in trained.named_parameters():
        assert not torch.equal(parameter, tiny_domain.generator.get_parameter(name)), name
    z = torch.randn(20_000, trained.z_dim, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        mean = trained.mapping(z)[:, 0].mean(dim=0)
        spread = trained.mapping(z)[:, 0].std(dim=0)
    assert ((trained.mapping.w_avg - mean).abs() <= 6 * spread / 100 + 1e-6).all()  # 6 standard errors of 10,000


def test_r1_is_the_gradient_penalty_on_the_photos_before_augmentation(tiny_domain, photos, monkeypatch):
    """The discriminator's loss of one step, recomputed from its definition with the same draws."""
    module = FewShotGAN(
        tiny_domain.generator, tiny_domain.discriminator, replace(TINY, r1_interval=1, style_mixing=0.0)
    )
    losses = []
    monkeypatch.setattr(module, "optimizers", lambda: (None, None))
    monkeypatch.setattr(module, "descend", lambda _, loss, step: losses.append(loss.item()))
    torch.manual_seed(0)
    module.training_step((photos.clone(),), 0)

    g, d = copy.deepcopy(tiny_domain.generator), copy.deepcopy(tiny_domain.discriminator)
    softplus = torch.nn.functional.softplus
    torch.manual_seed(0)

    def generate() -> torch.Tensor:
        z = torch.randn(len(photos), g.z_dim)
        torch.rand(())  # decides on style mixing
        return g.synthesis(g.mapping(z), noise="random")

    generator_loss = softplus(-d(augment(generate()))).mean()
    images = generate()
    x = photos.clone().requires_grad_()
    real_logits = d(augment(x))
    fake_logits = d(augment(images))
    (gradient,) = torch.autograd.grad(d(augment(x)).sum(), x)  # a pass of its own, with a fresh T
    r1 = 10 / 2 * np.mean([(row**2).sum() for row in gradient.numpy().astype(np.float64)])
    expected = softplus(fake_logits).mean().item() + softplus(-real_logits).mean().item() + r1
    # float32 through a deep network; the double-backward path rounds differently
    np.testing.assert_allclose(losses, [generator_loss.item(), expected], rtol=1e-3)


def test_lazy_regularisation_corrects_adam():
    one, sixteen = (replace(FitSettings(), r1_interval=k) for k in (1, 16))
    module = FewShotGAN.__new__(FewShotGAN)
    torch.nn.Module.__init__(module)
    module.generator = module.discriminator = torch.nn.Linear(1, 1)
    for s, rate, beta in ((one, 2e-3, 0.99), (sixteen, 2e-3 * 16 / 17, 0.99 ** (16 / 17))):
        module.settings = s
        g, d = (optimizer.param_groups[0] for optimizer in module.configure_optimizers())
        assert (g["lr"], g["betas"]) == (2e-3, (0.0, 0.99))
        assert d["lr"] == pytest.approx(rate)
        assert d["betas"] == pytest.approx((0.0, beta))


def test_divergence_names_its_step(tiny_domain, photos):
    with pytest.raises(FloatingPointError, match="adversarial training: the loss became nan at step 0"):
        train_few_shot(tiny_domain, photos * float("nan"), TINY, seed=0)


def test_presets_follow_the_paper():
    paper = METHOD.presets["paper"]
    assert (paper.fit.truncation, paper.restore.steps) == (0.7, 200)
    assert (paper.fit.images, paper.fit.r1_gamma, paper.fit.ema_half_life) == (300_000, 10, 10_000)
