"""Equal budgets: lengths are found, changed, and chosen so that the time fits."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, fields
from types import SimpleNamespace

import pytest
from toy_run import request_of

from baselines.diffaugment import METHOD as DIFFAUGMENT
from baselines.ojha import METHOD as OJHA
from benchmarks.api.lengths import lengths, longer_fit, scaled, with_lengths
from benchmarks.api.registry import METHODS
from benchmarks.engine import budget
from benchmarks.engine.budget import kept, settle
from benchmarks.engine.options import Options
from benchmarks.engine.preview import preview
from benchmarks.engine.request import UnusableArguments, make_jobs
from mystyle.descent import DescentSettings
from mystyle.pivotal import PivotalTuning
from mystyle.protocols import OwnNetwork
from mystyle.types import LENGTH


@dataclass(frozen=True)
class Fit:
    passes: int = field(default=64, metadata=LENGTH)
    batch: int = 4


@dataclass(frozen=True)
class Settings:
    fit: Fit | None = field(default_factory=Fit)
    steps: int = field(default=320, metadata=LENGTH)
    rate: float = 0.1


# Lengths


def test_lengths_are_found_and_changed_alone():
    assert lengths(Settings()) == {"fit.passes": 64, "steps": 320} and lengths(Settings(None)) == {"steps": 320}
    changed = with_lengths(Settings(rate=0.5), {"fit.passes": 3, "steps": 7})
    assert changed == Settings(Fit(3, 4), 7, 0.5)
    assert with_lengths(Settings(), lengths(Settings())) == Settings()
    assert scaled({"a": 100, "b": 1, "c": 1.5}, 0.031) == {"a": 3, "b": 1, "c": 1.5 * 0.031}


def test_a_longer_fit_leaves_the_rest():
    assert longer_fit(Settings(rate=0.5), 2.5) == Settings(Fit(160), 320, 0.5)
    with pytest.raises(ValueError, match="has no fit"):
        longer_fit(Settings(None), 2)


@pytest.mark.parametrize("name", METHODS.names())
def test_whatever_a_method_optimises_has_a_length(name):
    """A fit or a projection without one would be left out of equal budgets in silence."""
    method = METHODS.load(name)
    found = lengths(method.presets["quick"])
    assert {key for key in found if key.startswith("fit.")} or method.presets["quick"].fit is None
    settings = method.presets["quick"]
    descents = [
        f.name for f in fields(settings) if isinstance(getattr(settings, f.name), DescentSettings | PivotalTuning)
    ]
    assert set(descents) == {key.split(".")[0] for key in found} - {"fit"}
    assert lengths(with_lengths(method.presets["quick"], scaled(found, 0.5))) == scaled(found, 0.5)


def test_lengths_of_baselines_by_name():
    assert lengths(DIFFAUGMENT.presets["paper"]) == {
        "fit.images": 300_000,
        "fit.ema_half_life": 10_000,
        "restore.steps": 200,
    }
    assert lengths(OJHA.presets["paper"])["fit.iterations"] == 5000


# Settling


@dataclass(frozen=True)
class Timed:
    """A method that is not run: its jobs' times are given by a formula."""

    name: str = "timed"
    version: int = 1
    title: str = "Timed"
    settings: Settings = Settings()
    networks: tuple[OwnNetwork, ...] = ()
    personal: bool = True

    @property
    def presets(self):
        return {"smoke": self.settings}


@pytest.fixture
def request_and_options(people_root, tmp_path, monkeypatch):
    """A request with one such method; a fit takes 2 s + 0.5 s per pass, an image 0.1 s + 0.01 s per step.

    Its first job takes 10 s more, and a job that is done is not done again, as with a real worker.
    """
    asked = dataclasses.replace(request_of(people_root, [], (0,)), methods={"timed": Timed()})
    runs = []

    def run(worker, job):
        from benchmarks.engine.worker import Outcome

        s, once = job.settings, 0 if runs else 10
        runs.append(job)
        fit, restore = 2 + 0.5 * s.fit.passes + once, len(job.cases) * (0.1 + 0.01 * s.steps)
        folder = worker.context.run / "jobs" / job.key
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "seconds").write_text(json.dumps({"fit": fit, "restore": restore, "score": 1}))
        return Outcome(job.key, "done", "", 0.0)

    def read(run, key):
        return SimpleNamespace(seconds=json.loads((run / "jobs" / key / "seconds").read_text()))

    monkeypatch.setattr("benchmarks.engine.worker.Worker.run", run)
    monkeypatch.setattr(budget.records, "read_record", read)
    options = Options(out=tmp_path / "run", preset="smoke", device="cpu", fit_seconds=12.0, image_seconds=0.6)
    options.folder.mkdir()
    return asked, options, runs


