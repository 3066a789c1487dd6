"""Two runs whose differences are known: what is matched, what is said of it, and what cannot be compared."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_run import make_record

from benchmarks.analysis.statistics import jackknife_interval, paired_test
from benchmarks.compare import COLUMNS, main
from benchmarks.engine import records
from benchmarks.engine.records import CaseRecord, ConditionRecord, MetricRecord, RowRecord, SuiteRecord

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ("p01", "p02", "p03")
SUITE = SuiteRecord(
    name="toy",
    title="Toys",
    conditions=(
        ConditionRecord(name="x4", title="4 times", level=4),
        ConditionRecord(name="x8", title="8 times", level=8),
    ),
    metrics=(MetricRecord(name="score", label="Score", higher_is_better=True),),
    methods=tuple(RowRecord(name=name, title=name.title(), kind="method") for name in ("ours", "theirs", "floor")),
    jobs=(),
)
ENVIRONMENT = {
    "commit": "0123456789abcdef",
    "dirty": False,
    "device": "cpu",
    "packages": {"torch": "2.8", "numpy": "2"},
}


def values_of(seed=0):
    """``{(condition, method, person): values of four photos}``."""
    rng = np.random.default_rng(seed)
    methods = [method.name for method in SUITE.methods]
    return {(c, m, p): rng.normal(size=4) for c in ("x4", "x8") for m in methods for p in PEOPLE}


def write(folder: Path, values, suite=SUITE, **changes) -> Path:
    """A run with a job per key of ``values``; None is a failure, and no cluster is a case.

    ``changes`` go into every record.
    """
    keys = []
    for (condition, method, person), numbers in values.items():
        numbers = numbers if isinstance(numbers, dict) else {f"{i:03d}": v for i, v in enumerate(numbers)}
        key = f"{method}-{person}-{condition}"
        photos = [case for case in numbers if not case.startswith("cluster")] or ["what the clusters are of"]
        about = {
            "suite": suite.name,
            "method": method,
            "person": person,
            "prior_of": person,
            "condition": condition,
            "metrics": {"score": 1},
            "cases": tuple(CaseRecord(case=case, image=f"test/{case}.png", seed=1) for case in photos),
            "weights": {"g.safetensors": "aa"},
            "photos": {f"{person}/test/000.png": "bb"},
            "environment": ENVIRONMENT,
        }
        record = make_record(key, **about | changes)
        rows = [
            dict(zip(records.COLUMNS, (suite.name, method, person, case, 0, "score", *outcome), strict=True))
            for case, value in numbers.items()
            for outcome in [("", "failed", "lost") if value is None else (value, "done", "")]
        ]
        with records.job_folder(folder, key) as job:
            records.write_job(job, record, rows)
        keys.append(key)
    records.write_suite(folder, replace(suite, jobs=tuple(keys)))
    return folder


@pytest.fixture
def compared(tmp_path, capsys):
    """``compared(values of A, values of B, changes of B)``: the table by condition and method, and what was printed."""

    def call(a, b, **changes):
        folders = [str(write(tmp_path / "a", a)), str(write(tmp_path / "b", b, **changes))]
        assert main([*folders, "--out", str(tmp_path / "out" / "table.csv")]) == 0
        table = pd.read_csv(tmp_path / "out" / "table.csv", keep_default_na=False, na_values=[""])
        assert tuple(table.columns) == COLUMNS
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["table.csv"], "nothing unfinished is left"
        return table.set_index(["condition", "method"]), capsys.readouterr().out

    return call


def test_a_run_is_equal_to_itself(compared):
    table, text = compared(values_of(), values_of())
    assert "The runs are equal to the last digit: 72 values." in text  # 2 conditions, 3 methods, 3 people, 4 photos
    assert "Their records differ in nothing that they hold of origin." in text
    assert (table["difference"] == 0).all() and table["p_value"].isna().all() and (table["n_people"] == 3).all()


def test_jobs_of_one_condition_are_told_apart_by_their_cases(tmp_path, capsys):
    """Which ``dataset_size`` has, of subsets of one size."""
    keys, folder = [], tmp_path / "run"
    for first in ("000", "002"):
        part = write(folder, {("x4", "ours", "p01"): {first: 1.0, first + "b": 2.0}})
        (made,) = (path for path in (part / "jobs").iterdir() if path.name == "ours-p01-x4")
        keys.append(f"ours-{first}")
        record = json.loads((made / "record.json").read_text()) | {"key": keys[-1]}
        (made / "record.json").write_text(json.dumps(record))
        made.rename(made.with_name(keys[-1]))
    records.write_suite(folder, replace(SUITE, jobs=tuple(keys)))
    assert main([str(folder), str(folder)]) == 0
    assert "Their records differ in nothing that they hold of origin." in capsys.readouterr().out


def test_the_last_digit_counts(compared):
    moved = values_of()
    moved["x8", "ours", "p02"] = moved["x8", "ours", "p02"].copy()
    moved["x8", "ours", "p02"][3] = np.nextafter(moved["x8", "ours", "p02"][3], 9)
    assert "1 of 72 values that both runs have differ." in compared(values_of(), moved)[1]


def test_known_differences(compared):
    """Under x4, "ours" and "theirs" moved, by different noise; all else is equal."""
    a, b, rng = values_of(), values_of(), np.random.default_rng(1)
    moves = {("ours", p): rng.normal(0.5, 1, 4) for p in PEOPLE} | {("theirs", p): rng.normal(0, 1, 4) for p in PEOPLE}
    for (method, person), move in moves.items():
        b["x4", method, person] = b["x4", method, person] + move
    table, text = compared(a, b)
    index = pd.MultiIndex.from_product([PEOPLE, range(4)], names=["person", "image"])
    both = {m: pd.Series(np.concatenate([moves[m, p] for p in PEOPLE]), index) for m in ("ours", "theirs")}
    p_values, unit = paired_test(pd.DataFrame(both))  # corrected for the two that moved, not for the floor
    for (method, difference), p in zip(both.items(), p_values, strict=True):
        row = table.loc[("x4", method)]
        assert row["mean_a"] == pytest.approx(np.mean([a["x4", method, p] for p in PEOPLE]))
        assert row["difference"] == pytest.approx(difference.mean()) == pytest.approx(row["mean_b"] - row["mean_a"])
        low, high = jackknife_interval(difference, index.get_level_values(0), range(12))
        assert (row["ci_low"], row["ci_high"]) == (pytest.approx(low), pytest.approx(high))
        assert (row["p_value"], row["unit"]) == (pytest.approx(p), unit) and unit == "photos"
        assert (row["n_images"], row["n_people"], row["only_a"], row["only_b"]) == (12, 3, 0, 0)
    assert table["p_value"].isna().sum() == 4
    assert "24 of 72 values that both runs have differ." in text and "paired test over photos" in text


def test_what_one_run_lacks_is_left_out_and_counted(compared):
    a, b = values_of(), {key: value + 1 for key, value in values_of().items()}
    b["x4", "ours", "p01"] = dict(zip(("000", "001", "002", "other"), [None, *b["x4", "ours", "p01"][1:]], strict=True))
    del b["x4", "theirs", "p03"]
    b = {key: value for key, value in b.items() if key[:2] != ("x8", "floor")}
    table, text = compared(a, b)
    row = table.loc[("x4", "ours")]  # 000 failed, 003 was not asked, "other" is of B alone
    assert (row["n_images"], row["n_people"], row["only_a"], row["only_b"]) == (10, 3, 2, 1)
    assert row["difference"] == pytest.approx(1)
    assert table.loc[("x4", "theirs"), ["n_images", "n_people", "only_a"]].tolist() == [8, 2, 4]
    assert ("x8", "floor") not in table.index, "B does not have it at all"
    assert "54 of 54 values that both runs have differ; 19 are in one run alone." in text


def test_clusters_are_compared_by_their_means_over_a_person(compared):
    """Their names mean nothing in another run, and their number may differ."""
    a = {("x4", "ours", p): {"cluster-0": 1.0, "cluster-1": 3.0} for p in PEOPLE}
    b = {("x4", "ours", p): {"cluster-0": 4.0 + i, "cluster-1": 2.0, "cluster-2": 3.0} for i, p in enumerate(PEOPLE)}
    table, text = compared(a, b)
    row = table.loc[("x4", "ours")]
    assert (row["mean_a"], row["mean_b"]) == (2, pytest.approx(3 + 1 / 3))
    low, high = jackknife_interval([1, 4 / 3, 5 / 3], PEOPLE, PEOPLE)
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(low), pytest.approx(high))
    assert (row["n_images"], row["n_people"], row["unit"], row["p_value"]) == (3, 3, "people", 2 / 2**3)
    assert "6 of 6 values that both runs have differ; 3 are in one run alone." in text


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"settings": {"fit": {"steps": 5}}}, "ours: fit.steps absent → 5 (3 jobs)"),
        ({"fitted_by": "b"}, "ours: fitted_by mystyle → b (3 jobs)"),
        ({"method_version": 2}, "theirs: version 1 → 2 (3 jobs)"),
        ({"metrics": {"score": 3}}, "metric score 1 → 3 (9 jobs)"),
        ({"preset": "quick"}, "preset: smoke → quick"),
        ({"environment": ENVIRONMENT | {"commit": "f" * 40, "dirty": True}}, "→ ffffffffff with local changes"),
        ({"environment": ENVIRONMENT | {"packages": {"torch": "2.9", "numpy": "2"}}}, "torch: 2.8 → 2.9"),
        ({"environment": ENVIRONMENT | {"device": "cuda"}}, "device: cpu → cuda"),
        ({"weights": {"g.safetensors": "cc"}}, "weight file g.safetensors has changed (9 jobs)"),
        ({"photos": {"p01/test/000.png": "dd"}}, "photos of p01: 1 changed (3 jobs)"),
    ],
)
def test_what_the_runs_differ_in(compared, changes, line):
    few = {key: value for key, value in values_of().items() if key[0] == "x4"}
    _, text = compared(few, few, **changes)
    assert line in text and "They differ in (A → B):" in text and "equal to the last digit" in text


def test_local_changes_of_one_commit_are_told(tmp_path, capsys):
    dirty = {"environment": ENVIRONMENT | {"dirty": True}}
    folders = [str(write(tmp_path / name, values_of(), **dirty)) for name in "ab"]
    assert main(folders) == 0
    assert "commit: 0123456789 with local changes in both, and records do not hold which" in capsys.readouterr().out


def test_odd_content_of_records_and_hostile_names_do_no_harm(tmp_path, capsys):
    """A record may hold any JSON as its environment; a title may hold escape sequences and rich's markup."""
    odd = {"commit": 7, "packages": [1, {"torch": None}], "python": {"a": []}}
    rows = tuple(replace(row, title="[red]\x1b]0;owned\x07[/nothing]") for row in SUITE.methods)
    hostile = replace(SUITE, methods=rows, title="\x1b[2J")
    folders = [
        str(write(tmp_path / name, values_of(), hostile, environment=env)) for name, env in (("a", odd), ("b", {}))
    ]
    assert main(folders) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x07" not in out and "[red]\\x1b]0;" in out and "commit: 7 → absent" in out


