"""Inverted images: their codes, and what renders them.

A code alone does not make an image. What belongs to it - a generator, the image's own tuned generator, noise maps,
features - is in its ``Renderer``, so that an editor can change codes of any inversion and have them rendered.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from mystyle.degradations import Identity
from mystyle.roles import Generator
from mystyle.types import Degradation, Image, W, WPlus

BATCH = 16  # images rendered at once; bounds the memory
OWN = "generator."  # before the names of an own generator's parameters
NOISE = "noise."  # before the numbers of own noise maps


class Renderer(Protocol):
    """Renders codes together with what belongs to the inverted image that each of them came from."""

    def tensors(self) -> dict[str, Tensor]:
        """What belongs to the images and not to their prior, [n, ...] each."""
        ...

    def __call__(self, ws: WPlus, rows: Sequence[int]) -> Image:
        """[n, num_ws, w_dim] and the position of each code's inverted image -> [n, 3, R, R], without gradients."""
        ...


@dataclass(frozen=True)
class SharedGenerator:
    """One generator for all images."""

    generator: Generator

    def tensors(self) -> dict[str, Tensor]:
        return {}

    @torch.no_grad()
    def __call__(self, ws: WPlus, rows: Sequence[int] = ()) -> Image:
        return torch.cat([self.generator.synthesis(part, noise="const") for part in ws.split(BATCH)])


@dataclass(frozen=True)
class OwnGenerators:
    """A generator for each inverted image, as pivotal tuning leaves them."""

    generators: tuple[Generator, ...]

    @torch.no_grad()
    def __call__(self, ws: WPlus, rows: Sequence[int]) -> Image:
        pairs = zip(ws, rows, strict=True)
        return torch.cat([self.generators[row].synthesis(w[None], noise="const") for w, row in pairs])

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter of the synthesis networks, [n, ...] each."""
        states = [dict(g.synthesis.named_parameters()) for g in self.generators]
        return {OWN + name: torch.stack([state[name].detach() for state in states]) for name in states[0]}

    @classmethod
    def read(cls, generator: Generator, tensors: Mapping[str, Tensor]) -> OwnGenerators:
        """Copies of ``generator`` with the parameters of ``tensors``."""
        own = {name.removeprefix(OWN): values for name, values in tensors.items() if name.startswith(OWN)}
        generators = []
        for i in range(len(next(iter(own.values())))):
            tuned = copy.deepcopy(generator)
            for name, parameter in tuned.synthesis.named_parameters():
                parameter.data.copy_(own[name][i])
            generators.append(tuned)
        return cls(tuple(generators))


@dataclass(frozen=True)
class OwnNoise:
    """One generator, and noise maps for each inverted image, as descents on noise leave them."""

    generator: Generator
    maps: tuple[Tensor, ...]
    """[n, 1, r, r] for each styled convolution"""

    @torch.no_grad()
    def __call__(self, ws: WPlus, rows: Sequence[int]) -> Image:
        parts = zip(ws.split(BATCH), torch.tensor(rows).split(BATCH), strict=True)
        return torch.cat([self.generator.synthesis(w, noise=[n[row] for n in self.maps]) for w, row in parts])

    def tensors(self) -> dict[str, Tensor]:
        """The maps."""
        return {f"{NOISE}{i:02d}": n for i, n in enumerate(self.maps)}

    @classmethod
    def read(cls, generator: Generator, tensors: Mapping[str, Tensor]) -> OwnNoise:
        """``generator`` with the maps of ``tensors``."""
        return cls(generator, tuple(tensors[name] for name in sorted(tensors) if name.startswith(NOISE)))


def renderer_of(generator: Generator, tensors: Mapping[str, Tensor]) -> Renderer:
    """What renders an inversion into ``generator``, from the inversion's ``tensors()``."""
    if any(name.startswith(OWN) for name in tensors):
        return OwnGenerators.read(generator, tensors)
    if any(name.startswith(NOISE) for name in tensors):
        return OwnNoise.read(generator, tensors)
    return SharedGenerator(generator)


@dataclass(frozen=True, kw_only=True)
class Codes:
    """n codes and what renders them."""

    ws: WPlus
    """[n, num_ws, w_dim]"""
    renderer: Renderer
    rows: tuple[int, ...]
    """[n]: the inverted image that each code came from, which the renderer asks for"""
    remembered: Mapping[str, Tensor] = field(default_factory=dict)
    """what an editor noted of each code for its next edit, [n, ...] each, by its name; other edits forget it"""

    def __len__(self) -> int:
        return len(self.ws)

    def render(self) -> Image:
        """[n, 3, R, R], not clamped."""
        return self.renderer(self.ws, self.rows)

    def moved(self, direction: W | WPlus, strengths: Sequence[float]) -> Codes:
        """w + theta n for every code and strength: n * S codes, strengths running fastest.

        ``direction`` is [w_dim], alike in all layers, or [num_ws, w_dim].
        """
        theta = torch.tensor(strengths, dtype=torch.float32).to(self.ws)
        ws = (self.ws[:, None] + theta[:, None, None] * direction.to(self.ws)).flatten(0, 1)
        return Codes(ws=ws, renderer=self.renderer, rows=self.repeated(len(strengths)))

    def displaced(self, changes: Tensor) -> Codes:
        """w + a change of its own for every code and strength, [n, S, num_ws, w_dim]: n * S codes."""
        ws = (self.ws[:, None] + changes.to(self.ws)).flatten(0, 1)
        return Codes(ws=ws, renderer=self.renderer, rows=self.repeated(changes.shape[1]))

    def repeated(self, times: int) -> tuple[int, ...]:
        """``rows`` with every entry ``times`` in a row."""
        return tuple(row for row in self.rows for _ in range(times))


@dataclass(frozen=True, kw_only=True)
class Inversion(Codes):
    """n images found in a generator."""

    images: Image
    """what the codes render, [n, 3, R, R], not clamped"""
    losses: Tensor
    """the objective of every image at every step, [n, steps]"""

    @classmethod
    def of(cls, renderer: Renderer, ws: WPlus, images: Image, losses: Tensor) -> Inversion:
        """An inversion whose code i belongs to image i."""
        return Inversion(ws=ws, renderer=renderer, rows=tuple(range(len(ws))), images=images, losses=losses)

    @classmethod
    def read(cls, renderer: Renderer, tensors: Mapping[str, Tensor]) -> Inversion:
        """What ``tensors`` gave, with what renders it."""
        return cls.of(renderer, tensors["ws"], tensors["images"], tensors["losses"])

    @property
    def facts(self) -> Mapping[str, Tensor]:
        """Diagnostics of every image, [n] each, for metrics."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """All that has to be kept to have the inversion again beside its renderer, [n, ...] each."""
        return {"ws": self.ws, "images": self.images, "losses": self.losses, **self.renderer.tensors()}


class ByProjection(ABC):
    """A prior that restores and inverts by one projection."""

    @abstractmethod
    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """What ``restore`` finds, with its codes; ``seeds[i]`` belongs to row i, and is i where there are none."""

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """The images of the projection."""
        return self.project(degraded, degradation, seeds=seeds).images.to(degraded)

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        """The projection of clean images."""
        return self.project(images, Identity(), seeds=seeds)
