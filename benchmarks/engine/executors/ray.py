"""A Ray cluster: the one at an address, or one that is made of this machine and ends with the run.

A worker is an actor with one CPU or one GPU, which keeps the domain loaded; an actor that dies costs the job it was
doing. The folders of the run, of priors and of photos, the working directory and this project's environment must be the
same on all nodes: a shared file system. Results do not travel through Ray, which brings back only how jobs ended; what
workers print goes to workers.log in the run's folder, from every node.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.engine.display import Display
from benchmarks.engine.executors import Means, NoWorkers
from benchmarks.engine.executors.dispatch import BEGINNING, Dispatcher, Hand, Lost, Progress, share_out
from benchmarks.engine.executors.process import LOG, choose_devices, log_to, prepare
from benchmarks.engine.plan import Job
from benchmarks.engine.worker import Context, Outcome, Worker
from mystyle.progress import listening


def check(means: Means) -> list[str]:
    from importlib.util import find_spec

    if find_spec("ray") is None:
        return ["--executor ray: Ray is not installed; install the extra: pip install '.[ray]'"]
    return []


def carry_out(jobs: Sequence[Job], context: Context, means: Means, display: Display) -> list[Outcome]:
    """Raises NoWorkers if there is no such cluster. One of this machine is shut down at the end."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    import ray

    devices = choose_devices(means.device, means.workers, len(jobs))  # of this machine
    ours = {"num_cpus": len(devices), "num_gpus": len(set(devices) - {"cpu"}), "include_dashboard": False}
    try:
        ray.init(
            address=means.address or "local",
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}},
            **({} if means.address else ours),
        )
    except (ConnectionError, ValueError) as error:
        raise NoWorkers(f"--ray_address {means.address}: no cluster answers there ({error})") from error
    try:
        there = ray.cluster_resources()
        gpu = means.device == "cuda" or (means.device == "auto" and there.get("GPU", 0) > 0)
        kind = "GPU" if gpu else "CPU"
        count = min(means.workers or len(jobs), int(there.get(kind, 0)), len(jobs))
        if not count:
            raise NoWorkers(f"the Ray cluster has no {kind}; see --device")
        absolute = replace(
            context,
            run=context.run.absolute(),
            fits=replace(context.fits, folder=context.fits.folder.absolute()),
            folders={name: folder.absolute() for name, folder in context.folders.items()},
        )
        with Dispatcher(list(jobs), context, display, means.retries) as dispatcher:
            pool = [_Actor(absolute, "cuda:0" if gpu else "cpu") for _ in range(count)]  # Ray shows each its own GPU
            return share_out(dispatcher, pool, _listen, means.timeout)
    finally:
        ray.shutdown()


def _listen(pool: Sequence[_Actor], seconds: float) -> Iterator[tuple[_Actor, Outcome | Progress | Lost]]:
    import ray

    if not pool:  # Ray would not wait for nothing
        time.sleep(seconds)
    busy = {actor.answer: actor for actor in pool}
    ended, at_work = ray.wait(list(busy), num_returns=1, timeout=seconds)
    for answer in ended:
        yield busy[answer], busy[answer].receive()
    for answer in at_work:
        if (heard := busy[answer].progress()) is not None:
            yield busy[answer], heard


class _Actor(Hand):
    """The driver's side of an actor."""

    def __init__(self, context: Context, device: str) -> None:
        super().__init__(context)
        self.device = device
        self.answer: Any = None
        self._asked: Any = None
        self._start()

    def _start(self) -> None:
        import ray

        share = {"num_cpus": 0, "num_gpus": 1} if self.device != "cpu" else {"num_cpus": 1}
        remote = ray.remote(_Remote).options(**share, max_restarts=0, max_concurrency=2)  # the job, and questions
        self.actor = remote.remote(self.context, self.device, os.getcwd())
        self._first = self.actor.heard.remote()  # answered when the actor has a place in the cluster, and has started
        self.alive = True

    def is_ready(self) -> bool:
        """Jobs are not held by actors that the cluster has no room for; one that could not start will say so."""
        import ray

        if not self.alive:
            self._start()
        return bool(ray.wait([self._first], timeout=0)[0])

    def send(self, job: Job, attempt: int) -> None:
        import ray

        self.answer, self._asked = self.actor.run.remote(job, attempt), None
        with contextlib.suppress(ray.exceptions.RayError):  # if it could not start, the answer will tell
            ray.get(self._first)
            self.heard()

    def receive(self) -> Outcome | Lost:
        import ray

        try:
            outcome = ray.get(self.answer)
        except ray.exceptions.RayError as error:  # the actor is gone, or could not even begin
            self.alive = False
            cause = getattr(error, "cause", None) or error
            why = str(cause).strip().splitlines()
            return Lost(f"{type(cause).__name__}: {why[-1] if why else ''}; see {LOG} in the run's folder")
        if outcome.status == "failed" and self.device != "cpu":
            self.kill()  # after an error on a GPU nothing there can be trusted
        return outcome

    def progress(self) -> Progress | None:
        """The last thing that was heard, at most one question being under way."""
        import ray

        try:
            heard = None
            if self._asked is not None:
                ready, _ = ray.wait([self._asked], timeout=0)
                if not ready:
                    return None
                heard = ray.get(self._asked)
            self._asked = self.actor.heard.remote()
            return heard
        except ray.exceptions.RayError:  # receive will tell
            return None

    def kill(self) -> None:
        import ray

        self.alive = False
        ray.kill(self.actor)


class _Remote:
    """The far side: a worker in a process of Ray's."""

    def __init__(self, context: Context, device: str, directory: str) -> None:
        for folder in (Path(directory), context.run):
            if not folder.is_dir():
                raise FileNotFoundError(f"{folder} is not on node {platform.node()}; nodes must share it")
        os.chdir(directory)
        log_to(context.run)
        prepare(device)
        self._worker = Worker(context, device)
        self._heard: Progress | None = None

    def run(self, job: Job, attempt: int) -> Outcome:
        self._heard = BEGINNING
        with listening(self._hear):
            return self._worker.run(job, attempt)

    def _hear(self, *progress: Any) -> None:
        self._heard = progress

    def heard(self) -> Progress | None:
        return self._heard
