"""The calibration suite: factors that move what they name and nothing else, and a whole run on small portraits."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from bench_toys import person_of
from tiny import load_tiny_domain

from benchmarks.analysis.statistics import rank_correlations
from benchmarks.api.registry import METRICS
from benchmarks.engine.options import Options
from benchmarks.engine.request import Request, UnusableArguments, resolve
from benchmarks.run import do_jobs
from benchmarks.suites.calibration import GROUPS, SUITE, Settings, move_appearance, parts, turn_identity
from datasets.folders import read_portraits
from datasets.splits import Person
from datasets.synthetic import people
from datasets.synthetic.parameters import (
    APPEARANCE,
    IDENTITY,
    NAMES,
    PARAMETERS,
    album_scores,
    person_scores,
    position,
    scores_of,
    values,
)
from mystyle.types import to_uint8
from reports.build import write
from reports.runs import read_run
from reports.sweeps import Sweeps

N = len(IDENTITY)


def random_scores(n, seed=0):
    """Of people of the wide family."""
    generator = torch.Generator().manual_seed(seed)
    return torch.cat([album_scores(*person_scores(generator, generator), 1, generator) for _ in range(n)])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two rendered people of 32 px with four train photos and two test photos each."""
    folder = tmp_path_factory.mktemp("rendered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "SYNTHETIC", (Person("p01", "Person 1", 4, 2), Person("p02", "Person 2", 4, 2)))
        patch.setattr(people, "HELD_OUT", 0)
        for name in ("p01", "p02"):
            people.write_person(name, folder, 32)
    return folder


@pytest.fixture(scope="module")
def sweep(root):
    """The problem of p01: two photos, doses 0, 1/4, ..., 1."""
    held_out = read_portraits(root / "p01", "test", 32)
    (of_person,) = parts(person_of(root / "p01"), (), Settings((), 2, 4, ""), seed=0)
    return of_person.task.problem(held_out, of_person.cases), of_person.cases


def test_scores_are_the_inverse_of_values():
    parameters = values(random_scores(200))
    again = values(scores_of(parameters))
    for p in PARAMETERS:
        # float32 values; the quantile of sparse traits has a square root that magnifies rounding next to 0
        tolerance = (p.high - p.low) * (1e-4 if p.distribution in ("rare", "either") else 2e-5)
        torch.testing.assert_close(again[p.name], parameters[p.name], rtol=0, atol=tolerance)
        # absent stays absent: a hundredth of a freckle would be rendered
        absent = {"rare": p.low, "either": 0.0}.get(p.distribution)
        if absent is not None:
            assert torch.equal(again[p.name] == absent, parameters[p.name] == absent)


def test_every_parameter_of_appearance_is_in_one_group():
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(p.name for p in APPEARANCE)
    assert [r.name for r in SUITE.references] == ["true_identity", *listed]


def test_dose_zero_is_the_photo_itself(sweep):
    rendered = to_uint8(SUITE.references[0].outputs(sweep[0], (), sweep[1]))
    same = (rendered == to_uint8(sweep[0].clean)).float().mean(dim=(1, 2, 3))
    # the manifest keeps six digits of each parameter, so that some pixel may fall on the other side of a rounding
    assert same[sweep[0].doses == 0].min() > 0.98
    assert same[sweep[0].doses > 0].max() < 0.9


def test_identity_moves_by_the_dose_and_stays_as_likely(sweep):
    asked, _ = sweep
    moved = turn_identity(asked)
    g, turned = asked.scores[:, :N], moved[:, :N]
    assert torch.equal(moved[:, N:], asked.scores[:, N:])
    torch.testing.assert_close(turned.norm(dim=1), g.norm(dim=1))
    expected = asked.doses * math.sqrt(2) * g.norm(dim=1)
    torch.testing.assert_close((turned - g).norm(dim=1), expected, atol=2e-4, rtol=1e-4)
    ends = turned[asked.doses == 1]
    assert (ends[0] - ends[1]).norm() > 4  # each photo meets a stranger of its own
    torch.testing.assert_close((ends * g[asked.doses == 1]).sum(1), torch.zeros(2), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["yaw", "light_angle", "smile", "age", "glasses"])
def test_a_factor_goes_straight_to_an_end_of_its_range_and_moves_no_other(name, sweep):
    asked, _ = sweep
    moved = move_appearance(name, asked)
    i = NAMES.index(name)
    p = PARAMETERS[i]
    others = [k for k in range(len(NAMES)) if k != i]
    assert torch.equal(moved[:, others], asked.scores[:, others])
    before, after = (position(p, x[:, i]) for x in (asked.scores, moved))
    end = (before > 0.5) == (name in ("yaw", "light_angle"))  # signed ones go on to where they look, others across
    # scores are clipped at 1e-6 of the distribution, two hundredths of the range at the thin end of "early"
    tolerance = 0.022 if p.distribution == "early" else 2e-3
    torch.testing.assert_close(after, before.lerp(end.double(), asked.doses.double()), atol=tolerance, rtol=0)


def test_rank_correlations_of_sweeps_that_are_known():
    doses = [0.0, 0.5, 1.0]
    shapes = {"falls": [3.0, 2.0, 1.0], "rises": [0.0, 0.1, 5.0], "still": [1.0, 1.0, 1.0]}
    rows = [
        {"method": "f", "metric": metric, "person": "p", "image": "i", "seed": 0, "dose": dose, "value": value}
        for metric, line in shapes.items()
        for dose, value in zip(doses, line, strict=True)
    ]
    found = rank_correlations(pd.DataFrame(rows)).set_index("metric")["value"]
    assert found.to_dict() == pytest.approx({"falls": -1, "rises": 1, "still": 0})


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    """A run of three rows of the suite on random networks."""
    suite = replace(SUITE, references=SUITE.references[:3])
    options = Options(
        suite="calibration", preset="smoke", out=tmp_path_factory.mktemp("run"), executor="inline", device="cpu",
        wandb="disabled",
    )  # fmt: skip
    asked = Request(
        suite=suite,
        preset="smoke",
        methods={},
        metrics={name: METRICS.load(name) for name in suite.metrics},
        folders={name: root / name for name in ("p01", "p02")},
        seeds=(0,),
        domain="tiny",
        resolution=32,
        weights={},
    )
    assert do_jobs(asked, options, load_tiny_domain)() == 0
    return read_run(options.folder)


def test_every_cell_of_a_run_has_a_number(finished):
    assert (finished.results["status"] == "done").all()
    assert len(finished.results) == 3 * 2 * 3 * 4  # rows, people, doses, metrics
    summary = finished.summary.set_index(["method", "metric"])
    assert len(summary) == 3 * 4 and summary["mean"].between(-1, 1).all()
    assert summary.loc[("true_identity", "perceptual"), "mean"] > 0.5  # the farther, the more different


def test_the_reference_row_is_the_unit_of_the_effects(finished):
    effects = Sweeps(finished).effects["effect"]
    own = effects["true_identity"].dropna()  # random networks may give every face the same features
    assert len(own) >= 2 and own.to_numpy() == pytest.approx(np.ones(len(own)))
    rows = finished.scored[finished.scored["metric"] == "perceptual"].set_index(["method", "person", "dose"])["value"]
    change, unit = (
        np.mean([abs(rows[method, person, 1.0] - rows[method, person, 0.0]) for person in ("p01", "p02")])
        for method in ("yaw", "true_identity")
    )
    assert effects["yaw", "perceptual"] == pytest.approx(change / unit)


def test_changes_that_cancel_are_not_taken_for_none(finished):
    """One person up and one down: the mean is 0, the effect is not; and a sweep without its end is left out."""
    results = finished.results.copy()
    yaw = (results["metric"] == "identity") & (results["method"] == "yaw")
    results.loc[yaw, "value"] = 0.5
    for person, value in (("p01", 0.75), ("p02", 0.25)):
        results.loc[yaw & (results["person"] == person) & results["case"].str.endswith("-02"), "value"] = value
    unit = (results["metric"] == "identity") & (results["method"] == "true_identity")
    results.loc[unit, "value"] = results.loc[unit, "case"].str.endswith("-02") * 0.5
    found = Sweeps(replace(finished, results=results)).effects.loc[("yaw", "identity")]
    assert (found["effect"], found["n_sweeps"]) == (pytest.approx(0.5), 2)
    lost = yaw & (results["person"] == "p02") & results["case"].str.endswith("-02")
    results.loc[lost, "status"] = "failed"
    assert Sweeps(replace(finished, results=results)).effects.loc[("yaw", "identity")]["n_sweeps"] == 1
    results["status"] = "failed"
    assert Sweeps(replace(finished, results=results)).effects.empty


def test_the_report_has_tables_and_both_figures(finished):
    page = write(finished)
    report = page.parent
    text = (report / "tables" / "calibration.md").read_text()
    assert "Identity" in text and "Yaw" in text
    long = pd.read_csv(report / "tables" / "calibration_long.csv")
    assert set(long.columns) >= {"effect", "ci_low", "ci_high", "mean", "ci_low_of_rho"}
    for name in ("calibration", "calibration_curves", "calibration_sweeps"):
        assert (report / "figures" / f"{name}.png").stat().st_size > 5000
    assert "dose" in json.loads((finished.folder / "suite.json").read_text())


def test_what_the_suite_cannot_do_is_refused_at_once(tmp_path):
    with pytest.raises(UnusableArguments, match="--methods mystyle: suite calibration has rows of its own"):
        resolve(Options(suite="calibration", methods=("mystyle",), out=tmp_path / "run"))
    (tmp_path / "alice").mkdir()
    with pytest.raises(UnusableArguments, match=r"--photos .* moves the parameters of rendered people"):
        resolve(Options(suite="calibration", photos=tmp_path, people=("alice",), out=tmp_path / "run"))
