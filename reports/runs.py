"""A run folder as read by the reports: the suite, its jobs, their images, and the numbers that records derive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import records


@dataclass(frozen=True)
class Case:
    """One degraded photo and what the methods made of it; methods without a picture are absent from ``outputs``."""

    person: str
    seed: int
    case: str  # name of the case within its person
    mask: str  # the rule that drew the mask
    input: Path | None  # the degraded photo
    outputs: Mapping[str, Path]  # method -> its final picture


@dataclass(frozen=True)
class Run:
    """Everything of one run that tables, figures and pages need."""

    folder: Path
    suite: Mapping[str, Any]  # suite.json
    environment: Mapping[str, Any]  # environment.json, empty if absent
    records: tuple[Mapping[str, Any], ...]  # of the jobs that ended, by method (table order), person, seed
    results: pd.DataFrame  # results.csv
    summary: pd.DataFrame  # summary.csv

    @property
    def title(self) -> str:
        return self.suite["title"]

    @property
    def methods(self) -> list[Mapping[str, Any]]:
        """Entries of suite.json in table order: name, title, kind (method, floor, ceiling, published)."""
        return self.suite["methods"]

    def published(self, method: str, metric: str) -> Mapping[str, float] | None:
        """Mean and perhaps std that a paper reports for this cell."""
        return self.suite.get("published", {}).get(method, {}).get(metric)

    def failures(self, method: str, metric: str) -> tuple[int, int]:
        """How many of the cell's images failed, and how many images it has."""
        return self._failures.get((method, metric), (0, 0))

    def reason(self, method: Mapping[str, Any], metric: str) -> str:
        """Why a cell has no number of ours."""
        if method["kind"] == "published":
            return "Published number only; this method was not run."
        rows = self.results
        rows = rows[(rows["method"] == method["name"]) & (rows["metric"] == metric) & rows["reason"].notna()]
        return str(rows["reason"].iloc[0]) if len(rows) else "Not run."

    @cached_property
    def _failures(self) -> dict[tuple[str, str], tuple[int, int]]:
        expected = self.results[self.results["status"] != "inapplicable"]
        failed = expected["status"].eq("failed").groupby([expected["method"], expected["metric"]])
        return {cell: (int(group.sum()), len(group)) for cell, group in failed}

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """One row per job: method, person, seed, status, reason, n_cases, peak_memory_mb, seconds_<stage>."""
        names = ("method", "person", "seed", "status", "reason", "peak_memory_mb", "key")
        return pd.DataFrame(
            [
                {name: record.get(name) for name in names}
                | {"n_cases": len(record.get("cases") or ())}
                | {f"seconds_{stage}": value for stage, value in (record.get("seconds") or {}).items()}
                for record in self.records
            ],
            columns=None if self.records else [*names, "n_cases"],
        )

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every case of the run, by person, seed and the order of the suite, with the pictures found on disk."""
        inputs: dict[tuple[str, int, str], Path] = {}
        outputs: dict[tuple[str, int, str], dict[str, Path]] = {}
        masks: dict[tuple[str, int, str], str] = {}
        for record in self.records:
            images = self.folder / "jobs" / record["key"] / "images"
            for case in record.get("cases") or ():
                item = (record["person"], record["seed"], case["case"])
                masks.setdefault(item, str(case.get("mask", "")))
                found = outputs.setdefault(item, {})
                if (output := images / f"{case['case']}.png").is_file():
                    found[record["method"]] = output
                if (degraded := images / f"{case['case']}.input.png").is_file():
                    inputs.setdefault(item, degraded)
        position = {item: index for index, item in enumerate(masks)}
        order = sorted(masks, key=lambda item: (item[0], item[1], position[item]))
        return tuple(Case(*item, masks[item], inputs.get(item), outputs[item]) for item in order)

    @cached_property
    def caption(self) -> str:
        """What was run, in one sentence: suite, domain, preset, people, seeds, commit."""

        def values(key: str) -> list[str]:
            return [str(value) for value in sorted({record[key] for record in self.records if key in record})]

        people, seeds = values("person"), values("seed")
        parts = [f"{key} {', '.join(found)}" for key in ("domain", "preset") if (found := values(key))]
        parts.append(f"{len(people)} {'person' if len(people) == 1 else 'people'} ({', '.join(people)})")
        parts.append(f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}")
        if commit := self.environment.get("commit"):
            parts.append(f"commit {commit[:10]}" + (" with local changes" if self.environment.get("dirty") else ""))
        return f"{self.title}: {'; '.join(parts)}."

    @cached_property
    def doses(self) -> pd.DataFrame:
        """results.csv's finished rows with the photo that each case was made from, ``image``, and its ``dose``."""
        cases = [
            {"method": r["method"], "person": r["person"], "seed": r["seed"], "case": c["case"]}
            | {"image": c["image"], "dose": c.get("dose")}
            for r in self.records
            for c in r.get("cases") or ()
        ]
        done = self.results[self.results["status"] == "done"]
        return done.merge(pd.DataFrame(cases), on=["method", "person", "seed", "case"])

    @property
    def hardware(self) -> str:
        """The machine in a few words, empty where it was not recorded."""
        return str(self.environment.get("hardware") or "")


def read_run(folder: Path) -> Run:
    """Reads the run in ``folder``, rebuilding results.csv and summary.csv first where a record is newer.

    Raises RecordError if the folder is not a run or one of its files cannot be used.
    """
    suite = records.read_suite(folder)
    found = records.read_records(folder)
    if not found:
        raise records.RecordError(f"{folder}: no job of this run has ended yet; run the suite first")
    if is_stale(folder):
        records.rebuild(folder)
    position = {method["name"]: index for index, method in enumerate(suite["methods"])}
    environment = folder / "environment.json"
    return Run(
        folder,
        suite,
        json.loads(environment.read_text(encoding="utf-8")) if environment.is_file() else {},
        tuple(sorted(found, key=lambda record: (position[record["method"]], record["person"], record["seed"]))),
        pd.read_csv(folder / "results.csv", dtype={"person": str, "case": str, "reason": str}),
        pd.read_csv(folder / "summary.csv"),
    )


def is_stale(folder: Path) -> bool:
    """True where a derived file is missing or older than the suite or a job."""
    derived = [folder / "results.csv", folder / "summary.csv"]
    if not all(path.is_file() for path in derived):
        return True
    sources = [folder / "suite.json", *folder.glob("jobs/*/record.json"), *folder.glob("jobs/*/metrics.csv")]
    return max(path.stat().st_mtime_ns for path in sources) > min(path.stat().st_mtime_ns for path in derived)
