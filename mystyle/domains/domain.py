"""A domain: everything that is fixed before a person arrives, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mystyle.roles import AttributeReader, Discriminator, Encoder, Generator, Judge, PerceptualDistance
    from mystyle.weights.manifest import Entry


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


@runtime_checkable
class KeepsFits(Protocol):
    """A part of a domain that computes at length and keeps what it found where the domain's fits are kept."""

    fits: Fits


@dataclass(frozen=True)
class Domain:
    """The networks of a domain by their roles, frozen and in eval mode on ``device``.

    Losses and editors use ``perceptual`` and ``reader``, metrics use ``judge``; a judge shares no network
    with them, so that no method descends on what it is measured by. Where a domain has one reader of attributes for
    both, as ``faces``, it says so.
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
    shipped: Path | None = None
    """where the project has more such files, if its weight files lie elsewhere"""
    latent_space: str = ""
    """names W, for directions: a hash of what decides it; "" stands for that of the generator's file"""
    fits: Fits = field(default_factory=InMemory)

    def __post_init__(self) -> None:
        if isinstance(self.encoder, KeepsFits):
            self.encoder.fits = self.fits

    def file(self, name: str) -> Path | None:
        """A file beside the weight files, such as a method's network of this domain; None if it is not there."""
        places = [folder / name for folder in (self.folder, self.shipped) if folder is not None]
        return next((place for place in places if place.is_file()), None)

    @property
    def w_name(self) -> str:
        """What directions in this W are marked with."""
        return self.latent_space or self.weights["generator.safetensors"]

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


def changed(settings: Any, changes: Mapping[type, Mapping[str, Any]]) -> Any:
    """``settings``, a dataclass, with fields of other values wherever a dataclass of a type in ``changes`` is in it.

    Where several of the types fit, the last one's values count.
    """
    if not is_dataclass(settings) or isinstance(settings, type):
        return settings
    inner = {f.name: changed(getattr(settings, f.name), changes) for f in dataclass_fields(settings) if f.init}
    own = [values for kind, values in changes.items() if isinstance(settings, kind)]
    return replace(settings, **inner | {name: value for values in own for name, value in values.items()})


class DomainSource(Protocol):
    """A file of this folder with a module-level ``DOMAIN``: where a domain's networks and people come from."""

    name: str
    """the file's name"""
    resolution: int
    people: str
    """the module that renders the domain's own people; "" where photos are the user's"""
    manifest: tuple[Entry, ...] = ()
    """the weight files that ``python -m mystyle.weights`` brings; none where all of them ship"""

    def weights(self) -> dict[str, Path]:
        """The weight files by role, without opening them."""
        ...

    def files(self) -> dict[str, Path]:
        """What lies beside the weight files, by name: directions, networks of methods."""
        weights = self.weights()
        beside = next(iter(weights.values())).parent
        return {path.name: path for path in beside.glob("*.safetensors") if path not in weights.values()}

    def settings(self, preset: str, settings: Any) -> Any:
        """A method's ``settings`` of a preset, which were chosen on rendered people, as they suit this domain."""
        return settings

    def load(self, device: torch.device | str = "cpu", fits: Fits | None = None) -> Domain:
        """Reads the weight files. Raises DomainError naming every file that is missing or damaged."""
        ...
