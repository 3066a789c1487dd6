"""A run folder as read by the reports: the suite, its jobs, their images, and the numbers derived from the records."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.analysis.statistics import summarise
from benchmarks.engine import records
from benchmarks.engine.records import ConditionRecord, Record, RowRecord, SuiteRecord
from reports.study.files import Scores, read_scores


@dataclass
class Case:
    """One image that was wanted, and the methods' answers; methods without one are absent from ``outputs``."""

    person: str
    seed: int
    case: str  # name of the case within its person
    mask: str = ""  # rule of the mask
    condition: str = ""
    level: float | None = None  # of the condition
    dose: float | None = None
    image: str = ""  # the photo or other thing that it was made from
    of: str = ""  # the case that it is compared with
    prior_of: str = ""  # whose prior made the images
    edits: tuple[tuple[str, float], ...] = ()  # (attribute, strength), one after the other
    input: Path | None = None  # what a method was given
    outputs: dict[str, Path] = field(default_factory=dict)  # method -> its final image

    @property
    def key(self) -> tuple[str, int, str]:
        return self.person, self.seed, self.case

    @property
    def rule(self) -> str:
        """What is done to the photo: the rule of the mask, or else the condition."""
        return self.mask or self.condition

    def companions(self, method: str) -> list[Path]:
        """All images that are kept beside the method's."""
        path = self.outputs[method]
        beside = sorted(path.parent.glob(f"{glob.escape(path.stem)}.*.png"))
        return [other for other in beside if other.name != f"{path.stem}.input.png"]

    def companion(self, method: str, name: str) -> Path | None:
        """The image that is kept beside the method's."""
        path = self.outputs[method]
        beside = path.with_name(f"{path.stem}.{name}.png")
        return beside if beside.is_file() else None


