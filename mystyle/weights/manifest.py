"""A manifest: the weight files of a domain that do not ship, each with where its bytes come from and how they are read.

A domain (``mystyle.domains.domain.DomainSource``) has a tuple of entries as its ``manifest``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mystyle.weights.sources import Source

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Entry:
    """One weight file of the cache, made from one fetched file."""

    file: str
    """name in the cache, such as ``generator.safetensors``"""
    role: str
    """what it is for, in plain words"""
    publisher: str
    licence: str
    """one line that says the truth, of several sentences where the truth has several"""
    source: Source
    size: int | None
    """bytes of what is fetched; None where they are not known"""
    sha256: str | None
    """of what is fetched; None where it is not known: then what was found is said and recorded"""
    read: Callable[[Mapping[str, Path]], nn.Module]
    """The network, from the source's members by name; has a ``config`` as ``mystyle.checkpoints.save_network`` wants.

    Imports torch itself, so that manifests are listed without. Raises CheckpointError for another format.
    """
    required: bool = True
    """without an optional one, what needs it is a dash"""
    for_metrics: bool = False
    """only metrics read it, which name the file: no fit depends on it"""
    for_methods: bool = False
    """only the methods read it whose own network it is (``mystyle.protocols.OwnNetwork``)"""
    half: bool = False
    """kept as float16"""
    version: int = 1
    """raised when ``read`` makes another network of the same file, so that those made before are made again"""

    @property
    def of_domain(self) -> bool:
        """Whether it has a role in the domain."""
        return not (self.for_metrics or self.for_methods)

    def __post_init__(self) -> None:
        if PurePosixPath(self.file).name != self.file or not self.file.endswith(".safetensors"):
            raise ValueError(f"{self.file!r}: a weight file of the cache is NAME.safetensors")
        if self.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError(f"{self.file}: {self.sha256!r} is no SHA-256 (64 hexadecimal digits, lower case)")
