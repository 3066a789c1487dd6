"""Editing: every prior that inverts, through every editor, each photo tuned once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from bench_toys import context_of, jobs_of
from few_codes import few_codes

import baselines.pti
import benchmarks.tasks.editing as editing_task
from benchmarks.api.registry import EDITORS, METHODS
from benchmarks.api.task import Part
from benchmarks.engine import records
from benchmarks.engine.worker import Worker
from benchmarks.suites import editing
from mystyle.pivotal import PivotalTuning, tune_at_pivot, tune_at_pivots

SUITE = replace(editing.SUITE, metrics=("maps_train", "identity", "edit_error", "edit_reach", "leakage"), references=())


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    few_codes(monkeypatch)


@pytest.fixture
def tunings(monkeypatch):
    """Counts tunings at a pivot, by who asked: the method PTI, or the task."""
    counts = {"pti": 0, "task": 0}

    def counted(who, tuning):
        def tune(*arguments, **named):
            counts[who] += 1
            return tuning(*arguments, **named)

        return tune

    monkeypatch.setattr(baselines.pti, "tune_at_pivots", counted("pti", tune_at_pivots))
    monkeypatch.setattr(editing_task, "tune_at_pivot", counted("task", tune_at_pivot))
    return counts


def rows_of(people_root, run, method, jobs):
    worker = Worker(context_of(people_root, [method], run, SUITE), "cpu")
    for job in jobs:
        assert worker.run(job).reason == ""
    return [records.read_rows(run, job.key) for job in jobs]


def alices(people_root, method):
    return [job for job in jobs_of(people_root, [method], SUITE) if job.person == "alice"]


@pytest.mark.parametrize("name, asked", [("pti", {"pti": 1, "task": 0}), ("domain_w", {"pti": 0, "task": 1})])
def test_a_photo_is_tuned_once_for_both_attributes(people_root, tmp_path, tunings, name, asked):
    """PTI's inversions are tuned already; those of other priors are tuned by the task."""
    method = METHODS.load(name)
    jobs = alices(people_root, method)
    assert [job.part.task.attribute for job in jobs] == ["yaw", "smile"]
    for rows in rows_of(people_root, tmp_path, method, jobs):
        assert (rows["status"] == "done").all(), rows["reason"].unique()
    assert tunings == asked


EDITED = {"ganspace": "pca00", "sefa": "sefa00"} | dict.fromkeys(
    ("advstyle", "expanded", "ganspace_labelled", "interfacegan", "mapper", "sefa_labelled", "styleflow"), "smile"
)


def test_every_editor_with_attributes_is_here(tiny_domain):
    found = {name: EDITORS.load(name).attributes(tiny_domain) for name in EDITORS.names()}
    assert {name for name, attributes in found.items() if attributes} == set(EDITED)
    assert all(attribute in found[name] for name, attribute in EDITED.items())


@pytest.mark.parametrize("editor", EDITED)
def test_edits_through_every_editor(people_root, tmp_path, editor):
    method = METHODS.load("domain_w")
    job = alices(people_root, method)[1]
    task = replace(job.part.task, editor=editor, edit=EDITED[editor], tuning=PivotalTuning(steps=1), gallery=9)
    job = replace(job, part=replace(job.part, task=task))
    (rows,) = rows_of(people_root, tmp_path, method, [job])
    assert (rows["status"] == "done").all(), rows["reason"].unique()
    # of a gallery of nine along a direction that changes the image, five wanted values cannot all be nearest to one
    assert rows[rows["metric"] == "edit_reach"]["value"].gt(0).all()


def test_an_attribute_that_the_judge_does_not_read_is_a_dash(people_root, tmp_path):
    method = METHODS.load("domain_w")
    job = alices(people_root, method)[0]
    task = replace(job.part.task, attribute="pca00", editor="ganspace")
    job = replace(job, part=Part(task, job.cases))
    (rows,) = rows_of(people_root, tmp_path, method, [job])
    assert (rows["status"] == "inapplicable").all()
    assert set(rows["reason"]) == {"the judge of domain tiny does not read pca00"}


def test_the_kept_edits_are_those_nearest_to_the_wanted_values(tiny_domain, people_root, tmp_path):
    """More of the attribute is read from the image of the highest wanted value than from that of the lowest."""
    method = METHODS.load("domain_w")
    job = alices(people_root, method)[1]
    task = replace(job.part.task, wanted=(-9.0, 9.0), tuning=PivotalTuning(steps=1))
    cases = tuple(replace(job.cases[k], dose=dose) for k, dose in enumerate(task.wanted))
    job = replace(job, part=replace(job.part, task=task, cases=cases))
    rows_of(people_root, tmp_path, method, [job])
    from benchmarks.engine.worker import read_pixels
    from mystyle.types import from_uint8

    files = [tmp_path / "jobs" / job.key / "images" / f"{case.name}.png" for case in cases]
    with torch.inference_mode():
        low, high = tiny_domain.judge.attributes(from_uint8(read_pixels(files)))["smile"].tolist()
    assert low < high
