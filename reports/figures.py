"""Figures of a run: the papers' grid of people and methods (Figure 9), and the metrics with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.runs import Case, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 240
CELL, GAP, SIDE, LINE = 240, 8, 76, 26  # dots: a picture, between two, the labels at the side, a line of a title
MIN_ROWS = 5  # with fewer people than this, a person has several rows
MAX_ROWS = 13  # the people of Table 5
_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so every machine draws the same letters
    "font.size": 7,
    "pdf.fonttype": 42,  # letters stay letters in the PDF
    "axes.linewidth": 0.5,
    "savefig.facecolor": "white",
}
_COLOURS = {"method": "#1f4e8c", "floor": "#8a8a8a", "ceiling": "#8a8a8a"}


CHOICE = (
    "Cases are chosen by rule and never by score: people in turn, each time the person's first case "
    "under the mask rule that was shown least."
)


@dataclass(frozen=True)
class Picture:
    """A figure that was written: its files' common path without suffix, a caption, and words for who cannot see it."""

    path: Path
    caption: str
    alt: str


def draw(run: Run, folder: Path) -> tuple[Picture, ...]:
    """Writes every figure of the run into ``folder`` as PNG and PDF."""
    import matplotlib as mpl

    mpl.use("Agg")
    with mpl.rc_context(_STYLE):
        if run.suite.get("dose"):
            return _draw_sweeps(run, folder)
        pictures = []
        if rows := choose(run.cases):
            name = run.suite["suite"]
            _save(_grid(run, rows), folder / name)
            shown = ", ".join(_column_titles(run, rows))
            people = ", ".join(dict.fromkeys(case.person for case in rows))
            pictures.append(
                Picture(
                    folder / name,
                    f"{run.title}, laid out as {run.suite.get('figure') or 'in the paper'}. "
                    f"Left to right: {shown}. {CHOICE}",
                    f"Grid of face pictures: a row per case of {people}; the columns are {shown}.",
                )
            )
        name = f"{run.suite['suite']}_metrics"
        _save(_intervals(run), folder / name)
        pictures.append(
            Picture(
                folder / name,
                "Mean of each metric with its 95 % interval. Grey: floors and ceiling.",
                "Dot plot of the numbers in the table, one panel per metric.",
            )
        )
    return tuple(pictures)


def _draw_sweeps(run: Run, folder: Path) -> tuple[Picture, ...]:
    """The figures of a suite that turns a knob."""
    from reports.sweeps import EFFECT, Sweeps

    sweeps, name = Sweeps(run), run.suite["suite"]
    _save(sweeps.dots(), folder / name)
    _save(sweeps.curves(), folder / f"{name}_curves")
    _save(sweeps.strips(), folder / f"{name}_sweeps")
    factors = f"{len(run.methods)} factors in {len(sweeps.groups)} groups"
    return (
        Picture(
            folder / name, f"{run.title}. {EFFECT} Bars: 95 % intervals.", f"Dot plot of the effects of {factors}."
        ),
        Picture(
            folder / f"{name}_curves",
            f"Each metric against the dose, mean over sweeps with 95 % bands. {run.suite['dose']}.",
            f"Curves of {factors}, a row of panels per metric.",
        ),
        Picture(
            folder / f"{name}_sweeps",
            "What was scored: each factor's sweep of the first photo of the first person, dose from left to right.",
            f"Strips of portraits, one for each of {factors}.",
        ),
    )


def choose(cases: Sequence[Case]) -> list[Case]:
    """The rows of the figure: people in turn; a turn takes the mask rule that the person, then the figure, had least.

    Ties go to the earlier rule, and under a rule to the earlier case; only the lowest seed is used. Scores and failures
    play no part: a method without a picture leaves its place empty.
    """
    cases = [case for case in cases if case.seed == min(c.seed for c in cases)]
    people = list(dict.fromkeys(case.person for case in cases))
    rules = list(dict.fromkeys(case.mask for case in cases))
    left = {person: [case for case in cases if case.person == person] for person in people}
    chosen: list[Case] = []

    def shown(case: Case) -> tuple[int, int, int]:
        same_rule = [other for other in chosen if other.mask == case.mask]
        return sum(o.person == case.person for o in same_rule), len(same_rule), rules.index(case.mask)

    for turn in range(min(MAX_ROWS, max(MIN_ROWS, len(people)))):
        if remaining := left[people[turn % len(people)]]:
            chosen.append(min(remaining, key=shown))
            remaining.remove(chosen[-1])
    return sorted(chosen, key=lambda case: people.index(case.person))


