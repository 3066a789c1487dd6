"""Statistics against closed forms, scipy, and experiments whose answer is known."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.analysis import statistics
from benchmarks.analysis.statistics import (
    SUMMARY,
    compare,
    jackknife_interval,
    paired_p_values,
    paired_test,
    summarise,
)
from benchmarks.api.published import Published
from benchmarks.engine.records import ConditionRecord, MetricRecord, RowRecord, SuiteRecord


def suite(*methods, higher=True, published=(), **more):
    metric = MetricRecord(name="score", higher_is_better=higher, range=more.pop("range", (None, None)))
    rows = tuple(RowRecord(name=name, title=name, kind=kind) for name, kind in methods)
    conditions = more.pop("conditions", (ConditionRecord(name=""),))
    return SuiteRecord(
        name="toy", conditions=conditions, methods=rows, metrics=(metric,), published=published, jobs=(), **more
    )


def results(values, metric="score"):
    """``{method: {(person, image): value}}`` as rows of results.csv with the image."""
    rows = [
        ("toy", method, person, image, 0, metric, value, "done", "", f"{person}/{image}")
        for method, cells in values.items()
        for (person, image), value in cells.items()
    ]
    columns = ["suite", "method", "person", "case", "seed", "metric", "value", "status", "reason", "image"]
    return pd.DataFrame(rows, columns=columns).assign(condition="", item=False)


# Interval


def t_interval(means, level=0.95):
    return stats.t.interval(level, len(means) - 1, np.mean(means), stats.sem(means))


def test_people_with_equally_many_images_give_the_t_interval_of_their_means():
    values = np.random.default_rng(0).normal(size=(5, 12)) + np.arange(5)[:, None]
    people, photos = np.repeat(list("abcde"), 12), [str(i) for i in range(60)]
    ours = jackknife_interval(values.ravel(), people, photos)
    assert ours == pytest.approx(t_interval(values.mean(axis=1)))
    wider = jackknife_interval(values.ravel(), people, photos, level=0.99)
    assert wider == pytest.approx(t_interval(values.mean(axis=1), 0.99))


def test_the_photos_of_a_lone_person_take_the_place_of_people():
    values = np.random.default_rng(1).exponential(size=30)
    ours = jackknife_interval(values, ["a"] * 30, [str(i) for i in range(30)])
    assert ours == pytest.approx(t_interval(values))


def test_alike_images_of_a_person_do_not_narrow_the_interval():
    # Two people, 0 and 1: 1/2 ± t with 1 degree times 1/2, however many equal photos they have.
    half = stats.t.ppf(0.975, 1) / 2
    for k in (2, 50):
        people = ["a"] * k + ["b"] * k
        interval = jackknife_interval([0.0] * k + [1.0] * k, people, [str(i) for i in range(2 * k)])
        assert interval == pytest.approx((0.5 - half, 0.5 + half))


def test_images_of_one_photo_stay_together():
    # One person, two photos with three images each: as if there were two values.
    three = jackknife_interval([0.0] * 3 + [1.0] * 3, ["a"] * 6, ["x"] * 3 + ["y"] * 3)
    assert three == pytest.approx(jackknife_interval([0.0, 1.0], ["a"] * 2, ["x", "y"]))


@pytest.mark.parametrize("per", [False, True])
def test_the_error_is_that_of_a_bootstrap_over_people(per):
    """60 people of 5 to 25 photos drawn with replacement, their photos staying together; also for a ratio."""
    rng = np.random.default_rng(2)
    people = np.repeat(np.arange(60), rng.integers(5, 26, 60))
    weight = rng.uniform(1, 3, len(people)) if per else np.ones(len(people))
    values = weight * (2 + rng.normal(size=60)[people] + rng.normal(size=len(people)))
    low, high = jackknife_interval(values, people, np.arange(len(people)), per=weight)
    sums, sizes = np.bincount(people, values), np.bincount(people, weight)
    drawn = rng.integers(60, size=(20_000, 60))
    error = (sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)).std() * np.sqrt(60 / 59)
    assert (low + high) / 2 == pytest.approx(values.sum() / weight.sum())
    freedom = sizes.sum() ** 2 / (sizes**2).sum() - 1
    # 0.5 % is the noise of 20,000 draws; the two estimators differ by terms of the order 1/60
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, freedom) * error, rel=0.04)


def test_unequal_people_by_hand():
    # Sums 2 and 12 of 1 and 3 images: r = 14/4, without one 12/3 = 4 and 2/1 = 2; SE² = 1/2 (0.5² + 1.5²) = 1.25.
    # (1 + 3)² / (1 + 9) - 1 = 0.6 degrees are raised to 1.
    low, high = jackknife_interval([2.0, 3.0, 4.0, 5.0], list("abbb"), list("wxyz"))
    assert (low + high) / 2 == pytest.approx(3.5)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 1) * np.sqrt(1.25))


def test_nan_is_left_out_and_the_order_does_not_matter():
    values, people, photos = [0.1, 0.2, 0.4, 0.8], ["a", "a", "b", "b"], list("wxyz")
    once = jackknife_interval(values, people, photos)
    assert once == jackknife_interval([*values, np.nan], [*people, "c"], [*photos, "v"])
    assert once == pytest.approx(jackknife_interval(values[::-1], people[::-1], photos[::-1]))


def test_the_interval_ends_where_values_do():
    values, people, photos = [0.1, 0.9], ["a", "b"], ["x", "y"]
    assert jackknife_interval(values, people, photos, within=(0, 1)) == (0, 1)
    low, high = jackknife_interval(values, people, photos, within=(0, None))
    assert low == 0 and high > 1


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, np.nan]])
def test_no_interval_from_fewer_than_two_photos(values):
    names = [str(i) for i in range(len(values))]
    assert np.isnan(jackknife_interval(values, names, names)).all()


def test_no_interval_of_a_ratio_that_hangs_on_one_person():
    assert np.isnan(jackknife_interval([1.0, 0.0], ["a", "b"], ["x", "y"], per=[2.0, 0.0])).all()
    assert np.isnan(jackknife_interval([0.0, 0.0], ["a", "b"], ["x", "y"], per=[0.0, 0.0])).all()


# Paired test


def p_value(differences):
    """Of a test that is alone: there is nothing to correct."""
    (p,) = paired_p_values(np.asarray(differences, dtype=float)[:, None])
    return p


def step_down(d):
    """Westfall and Young's correction by the book: all patterns, and a loop over the tests from the largest down."""
    t = np.array([np.array(signs) @ d for signs in itertools.product((-1, 1), repeat=len(d))])
    t, found = (np.abs(x) / np.sqrt((d**2).sum(axis=0)) for x in (t, d.sum(axis=0)))
    adjusted, left, last = np.empty(d.shape[1]), list(range(d.shape[1])), 0.0
    while left:
        top = max(left, key=lambda test: found[test])
        last = adjusted[top] = max(last, np.mean(t[:, left].max(axis=1) >= found[top] - 1e-9))
        left.remove(top)
    return adjusted


