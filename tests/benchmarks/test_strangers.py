"""Strangers: many people with one photo each and without reference photos."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from bench_toys import context_of, jobs_of, person_of

from benchmarks.api.registry import METHODS, METRICS
from benchmarks.api.suite import Strangers, Suite
from benchmarks.engine import checks, records
from benchmarks.engine.options import Options
from benchmarks.engine.request import UnusableArguments, person_folders, resolve, splits_of
from benchmarks.engine.worker import Worker
from benchmarks.suites import common
from benchmarks.tasks.inversion import Inversion
from datasets.folders import read_portraits
from datasets.synthetic.people import strangers, write_person

NAMES = ("s0001", "s0002", "s0003")
MEASURED_ON = NAMES[:2]
PERSONAL, AGNOSTIC = ("mystyle", "mean_photo"), ("domain_w", "pti")
MEASURED = tuple(name for name in METRICS.names() if name != "realism")  # which renders 500 people


@dataclass(frozen=True)
class Settings:
    people: Strangers = field(default_factory=lambda: Strangers(3))
    summary: str = "3 strangers"
    photos: int | None = None


def parts(person, people, settings, seed):
    return common.photo_parts((Inversion(),), person, people, settings, seed)


SUITE = Suite(
    name="strangers",
    version=1,
    title="Strangers",
    methods=(*PERSONAL, *AGNOSTIC),
    metrics=MEASURED,
    references=(common.floor(MEASURED), common.ceiling(MEASURED)),
    presets={"smoke": Settings()},
    parts=parts,
    conditions={"inversion": "Inversion"},
)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Three rendered strangers of 32 px."""
    folder = tmp_path_factory.mktemp("strangers")
    for name in NAMES:
        write_person(name, folder, 32)
    return folder


def test_a_rendered_stranger_is_one_photo_and_a_person_of_its_own(root, tmp_path):
    assert strangers(3) == NAMES
    photos = [read_portraits(root / name, "test", 32) for name in NAMES]
    assert all(len(each) == 1 and each.parameters for each in photos)
    assert {path.name for path in (root / "s0001").iterdir()} == {"test", "manifest.csv"}
    widths = {name: {float(each.parameters[name]) for each in photos} for name in photos[0].parameters}
    assert sum(len(values) == 3 for values in widths.values()) > 20, "nearly every trait differs"
    again = read_portraits(write_person("s0002", tmp_path, 32), "test", 32)
    assert again.hashes == photos[1].hashes, "the name decides the photo"


def test_the_run_asks_for_held_out_photos_alone(root):
    options = Options("strangers", "smoke")
    assert tuple(person_folders(options, SUITE)) == NAMES and splits_of(options, SUITE) == ("test",)
    given = replace(options, photos=root)
    assert person_folders(given, SUITE) == {name: root / name for name in NAMES}
    assert person_folders(replace(given, people=("s0002",)), SUITE) == {"s0002": root / "s0002"}


def test_suites_of_persons_refuse_folders_without_reference_photos(root, tmp_path):
    options = Options("inpainting", "smoke", photos=root, out=tmp_path / "run")
    with pytest.raises(UnusableArguments, match=r"--photos .*: suite inpainting needs people with train/, test/"):
        resolve(options)


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    """All rows on two strangers, with every metric that there is."""
    run = tmp_path_factory.mktemp("run")
    methods = [METHODS.load(name) for name in SUITE.rows]
    worker = Worker(context_of(root, methods, run, SUITE), "cpu")
    rows = {}
    for job in jobs_of(root, methods, SUITE, people=[person_of(root / name) for name in MEASURED_ON]):
        assert worker.run(job).reason == ""
        rows[job.method, job.person] = records.read_rows(run, job.key)
    return rows


def test_methods_that_need_reference_photos_are_dashes(finished):
    for name in PERSONAL:
        for person in MEASURED_ON:
            rows = finished[name, person]
            assert (rows["status"] == "inapplicable").all()
            assert rows["reason"].str.contains("needs reference photos").all()


@pytest.mark.parametrize("row", [*AGNOSTIC, "other_people", "real_photos"])
def test_every_metric_gives_a_number_or_says_why_not(finished, row):
    for person in MEASURED_ON:
        rows = finished[row, person]
        failed = rows[rows["status"] == "failed"]
        assert failed.empty, failed[["metric", "reason"]]
        done = set(rows[rows["status"] == "done"]["metric"])
        assert {"psnr", "ssim", "perceptual"} <= done
        of_reference_photos = {
            *("maps_train", "identity", "identity_pose", "identity_shift", "maps_shift", "true_identity"),
            *("copy_distance", "copy_rate", "fid", "precision", "recall"),
        }
        assert not of_reference_photos & done
        assert rows[rows["metric"].isin(of_reference_photos)]["reason"].str.len().gt(10).all()


def test_the_photo_itself_is_the_ceiling(finished):
    for person in MEASURED_ON:
        rows = finished["real_photos", person].set_index("metric")
        assert rows.loc["perceptual", "value"] == 0
        assert finished["pti", person].set_index("metric").loc["perceptual", "value"] > 0


def test_development_people_are_asked_for_by_name():
    """As the cards say; nobody else takes them."""
    assert not checks.people(["d01", "d99", "p03", "s0001"], "synthetic", None)
    (wrong,) = checks.people(["d1"], "synthetic", None)
    assert "unknown person 'd1'" in str(wrong)
