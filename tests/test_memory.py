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


def faults(what):
    run = subprocess.run([sys.executable, "-c", COUNT, what], capture_output=True, text=True, check=True)
    kept, count = run.stdout.split()
    return kept, int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_a_freed_tensor_s_pages_are_used_again():
    kept, with_it = faults("keep")
    if kept != "True":
        pytest.skip("not glibc")
    assert with_it < 1000  # of 244,000 pages of 4 KB
    assert faults("give back")[1] > 10 * with_it


def test_other_systems_are_left_alone(monkeypatch):
    from mystyle.memory import keep_freed_memory

    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
