"""What there is to do: the jobs of a run, each with the key that says what decides its result.

A key is the hash of everything that the result depends on: method, suite and metrics with their versions, settings,
seed, weight files, photos, and the resolved cases. Whatever changes one of them makes another job; whatever does not
(the preset's name, the batch size, the machine) leaves it alone. No torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.api.metric import Metric
from benchmarks.api.seeds import item_seed
from benchmarks.api.suite import Strangers, Suite, Variant
from benchmarks.api.task import Case, Part, Person
from benchmarks.engine.records import (
    CaseRecord,
    ConditionRecord,
    FigureRecord,
    MetricRecord,
    RowRecord,
    SuiteRecord,
)
from datasets.folders import Photo
from mystyle.files import printable

KEY_LENGTH = 16  # hex digits: 64 bits, ample for the thousands of jobs of one folder
TOGETHER = 16  # photos of strangers that are inverted at once


class PhotoToInvert(NamedTuple):
    """A held-out photo, its SHA-256, and the seed of its inversion."""

    person: str
    file: str
    digest: str
    seed: int


Groups = Mapping[str, tuple[PhotoToInvert, ...]]  # by person


@dataclass(frozen=True)
class Job:
    """One row on one part of a person with one seed. Travels to worker processes, so it is plain data."""

    suite: str
    suite_version: int
    method: str  # the row: a method, a variant of one, or a reference
    fitted_by: str  # the method behind it
    method_version: int
    reference: bool  # a row of the suite's own rather than a method
    personal: bool  # whether the method looks at photos of the person
    settings: Any  # the method's settings object; None for a reference
    person: str
    seed: int
    preset: str
    domain: str
    metrics: Mapping[str, int]  # name to version
    weights: Mapping[str, str]  # file of the domain to SHA-256
    files: Mapping[str, str]  # beside the domain's weights, that decide images or values and no prior
    train: Mapping[str, str]  # photo to SHA-256: of whom the prior is
    subject: Mapping[str, str]  # all reference photos of the person
    held_out: Mapping[str, str]
    others: Mapping[str, Mapping[str, str]]  # held-out photos of other people: guests, and whom the row is made of
    part: Part
    together: tuple[PhotoToInvert, ...] = ()  # strangers' photos that are inverted at once, the person's among them

    @cached_property
    def key(self) -> str:
        """The job's identity and the name of its folder."""
        decisive = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        task = self.part.task  # its fields, the parameters, are hashed with the part
        decisive["task"] = [task.name, task.version]
        del decisive["preset"]  # a name for settings that are here themselves
        if not self.joint:
            del decisive["together"]  # changes nothing beyond rounding
        if not self.files:  # most suites have none
            del decisive["files"]
        if not self.part.guests:  # likewise
            names = [field.name for field in dataclasses.fields(self.part) if field.name != "guests"]
            decisive["part"] = {name: getattr(self.part, name) for name in names}
        if self.others:  # the hash of a mapping ignores the order, which decides whose photos are taken
            decisive["order"] = list(self.others)
        return content_hash(decisive)

    @property
    def joint(self) -> bool:
        """Whether all images that are inverted at a time decide each row (the setting ``together`` of a method)."""
        return bool(getattr(self.settings, "together", False))

    @property
    def prior_identity(self) -> dict[str, Any]:
        """What decides the prior: a person's, or, of a method that looks at no photo of the person, the domain's."""
        identity = {
            "method": self.fitted_by,
            "method_version": self.method_version,
            "domain": self.domain,
            "weights": self.weights,
            "fit_seed": self.fit_seed,
            "fit": self.settings.fit,
        }
        return identity | ({"person": self.prior_of, "train": self.train} if self.personal else {})

    @cached_property
    def prior_key(self) -> str | None:
        """The name of the fitted prior's folder, shared by all suites; None where nothing is fitted."""
        return None if self.reference or self.settings.fit is None else content_hash(self.prior_identity)

    @property
    def cases(self) -> tuple[Case, ...]:
        return self.part.cases

    @property
    def prior_of(self) -> str:
        """Whose prior it is."""
        return self.part.prior_of or self.person

    @property
    def fit_seed(self) -> int:
        """The seed of a prior: the same for every method and every suite."""
        return item_seed("fit", self.prior_of if self.personal else "", self.seed)

    @property
    def photos(self) -> dict[str, str]:
        """Every photo that the job reads, as person/split/file, with its SHA-256."""
        sets = [(self.prior_of, self.train), (self.person, self.subject), (self.person, self.held_out)]
        return {f"{who}/{file}": d for who, photos in [*sets, *self.others.items()] for file, d in photos.items()}

    @property
    def description(self) -> dict[str, Any]:
        """The fields of a ``JobRecord``: what a record holds of the job, however it ends."""
        return {
            "key": self.key,
            "suite": self.suite,
            "suite_version": self.suite_version,
            "method": self.method,
            "fitted_by": self.fitted_by,
            "method_version": self.method_version,
            "reference": self.reference,
            "person": self.person,
            "seed": self.seed,
            "settings": plain(self.settings),
            "task": self.part.task.name,
            "params": plain(self.part.task),
            "preset": self.preset,
            "domain": self.domain,
            "metrics": dict(self.metrics),
            "cases": tuple(
                CaseRecord(
                    case=c.name,
                    image=c.image,
                    other=c.other,
                    of=c.of,
                    edits=c.edits,
                    mask=c.mask,
                    mask_seed=c.mask_seed,
                    seed=c.seed,
                    dose=c.dose,
                )
                for c in self.cases
            ),
            "condition": self.part.condition,
            "level": self.part.level,
            "kept": self.part.kept,
            "prior_of": self.prior_of,
            "train": self.part.train,
            "others": tuple(self.others),
            "photos_fitted": len(self.train),
            "weights": {**self.weights, **self.files},
            "photos": self.photos,
        }

    @property
    def title(self) -> str:
        parts = (self.method, self.person, self.part.condition, f"seed {self.seed}" if self.seed else "")
        whose = f"{self.prior_of}'s prior" if self.part.prior_of else ""
        return printable(" · ".join(part for part in (*parts, whose) if part))


