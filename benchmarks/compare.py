"""Compares two runs of a suite image by image: ``python -m benchmarks.compare RUN_A RUN_B [--out FILE.csv]``.

Prints what differs between the runs (commit, versions, settings, weights, photos, machine), then for every condition,
metric and method that both have: the means over the images that both have, their difference B - A with its 95 %
interval, and the p value of the paired test of ``benchmarks.analysis.statistics``. It is corrected for the methods of a
metric under a condition; a method whose numbers are the same to the last digit needs no test and is not counted.
Where something else than images is counted (clusters, sets of samples), the values are means over a person's.

Exit status: 0, or 2 for runs that cannot be compared.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.engine.records import (
    ConditionRecord,
    JobRecord,
    MetricRecord,
    Record,
    RecordError,
    RowRecord,
    SuiteRecord,
    csv_text,
    flat,
    read_records,
    read_results,
    read_suite,
    write_text,
)
from mystyle.files import printable

if TYPE_CHECKING:
    import pandas as pd
    from rich.text import Text

COLUMNS = (
    "condition",
    "metric",
    "method",
    "mean_a",
    "mean_b",
    "difference",
    "ci_low",
    "ci_high",
    "n_images",
    "n_people",
    "unit",
    "p_value",
    "only_a",
    "only_b",
)
CELL = ["condition", "metric", "method"]
IMAGE = ["person", "image", "case", "seed"]
VALUE = [*CELL, *IMAGE]  # what makes a value of one run that of the other
CHANGED = "with local changes"
WIDTH = 150  # characters of the table, where it is not a terminal's
DASH = "–"

Entry = TypeVar("Entry", ConditionRecord, MetricRecord, RowRecord)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    summary = "Paired differences B - A between two runs of a suite, and what the runs differ in."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=summary)
    parser.add_argument("run_a", type=Path, metavar="RUN_A", help="folder of a run")
    parser.add_argument("run_b", type=Path, metavar="RUN_B", help="folder of another run of the same suite")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write the table there, unrounded")
    parsed = parser.parse_args(arguments)
    try:
        suite = common_suite(parsed.run_a, parsed.run_b)
        rows = matched(read_results(parsed.run_a), read_results(parsed.run_b))
        if rows[["value_a", "value_b"]].notna().all(axis=1).sum() == 0:
            way_out = "run both with the same --methods, --people and --seeds"
            raise RecordError(f"{parsed.run_a} and {parsed.run_b}: no value in common; {way_out}")
        origins = differences_in_origin(read_records(parsed.run_a), read_records(parsed.run_b))
        table = compare_runs(rows, suite)
        if parsed.out:
            parsed.out.parent.mkdir(parents=True, exist_ok=True)
            write_text(parsed.out, csv_text(table))
    except (RecordError, OSError) as error:
        print(f"benchmarks.compare: {printable(str(error))}", file=sys.stderr)
        return 2
    heading = f"{suite.title}: A is {parsed.run_a}, B is {parsed.run_b}."
    print(*map(printable, (heading, *origins)), sep="\n")
    print_table(table, suite)
    print(verdict(rows))
    return 0


def common_suite(run_a: Path, run_b: Path) -> SuiteRecord:
    """suite.json of A with the conditions, methods and metrics of B that A lacks behind its own. Raises RecordError."""
    a, b = read_suite(run_a), read_suite(run_b)
    if a.name != b.name:
        way_out = "only runs of one suite can be compared"
        raise RecordError(f"{run_a} is a run of suite {a.name} and {run_b} one of {b.name}; {way_out}")

    def joined(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        first: dict[str, Entry] = {}
        for entry in entries:
            first.setdefault(entry.name, entry)
        return tuple(first.values())

    return replace(
        a,
        conditions=joined((*a.conditions, *b.conditions)),
        methods=joined((*a.methods, *b.methods)),
        metrics=joined((*a.metrics, *b.metrics)),
    )


def matched(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """The values of two runs beside each other: the columns of ``VALUE``, item, value_a and value_b.

    ``a`` and ``b`` are as ``read_results`` gives them. A value is NaN where that run has none.
    """
    a, b = (frame[frame["status"] != "inapplicable"][[*VALUE, "item", "value"]] for frame in (a, b))
    return a.merge(b, on=[*VALUE, "item"], how="outer", suffixes=("_a", "_b"))


def compare_runs(rows: pd.DataFrame, suite: SuiteRecord) -> pd.DataFrame:
    """A row of ``COLUMNS`` per condition, metric and method that both runs have, in the order of the suite.

    ``rows`` is what ``matched`` gives. ``only_a`` and ``only_b`` count values that one run has and the other has not,
    because it failed there or was not asked.
    """
    import pandas as pd

    rows = rows.dropna(subset=["value_a", "value_b"], how="all")
    values = pd.concat([rows[~rows["item"]], _of_people(rows[rows["item"]])])
    a, b = values["value_a"], values["value_b"]
    values = values.assign(difference=b - a, only_a=b.isna(), only_b=a.isna())
    cells = {key: cell for key, cell in values.groupby(CELL) if cell[["value_a", "value_b"]].count().all()}
    table = []
    for condition in suite.conditions:
        for metric in suite.metrics:
            names = [(condition.name, metric.name, method.name) for method in suite.methods]
            table += _of_metric({key: cells[key] for key in names if key in cells})
    return pd.DataFrame(table, columns=list(COLUMNS))


def _of_people(items: pd.DataFrame) -> pd.DataFrame:
    """Clusters and sets have no counterpart in another run; their means over a person do."""
    means = items.groupby([*CELL, "person", "seed"], as_index=False)[["value_a", "value_b"]].mean()
    return means.assign(image="", case="", item=True)


def _of_metric(cells: Mapping[tuple[str, ...], pd.DataFrame]) -> list[list[Any]]:
    """The rows of one metric under one condition, from the values of each method."""
    import pandas as pd

    from benchmarks.analysis.statistics import jackknife_interval, paired_test

    differences = {key: cell.set_index(IMAGE)["difference"] for key, cell in cells.items()}
    moved = {key: difference for key, difference in differences.items() if difference.fillna(0).any()}
    p_values, unit = {}, ""
    if moved:
        tested, unit = paired_test(pd.concat(moved, axis=1))
        p_values = dict(zip(moved, tested.tolist(), strict=True))
    rows = []
    for key, cell in cells.items():
        paired = cell.dropna(subset="difference")
        means = paired[["value_a", "value_b", "difference"]].mean()
        interval = jackknife_interval(paired["difference"], paired["person"], paired["image"])
        test = unit if key in moved else "", p_values.get(key, float("nan"))
        counts = len(paired), paired["person"].nunique()
        rows.append([*key, *means, *interval, *counts, *test, cell["only_a"].sum(), cell["only_b"].sum()])
    return rows


def verdict(rows: pd.DataFrame) -> str:
    """How many values differ, in a sentence; ``rows`` is what ``matched`` gives."""
    there = rows[["value_a", "value_b"]].notna()
    both, alone = rows[there.all(axis=1)], int((there.sum(axis=1) == 1).sum())
    moved = int((both["value_a"] != both["value_b"]).sum())
    rest = f"; {alone} are in one run alone" if alone else ""
    if moved:
        return f"{moved} of {len(both)} values that both runs have differ{rest}."
    if alone:
        return f"All {len(both)} values that both runs have are equal to the last digit{rest}."
    return f"The runs are equal to the last digit: {len(both)} values."


# What the runs differ in


def differences_in_origin(a: Sequence[Record], b: Sequence[Record]) -> list[str]:
    """Sentences about what the records of two runs differ in; one sentence if they do not."""
    from benchmarks.analysis.changes import counted, differences

    facts = _facts(a), _facts(b)
    lines = []
    for label in dict.fromkeys([*facts[0], *facts[1]]):
        before, now = (", ".join(sorted(fact.get(label, {"absent"}))) for fact in facts)
        if before != now:
            lines.append(f"{label}: {before} → {now}")
        elif label == "commit" and CHANGED in now:
            lines.append(f"commit: {now} in both, and records do not hold which")
    for label in ("method", "person", "seed", "condition"):
        alone = [{str(getattr(record, label)) for record in run} for run in (a, b)]
        for run, names in (("A", alone[0] - alone[1]), ("B", alone[1] - alone[0])):
            if names:
                lines.append(f"{label} in {run} alone: {', '.join(sorted(names))}")
    of_a, of_b = _by_job(a), _by_job(b)
    pairs = [pair for job in of_a for pair in zip(of_a[job], of_b.get(job, []), strict=False)]
    lines += counted(Counter(text for before, now in pairs for text in differences(before, now)))
    if not lines:
        return ["Their records differ in nothing that they hold of origin."]
    return ["They differ in (A → B):", *(f"  {line}" for line in lines)]


def _by_job(run: Sequence[JobRecord]) -> dict[tuple[Any, ...], list[JobRecord]]:
    """Records by what makes a job of one run that of the other: several, in the order of their cases, of a condition
    that has several."""
    found: dict[tuple[Any, ...], list[JobRecord]] = {}
    for record in sorted(run, key=lambda record: [case.case for case in record.cases]):
        job = record.method, record.person, record.seed, record.condition, record.prior_of
        found.setdefault(job, []).append(record)
    return found


def _facts(run: Sequence[Record]) -> dict[str, set[str]]:
    """What all jobs of a run have, by label: usually one text each, more where a run was continued elsewhere."""
    found: dict[str, set[str]] = {}
    for record in run:
        for label, value in _facts_of(record):
            found.setdefault(label, set()).add(str(value))
    return found


def _facts_of(record: Record) -> Iterator[tuple[str, Any]]:
    yield from (("preset", record.preset), ("domain", record.domain))
    environment = record.environment
    if commit := environment.get("commit"):
        yield "commit", str(commit)[:10] + (f" {CHANGED}" if environment.get("dirty") else "")
    yield from ((name, environment[name]) for name in ("python", "system", "device", "hardware") if name in environment)
    yield from flat(environment.get("packages", {}))


# What is shown


def print_table(table: pd.DataFrame, suite: SuiteRecord) -> None:
    """On the terminal, a section per condition and metric."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    conditions = {condition.name: condition.title for condition in suite.conditions}
    methods = {method.name: method.title for method in suite.methods}
    labels = {metric.name: metric.heading for metric in suite.metrics}
    names = ("Condition", "Metric", "Method")[len(suite.conditions) < 2 :]
    shown = Table(*names, box=box.SIMPLE_HEAD)
    for title in ("A", "B", "B − A", "95 % interval", "p (corrected)", "Images", "People", "Unmatched"):
        shown.add_column(title, justify="right")
    for _, section in table.groupby(["condition", "metric"], sort=False):
        shown.add_section()
        for row in section.itertuples():
            first = (conditions[row.condition], labels[row.metric], methods[row.method])[-len(names) :]
            shown.add_row(
                *map(_shown, first), *_cells(row), str(row.n_images), str(row.n_people), str(row.only_a + row.only_b)
            )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(shown)
    over = " or ".join(unit for unit in ("people", "photos") if unit in set(table["unit"]))
    if over:
        print(f"p: paired test over {over}, corrected over the methods of a metric that moved; equal: none did.")


def _shown(text: str) -> Text:
    """A title as it is: neither control characters nor rich's markup."""
    from rich.text import Text

    return Text(printable(text))


def _cells(row: Any) -> tuple[str, ...]:
    """Means, difference, interval and p value as text."""
    if row.n_images == 0:
        return (DASH,) * 5
    means = (f"{row.mean_a:.4g}", f"{row.mean_b:.4g}")
    if row.unit == "":
        return *means, "equal", DASH, DASH
    interval = DASH if row.ci_low != row.ci_low else f"({row.ci_low:+.3g}, {row.ci_high:+.3g})"
    p = DASH if row.p_value != row.p_value else "< 0.001" if row.p_value < 0.001 else f"{row.p_value:.3f}"
    return *means, f"{row.difference:+.3g}", interval, p


if __name__ == "__main__":
    sys.exit(main())
