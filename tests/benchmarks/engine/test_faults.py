"""A run survives what can happen to it: kills at any moment, a full disk, hangs, damaged files, two runs at once.

Every test has an undisturbed run to compare with, to the last byte of results.csv, which holds no times.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_toys import SUITE, without_report

import benchmarks.run
from benchmarks.analysis.tables import rebuild
from benchmarks.engine import records
from benchmarks.engine.options import Options
from benchmarks.run import collect

TESTS = Path(__file__).resolve().parents[2] / "helpers"
JOBS = 4 * 2 * 2  # two toys and two references, two people, two seeds
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and file systems of POSIX")


def start(people, out, options=None, mishaps=None, limit=None):
    """The run as a process group of its own; ``limit`` bounds the size of its files, in bytes."""

    def bound():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [
            sys.executable,
            str(TESTS / "toy_run.py"),
            str(people),
            str(out),
            json.dumps(options or {}),
            json.dumps(mishaps or {}),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=bound if limit else None,
        env=os.environ | {"PYTHONPATH": f"{TESTS.parents[1]}{os.pathsep}{TESTS}", "TOY_NOTES": f"{out}.notes"},
    )


def finish(process):
    """Exit status and output."""
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def ended(run):
    """Status by key of the jobs that have a record."""
    return {path.parent.name: json.loads(path.read_text())["status"] for path in run.glob("jobs/*/record.json")}


@pytest.fixture(scope="module")
def whole(people_root, tmp_path_factory):
    """The folder of a run that nothing happened to."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    status, output = finish(start(people_root, out, {"executor": "inline"}))
    assert status == 0, output
    assert len(ended(out)) == JOBS
    return out


@pytest.fixture(scope="module")
def undisturbed(whole):
    """Its results.csv."""
    return (whole / "results.csv").read_bytes()


# Kills


def kill_again_and_again(people_root, out, executor, times, seed):
    """Starts the run and kills it ``times`` times, the moments drawn from when its first job may be begun."""
    draws = random.Random(seed)
    for i in range(times):
        process = start(people_root, out, {"executor": executor, "workers": 2 if executor == "local" else None})
        deadline = time.monotonic() + 60
        while not (out / "jobs").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(draws.uniform(0, 1.5))
        whole = ended(out)  # what has its place is whole at any moment, also just before a kill
        assert set(whole.values()) <= {"done"}
        if i % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()  # workers are left behind, and end by themselves
        process.communicate(timeout=60)
        assert set(whole) <= set(ended(out)), "a finished job was lost"
    return finish(start(people_root, out, {"executor": executor}))


def test_a_run_that_is_killed_ends_as_if_nothing_had_happened(people_root, tmp_path, undisturbed):
    status, output = kill_again_and_again(people_root, tmp_path / "run", "inline", 3, seed=1)
    assert status == 0, output
    assert (tmp_path / "run" / "results.csv").read_bytes() == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["inline", "local"])
def test_twenty_kills(people_root, tmp_path, undisturbed, executor):
    status, output = kill_again_and_again(people_root, tmp_path / "run", executor, 20, seed=2)
    assert status == 0, output
    assert (tmp_path / "run" / "results.csv").read_bytes() == undisturbed


# Jobs that go wrong


@pytest.mark.faults
def test_jobs_that_hang_die_or_lie_cost_themselves(people_root, tmp_path, undisturbed):
    out, mishaps = tmp_path / "run", {"asleep": "sleep", "dead": "die", "nan": "nan", "shape": "shape", "bad": "raise"}
    options = {"workers": 2, "timeout": 15, "seeds": [0]}  # fifteen times what the others take on a busy machine
    status, output = finish(start(people_root, out, options, mishaps))
    assert status == 1, output
    reasons = {}
    for path in out.glob("jobs/*/record.json"):
        record = json.loads(path.read_text())
        if record["status"] == "failed":
            reasons.setdefault(record["method"], set()).add(record["reason"].split(":")[0])
    names = {"asleep": "TimedOut", "dead": "WorkerDied", "nan": "OutputError", "shape": "OutputError"}
    assert reasons == {method: {name} for method, name in names.items()} | {"bad": {"RuntimeError"}}
    assert "10 of 18 jobs failed" in output
    lines = (out / "results.csv").read_text().splitlines()
    failed = [line for line in lines if ",failed," in line]
    assert len(failed) == 5 * 2 * 2 * len(SUITE.metrics), "no cell is dropped: methods, people, cases, metrics"
    healthy = [
        line for line in (out / "results.csv").read_text().splitlines() if line.split(",")[1] in ("grey", "plain")
    ]
    assert set(healthy) <= set(undisturbed.decode().splitlines()) and len(healthy) > 20


@pytest.mark.faults
def test_a_job_that_fails_once_is_done_at_the_second_try(people_root, tmp_path):
    out = tmp_path / "run"
    status, output = finish(start(people_root, out, {"workers": 1, "retries": 1, "seeds": [0]}, {"flaky": "die once"}))
    assert status == 0, output
    tries = {path.parent.name: json.loads(path.read_text()) for path in out.glob("jobs/*/record.json")}
    assert sorted(r["attempts"] for r in tries.values() if r["method"] == "flaky") == [1, 2]
    assert output.count("it will be tried again") == 1 and "SIGKILL" in output


# Disks


