"""What a check finds. ``benchmarks.run`` refuses what is a problem, ``benchmarks.doctor`` prints all. No packages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OK, MISSING, PROBLEM = "ok", "missing", "problem"  # missing: something that the main command does not need


@dataclass(frozen=True)
class Finding:
    """The state of a flag, a file, a package, ...; the detail of a problem ends in the way out."""

    name: str
    state: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"


def problem(name: str, detail: str) -> Finding:
    return Finding(name, PROBLEM, detail)


def problems(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.state == PROBLEM]


def words(error: Exception) -> str:
    """The kind of an error and the first line of its message."""
    return f"{type(error).__name__}: {error}".strip().split("\n")[0]
