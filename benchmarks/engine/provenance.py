"""Provenance of a number (code, packages, machine) and peak memory of a job."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "torchmetrics", "pytorch-lightning", "numpy", "scipy", "pandas", "pillow")
_ROOT = Path(__file__).resolve().parents[2]
_GROUPS, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def environment(device: str) -> dict[str, Any]:
    """Commit, dirty flag, versions and hardware, as JSON data. ``device`` is "cpu" or "cuda"."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain")
    return {
        "commit": commit,  # None outside a checkout
        "dirty": None if changes is None else bool(changes),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        **machine(device),
    }


def machine(device: str) -> dict[str, Any]:
    """What of the environment belongs to the machine."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "device": device,
        "hardware": hardware(device),
        "cores": cores(),
    }


def hardware(device: str) -> str:
    """The processor that does the work, in a few words."""
    if device.startswith("cuda"):
        import torch

        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return f"{len(names)} x {names[0]}"
    return f"{cores()} cores of {_processor()}"


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def physical_memory() -> int | None:
    """Bytes of memory that this process may use: the machine's, or the limit of its control group if that is less.

    None where the system does not tell.
    """
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return min([machine, *_memory_limits()])


def version(package: str) -> str | None:
    """The installed version of a package; None if there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _memory_limits() -> Iterator[int]:
    """Limits of the control groups, of either version, that this process is in: a batch job's, a container's."""
    groups = _OWN_GROUPS.read_text().splitlines() if _OWN_GROUPS.is_file() else []  # lines of number:controllers:path
    for controllers, path in (line.split(":", 2)[1:] for line in groups):
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _GROUPS / "memory" if controllers else _GROUPS
        own = root / path.strip("/")  # in a container this path is the host's, and only the root is there
        for folder in (own, *own.parents):
            if folder.is_relative_to(root):
                with contextlib.suppress(OSError, ValueError):  # no such file; "max", which is no limit
                    name = "memory.limit_in_bytes" if controllers else "memory.max"
                    yield int((folder / name).read_text())


def reset_peak_memory(device: str) -> None:
    """Gives back what is free and starts a new measurement: a job does not pay for an earlier one in its process."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    else:
        from mystyle.memory import give_back_freed_memory

        give_back_freed_memory()
        with contextlib.suppress(OSError):  # Linux only; elsewhere the peak is the process's
            Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb(device: str) -> float | None:
    """Peak since ``reset_peak_memory`` in MB (10^6 bytes): of the GPU where one is used, else of the process."""
    if device.startswith("cuda"):
        import torch

        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text()
        kibibytes = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), None)
        if kibibytes is not None:
            return round(int(kibibytes) * 1024 / 1e6, 1)
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str | None:
    """What git prints about our checkout; None without git or outside of one."""
    try:
        run = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()
