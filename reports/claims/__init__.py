"""The claims of the papers, declared before the runs that decide them: a file for each suite, with ``CLAIMS``.

A file is found by being here. Sections sort by their numbers; within one, claims stand as in their file. Which claims
are ``primary`` is part of the declaration: they are corrected together, so that each one more costs the others power.
"""

from __future__ import annotations

import importlib
import pkgutil

from benchmarks.analysis.claims import Claim, Untestable


def declared() -> tuple[Claim | Untestable, ...]:
    """All claims, by section."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    files = [importlib.import_module(f"reports.claims.{name}") for name in names]
    return tuple(sorted((claim for file in files for claim in file.CLAIMS), key=lambda claim: claim.section))
