"""The recipes of pSp and e4e on the tiny domain: losses by hand, the schedule, the pool, and runs that stop."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from mystyle import domains
from mystyle.checkpoints import load_network
from mystyle.networks.style_encoder import StyleEncoder, StyleHeads
from mystyle.pretrain import __main__ as commands
from mystyle.pretrain import loop
from mystyle.pretrain.data import Album
from mystyle.pretrain.settings import E4eSettings, StyleEncoderSettings
from mystyle.pretrain.style_encoder import (
    RECIPES,
    CodePool,
    E4eRecipe,
    LatentDiscriminator,
    PspRecipe,
    delta_norms,
    pretrain,
    stage_at,
    untrained,
)

PSP = StyleEncoderSettings(epochs=1, batch=4, channels=8, groups=2, held_out=0.25)
E4E = E4eSettings(epochs=1, batch=4, channels=8, groups=2, held_out=0.25, r1_every=2, pool=5)


@pytest.fixture(scope="module")
def album() -> Album:
    draws = torch.Generator().manual_seed(0)
    return Album(torch.randint(256, (16, 3, 32, 32), generator=draws, dtype=torch.uint8), torch.arange(16) // 2, {})


@pytest.fixture
def one_step(monkeypatch):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 1)


def logged(recipe, work, monkeypatch) -> dict[str, float]:
    """The losses of one training step."""
    found = {}
    monkeypatch.setattr(type(recipe), "log_dict", lambda self, losses, **_: found.update(losses))
    monkeypatch.setattr(type(recipe), "log", lambda self, name, value, **_: found.update({name: value}))
    loop.train(recipe, work)
    return {name: float(value.detach()) for name, value in found.items()}


def test_losses_of_psp_are_the_published_sum(tiny_domain, album, tmp_path, monkeypatch, one_step):
    torch.manual_seed(0)
    recipe = PspRecipe(tiny_domain, album, PSP, seed=3)
    before = {name: value.clone() for name, value in recipe.network.state_dict().items()}
    found = logged(recipe, tmp_path, monkeypatch)

    (index,) = loop.Shuffled(len(recipe.train_positions), 4, 3, 0)
    torch.manual_seed(3 * 1_000_003)  # of the only batch
    g, perceptual = tiny_domain.generator, tiny_domain.perceptual
    with torch.no_grad():
        made = g(torch.randn(1, g.z_dim))  # a quarter of four
        x = torch.cat([made.clamp(-1, 1), album.batch(recipe.train_positions[index[1:]])])
        recipe.network.load_state_dict(before)
        y = g.synthesis(StyleEncoder(tiny_domain.encoder, recipe.network.train())(x))
        deep = [perceptual.network.deep(images) for images in (x, y)]
        expected = {
            "mse": ((x - y) ** 2).mean(),
            "perceptual": 0.8 * perceptual(y, x).mean(),
            "identity": 0.1 * (1 - F.cosine_similarity(*deep, dim=1)).mean(),
        }
    # float32 of the same operations in another order
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-4)


def test_offsets_open_where_the_released_schedule_opens_them():
    """Of 18 layers and 200,000 steps: w alone until 20,000, then one more every 2,000."""
    for step in (0, 19_999, 20_000, 21_999, 22_000, 30_000, 51_999, 52_000, 199_999):
        opened = 0 if step < 20_000 else min(17, 1 + (step - 20_000) // 2_000)
        # half a step later: shares of the training are rounded
        assert stage_at((step + 0.5) / 200_000, 18, E4eSettings()) == opened, step
    assert stage_at(0.99, 12, E4eSettings()) == 11


def test_the_penalty_is_the_sum_of_the_norms_of_open_offsets():
    ws = torch.randn(3, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for stage in range(6):
        by_hand = [sum(((w[i] - w[0]) ** 2).sum() ** 0.5 for i in range(1, stage + 1)) for w in ws]
        assert float(delta_norms(ws, stage)) == pytest.approx(float(sum(by_hand)) / 3)
    ws = ws[:, :1].repeat(1, 6, 1).requires_grad_(True)  # as when one has just opened
    delta_norms(ws, 3).backward()
    assert torch.isfinite(ws.grad).all()


def test_a_pool_is_filled_and_then_exchanges_half_of_what_it_is_shown():
    pool = CodePool(5, 1)
    codes = torch.arange(400.0)[:, None]
    torch.manual_seed(0)
    shown = torch.cat([pool.exchange(part) for part in codes.split(8)])[:, 0]
    assert torch.equal(shown[:5], torch.arange(5.0))
    own = shown == codes[:, 0]
    assert 0.4 < float(own[5:].float().mean()) < 0.6  # 395 even chances: four deviations
    kept = pool.codes[:, 0].tolist()
    assert sorted([*shown.tolist(), *kept]) == sorted([*range(5), *range(400)])  # nothing is lost; five were shown, too
    assert torch.equal(CodePool(0, 1).exchange(codes), codes)


def test_the_discriminator_s_step_is_the_logistic_loss_and_r1_on_codes(tiny_domain, album, monkeypatch):
    """R1 by finite differences of the logits, which are piecewise linear, in float64."""
    recipe = E4eRecipe(tiny_domain, album, E4E, seed=0)
    d = recipe.discriminator.double()
    w_dim = tiny_domain.generator.w_dim
    descended = []
    monkeypatch.setattr(recipe, "descend", lambda optimizer, loss, step: descended.append(loss.detach()))
    monkeypatch.setattr(recipe, "optimizer_list", lambda: [None, None])
    monkeypatch.setattr(recipe, "log", lambda *_, **__: None)
    real, fake = torch.randn(2, 4, w_dim, dtype=torch.float64)
    recipe.network.stage = 0
    monkeypatch.setattr(recipe.real, "exchange", lambda w: real)
    recipe.judge(fake[:, None].expand(-1, 8, -1), step=0)
    fake = recipe.fake.codes[:4].double()
    loss, penalty = descended
    with torch.no_grad():
        expected = (F.softplus(-d(real)) + F.softplus(d(fake))).mean()
        step = 1e-7  # no kink of 300 units lies so near
        columns = [(d(real + step * e) - d(real - step * e)) / (2 * step) for e in torch.eye(w_dim).double()]
        norms = torch.stack(columns).square().sum(0)
    assert float(loss) == pytest.approx(float(expected))
    assert float(penalty) == pytest.approx(float(10 / 2 * norms.mean() * E4E.r1_every), rel=1e-5)
    recipe.judge(fake[:, None].expand(-1, 8, -1), step=1)
    assert len(descended) == 3  # the regulariser is lazy


def test_the_latent_discriminator_has_four_linear_layers():
    layers = [p.shape for p in LatentDiscriminator(512).parameters() if p.ndim == 2]
    assert layers == [(512, 512)] * 3 + [(1, 512)]


@pytest.mark.parametrize(("kind", "settings"), [("psp", PSP), ("e4e", E4E)])
def test_a_stopped_run_ends_as_if_undisturbed_and_a_frozen_trunk_stays(
    tiny_domain, album, tmp_path, monkeypatch, kind, settings
):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 3)
    before = {name: value.clone() for name, value in tiny_domain.encoder.state_dict().items()}
    ends = []
    for name, stops in (("straight", [2]), ("stopped", [1, 2])):
        for epochs in stops:
            torch.manual_seed(0)
            recipe = RECIPES[kind](tiny_domain, album, replace(settings, epochs=2), seed=1)
            if epochs == 1:
                stop_after_the_first_epoch(recipe)
            loop.train(recipe, tmp_path / name)
        ends.append({name: value.clone() for name, value in recipe.state_dict().items()})
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    after = tiny_domain.encoder.state_dict()
    assert all(torch.equal(before[name], value) for name, value in after.items())
    torch.manual_seed(0)
    start = untrained(tiny_domain, kind, 8, 2).state_dict()
    assert not torch.equal(start["heads.7.linear.weight"], recipe.network.state_dict()["heads.7.linear.weight"])


def stop_after_the_first_epoch(recipe) -> None:
    """What the recipe knows of its length, and so its rate, stays."""

    def stop() -> None:
        recipe.trainer.should_stop = True

    recipe.on_train_epoch_end = stop


@pytest.mark.parametrize("data", [True, False])
def test_the_command_writes_an_encoder_from_photos_or_from_samples_alone(tiny_domain, tmp_path, monkeypatch, data):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 2)
    monkeypatch.setattr(domains, "load_domain", lambda name: tiny_domain)
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(8):
        Image.new("RGB", (32, 32), (30 * i, 10, 200)).save(folder / f"{i}.png")
    settings = E4eSettings(epochs=1, batch=4, channels=8, groups=2, held_out=0.25)
    commands.e4e(folder if data else None, "tiny", tmp_path, tmp_path / "work", 0, settings)
    heads = load_network(StyleHeads, tmp_path / "e4e.safetensors")
    assert heads.kind == "e4e" and heads(tiny_domain.encoder.maps(torch.zeros(1, 3, 32, 32))).shape == (1, 8, 64)
    card = json.loads((tmp_path / "e4e.json").read_text())
    assert card["figures"]["mse"] > 0 and ("data" in card) == data


def test_photos_of_another_size_and_encoders_without_a_trunk_are_refused(tiny_domain, album, tmp_path):
    small = replace(album, images=album.images[..., :16, :16])
    with pytest.raises(ValueError, match="makes 32 px, the photos have 16 px"):
        pretrain("psp", tiny_domain, small, tmp_path, tmp_path, PSP, 0)
    other = replace(tiny_domain, encoder=lambda images: images)
    with pytest.raises(ValueError, match="domain tiny has another trunk"):
        pretrain("psp", other, album, tmp_path, tmp_path, PSP, 0)