def make_jobs(
    suite: Suite,
    preset: str,
    methods: Mapping[str, Any],
    metrics: Mapping[str, Metric],
    people: Sequence[Person],
    seeds: Sequence[int],
    domain: str,
    weights: Mapping[str, str],
    files: Mapping[str, str],
    changed: Mapping[str, Any] | None = None,
) -> tuple[Job, ...]:
    """Every job of the run: rows by name (``Method`` objects) and the suite's references, people, parts and seeds.

    ``files`` are those beside the weights that methods, tasks and metrics may need, with their SHA-256. ``changed`` are
    settings by row, where they are not the preset's.

    Jobs that fit something come first, so that no worker is left with a long one at the end, and of those that share
    a prior one comes before all others.
    """
    train = {person.name: _hashes(person.train) for person in people}
    held_out = {person.name: _hashes(person.held_out) for person in people}
    settings = suite.presets[preset]
    of_metrics = {name for metric in metrics.values() for name in metric.files}

    def decisive(part: Part) -> dict[str, str]:
        """Those of ``files`` that the task or a metric depends on; a domain may be without some."""
        return {name: digest for name, digest in files.items() if name in of_metrics | set(part.task.files)}

    def guests(part: Part) -> dict[str, dict[str, str]]:
        return {guest: held_out[guest] for guest in part.guests}

    jobs: list[Job] = []
    for seed in seeds:
        parts_of = {person.name: suite.parts(person, people, settings, seed) for person in people}
        groups = _groups(parts_of, held_out) if isinstance(settings.people, Strangers) else {}
        for person in people:
            parts = parts_of[person.name]
            shared: dict[str, Any] = {
                "suite": suite.name,
                "suite_version": suite.version,
                "person": person.name,
                "seed": seed,
                "preset": preset,
                "domain": domain,
                "metrics": {name: metric.version for name, metric in metrics.items()},
                "subject": train[person.name],
                "held_out": held_out[person.name],
            }
            for name, method in methods.items():
                variant = suite.rows.get(name)
                own = {network.file: files[network.file] for network in method.networks if network.file in files}
                row: dict[str, Any] = {"method": name, "fitted_by": method.name, "method_version": method.version}
                row |= {"weights": {**weights, **own}, "personal": method.personal}
                for part in parts:
                    photos = train[part.prior_of or person.name]
                    chosen = photos if part.train is None else {file: photos[file] for file in part.train}
                    row_settings = (changed or {}).get(name, method.presets[preset])
                    if isinstance(variant, Variant):
                        row_settings = variant.change(row_settings, part)
                    row |= {"settings": row_settings, "train": chosen, "part": part, "files": decisive(part)}
                    row |= {"others": guests(part), "together": groups.get(person.name, ())}
                    jobs.append(Job(**shared | row, reference=False))
            for reference in suite.references:
                if reference.parts and seed != seeds[0]:  # photos themselves: the same whatever the seed
                    continue
                others = {name: photos for name, photos in sorted(held_out.items()) if name != person.name}
                row = {"method": reference.name, "fitted_by": "", "method_version": suite.version, "settings": None}
                row |= {"weights": dict(weights), "personal": True}
                for part in reference.parts(person, people, settings, seed) if reference.parts else parts:
                    photos = train[part.prior_of or person.name]
                    row |= {"train": photos, "part": part, "files": decisive(part)}
                    row |= {"others": others if reference.needs_other_people else guests(part)}
                    jobs.append(Job(**shared | row, reference=True))
    _require_distinct(jobs)
    turns = _turns(jobs)
    return tuple(sorted(jobs, key=lambda job: turns[job.key]))


