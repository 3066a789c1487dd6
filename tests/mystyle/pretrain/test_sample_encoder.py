"""The encoder of generated samples: its shards, its disturbances, and that it learns codes."""

from __future__ import annotations

import pytest
import torch

from mystyle.pretrain import sample_encoder
from mystyle.pretrain.sample_encoder import disturbed, make_shard, read_samples
from mystyle.pretrain.settings import SampleEncoderSettings
from mystyle.types import from_uint8


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(sample_encoder, "SHARD", 12)


def test_shards_are_made_once_and_by_seed(short, tiny_domain, tmp_path):
    g, settings = tiny_domain.generator, SampleEncoderSettings(samples=20)
    first = read_samples(g, tmp_path, settings, 16, seed=3)
    assert len(first) == 24 and first.pictures.shape == (24, 3, 16, 16) and first.pictures.dtype == torch.uint8
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = read_samples(g, tmp_path, settings, 16, seed=3)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    assert torch.equal(first.w, again.w) and torch.equal(first.pictures, again.pictures)
    assert not torch.equal(first.w, read_samples(g, tmp_path, settings, 16, seed=4).w)


def test_pictures_are_those_of_the_codes_reduced_by_area(short, tiny_domain):
    g = tiny_domain.generator
    samples = make_shard(g, 0, g.resolution // 2, 0.6)
    with torch.no_grad():
        images = g.synthesis(samples.w[:, None].expand(-1, g.num_ws, -1), noise="const")
    by_hand = images.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).mean(dim=(3, 5))
    # half a level of rounding to 8 bits
    inside = by_hand.abs() < 1
    torch.testing.assert_close(from_uint8(samples.pictures)[inside], by_hand[inside], rtol=0, atol=1.01 / 255)


def test_disturbances_repeat_by_seed_keep_the_range_and_differ_between_images():
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).mul(2).sub(1).expand(4, -1, -1, -1)
    a, b, c = (disturbed(x, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert a.abs().max() <= 1 and a.shape == x.shape
    assert not torch.equal(a[0], a[1])
