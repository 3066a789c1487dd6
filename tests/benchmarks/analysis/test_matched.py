"""Edits at matched reach: which cases are compared, and what becomes of the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.analysis.matched import TOLERANCE, at_matched_reach

COLUMNS = ("condition", "method", "person", "case", "seed", "metric", "value", "status", "item")


def results(errors, identity=0.5):
    """Rows of both metrics from ``{method: {case: edit error}}``; NaN is a failure."""
    rows = []
    for method, cells in errors.items():
        for case, error in cells.items():
            status = "failed" if np.isnan(error) else "done"
            shared = ("yaw", method, "p01", case, 0)
            rows += [(*shared, "edit_error", error, status, False), (*shared, "identity", identity, status, False)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def cases(found):
    return {(row.method, row.case) for row in found.itertuples()}


def test_only_cases_count_that_every_method_reached():
    near, far = TOLERANCE - 0.01, TOLERANCE + 0.01
    table = results({"a": {"0": near, "1": near, "2": 0.0}, "b": {"0": near, "1": far, "2": 0.0}})
    assert cases(at_matched_reach(table, ["a", "b"])) == {("a", "0"), ("b", "0"), ("a", "2"), ("b", "2")}
    assert cases(at_matched_reach(table, ["a"])) == {(m, c) for m in "ab" for c in "012"}, "b does not compete"


def test_references_are_seen_on_the_same_cases_and_decide_nothing():
    table = results({"a": {"0": 0.0, "1": 9.0}, "b": {"0": 0.0, "1": 0.0}, "unedited": {"0": 9.0, "1": 0.0}})
    assert cases(at_matched_reach(table, ["a", "b"])) == {(m, "0") for m in ("a", "b", "unedited")}


@pytest.mark.parametrize("lost", [{"0": float("nan"), "1": 0.0}, {"1": 0.0}])
def test_a_case_that_failed_or_is_not_there_is_no_match(lost):
    table = results({"a": {"0": 0.0, "1": 0.0}, "b": lost})
    assert cases(at_matched_reach(table, ["a", "b"])) == {("a", "1"), ("b", "1")}


def test_what_is_counted_by_photo_is_left_out():
    reach = pd.DataFrame([("yaw", "a", "p01", "edits of 0", 0, "edit_reach", 1.0, "done", True)], columns=list(COLUMNS))
    found = at_matched_reach(pd.concat([results({"a": {"0": 0.0}}), reach]), ["a"])
    assert set(found["metric"]) == {"edit_error", "identity"}


def test_where_nothing_was_edited_there_is_nothing():
    table = results({"a": {"0": 0.0}})
    assert at_matched_reach(table[table["metric"] == "identity"], ["a"]).empty
