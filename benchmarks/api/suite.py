"""What a suite is: the protocol of one table or figure of a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from benchmarks.api.metric import Evaluation
from benchmarks.api.published import Published
from benchmarks.api.task import Case, Part, Person, Problem

if TYPE_CHECKING:
    from mystyle.types import Image, Portraits

Parts = Callable[[Person, Sequence[Person], Any, int], tuple[Part, ...]]
"""(person, everybody in the run, settings, seed) -> what there is to do for that person"""


@dataclass(frozen=True)
class Variant:
    """A row of the suite that is a method with other settings. Where those of the fit are the same, so is the prior."""

    name: str
    title: str
    method: str
    change: Callable[[Any, Part], Any]  # (settings of the preset, part) -> settings; of a module, so that it travels


@dataclass(frozen=True)
class Reference:
    """A row of the table that no method fills: real photos as the ceiling, other people as the floor, or a factor."""

    name: str
    title: str
    kind: Literal["floor", "ceiling", "factor"]
    metrics: tuple[str, ...]  # the metrics that mean something for it
    needs_other_people: bool
    outputs: Callable[[Problem, Sequence[Portraits], Sequence[Case]], Image | Iterable[Image]]
    # (problem, other people's held-out, cases) -> [n, 3, R, R], or batches of them; Inapplicable where there are none
    group: str = ""  # factors of one group are plotted together
    parts: Parts | None = None  # None: the suite's


@dataclass(frozen=True)
class Figure:
    """A figure of the suite's report."""

    kind: str  # a file of reports/figures
    name: str  # of its files
    caption: str
    options: Mapping[str, Any] = field(default_factory=dict)  # of the kind


@dataclass(frozen=True)
class Strangers:
    """Many people, one photo each, without reference photos."""

    count: int


class SuiteSettings(Protocol):
    """The frozen settings of a suite; one object per preset. All of it enters the jobs' keys through the cases."""

    @property
    def people(self) -> tuple[str, ...] | Strangers:
        """Rows of Table 5, by the names of datasets.splits.CELEBRITIES, or people with one photo each."""
        ...

    @property
    def summary(self) -> str:
        """One line for ``benchmarks.list``: what it runs and how long that takes."""
        ...


@dataclass(frozen=True)
class Suite:
    """The protocol of one table or figure of a paper: tasks, rows, metrics, conditions, figures."""

    name: str  # the file's name
    version: int  # raised whenever a number may change; part of every job's key
    title: str
    metrics: tuple[str, ...]
    presets: Mapping[str, SuiteSettings]
    parts: Parts  # what there is to do; every part names its task
    methods: tuple[str | Variant, ...] = ()
    # run by default, in table order; others that are asked for come before them
    references: tuple[Reference, ...] = ()  # in table order, below the methods
    floors: frozenset[str] = frozenset()  # the methods among them that set a floor rather than compete
    conditions: Mapping[str, str] = field(default_factory=dict)  # key to title, in table order
    splits: tuple[str, ...] = ("test",)  # the photos that are held out
    rendered_only: bool = False  # whether it needs the true parameters of rendered people
    companions: Callable[[Evaluation, int], Mapping[str, Image]] | None = None
    # (evaluation, n) -> images to be shown beside the first n outputs, [n, 3, R, R] each by name
    paper: str = ""  # which table and figure of the paper this is
    figures: tuple[Figure, ...] = ()
    published: tuple[Published, ...] = ()  # rows that a run is without keep their place
    dose: str = ""  # of parameter-sweep suites: what the cases' dose means
    statistic: Literal["mean", "rank_correlation"] = "mean"  # the table's numbers: over images, or with the dose

    def reference(self, name: str) -> Reference:
        """The reference row of that name."""
        return next(reference for reference in self.references if reference.name == name)

    @property
    def rows(self) -> dict[str, str | Variant]:
        """The methods by name."""
        return {method if isinstance(method, str) else method.name: method for method in self.methods}
