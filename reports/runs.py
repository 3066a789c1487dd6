"""A run folder as read by the reports: the suite, its jobs, their images, and the numbers that records derive."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.engine import records


@dataclass(frozen=True)
class Case:
    """One thing that was asked for and the methods' pictures; methods without one are absent from ``outputs``."""

    person: str
    seed: int
    case: str  # name of the case within its person
    mask: str  # the rule that drew the mask
    input: Path | None  # what a method was given
    outputs: Mapping[str, Path]  # method -> its final picture
    condition: str = ""
    level: float | None = None  # of the condition
    dose: float | None = None
    image: str = ""  # the photo or other thing that it was made from
    prior_of: str = ""  # whose prior made the pictures

    @property
    def key(self) -> tuple[str, int, str]:
        return self.person, self.seed, self.case

    @property
    def rule(self) -> str:
        """What is done to the photo: the rule of the mask, or else the condition."""
        return self.mask or self.condition

    def companions(self, method: str) -> list[Path]:
        """All pictures that are kept beside the method's."""
        path = self.outputs[method]
        beside = sorted(path.parent.glob(f"{glob.escape(path.stem)}.*.png"))
        return [other for other in beside if other.name != f"{path.stem}.input.png"]

    def companion(self, method: str, name: str) -> Path | None:
        """The picture that is kept beside the method's."""
        path = self.outputs[method]
        beside = path.with_name(f"{path.stem}.{name}.png")
        return beside if beside.is_file() else None


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

    def published(self, method: str, metric: str, condition: str) -> Mapping[str, float] | None:
        """Mean and perhaps std that a paper reports for this cell."""
        if condition != self.suite.get("published_condition", ""):
            return None
        return self.suite.get("published", {}).get(method, {}).get(metric)

    def is_published(self, metric: str) -> bool:
        """Whether a paper reports the metric for any method."""
        return any(metric in numbers for numbers in self.suite.get("published", {}).values())

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        """Entries of suite.json in table order: name, title, level."""
        return self.suite["conditions"]

    def label(self, case: Case) -> str:
        """What is done to the photo, in words."""
        titles = {condition["name"]: condition["title"] for condition in self.conditions}
        return case.mask.replace("_", " ") if case.mask and len(titles) < 2 else titles.get(case.condition, "")

    def failures(self, method: str, metric: str, condition: str = "") -> tuple[int, int]:
        """How many of the cell's images failed, and how many images it has."""
        return self._failures.get((condition, method, metric), (0, 0))

    def reason(self, method: Mapping[str, Any], metric: str, condition: str = "") -> str:
        """Why a cell has no number of ours."""
        if method["kind"] == "published":
            return "Published number only; this method was not run."
        rows = self.known
        rows = rows[(rows["method"] == method["name"]) & (rows["metric"] == metric) & rows["reason"].notna()]
        rows = rows[rows["condition"] == condition]
        return str(rows["reason"].iloc[0]) if len(rows) else "Not run."

    @cached_property
    def _failures(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        expected = self.known[self.known["status"] != "inapplicable"]
        keys = [expected[name] for name in ("condition", "method", "metric")]
        return {cell: (int(group.sum()), len(group)) for cell, group in expected["status"].eq("failed").groupby(keys)}

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """One row per job: what ``names`` has of its record, prior, n_cases, seconds_<stage>."""
        names = ("method", "person", "seed", "status", "reason", "peak_memory_mb", "stored_mb", "key")
        return pd.DataFrame(
            [
                {name: record.get(name) for name in names}
                | {"prior": (record.get("prior") or {}).get("key")}
                | {"n_cases": len(record.get("cases") or ())}
                | {f"seconds_{stage}": value for stage, value in (record.get("seconds") or {}).items()}
                for record in self.records
            ],
            columns=None if self.records else [*names, "n_cases"],
        )

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every case of the run, by person, seed and the order of the suite, with the pictures found on disk."""
        found: dict[tuple[str, int, str], dict[str, Any]] = {}
        for record in self.records:
            images = self.folder / "jobs" / record["key"] / "images"
            there = {path.name for path in images.glob("*.png")}
            for case in record.get("cases") or ():
                name = case["case"]
                item = found.setdefault(
                    (record["person"], record["seed"], name),
                    {
                        "mask": str(case.get("mask") or ""),
                        "input": None,
                        "outputs": {},
                        "condition": record.get("condition", ""),
                        "level": record.get("level"),
                        "dose": case.get("dose"),
                        "image": case.get("image", ""),
                        "prior_of": record.get("prior_of", record["person"]),
                    },
                )
                if f"{name}.png" in there:
                    item["outputs"][record["method"]] = images / f"{name}.png"
                if f"{name}.input.png" in there and item["input"] is None:
                    item["input"] = images / f"{name}.input.png"
        position = {item: index for index, item in enumerate(found)}
        order = sorted(found, key=lambda item: (item[0], item[1], position[item]))
        return tuple(Case(*item, **found[item]) for item in order)

    @cached_property
    def caption(self) -> str:
        """What was run, in one sentence: suite, domain, preset, people, seeds, commit."""

        def values(key: str) -> list[str]:
            return [str(value) for value in sorted({record[key] for record in self.records if key in record})]

        people, seeds = values("person"), values("seed")
        parts = [f"{key} {', '.join(found)}" for key in ("domain", "preset") if (found := values(key))]
        parts.append(f"{len(people)} {'person' if len(people) == 1 else 'people'} ({', '.join(people)})")
        parts.append(f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}")
        budget = {what: seconds for what, seconds in self.suite.get("budget", {}).items() if seconds}
        parts += [f"{seconds:g} s per {what} for every method" for what, seconds in budget.items()]
        if commit := self.environment.get("commit"):
            parts.append(f"commit {commit[:10]}" + (" with local changes" if self.environment.get("dirty") else ""))
        return f"{self.title}: {'; '.join(parts)}."

    @cached_property
    def known(self) -> pd.DataFrame:
        """results.csv with what the records say of each row: job, condition, level, prior_of, image, dose.

        ``image`` is person/photo, or person/item for what belongs to no case.
        """
        jobs = pd.DataFrame(
            [
                {"method": r["method"], "person": r["person"], "seed": r["seed"], "case": c["case"], "job": r["key"]}
                | {"condition": r.get("condition", ""), "level": r.get("level"), "prior_of": r.get("prior_of")}
                | {"image": c["image"], "dose": c.get("dose")}
                for r in self.records
                for c in [*(r.get("cases") or ()), *self._items(r)]
            ]
        )
        rows = self.results.merge(jobs, on=["method", "person", "seed", "case"], how="left")
        return rows.assign(image=rows["person"] + "/" + rows["image"], level=rows["level"].astype(float))

    def _items(self, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What a job's metrics counted besides its cases, in the form of cases."""
        rows = records.read_rows(self.folder, record["key"])
        cases = {case["case"] for case in record.get("cases") or ()}
        return [{"case": item, "image": item} for item in dict.fromkeys(rows["case"]) if item not in cases]

    @cached_property
    def scored(self) -> pd.DataFrame:
        """The rows of ``known`` that have a number."""
        return self.known[self.known["status"] == "done"]

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
        pd.read_csv(folder / "summary.csv", dtype={"condition": str}).fillna({"condition": ""}),
    )


def is_stale(folder: Path) -> bool:
    """True where a derived file is missing or older than the suite or a job."""
    derived = [folder / "results.csv", folder / "summary.csv"]
    if not all(path.is_file() for path in derived):
        return True
    sources = [folder / "suite.json", *folder.glob("jobs/*/record.json"), *folder.glob("jobs/*/metrics.csv")]
    return max(path.stat().st_mtime_ns for path in sources) > min(path.stat().st_mtime_ns for path in derived)
