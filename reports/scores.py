"""The papers' table with ours beside theirs, and its long form with intervals, counts and tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import chain, product

import pandas as pd

from benchmarks.engine.records import ConditionRecord, MetricRecord, RowRecord
from reports.runs import Run
from reports.study import table as study
from reports.table import DASH, INTERVAL, SHARED, TIE, Cell, Row, Table, row_title

REFERENCES = ("floor", "ceiling")  # kinds of rows that do not compete


class _Notes:
    """Letters a, b, c, ... for the notes that cells refer to, the same letter for the same note."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def mark(self, text: str) -> str:
        index = len(self._marks)
        letter = chr(ord("a") + index) if index < 26 else str(index)
        return self._marks.setdefault(text, letter)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((mark, text) for text, mark in self._marks.items())


class Scores:
    """Means, intervals and published numbers of one run, laid out in two ways."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.metrics = (*study.metrics(run), *run.suite.metrics)
        asked = study.summary(run)
        summary = run.summary if asked.empty else pd.concat([asked, run.summary], ignore_index=True)
        self.rows = summary.set_index(["condition", "method", "metric"]).sort_index()
        self.titled = len(run.conditions) > 1
        self.sources = tuple(dict.fromkeys(s for metric in self.metrics for s in run.suite.sources(metric.name)))

    def wide(self) -> Table:
        """The paper's layout: a row per method, a column per metric, the published values beside ours."""
        notes = _Notes()
        columns = self._first("Method")
        for metric in self.metrics:
            columns.append(self._header(metric))
            columns += self._source_headers("published", self.run.suite.sources(metric.name), notes)
        columns.append(Cell("images / people"))

        def row(condition: ConditionRecord, method: RowRecord) -> Row:
            cells = self._first(row_title(method), condition)
            for metric in self.metrics:
                cells.append(self._cell(condition.name, method, metric.name, notes))
                cells += self._published(method, metric.name, condition.name, self.run.suite.sources(metric.name))
            return (*cells, Cell(self._counts(condition.name, method.name)))

        return Table(
            self.run.suite.name,
            f"{self.run.caption} Mean ± standard deviation over images, or clusters or people where those count.",
            tuple(columns),
            self._groups(lambda condition, method: [row(condition, method)]),
            (*self._remarks(), *notes),
            self._wide_data(),
            text=1 + self.titled,
        )

    def long(self) -> Table:
        """A row per method and metric, with the 95 % interval, the counts and the test against the best method."""
        notes = _Notes()
        titles = ("Metric", "Mean ± std", "95 % interval", "Images", "People", "Failed", "p (corrected)")
        published = self._source_headers("Published", self.sources, notes) or [Cell("Published")]
        columns = (*self._first("Method"), *map(Cell, titles), *published)

        def rows(condition: ConditionRecord, method: RowRecord) -> list[Row]:
            first = self._first(row_title(method), condition)
            return [
                (*first, self._header(metric), *self._details(condition.name, method, metric.name, notes))
                for metric in self.metrics
            ]

        return Table(
            f"{self.run.suite.name}_long",
            f"{self.run.caption} {INTERVAL}",
            columns,
            self._groups(rows, one_group_per_method=True),
            (*self._remarks(), *self._tests(), *notes),
            self._data(),
            text=1 + self.titled,
        )

    def _first(self, title: str, condition: ConditionRecord | None = None) -> list[Cell]:
        """The first cells of a row, or of the header: the condition, where there are several, and ``title``."""
        named = [Cell("Condition" if condition is None else condition.title)] if self.titled else []
        return [*named, Cell(title)]

    def _details(self, condition: str, method: RowRecord, metric: str, notes: _Notes) -> Row:
        row = self._row(condition, method.name, metric)
        failed, total = self.run.failures(method.name, metric, condition)
        published = self._published(method, metric, condition, self.sources) or [Cell(DASH)]
        main = self._cell(condition, method, metric, notes, alone=False)
        lost = f"{failed} of {total}" if total else DASH
        if row is None:
            return (main, *[Cell(DASH)] * 3, Cell(lost), Cell(DASH), *published)
        number = self._format(metric)
        interval = DASH if pd.isna(row.ci_low) else f"({number(row.ci_low)}, {number(row.ci_high)})"
        p_value = DASH if pd.isna(row.p_value) else ("< 0.001" if row.p_value < 0.001 else f"{row.p_value:.3f}")
        return (
            main,
            Cell(interval),
            Cell(str(int(row.n_images))),
            Cell(str(int(row.n_people))),
            Cell(lost),
            Cell(p_value),
            *published,
        )

    def _groups(
        self,
        rows: Callable[[ConditionRecord, RowRecord], list[Row]],
        one_group_per_method: bool = False,
    ) -> tuple[tuple[Row, ...], ...]:
        """Under each condition the rows of methods and published systems, then floors and ceiling set apart below."""
        groups = []
        for condition in self.run.conditions:
            there = [m for m in self.run.methods if self._belongs(condition.name, m)]
            compared = [m for m in there if m.kind not in REFERENCES]
            references = [m for m in there if m.kind in REFERENCES]
            blocks = [[m] for m in compared + references] if one_group_per_method else [compared, references]
            groups += [tuple(row for method in block for row in rows(condition, method)) for block in blocks if block]
        return tuple(groups)

    def _belongs(self, condition: str, method: RowRecord) -> bool:
        """Whether the method was run under the condition, or has published numbers that belong there."""
        if not self.titled:
            return True
        name = method.name
        return (condition, name) in self._rows_run or any(
            self.run.suite.published_numbers(name, metric.name, condition) for metric in self.metrics
        )

    @cached_property
    def _rows_run(self) -> frozenset[tuple[str, str]]:
        """(condition, method) of all rows that were run."""
        return frozenset(key[:2] for key in self.rows.index)

    def _cell(self, condition: str, method: RowRecord, metric: str, notes: _Notes, alone: bool = True) -> Cell:
        """``alone``: without cells of its own for failures and the interval beside it."""
        row = self._row(condition, method.name, metric)
        failed, total = self.run.failures(method.name, metric, condition)
        if row is None:
            text = f"{failed} of {total} failed" if failed and alone else DASH
            why = study.reason(self.run, method.name) if metric == study.USER else None
            return Cell(text, marks=notes.mark(why or self.run.reason(method, metric, condition)))
        number = self._format(metric)
        text = number(row["mean"]) + ("" if pd.isna(row["std"]) else f" ± {number(row['std'])}")
        if metric == study.USER and alone:  # its answers have no deviation
            text += f" ({number(row.ci_low)}, {number(row.ci_high)})"
        if failed and alone:
            text += f" ({failed} of {total} failed)"
        best = method.name in self._best[condition, metric]
        return Cell(text, bold=best, marks=TIE if row.tied_with_best and not best else "")

    def _row(self, condition: str, method: str, metric: str) -> pd.Series | None:
        """The summary of a cell, None where no image was scored."""
        if (condition, method, metric) not in self.rows.index:
            return None
        row = self.rows.loc[(condition, method, metric)]
        return None if pd.isna(row["mean"]) else row

    @cached_property
    def _best(self) -> dict[tuple[str, str], frozenset[str]]:
        """The best method by condition and metric, by its mean; floors, ceilings and lone methods do not compete."""
        best = {}
        names = [method.name for method in self.run.methods if method.kind == "method"]
        for condition, metric in product(self.run.conditions, self.metrics):
            rows = {name: self._row(condition.name, name, metric.name) for name in names}
            means = {name: row["mean"] for name, row in rows.items() if row is not None}
            higher = metric.higher_is_better
            top = None if higher is None or len(means) < 2 else (max if higher else min)(means.values())
            best[condition.name, metric.name] = frozenset(name for name, mean in means.items() if mean == top)
        return best

    def _format(self, metric: str) -> Callable[[float], str]:
        """Three significant digits of the column's largest mean, the same number of decimals in every row."""
        means = self.rows.xs(metric, level="metric")["mean"].abs() if metric in self.rows.index.levels[2] else []
        largest = max((value for value in means if value > 0), default=1.0)
        decimals = min(6, max(0, 2 - math.floor(math.log10(largest))))
        return lambda value: f"{value:z.{decimals}f}"

    def _source_headers(self, title: str, sources: Sequence[str], notes: _Notes) -> list[Cell]:
        """A column per source; where there are several, a note says which is which."""
        several = len(self.sources) > 1
        return [Cell(title, marks=notes.mark(_source_note(source)) if several else "") for source in sources]

    def _published(self, method: RowRecord, metric: str, condition: str, sources: Sequence[str]) -> list[Cell]:
        numbers = self.run.suite.published_numbers(method.name, metric, condition)
        as_printed = {source: f"{n.mean:g}" if metric == study.USER else str(n) for source, n in numbers.items()}
        return [Cell(as_printed.get(source, DASH)) for source in sources]

    def _header(self, metric: MetricRecord) -> Cell:
        text = metric.heading
        return Cell(text, marks=SHARED if metric.shares_network_with_loss else "")

    def _counts(self, condition: str, method: str) -> str:
        metrics = self.run.suite.metrics  # not those who were asked
        rows = [row for metric in metrics if (row := self._row(condition, method, metric.name)) is not None]
        if not rows:
            return DASH
        images, people = ({int(row[column]) for row in rows} for column in ("n_images", "n_people"))
        return f"{_span(images)} / {_span(people)}"

    def _remarks(self) -> list[tuple[str, str]]:
        remarks = [("", "Bold: best method of the column; floors and ceilings do not compete.")]
        if self.rows["tied_with_best"].any():
            test = f"by a paired test {self._tested} (corrected for all pairs, 5 %)"
            remarks.append((TIE, f"not significantly different from the best {test}"))
        if any(metric.shares_network_with_loss for metric in self.metrics):
            remarks.append((SHARED, "read from a network that is also a training loss of some methods; favours them"))
        if len(self.sources) == 1:  # of several, each has a mark
            remarks.append(("", _source_note(self.sources[0])))
        return [*remarks, *study.remarks(self.run)]

    def _tests(self) -> list[tuple[str, str]]:
        """What the column of p values holds."""
        if self.rows["p_value"].isna().all():
            return []
        norms = [f"{metric.label} against {metric.norm:g}" for metric in self.metrics if metric.norm is not None]
        text = f"p: paired test {self._tested} against the best method; corrected for all pairs, step-down."
        return [("", text), *[("", f"p of {norm}: the same for all rows, no pairs.") for norm in norms]]

    @cached_property
    def _tested(self) -> str:
        """Over what the paired tests go, in words."""
        people = {unit: _span({int(n) for n in rows["n_people"]}) for unit, rows in self.rows.groupby("unit")}
        words = {"photos": "over the photos of", "people": "over"}
        named = [(words[unit], people[unit]) for unit in words if unit in people]
        return " or ".join(f"{what} {n} {'person' if n == '1' else 'people'}" for what, n in named)

    def _data(self) -> pd.DataFrame:
        """Unrounded, a row per condition, method and metric in table order."""
        numbers = ("mean", "std", "ci_low", "ci_high", "n_images", "n_people", "unit", "p_value", "tied_with_best")
        records = []
        for condition, method, metric in product(self.run.conditions, self.run.methods, self.metrics):
            if not self._belongs(condition.name, method):
                continue
            row = self._row(condition.name, method.name, metric.name)
            failed, total = self.run.failures(method.name, metric.name, condition.name)
            published = self.run.suite.published_numbers(method.name, metric.name, condition.name)
            best = method.name in self._best[condition.name, metric.name]
            records.append(
                {"condition": condition.name, "method": method.name, "kind": method.kind}
                | {"metric": metric.name}
                | {name: None if row is None else row.get(name) for name in numbers}
                | {"best": best, "n_failed": failed, "n_total": total}
                | {
                    name: number
                    for source, columns in self._published_columns.items()
                    for name, number in zip(columns, published.get(source, (None, None)), strict=True)
                }
            )
        return pd.DataFrame(records).astype({"n_images": "Int64", "n_people": "Int64"})

    @cached_property
    def _published_columns(self) -> dict[str, tuple[str, str]]:
        """The two CSV columns of each source, numbered from the second on."""
        prefixes = ["published", *(f"published_{i}" for i in range(2, len(self.sources) + 1))]
        return {
            source: (f"{prefix}_mean", f"{prefix}_std")
            for source, prefix in zip(self.sources or ("",), prefixes, strict=False)
        }

    def _wide_data(self) -> pd.DataFrame:
        """Unrounded, a row per condition and method, columns named <metric>_<number>."""
        numbers = ["mean", "std", "n_images", "n_people", "n_failed", *chain(*self._published_columns.values())]
        data = self._data().set_index(["condition", "method", "kind"])
        parts = [data.loc[data["metric"] == m.name, numbers].add_prefix(f"{m.name}_") for m in self.metrics]
        return pd.concat(parts, axis=1).reset_index()


def _source_note(source: str) -> str:
    return f"Published: {source}; other people and photos, so only the order can be compared."


def _span(values: set[int]) -> str:
    return str(min(values)) if len(values) == 1 else f"{min(values)}{DASH}{max(values)}"
