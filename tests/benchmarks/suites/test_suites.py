"""Every suite keeps the contract of a suite, and runs: a new file in benchmarks/suites is tested by being there."""

from __future__ import annotations

import importlib
from pathlib import Path

import pandas as pd
import pytest
from bench_toys import person_of
from tiny import load_tiny_domain

from benchmarks import run
from benchmarks.api.registry import DOMAINS, METHODS, METRICS, SUITES, TASKS
from benchmarks.api.suite import Strangers, Variant
from benchmarks.api.task import PRESETS
from benchmarks.engine.options import Options
from benchmarks.engine.plan import Job, content_hash, make_jobs
from benchmarks.engine.request import Request
from benchmarks.suites import common
from datasets.splits import CELEBRITIES
from datasets.synthetic.album import write_manifest, write_photos
from datasets.synthetic.people import fresh_scores
from mystyle.domains import source
from reports import build
from reports.runs import read_run
from reports.study.table import USER

OF_RENDERED = ("own_traits", "hard_photos")
NAMES = tuple(name for name in SUITES.names() if not SUITES.load(name).dose)  # test_calibration.py has the other


@pytest.fixture(scope="module", params=NAMES)
def suite(request):
    return SUITES.load(request.param)


@pytest.fixture(scope="module")
def root(suite, people_root, tmp_path_factory):
    """The folder of alice and bob, rendered people with large birthmarks where the suite asks for such people alone."""
    if suite.name not in OF_RENDERED:
        return people_root
    root = tmp_path_factory.mktemp("rendered")
    for name, of in (("alice", "s0006"), ("bob", "s0042")):
        rows, scores = [], fresh_scores(of, 8, seed=0)
        for split, part in (("train", scores[:5]), ("test", scores[5:])):
            rows += write_photos(root / name, split, [name] * len(part), part, 32, "wide")
        write_manifest(root / name, rows, "wide")
    return root


@pytest.fixture(scope="module")
def people(root):
    return [person_of(root / name) for name in ("alice", "bob")]


def methods_of(suite):
    rows = {name: row.method if isinstance(row, Variant) else row for name, row in suite.rows.items()}
    return {name: METHODS.load(method) for name, method in rows.items()}


def jobs_of(suite, people, seed=0) -> tuple[Job, ...]:
    metrics = {name: METRICS.load(name) for name in suite.metrics}
    files = dict.fromkeys(network_files(suite), "0")
    return make_jobs(suite, "smoke", methods_of(suite), metrics, people, (seed,), "tiny", {}, files)


def network_files(suite):
    return [network.file for method in methods_of(suite).values() for network in method.networks]


def test_names_presets_and_people(suite):
    assert importlib.import_module(f"benchmarks.suites.{suite.name}").SUITE is suite
    assert suite.title and suite.paper and set(suite.presets) == set(PRESETS)
    for settings in suite.presets.values():
        assert settings.summary
        if not isinstance(settings.people, Strangers):
            assert set(settings.people) <= {person.name for person in CELEBRITIES}
    quick = suite.presets["quick"].people
    assert isinstance(quick, Strangers) or set(quick) <= set(common.SHORT)  # so that all suites share their priors


def test_rows_metrics_and_published_numbers_are_known(suite):
    assert set(suite.metrics) <= set(METRICS.names()) and len(set(suite.metrics)) == len(suite.metrics)
    assert len(suite.rows) == len(suite.methods) and suite.floors <= set(suite.rows)
    assert not set(suite.rows) & {reference.name for reference in suite.references}
    rows = {*suite.rows, *(reference.name for reference in suite.references)}
    for table in suite.published:
        assert table.source and table.condition in (suite.conditions or {"": ""})
        for method, numbers in table.values.items():
            assert method in rows and set(numbers) <= {*suite.metrics, USER}
            assert all(table.reports(metric) and table.number(method, metric, table.condition) for metric in numbers)
    for reference in suite.references:
        assert set(reference.metrics) <= set(suite.metrics)


def test_figures_are_of_kinds_that_there_are(suite):
    kinds = {path.stem for path in Path("reports/figures").glob("*.py")} - {"__init__", "style"}
    assert suite.figures and {figure.kind for figure in suite.figures} <= kinds
    assert suite.figures[0].name.startswith(suite.name) and len({f.name for f in suite.figures}) == len(suite.figures)


def test_parts_are_repeatable_plain_and_have_names_of_their_own(suite, people):
    settings = suite.presets["smoke"]
    parts = suite.parts(people[0], people, settings, 0)
    assert parts == suite.parts(people[0], people, settings, 0) and content_hash(parts)
    names = [case.name for part in parts for case in part.cases]
    assert len(set(names)) == len(names) and not any(set(name) & set('/\\:*?"<>|') for name in names)
    assert {part.condition for part in parts} <= set(suite.conditions or {"": ""})
    assert {part.task.name for part in parts} <= set(TASKS.names())
    for part in parts:
        assert part.cases and all(case.photo is None or case.photo < 3 for case in part.cases)
    others = suite.parts(people[1], people, settings, 0)
    seeds = [{case.seed for part in of if not part.guests for case in part.cases} - {0} for of in (parts, others)]
    assert not seeds[0] & seeds[1], "the people's cases draw from seeds of their own"


