"""Editability: a photo is inverted once for everything, and pairs see the photos of all people."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
from bench_toys import context_of, person_of
from few_codes import few_codes

from benchmarks.api.registry import EDITORS, METHODS, METRICS
from benchmarks.api.suite import Variant
from benchmarks.engine import records
from benchmarks.engine.plan import make_jobs
from benchmarks.engine.worker import Worker, read_pixels
from benchmarks.suites import editability, inversion
from datasets.folders import read_portraits
from mystyle.digests import digest
from mystyle.inversion import ByProjection
from mystyle.types import to_uint8

ROWS = ("ii2s_unclipped", "ii2s", "pti")
SUITE = replace(editability.SUITE, metrics=("yaw_change", "kid_inputs"))
SETTINGS = replace(SUITE.presets["smoke"], gallery=3, editors=("ganspace_labelled",))


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    few_codes(monkeypatch)


@pytest.fixture
def inverted(monkeypatch):
    """How often each photo was inverted, by kind of prior, its settings, and the photo."""
    counts: Counter[tuple[str, str, str]] = Counter()
    invert = ByProjection.invert

    def counted(self, images, *, seeds):
        counts.update((type(self).__name__, repr(self.settings), digest(image)) for image in images)
        return invert(self, images, seeds=seeds)

    monkeypatch.setattr(ByProjection, "invert", counted)
    return counts


def run_all(people_root, suite, run, rows):
    """The smoke preset of some rows, on alice and bob."""
    suite = replace(suite, methods=tuple(row for row in suite.methods if getattr(row, "name", row) in rows))
    methods = {name: METHODS.load(row.method if isinstance(row, Variant) else row) for name, row in suite.rows.items()}
    people = [person_of(people_root / name) for name in ("alice", "bob")]
    metrics = {name: METRICS.load(name) for name in suite.metrics}
    jobs = make_jobs(suite, "smoke", methods, metrics, people, (0,), "tiny", {}, {})
    worker = Worker(replace(context_of(people_root, [], run, suite), methods=methods), "cpu")
    for job in jobs:
        assert worker.run(job).reason == ""
    return jobs


def test_a_photo_is_inverted_once_for_all_tasks_attributes_editors_and_suites(people_root, tmp_path, inverted):
    suite = replace(SUITE, presets={"smoke": SETTINGS})
    jobs = run_all(people_root, suite, tmp_path, ROWS)
    assert len({job.part.task.name for job in jobs}) == 6 and len({job.part.condition for job in jobs}) == 11
    assert len(inverted) == 2 * len(ROWS), "two photos, by each method and settings"
    assert set(inverted.values()) == {1}

    def through_sefa(person, people, settings, seed):
        """The edits of a part that sets coordinates, by another editor."""
        found = editability.parts(person, people, settings, seed)
        return tuple(replace(p, task=replace(p.task, editor="sefa")) for p in found if p.condition == "pose")

    run_all(people_root, replace(suite, version=2, parts=through_sefa), tmp_path, ROWS)
    run_all(people_root, replace(inversion.SUITE, metrics=("mse",)), tmp_path, ROWS)
    assert set(inverted.values()) == {1}, "neither another editor nor the suite of inversion inverts again"


def test_pairs_are_of_everybody_s_photos_and_keep_the_second_one(people_root, tmp_path):
    suite = replace(SUITE, presets={"smoke": SETTINGS})
    jobs = run_all(people_root, suite, tmp_path, ("domain_w",))
    assert {job.person for job in jobs if job.part.guests} == {"bob"}, "the last person's, when all are inverted"
    (job,) = [job for job in jobs if job.part.condition == "mixing"]
    photos = [read_portraits(people_root / name, "test", 32) for name in ("bob", "alice")]
    images = torch.cat([each.images for each in photos])
    assert {case.photo // len(photos[0]) for case in job.cases} == {0, 1}
    for case in job.cases:
        folder = tmp_path / "jobs" / job.key / "images"
        for kind, position in (("input", case.photo), ("other", case.other)):
            shown = read_pixels([folder / f"{case.name}.{kind}.png"])
            assert torch.equal(shown, to_uint8(images[position : position + 1]))
    rows = records.read_rows(tmp_path, job.key).set_index("metric")
    assert rows.loc["kid_inputs", "status"] == "done"
    assert (rows.loc[["yaw_change"], "status"] == "inapplicable").all()


def test_a_person_alone_has_no_pairs(people_root):
    alice = person_of(people_root / "alice")
    found = {part.condition for part in SUITE.parts(alice, [alice], SETTINGS, 0)}
    others = set(editability.EDITORS) - set(SETTINGS.editors)
    assert found == set(SUITE.conditions) - {"interpolation_w", "interpolation_p", "mixing"} - others


def test_every_editor_that_the_suite_names_has_a_condition_and_what_is_edited(people_root):
    alice = person_of(people_root / "alice")
    parts = SUITE.parts(alice, [alice], SUITE.presets["full"], 0)
    by_editor = {part.condition: part for part in parts if part.condition in editability.EDITORS}
    assert list(by_editor) == list(editability.EDITORS)
    for name, part in by_editor.items():
        assert part.task.editor == name and SUITE.conditions[name]
        strengths = {strength for case in part.cases for _, strength in case.edits}
        assert strengths == {-editability.EDITORS[name], editability.EDITORS[name]}, "less and more of each attribute"
        assert EDITORS.load(name).title
