"""Editors that move codes along directions of W: what they share, and directions in files. No editor itself.

A direction has the length of one standard deviation of the codes of W along it, so that strengths of one or two are
changes of the size in which people differ. How a code moves along it is the code's own affair (``Codes.moved``): codes
in a personal prior stay within it, as section 3.4 of MyStyle has it.

An attribute can be limited to some layers of the generator by ``NAME:FIRST-LAST``, as in ``pca03:0-4``.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.inversion import Codes
from mystyle.roles import Generator
from mystyle.types import Unsupported, W, WPlus

SAMPLES, COUNT = 10_000, 16  # codes looked at, and directions found where the attributes do not decide how many


class LinearEditor(ABC):
    """An editor whose attributes are directions, along which codes are moved; it is told what they are."""

    name: str
    version: int
    title: str
    files: tuple[str, ...] = ()
    differentiable = True

    @abstractmethod
    def attributes(self, domain: Domain) -> tuple[str, ...]:
        """What it can change."""

    @abstractmethod
    def direction(self, attribute: str, domain: Domain) -> W | WPlus:
        """[w_dim], alike in all layers, or [num_ws, w_dim]. Raises Unsupported for an attribute that it lacks."""

    def apply(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        return codes.moved(self.direction(attribute, domain), strengths)

    def inverse(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        """The way back; exact where codes move freely, not where a personal prior has bounded an edit."""
        return self.apply(codes, attribute, [-strength for strength in strengths], domain)


class DirectionEditor(LinearEditor):
    """An editor whose attributes are directions of W, found once for a domain."""

    @abstractmethod
    def find(self, domain: Domain, samples: int = SAMPLES, count: int = COUNT, seed: int = 0) -> dict[str, W]:
        """Directions [w_dim] by name, from ``samples`` codes of W; at most ``count`` where nothing else decides."""

    def directions(self, domain: Domain) -> Mapping[str, W]:
        """What ``find`` gives, cached with the domain."""
        return domain.fitted(self.name, self.version, {}, lambda: self.find(domain))  # type: ignore[no-any-return]

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        return tuple(self.directions(domain))

    def direction(self, attribute: str, domain: Domain) -> W | WPlus:
        """The direction of ``NAME`` [w_dim], or of ``NAME:FIRST-LAST`` [num_ws, w_dim]. Raises Unsupported."""
        name, layers = parse_layers(attribute, domain.generator.num_ws)
        known = self.directions(domain)
        require(name, tuple(known), self.name)
        return known[name] if layers is None else limited(known[name], layers, domain.generator.num_ws)


def require(attribute: str, known: Sequence[str], editor: str) -> None:
    """Raises Unsupported unless the attribute is one of those that ``editor`` knows."""
    if attribute not in known:
        raise Unsupported(f"unknown direction {attribute!r}; {editor} has here: {', '.join(known) or 'none'}")


def parse_layers(attribute: str, num_ws: int) -> tuple[str, range | None]:
    """``NAME`` or ``NAME:FIRST-LAST``, the last layer included. Raises Unsupported for layers that do not exist."""
    name, colon, text = attribute.rpartition(":")
    first, _, last = text.partition("-")
    if not colon or not first.isdecimal() or (last and not last.isdecimal()):
        return attribute, None
    layers = range(int(first), int(last or first) + 1)
    if not layers or layers[-1] >= num_ws:
        raise Unsupported(f"{attribute}: layers {text}; this generator has 0-{num_ws - 1}")
    return name, layers


def limited(direction: W, layers: Sequence[int], num_ws: int) -> WPlus:
    """``direction`` in some layers, nothing in the others: [num_ws, w_dim]."""
    rows = direction.new_zeros(num_ws, len(direction))
    rows[list(layers)] = direction
    return rows


@torch.no_grad()
def sample_w(generator: Generator, n: int, seed: int) -> W:
    """n codes [n, w_dim] of the mapping network."""
    z = torch.randn(n, generator.z_dim, generator=torch.Generator().manual_seed(seed))
    return torch.cat([generator.mapping.w(part.to(generator.mapping.w_avg)) for part in z.split(1024)])


def scaled(direction: W, w: W) -> W:
    """``direction`` with the length of one standard deviation of the codes ``w`` [n, w_dim] along it."""
    unit: W = direction / direction.norm()
    return unit * ((w - w.mean(dim=0)) @ unit).std()


def oriented(vector: Tensor) -> Tensor:
    """The sign is free; the largest entry is positive, so that the same vector comes out everywhere."""
    return vector * vector[vector.abs().argmax()].sign()


def save_directions(path: Path, directions: Mapping[str, W], generator: str) -> None:
    """Writes named directions, in their order, and the SHA-256 of the ``generator`` file in whose W they lie."""
    names = json.dumps(list(directions))
    stacked = torch.stack(list(directions.values())).cpu()
    save_file({"directions": stacked}, path, metadata={"names": names, "generator": generator})


def load_directions(path: Path, w_dim: int, generator: str, device: torch.device | str = "cpu") -> dict[str, W]:
    """What ``save_directions`` wrote. Raises ValueError if it is damaged or belongs to another generator."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            stacked, names = file.get_tensor("directions"), json.loads(metadata.get("names", "[]"))
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    if metadata.get("generator") != generator or tuple(stacked.shape) != (len(names), w_dim):
        raise ValueError(f"{path}: made for another generator; make them again with python -m mystyle directions")
    return dict(zip(names, stacked, strict=True))