@pytest.mark.parametrize("domain", DOMAINS.names())
def test_rows_suit_the_settings_of_every_domain_and_preset(suite, people, domain):
    """A domain may have other settings, which a row then changes: softmax coordinates have no unbounded ones."""
    rows = [row for row in suite.methods if isinstance(row, Variant)]
    for preset in PRESETS:
        parts = suite.parts(people[0], people, suite.presets["smoke"], 0)
        for row in rows:
            settings = source(domain).settings(preset, METHODS.load(row.method).presets[preset])
            assert all(content_hash(row.change(settings, part)) for part in parts)


def test_jobs_are_distinct_and_share_priors(suite, people):
    jobs = jobs_of(suite, people)
    assert len({job.key for job in jobs}) == len(jobs)
    assert [job.key for job in jobs] == [job.key for job in jobs_of(suite, people)]
    fitted = [job.prior_key for job in jobs if job.prior_key]
    first = len(dict.fromkeys(fitted))
    assert len(set(fitted[:first])) == first, "one job of each prior comes before a second one of any"


@pytest.fixture(scope="module")
def priors(tmp_path_factory):
    """What was fitted for one suite serves the others, as in a run of all of them."""
    return tmp_path_factory.mktemp("priors")


@pytest.fixture(scope="module", params=["some rows", pytest.param("every row", marks=pytest.mark.slow)])
def methods(request, suite):
    """By row. Rows of one method differ in settings, which ``jobs_of`` makes for all of them.

    What a suite makes of a method's images does not depend on the method, and methods have a contract of their own: the
    first and the last ones of the table are enough to see a suite run.
    """
    every = methods_of(suite)
    if request.param == "every row":
        return every
    first = list({method.name: row for row, method in reversed(every.items())}.values())
    return {row: method for row, method in every.items() if row in {*first[:2], *first[-2:]}}


@pytest.fixture(scope="module")
def finished(suite, methods, root, priors, tmp_path_factory):
    """The smoke preset on the tiny domain."""
    place = tmp_path_factory.mktemp(suite.name)
    network = place / "network"
    network.write_bytes(b"weights")
    asked = Request(
        suite=suite,
        preset="smoke",
        methods=methods,
        metrics={name: METRICS.load(name) for name in suite.metrics},
        folders={name: root / name for name in ("alice", "bob")},
        seeds=(0,),
        domain="tiny",
        resolution=32,
        weights={},
        files=dict.fromkeys(network_files(suite), network),
    )
    options = Options(
        suite.name,
        photos=root,
        out=place / "out",
        priors=priors,
        executor="inline",
        device="cpu",
        wandb="disabled",
    )
    options.folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:  # a process for each report would take as long as the suite
        patch.setattr(run, "build_report", lambda folder, suite: not build.main([str(folder)]))
        return options.folder, run.do_jobs(asked, options, load_tiny_domain)()


def test_the_smoke_preset_runs_and_every_row_has_numbers(finished, suite, methods):
    folder, status = finished
    results = pd.read_csv(folder / "results.csv", dtype={"reason": str})
    assert status == 0, results[results["status"] == "failed"]["reason"].unique()
    assert not (results["status"] == "failed").any()
    scored = results[results["status"] == "done"].groupby("method")["metric"].nunique()
    there = {reference.name for reference in suite.references} - {"fresh_photos"}  # nobody was rendered here
    assert set(scored.index) == {*methods, *there}
    dashes = results[results["method"] == "fresh_photos"]["reason"]
    assert dashes.str.contains("rendered people alone").all()
    assert scored.min() >= 2
    summary = pd.read_csv(folder / "summary.csv", dtype={"condition": str}).fillna({"condition": ""})
    assert set(summary["condition"]) == {condition.name for condition in read_run(folder).conditions}
    assert (summary[summary["n_images"] > 1]["std"] >= 0).all()


def test_the_report_has_every_figure_and_table(finished, suite, methods):
    """But a figure of certain methods, if none of them was run."""
    report = finished[0] / "report"
    drawn = [figure.name for figure in suite.figures if set(figure.options.get("methods", methods)) & set(methods)]
    for name in (*drawn, f"{suite.name}_metrics"):
        for suffix in ("png", "pdf"):
            assert (report / "figures" / f"{name}.{suffix}").stat().st_size > 2000, name
    for name in (suite.name, f"{suite.name}_long", f"{suite.name}_cost"):
        assert (report / "tables" / f"{name}.md").stat().st_size
    assert (report / "index.html").is_file()
