"""What the page on statistics says of intervals, tests and verdicts is simulated anew: coverage, level and power.

The rows are read from ``docs/statistics.md``. Every value is mean 0 plus a person's part plus a photo's part; ``share``
is the person's share of the variance. Some rows are simulated in each run of the tests, all of them with ``-m slow``,
which prints the numbers as they stand on the page: ``pytest tests/benchmarks/analysis/test_coverage.py -m slow -s``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.analysis.statistics import compare, jackknife_interval, paired_p_values

PAGE = (Path(__file__).resolve().parents[3] / "docs/statistics.md").read_text(encoding="utf-8")
ON_PAGE = {"coverage": 20_000, "tests": 2000}  # simulated data sets behind a number of the page
ONCE_IN = 1000  # correct code fails a check by chance


def table_of(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the page; the first row is the header."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    header, _, *rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in cells] for cells in (header, *rows)]


def coverage_table() -> list[list[str]]:
    """People, photos of each, share, values, and the coverage: a row per number of the table."""
    header, *rows = table_of("Simulated coverage")
    return [
        [people, *row[:3], said]
        for row in rows
        for people, said in zip(header[3:], row[3:], strict=True)
        if said != "–"
    ]


def sizes(photos: str, people: int) -> np.ndarray:
    """Photos of each person: "10" of each, "10–40" evenly spread, "5, one 100" of one person."""
    numbers = [int(number) for number in re.findall(r"\d+", photos)]
    if "–" in photos:
        return np.linspace(*numbers, people).round().astype(int)
    return np.array([numbers[-1]] + [numbers[0]] * (people - 1))


def noise(rng: np.random.Generator, values: str, shape) -> np.ndarray:
    """Mean 0 and variance 1."""
    return rng.normal(size=shape) if values == "normal" else rng.exponential(size=shape) - 1


def covered(people: int, photos: str, share: float, values: str, runs: int) -> float:
    """How often the interval of the mean holds the true one."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(people), sizes(photos, people))
    hits = 0
    for _ in range(runs):
        person, photo = noise(rng, values, people), noise(rng, values, len(of))
        low, high = jackknife_interval(share**0.5 * person[of] + (1 - share) ** 0.5 * photo, of, np.arange(len(of)))
        hits += low <= 0 <= high
    return hits / runs


def false_positives(people: int, photos: int, methods: int, share: float, values: str, runs: int) -> tuple[str, float]:
    """What is flipped, and how often some method is told from the best although all are equal over people.

    "one skewed" is the worst case of a test that asks for symmetric differences: one method has exponential people, the
    others hardly vary.
    """
    rng = np.random.default_rng(0)
    names = [f"m{i}" for i in range(methods)]
    index = pd.MultiIndex.from_product([names, range(people), range(photos)], names=["method", "person", "image"])
    table = index.to_frame(index=False).assign(case="", seed=0, item=False)
    found, unit = 0, ""
    for _ in range(runs):
        person, photo = noise(rng, values, (methods, people, 1)), noise(rng, values, (methods, people, photos))
        if values == "one skewed":
            person[1:] /= 100
            photo[1:] /= 100
        table["value"] = (share**0.5 * person + (1 - share) ** 0.5 * photo).ravel()
        p_values, unit = compare(table, names, higher_is_better=True)
        found += min(p_values.values()) < 0.05
    return unit, found / runs


def family(people: int, true: int, difference: float, values: str, runs: int, claims: int = 15) -> list[float]:
    """Share of true claims supported, and of runs with a wrong verdict: by the rule, and by Holm's with Student's p."""
    rng = np.random.default_rng(0)
    shift = difference * (np.arange(claims) < true)
    counts = np.zeros((2, 2))
    for _ in range(runs):
        d = 0.3**0.5 * noise(rng, values, (people, 1)) + 0.7**0.5 * noise(rng, values, (people, claims)) + shift
        student = stats.ttest_1samp(d, 0).pvalue  # below 5 % where the interval of 95 % excludes 0
        order = np.argsort(student)
        steps = student[order] < 0.05 / np.arange(claims, 0, -1)
        holm = np.isin(np.arange(claims), order[: np.argmin(steps) if not steps.all() else claims])
        for count, decided in zip(counts, ((paired_p_values(d) < 0.05) & (student < 0.05), holm), strict=True):
            right = decided & (shift > 0) & (d.mean(axis=0) > 0)
            count += right.sum() / max(true, 1), (decided & ~right).any()
    return list((counts / runs).ravel())


def margin(rate: float, runs: int) -> float:
    """Half of the interval that the share of ``runs`` keeps to, but once in ``ONCE_IN``."""
    rate = np.clip(rate, 0.001, 0.999)  # 100.0 on the page is rounded
    return float(stats.norm.isf(0.5 / ONCE_IN) * np.sqrt(rate * (1 - rate) / runs))


