"""Executors: the same numbers however the work is spread, and one job's death is that job's alone."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_toys import Toy, context_of, jobs_of

from benchmarks.engine import devices, executors, records
from benchmarks.engine.devices import choose_devices
from benchmarks.engine.executors import ExecutorOptions, NoWorkers, inline, local
from benchmarks.engine.options import make_parser

TESTS = Path(__file__).resolve().parents[2] / "helpers"
TWO = ExecutorOptions("cpu", workers=2)


class RecordingDisplay:
    """A display that keeps what it was told."""

    def withdrawn(self, job):
        self.events.append(("withdrawn", job.title))

    def __init__(self):
        self.events = []
        self.ticks = 0

    def started(self, job):
        self.events.append(("started", job.title))

    def progress(self, job, stage, done, total, loss):
        self.events.append(("progress", job.title, stage, done, total))

    def finished(self, job, outcome):
        self.events.append(("finished", job.title, outcome.status))

    def again(self, job, outcome):
        self.events.append(("again", job.title, outcome.reason))

    def tick(self):
        self.ticks += 1

    def close(self):
        pass


def values_of(run, jobs):
    return {job.key: records.read_rows(run, job.key)["value"].fillna(-9).tolist() for job in jobs}


@pytest.fixture(scope="module")
def methods():
    return [Toy("grey"), Toy("bad", "raise"), Toy("dead", "die")]


@pytest.fixture(scope="module")
def spread(people_root, methods, tmp_path_factory):
    """Nine jobs in two processes; two of them raise and one kills its process."""
    run, display = tmp_path_factory.mktemp("spread"), RecordingDisplay()
    jobs = [job for job in jobs_of(people_root, methods) if (job.method, job.person) != ("dead", "bob")]
    outcomes = local.run(jobs, context_of(people_root, methods, run), TWO, display)
    return run, jobs, {outcome.key: outcome for outcome in outcomes}, display


def test_every_job_ends_and_the_healthy_ones_are_done(spread):
    run, jobs, outcomes, _ = spread
    assert set(outcomes) == {job.key for job in jobs}
    for job in jobs:
        healthy = job.method not in ("bad", "dead")
        assert outcomes[job.key].status == ("done" if healthy else "failed")
        assert records.read_record(run, job.key).status == outcomes[job.key].status


def test_a_death_is_recorded_with_its_signal_and_where_to_look(spread):
    run, jobs, _, _ = spread
    for job in jobs:
        if job.method == "dead":
            reason = records.read_record(run, job.key).reason
            assert "SIGKILL" in reason and "workers.log" in reason and "memory" in reason
    assert (run / "workers.log").exists()


def test_the_display_shows_every_job(spread):
    _, jobs, _, display = spread
    for kind in ("started", "finished"):
        assert sorted(event[1] for event in display.events if event[0] == kind) == sorted(job.title for job in jobs)
    assert ("progress", "grey · alice", "fitting", 3, 3) in display.events


def test_inline_and_spread_give_the_same_numbers(spread, people_root, methods, tmp_path):
    run, jobs, _, _ = spread
    healthy = [job for job in jobs if job.method not in ("bad", "dead")]
    outcomes = inline.run(
        healthy, context_of(people_root, methods, tmp_path), ExecutorOptions("cpu"), RecordingDisplay()
    )
    assert all(outcome.status == "done" for outcome in outcomes)
    assert values_of(tmp_path, healthy) == values_of(run, healthy)  # to the last bit: one thread, a seed per item


def test_inline_records_a_failure_and_goes_on(people_root, tmp_path):
    methods = [Toy("bad", "raise"), Toy("grey")]
    jobs = [job for job in jobs_of(people_root, methods) if job.person == "alice" and not job.reference]
    outcomes = inline.run(jobs, context_of(people_root, methods, tmp_path), ExecutorOptions("cpu"), RecordingDisplay())
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]


def test_a_worker_that_cannot_even_start_fails_its_jobs_and_ends(people_root, tmp_path):
    context = dataclasses.replace(context_of(people_root, [], tmp_path), load_domain=no_domain)
    jobs = [job for job in jobs_of(people_root, []) if job.person == "alice"]
    outcomes = local.run(jobs, context, ExecutorOptions("cpu", 1), RecordingDisplay())
    assert [outcome.status for outcome in outcomes] == ["failed"] * len(jobs)
    assert all("no such domain" in outcome.reason for outcome in outcomes)


def test_workers_that_cannot_start_are_given_up_and_no_job_is_blamed(people_root, tmp_path, monkeypatch):
    jobs = [job for job in jobs_of(people_root, []) if job.person == "alice"]
    display = RecordingDisplay()
    context = context_of(people_root, [], tmp_path)
    context = dataclasses.replace(context, environment=Unpicklable())  # the process ends before it gets any job
    with pytest.raises(NoWorkers, match=r"no worker can start.*workers\.log"):
        local.run(jobs, context, ExecutorOptions("cpu", 1), display)
    assert (
        not list(tmp_path.glob("jobs/*/record.json")) and [e[0] for e in display.events] == ["started", "withdrawn"] * 2
    )


class Unpicklable:
    """Can be sent, and not be received."""

    def __reduce__(self):
        return fail, ()


def fail():
    raise ImportError("a package of the project is missing here")


def no_domain(device):
    raise ValueError("no such domain")


# Ctrl-C

SCRIPT = """
import signal
import sys
from pathlib import Path
from bench_toys import Toy, context_of, jobs_of
from benchmarks.engine.executors import ExecutorOptions, local
from benchmarks.engine.display import PlainDisplay
from rich.console import Console

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal; a background shell has it ignored
    methods = [Toy("grey"), Toy("slow", "sleep")]
    people, run = Path({people!r}), Path({run!r})
    jobs = sorted(jobs_of(people, methods), key=lambda job: job.method == "slow")
    try:
        local.run(jobs, context_of(people, methods, run), ExecutorOptions("cpu", 2), PlainDisplay(len(jobs), Console()))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.faults
