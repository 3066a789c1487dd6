"""CoModGAN: co-modulation from its definition, what starts from StyleGAN2, its masks, its game."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.common.conditional import warm_start
from baselines.common.few_shot import shuffled
from baselines.comodgan import KEEP, METHOD, draw_mask, grown, with_mask
from baselines.comodgan_ft import METHOD as FT
from mystyle.networks import plain
from mystyle.types import Portraits, Unsupported

NETWORK = METHOD.network


@pytest.fixture(scope="module")
def network(tiny_domain):
    torch.manual_seed(0)
    network = grown(tiny_domain.generator, global_dim=8)
    with torch.no_grad():  # so that the code counts
        for name, parameter in network.named_parameters():
            if name.endswith("affine.weight"):
                parameter.copy_(torch.randn_like(parameter))
    return network.eval()


@pytest.fixture(scope="module")
def problem():
    draws = torch.Generator().manual_seed(1)
    x = torch.rand(2, 3, 32, 32, generator=draws) * 2 - 1
    mask = torch.ones(2, 1, 32, 32)
    mask[0, :, 4:20, 8:24] = 0
    mask[1, :, 10:30, :12] = 0
    return x, mask


def inputs(network, n: int):
    draws = torch.Generator().manual_seed(2)
    z = torch.randn(n, network.z_dim, generator=draws)
    keep = (torch.rand(n, network.global_dim, generator=draws) < KEEP).float()
    return network.mapping(z), keep


@torch.no_grad()
def test_layers_are_modulated_by_w_and_the_code_of_the_known_pixels(network, problem):
    """The whole network written once more from the paper, image by image, with weights modulated as StyleGAN2's are."""
    x, mask = problem
    ws, keep = inputs(network, 2)
    found = network(x, mask, ws, keep, noise="none")
    for i in range(2):
        image, m = x[i : i + 1], mask[i : i + 1]
        h = _conv(network.fromrgb, torch.cat([m - 0.5, image * m], dim=1))
        maps = {}
        for r in (32, 16, 8):
            maps[r] = h = _conv(network.same[str(r)], h)
            h = network.down[str(r)](h)
        maps[4] = _conv(network.same["4"], h)
        code = network.code(maps[4].flatten(1)) * keep[i] / KEEP
        style = [torch.cat([ws[i : i + 1, k], code], dim=1) for k in range(network.num_ws)]
        h = network.start(code).view(1, -1, 4, 4) + maps[4]
        h = _modulated(network.conv["4"], h, style[0])
        rgb = network.torgb["4"](h, style[1])
        for k, r in enumerate((8, 16, 32)):
            h = network.up[str(r)](h, style[2 * k + 1], "none") + maps[r]
            h = _modulated(network.conv[str(r)], h, style[2 * k + 2])
            rgb = plain.filtered(rgb, network.f, (2, 1), up=2, gain=4) + network.torgb[str(r)](h, style[2 * k + 3])
        expected = rgb * (1 - m) + image * m
        torch.testing.assert_close(found[i : i + 1], expected, rtol=1e-3, atol=1e-3)  # float32, another order of sums