def test_people_and_methods_of_one_run_alone_are_named(compared):
    a = {key: value for key, value in values_of().items() if key[2] != "p03"}
    b = {key: value for key, value in values_of().items() if key[1] != "floor"}
    _, text = compared(a, b)
    assert "method in A alone: floor" in text and "person in B alone: p03" in text
    assert "All 32 values that both runs have are equal to the last digit; 32 are in one run alone." in text


def refused(capsys, *folders) -> str:
    assert main([str(folder) for folder in folders]) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("benchmarks.compare: ") and err.count("\n") == 1
    return err


def test_what_cannot_be_compared(tmp_path, capsys):
    run = write(tmp_path / "a", values_of())
    assert f"{tmp_path / 'nothing'}" in (err := refused(capsys, run, tmp_path / "nothing")) and "run the suite" in err
    other = write(tmp_path / "other", values_of(), suite=replace(SUITE, name="dolls"))
    err = refused(capsys, run, other)
    assert f"{run} is a run of suite toy and {other} one of dolls; only runs of one suite can be compared" in err
    strangers = write(tmp_path / "b", {("x4", "ours", "p09"): [1.0]})
    err = refused(capsys, run, strangers)
    assert f"{run} and {strangers}: no value in common; run both with the same --methods, --people and --seeds" in err
    begun = tmp_path / "begun"
    begun.mkdir()
    records.write_suite(begun, replace(SUITE, jobs=("absent",)))
    assert f"{begun}" in refused(capsys, run, begun)


def test_a_place_that_cannot_be_written(tmp_path, capsys):
    run = write(tmp_path / "a", values_of())
    (tmp_path / "file").write_text("")
    assert main([str(run), str(run), "--out", str(tmp_path / "file" / "x.csv")]) == 2
    assert "benchmarks.compare: " in capsys.readouterr().err


def test_help_is_quick():
    code = (
        "import sys, benchmarks.compare as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: sys.exit(bool({'torch', 'pandas', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "RUN_A RUN_B" in done.stdout
