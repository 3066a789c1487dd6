"""What a process does before its first job, and how many of them a machine can bear."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path

from benchmarks.engine.provenance import cores, physical_memory

WORKER_MEMORY = 2 * 2**30  # bytes to allow for a CPU worker: torch, the networks and one method's optimiser at 128 px
LOG = "workers.log"


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


def prepare(device: str) -> None:
    """One thread on a CPU, so that sums do not depend on the number of cores and workers do not fight for them."""
    import torch

    from mystyle.memory import keep_freed_memory

    if device == "cpu":
        torch.set_num_threads(1)
        keep_freed_memory()
    else:
        torch.cuda.set_device(device)
        torch.backends.cudnn.allow_tf32 = False  # float32 means float32, as in the official code


def log_to(run: Path) -> None:
    """Sends what the process prints, and where it crashes, to a file: the terminal belongs to the display."""
    run.mkdir(parents=True, exist_ok=True)
    file = (run / LOG).open("ab", buffering=0)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    faulthandler.enable()
