"""The recipes on a handful of images: the data, the losses, and a run that is stopped and goes on."""

import csv
import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from datasets.synthetic.album import write_manifest, write_photos
from datasets.synthetic.parameters import DISTINCTIVE, FAMILIES
from datasets.synthetic.population import population
from mystyle.checkpoints import load_discriminator, load_generator, load_network, save_generator
from mystyle.networks.encoder import Encoder
from mystyle.networks.features import FeatureNetwork
from mystyle.pretrain import __main__ as commands
from mystyle.pretrain import loop
from mystyle.pretrain.data import complete_to_sphere, normal_scores, read_album
from mystyle.pretrain.features import cosface, discriminate
from mystyle.pretrain.generator import make_generator
from mystyle.pretrain.loop import Shuffled
from mystyle.pretrain.settings import (
    PERCEPTUAL,
    DiscriminatorSettings,
    EncoderSettings,
    FeatureSettings,
    GeneratorSettings,
)
from mystyle.pretrain.sharpen import SharpeningRecipe


@pytest.fixture(scope="module")
def album_folder(tmp_path_factory):
    """24 images of 6 identities with two parameters that can be seen: brightness and a stripe's place."""
    folder = tmp_path_factory.mktemp("album")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(24):
        brightness, place = rng.uniform(0.3, 1.0), int(rng.integers(4, 28))
        image = np.full((32, 32, 3), 40 * (i // 4) + 20, dtype=np.uint8)
        image[:, place - 2 : place + 2] = 255
        Image.fromarray((image * brightness).astype(np.uint8)).save(folder / f"{i:02d}.png")
        rows.append([f"{i:02d}.png", "", "train", f"id{i // 4}", brightness, place])
    with open(folder / "manifest.csv", "w", newline="") as file:
        csv.writer(file).writerows([["file", "sha256", "split", "identity", "brightness", "place"], *rows])
    return folder


def test_an_album_is_read_in_the_manifest_s_order(album_folder):
    album = read_album(album_folder)
    assert album.images.shape == (24, 3, 32, 32) and album.resolution == 32
    assert album.identities.tolist() == [i // 4 for i in range(24)]
    assert set(album.parameters) == {"brightness", "place"}
    first = np.array(Image.open(album_folder / "00.png"))
    assert np.array_equal(album.images[0].permute(1, 2, 0).numpy(), first)


def test_folders_without_images_or_with_mixed_sizes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=f"--data {tmp_path}: no images in it"):
        read_album(tmp_path)
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    Image.new("RGB", (16, 16)).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"b\.png: 16x16 px"):
        read_album(tmp_path)


def test_folders_inside_are_people(tmp_path):
    for name in ("ada/test/1.png", "ada/train/2.png", "bob/1.png", "someone.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    assert read_album(tmp_path).identities.tolist() == [0, 0, 1, 2]


def test_normal_scores_keep_order_and_are_normal():
    x = torch.rand(500, generator=torch.Generator().manual_seed(0)) ** 3
    (score,) = normal_scores({"x": x}, torch.Generator().manual_seed(1)).T
    assert torch.equal(score.argsort(), x.argsort())
    assert abs(float(score.mean())) < 1e-3 and float(score.std()) == pytest.approx(1, abs=0.02)


def test_scores_of_a_trait_that_most_people_lack_are_normal_too():
    x = torch.cat([torch.zeros(380), torch.rand(120, generator=torch.Generator().manual_seed(0)) + 0.1])
    score, again, other = (normal_scores({"x": x}, torch.Generator().manual_seed(s))[:, 0] for s in (1, 1, 2))
    assert float(score.std()) == pytest.approx(1, abs=0.02)
    assert score[:380].max() < score[380:].min()
    assert torch.equal(score[380:].argsort(), x[380:].argsort())
    assert torch.equal(score, again) and not torch.equal(score, other)


def test_completed_codes_lie_on_the_sphere_and_keep_the_scores():
    scores = torch.randn(50, 20)
    z = complete_to_sphere(scores, 64, torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.square().sum(1), torch.full((50,), 64.0))
    assert torch.equal(z[:, :20], scores)


def test_cosface_equals_its_formula():
    cosine, target = torch.tensor([[0.6, 0.1, -0.3], [0.2, 0.5, 0.4]]), torch.tensor([0, 2])
    logits = 24 * cosine.numpy().astype(np.float64)
    logits[[0, 1], [0, 2]] -= 24 * 0.25
    expected = np.mean([np.log(np.exp(row).sum()) - row[t] for row, t in zip(logits, target, strict=True)])
    assert float(cosface(cosine, target, 24, 0.25)) == pytest.approx(expected, rel=1e-5)


def test_batches_depend_on_seed_and_epoch_alone_and_cover_the_data(monkeypatch):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 5)
    first = [b.tolist() for b in Shuffled(10, 4, seed=1, epoch=2)]
    assert first == [b.tolist() for b in Shuffled(10, 4, seed=1, epoch=2)]
    assert first != [b.tolist() for b in Shuffled(10, 4, seed=1, epoch=3)]
    assert len(first) == 5 and all(len(set(b)) == 4 for b in first)
    assert len(set(first[0] + first[1])) == 8  # no repetition within an epoch of the data


TINY = GeneratorSettings(
    warm_epochs=(1, 1, 1), sharp_epochs=1, epochs=1, batch=4, settle=1, path_every=2, r1_every=2, z_dim=8, w_dim=16,
    channel_base=256, channel_max=16,
)  # fmt: skip


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_discriminator_is_trained_for_a_frozen_generator(album_folder, tmp_path, monkeypatch, precision):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 10)
    torch.manual_seed(0)
    g = make_generator(32, TINY)
    save_generator(g, tmp_path / "generator.safetensors")
    settings = DiscriminatorSettings(3, 4, r1_every=2, held_out=0.34, precision=precision, channel_base=256)
    commands.discriminator(album_folder, tmp_path / "generator.safetensors", tmp_path, tmp_path / "work", 0, settings)
    assert set(json.loads((tmp_path / "discriminator.json").read_text())["figures"]) == {"loss", "accuracy"}
    d = load_discriminator(tmp_path / "discriminator.safetensors")
    with torch.no_grad():  # on the photographs it was shown: the held-out ones are the brightest of all
        real, fake = d(read_album(album_folder).batch(slice(16))), d(g(torch.randn(16, 8)).clamp(-1, 1))
    assert float((real > 0).float().mean() + (fake < 0).float().mean()) / 2 > 0.9


