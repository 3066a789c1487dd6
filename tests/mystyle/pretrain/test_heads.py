"""RGB layers for smaller images: what they are fitted to, and by which error they are judged."""

from __future__ import annotations

import json
import math
import os
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from mystyle.checkpoints import CheckpointError, load_network, save_generator
from mystyle.checkpoints.openvino import HEADS
from mystyle.networks.mobilestylegan import MobileGenerator, ToRGB, to_bands
from mystyle.networks.rgb_heads import RGBHeads, with_head
from mystyle.pretrain import heads
from mystyle.pretrain.heads import Fit, fit, joined, measure, moments, pretrain
from mystyle.pretrain.settings import HeadSettings
from mystyle.weights import weight_file

SETTINGS = HeadSettings(sizes=(16,), samples=40, held_out=10, steps=150, batch=8)


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.setattr(heads, "SHARD", 10)
    torch.manual_seed(0)
    return MobileGenerator(32, 6, 10, (16, 12, 8), 2).eval().requires_grad_(False)


@pytest.fixture
def file(generator, tmp_path):
    save_generator(generator, tmp_path / "g.safetensors")
    return tmp_path / "g.safetensors"


def error_by_images(generator, small, z):
    """Mean squared error by sample, of whole images."""
    with torch.no_grad():
        reduced = F.avg_pool2d(generator(z), generator.resolution // small.resolution)
        return (small(z) - reduced).square().mean(dim=(1, 2, 3))


def test_the_error_from_moments_is_that_of_images(generator):
    z = torch.randn(6, generator.z_dim)
    m = measure(generator, [16], z)[16]
    found = Fit(m)
    torch.nn.init.normal_(found.style_weight)
    container = RGBHeads(generator.w_dim, {"16": 12}, {"16": 0.0})
    container.head(16).load_state_dict(found.layer().state_dict())
    expected = error_by_images(generator, with_head(generator, container, 16), z)
    assert expected.min() > 1e-4
    with torch.no_grad():  # differences of float32 sums that are larger than they are
        torch.testing.assert_close(m.error(found(m.w)), expected, rtol=1e-3, atol=1e-5)


def test_without_a_style_it_starts_from_the_least_squares():
    draws = torch.Generator().manual_seed(0)
    w, f, y = (torch.randn(9, *shape, generator=draws) for shape in ((5,), (7, 6, 6), (3, 12, 12)))
    m = joined([moments(*each) for each in zip(w.split(1), f.split(1), (to_bands(y) / 2).split(1), strict=True)])
    design = torch.cat([f, torch.ones(9, 1, 6, 6)], dim=1).permute(0, 2, 3, 1).reshape(-1, 8)
    target = (to_bands(y) / 2).permute(0, 2, 3, 1).reshape(-1, 12)
    residual = target - design @ torch.linalg.lstsq(design, target).solution
    with torch.no_grad():
        assert m.error(Fit(m)(w)).mean() == pytest.approx(residual.square().mean().item(), rel=1e-3)


@torch.no_grad()
def test_a_layer_that_is_there_is_found():
    draws = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    layer = ToRGB(6, 5)
    layer.affine.weight.scale.fill_(0.5)
    w, f = torch.randn(60, 5, generator=draws), torch.randn(60, 6, 8, 8, generator=draws)
    images = layer(f, w)
    m = joined([moments(*each) for each in zip(w.split(1), f.split(1), (to_bands(images) / 2).split(1), strict=True)])
    with torch.enable_grad():
        found = fit(m, replace(SETTINGS, steps=600, batch=32, rate=0.03, decay=0.0), seed=0)
    start, end = m.error(Fit(m)(w)).mean(), m.error(found(w)).mean()
    assert start > 0.1 * images.square().mean() and end < 1e-3 * images.square().mean()
    torch.testing.assert_close(found.layer()(f, w), images, rtol=0, atol=0.1 * images.std().item())


def test_the_command_writes_layers_with_the_error_of_held_out_samples(file, generator, tmp_path, monkeypatch, capsys):
    arguments = ["heads", f"--generator={file}", f"--out={tmp_path / 'out'}", f"--work={tmp_path / 'work'}"]
    values = {key: json.dumps(value) for key, value in vars(SETTINGS).items() if key != "decay"}
    monkeypatch.setattr(
        sys, "argv", ["mystyle.pretrain", *arguments, *(f"--settings.{k}={v}" for k, v in values.items())]
    )
    from jsonargparse import auto_cli

    from mystyle.pretrain import __main__ as command

    auto_cli([command.heads, command.report], as_positional=False)
    capsys.readouterr()
    found = load_network(RGBHeads, tmp_path / "out" / "heads.safetensors")
    card = json.loads((tmp_path / "out" / "heads.json").read_text())
    assert card["figures"]["mse_16"] == pytest.approx(found.config["errors"]["16"], abs=1e-5)
    draws = torch.Generator().manual_seed(0)  # of the first shard, which is held out
    z = torch.randn(heads.SHARD, generator.z_dim, generator=draws)
    errors = error_by_images(generator, with_head(generator, found, 16), z)
    assert errors.mean() == pytest.approx(found.config["errors"]["16"], rel=0.02)  # float16 in between


def test_a_run_goes_on_with_the_samples_that_were_measured(file, tmp_path, monkeypatch):
    first = pretrain(file, tmp_path, tmp_path / "work", SETTINGS, seed=0)
    monkeypatch.setattr(heads, "measure", None)
    assert pretrain(file, tmp_path, tmp_path / "work", SETTINGS, seed=0) == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": (32,)}, "powers of two from 16 to below 32 px"),
        ({"sizes": (24,)}, "powers of two"),
        ({"held_out": 40}, "held_out must be less than the 40 samples"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message, file, tmp_path):
    with pytest.raises(ValueError, match=message):
        pretrain(file, tmp_path, tmp_path / "work", replace(SETTINGS, **change), seed=0)


def test_another_generator_is_refused(tiny_domain, tmp_path):
    save_generator(tiny_domain.generator, tmp_path / "g.safetensors")
    with pytest.raises(CheckpointError, match="holds Generator, expected MobileGenerator"):
        pretrain(tmp_path / "g.safetensors", tmp_path, tmp_path / "work", SETTINGS, seed=0)


def test_the_layers_that_ship_are_those_of_the_published_network():
    found = load_network(RGBHeads, HEADS)
    with torch.device("meta"):
        whole = MobileGenerator()
    assert found.sizes == [256, 512]
    for size in found.sizes:
        assert found.head(size).weight.values.shape[1] == whole.config["channels"][int(math.log2(size)) - 3]
        assert 0 < found.config["errors"][str(size)] < 0.012
    assert HEADS.stat().st_size < 500_000


@pytest.mark.slow
def test_the_layers_that_ship_have_the_error_that_they_promise():
    path = weight_file("faces1024", "generator.safetensors")
    if "MYSTYLE_HOME" not in os.environ or not path.is_file():
        pytest.skip("needs MYSTYLE_HOME and, in its cache, what python -m mystyle.weights faces1024 --bring brings")
    generator, found = load_network(MobileGenerator, path), load_network(RGBHeads, HEADS)
    z = torch.randn(12, generator.z_dim, generator=torch.Generator().manual_seed(99))
    for size in found.sizes:
        small = with_head(generator, found, size)
        errors = torch.cat([error_by_images(generator, small, each) for each in z.split(1)])
        assert errors.mean() < 1.5 * found.config["errors"][str(size)]  # of few samples, whose errors differ by a third
