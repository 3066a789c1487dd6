"""Tuning (Eq. 2): it learns, it repeats, and it touches nothing but its own copy of the synthesis network."""

from __future__ import annotations

import copy
import logging
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mystyle.domains.domain import Domain
from mystyle.latents.anchors import Anchors
from mystyle.latents.statistics import latent_statistics
from mystyle.losses import reconstruction
from mystyle.networks.stylegan2 import require_stylegan2
from mystyle.pivots import PTI, optimise_anchors
from mystyle.precision import set_precision
from mystyle.progress import listening
from mystyle.tuning import EpochShuffleSampler, Tuning, TuningSettings, tune
from mystyle.types import Portraits, Unsupported

SETTINGS = TuningSettings(epochs=4, batch=2, learning_rate=1e-2, shuffle=True)


@pytest.fixture
def person(tiny_domain: Domain) -> tuple[Anchors, torch.Tensor]:
    """Three photos that the generator does not render from the anchors, and the anchors."""
    draw = torch.Generator().manual_seed(1)
    size = tiny_domain.generator.resolution
    photos = torch.rand(3, 3, size, size, generator=draw) * 2 - 1
    return Anchors(torch.randn(3, tiny_domain.generator.w_dim, generator=draw), ("a", "b", "c")), photos


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@torch.no_grad()
def loss(generator, anchors, photos, perceptual) -> float:
    ws = anchors.codes[:, None].expand(-1, generator.num_ws, -1)
    images = generator.synthesis(ws, noise="const")
    return reconstruction(perceptual, images, photos, perceptual.features(photos)).mean().item()


def test_the_loss_falls(tiny_domain, person):
    before = loss(tiny_domain.generator, *person, tiny_domain.perceptual)
    tuned = tune(tiny_domain.generator, *person, tiny_domain.perceptual, SETTINGS, seed=0)
    assert loss(tuned, *person, tiny_domain.perceptual) < 0.8 * before


def test_all_of_synthesis_is_trained_and_nothing_else_changes(tiny_domain, person):
    domain = copy.deepcopy(tiny_domain)
    networks = {name: getattr(domain, name) for name in ("generator", "discriminator", "encoder", "reader", "judge")}
    before = {name: state(net) for name, net in networks.items()}
    modes = {name: [m.training for m in net.modules()] for name, net in networks.items()}
    frozen = {name: [p.requires_grad for p in net.parameters()] for name, net in networks.items()}

    tuned = tune(domain.generator, *person, domain.perceptual, SETTINGS, seed=0)

    for name, net in networks.items():
        assert same(before[name], state(net)), name
        assert modes[name] == [m.training for m in net.modules()], name
        assert frozen[name] == [p.requires_grad for p in net.parameters()], name
    assert same(state(domain.generator.mapping), state(tuned.mapping))
    for name, parameter in tuned.synthesis.named_parameters():
        assert not torch.equal(parameter, domain.generator.synthesis.get_parameter(name)), name
        assert not parameter.requires_grad
    for name, buffer in tuned.synthesis.named_buffers():
        assert torch.equal(buffer, domain.generator.synthesis.get_buffer(name)), name


def test_the_seed_decides_the_weights(tiny_domain, person):
    first, again, other = (
        state(tune(tiny_domain.generator, *person, tiny_domain.perceptual, SETTINGS, seed=seed)) for seed in (0, 0, 1)
    )
    assert same(first, again)
    assert not same(first, other)


def test_without_shuffling_the_seed_decides_nothing(tiny_domain, person):
    settings = TuningSettings(epochs=1)
    a, b = (state(tune(tiny_domain.generator, *person, tiny_domain.perceptual, settings, seed=s)) for s in (0, 1))
    assert same(a, b)


def test_it_is_adam_on_equation_2_in_file_order(tiny_domain, person):
    """Against the plain loop of the official code: batch 1, fixed order, constant rate. float32, a few steps."""
    anchors, photos = person
    perceptual = tiny_domain.perceptual
    oracle = copy.deepcopy(tiny_domain.generator)
    oracle.synthesis.requires_grad_(True)
    optimizer = torch.optim.Adam(oracle.synthesis.parameters(), 3e-4)
    for _ in range(2):
        for w, x in zip(anchors.codes, photos, strict=True):
            image = oracle.synthesis(w.repeat(1, oracle.num_ws, 1), noise="const")
            objective = perceptual(image, x[None]).sum() + (image - x).square().mean()
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
    tuned = tune(tiny_domain.generator, *person, perceptual, TuningSettings(epochs=2), seed=0)
    for name, value in tuned.synthesis.state_dict().items():
        # 6 steps of at most 3e-4; Adam turns rounding of near-zero gradients into steps, hence a fraction of one step
        np.testing.assert_allclose(value, oracle.synthesis.state_dict()[name], atol=1e-4, err_msg=name)


