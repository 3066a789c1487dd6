"""Images made elsewhere: matched by person and case, measured like a method's, missing ones named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from bench_toys import SUITE, jobs_of
from PIL import Image
from tiny import load_tiny_domain

from benchmarks.api.registry import METRICS
from benchmarks.api.task import PRESETS
from benchmarks.engine import checks
from benchmarks.engine.external import External, parse
from benchmarks.engine.options import Options
from benchmarks.engine.request import Request
from benchmarks.run import do_jobs
from mystyle.types import from_uint8

NAMES = ("alice", "bob")


@pytest.fixture
def answers(tmp_path, people_root):
    """A folder with the true photo as the answer to every case of both people, and the request to score it."""
    folder = tmp_path / "answers"
    (folder / "alice").mkdir(parents=True)
    (folder / "bob").mkdir()
    method = External("theirs", folder)
    for job in jobs_of(people_root, [method]):
        for case in job.cases:
            Image.open(people_root / job.person / case.image).save(method.file(job.person, case))
    return External("theirs", folder)  # a new one: the first has looked at the empty folder


@pytest.fixture
def score(tmp_path, people_root):
    """Runs the suite on a method alone: (exit status, results.csv)."""

    def call(method: External):
        asked = Request(
            suite=SUITE, preset="smoke", methods={method.name: method},
            metrics={name: METRICS.load(name) for name in SUITE.metrics},
            folders={name: people_root / name for name in NAMES},
            seeds=(0,), domain="tiny", resolution=32, weights={},
        )  # fmt: skip
        options = Options(photos=people_root, out=tmp_path / "run", executor="inline", device="cpu", wandb="disabled")
        options.folder.mkdir(exist_ok=True)
        status = do_jobs(asked, options, load_tiny_domain)()
        results = pd.read_csv(options.folder / "results.csv")
        return status, results[results["method"] == "theirs"]

    return call


def test_true_photos_score_as_true_photos(answers, score):
    status, results = score(answers)
    assert status == 0 and set(results[results["status"] != "done"]["metric"]) == {
        "true_identity",  # nobody was rendered
        *(name for name in SUITE.metrics if METRICS.load(name).files),
    }
    assert set(results["metric"]) == set(SUITE.metrics)
    assert len(results[results["metric"] == "seam"]) == 2 * 2  # people, cases
    identity = results[results["metric"] == "identity"]["value"]
    assert (identity <= 1).all()
    assert results[results["metric"] == "hole_distance"]["value"].max() < 1e-6  # the very pixels


def test_what_is_missing_is_named_and_the_rest_is_scored(answers, score, people_root, capsys):
    job = next(job for job in jobs_of(people_root, [answers]) if job.person == "alice" and not job.reference)
    lost = answers.file("alice", job.cases[1])
    lost.unlink()
    method = External("theirs", answers.folder)
    _, results = score(method)
    assert f"1 images are missing and will be failed rows:\n  {lost}" in capsys.readouterr().out
    failed = results[results["status"] == "failed"]
    assert set(zip(failed["person"], failed["case"], strict=True)) == {("alice", job.cases[1].name)}
    assert set(failed["metric"]) == set(SUITE.metrics) and failed["reason"].eq(f"{lost.name} is missing").all()
    assert (results[results["metric"] == "seam"]["status"] == "done").sum() == 3
    assert method.missing([job]) == [lost]


def test_new_images_are_new_jobs(answers, people_root):
    before = {job.key for job in jobs_of(people_root, [answers]) if not job.reference}
    path = next(answers.folder.glob("bob/*.png"))
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(path)
    after = {job.key for job in jobs_of(people_root, [External("theirs", answers.folder)]) if not job.reference}
    assert before.isdisjoint(after)


def test_only_the_hole_is_taken_from_the_image(answers, score, tmp_path):
    for path in answers.folder.glob("*/*.png"):
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(path)
    status, _ = score(External("theirs", answers.folder))
    assert status == 0
    records = [path for path in (tmp_path / "run/jobs").glob("*/record.json") if '"theirs"' in path.read_text()]
    inputs = [path for record in records for path in record.parent.glob("images/*.input.png")]
    assert len(inputs) == 4
    for path in inputs:
        files = (path.with_name(path.name.replace(".input", "")), path)
        written, given = (from_uint8(torch.from_numpy(np.array(Image.open(file)))) for file in files)
        assert {-1.0} == set(written[(written != given).any(dim=-1)].unique().tolist())  # black in the hole alone


def test_an_image_of_another_size_fails_and_is_named(answers, score):
    path = next(answers.folder.glob("bob/*.png"))
    Image.new("RGB", (16, 16)).save(path)
    status, results = score(External("theirs", answers.folder))
    assert status == 1
    assert f"OutputError: {path.name}: " in results[results["status"] == "failed"]["reason"].iloc[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("external:theirs", "write external:NAME=FOLDER"),
        ("external:a b=x", "write external:NAME=FOLDER"),
        ("external:mystyle=.", "there is a method mystyle already"),
        ("external:theirs=no/such", "there is no folder no/such"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text, taken=("mystyle",))


def test_it_is_a_name_that_methods_takes(tmp_path):
    assert checks.names("inpainting", "smoke", [f"external:theirs={tmp_path}"], "synthetic") == []
    method = parse(f"external:theirs={tmp_path}", taken=())
    assert (method.name, method.title, tuple(method.presets)) == ("theirs", "theirs", PRESETS)
    assert dataclasses.is_dataclass(method.presets["smoke"])
