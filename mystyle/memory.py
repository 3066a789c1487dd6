"""Memory of long computations on a CPU."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

# <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Makes this process reuse the memory of freed tensors; returns whether it does, which needs glibc.

    By default the C library returns every large tensor to the system and fetches the next one page by page, zeroed. In
    a training step this can cost as much as the arithmetic (``python -m benchmarks.speed --what choices``). In
    return the process keeps its peak memory until it ends, so that only entry points of long computations call this,
    not the library.
    """
    mallopt = _c_function("mallopt")
    return mallopt is not None and mallopt(M_MMAP_MAX, 0) == 1 and mallopt(M_TRIM_THRESHOLD, -1) == 1


def prepare_device(flag: str) -> str:
    """The torch device meant by auto, cpu or cuda, for a long computation on it, which keeps freed memory.

    Raises ValueError if a GPU is asked for and there is none.
    """
    import torch

    if flag == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: torch finds no GPU here")
    keep_freed_memory()
    return "cuda" if flag != "cpu" and torch.cuda.is_available() else "cpu"


def give_back_freed_memory() -> None:
    """Returns to the system what ``keep_freed_memory`` has kept so far, if anything."""
    if (malloc_trim := _c_function("malloc_trim")) is not None:
        malloc_trim(0)


def _c_function(name: str) -> Callable[..., int] | None:
    """A function of glibc; None on other systems and C libraries."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