def test_cosine_ends_at_zero(tiny_domain, person):
    """With one step of a cosine the rate is the full one; with many the mean is half, so weights move less."""

    def moved(schedule: str) -> float:
        settings = replace(SETTINGS, schedule=schedule)
        tuned = tune(tiny_domain.generator, *person, tiny_domain.perceptual, settings, seed=0)
        pairs = zip(tuned.parameters(), tiny_domain.generator.parameters(), strict=True)
        return sum((a - b).abs().sum().item() for a, b in pairs)

    assert moved("cosine") < 0.9 * moved("constant")


def test_progress_is_reported_for_every_step(tiny_domain, person):
    events = []
    with listening(lambda *event: events.append(event)):
        tune(tiny_domain.generator, *person, tiny_domain.perceptual, SETTINGS, seed=0)
    assert [event[:3] for event in events] == [("tuning", i, 8) for i in range(1, 9)]  # 4 epochs of 2 batches
    losses = [event[3] for event in events]
    assert all(losses) and losses[-1] < losses[0]


def test_it_is_silent_and_leaves_nothing_behind(tiny_domain, person, tmp_path: Path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    level = logging.getLogger("pytorch_lightning").level
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tune(tiny_domain.generator, *person, tiny_domain.perceptual, SETTINGS, seed=0)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("pytorch_lightning").level == level


def test_a_diverging_loss_names_its_step(tiny_domain, person):
    anchors, photos = person
    photos = photos.clone()
    photos[1] = float("nan")
    with pytest.raises(FloatingPointError, match=r"tuning: the loss became nan at step 1"):
        tune(tiny_domain.generator, anchors, photos, tiny_domain.perceptual, TuningSettings(epochs=1), seed=0)


def test_photos_of_another_size_are_refused(tiny_domain, person):
    anchors, photos = person
    with pytest.raises(ValueError, match="anchors and generator want"):
        tune(tiny_domain.generator, anchors, photos[..., :16], tiny_domain.perceptual, SETTINGS, seed=0)


def test_checkpointing_changes_no_weight_and_is_off_afterwards(tiny_domain, person):
    kept, recomputed = (
        tune(tiny_domain.generator, *person, tiny_domain.perceptual, replace(SETTINGS, checkpointing=on), seed=0)
        for on in (False, True)
    )
    assert same(state(kept), state(recomputed))
    assert not recomputed.synthesis.checkpointing


def test_half_precision_learns_as_well_and_is_off_afterwards(tiny_domain, person):
    settings = replace(SETTINGS, precision="bfloat16")
    tuned = tune(tiny_domain.generator, *person, tiny_domain.perceptual, settings, seed=0)
    assert loss(tuned, *person, tiny_domain.perceptual) < 0.8 * loss(
        tiny_domain.generator, *person, tiny_domain.perceptual
    )
    assert tuned.synthesis.b32.precision is None
    assert {p.dtype for p in tuned.parameters()} == {torch.float32}


def test_half_precision_is_unsupported_for_a_generator_without_it(tiny_domain):
    assert require_stylegan2(tiny_domain.generator) is tiny_domain.generator
    with pytest.raises(Unsupported, match="needs a StyleGAN2 generator, not a SimpleNamespace"):
        require_stylegan2(SimpleNamespace())
    with pytest.raises(Unsupported, match="a SimpleNamespace computes in float32 alone, not in bfloat16"):
        set_precision(SimpleNamespace(), "bfloat16")
    set_precision(SimpleNamespace(), "float32")


# Going on, stopping, and PTI's locality regularisation


class Interrupted(Exception):
    pass


def interrupted_at(step: int):
    """A listener that stops the tuning after so many steps, as a kill would."""

    def interrupt(stage: str, done: int, total: int, loss: float | None) -> None:
        if done == step:
            raise Interrupted

    return interrupt


@pytest.mark.parametrize("locality", [0.0, 0.1])
@pytest.mark.parametrize("step", [1, 2, 5, 7])
def test_a_tuning_that_was_stopped_goes_on_to_the_same_result(tiny_domain, person, tmp_path, step, locality):
    settings = replace(SETTINGS, schedule="cosine", locality_weight=locality)
    arguments = (tiny_domain.generator, *person, tiny_domain.perceptual, settings)
    undisturbed = tune(*arguments, seed=3)
    file = tmp_path / "tuning.ckpt"
    with pytest.raises(Interrupted), listening(interrupted_at(step)):
        tune(*arguments, seed=3, checkpoint=file, interval=0)
    assert file.is_file() == (step > 2)  # after every epoch of two steps
    events = []
    with listening(lambda *event: events.append(event[1])):
        resumed = tune(*arguments, seed=3, checkpoint=file, interval=0)
    assert events[0] == (step - 1) // 2 * 2 + 1
    assert same(state(undisturbed), state(resumed))
    assert [path.name for path in tmp_path.iterdir()] == ["tuning.ckpt"]


def test_a_checkpoint_of_another_tuning_or_a_damaged_one_is_refused(tiny_domain, person, tmp_path):
    file = tmp_path / "tuning.ckpt"
    arguments = (tiny_domain.generator, *person, tiny_domain.perceptual, SETTINGS)
    tune(*arguments, seed=3, checkpoint=file, interval=0)
    with pytest.raises(ValueError, match=r"tuning\.ckpt: not a checkpoint of this tuning; delete it"):
        tune(*arguments, seed=4, checkpoint=file)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"tuning\.ckpt: not a checkpoint of this tuning; delete it"):
        tune(*arguments, seed=3, checkpoint=file)


