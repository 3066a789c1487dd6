"""Edits compared where all methods reach alike.

A method that hardly edits keeps the person best. So identity and leakage are compared on those cases alone in which
every method came to the wanted value of the attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ERROR = "edit_error"  # the metric by which reach is told
TOLERANCE = (
    0.15  # standard deviations of the population: 1.8 to 2.5 degrees of yaw, about what the judge reads reliably
)
CASE = ["condition", "person", "case", "seed"]


def at_matched_reach(results: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """The rows of ``results`` (``read_results``) of cases that each of ``methods`` brought to within ``TOLERANCE``.

    Those are the methods that have values under the condition; a case that one lacks or failed is no match. What is
    counted by other items than cases is left out. Empty where nothing was edited.
    """
    errors = results[results["method"].isin(methods) & (results["metric"] == ERROR) & ~results["item"]]
    errors = errors[errors["status"] != "inapplicable"]
    wide = errors.pivot(index=CASE, columns="method", values="value")
    took_part = wide.notna().groupby(level="condition").transform("any")
    reached = ((wide <= TOLERANCE) | ~took_part).all(axis=1)
    matched = reached.index[reached]
    return results[results.set_index(CASE).index.isin(matched) & ~results["item"]]
