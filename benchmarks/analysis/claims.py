"""What a claim is: two or more cells of a suite's table, and what a paper says of them. Declared before the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Relation = Literal["greater", "less", "equal", "rises", "falls", "correlated", "anticorrelated"]
TRENDS, CORRELATIONS = ("rises", "falls"), ("correlated", "anticorrelated")
Paper = Literal["MyStyle", "PTI", "II2S", "MAGEC", "ELS"]  # the last is the expanded latent space


@dataclass(frozen=True)
class Cells:
    """The values of a row's metric under some conditions, all of which count alike."""

    row: str  # of the suite: a method, a variant or a reference
    metric: str
    conditions: tuple[str, ...] = ("",)


def pair(row: str, other: str, metric: str, conditions: tuple[str, ...] = ("",)) -> tuple[Cells, Cells]:
    """One metric of two rows under the same conditions."""
    return Cells(row, metric, conditions), Cells(other, metric, conditions)


@dataclass(frozen=True)
class Claim:
    """A statement of a paper about numbers of a suite.

    With two cells, A and B, it is about the difference A - B; with A alone, about A - ``number``. "rises" and "falls"
    have a cell per level, in order, and are about the change from the first level to the last along the line of least
    squares through the levels' ranks. "correlated" and "anticorrelated" are about Spearman's rank correlation of A
    and B over a person's images.

    ``margin`` is in the metric's unit, and positive for "equal", which means less than it apart. The others mean a
    difference of more than ``margin`` in their direction; where it is negative, the difference may go the other way by
    less than it ("no worse than").
    """

    section: str  # number and title, e.g. "5.1 Image synthesis"
    source: str  # where the paper shows it, e.g. "Table 1"
    suite: str
    statement: str
    cells: tuple[Cells, ...]
    relation: Relation
    margin: float = 0.0
    number: float = 0.0  # what a lone cell is compared with
    primary: bool = False  # of the family that is corrected across all suites
    paper: Paper = "MyStyle"

    def __post_init__(self) -> None:
        trend, correlation = self.relation in TRENDS, self.relation in CORRELATIONS
        if (len(self.cells) > 2 and not trend) or len(self.cells) < (2 if trend or correlation else 1):
            raise ValueError(f"{self.statement}: {len(self.cells)} cells cannot be {self.relation}")
        if self.relation == "equal" and not self.margin > 0:
            raise ValueError(f"{self.statement}: equality needs a positive margin")

    @property
    def region(self) -> tuple[float, float]:
        """The open interval of differences of which the claim is true."""
        if self.relation == "equal":
            return -self.margin, self.margin
        if self.relation in ("greater", "rises", "correlated"):
            return self.margin, float("inf")
        return float("-inf"), -self.margin


@dataclass(frozen=True)
class Untestable:
    """A statement of a paper that no records of ours can decide, and why."""

    section: str
    source: str
    statement: str
    reason: str
    paper: Paper = "MyStyle"
