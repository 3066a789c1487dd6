"""What record.json and suite.json hold, as types, and how the files of earlier versions are read.

Schema 1 had no conditions at first, and no attempts, sizes and metrics; schema 2 had neither the task's parameters nor
what else enters a job's key (``fitted_by``, ``reference``, ``kept``, ``train``, ``others``), and its suite.json had no
version, one source of published numbers, and a figure's options beside its name.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.api.published import Number, Published

SCHEMA = 3
STATUSES = ("done", "failed", "inapplicable")  # of a row; a job is one of the first two
DEEPEST = 30  # levels of nested JSON; what we write has less than ten
LARGEST = 2**63  # integers of tables have 64 bits

T = TypeVar("T")
Content = Mapping[str, Any]  # JSON data that is opaque here: settings, parameters, the environment


class RecordError(ValueError):
    """A file of a run that cannot be used; the message names it and the way out."""


# A job


@dataclass(frozen=True, kw_only=True)
class CaseRecord:
    """One image that was wanted of a job."""

    case: str  # unique within a person and seed, and the name of its files
    image: str  # the photo, or whatever else it was made from
    other: int | None = None  # position of a second photo among the held-out ones
    of: str = ""  # the case that it is compared with
    edits: tuple[tuple[str, float], ...] = ()  # (attribute, strength), one after the other
    mask: str = ""
    mask_seed: int = 0
    seed: int = 0
    dose: float | None = None


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """Everything that decides the result of a job: what its key is the hash of, and the name of its preset."""

    key: str
    suite: str
    suite_version: int
    method: str  # the row of the table
    fitted_by: str  # the method behind it; "" for references, and in older records
    method_version: int
    reference: bool
    person: str
    seed: int
    settings: Content | None
    task: str = ""  # not in older records
    params: Content  # of the task
    preset: str
    domain: str
    metrics: Mapping[str, int]  # name to version
    cases: tuple[CaseRecord, ...]
    condition: str
    level: float | None  # of the condition on the axis of a figure
    kept: int | None  # images kept as files, the first ones; None: all
    prior_of: str  # whose prior made the images
    train: tuple[str, ...] | None  # the reference photos of the prior, where they are not all
    others: tuple[str, ...]  # other people whose photos a reference row is made of, in this order
    photos_fitted: int | None = None
    weights: Mapping[str, str]  # file to SHA-256
    photos: Mapping[str, str]  # person/split/file to SHA-256, of every photo that the job reads


@dataclass(frozen=True, kw_only=True)
class PriorRecord:
    """Where the prior of a job came from."""

    key: str | None  # None where nothing is fitted
    cached: bool = False
    seconds: float = 0.0  # of the fit, whoever made it
    megabytes: float | None = None
    damaged: str = ""  # what was wrong with the one on disk, which was fitted again


@dataclass(frozen=True, kw_only=True)
class Record(JobRecord):
    """record.json: a job, how it ended, and what it cost."""

    schema: int = SCHEMA
    status: str  # "done" or "failed"
    reason: str  # "" if done
    traceback: str = ""
    attempts: int
    seconds: Mapping[str, float]  # by stage
    stored_mb: float | None  # of the prior
    peak_memory_mb: float | None = None
    prior: PriorRecord | None = None
    environment: Content
    created: str  # ISO 8601, UTC
    rows: int | None = None  # of metrics.csv; this and the next two are None in older records
    metrics_sha256: str | None = None  # of metrics.csv
    images: int | None = None  # files


# A suite


@dataclass(frozen=True, kw_only=True)
class ConditionRecord:
    name: str
    title: str = ""
    level: float | None = None


@dataclass(frozen=True, kw_only=True)
class FigureRecord:
    kind: str  # a file of reports/figures
    name: str  # of its files
    caption: str = ""
    options: Content = field(default_factory=dict)  # of the kind


@dataclass(frozen=True, kw_only=True)
class MetricRecord:
    name: str
    label: str = ""
    description: str = ""
    unit: str = ""
    higher_is_better: bool | None
    range: tuple[float | None, float | None] = (None, None)  # None where unbounded
    shares_network_with_loss: bool = False
    norm: float | None = None  # what new photos of the person have in the mean

    @property
    def heading(self) -> str:
        """The label, with an arrow to the better values where one end is better."""
        return self.label + {True: " \u2191", False: " \u2193", None: ""}[self.higher_is_better]


@dataclass(frozen=True, kw_only=True)
class RowRecord:
    name: str
    title: str
    kind: str  # method, floor, ceiling, factor, or published: numbers of a paper alone
    group: str = ""  # of factors


@dataclass(frozen=True, kw_only=True)
class SuiteRecord:
    """suite.json: what tables and figures need beside the records, and the current jobs."""

    schema: int = SCHEMA
    name: str
    title: str = ""
    version: int = 1
    paper: str = ""
    dose: str = ""  # of parameter-sweep suites: what a dose means
    statistic: str = "mean"  # or rank_correlation: what the table's numbers are, over images or with the dose
    conditions: tuple[ConditionRecord, ...]
    figures: tuple[FigureRecord, ...] = ()
    metrics: tuple[MetricRecord, ...]
    methods: tuple[RowRecord, ...]  # the rows, in table order
    published: tuple[Published, ...] = ()
    budget: Mapping[str, float | None] = field(default_factory=dict)  # seconds per fit and per image, where equal
    longer: Mapping[str, float] = field(default_factory=dict)  # fits of rows that are so many times the preset's
    jobs: tuple[str, ...]

    @property
    def is_sweep(self) -> bool:
        """Whether the numbers are rank correlations with a dose instead of means."""
        return self.statistic == "rank_correlation"

    def published_numbers(self, row: str, metric: str, condition: str) -> dict[str, Number]:
        """What papers report for a cell of the table, by source."""
        found = ((source.source, source.number(row, metric, condition)) for source in self.published)
        return {source: number for source, number in found if number is not None}

    def sources(self, metric: str) -> tuple[str, ...]:
        """The papers that report the metric for some row."""
        return tuple(dict.fromkeys(source.source for source in self.published if source.reports(metric)))


# Reading


def parse_record(content: Content, path: Path) -> Record:
    """A record of any known schema. Raises RecordError, naming ``path``."""
    way_out = "delete the job's folder and run again"
    record = _parse(Record, content, _RECORDS, path, way_out)
    if record.status not in STATUSES[:2]:
        raise RecordError(f"{path}: missing or wrong: status; {way_out}")
    if wrong := [case.case for case in record.cases if "/" in case.case or case.case in ("", ".", "..")]:
        raise RecordError(f"{path}: {wrong[0][:80]!a} cannot be the name of a case; {way_out}")
    return record


def parse_suite(content: Content, path: Path) -> SuiteRecord:
    """The suite.json of any known schema. Raises RecordError, naming ``path``."""
    way_out = "run the suite again"
    suite = _parse(SuiteRecord, content, _SUITES, path, way_out)
    names = (suite.name, *(figure.name for figure in suite.figures))
    wrong = [name for name in names if not re.fullmatch(r"\w[\w.-]{,99}", name)]
    wrong += [key for key in suite.jobs if not re.fullmatch(r"\w[\w .-]{,99}", key)]
    if wrong:
        raise RecordError(f"{path}: {wrong[0][:80]!a} cannot be the name of a file; {way_out}")
    return suite


def _parse(
    kind: type[T], content: Content, older: Mapping[int, Callable[[Content], Content]], path: Path, way_out: str
) -> T:
    """An object of ``kind`` from content of any known schema; ``older`` leads from one schema to the next."""
    schema = content.get("schema", 2 if kind is SuiteRecord else None)
    if type(schema) is not int or schema not in (*older, SCHEMA):
        known = f"schema {schema!a:.20}, this version reads {min(older)} to {SCHEMA}"
        raise RecordError(f"{path}: {known}; update the project, or {way_out}")
    for version in range(schema, SCHEMA):
        content = older[version](content)
    return parse(kind, {**content, "schema": SCHEMA}, path, way_out)


def parse(kind: type[T], content: Content, path: Path, way_out: str) -> T:
    """JSON data as a dataclass; other entries are ignored. Raises RecordError, naming ``path``."""
    try:
        made: T = _typed(kind, content)
    except _Wrong as error:
        raise RecordError(f"{path}: missing or wrong: {error}; {way_out}") from error
    return made


def _record_from_1(content: Content) -> Content:
    absent: Content = {"condition": "", "level": None, "prior_of": content.get("person"), "metrics": {}}
    return {**absent, "attempts": 1, "stored_mb": None, **content}


def _record_from_2(content: Content) -> Content:
    absent: Content = {"fitted_by": "", "reference": False, "kept": None, "train": None, "others": ()}
    return {**absent, "params": {}, **content}


def _suite_from_2(content: Content) -> Content:
    """Also of the first version, which had no conditions."""
    found = {"conditions": [{"name": ""}], **content, "name": content.get("suite")}
    found["figures"] = _each(found.get("figures", []), lambda figure: {**figure, "options": _options(figure)})
    numbers = found.pop("published", {})
    source, condition = (found.pop(f"published_{name}", "") for name in ("source", "condition"))
    one = {"source": source, "condition": condition, "values": _pairs(numbers)}
    statistic = "rank_correlation" if found.get("dose") else "mean"
    return found | {"published": [one] if numbers else [], "statistic": statistic}


def _each(entries: Any, change: Callable[[Content], Content]) -> Any:
    """A list of objects, each changed; anything else as it is, for the check of types."""
    objects = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    return [change(entry) for entry in entries] if objects else entries


def _options(figure: Content) -> Content:
    return {name: value for name, value in figure.items() if name not in ("kind", "name", "caption")}


def _pairs(published: Any) -> Any:
    """Published numbers as a mean or a pair; whatever is not of the older form is left for the check of types."""
    if not isinstance(published, Mapping):
        return published
    if "mean" in published:
        mean, std = published["mean"], published.get("std")
        return mean if std is None else [mean, std]
    return {name: _pairs(inner) for name, inner in published.items()}


_RECORDS = {1: _record_from_1, 2: _record_from_2}
_SUITES = {2: _suite_from_2}


class _Wrong(Exception):
    """Data that is not of the type; the text is the name of the field."""


def _typed(kind: Any, value: Any, name: str = "content") -> Any:
    """JSON data as an object of the type: a dataclass, a tuple, a mapping, a union of types, or a plain type."""
    if kind is Any:
        return value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        made, wrong = {}, []
        for entry, (inner, required) in _fields(kind).items():
            if entry in value:
                try:
                    made[entry] = _typed(inner, value[entry], entry)
                except _Wrong as error:
                    wrong.append(str(error))
            elif required:
                wrong.append(entry)
        if wrong:
            raise _Wrong(", ".join(wrong))
        return kind(**made)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        for option in inner:
            try:
                return _typed(option, value, name)
            except _Wrong as error:
                found = error
        raise found
    if origin is tuple and isinstance(value, list | tuple):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return tuple(_typed(each, item, name) for each, item in zip(kinds, value, strict=True))
    if origin is Mapping and isinstance(value, Mapping):
        return {key: _typed(inner[1], item, name) for key, item in value.items()}
    plain = {float: (int, float)}.get(kind, kind)
    if origin is None and isinstance(value, plain) and (kind is bool or not isinstance(value, bool)):
        return value
    raise _Wrong(name)


@functools.cache
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """The type of each field of a dataclass, and whether it has no default."""
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return {
        entry.name: (hints[entry.name], entry.default is missing and entry.default_factory is missing)
        for entry in dataclasses.fields(kind)
    }


def check_plain(value: Any, deepest: int = DEEPEST) -> None:
    """Raises ValueError for JSON that we never write: nested deeply, infinite, beyond 64 bits, or no text."""
    if deepest == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        value.encode()  # a UnicodeEncodeError for half a character
    elif isinstance(value, int | float) and not (math.isfinite(value) and -LARGEST <= value < LARGEST):
        raise ValueError("a number out of range")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            name.encode()
            check_plain(inner, deepest - 1)
    elif isinstance(value, list):
        for inner in value:
            check_plain(inner, deepest - 1)


def flat(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested JSON objects as dotted names and values."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from flat(value, f"{prefix}{name}.")
    else:
        yield prefix.rstrip("."), content
