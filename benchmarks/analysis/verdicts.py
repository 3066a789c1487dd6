"""Verdicts on claims by one written rule, from published values (``docs/statistics.md``, "Verdicts").

A claim is a contrast of a table's cells, or a rank correlation of two. It becomes one number for each person, from
images that all cells have; people weigh alike. The claim is *supported* if the 95 % interval of their mean lies inside
the region that it names and the paired test says so after correction, *contradicted* if both say that it lies outside,
and otherwise *underpowered*, as is everything that is known of fewer than six people. Where there are no values, it is
*not testable here*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.analysis.claims import CORRELATIONS, TRENDS, Cells, Claim
from benchmarks.analysis.statistics import (
    ENOUGH_PEOPLE,
    SIGNIFICANCE,
    Floats,
    jackknife_interval,
    paired_p_values,
    rank_correlation,
)

if TYPE_CHECKING:
    import pandas as pd

SUPPORTED, CONTRADICTED, UNDERPOWERED = "supported", "contradicted", "underpowered"
NOT_TESTABLE = "not testable here"
WORDS = (SUPPORTED, CONTRADICTED, UNDERPOWERED, NOT_TESTABLE)
NAN = float("nan")
LEAST_IMAGES = 5  # of a person whose images are ranked


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim and its numbers; NaN where there are none."""

    claim: Claim
    word: str  # of WORDS
    means: tuple[float, ...] = ()  # of the cells
    difference: float = NAN
    interval: tuple[float, float] = (NAN, NAN)  # 95 %, for other people, not corrected
    p_value: float = NAN  # corrected for the claim's family; NaN for fewer than six people
    people: int = 0
    reason: str = ""  # why it is not testable


def verdicts(claims: Sequence[Claim], results: Mapping[str, pd.DataFrame]) -> tuple[Verdict, ...]:
    """The verdict on each claim, in their order.

    ``results`` has the values of each suite, with the columns that ``records.read_results`` gives. All primary claims
    are one family of tests, the others of a suite another one.
    """
    tables = {i: by_person(claim, results[claim.suite]) for i, claim in enumerate(claims) if claim.suite in results}
    families: dict[str, dict[int, pd.DataFrame]] = {}
    for i, table in tables.items():
        if len(table) >= ENOUGH_PEOPLE:
            families.setdefault("" if claims[i].primary else claims[i].suite, {})[i] = table
    p_values: dict[int, dict[float, float]] = {}
    for family in families.values():
        p_values |= _tests(claims, family)
    return tuple(
        _decided(claim, tables[i], p_values.get(i, {}))
        if len(tables.get(i, ()))
        else Verdict(claim, NOT_TESTABLE, reason=_reason(claim, results.get(claim.suite)))
        for i, claim in enumerate(claims)
    )


def by_person(claim: Claim, results: pd.DataFrame) -> pd.DataFrame:
    """A row per person: a column per cell (0, 1, ...) and ``difference``, means over images that all cells have.

    Images belong together if case and condition are the same, or, where the cells differ in their conditions, if photo
    and seed are. Where something else than images is counted, or no image is in all cells (samples beside photos), the
    cells' means of a person are compared. People who lack a cell are left out, and of correlations those with fewer
    than ``LEAST_IMAGES``.
    """
    import pandas as pd

    done = results[results["status"] == "done"]
    tables = [_of(cells, done) for cells in claim.cells]
    same = len({cells.conditions for cells in claim.cells}) == 1
    key = ["person", "image", "seed", *(("condition", "case") if same else ())]
    if any(table["item"].any() for table in tables):
        key = ["person", "seed", *(("condition",) if same else ())]
    wide = _joined(tables, key)
    if claim.relation in CORRELATIONS:
        return _correlations(wide) if "image" in key else wide.iloc[:0].assign(difference=NAN)
    if not len(wide):
        wide = _joined(tables, ["person"])
    people = wide.groupby(level="person").mean()
    constant = claim.number if len(claim.cells) == 1 else 0.0
    return pd.concat([people, (people @ _weights(claim) - constant).rename("difference")], axis=1)


def _of(cells: Cells, done: pd.DataFrame) -> pd.DataFrame:
    here = (done["method"] == cells.row) & (done["metric"] == cells.metric) & done["condition"].isin(cells.conditions)
    return done[here]


def _joined(tables: Sequence[pd.DataFrame], key: list[str]) -> pd.DataFrame:
    """A row for what all tables have, a column for each, with its mean."""
    import pandas as pd

    means = [table.groupby(key)["value"].mean().rename(i) for i, table in enumerate(tables)]
    return pd.concat(means, axis=1, join="inner")


def _correlations(wide: pd.DataFrame) -> pd.DataFrame:
    """As ``by_person``; the difference is Spearman's rank correlation over a person's images, means over seeds."""
    import pandas as pd

    images = wide.groupby(level=["person", "image"]).mean()
    found = {
        str(person): rank_correlation(mine[0], mine[1])
        for person, mine in images.groupby(level="person")
        if len(mine) >= LEAST_IMAGES
    }
    return wide.groupby(level="person").mean().assign(difference=pd.Series(found, dtype=float)).dropna()


def _weights(claim: Claim) -> Floats:
    """The contrast: A - B, A, or the change from the first level to the last along the line of least squares."""
    count = len(claim.cells)
    if claim.relation not in TRENDS:
        return np.array([1.0, -1.0][:count])
    ranks = np.arange(count) - (count - 1) / 2
    weights: Floats = ranks / (ranks**2).sum() * (count - 1)
    return weights


def _tests(claims: Sequence[Claim], family: Mapping[int, pd.DataFrame]) -> dict[int, dict[float, float]]:
    """For each claim the corrected p value of "the differences are symmetric about this end of its region"."""
    import pandas as pd

    ends = {
        (i, end): table["difference"] - end
        for i, table in family.items()
        for end in claims[i].region
        if not math.isinf(end)
    }
    differences = pd.concat(ends, axis=1)
    found: dict[int, dict[float, float]] = {}
    for (i, end), p in zip(differences.columns, paired_p_values(differences).tolist(), strict=True):
        found.setdefault(i, {})[end] = p
    return found


def _decided(claim: Claim, table: pd.DataFrame, p_values: Mapping[float, float]) -> Verdict:
    """The rule. ``p_values`` has that of each end of the claim's region; it is empty for too few people."""
    people = list(table.index)
    low, high = jackknife_interval(table["difference"], people, people)
    least, largest = claim.region
    word, p = UNDERPOWERED, float("nan")
    if p_values:
        beyond = [p for end, p in p_values.items() if (high <= end if end == least else low >= end)]
        p = min(beyond) if beyond else max(p_values.values())
        if p < SIGNIFICANCE and (beyond or (least < low and high < largest)):
            word = CONTRADICTED if beyond else SUPPORTED
    means = tuple(table[i].mean() for i in range(len(claim.cells)))
    return Verdict(claim, word, means, table["difference"].mean(), (low, high), p, len(table))


def _reason(claim: Claim, results: Any) -> str:
    """Why a claim has no values."""
    if results is None:
        return "the suite was not run"
    for cells in claim.cells:
        rows = results[(results["method"] == cells.row) & (results["metric"] == cells.metric)]
        rows = rows[rows["condition"].isin(cells.conditions)]
        if not len(rows):
            return "no such row, metric or condition in this run"
        if not rows["status"].eq("done").any():
            return str(rows["reason"].iloc[0])
    return "nobody has all that is compared"