def test_ctrl_c_ends_within_seconds_and_leaves_a_resumable_run(people_root, tmp_path):
    script = tmp_path / "script.py"
    run = tmp_path / "run"
    script.write_text(SCRIPT.format(people=str(people_root), run=str(run)))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a process group of its own: the terminal sends Ctrl-C to all of it
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parents[1]), str(TESTS)])},
    )
    deadline = time.monotonic() + 120
    while len(list(run.glob("jobs/*/record.json"))) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)  # the slow jobs are asleep by now
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert time.monotonic() - began < 10
    assert "Traceback" not in output
    assert len(list(run.glob("jobs/*/record.json"))) == 6
    assert not list((run / "jobs" / "unfinished").glob("*"))
    for record in run.glob("jobs/*/record.json"):
        assert json.loads(record.read_text())["status"] == "done"
    deadline = time.monotonic() + 10  # multiprocessing's own helper ends a moment after its parent
    while living(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not living(process.pid)


def living(group: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# Choice


def test_an_executor_is_a_file_of_the_folder(tmp_path, monkeypatch):
    assert executors.names() == ("inline", "local", "ray")
    (tmp_path / "other.py").write_text("def check(options):\n    return [options.device]\n")
    monkeypatch.setattr(executors, "__path__", [*executors.__path__, str(tmp_path)])
    assert "other" in executors.names() and executors.load("other").check(ExecutorOptions("cpu")) == ["cpu"]
    assert make_parser().parse_args(["--executor", "other"]).executor == "other"


# Devices


def test_cpu_workers_fit_cores_jobs_and_memory(monkeypatch):
    monkeypatch.setattr(devices, "cores", lambda: 8)
    monkeypatch.setattr(devices, "physical_memory", lambda: 64 * 2**30)
    assert choose_devices("cpu", None, 20) == ["cpu"] * 8
    assert choose_devices("cpu", None, 3) == ["cpu"] * 3
    assert choose_devices("cpu", 12, 20) == ["cpu"] * 12  # asked for is asked for
    monkeypatch.setattr(devices, "physical_memory", lambda: 5 * 2**30)
    assert choose_devices("cpu", None, 20) == ["cpu"] * 2
    monkeypatch.setattr(devices, "physical_memory", lambda: 2**30)
    assert choose_devices("cpu", None, 20) == ["cpu"]
    monkeypatch.setattr(devices, "physical_memory", lambda: None)
    assert choose_devices("cpu", None, 20) == ["cpu"] * 8


def test_one_worker_per_gpu(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_devices("auto", None, 20) == ["cuda:0", "cuda:1"]
    assert choose_devices("cuda", None, 1) == ["cuda:0"]
    assert choose_devices("cuda", 3, 20) == ["cuda:0", "cuda:1", "cuda:0"]
    assert choose_devices("cpu", 1, 20) == ["cpu"]


@pytest.mark.faults
def test_a_prior_is_fitted_once_even_if_two_jobs_want_it_at_the_same_time(people_root, tmp_path):
    slow = Toy("slow", "wait")
    first = next(job for job in jobs_of(people_root, [slow]) if job.method == "slow")
    second = dataclasses.replace(first, suite_version=2)
    assert first.prior_key == second.prior_key and first.key != second.key
    other = next(job for job in jobs_of(people_root, [slow]) if job.method == "other_people")
    outcomes = local.run([first, second, other], context_of(people_root, [slow], tmp_path), TWO, RecordingDisplay())
    assert [outcome.status for outcome in outcomes] == ["done"] * 3
    assert outcomes[0].key == other.key, "the second process takes what does not wait for the prior"
    cached = [records.read_record(tmp_path, job.key).prior.cached for job in (first, second)]
    assert cached == [False, True]
