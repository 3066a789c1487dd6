"""From values per image to a table: means, intervals, and which methods cannot be told from the best.

The papers print a mean and an undefined "±"; here it is the standard deviation over images. What a reader of a small
benchmark should look at is the interval: images of one person are alike, so people are resampled first, then their
photos (a cluster bootstrap). With three people it is still too narrow; more people help, more images do not.

Methods are compared on the same photos: the differences to the best method, averaged per photo, change their signs at
random (an exact test up to 13 photos), and Holm's correction pays for making several comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 4999
DRAWN_AT_ONCE = 4_000_000  # numbers; bounds the memory
SIGNIFICANCE = 0.05
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
    "p_value",
    "tied_with_best",
    "published",
)

Floats = NDArray[np.float64]


def bootstrap_interval(
    values: ArrayLike,
    people: Sequence[str],
    photos: Sequence[str],
    *,
    per: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of the mean by a two-stage bootstrap: people with replacement, then photos of each.

    ``values``, ``people`` and ``photos`` have one entry per image; all images of a photo stay together. Values that are
    NaN are left out. With ``per``, of the same length, the interval is that of sum(values) / sum(per), both drawn
    together. (nan, nan) where a resample cannot differ: fewer than two photos.
    """
    values = np.asarray(values, dtype=float)
    totals = _photo_totals(values, np.ones_like(values) if per is None else np.asarray(per, float), people, photos)
    if sum(len(person) for person in totals) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(totals), size=(resamples, len(totals)))
    sums = np.zeros((resamples, 2))
    for index, person in enumerate(totals):
        times = (drawn == index).sum(axis=1)  # how often each resample drew this person
        some = max(1, DRAWN_AT_ONCE // len(person))
        for draw in range(times.max(initial=0)):
            rows = np.flatnonzero(times > draw)
            for start in range(0, len(rows), some):
                part = rows[start : start + some]
                sums[part] += person[rng.integers(len(person), size=(len(part), len(person)))].sum(axis=1)
    means = sums[:, 0] / sums[:, 1]
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def paired_p_value(differences: ArrayLike, *, resamples: int = 9999, seed: int = 0) -> float:
    """Two-sided p value of "the differences are symmetric about zero", by flipping their signs.

    Exact where all 2^n sign patterns are no more than ``resamples``. NaN for fewer than two differences.
    """
    from scipy.stats import permutation_test

    differences = np.asarray(differences, dtype=float)
    differences = differences[~np.isnan(differences)]
    if len(differences) < 2:
        return float("nan")
    rng = np.random.default_rng(seed)
    batch = max(1, DRAWN_AT_ONCE // len(differences))
    test = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=resamples, rng=rng, batch=batch
    )
    return float(test.pvalue)


def holm(p_values: ArrayLike) -> Floats:
    """Holm's step-down adjustment: the i-th smallest of m p values times m - i, monotone, at most 1. NaN stays NaN."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1)
    return adjusted


def summarise(results: pd.DataFrame, suite: Mapping[str, Any]) -> pd.DataFrame:
    """One row per condition, method and metric that was run, in table order, with the columns of ``SUMMARY``.

    ``results`` has the columns of results.csv, ``condition``, ``image``, what a case was made from, and ``item``,
    whether the row is no case's but that of something else that is counted (a cluster, a set); ``suite`` is
    suite.json. Only rows whose status is "done" count. The p value of a method is that of its paired test against the
    best one of kind "method", after Holm's correction over that metric; the best one, floors and the ceiling have
    none. Where the suite turns a knob (``dose``), the values are the rank correlations of ``rank_correlations``.
    """
    import pandas as pd

    scored = results[results["status"] == "done"]
    if suite.get("dose"):
        scored = rank_correlations(scored)
    found = set(zip(results["condition"], results["method"], strict=True))
    rows = []
    for condition in suite["conditions"]:
        here = scored[scored["condition"] == condition["name"]]
        methods = [method for method in suite["methods"] if (condition["name"], method["name"]) in found]
        for metric in suite["metrics"]:
            table = here[here["metric"] == metric["name"]]
            rows += _summaries(table, methods, metric, suite, condition["name"])
    return pd.DataFrame(rows, columns=list(SUMMARY))


def _summaries(
    table: pd.DataFrame,
    methods: Sequence[Mapping[str, Any]],
    metric: Mapping[str, Any],
    suite: Mapping[str, Any],
    condition: str,
) -> list[dict[str, Any]]:
    """The rows of one metric under one condition, whose values are ``table``."""
    competitors = [method["name"] for method in methods if method["kind"] == "method"]
    p_values = compare(table, competitors, higher_is_better=metric["higher_is_better"])
    rows = []
    for method in methods:
        name = method["name"]
        mine = table[table["method"] == name]
        values = mine["value"].to_numpy(dtype=float)
        if mine["item"].any():
            mean, std, low, high = _of_items(mine)
        else:
            mean = values.mean() if len(values) else float("nan")
            std = values.std(ddof=1) if len(values) > 1 else float("nan")
            low, high = bootstrap_interval(values, mine["person"], mine["image"])
        p = p_values.get(name)  # None where nothing was compared
        rows.append(
            {
                "suite": suite["suite"],
                "condition": condition,
                "method": name,
                "metric": metric["name"],
                "mean": mean,
                "std": std,
                "ci_low": low,
                "ci_high": high,
                "n_images": len(values),
                "n_people": mine["person"].nunique(),
                "p_value": float("nan") if p is None else p,
                "tied_with_best": p is not None and not p < SIGNIFICANCE,  # too few to test is no difference shown
                "published": _published(suite, name, metric["name"], condition),
            }
        )
    return rows


def _of_items(mine: pd.DataFrame) -> tuple[float, float, float, float]:
    """Mean, deviation and interval of what is counted by items (clusters, groups, photos): people weigh alike.

    The deviation is the mean of those within people, as in the papers, or over people where each has one item.
    """
    of_person = mine.groupby("person", sort=False)["value"]
    weight = 1 / of_person.transform("count").to_numpy(dtype=float)
    low, high = bootstrap_interval(mine["value"] * weight, mine["person"], mine["image"], per=weight)
    within = of_person.std(ddof=1)
    std = within.mean() if within.notna().any() else of_person.mean().std(ddof=1)
    return of_person.mean().mean(), std, low, high


def rank_correlations(scored: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation between dose and value over each photo's sweep, a row per method, metric, photo and seed.

    A metric that does not move at all has the correlation 0: it does not mind the dose. Six decimals count, because
    equal pictures at other places of a batch differ in the last.
    """
    import pandas as pd
    from scipy.stats import spearmanr

    keys = ["method", "metric", "person", "image", "seed"]
    rows = []
    for key, sweep in scored.groupby(keys, sort=False):
        dose, value = sweep["dose"].astype(float), sweep["value"].astype(float).round(6)
        still = value.nunique() < 2 or dose.nunique() < 2
        rho = 0.0 if still else float(spearmanr(dose, value).statistic)
        rows.append((*key, rho))
    return pd.DataFrame(rows, columns=[*keys, "value"]).assign(case="", condition="", item=False)


def compare(table: pd.DataFrame, methods: Sequence[str], *, higher_is_better: bool | None) -> dict[str, float]:
    """Adjusted p value of each method against the best one; the best one itself is absent, all where there is no best.

    ``table`` holds the values of one metric with the columns method, person, image, case, seed, value.
    """
    if table["item"].any():  # what is counted differs between methods: people are compared
        table = table.groupby(["method", "person", "seed"], as_index=False)["value"].mean().assign(image="", case="")
    wide = table.pivot(index=["person", "image", "case", "seed"], columns="method", values="value")
    wide = wide[[name for name in methods if name in wide.columns]].astype(float)
    if wide.shape[1] < 2 or higher_is_better is None:
        return {}
    means = wide.mean()
    best = means.idxmax() if higher_is_better else means.idxmin()
    others = [name for name in wide.columns if name != best]
    differences = wide[others].sub(wide[best], axis=0).groupby(level=["person", "image"]).mean()
    return dict(zip(others, holm([paired_p_value(differences[name]) for name in others]).tolist(), strict=True))


def _photo_totals(values: Floats, per: Floats, people: Sequence[str], photos: Sequence[str]) -> list[Floats]:
    """For each person ``[photos, 2]``: sums of ``values`` and ``per`` of each photo."""
    totals: dict[str, dict[str, Floats]] = {}
    for value, weight, person, photo in zip(values, per, people, photos, strict=True):
        if not np.isnan(value):
            total = totals.setdefault(person, {}).setdefault(photo, np.zeros(2))
            total += (value, weight)
    return [np.array(list(of_person.values())) for of_person in totals.values()]


def _published(suite: Mapping[str, Any], method: str, metric: str, condition: str) -> str:
    """As the paper prints it; empty where it has no number."""
    if condition != suite.get("published_condition", ""):
        return ""
    value = suite.get("published", {}).get(method, {}).get(metric)
    return "" if value is None else f"{value['mean']:.2f} ± {value['std']:.2f}"
