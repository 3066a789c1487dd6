"""Where a number comes from, and what a job costs."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.engine import provenance
from benchmarks.engine.provenance import environment, peak_memory_mb, physical_memory, reset_peak_memory


def test_environment_is_json_and_names_the_machine():
    about = environment("cpu")
    assert json.loads(json.dumps(about)) == about
    assert about["packages"]["numpy"] == np.__version__ and about["hardware"].startswith(f"{about['cores']} cores of")


def test_commit_and_dirty_flag(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    assert environment("cpu")["commit"] is None and environment("cpu")["dirty"] is None  # not a checkout

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True, text=True
        )

    git("init")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-m", "one")
    about = environment("cpu")
    assert about["commit"] == git("rev-parse", "HEAD").stdout.strip() and about["dirty"] is False
    (tmp_path / "file").write_text("2")
    assert environment("cpu")["dirty"] is True


def test_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert environment("cpu")["commit"] is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the peak is the process's")
def test_the_peak_is_the_jobs_own():
    reset_peak_memory("cpu")
    before = peak_memory_mb("cpu")
    block = np.ones(25_000_000)  # 200 MB
    del block
    during = peak_memory_mb("cpu")
    reset_peak_memory("cpu")
    after = peak_memory_mb("cpu")
    assert during - before == pytest.approx(200, abs=20) and after - before == pytest.approx(0, abs=20)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="control groups are Linux's")
@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/", {"memory.max": "3000000"}, 3_000_000),
        ("0::/", {"memory.max": "max"}, None),
        ("0::/job/step", {"job/memory.max": "4000000", "job/step/memory.max": "max"}, 4_000_000),  # a batch job's
        ("0::/docker/1a2b", {"memory.max": "5000000"}, 5_000_000),  # the host's path inside a container
        ("5:cpu:/\n4:memory:/a", {"memory/a/memory.limit_in_bytes": "6000000"}, 6_000_000),
        ("4:memory:/a", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),  # version 1 for no limit
        ("", {}, None),
    ],
)
def test_memory_is_what_the_control_group_allows(tmp_path, monkeypatch, own, files, limit):
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(provenance, "_GROUPS", tmp_path)
    monkeypatch.setattr(provenance, "_OWN_GROUPS", tmp_path / "own")
    found = physical_memory()
    monkeypatch.setattr(provenance, "_OWN_GROUPS", tmp_path / "absent")
    assert found == (limit or physical_memory())