def test_the_order_is_new_in_every_epoch_and_decided_by_seed_and_epoch():
    order = EpochShuffleSampler(50, seed=1)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    assert sorted(first) == sorted(second) == list(range(50)) and first != second
    some = EpochShuffleSampler(50, seed=1, count=20)
    assert len(some) == 20 and list(some) == first[:20]
    assert len(EpochShuffleSampler(50, seed=1, count=99)) == 50
    again = EpochShuffleSampler(50, seed=1)
    assert list(again) == first and list(EpochShuffleSampler(50, seed=2)) != first


def test_it_stops_after_the_epoch_in_which_the_distance_fell_below(tiny_domain, person):
    steps = []
    settings = replace(SETTINGS, epochs=50, stop_below=0.9)
    with listening(lambda *event: steps.append(event[1])):
        tune(tiny_domain.generator, *person, tiny_domain.perceptual, settings, seed=0)
    assert steps == [1, 2]  # any distance is below 0.9
    steps.clear()
    with listening(lambda *event: steps.append(event[1])):
        tune(
            tiny_domain.generator, *person, tiny_domain.perceptual, replace(settings, epochs=3, stop_below=0.0), seed=0
        )
    assert len(steps) == 6


def test_locality_is_equation_4_and_5_of_pti(tiny_domain, person):
    """Zero where nothing is tuned; and against the formulas for a generator that is."""
    anchors, photos = person
    g, perceptual = tiny_domain.generator, tiny_domain.perceptual
    settings = TuningSettings(locality_weight=0.1, locality_distance=0.5)
    untuned = float(Tuning(g, g, perceptual, settings, seed=0).locality(anchors.codes))
    assert untuned == pytest.approx(0, abs=1e-6)  # float32: the distance is a difference of sums of about one
    tuned = tune(g, anchors, photos, perceptual, SETTINGS, seed=0)
    module = Tuning(tuned, g, perceptual, settings, seed=0)

    z = torch.randn(3, g.z_dim, generator=torch.Generator().manual_seed(0))
    w_z, w_p = g.mapping.w(z), anchors.codes
    alpha = 0.5 * latent_statistics(g).std
    w_r = w_p + alpha * (w_z - w_p) / (w_z - w_p).square().sum(dim=1, keepdim=True).sqrt()
    x_r, x_s = (net.synthesis(w_r[:, None].expand(-1, g.num_ws, -1), noise="const") for net in (g, tuned))
    expected = (perceptual(x_s, x_r) + (x_s - x_r).square().mean(dim=(1, 2, 3))).mean()
    assert float(module.locality(anchors.codes)) == pytest.approx(float(expected), rel=1e-4)


def test_locality_keeps_what_is_far_from_the_anchors(tiny_domain, person):
    z = torch.randn(16, tiny_domain.generator.z_dim, generator=torch.Generator().manual_seed(5))

    def moved(weight: float) -> float:
        settings = replace(SETTINGS, epochs=20, locality_weight=weight)
        tuned = tune(tiny_domain.generator, *person, tiny_domain.perceptual, settings, seed=0)
        before, after = (g(z, noise="const") for g in (tiny_domain.generator, tuned))
        return float((before - after).square().mean())

    assert moved(5.0) < 0.7 * moved(0.0)


def test_pivots_by_descent_are_nearer_than_the_mean_and_repeat(tiny_domain, person):
    _, photos = person
    portraits = Portraits("p", photos, ("a", "b", "c"), ("0", "1", "2"))
    g = tiny_domain.generator
    settings = replace(PTI, steps=30)
    anchors = optimise_anchors(portraits, g, tiny_domain.perceptual, settings, seed=1)
    again = optimise_anchors(portraits, g, tiny_domain.perceptual, settings, seed=1)
    assert anchors.names == ("a", "b", "c") and torch.equal(anchors.codes, again.codes)
    mean = Anchors(latent_statistics(g).mean.expand(3, -1), anchors.names)
    perceptual = tiny_domain.perceptual
    assert loss(g, anchors, photos, perceptual) < loss(g, mean, photos, perceptual)
    with pytest.raises(ValueError, match="anchors lie in W"):
        optimise_anchors(portraits, g, perceptual, replace(PTI, space="w+"), seed=1)