def test_a_discriminator_is_refused_photographs_of_another_size(album_folder, tmp_path):
    g = make_generator(16, TINY)
    save_generator(g, tmp_path / "generator.safetensors")
    with pytest.raises(ValueError, match="makes 16 px, the photos have 32 px"):
        commands.discriminator(album_folder, tmp_path / "generator.safetensors", tmp_path, tmp_path / "work")


def test_the_commands_make_a_domain(album_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 3)
    out, work = tmp_path / "weights", tmp_path / "work"
    attributes = ("place", "brightness")  # in no order but their own
    commands.features(
        album_folder, out, work, 0, FeatureSettings(1, 4, widths=(8, 8, 8), attributes=attributes, held_out=0.34)
    )
    commands.perceptual(
        album_folder, out, work, 0, replace(PERCEPTUAL, epochs=1, batch=4, widths=(8, 8), held_out=0.34)
    )
    commands.generator(album_folder, out, work, 0, TINY)
    commands.encoder(album_folder, out, work, 0, EncoderSettings(1, 4, held_out=0.34, widths=(8, 8, 8)))
    g = load_generator(out / "generator.safetensors")
    assert load_discriminator(out / "discriminator.safetensors").resolution == 32
    features = load_network(FeatureNetwork, out / "features.safetensors")
    assert tuple(features.moments) == attributes and not features.config["norm"]
    perceptual = load_network(FeatureNetwork, out / "perceptual.safetensors")
    assert set(perceptual.moments) == {"brightness", "place"}  # all of the manifest
    assert set(json.loads((out / "perceptual.json").read_text())["figures"]) == {
        f"error_{name}" for name in perceptual.moments
    }
    encoder = load_network(Encoder, out / "encoder.safetensors")
    images = g(torch.randn(2, 8)).clamp(-1, 1)
    assert encoder(images).shape == (2, 16) and torch.isfinite(encoder(images)).all()
    card = json.loads((out / "features.json").read_text())
    assert 0 <= card["figures"]["verification_auc"] <= 1 and card["data"]["images"] == 24
    w = torch.cat([g.mapping.w(z) for z in torch.randn(4, 1000, 8)])
    # w_avg is the mean of 10,000 codes; two means of thousands differ by a few standard errors
    assert ((w.mean(0) - g.mapping.w_avg).abs() < 6 * w.std(0) / math.sqrt(4000) + 0.02 * w.std()).all()


