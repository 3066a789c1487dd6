"""The attributes that editors are asked for by name, and what a domain's reader reads of them. No editor itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mystyle.classifier import deviations
from mystyle.domains.domain import Domain
from mystyle.progress import report
from mystyle.roles import AttributeReader
from mystyle.types import Image, WPlus

BATCH = 64

MAIN = {
    "yaw": (0, 3),
    "pitch": (0, 3),
    "smile": (4, 5),
    "mouth_open": (4, 5),
    "age": (4, 7),
    "glasses": (2, 3),
    "masculine": (0, 7),
    "hair_length": (0, 5),
}
"""The first and the last layer that StyleFlow (Abdal et al., 2021) takes of an edit, of the 18 of a generator of 1024
px. It has neither an open mouth, which has the layers of its expression, nor the length of hair, which has those of
its baldness."""
PUBLISHED_LAYERS = 18


def main_attributes(reader: AttributeReader) -> tuple[str, ...]:
    """Those of ``MAIN`` that ``reader`` reads."""
    return tuple(name for name in MAIN if name in reader.moments)


def layers_of(attribute: str, num_ws: int) -> range:
    """The layers of ``MAIN`` in a generator of ``num_ws``: all that overlap the published ones, scaled."""
    first, last = (n * num_ws / PUBLISHED_LAYERS for n in (MAIN[attribute][0], MAIN[attribute][1] + 1))
    return range(math.floor(first), math.ceil(last))


def standardised(images: Image, reader: AttributeReader, names: Sequence[str]) -> Tensor:
    """``deviations`` [n, K] of a generator's images, clamped to [-1, 1]."""
    return deviations(images.clamp(-1, 1), reader, names)


@torch.no_grad()
def read_codes(ws: WPlus, domain: Domain, names: Sequence[str]) -> Tensor:
    """``standardised`` of the images of any number of codes [n, num_ws, w_dim]."""
    parts: list[Tensor] = []
    for part in ws.split(BATCH):
        parts.append(standardised(domain.generator.synthesis(part, noise="const"), domain.reader, names))
        if len(ws) > BATCH:  # fewer are a step of another stage
            report("reading attributes", sum(map(len, parts)), len(ws))
    return torch.cat(parts)