@pytest.mark.slow
def test_files_that_may_not_grow_stop_the_run_and_lose_nothing(people_root, tmp_path, undisturbed):
    """A quota: files of 1,500 bytes are refused, pictures and records are larger."""
    out = tmp_path / "run"
    assert finish(start(people_root, out, {"executor": "inline", "seeds": [0]}))[0] == 0
    before = ended(out)
    status, output = finish(start(people_root, out, {"executor": "inline"}, limit=1500))
    assert status == 1 and "unwritable" in output and "File too large" in output, output
    assert ended(out) == before and not [f for f in (out / "jobs" / "unfinished").glob("*") if f.is_dir()]
    assert finish(start(people_root, out))[0] == 0
    assert (out / "results.csv").read_bytes() == undisturbed


@pytest.mark.faults
@pytest.mark.parametrize("executor", ["inline", pytest.param("local", marks=pytest.mark.slow)])
def test_a_full_disk_stops_the_run_and_loses_nothing(people_root, tmp_path, undisturbed, executor):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this user cannot mount a small file system")
    try:
        out = disk / "run"
        assert finish(start(people_root, out, {"executor": executor, "seeds": [0]}))[0] == 0
        before = ended(out)
        filler = os.open(disk / "filler", os.O_CREAT | os.O_WRONLY)
        with pytest.raises(OSError, match="No space left"):
            while True:
                os.write(filler, bytes(4096))
        os.close(filler)
        status, output = finish(start(people_root, out, {"executor": executor}))
        assert status == 1 and "No space left on device" in output and "Traceback" not in output, output
        assert ended(out) == before
        (disk / "filler").unlink()
        status, output = finish(start(people_root, out, {"executor": executor}))
        assert status == 0, output
        assert (out / "results.csv").read_bytes() == undisturbed
    finally:
        subprocess.run(["umount", disk], check=True)


# Damaged files


DAMAGES = {"empty": b"", "half": b'{"schema": 2, ', "zeros": b"\0" * 100}  # as a crash of the machine may leave a file


@pytest.mark.parametrize("name", ["record.json", "metrics.csv"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_a_job_is_named_and_the_job_not_done(whole, tmp_path, name, damage):
    out = shutil.copytree(whole, tmp_path / "run")
    victim = sorted(out.glob("jobs/*"))[3]
    (victim / name).write_bytes(DAMAGES[damage])
    assert not records.is_done(out, victim.name)
    with pytest.raises(records.RecordError, match=re.escape(str(victim / name))):
        rebuild(out)


def test_the_next_run_makes_damaged_jobs_and_priors_again(people_root, whole, tmp_path, undisturbed):
    out = shutil.copytree(whole, tmp_path / "run")
    by_method = {json.loads(path.read_text())["method"]: path.parent for path in out.glob("jobs/*/record.json")}
    (by_method["grey"] / "record.json").write_bytes(DAMAGES["zeros"])
    (by_method["real_photos"] / "metrics.csv").unlink()
    for prior in (out / "priors").glob("*/prior/grey.txt"):
        prior.write_text("0.75")
    status, output = finish(start(people_root, out, {"executor": "inline"}))
    assert status == 0 and "14 of 16 jobs are done" in output and "is made again" in output, output
    assert (out / "results.csv").read_bytes() == undisturbed


# Two at once, shards


def test_tables_follow_the_records_whoever_made_them(people_root, whole, tmp_path, undisturbed):
    """A run that was killed after its last job, and before its tables, has those of before in the folder."""
    out = shutil.copytree(whole, tmp_path / "run")
    (out / "results.csv").write_text("of half the jobs")
    derived = json.loads((out / "derived.json").read_text())
    derived.popitem()
    (out / "derived.json").write_text(json.dumps(derived))
    status, output = finish(start(people_root, out, {"executor": "inline"}))
    assert status == 0 and "all 16 jobs are done" in output, output
    assert (out / "results.csv").read_bytes() == undisturbed


@pytest.mark.faults
def test_two_runs_in_one_folder_share_the_work(people_root, tmp_path, undisturbed):
    out = tmp_path / "run"
    runs = [start(people_root, out, {"workers": 1}, {"slow": "meet"}) for _ in range(2)]
    outputs = [finish(run) for run in runs]
    assert [status for status, _ in outputs] == [0, 0], outputs
    fitted = [path.name for path in (out / "priors").iterdir() if path.name != "unfinished"]
    assert len(fitted) == 2 * 2 * 2  # grey and slow
    done_by = [set(re.findall(r"\] (slow · \S+(?: · seed 1)?): done in (?!0\.0 s)", output)) for _, output in outputs]
    assert done_by[0] and done_by[1] and not done_by[0] & done_by[1], done_by
    rows = [line for line in (out / "results.csv").read_text().splitlines() if line.split(",")[1] != "slow"]
    assert rows == undisturbed.decode().splitlines()


@pytest.mark.faults
def test_shards_and_their_collection_are_the_same_run(people_root, tmp_path, undisturbed, capsys, monkeypatch):
    monkeypatch.setattr(benchmarks.run, "build_report", without_report)
    out = tmp_path / "run"
    for i in (1, 2):
        status, output = finish(start(people_root, out, {"shard": f"{i}/2", "executor": "inline"}))
        assert status == 0 and "--collect" in output, output
        if i == 1:
            assert not (out / "results.csv").exists()
            assert collect(Options(out=out, wandb="disabled")) == 1, "a shard is missing"
            assert "are missing" in capsys.readouterr().out
    assert collect(Options(out=out, wandb="disabled")) == 0
    assert (out / "results.csv").read_bytes() == undisturbed
    assert (out / "report" / "index.html").exists()
