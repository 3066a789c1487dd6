"""AdvStyle's direction against a domain in which the answer is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from mystyle.domains.domain import InMemory
from mystyle.editors.advstyle import EDITOR


@pytest.fixture
def domain(tiny_domain):
    """Images whose first pixels are the code, an attribute that is linear in it, and features that are the pixels."""
    n = torch.linalg.qr(torch.randn(8, 1, generator=torch.Generator().manual_seed(0))).Q[:, 0]

    def draw(ws, noise="const"):
        images = torch.zeros(len(ws), 3, 8, 8)
        images[:, 0, 0] = ws.mean(dim=1) / 8  # within [-1, 1]
        return images

    class Reader:
        moments = {"smile": (0.0, 1.0)}  # noqa: RUF012 - a test's constant

        def attributes(self, images):
            return {"smile": 8 * images[:, 0, 0] @ n}

    mapping = SimpleNamespace(w=lambda z: z, w_avg=torch.zeros(8))
    generator = SimpleNamespace(mapping=mapping, synthesis=draw, num_ws=2, w_dim=8, z_dim=8)
    network = SimpleNamespace(deep=lambda images: images[:, 0, 0])
    return n, replace(
        tiny_domain,
        generator=generator,
        reader=Reader(),
        perceptual=SimpleNamespace(network=network),
        fits=InMemory(),
    )


def test_the_direction_is_that_which_tells_the_positive_images(domain):
    n, known = domain
    found = EDITOR.direction("smile", known)
    assert float(torch.cosine_similarity(found, n, dim=0)) > 0.8  # a game of 300 steps with eight images each
    assert float(found.norm()) == pytest.approx(1, abs=0.1)  # a deviation of these codes


def test_the_pool_is_read_once_for_all_attributes(domain, monkeypatch):
    _, known = domain
    read = []
    pool = type(EDITOR).pool

    def counted(self, *arguments):
        read.append(1)
        return pool(self, *arguments, samples=100)

    monkeypatch.setattr(type(EDITOR), "pool", counted)
    for attribute in ("smile", "smile"):
        known.fitted("another", 1, {}, lambda attribute=attribute: EDITOR.fit(known, attribute, steps=1))
        EDITOR.fit(known, attribute, steps=1)
    assert len(read) == 1
