"""Domains whose networks lie in files: all are read, and one message names everything that is wrong with them.

Every domain of this package is one of these; they differ in which networks they have and in where the files come from:
they ship, or a manifest (``mystyle.weights``) names them and they lie in the user's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystyle.domains.domain import DomainError
from mystyle.weights import Entry, way_out, weight_file

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Part:
    """One network of a domain, in a file of its own."""

    path: Path
    read: Callable[[Path], nn.Module]
    """frozen, in eval mode, on the CPU; raises CheckpointError"""
    required: bool = True
    """one that is not is left out where its file is missing; a damaged file is an error all the same"""
    missing: str = ""
    """the way out where the file is missing"""
    damaged: str = ""
    """the way out where it cannot be used"""


@dataclass(frozen=True)
class Parts:
    """What ``read_parts`` read."""

    networks: Mapping[str, Any]
    """the networks by role, on their device"""
    weights: Mapping[str, str]
    """file name to SHA-256"""


def nothing(networks: Mapping[str, Any]) -> list[str]:
    """That nothing is wrong with networks that are all right by themselves."""
    return []


def read_parts(
    domain: str,
    parts: Mapping[str, Part],
    device: torch.device | str,
    check: Callable[[Mapping[str, Any]], list[str]] = nothing,
    way_out: str = "",
) -> Parts:
    """The networks of ``parts``, which are by role, in their order.

    ``check`` says what is wrong with the networks together. Raises DomainError with a line for everything that is
    wrong with the files, or with the networks together, and ``way_out`` below.
    """
    from mystyle.checkpoints import CheckpointError, sha256

    networks: dict[str, Any] = {}
    problems = []
    for role, part in parts.items():
        there = part.path.exists()
        if not there and not part.required:
            continue
        try:
            networks[role] = part.read(part.path).to(device)
        except CheckpointError as error:
            problems.append("; ".join(filter(None, (str(error), part.damaged if there else part.missing))))
    if problems := problems or check(networks):
        lines = [f"the weights of domain {domain!r} cannot be used:", *(f"  {problem}" for problem in problems)]
        raise DomainError("\n".join([*lines, way_out] if way_out else lines))
    return Parts(networks, {parts[role].path.name: sha256(parts[role].path) for role in networks})


def brought(domain: str, manifest: Sequence[Entry], read: Mapping[str, Callable[[Path], nn.Module]]) -> dict[str, Part]:
    """The parts that a manifest names, by role, which is the stem of their file; ``read`` has a reader for each.

    What only metrics or methods read is no part of the domain.
    """
    return {
        (role := Path(entry.file).stem): Part(
            weight_file(domain, entry.file),
            read[role],
            entry.required,
            way_out(domain, entry),
            way_out(domain, entry, again=True),
        )
        for entry in manifest
        if entry.of_domain
    }


def brought_files(domain: str, manifest: Sequence[Entry]) -> dict[str, Path]:
    """The files of a domain's parts by role: those that are required, and those that are not and are there."""
    parts = [entry for entry in manifest if entry.of_domain]
    files = {Path(entry.file).stem: (entry.required, weight_file(domain, entry.file)) for entry in parts}
    return {role: path for role, (required, path) in files.items() if required or path.exists()}


def one_resolution(networks: Mapping[str, Any]) -> list[str]:
    """That the networks are of different resolutions, if they are."""
    sizes = {network.resolution for network in networks.values()}
    return [f"the networks are of different resolutions: {sorted(sizes)} px"] if len(sizes) > 1 else []
