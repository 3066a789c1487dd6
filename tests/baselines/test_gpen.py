"""GPEN: the concatenation from its definition, what starts from StyleGAN2, its degradations and its losses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from baselines.gpen import METHOD, ConcatConv, degrade, embedded, enlarged
from baselines.gpen_ft import METHOD as FT
from mystyle.degradations import Downsampling
from mystyle.types import Portraits

NETWORK = METHOD.network


@torch.no_grad()
def test_a_layer_sets_the_map_beside_its_activations():
    """Modulated weights written out, then [conv, strength map] + bias through the leaky ReLU."""
    torch.manual_seed(0)
    layer = ConcatConv(4, 3, 8, 16, up=False)
    layer.noise_strength.fill_(0.7)
    layer.bias.normal_()
    x, w, beside = torch.randn(2, 4, 16, 16), torch.randn(2, 8), torch.randn(2, 3, 16, 16)
    found = layer(x, w, beside)
    s = w @ layer.affine.weight.T / math.sqrt(8) + layer.affine.bias
    for i in range(2):
        weight = layer.weight * s[i, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        y = torch.nn.functional.conv2d(x[i : i + 1], weight, padding=1)
        y = torch.cat([y, 0.7 * beside[i : i + 1]], dim=1) + layer.bias[:, None, None]
        expected = torch.nn.functional.leaky_relu(y, 0.2) * math.sqrt(2)
        torch.testing.assert_close(found[i : i + 1], expected, rtol=1e-4, atol=1e-5)  # float32


@torch.no_grad()
def test_an_embedded_network_starts_as_the_generator_without_noise(tiny_domain):
    g = tiny_domain.generator
    network = embedded(g).eval()
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    _, w = network.encode(x)
    expected = g.synthesis(w[:, None].expand(-1, g.num_ws, -1), noise="none")
    torch.testing.assert_close(network(x), expected, rtol=1e-3, atol=1e-4)  # float32; sums over twice the channels


def test_the_maps_of_the_encoder_are_reached_by_gradients(tiny_domain):
    network = embedded(tiny_domain.generator).requires_grad_(True)
    network(torch.rand(2, 3, 32, 32)).square().mean().backward()
    for r, layer in network.conv.items():
        if int(r) > 4:
            half = layer.weight.shape[1] // 2
            assert layer.weight.grad[:, half:].abs().sum() > 0, r


def test_degradations_repeat_by_seed_and_are_clean_in_half_of_the_cases():
    photo = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    clean = [enlarged(Downsampling(factor)(photo), 128) for factor in (4, 8, 16, 32)]
    seen = 0
    for seed in range(60):
        x = degrade(photo, np.random.default_rng(seed))
        assert x.shape == photo.shape and x.isfinite().all() and x.abs().max() <= 1.2
        assert torch.equal(x, degrade(photo, np.random.default_rng(seed)))
        seen += any(torch.equal(x, other) for other in clean)
    assert 15 <= seen <= 45  # of 60 fair throws, four standard deviations


def test_content_is_l1_feature_matching_and_the_distance(tiny_domain):
    torch.manual_seed(0)
    game = NETWORK.game(NETWORK.untrained(tiny_domain), tiny_domain, NETWORK.settings, seed=0)
    a, b = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    d, expected, x, y = tiny_domain.discriminator, 0.0, a, b
    for r in d.resolutions:
        x, y = d.get_submodule(f"b{r}")(x), d.get_submodule(f"b{r}")(y)
        expected += 0.02 * float((x - y).square().mean())
    expected += float((a - b).abs().mean()) + NETWORK.settings.content_weight * float(
        tiny_domain.perceptual(a, b).mean()
    )
    assert float(game.content(a, b, a).detach()) == pytest.approx(expected, rel=1e-4)  # float32


def test_steps_of_the_game_learn_the_content(tiny_domain):
    torch.manual_seed(0)
    game = NETWORK.game(NETWORK.untrained(tiny_domain), tiny_domain, NETWORK.settings, seed=0)
    optimizers = game.configure_optimizers()
    game.optimizers = lambda: optimizers
    game.manual_backward = lambda loss: loss.backward()
    x = torch.rand(4, 3, 1, 1).expand(-1, -1, 32, 32) * 2 - 1
    contents = []
    for step in range(12):
        game.training_step((x,), step)
        contents.append(game.losses["content"])
    assert np.mean(contents[-3:]) < np.mean(contents[:3])


def test_fine_tuning_repeats_by_seed(tiny_domain):
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    person = Portraits("p00", images, tuple(f"{i}.png" for i in range(4)), tuple(f"{i:064x}" for i in range(4)))
    a, b, c = (FT.fit(person, tiny_domain, seed=seed, settings=FT.presets["smoke"]).generator for seed in (0, 0, 1))
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    assert not all(torch.equal(x, y) for x, y in zip(a.parameters(), c.parameters(), strict=True))
