"""The command line of ``benchmarks.run``.

A module of its own, because jsonargparse imports whatever a module names under TYPE_CHECKING, and help must be quick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentParser, Namespace

from benchmarks.engine import executors
from benchmarks.engine.executors import ExecutorOptions


@dataclass(frozen=True)
class Options:
    """The command line.

    Args:
        suite: what to run, or all; "python -m benchmarks.list suites" shows what there is
        preset: how much of it: smoke, quick, full or paper
        domain: the networks, and the kind of people
        photos: a folder of people with train/ and test/ inside, instead of the domain's rendered people
        out: the run's folder, by default runs/SUITE-PRESET
        priors: a folder of fitted priors that runs share, by default the run's own
        device: where to compute; auto takes the GPUs if there are any
        workers: jobs at a time, by default one per GPU, or one per core as far as the memory goes
        longer: rows whose fits are so many times as long as the preset's
        fit_seconds: an equal budget, for every method's fit to a person, instead of the preset's lengths
        image_seconds: an equal budget, for what every method does with an image
        timeout: seconds after which a job is stopped and has failed
        retries: further attempts at a job that failed, in this run; the same command tries it again, too
        ray_address: of a Ray cluster, such as auto; by default one is made of this machine
        shard: I/N runs only the I-th of N parts of the jobs, for job arrays; then --collect
        wandb: where the mirror of the records goes
    """

    suite: str = "inpainting"
    preset: str = "quick"
    methods: tuple[str, ...] | None = None  # None: the suite's
    people: tuple[str, ...] | None = None  # None: the preset's, or everybody in ``photos``
    seeds: tuple[int, ...] = (0,)
    domain: str = "synthetic"
    photos: Path | None = None
    out: Path | None = None
    priors: Path | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    executor: str = "local"
    workers: int | None = None
    longer: tuple[str, ...] = ()  # ROW=FACTOR
    fit_seconds: float | None = None
    image_seconds: float | None = None
    timeout: float | None = None
    retries: int = 0
    ray_address: str | None = None
    shard: str | None = None
    collect: bool = False
    wandb: Literal["offline", "online", "disabled"] = "offline"
    wandb_images: bool = False
    dry_run: bool = False

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.out or Path("runs") / f"{self.suite}-{self.preset}"

    @property
    def prior_folder(self) -> Path:
        """Where fitted priors are: of the run, or shared."""
        return self.priors or self.folder / "priors"

    @property
    def factors(self) -> dict[str, float]:
        """``longer`` by row. Raises ValueError, naming an entry that is not ROW=FACTOR with a positive number."""
        found = {}
        for entry in self.longer:
            row, _, text = entry.partition("=")
            try:
                found[row] = float(text)
            except ValueError:
                raise ValueError(entry) from None
            if not (row and 0 < found[row] < math.inf):
                raise ValueError(entry)
        return found

    @property
    def shard_numbers(self) -> tuple[int, int]:
        """``shard`` as numbers. Raises ValueError if it is not I/N with 1 <= I <= N."""
        number, count = map(int, (self.shard or "1/1").split("/"))
        if not 1 <= number <= count:
            raise ValueError(f"{number} is not one of 1 to {count}")
        return number, count

    @property
    def executor_options(self) -> ExecutorOptions:
        """What concerns the executor."""
        workers = 1 if self.executor == "inline" else self.workers
        return ExecutorOptions(self.device, workers, self.timeout, self.retries, self.ray_address)


def make_parser() -> ArgumentParser:
    """Flags and YAML keys are the fields of ``Options``; unknown ones are refused."""
    parser = ArgumentParser(prog="python -m benchmarks.run", description="Runs a suite of the benchmark.")
    parser.add_argument("--config", action="config", help="a YAML file of these options, such as a run's config.yaml")
    below = {"methods", "longer", "people", "seeds", "executor", "collect", "wandb_images", "dry_run"}
    parser.add_class_arguments(Options, as_group=False, skip=below)
    several: dict[str, Any] = {"nargs": "+", "metavar": "NAME"}
    parser.add_argument("--methods", type=str, help="methods to compare, by default the suite's", **several)
    times = "rows whose fits are FACTOR times as long as the preset's"
    parser.add_argument("--longer", type=str, nargs="+", metavar="ROW=FACTOR", default=[], help=times)
    parser.add_argument("--people", type=str, help="people to run on, by default the preset's", **several)
    parser.add_argument("--seeds", type=int, nargs="+", metavar="N", default=[0], help="one job per seed")
    where = "where jobs run: processes of this machine, this process, a Ray cluster"
    parser.add_argument("--executor", choices=executors.names(), default=Options.executor, help=where)
    parser.add_argument("--collect", action="store_true", help="run no job: tables, report and mirror of what is there")
    parser.add_argument("--wandb_images", action="store_true", help="mirror images and people's names, too")
    parser.add_argument("--dry_run", action="store_true", help="check everything, list what there is to do, and stop")
    return parser


def to_options(parsed: Namespace) -> Options:
    """The parsed command line as ``Options``."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in parsed.as_dict().items()
        if name != "config"
    }
    return Options(**values)