def _columns(run: Run, rows: Sequence[Case]) -> list[Mapping[str, Any]]:
    """The suite's columns that have a picture in some row; methods that it does not know come before those it does."""
    drawn = {name for case in rows for name in case.outputs}
    methods = {method["name"]: method for method in run.methods if method["name"] in drawn}
    listed = [name for name in run.suite["columns"] if name in methods]
    others = [name for name, method in methods.items() if method["kind"] == "method" and name not in listed]
    first = next((i for i, name in enumerate(listed) if methods[name]["kind"] == "method"), len(listed))
    return [methods[name] for name in listed[:first] + others + listed[first:]]


def _column_titles(run: Run, rows: Sequence[Case]) -> list[str]:
    return ["Input", *(method["title"] for method in _columns(run, rows))]


def _grid(run: Run, rows: Sequence[Case]) -> Figure:
    """Pictures edge to edge with a hair between, titles on top, person and mask rule at the side."""
    from matplotlib.figure import Figure

    columns = _columns(run, rows)
    titles = [_wrap(title) for title in _column_titles(run, rows)]
    top = LINE // 2 + LINE * max(title.count("\n") + 1 for title in titles)
    width = SIDE + len(titles) * (CELL + GAP)
    height = top + len(rows) * (CELL + GAP)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    for r, case in enumerate(rows):
        y = height - top - r * (CELL + GAP) - CELL  # dots from below, so that pictures are drawn dot by dot
        for c, path in enumerate([case.input, *(case.outputs.get(method["name"]) for method in columns)]):
            x = SIDE + c * (CELL + GAP)
            _picture(figure.add_axes((x / width, y / height, CELL / width, CELL / height)), path)
        label = f"{case.person}\n{case.mask.replace('_', ' ')}"
        figure.text(SIDE / 2 / width, (y + CELL / 2) / height, label, rotation=90, ha="center", va="center")
    for c, title in enumerate(titles):
        x = SIDE + c * (CELL + GAP) + CELL / 2
        figure.text(x / width, 1 - (top - GAP) / height, title, ha="center", va="bottom", linespacing=1.0)
    return figure


def _picture(axes: Axes, path: Path | None) -> None:
    """One picture enlarged by Lanczos to the dots of its cell, or a crossed empty cell."""
    import numpy as np
    from PIL import Image

    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(path is None)
    if path is None:
        axes.text(0.5, 0.5, "no result", ha="center", va="center", color="0.5", transform=axes.transAxes)
        return
    with Image.open(path) as image:
        large = image.convert("RGB").resize((CELL, CELL), Image.Resampling.LANCZOS)
    axes.imshow(np.asarray(large), interpolation="none", aspect="auto")


def _intervals(run: Run) -> Figure:
    """A panel per metric, a line per method: dot at the mean, bar over the interval, diamond where published."""
    from matplotlib.figure import Figure

    rows = run.summary.set_index(["method", "metric"])
    methods = [m for m in run.methods if any(name == m["name"] for name, _ in rows.index) or m["kind"] == "published"]
    metrics = run.suite["metrics"]
    figure = Figure(figsize=(1.2 + 1.7 * len(metrics), 0.75 + 0.2 * len(methods)), dpi=DPI, layout="constrained")
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    for panel, metric in zip(panels, metrics, strict=True):
        for y, method in enumerate(methods):
            published = run.published(method["name"], metric["name"])
            if published:
                panel.plot(published["mean"], y, "D", ms=3.5, mfc="white", mec="#b5562b", mew=0.8, zorder=3)
            if (method["name"], metric["name"]) not in rows.index:
                continue
            row = rows.loc[(method["name"], metric["name"])]
            colour = _COLOURS[method["kind"]]
            panel.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, lw=1.2, solid_capstyle="round")
            panel.plot(row["mean"], y, "o", ms=3.5, color=colour, zorder=4)
        arrow = {True: " ↑", False: " ↓", None: ""}[metric["higher_is_better"]]
        panel.set_title(_wrap(metric["label"]) + arrow, fontsize=7)
        panel.set_yticks(range(len(methods)), [method["title"] for method in methods])
        panel.grid(axis="x", lw=0.3, color="0.85")
        panel.set_axisbelow(True)
        panel.tick_params(length=2, width=0.5)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(len(methods) - 0.5, -0.5)
    return figure


def _wrap(title: str, width: int = 16) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(title, width)) or title


def _save(figure: Figure, path: Path) -> None:
    """PNG and PDF without the date and the version that would make equal runs differ."""
    figure.savefig(path.with_name(path.name + ".png"), dpi=DPI, metadata={"Software": None})
    figure.savefig(path.with_name(path.name + ".pdf"), dpi=DPI, metadata={"CreationDate": None, "Producer": None})