def holm(p):
    """The i-th smallest of m p values times m - i, monotone."""
    p, order = np.asarray(p), np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.arange(len(p), 0, -1) * p[order]), 1)
    return adjusted


@pytest.mark.parametrize("n", [2, 5, 8])
def test_p_value_against_every_sign_pattern(n):
    d = np.random.default_rng(n).normal(0.5, 1, n)
    means = np.abs([np.mean(np.array(signs) * d) for signs in itertools.product((-1, 1), repeat=n)])
    assert p_value(d) == pytest.approx(np.mean(means >= abs(d.mean()) - 1e-12))


@pytest.mark.parametrize("n", [2, 7, 13])
def test_exact_p_values_are_scipys(n):
    d = np.random.default_rng(n).normal(0.3, 1, (n, 4))
    d[:, 3] = np.round(d[:, 3])  # ties between patterns
    for test in range(4):
        scipys = stats.permutation_test((d[:, test],), np.mean, permutation_type="samples", n_resamples=9999)
        assert p_value(d[:, test]) == pytest.approx(scipys.pvalue)


def test_p_value_is_near_the_t_test_for_many_normal_differences():
    d = np.random.default_rng(3).normal(0.2, 1, 100)
    assert p_value(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.02)  # 9999 random patterns


@pytest.mark.parametrize("seed", range(4))
def test_the_correction_by_the_book(seed):
    rng = np.random.default_rng(seed)
    d = rng.normal(rng.uniform(0, 1.5, 6), rng.uniform(0.1, 10, 6), (9, 6))
    d[:, 4] = d[:, 3] + 1e-3 * d[:, 4]  # two tests that are nearly the same
    d[:, 5] = d[:, 0]  # and two that are
    assert paired_p_values(d) == pytest.approx(step_down(d))


