"""SeFa (Shen and Zhou, 2021): directions in closed form from the weights that turn codes into styles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from mystyle.domains.domain import Domain
from mystyle.editors.directions import (
    COUNT,
    SAMPLES,
    DirectionEditor,
    limited,
    oriented,
    parse_layers,
    require,
    sample_w,
    scaled,
)
from mystyle.roles import Generator
from mystyle.types import Unsupported, W, WPlus


def closed_form(generator: Generator, w: W, count: int, layers: Sequence[int] | None = None) -> dict[str, W]:
    """Eigenvectors of A^T A with the largest eigenvalues.

    A stacks the affine maps from w to styles of the styled convolutions numbered ``layers``, of all by default; what
    makes a style, a row of A, has norm one, as in the official code. That counts the layer of the last RGB image in,
    too, which is left out here. Convolution i takes the code of layer i. Raises Unsupported for a generator without
    such maps in those layers.
    """
    maps = [layer.style_map for layer in generator.synthesis.styled_convolutions()]
    chosen = maps if layers is None else [maps[i] for i in layers if i < len(maps)]
    if not chosen:
        raise Unsupported("SeFa needs styled convolutions in the layers that it is to change")
    a = F.normalize(torch.cat(list(chosen)).double(), dim=1)
    _, vectors = torch.linalg.eigh(a.T @ a)
    return {f"sefa{i:02d}": scaled(oriented(v.to(w)), w) for i, v in enumerate(vectors.flip(1).T[:count])}


class SeFa(DirectionEditor):
    """With a range of layers, ``sefa00:0-1``, both the directions and the edit are of those layers."""

    name = "sefa"
    version = 2
    title = "SeFa"

    def find(self, domain: Domain, samples: int = SAMPLES, count: int = COUNT, seed: int = 0) -> dict[str, W]:
        return closed_form(domain.generator, sample_w(domain.generator, samples, seed), count)

    def direction(self, attribute: str, domain: Domain) -> W | WPlus:
        name, layers = parse_layers(attribute, domain.generator.num_ws)
        if layers is None:
            return super().direction(attribute, domain)
        g = domain.generator

        def of_layers() -> dict[str, W]:
            return closed_form(g, sample_w(g, SAMPLES, 0), COUNT, layers)

        found = domain.fitted(self.name, self.version, {"layers": list(layers)}, of_layers)
        require(name, tuple(found), self.name)
        return limited(found[name], layers, g.num_ws)


EDITOR = SeFa()
