"""Statistics against closed forms, scipy, and experiments whose answer is known."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks import statistics
from benchmarks.statistics import SUMMARY, bootstrap_interval, compare, holm, paired_p_value, summarise


def suite(*methods, higher=True, published=None):
    return {
        "suite": "toy",
        "conditions": [{"name": "", "title": "", "level": None}],
        "methods": [{"name": name, "title": name, "kind": kind} for name, kind in methods],
        "metrics": [{"name": "score", "higher_is_better": higher}],
        "published": published or {},
    }


def results(values, metric="score"):
    """``{method: {(person, image): value}}`` as rows of results.csv with the image."""
    rows = [
        ("toy", method, person, image, 0, metric, value, "done", "", f"{person}/{image}")
        for method, cells in values.items()
        for (person, image), value in cells.items()
    ]
    columns = ["suite", "method", "person", "case", "seed", "metric", "value", "status", "reason", "image"]
    return pd.DataFrame(rows, columns=columns).assign(condition="", item=False)


# Bootstrap


def test_interval_of_one_person_is_the_normal_one():
    # With 400 photos the mean is normal; the two ends then agree with mean ± 1.96 s/sqrt(n) up to the resampling noise.
    values = np.random.default_rng(0).normal(3, 1, 400)
    low, high = bootstrap_interval(values, ["a"] * 400, [str(i) for i in range(400)])
    error = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - error, abs=0.02) and high == pytest.approx(
        values.mean() + error, abs=0.02
    )


def test_interval_agrees_with_scipy_where_there_is_one_stage():
    values = np.random.default_rng(1).exponential(size=30)
    ours = bootstrap_interval(values, ["a"] * 30, [str(i) for i in range(30)])
    scipys = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=2).confidence_interval
    assert ours == pytest.approx(tuple(scipys), abs=0.03)  # noise of a 2.5 % quantile from 5000 resamples


def test_alike_images_of_a_person_do_not_narrow_the_interval():
    # Two people, 0 and 1, each with k equal photos: a resample has mean 0, 1/2 or 1 however large k is.
    for k in (2, 50):
        people = ["a"] * k + ["b"] * k
        assert bootstrap_interval([0.0] * k + [1.0] * k, people, [str(i) for i in range(2 * k)]) == (0.0, 1.0)


def test_images_of_one_photo_stay_together():
    # One person, two photos with three images each: as if there were two values.
    low, high = bootstrap_interval([0.0] * 3 + [1.0] * 3, ["a"] * 6, ["x"] * 3 + ["y"] * 3)
    assert (low, high) == (0.0, 1.0)


def test_the_interval_is_seeded_ignores_nan_and_order_of_nothing_else():
    values, people, photos = [0.1, 0.2, 0.4, 0.8], ["a", "a", "b", "b"], list("wxyz")
    once = bootstrap_interval(values, people, photos)
    assert once == bootstrap_interval(values, people, photos)
    assert once == bootstrap_interval([*values, np.nan], [*people, "c"], [*photos, "v"])


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, np.nan]])
def test_no_interval_from_fewer_than_two_photos(values):
    names = [str(i) for i in range(len(values))]
    assert np.isnan(bootstrap_interval(values, names, names)).all()


# Paired test


@pytest.mark.parametrize("n", [2, 5, 8])
def test_p_value_against_every_sign_pattern(n):
    d = np.random.default_rng(n).normal(0.5, 1, n)
    means = [np.mean(np.array(signs) * d) for signs in itertools.product((-1, 1), repeat=n)]
    one_sided = [np.mean(np.array(means) <= d.mean() + 1e-12), np.mean(np.array(means) >= d.mean() - 1e-12)]
    assert paired_p_value(d) == pytest.approx(min(1, 2 * min(one_sided)))


def test_p_value_is_near_the_t_test_for_many_normal_differences():
    d = np.random.default_rng(3).normal(0.2, 1, 100)
    assert paired_p_value(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.02)  # 9999 random patterns


def test_p_value_at_the_edges():
    assert paired_p_value([0.0, 0.0, 0.0]) == 1  # identical methods are not distinguished
    assert paired_p_value([1.0, 1.0, 1.0, 1.0, 1.0, 1.0]) == pytest.approx(2 / 64)  # the least that six photos can say
    assert np.isnan(paired_p_value([0.5])) and np.isnan(paired_p_value([np.nan, 0.5]))
    assert paired_p_value([0.1, np.nan, 0.4, -0.2]) == paired_p_value([0.1, 0.4, -0.2])


def test_the_test_holds_its_level():
    # Under the null, p <= 5 % in at most 5 % of the experiments; of 400, 5 sigma above 20 is 42.
    rng = np.random.default_rng(4)
    assert sum(paired_p_value(rng.normal(size=9)) <= 0.05 for _ in range(400)) < 42


# Holm


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04, made monotone.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_laws(p):
    adjusted = holm(p)
    bonferroni = np.minimum(np.array(p) * len(p), 1)
    assert (adjusted >= np.array(p)).all() and (adjusted <= bonferroni + 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_holm_leaves_nan_out_of_the_count():
    assert holm([0.01, np.nan, 0.04]) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_many_images_are_drawn_some_at_a_time(monkeypatch):
    values = np.random.default_rng(6).normal(size=200)
    people, photos = ["a", "b"] * 100, [str(i) for i in range(200)]
    whole = bootstrap_interval(values, people, photos)
    monkeypatch.setattr(statistics, "DRAWN_AT_ONCE", 1000)
    assert bootstrap_interval(values, people, photos) == pytest.approx(whole, abs=0.02)  # other draws, 4999 of them
    assert paired_p_value(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.03)


# Summary


def photos(values):
    """Ten photos of two people."""
    return {(f"p{i % 2}", f"{i}"): float(v) for i, v in enumerate(values)}


def test_summary_of_known_numbers():
    rng = np.random.default_rng(5)
    base = rng.normal(size=10)
    table = summarise(
        results({"good": photos(base + 1), "bad": photos(base), "same": photos(base + 1 + rng.normal(0, 0.01, 10))}),
        suite(
            ("paper", "published"),
            ("good", "method"),
            ("bad", "method"),
            ("same", "method"),
            published={"good": {"score": {"mean": 0.5, "std": 0.25}}},
        ),
    ).set_index("method")
    assert tuple(table.reset_index()[list(SUMMARY)].columns) == SUMMARY
    assert list(table.index) == ["good", "bad", "same"]  # table order, and published rows have no numbers of ours
    assert table.loc["good", "mean"] == pytest.approx((base + 1).mean())
    assert table.loc["good", "std"] == pytest.approx((base + 1).std(ddof=1))
    assert (table["n_images"] == 10).all() and (table["n_people"] == 2).all()
    assert table.loc["good", "published"] == "0.50 ± 0.25" and table.loc["bad", "published"] == ""
    best = table["mean"].idxmax()
    assert np.isnan(table.loc[best, "p_value"]) and not table.loc[best, "tied_with_best"]
    assert table.loc["bad", "p_value"] < 0.05 and not table.loc["bad", "tied_with_best"]
    assert (table["ci_low"] < table["mean"]).all() and (table["mean"] < table["ci_high"]).all()


def test_identical_methods_are_tied():
    same = photos(range(10))
    table = summarise(results({"a": same, "b": same}), suite(("a", "method"), ("b", "method"))).set_index("method")
    assert list(table["tied_with_best"]) == [False, True] and table.loc["b", "p_value"] == 1


def test_lower_is_better_and_references_do_not_compete():
    data = results({"a": photos(np.arange(10) + 5), "b": photos(range(10)), "floor": photos(np.arange(10) - 9)})
    table = summarise(data, suite(("a", "method"), ("b", "method"), ("floor", "floor"), higher=False))
    p = table.set_index("method")["p_value"]
    assert p["a"] < 0.05 and np.isnan(p["b"]) and np.isnan(p["floor"])


def test_failed_cells_do_not_count_and_a_method_without_any_number_keeps_its_row():
    data = results({"a": photos(range(10)), "b": photos(range(10))})
    data.loc[data["method"] == "b", ["value", "status"]] = [np.nan, "failed"]
    data.loc[0, ["value", "status"]] = [np.nan, "failed"]
    table = summarise(data, suite(("a", "method"), ("b", "method"))).set_index("method")
    assert table.loc["a", "n_images"] == 9 and table.loc["a", "mean"] == pytest.approx(5)
    assert table.loc["b", "n_images"] == 0 and np.isnan(table.loc["b", "mean"])


def test_methods_are_compared_on_the_photos_that_both_have():
    a, b = photos(range(10)), photos(np.arange(10) + 0.1)
    whole = compare(results({"a": a, "b": b}), ["a", "b"], higher_is_better=True)
    part = compare(results({"a": a, "b": dict(list(b.items())[2:])}), ["a", "b"], higher_is_better=True)
    assert whole["a"] == pytest.approx(2 / 2**10) and part["a"] == pytest.approx(2 / 2**8)


def test_cases_of_one_photo_are_one_piece_of_evidence():
    # Five photos under four masks each: 2/32 and not 2/2^20.
    data = results({"a": {}, "b": {}})
    rows = [
        ("toy", m, "p", f"{i}-{j}", 0, "score", v, "done", "", f"p/{i}")
        for m, v in (("a", 0.0), ("b", 1.0))
        for i in range(5)
        for j in range(4)
    ]
    data = pd.DataFrame(rows, columns=data.columns.drop(["condition", "item"])).assign(condition="", item=False)
    assert compare(data, ["a", "b"], higher_is_better=True)["a"] == pytest.approx(2 / 2**5)


def test_conditions_are_summed_up_by_themselves():
    here = results({"a": photos(range(10)), "b": photos(np.arange(10) + 1)}).assign(condition="x4")
    there = results({"a": photos(np.arange(10) + 5), "b": photos(range(10))}).assign(condition="x8")
    both = suite(("a", "method"), ("b", "method"), published={"a": {"score": {"mean": 0.5, "std": 0.1}}})
    both |= {"conditions": [{"name": "x4"}, {"name": "x8"}, {"name": "x16"}], "published_condition": "x8"}
    table = summarise(pd.concat([here, there]), both).set_index(["condition", "method"])
    assert list(table.index) == [("x4", "a"), ("x4", "b"), ("x8", "a"), ("x8", "b")]
    assert table["mean"].tolist() == [4.5, 5.5, 9.5, 4.5]
    assert np.isnan(table.loc[("x4", "b"), "p_value"]) and table.loc[("x4", "a"), "p_value"] < 0.05
    assert table.loc[("x8", "a"), "published"] == "0.50 ± 0.10" and table.loc[("x4", "a"), "published"] == ""


def test_where_neither_is_better_nothing_is_compared():
    same = results({"a": photos(range(10)), "b": photos(np.arange(10) + 1)})
    table = summarise(same, suite(("a", "method"), ("b", "method"), higher=None))
    assert table["p_value"].isna().all() and not table["tied_with_best"].any()


def test_people_weigh_alike_where_items_are_counted():
    """Clusters: one person has two of 0, another six of 1. The papers average over people."""
    cells = {("p0", f"{i}"): 0.1 * (i % 2) for i in range(2)} | {("p1", f"{i}"): 1.0 + 0.1 * (i % 2) for i in range(6)}
    rival = {key: value + 0.5 for key, value in cells.items() if key != ("p0", "0")}  # a cluster that it does not have
    data = results({"a": cells, "b": rival}).assign(item=True)
    table = summarise(data, suite(("a", "method"), ("b", "method"))).set_index("method")
    assert table.loc["a", "mean"] == pytest.approx((0.05 + 1.05) / 2)
    assert table.loc["a", "std"] == pytest.approx((np.std([0, 0.1], ddof=1) + np.std([0, 0.1] * 3, ddof=1)) / 2)
    assert table.loc["a", "ci_low"] < 0.15 and table.loc["a", "ci_high"] > 0.95, "people are drawn first"
    assert table.loc["a", "p_value"] == pytest.approx(0.5), "two people, whatever the number of clusters"


def test_one_number_per_person_has_a_deviation_over_people():
    data = results({"a": {("p0", "all"): 1.0, ("p1", "all"): 3.0}}).assign(item=True)
    (row,) = summarise(data, suite(("a", "method"))).to_dict("records")
    assert (row["mean"], row["std"], row["n_images"]) == (2.0, pytest.approx(2**0.5), 2)


def test_samples_of_a_person_are_one_piece_of_evidence():
    rng = np.random.default_rng(7)
    rows = [
        ("toy", m, p, f"sample-{i}", 0, "score", shift + rng.normal(), "done", "", f"{p}/samples")
        for m, shift in (("a", 0.0), ("b", 1.0))
        for p in ("p0", "p1", "p2")
        for i in range(200)
    ]
    columns = ["suite", "method", "person", "case", "seed", "metric", "value", "status", "reason", "image"]
    data = pd.DataFrame(rows, columns=columns).assign(condition="", item=False)
    table = summarise(data, suite(("a", "method"), ("b", "method"))).set_index("method")
    assert table.loc["a", "p_value"] == pytest.approx(2 / 8) and table.loc["a", "n_images"] == 600
