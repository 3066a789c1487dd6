"""Reports of parameter-sweep suites: rank correlations, effects, and curves of each metric against the dose.

Their rows are factors. The first one is the reference: what it does to a metric from dose 0 to dose 1 is the unit in
which the *effect* of every factor on that metric is given.
"""

from __future__ import annotations

from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.analysis.statistics import jackknife_interval
from benchmarks.engine.records import MetricRecord, RowRecord
from reports.figures.style import COLOURS, line, plain
from reports.runs import Run
from reports.table import DASH, INTERVAL, Cell, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = (1.5, 1.1)  # inches
BLOCKS = 3  # strips beside each other
EFFECT = (
    "Effect: mean absolute change of the metric from dose 0 to dose 1, as a share of that of the first row. "
    "ρ: Spearman's correlation between dose and metric over a photo's sweep, mean over sweeps."
)


class Sweeps:
    """The sweeps of one run, as tables and figures."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.name: str = run.suite.name
        self.metrics = run.suite.metrics
        self.rho = run.summary.set_index(["method", "metric"])
        self.groups: dict[str, list[RowRecord]] = {}
        for factor in run.methods:
            self.groups.setdefault(factor.group, []).append(factor)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """By factor and metric: effect, its 95 % interval, number of sweeps.

        The effect is sum |change| over sum |change of the reference on the same photos|; who is left out for the
        interval is missing from both. NaN where the reference does not move the metric. Empty if no sweep has both
        ends.
        """
        keys = ["method", "metric", "person", "image", "seed"]
        ends = self.run.scored.pivot_table(index=keys, columns="dose", values="value").reindex(columns=[0.0, 1.0])
        change = (ends[1.0] - ends[0.0]).abs().dropna().rename("value").reset_index()
        units = change[change["method"] == self.run.methods[0].name].drop(columns="method")
        paired = change.merge(units, on=keys[1:], suffixes=("", "_of_reference"))
        rows = []
        for (method, metric), sweeps in paired.groupby(["method", "metric"], sort=False):
            value, unit = sweeps["value"], sweeps["value_of_reference"]
            interval = (np.nan, np.nan)
            if unit.sum() > 0:
                interval = jackknife_interval(value, sweeps["person"], sweeps["image"], per=unit, within=(0, None))
            effect = value.sum() / unit.sum() if unit.sum() > 0 else np.nan
            rows.append((method, metric, effect, *interval, len(sweeps)))
        columns = ["method", "metric", "effect", "ci_low", "ci_high", "n_sweeps"]
        return pd.DataFrame(rows, columns=columns).set_index(["method", "metric"])

    def tables(self) -> tuple[Table, Table]:
        """Effect and rank correlation of every factor on every metric, and the same with intervals."""
        columns = [Cell("Factor")]
        for metric in self.metrics:
            columns += [Cell(metric.label), Cell("ρ")]
        groups = tuple(tuple(self._row(factor) for factor in factors) for factors in self.groups.values())
        data = self.effects.reset_index().merge(self.run.summary, on=["method", "metric"], suffixes=("", "_of_rho"))
        notes = (("", EFFECT), ("", f"{self.run.suite.dose}."))
        titles = ("Factor", "Metric", "Effect", "95 % interval", "ρ", "95 % interval", "Sweeps", "People", "Failed")
        long = tuple(self._long_row(f, m) for f in self.run.methods for m in self.metrics if self._found(f, m))
        caption = f"{self.run.caption} {INTERVAL}"
        return (
            Table(self.name, self.run.caption, tuple(columns), groups, notes, data),
            Table(f"{self.name}_long", caption, tuple(map(Cell, titles)), (long,), notes, data),
        )

    def curves(self) -> Figure:
        """A row of panels per metric, a column per group: mean over sweeps against the dose, with 95 % bands."""
        from matplotlib.figure import Figure

        rows, columns = len(self.metrics), len(self.groups)
        figure = Figure(figsize=(0.5 + PANEL[0] * columns, 0.4 + PANEL[1] * (rows + 1)), layout="constrained")
        panels = figure.subplots(rows + 1, columns, squeeze=False, sharey="row", sharex=True)
        for row, metric in zip(panels, self.metrics, strict=False):
            for panel, factors in zip(row, self.groups.values(), strict=True):
                for style, factor in enumerate(factors):
                    self._curve(panel, factor.name, metric, style)
                plain(panel, "both")
            row[0].set_ylabel(metric.label)
        for panel, keys, (group, factors) in zip(panels[0], panels[-1], self.groups.items(), strict=True):
            panel.set_title(group, fontsize=7)
            keys.axis("off")  # a row of keys below the curves
            for style, factor in enumerate(factors):
                keys.plot([], [], **line(style), lw=1, label=factor.title)
            keys.legend(loc="upper left", fontsize=6, frameon=False, borderaxespad=0, handlelength=2.6)
        for panel in panels[-2]:
            panel.set_xlabel("dose")
            panel.tick_params(labelbottom=True)
        return figure

    def dots(self) -> Figure:
        """A panel per metric, a line per factor: the effect with its interval; the dashed line is the reference's."""
        from matplotlib.figure import Figure

        factors = self.run.methods
        size = (1.3 + 1.5 * len(self.metrics), 0.7 + 0.14 * len(factors))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(self.metrics), sharey=True, squeeze=False)[0]
        edges = [y - 0.5 for y in range(1, len(factors)) if factors[y].group != factors[y - 1].group]
        for panel, metric in zip(panels, self.metrics, strict=True):
            for y, factor in enumerate(factors):
                if self._found(factor, metric):
                    e = 100 * self.effects.loc[(factor.name, metric.name)]
                    panel.plot([e["ci_low"], e["ci_high"]], [y, y], color=COLOURS[0], lw=1.2, solid_capstyle="round")
                    panel.plot(e["effect"], y, "o", ms=2.6, color=COLOURS[0])
            panel.axvline(0, color="0.6", lw=0.5)
            panel.axvline(100, color="0.6", lw=0.7, ls="--")
            for edge in edges:
                panel.axhline(edge, color="0.85", lw=0.5)
            panel.set_title(metric.label, fontsize=7)
            panel.set_xlabel("effect, %")
            panel.set_yticks(range(len(factors)), [factor.title for factor in factors], fontsize=6)
            plain(panel, "x")
        panels[0].set_ylim(len(factors) - 0.5, -0.5)
        return figure

    def strips(self) -> Figure:
        """The scored images: the first photo's sweep of every factor, dose from left to right."""
        from matplotlib.figure import Figure

        from mystyle.image_files import read_pixels

        strips = [(f.title, files) for f in self.run.methods if (files := self._strip(f.name))]
        columns = max((len(files) for _, files in strips), default=1)
        rows = -(-len(strips) // BLOCKS)
        figure = Figure(figsize=(BLOCKS * (0.45 * columns + 0.9), 0.47 * rows + 0.1), layout="compressed")
        panels = figure.subplots(rows, BLOCKS, squeeze=False)
        for panel in panels.flat:
            panel.axis("off")
        for (title, files), panel in zip(strips, panels.T.flat, strict=False):
            panel.imshow(np.concatenate([read_pixels(path) for path in files], axis=1))
            panel.text(-0.02, 0.5, title, ha="right", va="center", fontsize=6, transform=panel.transAxes)
        return figure

    def _strip(self, method: str) -> list[Path]:
        """The images of the first photo of the first person."""
        cases = [case for case in self.run.cases if method in case.outputs]
        sweeps = groupby(cases, key=lambda case: (case.person, case.seed, case.image))
        return [case.outputs[method] for case in next(sweeps, ("", ()))[1]]

    def _found(self, factor: RowRecord, metric: MetricRecord) -> bool:
        return (factor.name, metric.name) in self.effects.index

    def _row(self, factor: RowRecord) -> tuple[Cell, ...]:
        cells = [Cell(factor.title)]
        for metric in self.metrics:
            key = (factor.name, metric.name)
            if self._found(factor, metric):
                effect, rho = self.effects.loc[key, "effect"], self.rho.loc[key, "mean"]
                cells += [Cell(_percent(effect, 0)), Cell(f"{rho:z.2f}")]
            else:
                cells += [Cell(DASH), Cell(DASH)]
        return tuple(cells)

    def _long_row(self, factor: RowRecord, metric: MetricRecord) -> tuple[Cell, ...]:
        key = (factor.name, metric.name)
        e, r = self.effects.loc[key], self.rho.loc[key]
        texts = (
            factor.title,
            metric.label,
            _percent(e["effect"], 1),
            _interval(100 * e["ci_low"], 100 * e["ci_high"], 1),
            f"{r['mean']:z.2f}",
            _interval(r["ci_low"], r["ci_high"], 2),
            str(int(e["n_sweeps"])),
            str(int(r["n_people"])),
            "{} of {}".format(*self.run.failures(*key)),
        )
        return tuple(map(Cell, texts))

    def _curve(self, panel: Axes, method: str, metric: MetricRecord, style: int) -> None:
        doses, within = self.run.scored, metric.range
        points = doses[(doses["method"] == method) & (doses["metric"] == metric.name)].groupby("dose")
        bands = [jackknife_interval(at["value"], at["person"], at["image"], within=within) for _, at in points]
        means = points["value"].mean()
        if len(means):
            low, high = zip(*bands, strict=True)
            panel.fill_between(means.index, low, high, color=line(style)["color"], alpha=0.12, lw=0)
            panel.plot(means.index, means, **line(style), lw=1)


def _percent(share: float, decimals: int) -> str:
    return DASH if pd.isna(share) else f"{100 * share:z.{decimals}f} %"


def _interval(low: float, high: float, decimals: int) -> str:
    return DASH if pd.isna(low) else f"({low:z.{decimals}f}, {high:z.{decimals}f})"
