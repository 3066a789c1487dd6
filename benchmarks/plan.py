"""What there is to do: the jobs of a run, each with the key that says what decides its result.

A key is the hash of everything that the result depends on: method, suite and metrics with their versions, settings,
seed, weight files, photos, and the resolved cases. Whatever changes one of them makes another job; whatever does not
(the preset's name, the batch size, the machine) leaves it alone. No torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.protocol import Case, Metric, Suite
from benchmarks.seeds import item_seed
from datasets.folders import Photo

KEY_LENGTH = 16  # hex digits: 64 bits, ample for the thousands of jobs of one folder


@dataclass(frozen=True)
class Person:
    """A person of the run: the folder, and what is in it."""

    name: str
    folder: Path
    train: tuple[Photo, ...]
    held_out: tuple[Photo, ...]


@dataclass(frozen=True)
class Job:
    """One method (or reference row) on one person with one seed. Travels to worker processes, so it is plain data."""

    suite: str
    suite_version: int
    method: str
    method_version: int
    reference: bool  # a row of the suite's own rather than a method
    settings: Any  # the method's settings object; None for a reference
    person: str
    seed: int
    preset: str
    domain: str
    metrics: Mapping[str, int]  # name to version
    weights: Mapping[str, str]  # file of the domain to SHA-256
    train: Mapping[str, str]  # photo to SHA-256
    held_out: Mapping[str, str]
    others: Mapping[str, Mapping[str, str]]  # held-out photos of other people, where the row is made of them
    cases: tuple[Case, ...]

    @cached_property
    def key(self) -> str:
        """The job's identity and the name of its folder."""
        decisive = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del decisive["preset"]  # a name for settings that are here themselves
        return content_hash(decisive)

    @cached_property
    def prior_key(self) -> str | None:
        """The identity of the fitted prior, shared by all suites; None where nothing is fitted."""
        if self.reference or self.settings.fit is None:
            return None
        names = ("method", "method_version", "domain", "weights", "person", "train", "fit_seed")
        return content_hash({name: getattr(self, name) for name in names} | {"fit": self.settings.fit})

    @property
    def fit_seed(self) -> int:
        """The seed of a prior: the same for every method and every suite."""
        return item_seed("fit", self.person, self.seed)

    @property
    def photos(self) -> dict[str, str]:
        """Every photo that the job reads, as person/split/file, with its SHA-256."""
        mine = {f"{self.person}/{file}": digest for file, digest in {**self.train, **self.held_out}.items()}
        theirs = {f"{name}/{file}": d for name, photos in self.others.items() for file, d in photos.items()}
        return mine | theirs

    @property
    def title(self) -> str:
        return f"{self.method} · {self.person}" + (f" · seed {self.seed}" if self.seed else "")


def make_jobs(
    suite: Suite,
    preset: str,
    methods: Mapping[str, Any],
    metrics: Mapping[str, Metric],
    people: Sequence[Person],
    seeds: Sequence[int],
    domain: str,
    weights: Mapping[str, str],
    bases: Mapping[str, str],
) -> tuple[Job, ...]:
    """Every job of the run: methods by name (``Method`` objects) and the suite's references, people and seeds.

    ``bases`` are the weight files that some methods have of the domain, with their SHA-256.

    Jobs that fit something come first, so that no worker is left with a long one at the end.
    """
    held_out = {person.name: _hashes(person.held_out) for person in people}
    jobs = []
    for seed in seeds:
        for person in people:
            shared = {
                "suite": suite.name,
                "suite_version": suite.version,
                "person": person.name,
                "seed": seed,
                "preset": preset,
                "domain": domain,
                "metrics": {name: metric.version for name, metric in metrics.items()},
                "weights": dict(weights),
                "train": _hashes(person.train),
                "held_out": held_out[person.name],
                "cases": suite.cases(person.name, list(held_out[person.name]), suite.presets[preset], seed),
            }
            for name, method in methods.items():
                settings = method.presets[preset]
                row = {"method": name, "method_version": method.version, "settings": settings, "others": {}}
                own = {method.base: bases[method.base]} if hasattr(method, "base") else {}
                jobs.append(Job(**shared | row | {"weights": {**weights, **own}}, reference=False))
            for reference in suite.references:
                others = {name: photos for name, photos in held_out.items() if name != person.name}
                row = {"method": reference.name, "method_version": suite.version, "settings": None}
                jobs.append(Job(**shared, **row, others=others if reference.needs_other_people else {}, reference=True))
    return tuple(sorted(jobs, key=lambda job: job.prior_key is None))


def describe(
    suite: Suite,
    methods: Mapping[str, Any],
    metrics: Mapping[str, Metric],
    jobs: Sequence[Job],
    absent: Mapping[str, str],
) -> dict[str, Any]:
    """suite.json: everything that tables and figures need to know and that is not in a record.

    ``absent`` are the published rows that this run is without, name to title; they stand above the methods.
    """
    rows = [{"name": name, "title": title, "kind": "published"} for name, title in absent.items()]
    rows += [
        {"name": name, "title": method.title, "kind": "floor" if name in suite.floors else "method"}
        for name, method in methods.items()
    ]
    rows += [{"name": r.name, "title": r.title, "kind": r.kind, "group": r.group} for r in suite.references]
    return {
        "suite": suite.name,
        "title": suite.title,
        "version": suite.version,
        "figure": suite.figure,
        "columns": list(suite.columns),
        "dose": suite.dose,
        "metrics": [
            {
                "name": metric.name,
                "label": metric.label,
                "description": metric.description,
                "unit": metric.unit,
                "higher_is_better": metric.higher_is_better,
                "range": list(metric.range),
                "shares_network_with_loss": metric.network == "perceptual",  # which the losses of all methods use
            }
            for metric in metrics.values()
        ],
        "methods": rows,
        "published": {
            row: {metric: {"mean": mean, "std": std} for metric, (mean, std) in numbers.items()}
            for row, numbers in suite.published.items()
        },
        "published_source": suite.published_source,
        "jobs": [job.key for job in jobs],
    }


def content_hash(content: Any) -> str:
    """The hash of plain data (dataclasses, mappings, sequences, numbers, text): equal content, equal hash.

    Raises TypeError for anything else, because its text could hold an address and change from run to run.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def plain(value: Any) -> Any:
    """Settings as JSON data."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} is not plain data: {value!r}")


def _hashes(photos: Sequence[Photo]) -> dict[str, str]:
    return {photo.file: photo.sha256 for photo in photos}
