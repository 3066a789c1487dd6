"""What a task asks of a prior, case by case.

A task sees the clean photos and keeps them: a method is handed the degraded images, the degradation and the seeds of
the items. What comes back is composited by the degradation, written to PNG, read back, and only then measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from datasets.folders import Photo
    from mystyle.domains.domain import Domain
    from mystyle.inversion import Inversion
    from mystyle.protocols import Inverts
    from mystyle.types import Degradation, Image, Mask, Portraits

PRESETS = ("smoke", "quick", "full", "paper")  # of every suite and every method


class Inapplicable(Exception):
    """This cell of the table has no value by nature, and the message says why: a dash, not a failure."""


class OutputError(RuntimeError):
    """Something that should be an image is not: the wrong shape, or not a number."""


@dataclass(frozen=True)
class Person:
    """A person of the run: the folder, and what is in it. Strangers have no reference photos."""

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
    """One image that is wanted of a method: a photo restored, an edit, a sample."""

    name: str  # unique within a person and seed, and a file name, e.g. "0007-eyes"
    image: str  # what it is made from, whose cases stay together in statistics: a photo relative to the person's folder
    seed: int  # of the noise of whatever method makes it
    photo: int | None = None  # position of that photo in the held-out set, guests' included; None where there is none
    other: int | None = None  # position of a second photo, to interpolate to or to mix with
    of: str = ""  # the case that this one is compared with, by name
    edits: tuple[tuple[str, float], ...] = ()  # (attribute, strength), one after the other
    mask: str = ""  # rule of datasets.masks
    mask_seed: int = 0
    dose: float | None = None  # where a parameter is swept: its value


@dataclass(frozen=True)
class Part:
    """What one job does for one person: cases of one task and one condition of the suite."""

    task: Task
    cases: tuple[Case, ...]
    condition: str = ""  # a key of the suite's ``conditions``; "" where there is one only
    level: float | None = None  # of that condition on the axis of a figure
    train: tuple[str, ...] | None = None  # the reference photos to build the prior from; None: all
    prior_of: str = ""  # whose prior; "": the person's own
    kept: int | None = None  # images kept as files, the first ones; None: all
    guests: tuple[str, ...] = ()  # other people of the run, whose held-out photos follow the person's own


@dataclass(frozen=True)
class Problem:
    """The cases of a job as tensors, in the order of the cases; only the last two reach a method that restores."""

    clean: Image | None = None  # [n, 3, R, R], the photo that each case is made from
    mask: Mask | None = None  # [n, 1, R, R], where something is hidden
    degraded: Image | None = None  # [n, 3, h, w], shown as the input
    degradation: Degradation | None = None


@dataclass(frozen=True)
class MethodOutput:
    """Images and per-image diagnostics."""

    images: Image | Iterable[Image]  # the final ones, [n, 3, R, R], or batches of them where they are many
    facts: Mapping[str, Tensor] = field(default_factory=dict)  # [n] each: what an image does not show, for metrics


class Resources(Protocol):
    """What a task may use besides the prior."""

    @property
    def domain(self) -> Domain: ...

    def invert(self, prior: Inverts, images: Image, seeds: Sequence[int]) -> Inversion:
        """``prior.invert``, each image once for all tasks, attributes, editors and suites: the rest is cached."""
        ...

    def cached(
        self, keys: Sequence[Mapping[str, Any]], compute: Callable[[Sequence[int]], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """A fit of images: tensors by name, [len(keys), ...] each; ``keys`` are plain data, one for each image.

        ``compute`` is given the positions that are not cached yet, and returns their rows. The prior is part of the
        key.
        """
        ...


class Task(Protocol):
    """A frozen dataclass whose fields are the task's parameters: they are hashed and recorded whole.

    A task is a file of ``benchmarks/tasks``; its module-level ``TASK`` is the class.
    """

    name: ClassVar[str]
    """the file's name"""
    verb: ClassVar[type | None]
    """the protocol of ``mystyle.protocols`` that a prior must have; None where no method takes part"""

    @property
    def version(self) -> str:
        """Raised whenever an image may change; part of every job's key."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """Files beside the domain's weights that decide images."""
        ...

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """The cases as tensors, of the held-out ``photos``."""
        ...

    def solve(self, prior: Any, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """The prior's final images. Raises OutputError for anything that is not an image."""
        ...


class ForReferences:
    """What tasks in which no method takes part have in common: the rows are references of the suite."""

    verb: ClassVar[type | None] = None
    files: ClassVar[tuple[str, ...]] = ()

    def solve(self, prior: Any, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """Not asked for: no prior has the verb."""
        raise NotImplementedError


def check_output(output: Image, expected: Image) -> None:
    """Raises OutputError unless ``output`` has the shape of ``expected`` and is finite everywhere."""
    if tuple(output.shape) != tuple(expected.shape):
        raise OutputError(f"images of shape {tuple(output.shape)}, expected {tuple(expected.shape)}")
    if not output.isfinite().all():
        raise OutputError("values that are not finite")