def shard(jobs: Sequence[Job], number: int, count: int) -> tuple[Job, ...]:
    """The share of one of ``count`` processes, ``number`` from 1 on; all shares together are ``jobs``.

    Jobs with one prior stay together, so that nothing is fitted twice or waited for, and so do those of a row whose
    photos are inverted at once.
    """
    groups: dict[Any, list[Job]] = {}
    for job in jobs:
        inverted = (job.method, job.together) if job.together else job.key
        groups.setdefault(job.prior_key or inverted, []).append(job)
    mine = {job.key for group in list(groups.values())[number - 1 :: count] for job in group}
    return tuple(job for job in jobs if job.key in mine)


def fits_first(jobs: Sequence[Job], priors: Path) -> list[Job]:
    """The order in which to begin: fits that are still to be done before all else, those of most photos before others.

    A long fit that begins last leaves the other workers idle. The order changes no number.
    """
    first = _first_with_their_priors(jobs)

    def photos_to_fit(job: Job) -> int:
        fits = job.prior_key is not None and job.key in first and not (priors / job.prior_key).exists()
        return len(job.train) if fits else 0

    return sorted(jobs, key=photos_to_fit, reverse=True)


def _groups(parts_of: Mapping[str, Sequence[Part]], held_out: Mapping[str, Mapping[str, str]]) -> Groups:
    """For each person the photos that are inverted at once with theirs: a descent on many takes little longer."""

    def photos() -> Iterator[PhotoToInvert]:
        for person, parts in parts_of.items():
            for part in parts:
                for case in part.cases if not part.guests else ():
                    if case.photo is not None:
                        yield PhotoToInvert(person, case.image, held_out[person][case.image], case.seed)

    every = list(dict.fromkeys(photos()))
    found: dict[str, tuple[PhotoToInvert, ...]] = {}
    for start in range(0, len(every), TOGETHER):
        group = every[start : start + TOGETHER]
        for person in dict.fromkeys(photo.person for photo in group):
            found[person] = (*found.get(person, ()), *group)
    return found


