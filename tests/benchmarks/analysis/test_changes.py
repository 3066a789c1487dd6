"""What a run says has changed since there were results, against changes that were made."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest
from bench_toys import FitSettings, Settings, Toy, context_of, jobs_of
from published_run import RESULTS

from benchmarks.analysis.changes import changes, superseded
from benchmarks.api.registry import METHODS, METRICS, SUITES
from benchmarks.engine import records
from benchmarks.engine.worker import Worker
from benchmarks.tasks.inpainting import Inpainting


@dataclasses.dataclass(frozen=True)
class WithGallery(Inpainting):
    gallery: int = 9


@pytest.fixture(scope="module")
def finished(people_root, tmp_path_factory):
    """A run of one toy on two people."""
    run = tmp_path_factory.mktemp("run")
    worker = Worker(context_of(people_root, [Toy("grey")], run), "cpu")
    jobs = jobs_of(people_root, [Toy("grey")])
    for job in jobs:
        worker.run(job)
    return run, jobs


def test_nothing_changed_nothing_said(finished):
    run, jobs = finished
    assert changes(run, jobs, jobs) == []
    assert changes(run / "elsewhere", jobs, jobs) == []


def test_results_that_the_plan_has_a_use_for_are_not_what_another_job_replaces(finished):
    """Of a condition with several jobs, one was done: the next is no change of it."""
    run, jobs = finished
    part = dataclasses.replace(jobs[0].part, cases=jobs[0].cases[1:])
    following = dataclasses.replace(jobs[0], part=part)
    assert changes(run, [following], [*jobs, following]) == []
    assert changes(run, [following], [following]) == ["suite inpainting: the cases (1 job)"]


def test_a_setting_and_a_version(finished, people_root):
    run, _ = finished
    darker = Toy("grey", settings=Settings(FitSettings(grey=-0.5)), version=2)
    mine = [job for job in jobs_of(people_root, [darker]) if job.method == "grey"]
    assert changes(run, mine, mine) == ["grey: version 1 → 2 (2 jobs)", "grey: fit.grey 0.25 → -0.5 (2 jobs)"]


def test_weights_photos_metrics_and_cases(finished):
    run, jobs = finished
    job = next(job for job in jobs if job.method == "grey" and job.person == "alice")
    one = next(iter(job.train))
    other = dataclasses.replace(
        job,
        weights={"generator.safetensors": "other", "encoder.safetensors": "new"},
        train={**job.train, one: "other", "train/999.png": "new"},
        subject={},
        metrics={**job.metrics, "seam": 7},
        part=dataclasses.replace(job.part, cases=job.cases[1:]),
    )
    assert set(changes(run, [other], [other])) == {
        "weight file generator.safetensors has changed (1 job)",
        "weight file encoder.safetensors is new (1 job)",
        "photos of alice: 1 changed, 1 new (1 job)",
        "metric seam 1 → 7 (1 job)",
        "suite inpainting: the cases (1 job)",
    }


def test_parameters_of_the_task_and_the_method_behind_a_row(finished):
    run, jobs = finished
    job = dataclasses.replace(
        jobs[0], fitted_by="another file", part=dataclasses.replace(jobs[0].part, task=WithGallery())
    )
    assert changes(run, [job], [job]) == [
        f"{job.method}: fitted_by {jobs[0].fitted_by} → another file (1 job)",
        "suite inpainting: gallery absent → 9 (1 job)",
    ]


def test_a_change_of_what_no_record_holds_is_called_that(finished, tmp_path):
    """As a record of schema 2 is, which has no parameters of the task."""
    run, jobs = finished
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "jobs" / jobs[0].key / "record.json"
    content = json.loads(path.read_text()) | {"schema": 2}
    for name in ("params", "fitted_by", "reference", "kept", "train", "others"):
        del content[name]
    path.write_text(json.dumps(content))
    job = dataclasses.replace(jobs[0], part=dataclasses.replace(jobs[0].part, task=WithGallery()))
    assert changes(tmp_path / "run", [job], [job]) == ["an unrecorded setting (1 job)"]


def test_a_job_that_is_like_no_other_has_not_changed(finished, people_root):
    run, jobs = finished
    assert changes(run, (other := [dataclasses.replace(jobs[0], seed=5)]), other) == []
    (run / "jobs" / "damaged").mkdir()
    (run / "jobs" / "damaged" / "record.json").write_text("{")
    assert changes(run, jobs, jobs) == [] and records.is_done(run, jobs[0].key)


def test_what_has_another_version_in_this_checkout():
    suite, (record, *_), _ = records.read_published(RESULTS / "dilation")
    now = dataclasses.replace(suite, version=SUITES.load("dilation").version)
    identity, mystyle = METRICS.load("identity").version, METHODS.load("mystyle").version
    same = dataclasses.replace(record, method_version=mystyle, metrics={"identity": identity, "gone": 1})
    assert superseded(now, [same]) == set()
    other = dataclasses.replace(same, method_version=0, metrics={"identity": 0})
    assert superseded(dataclasses.replace(now, version=0), [other]) == {"mystyle", "identity", "the suite"}
    assert superseded(now, [dataclasses.replace(other, reference=True)]) == {"identity"}, "photos have no method"
