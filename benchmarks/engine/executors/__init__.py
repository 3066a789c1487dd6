"""Where jobs run. An executor does every job it is given, tells a display, and never lets one job spoil another.

    local    processes of this machine, one per GPU or per core
    inline   this process, one job after the other, for a debugger
    ray      a Ray cluster, a given one or one of this machine

Each is a file here with ``check`` (what is wrong with the command line for it, as sentences) and ``carry_out``. Which
one does a job, and in which order, changes no number: seeds belong to items and CPU workers use one thread.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from benchmarks.engine.display import Display
    from benchmarks.engine.plan import Job
    from benchmarks.engine.worker import Context, Outcome


class NoWorkers(RuntimeError):
    """There is nobody to do the jobs: a cluster that is not there, workers that cannot start."""


@dataclass(frozen=True)
class Means:
    """What the command line grants an executor."""

    device: str = "auto"
    """auto (GPUs if there are any), cpu or cuda"""
    workers: int | None = None
    """jobs at a time; None: one per GPU, or one per core as far as the memory goes"""
    timeout: float | None = None
    """seconds after which a job is stopped and has failed; the start of its worker does not count"""
    retries: int = 0
    """further tries that a failed job has"""
    address: str | None = None
    """of a Ray cluster"""


class Executor(Protocol):
    """The interface of a file of this folder."""

    def check(self, means: Means) -> list[str]:
        """What is wrong with ``means`` here."""
        ...

    def carry_out(self, jobs: Sequence[Job], context: Context, means: Means, display: Display) -> list[Outcome]:
        """How each job ended.

        Raises records.Unwritable if a folder cannot be written any more, NoWorkers if there is nobody to do the jobs.
        """
        ...


def load(name: str) -> Executor:
    """The executor of that name."""
    return importlib.import_module(f"benchmarks.engine.executors.{name}")
