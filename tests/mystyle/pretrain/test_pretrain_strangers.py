"""Identities of strangers, from samples and from portraits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from datasets.folders import read_portraits
from mystyle.identity import identities_of
from mystyle.pretrain.settings import StrangerSettings
from mystyle.pretrain.strangers import make
from mystyle.strangers import read_strangers
from mystyle.types import from_uint8, to_uint8

HALF = 1e-3  # of float16 embeddings


def test_samples_are_nobody_and_repeat_by_seed(tiny_domain, tmp_path):
    domain = replace(tiny_domain, folder=tmp_path)
    figures = make(domain, tmp_path, None, StrangerSettings(20), seed=3)
    first = read_strangers(domain)
    z = torch.randn(20, domain.generator.z_dim, generator=torch.Generator().manual_seed(3))
    images = from_uint8(to_uint8(domain.generator(z, noise="const")))
    torch.testing.assert_close(first, identities_of(domain, images), atol=HALF, rtol=0)
    assert figures["strangers"] == 20 and figures["mean_cosine_of_two"] < figures["cosine_of_two_at_0.1%"] <= 1
    make(domain, tmp_path, None, StrangerSettings(20), seed=4)
    assert not torch.allclose(first, read_strangers(domain), atol=HALF)


def test_of_portraits_the_first_of_each_person_counts(tiny_domain, people_root, tmp_path):
    domain, data = replace(tiny_domain, folder=tmp_path), tmp_path / "data"
    data.mkdir()
    rows = ["file,sha256,split,identity"]
    for name in ("alice", "bob"):
        for path in sorted((people_root / name / "test").iterdir()):
            (data / f"{name}-{path.name}").write_bytes(path.read_bytes())
            rows.append(f"{name}-{path.name},,train,{name}")
    (data / "manifest.csv").write_text("\n".join(rows))
    make(domain, tmp_path, data, StrangerSettings(2), seed=0)
    photos = [read_portraits(people_root / name, "test", 32).images[:1] for name in ("alice", "bob")]
    torch.testing.assert_close(read_strangers(domain), identities_of(domain, torch.cat(photos)), atol=HALF, rtol=0)
    with pytest.raises(ValueError, match=r"2 people, 3 are wanted"):
        make(domain, tmp_path, data, StrangerSettings(3), seed=0)
