"""The losses of both branches against their equations, and a training that is stopped and goes on."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from mystyle import domains
from mystyle.checkpoints import load_network
from mystyle.expanded import encoder_of
from mystyle.networks.two_branch import TwoBranch, untrained
from mystyle.pretrain import __main__ as commands
from mystyle.pretrain import loop
from mystyle.pretrain.expanded import (
    ContentRecipe,
    StyleRecipe,
    alignment,
    classification,
    draw_attributes,
    sampled,
    sparsity,
)
from mystyle.pretrain.settings import ExpandedSettings

SETTINGS = ExpandedSettings(
    attributes=("smile", "yaw"), samples=12, style_epochs=2, content_epochs=2, batch=4, held_out=0.34, width=4, layers=1
)
S = torch.tensor([[1.0, 0.0], [0.0, -1.0], [0.0, 0.0]])


@pytest.fixture(scope="module")
def album(tiny_domain):
    return sampled(tiny_domain, 12, seed=0)


def recipe_of(kind, domain, album, **changes):
    torch.manual_seed(0)
    _, maps = encoder_of(domain).codes_and_maps(album.batch(slice(0, 1)))
    network = untrained(domain.generator, maps, SETTINGS.attributes, SETTINGS.width, SETTINGS.layers)
    return kind(network, domain, album, replace(SETTINGS, **changes), 0, 1)


def bce(p: float, y: float) -> float:
    return -y * math.log(p) - (1 - y) * math.log(1 - p)


def class_loss(recipe, image, x, s) -> float:
    """Eq. 9 from F's probabilities, label by label."""
    c, own = recipe.classifier.logits(image).sigmoid(), recipe.classifier.logits(x).sigmoid()
    terms = []
    for i in range(len(s)):
        for k in range(s.shape[1]):
            y = {1.0: 1.0, -1.0: 0.0, 0.0: float(own[i, k])}[float(s[i, k])]
            terms.append(bce(float(c[i, k]), y))
    return sum(terms) / len(terms)


def test_the_style_branch_s_loss_is_equation_10(tiny_domain, album):
    recipe = recipe_of(StyleRecipe, tiny_domain, album)
    x = album.batch(slice(0, 3))
    with torch.no_grad():
        w, _ = recipe.encoder.codes_and_maps(x)
        found = {name: float(value) for name, value in recipe.losses(x, w, S).items()}
        edit = tiny_domain.generator.synthesis(w + recipe.network.style_direction(S), noise="const")
        deep = [tiny_domain.perceptual.network.deep(image) for image in (edit, x)]
        cosine = (deep[0] * deep[1]).sum(dim=1) / (deep[0].norm(dim=1) * deep[1].norm(dim=1))
        expected = {
            "l2": 0.01 * float(((edit - x) ** 2).mean()),
            "perceptual": 0.8 * float(tiny_domain.perceptual(edit, x).mean()),
            "identity": float((1 - cosine).mean()),
            "class": 10 * class_loss(recipe, edit, x, S),
            "sparsity": 2e-3 * sum(float(d.abs().sum()) for d in recipe.network.d_sty),
        }
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)  # float32


def test_the_content_branch_s_loss_is_equation_11(tiny_domain, album):
    recipe = recipe_of(ContentRecipe, tiny_domain, album)
    x, n, g = album.batch(slice(0, 3)), recipe.network, tiny_domain.generator.synthesis
    with torch.no_grad():
        w, maps = recipe.encoder.codes_and_maps(x)
        found = {name: float(value) for name, value in recipe.losses(x, w, maps, S).items()}
        edited = w + n.style_direction(S)
        refined = n.refine(g, w, edited, S, maps)
        change = (g(edited, noise="const") - g(w, noise="const")) - (refined - x)
        expected = {
            "refined_l2": 0.01 * float(((refined - x) ** 2).mean()),
            "refined_class": 10 * class_loss(recipe, refined, x, S),
            "alignment": 100 * float((change**2).mean()),
        }
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)  # float32


