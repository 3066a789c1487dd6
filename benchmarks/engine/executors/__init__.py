"""Where jobs run: one file per executor, found by listing this folder.

    local    processes of this machine, one per GPU or per core
    inline   this process, one job after the other, for a debugger
    ray      a Ray cluster, a given one or one of this machine

An executor runs every job it is given, and the failure of one job affects no other. Which executor runs a job, and in
which order, changes no number: seeds belong to items, and CPU workers use one thread.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from benchmarks.engine.findings import Finding, problem

if TYPE_CHECKING:
    from benchmarks.engine.display import Display
    from benchmarks.engine.plan import Job
    from benchmarks.engine.worker import Context, Outcome


class NoWorkers(RuntimeError):
    """No worker can run jobs: there is no such cluster, or workers cannot start."""


@dataclass(frozen=True)
class ExecutorOptions:
    """The part of the command line that concerns executors."""

    device: str = "auto"
    """auto (GPUs if there are any), cpu or cuda"""
    workers: int | None = None
    """jobs at a time; None: one per GPU, or one per core as far as the memory goes"""
    timeout: float | None = None
    """seconds after which a job is stopped and has failed; the start of its worker does not count"""
    retries: int = 0
    """further attempts at a job that failed"""
    address: str | None = None
    """of a Ray cluster"""


class Executor(Protocol):
    """The functions of a file of this folder."""

    def check(self, options: ExecutorOptions) -> list[Finding]:
        """What makes ``options`` unusable here."""
        ...

    def run(self, jobs: Sequence[Job], context: Context, options: ExecutorOptions, display: Display) -> list[Outcome]:
        """How each job ended.

        Raises records.Unwritable if a folder cannot be written any more, NoWorkers if no worker can run jobs.
        """
        ...


def without_cluster(name: str, options: ExecutorOptions) -> list[Finding]:
    """The problem of an executor that is given the address of a cluster and uses none."""
    detail = f"executor {name} uses no cluster; add --executor ray"
    return [problem("--ray_address", detail)] if options.address else []


def names() -> tuple[str, ...]:
    """The files of this folder, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load(name: str) -> Executor:
    """The executor of that name."""
    return cast(Executor, importlib.import_module(f"benchmarks.engine.executors.{name}"))