def test_the_correction_of_independent_tests_is_holms_to_the_second_order():
    """Five tests with nothing in common: 1 - (1 - p)^m in the place of m p, and the steps are the same."""
    d = np.random.default_rng(4).normal([0.0, 0.15, 0.2, 0.25, 0.3], 1, (150, 5))
    single = np.array([p_value(column) for column in d.T])
    # 0.02 for the random patterns, whose p values have the noise 0.005 at most, and for what they correlate by chance
    exact = np.maximum.accumulate(1 - (1 - np.sort(single)) ** np.arange(5, 0, -1))
    assert np.sort(paired_p_values(d)) == pytest.approx(exact, abs=0.02)
    assert (paired_p_values(d) >= single - 0.02).all() and (paired_p_values(d) <= holm(single) + 0.02).all()


def test_many_units_are_drawn_some_at_a_time(monkeypatch):
    d = np.random.default_rng(6).normal(0.1, 1, (200, 2))
    whole = paired_p_values(d)
    monkeypatch.setattr(statistics, "SIGNS_AT_ONCE", 1000)
    # Other patterns, 9999 of them: a p value has the noise 0.5 / 100 at most, and two differ by less than 4 √2 of it.
    assert paired_p_values(d) == pytest.approx(whole, abs=0.03)


def test_p_value_at_the_edges():
    assert p_value([0.0, 0.0, 0.0]) == 1  # identical methods are not distinguished
    assert p_value([0.1] * 6) == pytest.approx(2 / 64)  # the least that six can say, though sums of 0.1 are not exact
    assert np.isnan(p_value([0.5])) and np.isnan(p_value([np.nan, 0.5]))
    assert p_value([0.1, np.nan, 0.4, -0.2]) == p_value([0.1, 0.4, -0.2])
    assert 0 < p_value([1.0] * 100) < 0.001, "random patterns never say impossible"


def test_missing_units_are_missing_from_their_own_test_alone():
    d = np.random.default_rng(8).normal(0.5, 1, (10, 3))
    d[4:, 1] = np.nan
    assert paired_p_values(d) == pytest.approx(step_down(np.nan_to_num(d)))
    assert paired_p_values(d[:, 1:2]) == pytest.approx(p_value(d[:4, 1]))
    d[1:, 1] = np.nan  # fewer than two: no test, and nothing to correct for
    assert paired_p_values(d) == pytest.approx(np.insert(step_down(d[:, [0, 2]]), 1, np.nan), nan_ok=True)
    assert paired_p_values(np.empty((0, 2))) == pytest.approx([np.nan] * 2, nan_ok=True)


@pytest.mark.parametrize("tests", [1, 28])
@pytest.mark.parametrize(
    ("people", "photos", "unit"), [(5, 2, "photos"), (6, 2, "people"), (13, 2, "people"), (3, 1, "people")]
)
def test_people_are_flipped_where_there_are_enough(people, photos, tests, unit):
    """With a difference on every image, p is the least possible: 2 / 2^units however many tests there are."""
    index = pd.MultiIndex.from_product([range(people), range(photos)], names=["person", "image"])
    p_values, found = paired_test(pd.DataFrame(1.0, index=index, columns=range(tests)))
    assert found == unit
    assert p_values == pytest.approx([2 / 2 ** (people if unit == "people" else people * photos)] * tests)


