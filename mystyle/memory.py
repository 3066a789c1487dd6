"""Memory of long computations on a CPU."""

from __future__ import annotations

import ctypes
import sys

# <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Has this process reuse the memory of freed tensors, where it runs on glibc; says whether it does.

    By default the C library returns every large tensor to the system and fetches the next one page by page, zeroed. In
    a training step this can cost as much as the arithmetic (``python -m benchmarks.speed --what choices``). The price
    is that the process keeps its peak memory until it ends, so that only entry points of long computations call this,
    not the library.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    return mallopt is not None and mallopt(M_MMAP_MAX, 0) == 1 and mallopt(M_TRIM_THRESHOLD, -1) == 1
