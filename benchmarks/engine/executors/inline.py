"""One job after the other in this process, on the first device."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Sequence

from benchmarks.engine.devices import choose_devices, prepare
from benchmarks.engine.display import Display
from benchmarks.engine.executors import ExecutorOptions, without_cluster
from benchmarks.engine.findings import Finding, problem
from benchmarks.engine.plan import Job
from benchmarks.engine.pool import TICK, Dispatcher
from benchmarks.engine.worker import Context, Outcome, Worker
from mystyle.progress import listening


def check(options: ExecutorOptions) -> list[Finding]:
    found = without_cluster("inline", options)
    if options.timeout is not None:
        detail = "inline cannot stop a job, since it has one process; use --executor local"
        found.append(problem("--timeout", detail))
    return found


def run(jobs: Sequence[Job], context: Context, options: ExecutorOptions, display: Display) -> list[Outcome]:
    device = choose_devices(options.device, 1, 1)[0]
    prepare(device)
    worker = Worker(context, device)
    with contextlib.closing(Dispatcher(list(jobs), context, display, options.retries)) as dispatcher:
        while dispatcher.waiting:
            if (job := dispatcher.next()) is None:  # other processes work on all that is left
                time.sleep(TICK)
                display.tick()
                continue
            with listening(functools.partial(display.progress, job)):
                outcome = worker.run(job, dispatcher.attempts[job.key])
            dispatcher.ended(job, outcome)
    return dispatcher.outcomes
