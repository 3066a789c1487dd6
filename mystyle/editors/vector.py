"""A direction from a file, as other projects publish them: the attribute is the path of a .pt, .npy or .safetensors."""

from __future__ import annotations

from pathlib import Path

from mystyle.domains.domain import Domain
from mystyle.editors.directions import COUNT, SAMPLES, DirectionEditor, limited, parse_layers
from mystyle.latents.vectors import read_code
from mystyle.types import W, WPlus


class Vector(DirectionEditor):
    """It keeps the length that it has in the file; those of the official MyStyle code have length one."""

    name = "vector"
    version = 1
    title = "Direction from a file"

    def find(self, domain: Domain, samples: int = SAMPLES, count: int = COUNT, seed: int = 0) -> dict[str, W]:
        return {}

    def direction(self, attribute: str, domain: Domain) -> W | WPlus:
        """Raises ValueError that names the file if it holds no vector of W, or nothing but zeros."""
        path, layers = parse_layers(attribute, domain.generator.num_ws)
        vector = read_code(Path(path), domain.generator.w_dim).to(domain.device)
        if not vector.any():
            raise ValueError(f"{path}: all zero")
        return vector if layers is None else limited(vector, layers, domain.generator.num_ws)


EDITOR = Vector()
