"""Few-shot adaptation: the consistency loss from its definition, the patch heads, which fakes are judged how."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.common.snapshots import BestSnapshot
from baselines.ojha import (
    METHOD,
    Adaptation,
    FitSettings,
    PatchDiscriminator,
    adapt,
    distance_consistency_loss,
    layer_activations,
)
from mystyle.networks.stylegan2 import Discriminator

TINY = FitSettings(iterations=5, batch=3, ema_half_life=2, snapshots=1)


@pytest.fixture
def photos(tiny_domain) -> torch.Tensor:
    size = tiny_domain.generator.resolution
    return torch.rand(5, 3, size, size, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.fixture
def module(tiny_domain, photos) -> Adaptation:
    torch.manual_seed(0)
    snapshot = BestSnapshot(photos, tiny_domain.perceptual, TINY.truncation)
    return Adaptation(tiny_domain.generator, tiny_domain.discriminator, TINY, snapshot)


def test_consistency_is_the_divergence_of_the_softmax_of_cosines():
    source, target = np.random.default_rng(0).normal(size=(2, 4, 6))
    expected = []
    for i in range(4):
        p, q = (
            np.exp([x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j]) for j in range(4) if j != i])
            for x in (source, target)
        )
        p, q = p / p.sum(), q / q.sum()
        expected.append((p * np.log(p / q)).sum() / 3)
    found = distance_consistency_loss(torch.from_numpy(source), torch.from_numpy(target))
    np.testing.assert_allclose(found, expected, rtol=1e-10)  # float64
    # the released code: torch's "mean" reduction of the divergence, over all terms of the batch
    p, q = (torch.log_softmax(_cosines(torch.from_numpy(x)), dim=1) for x in (source, target))
    reduced = torch.nn.functional.kl_div(q, p, reduction="mean", log_target=True)
    torch.testing.assert_close(found.mean(), reduced)


def _cosines(x: torch.Tensor) -> torch.Tensor:
    rows = [[torch.cosine_similarity(x[i], x[j], dim=0) for j in range(4) if j != i] for i in range(4)]
    return torch.stack([torch.stack(row) for row in rows])


def test_consistency_is_zero_for_equal_distances_and_never_negative():
    x = torch.randn(4, 3, 5, 5)
    assert distance_consistency_loss(x, 2 * x).abs().max() < 1e-6  # float32; cosines do not see the scale
    assert (distance_consistency_loss(x, torch.randn(4, 3, 5, 5)) >= 0).all()


def test_layer_activations_are_those_of_every_modulated_convolution(tiny_domain):
    g = tiny_domain.generator
    ws = g.mapping(torch.randn(2, g.z_dim))
    found = layer_activations(g, ws)
    assert [x.shape[-1] for x in found] == [4, 8, 8, 16, 16, 32, 32]
    assert len(found) == g.num_ws - 1
    assert all(not layer._forward_hooks for layer in g.synthesis.modules())


def test_patches_are_judged_on_the_maps_of_the_released_code():
    d = PatchDiscriminator(Discriminator(128, channel_base=256, channel_max=16))
    x = torch.randn(2, 3, 128, 128)
    assert [m.shape[-1] for m in d.maps(x)] == [32, 32, 16, 16]
    block64, block32 = d.image.b64, d.image.b32
    inside = block64(d.image.b128(x))
    torch.testing.assert_close(d.maps(x)[0], block64.activations(d.image.b128(x))[1])
    torch.testing.assert_close(d.maps(x)[1], block32.activations(inside)[0])
    assert d.patches(x, 0).shape == (2, 1, 32, 32)
    assert d.patches(x, 3).shape == (2, 1, 16, 16)


def test_every_fourth_iteration_judges_whole_images_from_about_the_anchors(module, photos, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "optimizers", lambda: (None, None))
    monkeypatch.setattr(module, "descend", lambda *_: None)
    monkeypatch.setattr(module, "consistency", lambda: torch.zeros([]))
    fakes, judge = module.fakes, module.judge
    monkeypatch.setattr(module, "fakes", lambda n, near: seen.append(("fakes", near)) or fakes(n, near))
    monkeypatch.setattr(module, "judge", lambda x, whole: seen.append(("judge", whole)) or judge(x, whole))
    for i in range(8):
        module.training_step((photos[:3],), i)
        expected = i % 4 == 0
        assert seen and all(flag == expected for _, flag in seen), i
        seen.clear()


@torch.no_grad()
def test_samples_about_anchors_are_where_the_anchors_are(module):
    module.settings = replace(TINY, anchor_std=0.0)
    g = module.generator
    for layer in g.synthesis.modules():
        if hasattr(layer, "noise_strength"):
            layer.noise_strength.zero_()
    known = g.synthesis(g.mapping(module.anchors))
    for image in module.fakes(6, near_anchors=True):
        assert (known - image).abs().amax(dim=(1, 2, 3)).min() < 1e-4  # rounding of other batch sizes
    module.settings = TINY
    away = (known[:, None] - module.fakes(6, near_anchors=True)).abs().amax(dim=(2, 3, 4)).amin(dim=0)
    assert (away > 1e-4).all()


def test_adaptation_repeats_by_seed_and_leaves_domain_and_global_randomness_alone(tiny_domain, photos):
    def weights(network: torch.nn.Module) -> torch.Tensor:
        return torch.cat([value.flatten().float() for value in network.state_dict().values()])

    before = [weights(n).clone() for n in (tiny_domain.generator, tiny_domain.discriminator)]
    state = torch.get_rng_state()
    a, b, c = (adapt(tiny_domain, photos, TINY, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(c))
    assert torch.equal(state, torch.get_rng_state())
    for old, network in zip(before, (tiny_domain.generator, tiny_domain.discriminator), strict=True):
        assert torch.equal(old, weights(network))


def test_divergence_names_its_step(tiny_domain, photos):
    with pytest.raises(FloatingPointError, match="few-shot adaptation: the loss became nan at step 0"):
        adapt(tiny_domain, photos * float("nan"), TINY, seed=0)


def test_presets_follow_the_released_code():
    fit = METHOD.presets["paper"].fit
    assert (fit.batch, fit.anchors, fit.anchor_std, fit.anchor_every) == (4, 10, 0.1, 4)
    assert (fit.consistency_weight, fit.r1_gamma, fit.r1_every, fit.path_weight, fit.path_every) == (1000, 10, 16, 2, 4)
