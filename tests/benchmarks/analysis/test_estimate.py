"""Estimates of time, from records whose times are known."""

from __future__ import annotations

import dataclasses

import pytest
from bench_toys import Settings, Toy, context_of, jobs_of

from benchmarks.analysis import estimate as module
from benchmarks.analysis.estimate import Estimate, duration, estimate
from benchmarks.engine.records import PriorRecord, all_records, job_folder, write_archive, write_job
from benchmarks.engine.worker import record

HERE = "a machine"


@pytest.fixture
def run(tmp_path):
    return tmp_path / "runs" / "one"


@pytest.fixture(autouse=True)
def nothing_published(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PUBLISHED", tmp_path / "nothing")


def leave(run, context, job, seconds, hardware=HERE, key=None, **extra):
    """A done job's record with these times."""
    content = record(context, job, "done", seconds=seconds)
    content = dataclasses.replace(content, environment={"hardware": hardware}, key=key or job.key, **extra)
    with job_folder(run, content.key) as folder:
        write_job(folder, content, [])


@pytest.fixture
def toys(people_root, run):
    methods = [Toy("grey"), Toy("floor", settings=Settings(fit=None))]
    jobs = {(job.method, job.person): job for job in jobs_of(people_root, methods)}
    return context_of(people_root, methods, run), jobs


def test_a_job_costs_its_fit_and_its_cases(toys, run):
    context, jobs = toys
    alice, bob = jobs["grey", "alice"], jobs["grey", "bob"]
    assert len(alice.cases) == 2
    leave(run, context, alice, {"fit": 100.0, "restore": 8.0, "score": 2.0}, prior=PriorRecord(key=alice.prior_key))
    leave(run, context, jobs["floor", "alice"], {"fit": 1.0, "restore": 3.0}, prior=PriorRecord(key=None))
    pending = [bob, jobs["floor", "bob"], jobs["real_photos", "bob"]]
    judged = estimate(pending, run, run / "priors", HERE)
    assert [judged.seconds[job.key] for job in pending] == [pytest.approx(110), pytest.approx(4), None]
    assert judged.source == "2 records of a machine"
    assert judged.total(1) == pytest.approx(114) and judged.total(8) == pytest.approx(110), "a job is not divided"


def test_a_prior_is_paid_once_and_not_at_all_if_it_is_there(toys, run):
    context, jobs = toys
    job = jobs["grey", "alice"]
    leave(run, context, job, {"fit": 100.0, "restore": 10.0}, prior=PriorRecord(key=job.prior_key), key="0" * 16)
    again = dataclasses.replace(job, suite_version=2)
    judged = estimate([job, again], run, run / "priors", HERE)
    assert list(judged.seconds.values()) == [pytest.approx(110), pytest.approx(10)]
    (run / "priors" / job.prior_key).mkdir(parents=True)
    assert list(estimate([job], run, run / "priors", HERE).seconds.values()) == [pytest.approx(10)]


def test_the_fit_with_the_nearest_number_of_photos_counts(toys, run):
    context, jobs = toys
    job = jobs["grey", "alice"]
    for n, seconds in ((4, 40.0), (6, 60.0), (100, 1000.0)):
        more = {"photos_fitted": n, "prior": PriorRecord(key="any")}
        leave(run, context, job, {"fit": seconds, "restore": 0.0}, key=f"{n:016}", **more)
    assert len(job.train) == 5
    assert list(estimate([job], run, run / "priors", HERE).seconds.values()) == [pytest.approx(50)]


def test_neighbours_count_and_other_machines_only_in_need(toys, run, tmp_path, monkeypatch):
    context, jobs = toys
    job = jobs["floor", "alice"]
    beside = run.with_name("two")
    leave(beside, context, job, {"restore": 8.0}, hardware="another")
    assert estimate([job], run, run / "priors", HERE).seconds[job.key] is None
    published = tmp_path / "published" / "inpainting"
    published.mkdir(parents=True)
    write_archive(published / "records.jsonl.xz", all_records(beside))
    damaged = published.with_name("damaged")
    damaged.mkdir()
    (damaged / "records.jsonl.xz").write_bytes(b"not an archive")  # is passed over
    monkeypatch.setattr(module, "PUBLISHED", published.parent)
    judged = estimate([job], run, run / "priors", HERE)
    assert judged.seconds[job.key] == pytest.approx(8) and judged.source == "1 records of another"
    leave(beside, context, job, {"restore": 4.0})
    assert estimate([job], run, run / "priors", HERE).seconds[job.key] == pytest.approx(4)


def test_what_one_job_of_a_group_does_for_the_others_is_shared_among_them(toys, run):
    context, jobs = toys
    job = jobs["floor", "alice"]
    for n, seconds in enumerate((30.0, 0.0, 0.0)):
        leave(run, context, job, {"restore": seconds}, key=f"{n:016}")
    assert estimate([job], run, run / "priors", HERE).total(1) == pytest.approx(10)


def test_records_of_another_domain_say_nothing(toys, run):
    context, jobs = toys
    job = jobs["floor", "alice"]
    leave(run, context, job, {"restore": 8.0}, key="0" * 16)
    assert estimate([dataclasses.replace(job, domain="faces")], run, run / "priors", HERE).total(1) == 0


def test_durations():
    assert [duration(s) for s in (0.4, 89, 91, 3600, 12_000)] == ["0 s", "89 s", "2 min", "60 min", "3 h 20 min"]
    assert Estimate({}, "").total(2) == 0
