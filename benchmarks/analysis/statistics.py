"""From values per image to a table: means, intervals, and which methods are not significantly different from the best.

The papers print a mean and an undefined "±"; here it is the standard deviation over images. The number to look at in a
small benchmark is the interval: images of one person are alike, so it is people that are left out one by one (the
jackknife), with Student's t for how few they are. More people help, more images hardly.

Methods are compared on the same images: the differences between two methods, summed up per person, change their signs
at random, or those per photo where people are too few for any significance. All pairs of methods are tested and
corrected for by a step-down procedure, because the best one is chosen by the same values. ``docs/statistics.md`` has
the formulas, and simulations of coverage and level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.engine.records.schema import MetricRecord, RowRecord, SuiteRecord

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 9999
SIGNS_AT_ONCE = 4_000_000  # signs; bounds the memory
SIGNIFICANCE = 0.05
ENOUGH_PEOPLE = 6  # 2 / 2^6 is the first two-sided p value below 5 % that signs can have
SUMMARY = (
    "suite",
    "condition",
    "method",
    "metric",
    "mean",
    "std",
    "ci_low",
    "ci_high",
    "n_images",
    "n_people",
    "unit",
    "p_value",
    "tied_with_best",
    "published",
)

Floats = NDArray[np.floating]
Range = Sequence[float | None]  # the least and the largest value that there can be; None where unbounded
ANY: Range = (None, None)


def jackknife_interval(
    values: ArrayLike,
    people: Sequence[str],
    photos: Sequence[str],
    *,
    per: ArrayLike | None = None,
    level: float = 0.95,
    within: Range = ANY,
) -> tuple[float, float]:
    """Interval of the mean: mean ± t · SE, where SE is how much the mean moves when one person is left out.

    ``values``, ``people`` and ``photos`` have one entry per image. Values that are NaN are left out. All images of a
    person stay together; where there is only one person, photos take the place of people. With ``per``, of the same
    length and not negative, it is the interval of sum(values) / sum(per). ``within`` cuts it to what is possible.
    (nan, nan) where nobody can be left out.

    With r the mean of all k people, r_j that without person j, and n_j the number of j's images (the sum of ``per``):

        SE² = (k - 1) / k · Σ (r_j - r)²        degrees of freedom: max(1, (Σ n_j)² / Σ n_j² - 1)

    Where people have equally many images this is the t interval of their means, with k - 1 degrees. Sources: Hansen,
    "Jackknife standard errors for clustered regression" (2022), where SE² is never too small on average; Kish, "Survey
    sampling" (1965), for the effective number of people.
    """
    from scipy.special import stdtrit

    values = np.asarray(values, dtype=float)
    weights = np.ones_like(values) if per is None else np.asarray(per, dtype=float)
    there = ~np.isnan(values)
    unit = _codes(np.asarray(people)[there])
    if unit.max(initial=0) == 0:
        unit = _codes(np.asarray(photos)[there])
    found = _jackknife(values[there], weights[there], unit)
    if found is None:
        return float("nan"), float("nan")
    mean, error, freedom = found
    half = stdtrit(freedom, (1 + level) / 2) * error
    low, high = (limit if bound is None else bound for bound, limit in zip(within, (-np.inf, np.inf), strict=True))
    return float(max(mean - half, low)), float(min(mean + half, high))


def _jackknife(values: Floats, weights: Floats, unit: NDArray[np.intp]) -> tuple[float, float, float] | None:
    """Mean, its standard error and the degrees of freedom, over units 0, 1, ...; None where none can be left out."""
    sums, sizes = np.bincount(unit, values), np.bincount(unit, weights)
    k, total = len(sizes), sizes.sum()
    if k < 2 or not (sizes < total).all():
        return None
    mean = sums.sum() / total
    without = (sums.sum() - sums) / (total - sizes)
    error = np.sqrt((k - 1) / k * ((without - mean) ** 2).sum())
    return mean, error, max(1.0, total**2 / (sizes**2).sum() - 1)


def wilson_interval(share: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share of ``n`` independent answers, which need not be a whole number."""
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def share_interval(chosen: ArrayLike, raters: Sequence[str], *, level: float = 0.95) -> tuple[float, float]:
    """Interval of the share of answers that are 1 rather than 0, where a rater's answers may be alike.

    Wilson's interval at the number of independent answers that would be worth as much (Korn and Graubard, "Confidence
    intervals for proportions with small expected number of positive counts", 1998). With p the share of n answers and
    SE its jackknife error over R raters with ν degrees of freedom, as in ``jackknife_interval``:

        n* = n / (max(1, SE² n / (p (1 - p))) · (t(ν) / z)²), but no less than R and no more than n

    It is Wilson's where every rater has one answer, or where there is one rater, of whom alone it is then.
    """
    from scipy.special import ndtri, stdtrit

    values, unit = np.asarray(chosen, dtype=float), _codes(np.asarray(raters))
    n, count, p = len(values), int(unit.max(initial=0)) + 1, float(values.mean())
    found = _jackknife(values, np.ones(n), unit)
    if found is None:
        return wilson_interval(p, n, level=level)
    _, error, freedom = found
    effect = max(1.0, error**2 * n / (p * (1 - p))) if 0 < p < 1 else 1.0
    quantile = (1 + level) / 2
    worth = n / (effect * (stdtrit(freedom, quantile) / ndtri(quantile)) ** 2)
    return wilson_interval(p, min(max(worth, count), n), level=level)