def test_gradients_reach_the_branch_that_is_trained_alone(tiny_domain, album):
    x = album.batch(slice(0, 3))
    style = recipe_of(StyleRecipe, tiny_domain, album)
    w, maps = encoder_of(tiny_domain).codes_and_maps(x)
    sum(style.losses(x, w, S).values()).backward()
    reached = {name for name, p in style.network.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached == {"d_sty"}
    content = recipe_of(ContentRecipe, tiny_domain, album)
    content.configure_optimizers()
    sum(content.losses(x, w, maps, S).values()).backward()
    reached = {name for name, p in content.network.named_parameters() if p.grad is not None and p.grad.any()}
    unused = {name for name, _ in content.network.named_parameters() if name not in reached}
    assert unused == {"d_sty"}


def test_sparsity_pulls_every_number_to_zero_by_the_same():
    d = torch.tensor([[[0.5, -2.0, 0.0]]], requires_grad=True)
    sparsity(d).backward()
    assert d.grad.tolist() == [[[1.0, -1.0, 0.0]]]


def test_alignment_is_zero_where_the_refined_image_changes_as_the_edit_does():
    draws = torch.Generator().manual_seed(0)
    edit, source, x = (torch.randn(2, 3, 4, 4, generator=draws) for _ in range(3))
    refined = (x + edit - source).requires_grad_()
    assert float(alignment(edit, source, refined, x)) == pytest.approx(0, abs=1e-12)  # float32 rounding, squared
    off = (refined.detach() + 0.5).requires_grad_()
    loss = alignment(edit, source, off, x)
    loss.backward()
    assert float(loss) == pytest.approx(0.25, rel=1e-5)
    torch.testing.assert_close(off.grad, torch.full_like(off, 2 * 0.5 / off.numel()))


def test_classification_is_the_mean_over_images_and_attributes():
    logits, y = torch.tensor([[0.0, 2.0], [-1.0, 0.5]]), torch.tensor([[1.0, 0.0], [0.3, 1.0]])
    rows = zip(logits.flatten().tolist(), y.flatten().tolist(), strict=True)
    expected = sum(bce(1 / (1 + math.exp(-a)), b) for a, b in rows) / 4
    assert float(classification(logits, y)) == pytest.approx(expected, rel=1e-6)


def test_attributes_are_drawn_of_three_values():
    torch.manual_seed(0)
    s = draw_attributes(4000, 3, 0.25, torch.device("cpu"))
    assert s.unique().tolist() == [-1, 0, 1]
    assert float(s.abs().mean()) == pytest.approx(0.25, abs=0.02)  # 12,000 draws: three deviations are 0.012
    assert float(s.mean()) == pytest.approx(0, abs=0.02)


@pytest.fixture
def command(monkeypatch, tiny_domain, tmp_path):
    """The command, of three batches an epoch."""
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 3)
    monkeypatch.setattr(domains, "load_domain", lambda name, device: tiny_domain)

    def run(place: str, **changes) -> TwoBranch:
        out = tmp_path / place
        commands.els(out, work=tmp_path / f"{place}-work", settings=replace(SETTINGS, **changes))
        return load_network(TwoBranch, out / "els.safetensors")

    return run


def test_the_command_repeats_and_goes_on_after_a_stop(command, tmp_path, monkeypatch, capsys):
    whole = command("whole")
    card = json.loads((tmp_path / "whole" / "els.json").read_text())
    assert card["data"]["images"] == 12 and 0 <= card["figures"]["zeros_smile"] <= 1
    assert {"inverted_mse", "refined_mse", "edit_turned", "refined_edit_turned"} <= set(card["figures"])
    assert (tmp_path / "whole" / "els.safetensors").stat().st_size < 200_000

    epochs = []
    step = ContentRecipe.training_step

    def stopped(self, index, batch_idx):
        epochs.append(self.current_epoch)
        if len(epochs) == 5:
            raise KeyboardInterrupt
        return step(self, index, batch_idx)

    monkeypatch.setattr(ContentRecipe, "training_step", stopped)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        command("again")
    monkeypatch.setattr(ContentRecipe, "training_step", step)
    again = command("again")
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)


def test_settings_without_content_train_directions_alone(command):
    found = command("short", content_epochs=0, style_rate=0.1)
    assert found.d_sty.abs().max() > 0.1 > found.d_cnt.abs().max()  # both started at a deviation of 0.01


def test_images_of_another_size_are_refused(command, tmp_path, tiny_domain):
    from PIL import Image

    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="images of 16 px, domain tiny has 32"):
        commands.els(tmp_path, data=tmp_path, settings=SETTINGS)
