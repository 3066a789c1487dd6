"""GANSpace (Haerkoenen et al., 2020): principal components of codes of W."""

from __future__ import annotations

import torch

from mystyle.domains.domain import Domain
from mystyle.editors.directions import COUNT, SAMPLES, DirectionEditor, oriented, sample_w, scaled
from mystyle.types import W


def principal(w: W, count: int) -> dict[str, W]:
    """The ``count`` principal components of the codes ``w`` [n, w_dim]."""
    _, _, components = torch.linalg.svd(w - w.mean(dim=0), full_matrices=False)
    return {f"pca{i:02d}": scaled(oriented(v), w) for i, v in enumerate(components[:count])}


class GanSpace(DirectionEditor):
    """Its edits are a component and a range of layers, ``pca03:0-4``."""

    name = "ganspace"
    version = 1
    title = "GANSpace"

    def find(self, domain: Domain, samples: int = SAMPLES, count: int = COUNT, seed: int = 0) -> dict[str, W]:
        return principal(sample_w(domain.generator, samples, seed), count)


EDITOR = GanSpace()
