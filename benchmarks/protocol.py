"""What a suite, a case and a metric are.

A suite sees the clean photos and keeps them: a method is handed the degraded images, the degradation and the seeds of
the items. What a method returns is composited by the degradation, written to PNG, read back, and only then measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mystyle.domain import Domain
    from mystyle.types import Degradation, Image, Mask, Portraits


PRESETS = ("smoke", "quick", "full", "paper")  # of every suite and every method
SCORED_AT_ONCE = 32  # images; bounds the memory and changes no number beyond rounding


class Inapplicable(Exception):
    """This cell of the table has no value by nature, and the message says why: a dash, not a failure."""


@dataclass(frozen=True)
class Case:
    """One degraded photo of one person."""

    name: str  # unique within a person and seed, and a file name, e.g. "0007-eyes"
    photo: int  # position in the person's held-out set
    file: str  # that photo's name, relative to the person's folder
    seed: int  # of the noise of whatever method restores it
    mask: str = ""  # rule of datasets.masks
    mask_seed: int = 0
    dose: float | None = None  # in suites that turn a knob: how far


@dataclass(frozen=True)
class Problem:
    """The cases of a person as tensors, in the order of the cases; only the last two reach a method."""

    clean: Image
    mask: Mask
    degraded: Image
    degradation: Degradation


@dataclass(frozen=True)
class Evaluation:
    """What a metric sees: n outputs as read back from PNG, and everything that they can be compared with."""

    outputs: Image  # [n, 3, h, w]
    clean: Image  # [n, 3, h, w], the photo that each case was made from
    degraded: Image  # [n, 3, h, w]
    mask: Mask  # [n, 1, h, w]
    sources: tuple[int, ...]  # position of each case's own photo in ``held_out``
    train: Portraits  # the reference set
    held_out: Portraits
    domain: Domain

    def apply(self, network: Callable[..., Tensor], *images: Image) -> Tensor:
        """``network(*images)`` in batches on the domain's device; the result on the CPU. Photos of 1024 px need it."""
        import torch

        with torch.inference_mode():
            batches = zip(*(x.split(SCORED_AT_ONCE) for x in images), strict=True)
            return torch.cat([network(*(x.to(self.domain.device) for x in batch)).cpu() for batch in batches])


@dataclass(frozen=True)
class Metric:
    """A number per image."""

    name: str  # the file's name
    version: int  # raised whenever a value may change; part of every job's key
    label: str  # column header
    description: str  # one line: what is measured, and on which network
    higher_is_better: bool
    range: tuple[float | None, float | None]  # None where unbounded
    unit: str  # "" for pure numbers
    network: Literal["features", "perceptual"] | None  # of the domain; the table marks it where losses use it too
    compute: Callable[[Evaluation], Tensor]  # [n]; NaN or Inapplicable where there is no value


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


class SuiteSettings(Protocol):
    """The frozen settings of a suite; one object per preset. All of it enters the jobs' keys through the cases."""

    people: tuple[str, ...]  # rows of Table 5, by the names of datasets.splits.CELEBRITIES
    summary: str  # one line for ``benchmarks.list``: what it runs and how long that takes


@dataclass(frozen=True)
class Suite:
    """A task that methods are put through, with the protocol of one table of a paper."""

    name: str  # the file's name
    version: int  # raised whenever a number may change; part of every job's key
    title: str
    metrics: tuple[str, ...]
    references: tuple[Reference, ...]  # in table order, below the methods
    presets: Mapping[str, SuiteSettings]
    cases: Callable[[str, Sequence[str], Any, int], tuple[Case, ...]]
    # (person, names of the held-out photos, settings, seed) -> the cases of that person
    problem: Callable[[Portraits, Sequence[Case]], Problem]
    # (held-out photos, cases) -> the cases as tensors, in their order
    solve: Callable[[Any, Problem, Sequence[Case]], Image] | None = None
    # (prior, problem, cases) -> the final pictures, composited; OutputError for anything that is not a picture
    verb: type | None = None  # the protocol of mystyle.types that a prior must have; None where no method takes part
    methods: tuple[str, ...] = ()  # run by default, in table order; others that are asked for come before them
    floors: frozenset[str] = frozenset()  # the methods among them that set a floor rather than compete
    figure: str = ""  # the paper's figure that ours is laid out as
    columns: tuple[str, ...] = ()  # methods and references that the figure shows, left to right
    published: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    # method to metric to (mean, standard deviation); those that a run is without keep their row
    published_source: str = ""
    dose: str = ""  # of suites whose rows turn a knob: what the cases' dose means; the numbers are rank correlations

    def reference(self, name: str) -> Reference:
        """The reference row of that name."""
        return next(reference for reference in self.references if reference.name == name)


class OutputError(RuntimeError):
    """Something that should be a picture is not: the wrong shape, or not a number."""


def check_output(output: Image, expected: Image) -> None:
    """Raises OutputError unless ``output`` has the shape of ``expected`` and is finite everywhere."""
    if tuple(output.shape) != tuple(expected.shape):
        raise OutputError(f"pictures of shape {tuple(output.shape)}, expected {tuple(expected.shape)}")
    if not output.isfinite().all():
        raise OutputError("values that are not finite")