def paired_p_values(differences: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Two-sided p values of "the differences are symmetric about zero", corrected for the number of tests.

    ``differences`` is [units, tests], summed up per unit, NaN where a test lacks the unit; the result is [tests], NaN
    for fewer than two units. With d the differences of a test, its statistic is |Σ d| / √(Σ d²). Units change their
    signs, in all tests at once: by all 2^units patterns where these are no more than ``resamples``; else by random
    ones, and p is (patterns as extreme + 1) / (resamples + 1).

    The correction is Holm's step-down with the patterns in the place of Bonferroni's factor (the step-down maxT of
    Westfall and Young, "Resampling-based multiple testing", 1993): in every pattern, a statistic is compared with the
    largest of itself and all smaller ones. So it takes the dependence between tests into account, and its least p value
    is 2 / 2^units however many they are; with the factor, no method could differ significantly from the best of 8 with
    fewer than 11 people.
    """
    differences = np.asarray(differences, dtype=float)
    enough = (~np.isnan(differences)).sum(axis=0) >= 2
    p_values = np.full(len(enough), np.nan)
    d = np.nan_to_num(differences[:, enough])  # a zero has no sign: a pattern counts for the units that are there
    d /= np.maximum(np.sqrt((d**2).sum(axis=0)), np.finfo(float).tiny)
    found = np.abs(d.sum(axis=0))
    order = np.argsort(found)  # ascending, so that the running maximum is that over all smaller ones
    extreme = np.zeros(len(order))
    for signs in _sign_patterns(len(d), resamples, seed):
        largest = np.maximum.accumulate(np.abs(signs @ d[:, order]), axis=1)
        extreme += (largest >= found[order] - 1e-9).sum(axis=0)  # sums in another order differ by rounding
    exact = 2 ** len(d) <= resamples
    p = extreme / 2 ** len(d) if exact else (extreme + 1) / (resamples + 1)
    p_values[np.flatnonzero(enough)[order]] = np.maximum.accumulate(p[::-1])[::-1]  # never below that of a larger one
    return p_values


def _sign_patterns(units: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Rows of -1 and 1, some at a time: every pattern if there are no more than ``resamples``, else random ones."""
    if 2**units <= resamples:
        yield 1.0 - 2 * (np.arange(2**units)[:, None] >> np.arange(units) & 1)
        return
    rng = np.random.default_rng(seed)
    some = max(1, SIGNS_AT_ONCE // units)
    for start in range(0, resamples, some):
        random = rng.integers(2, size=(min(some, resamples - start), units), dtype=np.int8)
        yield 1.0 - 2 * random


def paired_test(differences: pd.DataFrame) -> tuple[Floats, str]:
    """Corrected p value of every column, and what was flipped: "people", or "photos" of these people.

    ``differences`` has a row per image, with person and image in its index, and a column per test, NaN where missing.
    They are summed up, so that what is tested is the mean over images. Photos of a person are no independent evidence
    about other people, so people are flipped where there are enough to show anything; with fewer the test is about
    these people alone.
    """
    of_photo = differences.dropna(how="all").groupby(level=["person", "image"]).sum(min_count=1)
    of_person = of_photo.groupby(level="person").sum(min_count=1)
    if len(of_person) >= ENOUGH_PEOPLE or len(of_person) == len(of_photo):
        return paired_p_values(of_person), "people"
    return paired_p_values(of_photo), "photos"


def summarise(results: pd.DataFrame, suite: SuiteRecord) -> pd.DataFrame:
    """One row per condition, method and metric that was run, in table order, with the columns of ``SUMMARY``.

    ``results`` has the columns of results.csv, ``condition``, ``image``, what a case was made from, and ``item``,
    whether the row is no case's but that of something else that is counted (a cluster, a set). Only rows whose status
    is "done" count. The p value of a method is that of its paired test against the
    best one of kind "method", corrected for all pairs of methods on that metric; the best one, floors and the ceiling
    have none. Where a metric has a ``norm``, no row is the best, and the p value of each is that of ``against_norm``.
    ``unit`` is what the tests flip, "people" or "photos" of these people. Where the suite varies a parameter
    (``dose``), the values are those of ``rank_correlations``.
    """
    import pandas as pd

    scored = results[results["status"] == "done"]
    if suite.is_sweep:
        scored = rank_correlations(scored)
    found = set(zip(results["condition"], results["method"], strict=True))
    rows = []
    for condition in suite.conditions:
        here = scored[scored["condition"] == condition.name]
        methods = [method for method in suite.methods if (condition.name, method.name) in found]
        for metric in suite.metrics:
            table = here[here["metric"] == metric.name]
            rows += _summaries(table, methods, metric, suite, condition.name)
    return pd.DataFrame(rows, columns=list(SUMMARY))


def _summaries(
    table: pd.DataFrame,
    methods: Sequence[RowRecord],
    metric: MetricRecord,
    suite: SuiteRecord,
    condition: str,
) -> list[dict[str, Any]]:
    """The rows of one metric under one condition, whose values are ``table``."""
    competitors = [method.name for method in methods if method.kind == "method"]
    p_values, unit = compare(table, competitors, higher_is_better=metric.higher_is_better)
    tied = {name for name, p in p_values.items() if not p < SIGNIFICANCE}  # too few to test: no difference is shown
    if metric.norm is not None and not suite.is_sweep:
        competitors = [method.name for method in methods]
        p_values, unit = against_norm(table, competitors, metric.norm)
    within = (-1.0, 1.0) if suite.is_sweep else metric.range  # a correlation, whatever the metric
    rows = []
    for method in methods:
        name = method.name
        mine = table[table["method"] == name]
        values = mine["value"].to_numpy(dtype=float)
        if mine["item"].any():
            mean, std, low, high = _of_items(mine, within)
        else:
            mean = values.mean() if len(values) else float("nan")
            std = values.std(ddof=1) if len(values) > 1 else float("nan")
            low, high = jackknife_interval(values, mine["person"], mine["image"], within=within)
        p = p_values.get(name)  # None where nothing was compared
        rows.append(
            {
                "suite": suite.name,
                "condition": condition,
                "method": name,
                "metric": metric.name,
                "mean": mean,
                "std": std,
                "ci_low": low,
                "ci_high": high,
                "n_images": len(values),
                "n_people": mine["person"].nunique(),
                "unit": unit if name in competitors and len(values) else "",
                "p_value": float("nan") if p is None else p,
                "tied_with_best": name in tied,
                "published": "; ".join(map(str, suite.published_numbers(name, metric.name, condition).values())),
            }
        )
    return rows


def _of_items(mine: pd.DataFrame, within: Range) -> tuple[float, float, float, float]:
    """Mean, deviation and interval of what is counted by items (clusters, groups, photos): people weigh alike.

    The deviation is the mean of those within people, as in the papers, or over people where each has one item.
    """
    of_person = mine.groupby("person", sort=False)["value"]
    weight = 1 / of_person.transform("count").to_numpy(dtype=float)
    low, high = jackknife_interval(mine["value"] * weight, mine["person"], mine["image"], per=weight, within=within)
    inside = of_person.std(ddof=1)
    std = inside.mean() if inside.notna().any() else of_person.mean().std(ddof=1)
    return of_person.mean().mean(), std, low, high


def rank_correlation(x: pd.Series, y: pd.Series) -> float:
    """Spearman's; 0 where one of them does not change.

    Six decimals count, because equal images at other places of a batch differ in the last.
    """
    from scipy.stats import spearmanr

    x, y = x.round(6), y.round(6)
    return 0.0 if x.nunique() < 2 or y.nunique() < 2 else float(spearmanr(x, y).statistic)


def rank_correlations(scored: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation between dose and value over each photo's sweep, a row per method, metric, photo and seed.

    A metric that does not change at all has the correlation 0: it does not depend on the dose.
    """
    import pandas as pd

    keys = ["method", "metric", "person", "image", "seed"]
    rows = []
    for key, sweep in scored.groupby(keys, sort=False):
        rows.append((*key, rank_correlation(sweep["dose"].astype(float), sweep["value"].astype(float))))
    return pd.DataFrame(rows, columns=[*keys, "value"]).assign(case="", condition="", item=False)


def compare(
    table: pd.DataFrame, methods: Sequence[str], *, higher_is_better: bool | None
) -> tuple[dict[str, float], str]:
    """Corrected p value of each method against the best one, and the unit of ``paired_test``.

    The best one itself is absent; the dictionary and the unit are empty where there is no best.
    ``table`` holds the values of one metric with the columns method, person, image, case, seed, value, item.

    All pairs are tested and corrected for, though only those with the best are reported: the best is the largest of
    several means, and the test of the others against it alone would find a difference between two of eight equal
    methods in 12 of 100 runs rather than 5.
    """
    import pandas as pd

    wide = _by_method(table, methods)
    if wide.shape[1] < 2 or higher_is_better is None:
        return {}, ""
    means = wide.mean()
    best = means.argmax() if higher_is_better else means.argmin()
    values = wide.to_numpy()
    first, second = np.triu_indices(len(means), 1)
    p_values, unit = paired_test(pd.DataFrame(values[:, first] - values[:, second], index=wide.index))
    pairs = zip(first, second, p_values.tolist(), strict=True)
    return {wide.columns[i + j - best]: p for i, j, p in pairs if best in (i, j)}, unit


def against_norm(table: pd.DataFrame, methods: Sequence[str], norm: float) -> tuple[dict[str, float], str]:
    """Corrected p value of each method for a mean that is ``norm``, and the unit of ``paired_test``.

    The differences are those from the norm, so that "equal" is a value that lies above it as often and as far as below.
    ``table`` is that of ``compare``; empty where there is none of ``methods``.
    """
    differences = _by_method(table, methods) - norm
    if differences.empty:
        return {}, ""
    p_values, unit = paired_test(differences)
    return dict(zip(differences.columns, p_values.tolist(), strict=True)), unit


def _by_method(table: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """A row per image and a column for each of ``methods`` that is there, in their order, NaN where one is missing."""
    if table["item"].any():  # what is counted differs between methods: people are compared, and weigh alike
        table = table.groupby(["method", "person", "seed"], as_index=False)["value"].mean().assign(image="", case="")
    wide = table.pivot(index=["person", "image", "case", "seed"], columns="method", values="value")
    return wide[[name for name in methods if name in wide.columns]].astype(float)


def _codes(names: NDArray[Any]) -> NDArray[np.intp]:
    """0, 1, ... for equal names."""
    return np.unique(names, return_inverse=True)[1]
