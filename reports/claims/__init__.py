"""The claims of the papers, declared before the runs that decide them: a file for each suite, with ``CLAIMS``.

A file is found by being here. Papers stand in the order of ``Paper``, sections sort by their numbers, and within one
claims stand as in their file. Which claims are ``primary`` is part of the declaration: they are corrected together, so
that each one more costs the others power.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import get_args

from benchmarks.analysis.claims import Claim, Paper, Untestable

PAPERS: tuple[Paper, ...] = get_args(Paper)


def declared() -> tuple[Claim | Untestable, ...]:
    """All claims, by paper and section."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    files = [importlib.import_module(f"reports.claims.{name}") for name in names]
    found = (claim for file in files for claim in file.CLAIMS)
    return tuple(sorted(found, key=lambda claim: (PAPERS.index(claim.paper), claim.section)))
