"""Domains, one file each with a module-level ``DOMAIN`` (``domain.DomainSource``), named like the file. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mystyle.domains.domain import DomainError, DomainSource, Fits
from mystyle.plugins import DOMAINS, UnknownName

if TYPE_CHECKING:
    import torch

    from mystyle.domains.domain import Domain


def source(name: str) -> DomainSource:
    """Where the domain of that name comes from. Raises DomainError for an unknown one."""
    try:
        found: DomainSource = DOMAINS.load(name)
    except UnknownName as error:
        raise DomainError(str(error)) from error
    return found


def load_domain(name: str, device: torch.device | str = "cpu", fits: Fits | None = None) -> Domain:
    """The networks of a domain. Raises DomainError for an unknown name and for files that cannot be used."""
    return source(name).load(device, fits)
