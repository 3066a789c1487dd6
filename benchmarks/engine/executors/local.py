"""Processes of this machine, each with a pipe of its own; a process that dies costs the job that it was running."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from benchmarks.engine.devices import LOG, choose_devices, log_to, prepare
from benchmarks.engine.display import Display
from benchmarks.engine.executors import ExecutorOptions, without_cluster
from benchmarks.engine.findings import Finding
from benchmarks.engine.plan import Job
from benchmarks.engine.pool import BEGINNING, Dispatcher, Lost, Progress, State, WorkerHandle, run_pool
from benchmarks.engine.worker import Context, Outcome, Worker
from mystyle.progress import Listener, listening

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

REPORTS_PER_SECOND = 5
PATIENCE = 3.0  # seconds that a process has to end


def check(options: ExecutorOptions) -> list[Finding]:
    return without_cluster("local", options)


def run(jobs: Sequence[Job], context: Context, options: ExecutorOptions, display: Display) -> list[Outcome]:
    """On KeyboardInterrupt the processes are stopped within seconds and the exception goes on; what is done stays."""
    workers = [_Process(context, device) for device in choose_devices(options.device, options.workers, len(jobs))]
    try:
        with contextlib.closing(Dispatcher(list(jobs), context, display, options.retries)) as dispatcher:
            return run_pool(dispatcher, workers, _listen, options.timeout)
    finally:
        _stop([worker for worker in workers if worker.state is not State.GONE])


class _Process(WorkerHandle):
    connection: Connection
    process: BaseProcess

    def start(self) -> None:
        processes = _processes()
        with _interrupts_ignored():  # inherited, so that Ctrl-C reaches the parent alone, from the first moment
            self.connection, theirs = processes.Pipe()
            self.process = processes.Process(target=_serve, args=(theirs, self.context, self.device, dict(os.environ)))
            self.process.start()
        theirs.close()

    def send(self, job: Job, attempt: int) -> None:
        with contextlib.suppress(OSError):
            self.connection.send((job, attempt))

    def receive(self) -> Outcome | Progress | Lost:
        with contextlib.suppress(EOFError, OSError):  # the process is gone, and its end of the pipe with it
            return self.connection.recv()
        self.process.join(PATIENCE)
        code = self.process.exitcode or 0
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
        reason = f"the worker process ended {how}; see {LOG} in the run's folder"
        if code == -9:
            reason += " (SIGKILL is often the system running out of memory: try fewer --workers)"
        return Lost(reason)

    def kill(self) -> None:
        self.process.kill()
        self.process.join(PATIENCE)  # one that waits for a disk or a driver cannot be killed; it is left alone
        self.connection.close()


def _listen(workers: Sequence[_Process], seconds: float) -> Iterator[tuple[_Process, Outcome | Progress | Lost]]:
    ready = wait([worker.connection for worker in workers], timeout=seconds)
    for worker in [worker for worker in workers if worker.connection in ready]:
        yield worker, worker.receive()


def _stop(workers: Sequence[_Process]) -> None:
    """Ends idle processes by closing their pipes, busy ones by a signal, and stubborn ones by force."""
    for worker in workers:
        worker.connection.close()
        if worker.state is not State.IDLE:
            worker.process.terminate()
    deadline = time.monotonic() + PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _processes() -> SpawnContext | ForkServerContext:
    """Forks of a server that has imported what a worker needs, and has used neither CUDA nor threads; else new ones."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    forkserver = multiprocessing.get_context("forkserver")
    forkserver.set_forkserver_preload(["benchmarks.engine.worker"])  # read when the first process is started
    return forkserver


def _serve(connection: Connection, context: Context, device: str, environment: dict[str, str]) -> None:
    """The worker process: takes jobs until the pipe closes. ``environment`` is that of the parent by now."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a half-written job is removed on the way out
    log_to(context.run)
    prepare(device)
    worker = Worker(context, device)
    with contextlib.suppress(EOFError, OSError):
        while True:
            job, attempt = connection.recv()
            connection.send(BEGINNING)
            with listening(_throttled(connection)):
                outcome = worker.run(job, attempt)
            connection.send(outcome)


def _throttled(connection: Connection) -> Listener:
    """Sends progress to the parent, not more often than it can be read."""
    last = 0.0

    def send(stage: str, done: int, total: int, loss: float | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 1 / REPORTS_PER_SECOND or done == total:
            last = now
            try:
                connection.send((stage, done, total, loss))
            except OSError:  # the parent is gone, and nothing would take the result
                sys.exit(1)

    return send


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
