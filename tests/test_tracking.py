"""The mirror: one W&B run per job, made from the files alone, once, and never at the run's expense."""

from __future__ import annotations

import json
import os
import sys

import pytest
from bench_toys import Toy, context_of, jobs_of

from benchmarks import records, tracking
from benchmarks.plan import describe
from benchmarks.suites.inpainting import SUITE
from benchmarks.tracking import TrackingError, mirror
from benchmarks.worker import Worker


@pytest.fixture
def finished(people_root, tmp_path):
    methods = [Toy("grey"), Toy("bad", "raise")]
    context = context_of(people_root, methods, tmp_path / "run")
    jobs = [job for job in jobs_of(people_root, methods) if job.person == "alice" and not job.reference]
    worker = Worker(context, "cpu")
    for job in jobs:
        worker.run(job)
    layout = describe(SUITE, context.methods, context.metrics, jobs, {})
    records.write_json(context.run / "suite.json", layout)
    return context.run, jobs


def test_offline_runs_are_named_after_jobs_and_made_once(finished, monkeypatch, capfd):
    run, jobs = finished
    monkeypatch.delenv("WANDB_DIR", raising=False)
    assert mirror(run, "offline") == 2
    made = sorted(path.name.rsplit("-", 1)[1] for path in (run / "wandb").glob("offline-run-*"))
    assert made == sorted(job.key for job in jobs)
    assert mirror(run, "offline") == 0
    assert len(list((run / "wandb").glob("offline-run-*"))) == 2
    assert "WANDB_DIR" not in os.environ
    out, err = capfd.readouterr()
    assert out == "" and "wandb" not in err.lower()  # quiet


def test_a_job_that_was_done_again_is_mirrored_again(finished):
    run, jobs = finished
    mirror(run, "offline")
    path = run / "jobs" / jobs[0].key / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"created": "2099-01-01T00:00:00+00:00"}))
    assert mirror(run, "offline") == 1


def test_disabled_leaves_nothing(finished):
    run, _ = finished
    assert mirror(run, "disabled") == 0 and not (run / "wandb").exists()


def test_a_missing_wandb_is_one_error_that_leaves_the_run_alone(finished, monkeypatch):
    run, _ = finished
    monkeypatch.setitem(sys.modules, "wandb", None)  # what an import of an absent package meets
    with pytest.raises(TrackingError, match="wandb"):
        mirror(run, "offline")
    assert len(records.read_records(run)) == 2


def test_what_was_mirrored_before_a_failure_is_not_mirrored_twice(finished, monkeypatch):
    run, _ = finished
    calls = []

    def fail_second(wandb, run, record, mode):
        calls.append(record["key"])
        if len(calls) == 2:
            raise ConnectionError("no network")

    monkeypatch.setattr(tracking, "_mirror_job", fail_second)
    with pytest.raises(TrackingError, match="ConnectionError: no network"):
        mirror(run, "online")
    assert mirror(run, "online") == 1 and calls[2] == calls[1]