def test_the_statistic_is_the_mean_over_images():
    """Six people; the one with nine images has the say that it has in the mean."""
    people = [0, 1, 2, 3, 4, *[5] * 9]
    index = pd.MultiIndex.from_arrays([people, range(14)], names=["person", "image"])
    values = np.array([-1.0] * 5 + [0.3] * 9)
    (p,), unit = paired_test(pd.DataFrame({"a": values}, index=index))
    assert unit == "people" and p == pytest.approx(p_value([-1] * 5 + [2.7]))


def test_the_test_pays_for_the_choice_of_the_best():
    """Three methods: p values corrected for three pairs, of which two are told."""
    rng = np.random.default_rng(9)
    values = {name: rng.normal(shift, 1, 12) for name, shift in (("a", 0.0), ("b", 0.5), ("c", 1.5))}
    data = results({name: {(f"p{i}", "x"): v for i, v in enumerate(mine)} for name, mine in values.items()})
    for higher, best in ((True, "c"), (False, "a")):
        p_values, unit = compare(data, list("abc"), higher_is_better=higher)
        pairs = list(itertools.combinations("abc", 2))
        told = dict(zip(pairs, step_down(np.stack([values[a] - values[b] for a, b in pairs], axis=1)), strict=True))
        expected = {(set(pair) - {best}).pop(): p for pair, p in told.items() if best in pair}
        assert unit == "people" and p_values == pytest.approx(expected)


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
            published=(Published("a paper", {"good": {"score": (0.5, 0.25)}}),),
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


def test_the_unit_of_the_test_is_told_of_those_that_were_compared():
    names = [(f"p{i % 6}", f"{i}") for i in range(12)]
    cells = {m: dict(zip(names, np.arange(12.0) + i, strict=True)) for i, m in enumerate(("a", "b", "floor"))}
    kinds = suite(("a", "method"), ("b", "method"), ("floor", "floor"), ("never", "method"))
    table = summarise(results(cells), kinds).set_index("method")
    assert table["unit"].to_dict() == {"a": "people", "b": "people", "floor": ""}
    assert table.loc["a", "p_value"] == pytest.approx(2 / 2**6)
    alone = summarise(results({"a": cells["a"]}), suite(("a", "method")))
    assert alone["unit"].tolist() == [""]


def test_intervals_end_where_the_metric_does_and_those_of_correlations_at_one():
    cells = {(f"p{i}", "0"): v for i, v in enumerate((0.1, 0.9))}
    toy = suite(("a", "method"), range=(0.0, None))
    (row,) = summarise(results({"a": cells}), toy).to_dict("records")
    assert row["ci_low"] == 0 and row["ci_high"] > 1
    sweeps = pd.concat([results({"a": cells}).assign(dose=d, value=v) for d, v in ((0.0, 0.1), (1.0, 5.0))])
    sweeps.loc[sweeps["person"] == "p1", "value"] *= [1, -1]
    (row,) = summarise(sweeps, replace(toy, dose="some", statistic="rank_correlation")).to_dict("records")
    assert (row["mean"], row["ci_low"], row["ci_high"]) == (0, -1, 1)


def test_methods_are_compared_on_the_photos_that_both_have():
    a, b = photos(range(10)), photos(np.arange(10) + 0.1)
    whole, _ = compare(results({"a": a, "b": b}), ["a", "b"], higher_is_better=True)
    part, _ = compare(results({"a": a, "b": dict(list(b.items())[2:])}), ["a", "b"], higher_is_better=True)
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
    assert compare(data, ["a", "b"], higher_is_better=True) == ({"a": pytest.approx(2 / 2**5)}, "photos")


