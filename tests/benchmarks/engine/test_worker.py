"""One job from photos to record: what it leaves, and that nothing but its inputs decides the numbers."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
import torch
from bench_toys import SUITE, FitSettings, Settings, Toy, context_of, jobs_of
from PIL import Image

from benchmarks.api.registry import METRICS
from benchmarks.engine import records
from benchmarks.engine.worker import Worker, read_pixels, record_failure, write_png
from mystyle.types import from_uint8

WITHOUT_FILES = {name for name in SUITE.metrics if METRICS.load(name).files}


def run_all(people_root, methods, run):
    worker = Worker(context_of(people_root, methods, run), "cpu")
    return {(job.method, job.person): (job, worker.run(job)) for job in jobs_of(people_root, methods)}


def rows_of(run, job):
    return records.read_rows(run, job.key)


def numbers(run, job):
    """The values that there are; these people were not rendered, and their traits are not known."""
    return rows_of(run, job)["value"].dropna().tolist()


@pytest.fixture(scope="module")
def finished(people_root, tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    return run, run_all(people_root, [Toy("grey")], run)


def test_every_job_is_done_and_recorded(finished):
    run, jobs = finished
    assert len(jobs) == 6
    for job, outcome in jobs.values():
        assert (outcome.status, outcome.reason) == ("done", "") and records.is_done(run, job.key)
        record = records.read_record(run, job.key)
        assert record.photos == job.photos and record.weights == dict(job.weights)
        assert record.peak_memory_mb > 0 and record.seconds["score"] > 0
        rows = rows_of(run, job)
        of_cases = rows[rows["case"].isin([case.name for case in job.cases])]
        assert set(rows["metric"]) == set(job.metrics)
        assert set(of_cases.groupby("metric").size()) == {len(job.cases)}


def test_the_record_has_what_a_reader_needs(finished):
    run, jobs = finished
    record = records.read_record(run, jobs["grey", "alice"][0].key)
    assert record.settings == {"fit": {"grey": 0.25}, "noise": 0.1}
    assert set(record.seconds) == {"fit", "restore", "score"} and record.prior.cached is False
    assert [(c.case, c.image) for c in record.cases] == [
        (case.name, case.image) for case in jobs["grey", "alice"][0].cases
    ]


def test_images_are_the_blend_and_the_input_shows_the_hole_in_mid_grey(finished, people_root):
    run, jobs = finished
    job = jobs["grey", "alice"][0]
    for case in job.cases:
        folder = run / "jobs" / job.key / "images"
        paths = (people_root / "alice" / case.image, folder / f"{case.name}.png", folder / f"{case.name}.input.png")
        clean, output, degraded = (np.asarray(Image.open(path)).astype(int) for path in paths)
        hole = (degraded == 128).all(axis=-1) & (clean != 128).any(axis=-1)
        assert hole.any() and (output[~hole] == clean[~hole]).all() and (degraded[~hole] == clean[~hole]).all()
        assert abs(output[hole].mean() - 127.5 * 1.25) < 8  # the grey 0.25, and noise of 13 levels


def test_references_have_dashes_where_there_is_no_hole(finished):
    run, jobs = finished
    rows = rows_of(run, jobs["real_photos", "alice"][0])
    dashes = rows[rows["status"] == "inapplicable"]
    of_methods = {"hole_distance", "hole_distance_judge", "seam", "identity_shift"}
    unknown = {"true_identity", *WITHOUT_FILES}  # nobody was rendered
    assert set(dashes["metric"]) == of_methods | unknown and dashes["value"].isna().all()
    assert dashes["reason"].str.len().min() > 10
    assert (rows[~rows["metric"].isin(dashes["metric"])]["status"] == "done").all()


def test_a_lone_person_has_no_floor_of_other_people(people_root, tmp_path):
    context = context_of(people_root, [], tmp_path)
    job = next(job for job in jobs_of(people_root, []) if job.method == "other_people" and job.person == "alice")
    job = dataclasses.replace(job, others={})
    assert Worker(context, "cpu").run(job).status == "done"
    rows = rows_of(tmp_path, job)
    assert (rows["status"] == "inapplicable").all() and rows["reason"].str.contains("other people").all()


def test_a_cached_prior_gives_the_same_numbers(people_root, tmp_path, finished):
    first_run, jobs = finished
    job, _ = jobs["grey", "alice"]
    worker = Worker(context_of(people_root, [Toy("grey")], tmp_path), "cpu")
    worker.run(job)
    shifted = dataclasses.replace(job, suite_version=2)  # another job that shares the prior
    assert shifted.prior_key == job.prior_key
    worker.run(shifted)
    assert records.read_record(tmp_path, shifted.key).prior.cached is True
    values = [numbers(tmp_path, j) for j in (job, shifted)]
    assert values[0] == values[1] == numbers(first_run, job)
    seconds = [records.read_record(tmp_path, j.key).seconds["fit"] for j in (job, shifted)]
    assert seconds[0] == pytest.approx(seconds[1], abs=0.05)  # what the fit took, not what reading it back took


def test_numbers_do_not_depend_on_the_other_cases(people_root, tmp_path, finished):
    run, jobs = finished
    job, _ = jobs["grey", "bob"]
    one = dataclasses.replace(job, part=dataclasses.replace(job.part, cases=job.cases[1:]))
    Worker(context_of(people_root, [Toy("grey")], tmp_path), "cpu").run(one)
    alone, among = (rows[rows["case"] == one.cases[0].name] for rows in (rows_of(tmp_path, one), rows_of(run, job)))
    pairs = alone["value"].to_numpy(), among["value"].to_numpy()
    assert pairs[0] == pytest.approx(pairs[1], abs=1e-5, nan_ok=True)  # float32 in batches


@pytest.mark.parametrize(
    "mishap, reason",
    [
        ("raise", "RuntimeError: this method always fails"),
        ("nan", "OutputError: values that are not finite"),
        ("shape", r"OutputError: images of shape \(2, 3, 31, 32\), expected \(2, 3, 32, 32\)"),
    ],
)
def test_a_failing_method_is_a_failed_job_with_a_reason(people_root, tmp_path, mishap, reason):
    jobs = run_all(people_root, [Toy("bad", mishap)], tmp_path)
    job, outcome = jobs["bad", "alice"]
    record = records.read_record(tmp_path, job.key)
    assert outcome.status == record.status == "failed"
    assert re.match(reason, record.reason) and "Traceback" in record.traceback
    rows = rows_of(tmp_path, job)
    assert len(rows) == len(job.cases) * len(job.metrics)  # no row is dropped
    assert (rows["status"] == "failed").all() and (rows["reason"] == record.reason).all()
    assert jobs["real_photos", "alice"][1].status == "done"  # the rest goes on


def test_a_method_without_the_verb_gets_a_dash_with_the_reason(people_root, tmp_path):
    job, outcome = run_all(people_root, [Toy("mute", "no verb")], tmp_path)["mute", "alice"]
    rows = rows_of(tmp_path, job)
    assert outcome.status == "done" and (rows["status"] == "inapplicable").all()
    assert rows["reason"].str.contains("mute does not offer what this task asks for").all()


def test_a_metric_without_a_number_fails_its_cells_alone(people_root, tmp_path):
    context = context_of(people_root, [Toy("grey")], tmp_path)
    broken = dataclasses.replace(context.metrics["seam"], compute=lambda e: torch.full((len(e.outputs),), torch.nan))
    context = dataclasses.replace(context, metrics={**context.metrics, "seam": broken})
    job = jobs_of(people_root, [Toy("grey")])[0]
    assert Worker(context, "cpu").run(job).status == "done"
    rows = rows_of(tmp_path, job)
    assert (rows[rows["metric"] == "seam"]["status"] == "failed").all()
    assert set(rows[rows["status"] == "failed"]["metric"]) == {"seam"}


@pytest.mark.parametrize("damage", ["other number", "no number", "gone", "no about", "half an about", "odd about"])
def test_a_damaged_prior_is_set_aside_and_fitted_again(people_root, tmp_path, damage, capsys):
    worker = Worker(context_of(people_root, [Toy("grey")], tmp_path), "cpu")
    job = jobs_of(people_root, [Toy("grey")])[0]
    worker.run(job)
    place = tmp_path / "priors" / job.prior_key
    if damage == "gone":
        (place / "prior" / "grey.txt").unlink()
    elif damage.endswith("about"):
        texts = {"no": "{}", "half an": '{"seconds": 1', "odd": '{"seconds": "1", "files": []}'}
        (place / "about.json").write_text(texts[damage.removesuffix(" about")])
    else:
        (place / "prior" / "grey.txt").write_text("0.75" if damage.startswith("other") else "no number")
    again = dataclasses.replace(job, suite_version=2)
    assert worker.run(again).status == "done"
    prior = records.read_record(tmp_path, again.key).prior
    assert not prior.cached and prior.damaged and "is made again" in capsys.readouterr().out
    assert numbers(tmp_path, again) == numbers(tmp_path, job)
    assert (place / "prior" / "grey.txt").read_text() == "0.25"
    assert [path.suffix for path in (place.parent / "unfinished").iterdir()] == [".damaged"]


def test_a_prior_that_is_whole_but_cannot_be_loaded_is_kept(people_root, tmp_path, monkeypatch):
    """Out of memory, say: hours of fitting are not thrown away for it."""
    worker = Worker(context_of(people_root, [Toy("grey")], tmp_path), "cpu")
    job = jobs_of(people_root, [Toy("grey")])[0]
    worker.run(job)
    place = tmp_path / "priors" / job.prior_key
    written = (place / "about.json").stat().st_mtime_ns

    def fail(self, *_, **__):
        raise MemoryError("no room")

    monkeypatch.setattr(Toy, "load", fail)
    outcome = worker.run(dataclasses.replace(job, suite_version=2))
    assert (outcome.status, outcome.reason) == ("failed", "MemoryError: no room")
    assert (place / "about.json").stat().st_mtime_ns == written


def test_a_prior_from_before_hashes_were_noted_is_used(people_root, tmp_path):
    worker = Worker(context_of(people_root, [Toy("grey")], tmp_path), "cpu")
    job = jobs_of(people_root, [Toy("grey")])[0]
    worker.run(job)
    about = tmp_path / "priors" / job.prior_key / "about.json"
    old = {name: value for name, value in json.loads(about.read_text()).items() if name not in ("files", "megabytes")}
    about.write_text(json.dumps(old))
    again = dataclasses.replace(job, suite_version=2)
    assert worker.run(again).status == "done"
    record = records.read_record(tmp_path, again.key)
    assert record.prior.cached is True and record.stored_mb is None


def test_a_prior_that_cannot_be_saved_ends_the_run(people_root, tmp_path, monkeypatch):
    """Every other job would fit in vain, too."""

    def full(self, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench_toys.Filler.save", full)
    worker = Worker(context_of(people_root, [Toy("grey")], tmp_path), "cpu")
    job = jobs_of(people_root, [Toy("grey")])[0]
    outcome = worker.run(job)
    assert outcome.status == "failed" and "priors cannot be written" in outcome.unwritable
    assert records.read_record(tmp_path, job.key) is None


def test_a_failure_that_comes_after_another_process_was_done_is_none(people_root, tmp_path):
    context = context_of(people_root, [Toy("grey")], tmp_path)
    job = jobs_of(people_root, [Toy("grey")])[0]
    Worker(context, "cpu").run(job)
    assert record_failure(context, job, "TimedOut: late", "", 9.0).status == "done"
    assert records.read_record(tmp_path, job.key).status == "done"


def test_the_record_has_what_a_prior_takes_on_disk_and_how_often_the_job_was_tried(people_root, tmp_path):
    floor = Toy("floor", settings=Settings(fit=None))
    worker = Worker(context_of(people_root, [Toy("grey"), floor], tmp_path), "cpu")
    jobs = {job.method: job for job in jobs_of(people_root, [Toy("grey"), floor]) if job.person == "alice"}
    for job in jobs.values():
        worker.run(job, attempt=3)
    stored = {name: records.read_record(tmp_path, job.key).stored_mb for name, job in jobs.items()}
    files = (tmp_path / "priors" / jobs["grey"].prior_key / "prior").iterdir()
    assert stored["grey"] == pytest.approx(sum(path.stat().st_size for path in files) / 1e6, abs=1e-3)
    assert stored["floor"] == 0 and stored["real_photos"] is None
    assert {records.read_record(tmp_path, job.key).attempts for job in jobs.values()} == {3}


def test_nothing_fitted_nothing_cached(people_root, tmp_path):
    floor = Toy("grey", settings=Settings(fit=None))
    job = next(job for job in jobs_of(people_root, [floor]) if job.method == "grey")
    assert job.prior_key is None
    assert Worker(context_of(people_root, [floor], tmp_path), "cpu").run(job).status == "done"
    assert not (tmp_path / "priors").exists()


def test_photos_that_changed_since_the_plan_fail_the_job(tmp_path, draw_person):
    for name in ("alice", "bob"):
        draw_person(tmp_path / "people", name)
    job = jobs_of(tmp_path / "people", [Toy("grey")])[0]
    photo = tmp_path / "people" / job.person / "train/000.png"
    Image.open(photo).rotate(90).save(photo)
    outcome = Worker(context_of(tmp_path / "people", [Toy("grey")], tmp_path / "run"), "cpu").run(job)
    assert outcome.status == "failed" and "changed while the run" in outcome.reason


def test_png_round_trip(tmp_path):
    pixels = torch.randint(0, 256, (2, 3, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, image in zip(paths, from_uint8(pixels), strict=True):
        write_png(path, image)
    assert torch.equal(read_pixels(paths), pixels)


def test_a_job_that_fails_while_it_is_measured_leaves_nothing_to_the_next(people_root, tmp_path):
    methods = [Toy("grey"), Toy("dark", settings=Settings(FitSettings(grey=-0.9)))]
    jobs = {job.method: job for job in jobs_of(people_root, methods) if job.person == "alice" and not job.reference}
    alone = tmp_path / "alone"
    assert Worker(context_of(people_root, methods, alone), "cpu").run(jobs["dark"]).status == "done"

    context = context_of(people_root, methods, tmp_path / "after")
    seam = context.metrics["seam"]
    failing = {**context.metrics, "seam": dataclasses.replace(seam, compute=lambda e: 1 / 0)}
    worker = Worker(dataclasses.replace(context, metrics=failing), "cpu")
    assert worker.run(jobs["grey"]).status == "failed"  # after its features were computed
    worker.context = context
    assert worker.run(jobs["dark"]).status == "done"
    assert numbers(tmp_path / "after", jobs["dark"]) == numbers(alone, jobs["dark"])