@dataclass(frozen=True)
class Run:
    """Everything of one run that tables, figures and pages need."""

    folder: Path
    suite: SuiteRecord
    environment: Mapping[str, Any]  # environment.json, empty if absent
    records: tuple[Record, ...]  # of the jobs that ended, by method (table order), person, seed
    results: pd.DataFrame  # as ``records.read_results`` gives them
    summary: pd.DataFrame
    outside: int = 0  # jobs in the folder that are not of the current plan
    study: Scores | None = None  # of the run's user study

    @property
    def title(self) -> str:
        return self.suite.title

    @property
    def methods(self) -> tuple[RowRecord, ...]:
        """The rows in table order."""
        return self.suite.methods

    @property
    def conditions(self) -> tuple[ConditionRecord, ...]:
        """In table order."""
        return self.suite.conditions

    def label(self, case: Case) -> str:
        """What is done to the photo, in words."""
        titles = {condition.name: condition.title for condition in self.conditions}
        return case.mask.replace("_", " ") if case.mask and len(titles) < 2 else titles.get(case.condition, "")

    def failures(self, method: str, metric: str, condition: str = "") -> tuple[int, int]:
        """How many of the cell's images failed, and how many images it has."""
        return self._failures.get((condition, method, metric), (0, 0))

    def reason(self, method: RowRecord, metric: str, condition: str = "") -> str:
        """Why a cell has no number of ours."""
        if method.kind == "published":
            return "Published number only; this method was not run."
        return self._reasons.get((condition, method.name, metric), "Not run.")

    @cached_property
    def _reasons(self) -> dict[tuple[str, str, str], str]:
        """The first reason of every cell that has one."""
        cell = ["condition", "method", "metric"]
        given = self.results[self.results["reason"] != ""].drop_duplicates(cell)
        return dict(zip(given[cell].itertuples(index=False, name=None), given["reason"].map(str), strict=True))

    @cached_property
    def _failures(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        expected = self.results[self.results["status"] != "inapplicable"]
        keys = [expected[name] for name in ("condition", "method", "metric")]
        return {cell: (int(group.sum()), len(group)) for cell, group in expected["status"].eq("failed").groupby(keys)}

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """One row per job: method, status, peak_memory_mb, stored_mb, prior, n_cases, seconds_<stage>."""
        return pd.DataFrame(
            [
                {"method": record.method, "status": record.status, "n_cases": len(record.cases)}
                | {"peak_memory_mb": record.peak_memory_mb, "stored_mb": record.stored_mb}
                | {"prior": record.prior.key if record.prior else None}
                | {f"seconds_{stage}": value for stage, value in record.seconds.items()}
                for record in self.records
            ]
        )

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every case of the run, by person, seed and the order of the suite, with the images found on disk."""
        found: dict[tuple[str, int, str], Case] = {}
        for record in self.records:
            images = self.folder / "jobs" / record.key / "images"
            there = {path.name for path in images.glob("*.png")}
            about: dict[str, Any] = {"condition": record.condition, "level": record.level, "prior_of": record.prior_of}
            for case in record.cases:
                key = record.person, record.seed, case.case
                about |= {"mask": case.mask, "dose": case.dose, "image": case.image, "of": case.of, "edits": case.edits}
                item = found.setdefault(key, Case(*key, **about))
                if f"{case.case}.png" in there:
                    item.outputs[record.method] = images / f"{case.case}.png"
                if f"{case.case}.input.png" in there and item.input is None:
                    item.input = images / f"{case.case}.input.png"
        return tuple(sorted(found.values(), key=lambda case: (case.person, case.seed)))

    @cached_property
    def caption(self) -> str:
        """What was run, in one sentence: suite, domain, preset, people, seeds, commit."""

        def values(name: str) -> list[str]:
            return [str(value) for value in sorted({getattr(record, name) for record in self.records})]

        people, seeds = values("person"), values("seed")
        parts = [f"{name} {', '.join(values(name))}" for name in ("domain", "preset")]
        parts.append(f"{len(people)} {'person' if len(people) == 1 else 'people'} ({', '.join(people)})")
        parts.append(f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}")
        budget = {what: seconds for what, seconds in self.suite.budget.items() if seconds}
        parts += [f"{seconds:g} s per {what} for every method" for what, seconds in budget.items()]
        parts += [f"{row} fitted {factor:g} times as long" for row, factor in self.suite.longer.items()]
        if commit := self.environment.get("commit"):
            parts.append(f"commit {str(commit)[:10]}" + " with local changes" * bool(self.environment.get("dirty")))
        return f"{self.title}: {'; '.join(parts)}."

    @cached_property
    def scored(self) -> pd.DataFrame:
        """The rows of ``results`` that have a number."""
        return self.results[self.results["status"] == "done"]

    def by_job(self, metrics: Sequence[str]) -> pd.DataFrame:
        """A row per job with its person, level and the means of ``metrics``."""
        rows = self.scored[self.scored["metric"].isin(metrics)]
        means = rows.pivot_table(index=["job", "method", "person", "level"], columns="metric", values="value")
        return means.reindex(columns=list(metrics)).reset_index()

    @property
    def hardware(self) -> str:
        """The machine in a few words, empty where it was not recorded."""
        return str(self.environment.get("hardware") or "")


def read_run(folder: Path) -> Run:
    """Reads the run in ``folder`` and derives its numbers from the records, whatever tables lie beside them.

    Raises RecordError if the folder is not a run or one of its files cannot be used.
    """
    suite = records.read_suite(folder)
    found = records.read_records(folder)
    if not found:
        raise records.RecordError(f"{folder}: no job of this run has ended yet; run the suite first")
    position = {method.name: index for index, method in enumerate(suite.methods)}
    if strange := {record.method for record in found} - set(position):
        raise records.RecordError(f"{folder}: suite.json has no row {min(strange)!a:.80}; run the suite again")
    environment = folder / "environment.json"
    results = records.read_results(folder)
    return Run(
        folder,
        suite,
        records.read_json(environment, "delete it") if environment.is_file() else {},
        tuple(sorted(found, key=lambda record: (position[record.method], record.person, record.seed))),
        results,
        summarise(results, suite),
        records.outside_plan(folder, suite),
        read_scores(folder, suite),
    )
