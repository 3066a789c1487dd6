"""What a suite, a case and a metric are.

A suite sees the clean photos and keeps them: a method is handed the degraded images, the degradation and the seeds
of the items. What a method returns is composited by the degradation, written to PNG, read back, and only then
measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from benchmarks.api.published import Published

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from datasets.folders import Photo
    from mystyle.domains.domain import Domain
    from mystyle.types import Degradation, Image, Mask, Portraits


PRESETS = ("smoke", "quick", "full", "paper")  # of every suite and every method
SCORED_AT_ONCE = 32  # images; bounds the memory and changes no number beyond rounding

Of = Literal["outputs", "clean", "train", "subject", "held_out"]


class Inapplicable(Exception):
    """This cell of the table has no value by nature, and the message says why: a dash, not a failure."""


@dataclass(frozen=True)
class Person:
    """A person of the run: the folder, and what is in it."""

    name: str
    folder: Path
    train: tuple[Photo, ...]
    held_out: tuple[Photo, ...]  # of the suite's splits

    @property
    def files(self) -> list[str]:
        """The names of the held-out photos."""
        return [photo.file for photo in self.held_out]


@dataclass(frozen=True)
class Case:
    """One picture that is wanted of a method: a photo restored, an edit, a sample."""

    name: str  # unique within a person and seed, and a file name, e.g. "0007-eyes"
    file: str  # what it is made from, whose cases stay together in statistics: a photo, relative to the person's folder
    seed: int  # of the noise of whatever method makes it
    photo: int | None = None  # position of that photo in the person's held-out set; None where there is none
    mask: str = ""  # rule of datasets.masks
    mask_seed: int = 0
    factor: float | None = None  # of down-sampling
    dose: float | None = None  # where a knob is turned: how far


@dataclass(frozen=True)
class Part:
    """What one job does for one person: the cases of one condition of the suite."""

    cases: tuple[Case, ...]
    condition: str = ""  # a key of the suite's ``conditions``; "" where there is one only
    level: float | None = None  # of that condition on the axis of a figure
    train: tuple[str, ...] | None = None  # the reference photos to build the prior from; None: all
    prior_of: str = ""  # whose prior; "": the person's own
    kept: int | None = None  # pictures kept as files, the first ones; None: all
    how: Any = None  # whatever else decides the pictures, as plain data


Parts = Callable[[Person, Sequence[Person], Any, int], tuple[Part, ...]]
"""(person, everybody in the run, settings, seed) -> what there is to do for that person"""


@dataclass(frozen=True)
class Problem:
    """The cases of a job as tensors, in the order of the cases; only the last two reach a method that restores."""

    clean: Image | None = None  # [n, 3, R, R], the photo that each case is made from
    mask: Mask | None = None  # [n, 1, R, R], where something is hidden
    degraded: Image | None = None  # [n, 3, h, w], shown as the input
    degradation: Degradation | None = None


@dataclass(frozen=True)
class Answer:
    """What became of a problem."""

    pictures: Image | Iterable[Image]  # the final ones, [n, 3, R, R], or batches of them where they are many
    facts: Mapping[str, Tensor] = field(default_factory=dict)  # [n] each: what a picture does not show, for metrics


@dataclass(frozen=True)
class Evaluation:
    """What a metric sees: n outputs as read back from PNG, and everything that they can be compared with."""

    pixels: Tensor  # [n, 3, R, R] uint8
    problem: Problem
    cases: tuple[Case, ...]
    train: Portraits  # the reference set, of whom the prior is
    subject: Portraits  # the reference set of whoever is in the photos; nearly always the same
    held_out: Portraits
    domain: Domain
    facts: Mapping[str, Tensor] = field(default_factory=dict)
    memory: dict[Any, Any] = field(default_factory=dict)  # what was computed, for other metrics and other jobs

    @property
    def outputs(self) -> Image:
        """[n, 3, R, R]; not for thousands of them, which ``apply`` takes as ``pixels``."""
        from mystyle.types import from_uint8

        return from_uint8(self.pixels)

    @property
    def clean(self) -> Image:
        """The photo that each case is made from. Raises Inapplicable where there is none."""
        if self.problem.clean is None:
            raise Inapplicable("no photo belongs to the picture")
        return self.problem.clean

    @property
    def mask(self) -> Mask:
        """Raises Inapplicable where nothing is hidden."""
        if self.problem.mask is None:
            raise Inapplicable("there is no filled hole")
        return self.problem.mask

    def apply(self, network: Callable[..., Tensor], *images: Image) -> Tensor:
        """``network(*images)`` in batches on the domain's device; the result on the CPU. Photos of 1024 px need it."""
        import torch

        with torch.inference_mode():
            return torch.cat([network(*batch).cpu() for batch in self.batches(*images)])

    def batches(self, *images: Image) -> Iterator[tuple[Image, ...]]:
        """Images, float or uint8, some at a time as float on the domain's device."""
        import torch

        from mystyle.types import from_uint8

        for parts in zip(*(x.split(SCORED_AT_ONCE) for x in images), strict=True):
            on_device = (x.to(self.domain.device) for x in parts)
            yield tuple(from_uint8(x) if x.dtype == torch.uint8 else x for x in on_device)

    def deep(self, of: Of) -> Tensor:
        """The features of MAPS [n, d] of the outputs or of a set of photos."""
        return self.once(("deep", of), lambda: self.apply(self.domain.features.deep, self._pictures(of)))

    def identity(self, of: Of) -> Tensor:
        """Identity embeddings [n, e] of unit norm."""
        return self.apply(self.domain.features.identity_of, self.deep(of))

    def attributes(self, of: Of) -> dict[str, Tensor]:
        """Attributes ``{name: [n]}`` that the feature network reads, in standard deviations of the population."""
        import torch

        with torch.inference_mode():
            read = self.domain.features.regress(self.deep(of).to(self.domain.device)).cpu()
        return dict(zip(self.domain.features.attribute_names, read.T, strict=True))

    def once(self, key: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """``compute()``, or what it gave before. Sets of photos in ``key`` stand for their content in every job."""
        sets = ("train", "subject", "held_out")
        key = tuple(getattr(self, part).hashes if part in sets else part for part in key)
        if key not in self.memory:
            self.memory[key] = compute()
        return self.memory[key]

    def _pictures(self, of: Of) -> Image | Tensor:
        if of == "outputs":
            return self.pixels
        return self.clean if of == "clean" else getattr(self, of).images


@dataclass(frozen=True)
class Metric:
    """A number per image, or numbers that belong to several images together."""

    name: str  # the file's name
    version: int  # raised whenever a value may change; part of every job's key
    label: str  # column header
    description: str  # one line: what is measured, and on which network
    higher_is_better: bool | None  # None where neither is
    range: tuple[float | None, float | None]  # None where unbounded
    unit: str  # "" for pure numbers
    network: Literal["features", "perceptual"] | None  # of the domain; the table marks it where losses use it too
    compute: Callable[[Evaluation], Tensor | Mapping[str, float]]
    # [n] of the cases, or {item: value} of what else is counted (clusters, photos, the whole set); NaN or Inapplicable
    # where there is no value


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
    outputs: Callable[
        [Problem, Sequence[Portraits], Sequence[Case]], Image
    ]  # (problem, other people's held-out, cases)
    group: str = ""  # factors of one group are drawn together
    parts: Parts | None = None  # None: the suite's


@dataclass(frozen=True)
class Figure:
    """A figure of the suite's report."""

    kind: str  # a file of reports/figures
    name: str  # of its files
    caption: str
    options: Mapping[str, Any] = field(default_factory=dict)  # of the kind


class SuiteSettings(Protocol):
    """The frozen settings of a suite; one object per preset. All of it enters the jobs' keys through the cases."""

    people: tuple[str, ...]  # rows of Table 5, by the names of datasets.splits.CELEBRITIES
    summary: str  # one line for ``benchmarks.list``: what it runs and how long that takes


@dataclass(frozen=True)
class Suite:
    """A task that methods are put through, with the protocol of one table or figure of a paper."""

    name: str  # the file's name
    version: int  # raised whenever a number may change; part of every job's key
    title: str
    metrics: tuple[str, ...]
    presets: Mapping[str, SuiteSettings]
    parts: Parts
    problem: Callable[[Portraits, Part], Problem]
    # (held-out photos, part) -> the cases as tensors, in their order
    solve: Callable[[Any, Problem, Part, Domain], Answer] | None = None
    # (prior, problem, part, domain) -> the final pictures; OutputError for anything that is not a picture
    verb: type | None = None  # the protocol of mystyle.types that a prior must have; None where no method takes part
    methods: tuple[str | Variant, ...] = ()
    # run by default, in table order; others that are asked for come before them
    references: tuple[Reference, ...] = ()  # in table order, below the methods
    floors: frozenset[str] = frozenset()  # the methods among them that set a floor rather than compete
    conditions: Mapping[str, str] = field(default_factory=dict)  # key to title, in table order
    splits: tuple[str, ...] = ("test",)  # the photos that are held out
    files: tuple[str, ...] = ()  # of the domain, beside its networks, that decide pictures
    companions: Callable[[Evaluation, int], Mapping[str, Image]] | None = None
    # (evaluation, n) -> pictures to be shown beside the first n outputs, [n, 3, R, R] each by name
    paper: str = ""  # which table and figure of the paper this is
    figures: tuple[Figure, ...] = ()
    published: tuple[Published, ...] = ()  # rows that a run is without keep their numbers
    dose: str = ""  # of suites whose rows turn a knob: what the cases' dose means; the numbers are rank correlations

    def reference(self, name: str) -> Reference:
        """The reference row of that name."""
        return next(reference for reference in self.references if reference.name == name)

    @property
    def rows(self) -> dict[str, str | Variant]:
        """The methods by name."""
        return {method if isinstance(method, str) else method.name: method for method in self.methods}


class OutputError(RuntimeError):
    """Something that should be a picture is not: the wrong shape, or not a number."""


def check_output(output: Image, expected: Image) -> None:
    """Raises OutputError unless ``output`` has the shape of ``expected`` and is finite everywhere."""
    if tuple(output.shape) != tuple(expected.shape):
        raise OutputError(f"pictures of shape {tuple(output.shape)}, expected {tuple(expected.shape)}")
    if not output.isfinite().all():
        raise OutputError("values that are not finite")