COVERAGE, TESTS = coverage_table(), table_of("Simulated false positives")[1:]
VERDICTS = table_of("Simulated verdicts")[1:]
FAST = [row for row in COVERAGE if row[0] in ("2", "3", "5", "13") and row[2] in ("0", "0.8")]
NOMINAL = [row for row in COVERAGE if row[0] != "1" and row[1] == "10" and row[3] == "normal"]


@pytest.mark.parametrize("row", FAST, ids=" ".join)
def test_coverage(row):
    check_coverage(row, 1500)


@pytest.mark.slow
@pytest.mark.parametrize("row", COVERAGE, ids=" ".join)
def test_coverage_of_the_whole_page(row):
    check_coverage(row, ON_PAGE["coverage"])


def check_coverage(row: list[str], runs: int) -> None:
    people, photos, share, values, said = row
    found, expected = covered(int(people), photos, float(share), values, runs), float(said) / 100
    print(f"| {' | '.join(row[:4])} | {100 * found:.1f} |")
    # both numbers are simulated, and that of the page is rounded
    assert abs(found - expected) <= margin(expected, runs) + margin(expected, ON_PAGE["coverage"]) + 0.0005


@pytest.mark.parametrize("row", NOMINAL, ids=" ".join)
def test_normal_values_and_equally_many_photos_are_nominal_on_the_page(row):
    assert abs(float(row[-1]) / 100 - 0.95) <= margin(0.95, ON_PAGE["coverage"])


def test_no_other_design_covers_less_than_it_says():
    for people, _, share, values, said in COVERAGE:
        about_others = people == "1" and float(share) > 0  # of whom one person tells nothing
        if values == "normal" and not about_others:
            assert float(said) / 100 >= 0.95 - margin(0.95, ON_PAGE["coverage"])


@pytest.mark.parametrize("row", [row for row in TESTS if row[0] in ("6", "8")], ids=" ".join)
def test_false_positives(row):
    check_false_positives(row, 200)


@pytest.mark.slow
@pytest.mark.parametrize("row", TESTS, ids=" ".join)
def test_false_positives_of_the_whole_page(row):
    check_false_positives(row, ON_PAGE["tests"])


def check_false_positives(row: list[str], runs: int) -> None:
    people, photos, methods, share, values, said_unit, said = row
    unit, found = false_positives(int(people), int(photos), int(methods), float(share), values, runs)
    print(f"| {' | '.join(row[:5])} | {unit} | {100 * found:.1f} |")
    expected = float(said) / 100
    assert unit == said_unit
    assert abs(found - expected) <= margin(expected, runs) + margin(expected, ON_PAGE["tests"]) + 0.0005


def test_no_test_is_inflated_but_where_the_page_says_so():
    """The level holds wherever people are flipped, and for photos where people do not differ."""
    for *_, share, values, unit, said in TESTS:
        if values != "one skewed" and (unit == "people" or float(share) == 0):
            assert float(said) / 100 <= 0.05 + margin(0.05, ON_PAGE["tests"])


@pytest.mark.parametrize("row", [row for row in VERDICTS if row[0] in ("6", "8")], ids=" ".join)
def test_verdicts(row):
    check_verdicts(row, 200)


@pytest.mark.slow
@pytest.mark.parametrize("row", VERDICTS, ids=" ".join)
def test_verdicts_of_the_whole_page(row):
    check_verdicts(row, ON_PAGE["tests"])


def check_verdicts(row: list[str], runs: int) -> None:
    people, true, difference, values, *said = row
    found = family(int(people), int(true), float(difference), values, runs)
    print(f"| {' | '.join(row[:4])} | {' | '.join(f'{100 * share:.1f}' for share in found)} |")
    for share, expected in zip(found, (float(number) / 100 for number in said), strict=True):
        assert abs(share - expected) <= margin(expected, runs) + margin(expected, ON_PAGE["tests"]) + 0.0005


def test_no_family_of_symmetric_values_has_more_wrong_verdicts_than_its_level():
    for *_, values, _, wrong, _, _ in VERDICTS:
        if values == "normal":
            assert float(wrong) / 100 <= 0.05 + margin(0.05, ON_PAGE["tests"])


@pytest.mark.parametrize("units", [6, 9, 13, 40])
def test_a_single_test_holds_its_level(units):
    """Exact tests of few units stay below 5 %, because their p values are multiples of 2 / 2^units."""
    runs, random = 2000, 999
    drawn = np.random.default_rng(units).normal(size=(runs, units, 1))
    found = np.mean([paired_p_values(one, resamples=9999 if units < 14 else random)[0] < 0.05 for one in drawn])
    steps = 2 ** (units - 1) if units < 14 else random + 1
    nominal = (np.ceil(0.05 * steps) - 1) / steps
    assert abs(found - nominal) <= margin(nominal, runs)
