"""A new file of each kind is found, run, measured, drawn and listed, without an edit to any other file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tiny import write_weights

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("baselines", "benchmarks", "datasets", "mystyle", "reports")

METHOD = '''
"""Every photo is inverted to the mean code."""

from dataclasses import dataclass

import torch

from mystyle.inversion import Inversion, SharedGenerator
from mystyle.protocols import Method


@dataclass(frozen=True)
class Settings:
    fit: None = None


@dataclass(frozen=True)
class MeanCode:
    generator: object

    def invert(self, images, *, seeds):
        renderer = SharedGenerator(self.generator)
        ws = self.generator.mapping.w_avg.repeat(len(images), self.generator.num_ws, 1)
        return Inversion.of(renderer, ws, renderer(ws), torch.zeros(len(images), 1))

    def inversion(self, tensors):
        return Inversion.read(SharedGenerator(self.generator), tensors)

    def save(self, folder):
        pass


class NewMethod(Method):
    name, version, title, does, personal = "new_method", 1, "New method", ("invert",), False
    presets = dict.fromkeys(("smoke", "quick", "full", "paper"), Settings())

    def fit(self, person, domain, *, seed, settings):
        return MeanCode(domain.generator)

    def load(self, folder, person, domain, *, settings):
        return MeanCode(domain.generator)


METHOD = NewMethod()
'''

EDITOR = '''
"""The first coordinate of W."""

import torch

from mystyle.editors.directions import DirectionEditor


class NewEditor(DirectionEditor):
    name, version, title = "new_editor", 1, "New editor"

    def find(self, domain, samples=0, count=1, seed=0):
        return {"first": torch.eye(domain.generator.w_dim)[0]}


EDITOR = NewEditor()
'''

TASK = '''
"""Photos are inverted and edited once."""

from dataclasses import dataclass
from typing import ClassVar

from benchmarks.api.registry import EDITORS
from benchmarks.api.task import MethodOutput, Problem
from mystyle.protocols import Inverts


@dataclass(frozen=True)
class NewTask:
    strength: float
    name: ClassVar[str] = "new_task"
    version: ClassVar[str] = "1"
    verb: ClassVar[type] = Inverts
    files: ClassVar[tuple[str, ...]] = ()

    def problem(self, photos, cases):
        return Problem(photos[[case.photo for case in cases]].images)

    def solve(self, prior, problem, cases, resources):
        inversion = resources.invert(prior, problem.clean, [case.seed for case in cases])
        return MethodOutput(EDITORS.load("new_editor").apply(inversion, "first", [self.strength], resources.domain).render())


TASK = NewTask
'''  # noqa: E501

METRIC = '''
"""How much red there is."""

from benchmarks.api.metric import Metric


def red(evaluation):
    return (evaluation.outputs[:, 0] + 1).mean(dim=(1, 2)) / 2


METRIC = Metric("new_metric", 1, "Red", "Mean of the red channel.", None, (0.0, 1.0), "", None, red)
'''

SUITE = '''
"""Strangers, edited."""

from dataclasses import dataclass

from benchmarks.api.suite import Figure, Strangers, Suite
from benchmarks.api.task import Case, Part
from benchmarks.tasks.new_task import NewTask


@dataclass(frozen=True)
class Settings:
    people: Strangers = Strangers(2)
    summary: str = "2 strangers"


def parts(person, people, settings, seed):
    cases = tuple(Case(f"photo-{i}", file, seed, photo=i) for i, file in enumerate(person.files))
    return (Part(NewTask(0.5), cases),)


SUITE = Suite(
    name="new_suite",
    version=1,
    title="New suite",
    methods=("new_method", "mean_photo"),
    metrics=("new_metric", "identity"),
    presets=dict.fromkeys(("smoke", "quick", "full", "paper"), Settings()),
    parts=parts,
    figures=(Figure("new_figure", "new_suite", "A line."),),
)
'''

FIGURE = '''
"""A line."""

from matplotlib.figure import Figure

from reports.figures import Drawing

FACES = False


def draw(run, options):
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1])
    return Drawing(figure, "It rises.", "A rising line.")
'''

DOMAIN = '''
"""Random networks."""

from pathlib import Path

from mystyle.domains.synthetic import WeightFolder

DOMAIN = WeightFolder("new_domain", Path(__file__).parents[1] / "weights" / "new_domain", 32)
'''

EXECUTOR = '''
"""One job after the other, the last one first."""

from benchmarks.engine.executors import inline

check = inline.check


def run(jobs, context, options, display):
    print("new_executor begins at the end")
    return inline.run(jobs[::-1], context, options, display)
'''

FILES = {
    "baselines/new_method.py": METHOD,
    "mystyle/editors/new_editor.py": EDITOR,
    "mystyle/domains/new_domain.py": DOMAIN,
    "benchmarks/tasks/new_task.py": TASK,
    "benchmarks/metrics/new_metric.py": METRIC,
    "benchmarks/suites/new_suite.py": SUITE,
    "benchmarks/engine/executors/new_executor.py": EXECUTOR,
    "reports/figures/new_figure.py": FIGURE,
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, tiny_domain, draw_person) -> Path:
    """A copy of the packages with the new files, weights of the new domain, and photos of two strangers."""
    copy = tmp_path_factory.mktemp("checkout")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *PACKAGES]
    for name in subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        data = name.startswith(("mystyle/weights/", "reports/results")) and not name.endswith(".py")
        if (ROOT / name).is_file() and not data:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    weights = copy / "mystyle" / "weights"
    (weights / "new_domain").mkdir(parents=True)
    (weights / "synthetic").symlink_to(ROOT / "mystyle" / "weights" / "synthetic")
    write_weights(tiny_domain, weights / "new_domain")
    for name, text in FILES.items():
        assert not (copy / name).exists()
        (copy / name).write_text(text.lstrip(), encoding="utf-8")
    for name in ("ann", "ben"):
        shutil.rmtree(draw_person(copy / "photos", name, train=1, test=2) / "train")
    return copy


def command(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=checkout, capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished(checkout):
    names = {"suite": "new_suite", "domain": "new_domain", "executor": "new_executor"}
    flags = {**names, "preset": "smoke", "photos": "photos", "out": "run", "device": "cpu", "wandb": "disabled"}
    return command(
        checkout, "benchmarks.run", *(part for name, value in flags.items() for part in (f"--{name}", value))
    )


def test_new_files_run(checkout, finished):
    assert finished.returncode == 0, finished.stderr
    assert "new_executor begins at the end" in finished.stdout
    results = pd.read_csv(checkout / "run" / "results.csv").set_index(["method", "metric"])
    red = results.loc[("new_method", "new_metric")]
    assert (red["status"] == "done").all() and len(red) == 4 and red["value"].between(0, 1).all()
    assert set(red["person"]) == {"ann", "ben"}


def test_what_strangers_do_not_allow_is_a_dash(checkout, finished):
    """Neither a person's own prior nor what compares with reference photos."""
    results = pd.read_csv(checkout / "run" / "results.csv").set_index(["method", "metric"])
    for cell in (("mean_photo", "new_metric"), ("new_method", "identity")):
        assert (results.loc[cell, "status"] == "inapplicable").all()
        assert results.loc[cell, "reason"].str.contains("reference photos").all()


def test_a_new_kind_of_figure_is_in_the_report(checkout, finished):
    figures = checkout / "run" / "report" / "figures"
    assert (figures / "new_suite.png").is_file() and (figures / "new_suite.pdf").is_file()
    assert "A rising line." in (checkout / "run" / "report" / "index.html").read_text(encoding="utf-8")


def test_new_files_are_listed(checkout):
    listed = command(checkout, "benchmarks.list")
    assert listed.returncode == 0 and not listed.stderr
    unnamed = {Path(name).stem for name in FILES} - set(listed.stdout.split())
    assert unnamed == {"new_figure"}, "kinds of figures are a matter of suites"
