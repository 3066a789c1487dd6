"""A domain: everything that is fixed before a person arrives, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mystyle.roles import AttributeReader, Discriminator, Encoder, Generator, Judge, PerceptualDistance


class DomainError(ValueError):
    """Weight files that are missing or damaged; the message says how to mend it."""


class Fits(Protocol):
    """Where fits of a domain are kept."""

    def get(self, key: Mapping[str, Any], compute: Callable[[], dict[str, Tensor]]) -> Mapping[str, Tensor]:
        """What ``compute`` gives, or gave before for the same ``key`` of plain data."""
        ...


@dataclass
class InMemory:
    """Fits that last as long as the process."""

    kept: dict[str, Mapping[str, Tensor]] = field(default_factory=dict)

    def get(self, key: Mapping[str, Any], compute: Callable[[], dict[str, Tensor]]) -> Mapping[str, Tensor]:
        name = repr(sorted(key.items()))
        if name not in self.kept:
            self.kept[name] = compute()
        return self.kept[name]


@dataclass(frozen=True)
class Domain:
    """The networks of a domain by their roles, frozen and in eval mode on ``device``.

    Losses and editors use ``perceptual`` and ``reader``, metrics use ``judge``; a judge shares no network
    with them, so that no method descends on what it is measured by.
    """

    name: str
    resolution: int
    device: torch.device
    generator: Generator
    """the domain prior G_d"""
    discriminator: Discriminator | None
    """None where the domain has none: adversarial methods are a dash there"""
    encoder: Encoder
    """finds anchors in W"""
    perceptual: PerceptualDistance
    """the LPIPS-form distance of losses"""
    reader: AttributeReader
    """of attributes, for losses and editors"""
    judge: Judge
    """MAPS features, identity and attributes, for metrics"""
    weights: Mapping[str, str]
    """file name to SHA-256"""
    folder: Path | None = None
    """where the weight files lie, and beside them what belongs to the domain without deciding all of its results"""
    fits: Fits = field(default_factory=InMemory)

    def file(self, name: str) -> Path | None:
        """A file beside the weight files, such as a method's network of this domain; None if it is not there."""
        return self.folder / name if self.folder is not None and (self.folder / name).is_file() else None

    def fitted(self, what: str, version: int, settings: Any, compute: Callable[[], dict[str, Tensor]]) -> Any:
        """Tensors by name that belong to this domain and to no person: a fit that is made once and cached.

        ``what`` and ``version`` name the fit, ``settings`` (plain data) decide it besides the weights.
        """
        key = {"fit": what, "version": version, "settings": settings, "domain": self.name, "weights": self.weights}
        return self.fits.get(key, compute)

    def needed(self, role: str) -> Any:
        """The network of a role that not every domain has. Raises Unsupported where this one lacks it."""
        from mystyle.types import Unsupported  # here, because domains are listed without torch

        network = getattr(self, role)
        if network is None:
            raise Unsupported(f"domain {self.name} has no {role}")
        return network


class DomainSource(Protocol):
    """A file of this folder with a module-level ``DOMAIN``: where a domain's networks and people come from."""

    name: str
    """the file's name"""
    resolution: int
    people: str
    """the module that renders the domain's own people; "" where photos are the user's"""

    def weights(self) -> dict[str, Path]:
        """The weight files by role, without opening them."""
        ...

    def load(self, device: torch.device | str = "cpu", fits: Fits | None = None) -> Domain:
        """Reads the weight files. Raises DomainError naming every file that is missing or damaged."""
        ...
