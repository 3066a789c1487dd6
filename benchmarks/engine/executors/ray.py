"""A Ray cluster: the one at an address, or one that is made of this machine and ends with the run.

A worker is an actor with one CPU or one GPU, which keeps the domain loaded; an actor that dies costs the job that it
was running. The folders of the run, of priors and of photos, the working directory and this project's environment must
be the same on all nodes: a shared file system. Results do not travel through Ray, which returns only how jobs ended;
the output of workers of all nodes goes to workers.log in the run's folder.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.engine.devices import LOG, choose_devices, log_to, prepare
from benchmarks.engine.display import Display
from benchmarks.engine.executors import ExecutorOptions, NoWorkers
from benchmarks.engine.findings import Finding, problem
from benchmarks.engine.plan import Job
from benchmarks.engine.pool import BEGINNING, Dispatcher, Lost, Progress, WorkerHandle, run_pool
from benchmarks.engine.worker import Context, Outcome, Worker
from mystyle.progress import listening

with contextlib.suppress(ImportError):  # ``check`` reports it
    import ray


def check(options: ExecutorOptions) -> list[Finding]:
    if importlib.util.find_spec("ray") is None:
        return [problem("--executor ray", "Ray is not installed; install the extra: pip install '.[ray]'")]
    return []


def run(jobs: Sequence[Job], context: Context, options: ExecutorOptions, display: Display) -> list[Outcome]:
    """Raises NoWorkers if there is no such cluster. One of this machine is shut down at the end."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    devices = choose_devices(options.device, options.workers, len(jobs))  # of this machine
    ours: dict[str, Any] = {
        "num_cpus": len(devices),
        "num_gpus": len(set(devices) - {"cpu"}),
        "include_dashboard": False,
    }
    try:
        ray.init(
            address=options.address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}},
            **({} if options.address else ours),
        )
    except (ConnectionError, ValueError) as error:
        raise NoWorkers(f"--ray_address {options.address}: no cluster answers there ({error})") from error
    try:
        there = ray.cluster_resources()
        gpu = options.device == "cuda" or (options.device == "auto" and there.get("GPU", 0) > 0)
        kind = "GPU" if gpu else "CPU"
        count = min(options.workers or len(jobs), int(there.get(kind, 0)), len(jobs))
        if not count:
            raise NoWorkers(f"the Ray cluster has no {kind}; see --device")
        absolute = replace(
            context,
            run=context.run.absolute(),
            fits=replace(context.fits, folder=context.fits.folder.absolute()),
            folders={name: folder.absolute() for name, folder in context.folders.items()},
        )
        workers = [_Actor(absolute, "cuda:0" if gpu else "cpu") for _ in range(count)]  # Ray shows each its own GPU
        with contextlib.closing(Dispatcher(list(jobs), context, display, options.retries)) as dispatcher:
            return run_pool(dispatcher, workers, _listen, options.timeout)
    finally:
        ray.shutdown()


class _Actor(WorkerHandle):
    """``result`` is what the run of its job will give, ``_started`` is ready as soon as the actor is."""

    actor: Any
    result: Any
    _started: Any
    _question: Any = None  # about the progress, under way

    def start(self) -> None:
        share = {"num_cpus": 0, "num_gpus": 1} if self.device != "cpu" else {"num_cpus": 1}
        remote = ray.remote(_RemoteWorker).options(**share, max_restarts=0, max_concurrency=2)  # the job, and questions
        self.actor = remote.remote(self.context, self.device, os.getcwd())
        self._started = self.actor.progress.remote()

    def accepts(self) -> bool:
        """False as long as the cluster has no room for the actor. One that could not start fails the job's start."""
        return bool(ray.wait([self._started], timeout=0)[0])

    def send(self, job: Job, attempt: int) -> None:
        self.result, self._question = self.actor.run.remote(job, attempt), None
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(self._started)
            self.heartbeat()

    def receive(self) -> Outcome | Lost:
        try:
            return ray.get(self.result)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None) or error
            why = str(cause).strip().splitlines()
            return Lost(f"{type(cause).__name__}: {why[-1] if why else ''}; see {LOG} in the run's folder")

    def progress(self) -> Progress | None:
        """The latest progress of the job, if an answer is there; at most one question is under way."""
        if self._question is None:
            self._question = self.actor.progress.remote()
        if not ray.wait([self._question], timeout=0)[0]:
            return None
        question, self._question = self._question, None
        with contextlib.suppress(ray.exceptions.RayError):  # of which the result will be Lost
            return ray.get(question)
        return None

    def kill(self) -> None:
        ray.kill(self.actor)


def _listen(workers: Sequence[_Actor], seconds: float) -> Iterator[tuple[_Actor, Outcome | Progress | Lost]]:
    if not workers:  # Ray refuses to wait for nothing
        time.sleep(seconds)
        return
    by_result = {worker.result: worker for worker in workers}
    ended, unfinished = ray.wait(list(by_result), num_returns=1, timeout=seconds)
    for result in ended:
        yield by_result[result], by_result[result].receive()
    for result in unfinished:
        if (progress := by_result[result].progress()) is not None:
            yield by_result[result], progress


class _RemoteWorker:
    """The actor: a worker in a process of Ray's."""

    def __init__(self, context: Context, device: str, directory: str) -> None:
        for folder in (Path(directory), context.run):
            if not folder.is_dir():
                raise FileNotFoundError(f"{folder} is not on node {platform.node()}; nodes must share it")
        os.chdir(directory)
        log_to(context.run)
        prepare(device)
        self._worker = Worker(context, device)
        self._progress: Progress | None = None

    def run(self, job: Job, attempt: int) -> Outcome:
        self._progress = BEGINNING
        with listening(self._listen):
            return self._worker.run(job, attempt)

    def _listen(self, stage: str, done: int, total: int, loss: float | None) -> None:
        self._progress = stage, done, total, loss

    def progress(self) -> Progress | None:
        """The latest of the current job."""
        return self._progress
