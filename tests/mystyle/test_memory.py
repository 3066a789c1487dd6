"""Keeping freed memory: what the C library does afterwards, seen from outside."""

import subprocess
import sys

import pytest

# Touches 100 MB ten times and counts the pages that the system had to provide, once the heap has grown to its size.
COUNT = """
import resource, sys, torch
from mystyle.memory import keep_freed_memory
print(keep_freed_memory() if sys.argv[1] == "keep" else None)
for i in range(20):
    if i == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(25_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

# Resident megabytes after 100 MB were freed, and after they were given back.
RESIDENT = """
import resource, torch
from mystyle.memory import give_back_freed_memory, keep_freed_memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6
keep_freed_memory()
torch.ones(25_000_000)
print(resident())
give_back_freed_memory()
print(resident())
"""


def printed(code, *arguments):
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return run.stdout.split()


def faults(what):
    kept, count = printed(COUNT, what)
    return kept, int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_a_freed_tensor_s_pages_are_used_again():
    kept, with_it = faults("keep")
    if kept != "True":
        pytest.skip("not glibc")
    assert with_it < 1000  # of 244,000 pages of 4 KB
    assert faults("give back")[1] > 10 * with_it


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_kept_memory_can_be_given_back():
    freed, given_back = map(float, printed(RESIDENT))
    if freed - given_back < 10 and faults("keep")[0] != "True":
        pytest.skip("not glibc")
    assert freed - given_back > 90  # MB


def test_other_systems_are_left_alone(monkeypatch):
    from mystyle.memory import keep_freed_memory

    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