def _conv(layer, x):
    weight = layer.weight / math.sqrt(layer.weight[0].numel())
    y = torch.nn.functional.conv2d(x, weight, layer.bias, padding=layer.kernel // 2)
    return torch.nn.functional.leaky_relu(y, 0.2) * math.sqrt(2)


def _modulated(layer, x, style):
    affine = layer.affine
    s = style @ affine.weight.T / math.sqrt(affine.weight.shape[1]) + affine.bias
    weight = layer.weight * s[0, :, None, None]
    weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
    y = torch.nn.functional.conv2d(x, weight, padding=1) + layer.bias[:, None, None]
    return torch.nn.functional.leaky_relu(y, 0.2) * math.sqrt(2)


@torch.no_grad()
def test_known_pixels_pass_and_hidden_ones_are_not_seen(network, problem):
    x, mask = problem
    ws, keep = inputs(network, 2)
    found = network(x, mask, ws, keep)
    assert torch.equal(found * mask, x * mask)
    changed = torch.where(mask == 1, x, torch.rand_like(x))
    assert torch.equal(network(changed, mask, ws, keep), found)
    assert not torch.allclose(network(x, mask, ws, 1 - keep), found)  # dropout is a stochastic input


@torch.no_grad()
def test_a_grown_network_has_the_mean_styles_of_the_generator_that_it_grew_from(tiny_domain):
    g = tiny_domain.generator
    network = grown(g, global_dim=8)
    mean = g.mapping.w_avg.expand(3, -1)
    torch.testing.assert_close(network.mapping.w(torch.ones(1, g.z_dim)), g.mapping.w(torch.ones(1, g.z_dim)))
    for r in (8, 16, 32):
        block = g.synthesis.get_submodule(f"b{r}")
        for new, old in ((network.up[str(r)], block.conv0), (network.conv[str(r)], block.conv1)):
            style = torch.randn(3, g.w_dim + 8)
            torch.testing.assert_close(new.affine(style), old.affine(mean))
            assert torch.equal(new.weight, old.weight)


@torch.no_grad()
def test_the_discriminator_with_a_mask_starts_blind_to_it(tiny_domain, problem):
    x, mask = problem
    d = with_mask(tiny_domain.discriminator)
    torch.testing.assert_close(d(torch.cat([mask - 0.5, x], dim=1)), tiny_domain.discriminator(x), rtol=1e-4, atol=1e-5)


def test_masks_are_neither_empty_nor_full_and_repeat_by_seed():
    ratios = []
    for seed in range(60):
        mask = draw_mask(np.random.default_rng(seed), 64)
        assert mask.shape == (1, 1, 64, 64) and set(mask.unique().tolist()) == {0.0, 1.0}
        assert torch.equal(mask, draw_mask(np.random.default_rng(seed), 64))
        ratios.append(1 - mask.mean().item())
    assert min(ratios) < 0.3 and max(ratios) > 0.8  # all degrees of damage


def test_content_alone_is_learned(tiny_domain, problem):
    """Some steps of the game bring the filled image nearer to the photo."""
    x, _ = problem
    torch.manual_seed(0)
    game = NETWORK.game(NETWORK.untrained(tiny_domain), tiny_domain, NETWORK.settings, seed=0)
    optimizers = game.configure_optimizers()
    game.optimizers = lambda: optimizers
    game.manual_backward = lambda loss: loss.backward()
    contents = []
    for step in range(12):
        game.training_step((x,), step)
        contents.append(game.losses["content"])
    assert np.mean(contents[-3:]) < np.mean(contents[:3])
    assert int(game.step) == 12


def test_content_is_the_distance_and_l1_over_the_hole_alone(tiny_domain, problem):
    x, mask = problem
    game = NETWORK.game(NETWORK.untrained(tiny_domain), tiny_domain, NETWORK.settings, seed=0)
    fake = x * mask + (1 - mask) * (x + 0.25)
    expected = NETWORK.settings.content_weight * (0.25 + float(tiny_domain.perceptual(fake, x).mean()))
    assert float(game.content(fake, x, mask)) == pytest.approx(expected, rel=1e-4)  # float32
    none = NETWORK.game(
        NETWORK.untrained(tiny_domain), tiny_domain, replace(NETWORK.settings, content_weight=0.0), seed=0
    )
    assert float(none.content(fake, x, mask)) == 0.0  # the original's


def test_a_warm_start_trains_the_generator_alone_and_its_average_follows(tiny_domain, problem):
    _, mask = problem
    torch.manual_seed(0)
    x = (torch.rand(2, 3, 1, 1) * 2 - 1).expand(-1, -1, 32, 32)  # of one colour, which the known pixels tell
    game = NETWORK.game(NETWORK.untrained(tiny_domain), tiny_domain, NETWORK.settings, seed=0)
    judge = [p.clone() for p in game.discriminator.parameters()]
    ws, keep = inputs(game.generator, 2)
    before = game.content(game.generator(x, mask, ws, keep).detach(), x, mask)
    warm_start(game, shuffled(x, 2, 100), stage="warm", epochs=1, device=tiny_domain.device)
    after = game.content(game.average(x, mask, ws, keep), x, mask)
    assert after < 0.9 * before
    assert all(torch.equal(p, q) for p, q in zip(judge, game.discriminator.parameters(), strict=True))
    assert all(p.requires_grad for p in game.discriminator.parameters())
    same = zip(game.average.parameters(), game.generator.parameters(), strict=True)
    assert all(torch.equal(p, q) for p, q in same)
    assert int(game.step) == 100  # the game goes on with fresh draws


def test_half_precision_is_the_same_game_up_to_rounding(tiny_domain, problem):
    x, _ = problem
    torch.manual_seed(0)
    network = NETWORK.untrained(tiny_domain)
    losses = []
    for precision in ("float32", "bfloat16"):
        game = NETWORK.game(network, tiny_domain, replace(NETWORK.settings, precision=precision), seed=0)
        optimizers = game.configure_optimizers()
        game.optimizers = lambda optimizers=optimizers: optimizers
        game.manual_backward = lambda loss: loss.backward()
        game.training_step((x,), 0)
        losses.append(game.losses)
    assert losses[1] == pytest.approx(losses[0], rel=0.05)  # 8 bits of mantissa through a dozen layers
    assert losses[1] != losses[0]


def test_fine_tuning_repeats_by_seed_and_changes_the_network(tiny_domain):
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    person = Portraits("p00", images, tuple(f"{i}.png" for i in range(4)), tuple(f"{i:064x}" for i in range(4)))
    settings = FT.presets["smoke"]
    a, b, c = (FT.fit(person, tiny_domain, seed=seed, settings=settings).generator for seed in (0, 0, 1))
    same = [torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True)]
    other = [torch.equal(x, y) for x, y in zip(a.parameters(), c.parameters(), strict=True)]
    assert all(same) and not all(other)
    untouched = METHOD.fit(person, tiny_domain, seed=0, settings=METHOD.presets["smoke"]).generator
    assert not all(torch.equal(x, y) for x, y in zip(a.parameters(), untouched.parameters(), strict=True))


def test_a_domain_without_the_network_is_an_error_with_the_way_out(tiny_domain, tmp_path):
    bare = replace(tiny_domain, folder=tmp_path)
    with pytest.raises(Unsupported, match=r"no comodgan.safetensors.*baselines.common.pretrain comodgan"):
        METHOD.fit(None, bare, seed=0, settings=METHOD.presets["smoke"])