def test_conditions_are_summed_up_by_themselves():
    here = results({"a": photos(range(10)), "b": photos(np.arange(10) + 1)}).assign(condition="x4")
    there = results({"a": photos(np.arange(10) + 5), "b": photos(range(10))}).assign(condition="x8")
    published = (Published("a paper", {"a": {"score": (0.5, 0.1)}}, "x8"), Published("b", {"a": {"score": 0.4}}, "x8"))
    conditions = tuple(ConditionRecord(name=name) for name in ("x4", "x8", "x16"))
    both = suite(("a", "method"), ("b", "method"), published=published, conditions=conditions)
    table = summarise(pd.concat([here, there]), both).set_index(["condition", "method"])
    assert list(table.index) == [("x4", "a"), ("x4", "b"), ("x8", "a"), ("x8", "b")]
    assert table["mean"].tolist() == [4.5, 5.5, 9.5, 4.5]
    assert np.isnan(table.loc[("x4", "b"), "p_value"]) and table.loc[("x4", "a"), "p_value"] < 0.05
    assert table.loc[("x8", "a"), "published"] == "0.50 ± 0.10; 0.40" and table.loc[("x4", "a"), "published"] == ""


def test_where_neither_is_better_nothing_is_compared():
    same = results({"a": photos(range(10)), "b": photos(np.arange(10) + 1)})
    table = summarise(same, suite(("a", "method"), ("b", "method"), higher=None))
    assert table["p_value"].isna().all() and not table["tied_with_best"].any()


def with_norm(norm, *methods):
    plain = suite(*methods, higher=None)
    return replace(plain, metrics=(replace(plain.metrics[0], norm=norm),))


def test_means_are_tested_against_the_norm_over_people():
    """Six people above it are the first that say something, however many images each has."""
    rng = np.random.default_rng(0)
    values = {
        "copies": {(f"p{p}", f"{i}"): 0.8 + 0.1 * rng.random() for p in range(6) for i in range(p + 1)},
        "photos": {(f"p{p}", f"{i}"): 0.5 for p in range(6) for i in range(3)},
    }
    rows = summarise(results(values), with_norm(0.5, ("copies", "method"), ("photos", "ceiling"))).set_index("method")
    assert rows["p_value"].to_dict() == {"copies": 2 / 2**6, "photos": 1.0}
    assert set(rows["unit"]) == {"people"} and not rows["tied_with_best"].any()
    far = summarise(results(values), with_norm(0.85, ("copies", "method"))).set_index("method")
    assert far.loc["copies", "p_value"] > 0.1
    assert summarise(results(values), suite(("copies", "method"), higher=None))["p_value"].isna().all()


def test_one_number_of_a_person_is_no_evidence_against_the_norm():
    cells = results({"copies": {("p0", "all"): 1.0}}).assign(item=True)
    assert np.isnan(summarise(cells, with_norm(0.5, ("copies", "method")))["p_value"].item())


def test_people_weigh_alike_where_items_are_counted():
    """Clusters: one person has two of 0, another six of 1. The papers average over people."""
    cells = {("p0", f"{i}"): 0.1 * (i % 2) for i in range(2)} | {("p1", f"{i}"): 1.0 + 0.1 * (i % 2) for i in range(6)}
    rival = {key: value + 0.5 for key, value in cells.items() if key != ("p0", "0")}  # a cluster that it does not have
    data = results({"a": cells, "b": rival}).assign(item=True)
    table = summarise(data, suite(("a", "method"), ("b", "method"))).set_index("method")
    assert table.loc["a", "mean"] == pytest.approx((0.05 + 1.05) / 2)
    assert table.loc["a", "std"] == pytest.approx((np.std([0, 0.1], ddof=1) + np.std([0, 0.1] * 3, ddof=1)) / 2)
    low, high = t_interval([0.05, 1.05])
    assert table.loc["a", "ci_low"] == pytest.approx(low) and table.loc["a", "ci_high"] == pytest.approx(high)
    assert table.loc["a", "p_value"] == pytest.approx(0.5), "two people, whatever the number of clusters"
    assert (table["unit"] == "people").all()


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
    assert table.loc["a", "unit"] == "people"
