"""Records: whole or not at all, read back exactly, and refused when they are not what they should be."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest

from benchmarks import records
from benchmarks.records import COLUMNS, RecordError

KEY = "0123456789abcdef"


def record(**changes):
    values = {
        "schema": records.SCHEMA,
        "key": KEY,
        "suite": "inpainting",
        "suite_version": 1,
        "method": "grey",
        "method_version": 1,
        "person": "alice",
        "seed": 0,
        "status": "done",
        "reason": "",
        "settings": {"noise": 0.1},
        "preset": "smoke",
        "domain": "tiny",
        "cases": [{"case": "000-eyes", "image": "test/000.png", "mask": "eyes"}],
        "seconds": {"fit": 1.5},
        "weights": {},
        "photos": {},
        "environment": {},
        "created": "2026-01-01T00:00:00+00:00",
    }
    return values | changes


def row(value=0.1 + 0.2, status="done", reason="", metric="seam"):
    cells = ("inpainting", "grey", "alice", "000-eyes", 0, metric, value, status, reason)
    return dict(zip(COLUMNS, cells, strict=True))


def write(run, record=None, rows=None, key=KEY):
    with records.job_folder(run, key) as folder:
        (folder / "images" / "000-eyes.png").write_bytes(b"a picture")
        records.write_job(folder, record or globals()["record"](key=key), [row()] if rows is None else rows)


def write_suite(run, jobs):
    suite = {
        "suite": "inpainting",
        "conditions": [{"name": "", "title": "", "level": None}],
        "jobs": jobs,
        "metrics": [{"name": "seam", "higher_is_better": False}],
        "methods": [{"name": "grey", "title": "Grey", "kind": "method"}],
        "published": {},
    }
    run.mkdir(exist_ok=True)
    records.write_json(run / "suite.json", suite)


# Round trip


def test_what_was_written_is_read_back_exactly(tmp_path):
    rows = [
        row(),
        row(None, "failed", "the metric gave no finite number", "identity"),
        row(1e-300, metric="maps_train"),
    ]
    write(tmp_path, rows=rows)
    assert records.read_record(tmp_path, KEY) == record()
    found = records.read_rows(tmp_path, KEY)
    assert tuple(found.columns) == COLUMNS
    assert found["value"].tolist()[0] == 0.1 + 0.2 and found["value"].tolist()[2] == 1e-300  # to the last bit
    assert np.isnan(found["value"][1]) and found["reason"][1] == "the metric gave no finite number"
    assert records.is_done(tmp_path, KEY)


def test_a_reason_with_commas_quotes_and_lines_survives(tmp_path):
    reason = 'ValueError: "a, b"\nsecond line; ±'
    write(tmp_path, record(status="failed", reason=reason), [row(None, "failed", reason)])
    assert records.read_rows(tmp_path, KEY)["reason"][0] == reason


def test_names_that_look_like_numbers_stay_names(tmp_path):
    rows = [row() | {"case": "007", "person": "1e5"}]
    write(tmp_path, rows=rows)
    found = records.read_rows(tmp_path, KEY)
    assert (found["case"][0], found["person"][0]) == ("007", "1e5")


# Whole or not at all


def test_nothing_is_there_before_the_end(tmp_path):
    with records.job_folder(tmp_path, KEY) as folder:
        records.write_job(folder, record(), [row()])
        assert not (tmp_path / "jobs" / KEY).exists() and not list((tmp_path / "jobs").rglob("record.json"))
    assert (tmp_path / "jobs" / KEY / "record.json").is_file() and not list((tmp_path / "unfinished").iterdir())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_job_leaves_nothing(tmp_path, error):
    with pytest.raises(error), records.job_folder(tmp_path, KEY) as folder:
        (folder / "images" / "half.png").write_bytes(b"")
        raise error
    assert not (tmp_path / "jobs" / KEY).exists() and not list((tmp_path / "unfinished").iterdir())
    assert not records.is_done(tmp_path, KEY)


def test_a_second_try_replaces_the_first(tmp_path):
    write(tmp_path, record(status="failed", reason="x"), [row(None, "failed", "x")])
    assert not records.is_done(tmp_path, KEY)
    write(tmp_path)
    assert records.is_done(tmp_path, KEY) and not list((tmp_path / "unfinished").iterdir())


def test_an_interrupted_second_try_keeps_the_first(tmp_path):
    write(tmp_path)
    with pytest.raises(KeyboardInterrupt), records.job_folder(tmp_path, KEY):
        raise KeyboardInterrupt
    assert records.is_done(tmp_path, KEY)


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "suite.json"
    records.write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        records.write_json(path, {"a": float("nan")})  # not JSON
    assert json.loads(path.read_text()) == {"a": 1} and list(tmp_path.iterdir()) == [path]


def test_cleaning_spares_work_in_progress(tmp_path):
    for name, age in (("old", 2 * 86400), ("young", 60)):
        folder = tmp_path / "unfinished" / name
        folder.mkdir(parents=True)
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
    records.clean(tmp_path)
    assert [folder.name for folder in (tmp_path / "unfinished").iterdir()] == ["young"]


# Faults


@pytest.mark.parametrize("name", sorted(records._REQUIRED))
def test_a_record_without_a_field_is_refused(tmp_path, name):
    write(tmp_path)
    path = tmp_path / "jobs" / KEY / "record.json"
    content = record()
    del content[name]
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match=r"record\.json"):
        records.read_record(tmp_path, KEY)
    assert not records.is_done(tmp_path, KEY)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', "\0\0\0"])
def test_a_damaged_record_is_refused_and_names_the_way_out(tmp_path, text):
    write(tmp_path)
    (tmp_path / "jobs" / KEY / "record.json").write_text(text)
    with pytest.raises(RecordError, match=rf"{KEY}.*run"):
        records.read_record(tmp_path, KEY)
    assert not records.is_done(tmp_path, KEY)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", ",".join(COLUMNS) + "\n" + ",".join("abcdefghi")])
def test_damaged_metrics_are_refused(tmp_path, text):
    write(tmp_path)
    (tmp_path / "jobs" / KEY / "metrics.csv").write_text(text)
    with pytest.raises(RecordError, match=r"metrics\.csv"):
        records.read_rows(tmp_path, KEY)
    assert not records.is_done(tmp_path, KEY)


def test_records_of_another_schema_or_job_are_refused(tmp_path):
    write(tmp_path, record())
    (tmp_path / "jobs" / KEY).rename(tmp_path / "jobs" / "another")
    with pytest.raises(RecordError, match="holds the record of job"):
        records.read_record(tmp_path, "another")
    with pytest.raises(RecordError, match="schema 99"):
        write(tmp_path, record(schema=99))


def test_no_run(tmp_path):
    with pytest.raises(RecordError, match=r"suite\.json.*run the suite first"):
        records.read_suite(tmp_path)
    assert records.read_record(tmp_path, KEY) is None


# What is derived


def test_tables_are_rebuilt_from_the_current_jobs_alone(tmp_path):
    write_suite(tmp_path, ["a", "b", "not yet"])
    for key, person, value in (("a", "alice", 1.0), ("b", "bob", 3.0), ("earlier settings", "alice", 99.0)):
        write(tmp_path, record(key=key, person=person), [row(value) | {"person": person}], key)
    summary = records.rebuild(tmp_path)
    results = pd.read_csv(tmp_path / "results.csv")
    assert tuple(results.columns) == COLUMNS and results["value"].tolist() == [1.0, 3.0]
    assert summary["mean"].tolist() == [2.0] and summary["n_people"].tolist() == [2]
    before = [(tmp_path / name).read_bytes() for name in ("results.csv", "summary.csv")]
    for name in ("results.csv", "summary.csv"):
        (tmp_path / name).unlink()
    records.rebuild(tmp_path)
    assert [(tmp_path / name).read_bytes() for name in ("results.csv", "summary.csv")] == before


def test_a_failed_job_keeps_its_rows(tmp_path):
    write_suite(tmp_path, ["a", "b"])
    write(tmp_path, record(key="a"), [row(1.0)], "a")
    write(tmp_path, record(key="b", status="failed", reason="no"), [row(None, "failed", "no")], "b")
    summary = records.rebuild(tmp_path)
    assert pd.read_csv(tmp_path / "results.csv")["status"].tolist() == ["done", "failed"]
    assert summary["n_images"].tolist() == [1]


def test_a_run_without_any_result_has_empty_tables(tmp_path):
    write_suite(tmp_path, ["a"])
    assert len(records.rebuild(tmp_path)) == 0
    assert tuple(pd.read_csv(tmp_path / "results.csv").columns) == COLUMNS
