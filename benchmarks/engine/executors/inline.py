"""One job after the other in this process, on the first device."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.engine.display import Display
from benchmarks.engine.executors import Means
from benchmarks.engine.executors.dispatch import TICK, Dispatcher
from benchmarks.engine.executors.process import choose_devices, prepare
from benchmarks.engine.plan import Job
from benchmarks.engine.worker import Context, Outcome, Worker
from mystyle.progress import listening


def check(means: Means) -> list[str]:
    if means.timeout is None:
        return []
    return ["--timeout: inline cannot stop a job, since it has one process; use --executor local"]


def carry_out(jobs: Sequence[Job], context: Context, means: Means, display: Display) -> list[Outcome]:
    device = choose_devices(means.device, 1, 1)[0]
    prepare(device)
    worker = Worker(context, device)
    with Dispatcher(list(jobs), context, display, means.retries) as dispatcher:
        while dispatcher.waiting:
            job = dispatcher.next()
            if job is None:  # other processes do all that is left
                time.sleep(TICK)
                display.tick()
                continue

            def hear(stage: str, done: int, total: int, loss: float | None, job: Job = job) -> None:
                display.progress(job, stage, done, total, loss)

            with listening(hear):
                outcome = worker.run(job, dispatcher.attempts[job.key])
            dispatcher.ended(job, outcome)
    return dispatcher.outcomes
