"""Where jobs run. An executor does every job it is given, tells a display, and never lets one job spoil another.

``local`` spreads them over spawned processes; ``inline`` does them one after the other in this process, for a debugger.
Which one does a job, and in which order, changes no number: seeds belong to items and CPU workers use one thread.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.display import Display
from benchmarks.plan import Job
from benchmarks.provenance import cores, physical_memory
from benchmarks.worker import Context, Outcome, Worker, record_failure
from mystyle.progress import Listener, listening

WORKER_MEMORY = 2 * 2**30  # bytes to allow for a CPU worker: torch, the networks and one method's optimiser at 128 px
REPORTS_PER_SECOND = 5
LOG = "workers.log"

Executor = Callable[[Sequence[Job], Context, Sequence[str], Display], list[Outcome]]


def choose_devices(device: str, workers: int | None, jobs: int) -> list[str]:
    """A device for each worker: one worker per GPU, or per core as far as jobs and memory go; ``workers`` overrules.

    ``device`` is "auto" (GPUs if there are any), "cpu" or "cuda".
    """
    gpus = 0
    if device != "cpu":
        import torch

        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus:
        return [f"cuda:{i % gpus}" for i in range(min(workers or gpus, max(jobs, 1)))]
    memory = physical_memory()
    fitting = max(1, memory // WORKER_MEMORY) if memory else cores()
    return ["cpu"] * max(1, min(workers or min(cores(), fitting), jobs))


def inline(jobs: Sequence[Job], context: Context, devices: Sequence[str], display: Display) -> list[Outcome]:
    """One job after the other in this process, on the first device."""
    _prepare(devices[0])
    worker = Worker(context, devices[0])
    outcomes = []
    for job in jobs:
        display.started(job)

        def hear(stage: str, done: int, total: int, loss: float | None, job: Job = job) -> None:
            display.progress(job, stage, done, total, loss)

        with listening(hear):
            outcomes.append(worker.run(job))
        display.finished(job, outcomes[-1])
    return outcomes


def local(jobs: Sequence[Job], context: Context, devices: Sequence[str], display: Display) -> list[Outcome]:
    """A process per device, each with a pipe of its own; a process that dies costs the job it was doing.

    On KeyboardInterrupt the processes are stopped within seconds and the exception goes on; what was finished stays.
    """
    waiting = list(jobs)
    pool: list[_Process] = []
    outcomes: list[Outcome] = []
    try:
        for device in devices[: len(jobs)]:
            pool.append(_Process(context, device))
        while waiting or any(process.job is not None for process in pool):
            for i, process in enumerate(pool):
                if process.job is None and (job := _next(waiting, pool, context)) is not None:
                    waiting.remove(job)
                    if not process.alive:
                        pool[i] = process = _Process(context, process.device)
                    process.give(job, display)
            busy = {process.connection: process for process in pool if process.job is not None}
            for connection in wait(busy, timeout=1):
                process = busy[connection]
                message = process.receive(context)
                if not isinstance(message, Outcome):
                    display.progress(process.job, *message)
                    continue
                outcomes.append(message)
                display.finished(process.job, message)
                process.job = None
            display.tick()
    finally:
        _stop(pool)
    return outcomes


def _next(waiting: Sequence[Job], pool: Sequence[_Process], context: Context) -> Job | None:
    """The first job whose prior nobody is fitting at the moment: it would be fitted twice."""
    at_work = {process.job.prior_key for process in pool if process.job is not None} - {None}
    fitting = {key for key in at_work if not (context.priors / key).exists()}
    return next((job for job in waiting if job.prior_key not in fitting), None)


EXECUTORS: dict[str, Executor] = {"local": local, "inline": inline}


class _Process:
    """The parent's side of a worker process."""

    def __init__(self, context: Context, device: str) -> None:
        spawn = multiprocessing.get_context("spawn")  # a forked child of a process that used CUDA or threads may hang
        self.connection, theirs = spawn.Pipe()
        self.device = device
        self.job: Job | None = None
        self.alive = True
        self._began = 0.0
        self.process: BaseProcess = spawn.Process(target=_serve, args=(theirs, context, device))
        with _interrupts_ignored():  # inherited, so that Ctrl-C reaches the parent alone, from the first moment
            self.process.start()
        theirs.close()

    def give(self, job: Job, display: Display) -> None:
        """Sends a job. If the process is dead by now, reading from it will tell."""
        self.job, self._began = job, time.perf_counter()
        display.started(job)
        with contextlib.suppress(OSError):
            self.connection.send(job)

    def receive(self, context: Context) -> Outcome | tuple[str, int, int]:
        """What the process has to say: progress, or how its job ended. A dead one's job has failed."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):  # the process is gone, and its end of the pipe with it
            self.alive = False
        self.process.join()
        code = self.process.exitcode or 0
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
        reason = f"WorkerDied: the worker process ended {how} while doing this job; see {LOG} in the run's folder"
        if code == -9:
            reason += " (SIGKILL is often the system running out of memory: try fewer --workers)"
        seconds = time.perf_counter() - self._began
        record_failure(context, self.job, reason, "", seconds)
        return Outcome(self.job.key, "failed", reason, seconds)


def _stop(pool: Sequence[_Process], patience: float = 3.0) -> None:
    """Ends idle processes by closing their pipes, busy ones by a signal, and stubborn ones by force."""
    for process in pool:
        process.connection.close()
        if process.job is not None:
            process.process.terminate()
    deadline = time.monotonic() + patience
    for process in pool:
        process.process.join(max(0.0, deadline - time.monotonic()))
        if process.process.is_alive():
            process.process.kill()
            process.process.join()


def _serve(connection: Connection, context: Context, device: str) -> None:
    """The worker process: takes jobs until the pipe closes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a half-written job is taken away on the way out
    _log_to(context.run / LOG)
    _prepare(device)
    worker = Worker(context, device)
    with contextlib.suppress(EOFError, OSError):
        while True:
            job = connection.recv()
            with listening(_throttled(connection)):
                outcome = worker.run(job)
            connection.send(outcome)


def _throttled(connection: Connection) -> Listener:
    """Sends progress to the parent, not more often than the eye can follow."""
    last = 0.0

    def tell(stage: str, done: int, total: int, loss: float | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 1 / REPORTS_PER_SECOND or done == total:
            last = now
            try:
                connection.send((stage, done, total, loss))
            except OSError:  # the parent is gone: nobody would take the result
                sys.exit(1)

    return tell


def _prepare(device: str) -> None:
    """One thread on a CPU, so that sums do not depend on the number of cores and workers do not fight for them."""
    import torch

    from mystyle.memory import keep_freed_memory

    if device == "cpu":
        torch.set_num_threads(1)
        keep_freed_memory()
    else:
        torch.cuda.set_device(device)
        torch.backends.cudnn.allow_tf32 = False  # float32 means float32, as in the official code


def _log_to(path: Path) -> None:
    """Sends what the process prints, and where it crashes, to a file: the terminal belongs to the display."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab", buffering=0)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    faulthandler.enable()


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