def _require_distinct(jobs: Sequence[Job]) -> None:
    """Raises ValueError if two cases of a row have one name: the second would take the first one's image."""
    seen = Counter((job.method, job.person, job.seed, case.name) for job in jobs for case in job.cases)
    for (row, person, _, case), times in seen.most_common(1):
        if times > 1:
            raise ValueError(f"suite {jobs[0].suite}: {times} cases named {case!r} of {person}, row {row}")


def _turns(jobs: Sequence[Job]) -> dict[str, tuple[int, int]]:
    """When a job's turn comes, by key: 0 the first of those with its prior, 1 the others, 2 and 3 those without.

    Of these the first one of a row, seed and person, or group of strangers, comes before the others, which find the
    photos inverted: side by side, one would wait for the other. So the rest of a group comes row by row.
    """
    first = _first_with_their_priors(jobs)
    rows = {name: i for i, name in enumerate(dict.fromkeys(job.method for job in jobs))}
    inverting = set({(job.method, job.together or job.person, job.seed): job.key for job in reversed(jobs)}.values())

    def turn(job: Job) -> tuple[int, int]:
        if job.prior_key is not None:
            return int(job.key not in first), 0
        return (2, 0) if job.key in inverting else (3, rows[job.method] if job.together else 0)

    return {job.key: turn(job) for job in jobs}


def _first_with_their_priors(jobs: Sequence[Job]) -> set[str]:
    """Keys of the jobs that fit a prior if it is not there: one for each."""
    return set({job.prior_key: job.key for job in reversed(jobs) if job.prior_key is not None}.values())


def describe(
    suite: Suite,
    methods: Mapping[str, Any],
    metrics: Mapping[str, Metric],
    jobs: Sequence[Job],
    absent: Mapping[str, str],
) -> SuiteRecord:
    """suite.json: everything that tables and figures need to know and that is not in a record.

    ``absent`` are the published rows that this run is without, name to title; they stand above the methods.
    """
    rows = [RowRecord(name=name, title=title, kind="published") for name, title in absent.items()]
    for name, method in methods.items():
        row = suite.rows.get(name)
        title = row.title if isinstance(row, Variant) else method.title
        rows.append(RowRecord(name=name, title=title, kind="floor" if name in suite.floors else "method"))
    rows += [RowRecord(name=r.name, title=r.title, kind=r.kind, group=r.group) for r in suite.references]
    met = {job.part.condition: job.part.level for job in jobs}
    return SuiteRecord(
        name=suite.name,
        title=suite.title,
        version=suite.version,
        paper=suite.paper,
        dose=suite.dose,
        statistic=suite.statistic,
        conditions=tuple(
            ConditionRecord(name=name, title=title, level=met[name])
            for name, title in (suite.conditions or {"": ""}).items()
            if name in met
        ),
        figures=tuple(
            FigureRecord(kind=f.kind, name=f.name, caption=f.caption, options=f.options) for f in suite.figures
        ),
        metrics=tuple(
            MetricRecord(
                name=metric.name,
                label=metric.label,
                description=metric.description,
                unit=metric.unit,
                higher_is_better=metric.higher_is_better,
                range=metric.range,
                shares_network_with_loss=metric.network == "perceptual",  # which the losses of all methods use
                norm=metric.norm,
            )
            for metric in metrics.values()
        ),
        methods=tuple(rows),
        published=suite.published,
        jobs=tuple(job.key for job in jobs),
    )


def content_hash(content: Any) -> str:
    """The hash of plain data (dataclasses, mappings, sequences, numbers, text): equal content, equal hash.

    Raises TypeError for anything else, because its text could hold an address and change from run to run.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def plain(value: Any) -> Any:
    """Settings, parameters or a case as JSON data."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} is not plain data: {value!r}")


def _hashes(photos: Sequence[Photo]) -> dict[str, str]:
    return {photo.file: photo.sha256 for photo in photos}