def test_features_read_what_their_people_have(tmp_path, monkeypatch):
    """Of the narrow family what it always did, of the wide one the distinctive traits too, by the recipe's own list."""
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 1)
    settings = FeatureSettings(1, 4, widths=(8, 8), discriminants=0, held_out=0.34)
    read = {}
    for family in FAMILIES:
        people = list(population(3, 2, 0, family))
        names = [name for name, album in people for _ in album]
        scores = torch.cat([album for _, album in people])
        write_manifest(tmp_path, write_photos(tmp_path, "train", names, scores, 16, family), family)
        out = tmp_path / family
        commands.features(tmp_path, out, tmp_path / f"{family}-work", 0, settings)
        read[family] = set(load_network(FeatureNetwork, out / "features.safetensors").moments)
    assert {"nose_length", "smile", "skin_tone"} <= read["narrow"] < read["wide"]
    own = read["wide"] - read["narrow"]
    assert own <= {p.name for p in DISTINCTIVE} and len(own) > 20  # of three people's some are absent in all


def test_more_parameters_than_coordinates_are_refused():
    with pytest.raises(ValueError, match="12 parameters do not fit a z of 8"):
        complete_to_sphere(torch.zeros(2, 12), 8, torch.Generator())


def test_the_seed_decides_the_weights(album_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 2)
    settings = FeatureSettings(1, 4, widths=(8, 8, 8), attributes=("place",), held_out=0.34)
    networks = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        torch.rand(7)  # the global generator's state does not matter
        commands.features(album_folder, tmp_path / name, tmp_path / f"{name}-work", seed, settings)
        networks.append(load_network(FeatureNetwork, tmp_path / name / "features.safetensors").state_dict())
    # tensors and not bytes: safetensors writes its metadata in an order that changes from file to file
    assert all(torch.equal(networks[0][key], networks[1][key]) for key in networks[0])
    assert not torch.equal(networks[0]["embed.weight"], networks[2]["embed.weight"])


def test_a_stopped_run_goes_on_and_ends_as_if_undisturbed(album_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 3)
    ends = []
    for name, stops in (("straight", [3]), ("stopped", [1, 3])):
        for epochs in stops:
            recipe = Constant(epochs)
            loop.train(recipe, tmp_path / name)
        ends.append(recipe.layer.weight.detach().clone())
    assert torch.equal(*ends)


class Constant(loop.Recipe):
    """Least squares with random targets, so that order, noise and the optimiser's memory all matter."""

    def __init__(self, epochs: int):
        super().__init__(n=9, batch=3, seed=0, epochs=epochs)
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 1)
        self.x = torch.randn(9, 4)

    def configure_optimizers(self):
        return torch.optim.Adam(self.layer.parameters(), lr=0.1)

    def training_step(self, index, batch_idx):
        return F.mse_loss(self.layer(self.x[index]), torch.randn(len(index), 1))


def test_a_warm_start_without_parameters_is_refused_before_training(tmp_path):
    for i in range(4):
        Image.new("RGB", (32, 32), (i, i, i)).save(tmp_path / f"{i}.png")
    with pytest.raises(ValueError, match=r"--settings\.warm_epochs \[\]"):
        commands.generator(tmp_path, tmp_path / "out", tmp_path / "work", 0, TINY)
    assert not list((tmp_path / "work").iterdir())


