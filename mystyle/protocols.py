"""What methods, their priors and editors promise. The roles of a domain's networks are in ``mystyle.roles``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from mystyle.domains.domain import Domain
from mystyle.inversion import Codes, Inversion
from mystyle.latents.anchors import Anchors
from mystyle.roles import Generator
from mystyle.types import Degradation, Image, Portraits


@runtime_checkable
class Prior(Protocol):
    """What ``fit`` returns. The verbs below are optional; a task asks for the one that it needs."""

    def save(self, folder: Path) -> None:
        """Writes everything ``Method.load`` needs into an existing empty folder (safetensors and JSON only)."""
        ...


@runtime_checkable
class Samples(Protocol):
    """A prior that makes random images of the person."""

    def sample(self, n: int, *, seed: int) -> Image:
        """[n, 3, R, R]; the first ones do not depend on ``n``."""
        ...


@runtime_checkable
class Restores(Protocol):
    """A prior that undoes degradations."""

    def restore(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int]) -> Image:
        """``[n, 3, h, w]`` raw outputs, before compositing; row i depends on row i and ``seeds[i]`` alone."""
        ...


@runtime_checkable
class Projects(Restores, Protocol):
    """A prior that restores by projection, so that it has codes to show."""

    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """What ``restore`` finds, with more than its images."""
        ...


@runtime_checkable
class Inverts(Protocol):
    """A prior that finds the codes of clean images."""

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        """The codes of ``images`` [n, 3, R, R] and what renders them; ``seeds[i]`` belongs to image i."""
        ...

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        """What ``invert`` gave, from its ``tensors()``: inversions are cached image by image.

        A prior of which the images given at a time decide each other's inversions says so: ``together`` is True.
        """
        ...


@runtime_checkable
class Reports(Protocol):
    """A prior that has numbers to tell of its fit, for metrics."""

    @property
    def facts(self) -> Mapping[str, float]: ...


@runtime_checkable
class Spans(Protocol):
    """A prior of coordinates in the anchors of a person (MyStyle, section 3.2)."""

    @property
    def generator(self) -> Generator: ...
    @property
    def anchors(self) -> Anchors: ...

    def render(self, alpha: Tensor) -> Image:
        """The images [n, 3, R, R] of coordinates [n, num_ws, N], or [n, 1, N] alike in all layers."""
        ...


@dataclass(frozen=True)
class OwnNetwork:
    """A network of a method that belongs to a domain and not to a person, trained before any person arrives."""

    file: str
    """its name beside the domain's own weight files"""
    command: str
    """that trains it, on a population in ``data/population``"""
    untrained: Callable[[Domain], nn.Module]
    """what training starts from"""
    read: Callable[[Path], nn.Module]
    """the trained network of a weight file, on the CPU"""
    required: bool = field(default=True, kw_only=True)
    """whether a run of the method is refused without it; else what needs it is a dash"""


@runtime_checkable
class Method(Protocol):
    """A way of building a prior of one person.

    A method is one file; the file's name is the method's name and its module-level ``METHOD`` is an instance.
    ``settings`` is a frozen dataclass of the method's own with a field ``fit``: whatever decides the fitted prior
    (a dataclass, or None where nothing is fitted). Priors are cached by it, so the rest of the settings must not
    influence ``fit``. ``presets`` holds one settings object for each of ``smoke``, ``quick``, ``full``, ``paper``.
    ``does`` names what its priors can do: of sample, inpaint, upscale, invert.

    ``networks`` are those of its own that belong to the domain; ``personal`` is False where no photo of the person is
    looked at, so that it serves strangers without reference photos, too. Fits that belong to the domain and not to a
    person are cached by ``Domain.fitted``. The defaults of the two hold for classes that inherit from this one.
    """

    name: str
    version: int
    title: str
    does: tuple[str, ...]
    presets: Mapping[str, Any]
    networks: tuple[OwnNetwork, ...] = ()
    personal: bool = True

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: Any) -> Prior: ...

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Any) -> Prior:
        """The prior that ``save`` wrote into ``folder``; ``person`` and ``settings.fit`` are those of its ``fit``."""
        ...


@runtime_checkable
class Editor(Protocol):
    """A way of changing one attribute of inverted images.

    An editor is one file of ``mystyle/editors``; the file's name is its name and its ``EDITOR`` is an instance. What it
    has to learn about a domain is cached by ``Domain.fitted``.
    """

    name: str
    version: int
    title: str
    files: tuple[str, ...]
    """beside a domain's weights, that decide its edits where they are there"""
    differentiable: bool
    """whether gradients pass from edited codes to codes"""

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        """What it can change."""
        ...

    def apply(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        """Every code changed by every strength: n * S codes, strengths running fastest.

        A strength of 0 is no edit, positive ones give more of the attribute. Raises Unsupported for an attribute that
        it cannot change.
        """
        ...

    def inverse(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        """Undoes ``apply``: of its result with one strength, it gives the codes that it was given."""
        ...
