"""Processes of this machine, each with a pipe of its own; a process that dies costs the job it was doing."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from benchmarks.engine.display import Display
from benchmarks.engine.executors import Means
from benchmarks.engine.executors.dispatch import BEGINNING, Dispatcher, Hand, Lost, Progress, share_out
from benchmarks.engine.executors.process import LOG, choose_devices, log_to, prepare
from benchmarks.engine.plan import Job
from benchmarks.engine.worker import Context, Outcome, Worker
from mystyle.progress import Listener, listening

REPORTS_PER_SECOND = 5
PATIENCE = 3.0  # seconds that a process has to end


def check(means: Means) -> list[str]:
    return []


def carry_out(jobs: Sequence[Job], context: Context, means: Means, display: Display) -> list[Outcome]:
    """On KeyboardInterrupt the processes are stopped within seconds and the exception goes on; what is done stays."""
    devices = choose_devices(means.device, means.workers, len(jobs))
    pool: list[_Process] = []
    try:
        with Dispatcher(list(jobs), context, display, means.retries) as dispatcher:
            pool += [_Process(context, device) for device in devices]
            return share_out(dispatcher, pool, _listen, means.timeout)
    finally:
        _stop(pool)


def _listen(pool: Sequence[_Process], seconds: float) -> Iterator[tuple[_Process, Outcome | Progress | Lost]]:
    busy = {process.connection: process for process in pool}
    for connection in wait(busy, timeout=seconds):
        yield busy[connection], busy[connection].receive()


class _Process(Hand):
    """The parent's side of a worker process."""

    def __init__(self, context: Context, device: str) -> None:
        super().__init__(context)
        self.device = device
        self._start()

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")  # a forked child of a process that used CUDA or threads may hang
        self.connection, theirs = spawn.Pipe()
        self.alive = True
        self.process: BaseProcess = spawn.Process(target=_serve, args=(theirs, self.context, self.device))
        with _interrupts_ignored():  # inherited, so that Ctrl-C reaches the parent alone, from the first moment
            self.process.start()
        theirs.close()

    def send(self, job: Job, attempt: int) -> None:
        if not self.alive:
            self._start()
        with contextlib.suppress(OSError):  # if it is dead by now, reading from it will tell
            self.connection.send((job, attempt))

    def receive(self) -> Outcome | Progress | Lost:
        """What the process has to say: progress, or how its job ended. A dead one's job has failed."""
        try:
            message = self.connection.recv()
            if isinstance(message, Outcome) and message.status == "failed" and self.device != "cpu":
                self.kill()  # after an error on a GPU nothing there can be trusted
            return message
        except (EOFError, OSError):  # the process is gone, and its end of the pipe with it
            self.alive = False
        self.process.join(PATIENCE)
        code = self.process.exitcode or 0
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
        reason = f"the worker process ended {how}; see {LOG} in the run's folder"
        if code == -9:
            reason += " (SIGKILL is often the system running out of memory: try fewer --workers)"
        return Lost(reason)

    def kill(self) -> None:
        self.alive = False
        self.process.kill()
        self.process.join(PATIENCE)  # one that waits for a disk or a driver cannot be killed; it is left alone
        self.connection.close()


def _stop(pool: Sequence[_Process], patience: float = PATIENCE) -> None:
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


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