def test_a_recipe_with_nothing_to_learn_is_refused(album_folder, tmp_path):
    with pytest.raises(ValueError, match=r"--settings\.identity_weight"):
        commands.perceptual(album_folder, tmp_path, tmp_path / "work", 0, replace(PERCEPTUAL, attributes=()))


def test_the_adversarial_stage_goes_on_from_finished_networks(album_folder, tmp_path, monkeypatch):
    """With no epoch left to train, what comes out is what went in; a generator of another size is refused."""
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 1)
    first, second = tmp_path / "first", tmp_path / "second"
    commands.generator(album_folder, first, tmp_path / "a", 0, replace(TINY, warm_epochs=()))
    settings = replace(TINY, start=first, settle=9)  # the generator waits for the discriminator
    commands.generator(album_folder, second, tmp_path / "b", 0, settings)
    g, h = (load_generator(folder / "generator.safetensors") for folder in (first, second))
    assert all(torch.equal(x, y) for x, y in zip(g.parameters(), h.parameters(), strict=True))
    d, e = (load_discriminator(folder / "discriminator.safetensors") for folder in (first, second))
    assert not all(torch.equal(x, y) for x, y in zip(d.parameters(), e.parameters(), strict=True))
    for i in range(4):
        Image.new("RGB", (16, 16), (i, i, i)).save(tmp_path / f"{i}.png")
    with pytest.raises(ValueError, match=r"--settings\.start .*: a generator of 32 px"):
        commands.generator(tmp_path, second, tmp_path / "c", 0, settings)


@pytest.mark.slow
def test_critics_separate_noise_from_images_and_a_generator_learns_from_them(
    album_folder, tiny_domain, monkeypatch, tmp_path
):
    """The critics' loss falls below chance against a generator that stands still, and rises when it moves."""
    monkeypatch.setattr(loop, "BATCHES_PER_EPOCH", 100)  # the last that is logged is the last
    album, perceptual = read_album(album_folder), tiny_domain.perceptual
    z = torch.randn(len(album), 8)
    losses = []
    for rate in (0.0, 1e-2):
        torch.manual_seed(0)
        settings = replace(TINY, sharp_rate=rate, batch=8, pair_weight=0.0)
        recipe = SharpeningRecipe(make_generator(32, settings), album, z, perceptual, settings, 0)
        before = [p.clone() for p in perceptual.parameters()]
        loop.train(recipe, tmp_path / str(rate))
        assert all(torch.equal(a, b) for a, b in zip(before, perceptual.parameters(), strict=True))
        losses.append(pd.read_csv(next((tmp_path / str(rate)).rglob("metrics.csv")))["critics"].iloc[-1])
    assert losses[0] < 1.0 and losses[1] > losses[0]  # 2 log 2 = 1.39 is chance


def test_discriminants_separate_people_whose_features_differ_least_where_they_vary_most():
    """Two axes of ten, the quietest, separate people; the embedding must find them, and be centred."""

    class Given(torch.nn.Module):
        config: ClassVar[dict] = {}

        def deep(self, images):
            return images

    draw = torch.Generator().manual_seed(0)
    identities = torch.arange(40).repeat_interleave(8)
    loud = torch.tensor([0.1, 0.1, *[3.0] * 8])
    features = loud * torch.randn(320, 10, generator=draw) + 5
    features[:, :2] += torch.randn(40, 2, generator=draw)[identities]
    network = Given()
    recipe = SimpleNamespace(
        network=network,
        album=SimpleNamespace(batch=lambda part: features[part], identities=identities),
        train_positions=torch.arange(320),
        settings=FeatureSettings(discriminants=2),
        device="cpu",
    )
    discriminate(recipe)
    weight = network.embed.weight.detach()
    assert network.config["embedding"] == 2
    assert weight[:, 2:].abs().max() < 0.05 * weight[:, :2].abs().max()
    assert network.embed(features).mean(dim=0).abs().max() < 1e-3