def test_lengths_meet_the_budget_and_are_kept(request_and_options):
    asked, options, runs = request_and_options
    assert kept(asked, options) is None and "measured first" in preview(asked, options)
    found = settle(asked, options, None)
    assert found == {"timed": Settings(Fit(20), 50)}  # (12 - 2) / 0.5 and (0.6 - 0.1) / 0.01
    n = len(runs)
    assert n == 3 + 4 and max(job.settings.fit.passes for job in runs) <= 64 / 8, "the shortest, then doubled"
    assert settle(asked, options, None) == found == kept(asked, options) and len(runs) == n, "measured once"
    jobs = [job for job in make_jobs(asked, found) if job.method == "timed"]
    assert {job.settings for job in jobs} == {found["timed"]}
    assert not {job.key for job in jobs} & {job.key for job in make_jobs(asked)}, "other settings, other jobs"


def test_another_budget_is_measured_again_and_half_a_budget_leaves_the_rest(request_and_options):
    asked, options, runs = request_and_options
    both = settle(asked, options, None)
    only_fit = dataclasses.replace(options, fit_seconds=7.0, image_seconds=None)
    assert settle(asked, only_fit, None) == {"timed": Settings(Fit(10), 320)} and len(runs) == 7 + 3
    assert settle(asked, options, None) == both and len(runs) == 7 + 3, "both budgets are kept"


def test_rows_and_suites_that_share_a_fit_share_its_length(request_and_options, tmp_path):
    asked, options, runs = request_and_options
    two = dataclasses.replace(asked, methods={"timed": Timed(), "also": Timed()})
    fits = dataclasses.replace(options, image_seconds=None, priors=tmp_path / "priors")
    found = settle(two, fits, None)
    assert found["timed"].fit == found["also"].fit == Fit(20) and len(runs) == 3
    elsewhere = dataclasses.replace(fits, out=tmp_path / "another")
    assert settle(two, elsewhere, None) == found and len(runs) == 3


def test_short_presets_are_measured_at_lengths_that_differ(request_and_options):
    asked, options, runs = request_and_options
    short = dataclasses.replace(asked, methods={"timed": Timed(settings=Settings(Fit(1), 10))})
    assert settle(short, options, None) == {"timed": Settings(Fit(20), 50)}
    assert len({job.settings.fit.passes for job in runs if job.settings.steps == 1}) >= 2


def test_samples_have_no_budget_of_an_image(request_and_options, monkeypatch):
    asked, options, runs = request_and_options
    whole = budget.make_jobs

    def of_samples(*arguments):
        jobs = whole(*arguments)
        parts = [
            dataclasses.replace(job.part, cases=[dataclasses.replace(c, photo=None) for c in job.cases]) for job in jobs
        ]
        return [dataclasses.replace(job, part=part) for job, part in zip(jobs, parts, strict=True)]

    monkeypatch.setattr(budget, "make_jobs", of_samples)
    assert settle(asked, options, None) == {"timed": Settings(Fit(20), 320)} and len(runs) == 3


def test_no_budget_changes_nothing(request_and_options):
    asked, options, runs = request_and_options
    free = dataclasses.replace(options, fit_seconds=None, image_seconds=None)
    assert settle(asked, free, None) == {} and not runs
    assert [job.key for job in make_jobs(asked, {})] == [job.key for job in make_jobs(asked)]


def test_a_budget_that_is_too_small_is_refused_with_its_flag(request_and_options):
    asked, options, _ = request_and_options
    with pytest.raises(UnusableArguments, match=r"--fit_seconds 2: timed needs 2\.5 s for one step"):
        settle(asked, dataclasses.replace(options, fit_seconds=2.0), None)
    assert kept(asked, dataclasses.replace(options, fit_seconds=2.0)) is None
