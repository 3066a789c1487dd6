"""Records: whole or not at all, read back exactly, and refused when they are not what they should be."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_run import change_record, make_record

from benchmarks.analysis.tables import rebuild
from benchmarks.engine import records
from benchmarks.engine.records import (
    COLUMNS,
    CaseRecord,
    ConditionRecord,
    MetricRecord,
    PriorRecord,
    Record,
    RecordError,
    RowRecord,
    SuiteRecord,
    files,
    schema,
)
from mystyle.files import printable

KEY = "0123456789abcdef"
ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT / "reports" / "results"


def record(**changes):
    values = {
        "method": "grey",
        "person": "alice",
        "prior_of": "alice",
        "settings": {"noise": 0.1},
        "params": {"gallery": 9},
        "domain": "tiny",
        "metrics": {"seam": 1},
        "cases": (CaseRecord(case="000-eyes", image="test/000.png", mask="eyes"),),
        "stored_mb": 0.25,
        "seconds": {"fit": 1.5},
        "prior": PriorRecord(key=KEY, seconds=1.5),
    }
    return make_record(**{"key": KEY} | values | changes)


def row(value=0.1 + 0.2, status="done", reason="", metric="seam"):
    cells = ("inpainting", "grey", "alice", "000-eyes", 0, metric, value, status, reason)
    return dict(zip(COLUMNS, cells, strict=True))


def write(run, record=None, rows=None, key=KEY):
    with records.job_folder(run, key) as folder:
        (folder / "images" / "000-eyes.png").write_bytes(b"an image")
        records.write_job(folder, record or globals()["record"](key=key), [row()] if rows is None else rows)


def write_suite(run, jobs):
    suite = SuiteRecord(
        name="inpainting",
        conditions=(ConditionRecord(name=""),),
        metrics=(MetricRecord(name="seam", higher_is_better=False),),
        methods=(RowRecord(name="grey", title="Grey", kind="method"),),
        jobs=tuple(jobs),
    )
    run.mkdir(exist_ok=True)
    records.write_suite(run, suite)


# Round trip


def test_what_was_written_is_read_back_exactly(tmp_path):
    rows = [
        row(),
        row(None, "failed", "the metric gave no finite number", "identity"),
        row(1e-300, metric="maps_train"),
    ]
    write(tmp_path, rows=rows)
    path = tmp_path / "jobs" / KEY / "metrics.csv"
    kept = {"rows": 3, "metrics_sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "images": 1}
    assert records.read_record(tmp_path, KEY) == record(**kept)
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
        assert not (tmp_path / "jobs" / KEY).exists() and not list(tmp_path.glob("jobs/*/record.json"))
    assert (tmp_path / "jobs" / KEY / "record.json").is_file() and not list(
        (tmp_path / "jobs" / "unfinished").iterdir()
    )


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_job_leaves_nothing(tmp_path, error):
    with pytest.raises(error), records.job_folder(tmp_path, KEY) as folder:
        (folder / "images" / "half.png").write_bytes(b"")
        raise error
    assert not (tmp_path / "jobs" / KEY).exists() and not list((tmp_path / "jobs" / "unfinished").iterdir())
    assert not records.is_done(tmp_path, KEY)


def test_a_second_try_replaces_the_first(tmp_path):
    write(tmp_path, record(status="failed", reason="x"), [row(None, "failed", "x")])
    assert not records.is_done(tmp_path, KEY)
    write(tmp_path)
    assert records.is_done(tmp_path, KEY) and not list((tmp_path / "jobs" / "unfinished").iterdir())


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
    old, older, young = (digit * 16 for digit in "abc")
    for name, age in ((old, 2 * 86400), (older, 9 * 86400), (young, 60)):
        folder = tmp_path / "unfinished" / f"{name}.0123abcd"
        folder.mkdir(parents=True)
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
    with records.claim(tmp_path / older, wait=False):  # of a fit that takes days
        records.clean(tmp_path)
    left = sorted(folder.name for folder in (tmp_path / "unfinished").iterdir())
    assert left == [f"{older}.0123abcd", f"{young}.0123abcd"]


def test_cleaning_removes_nothing_that_is_not_ours(tmp_path):
    """A folder of somebody's may have the name ``unfinished``, too."""
    unfinished = tmp_path / "unfinished"
    foreign = ["novel", "novel.0123abcd", "a" * 16, f"{'a' * 16}.zip"]
    for name in foreign:
        (unfinished / name).mkdir(parents=True)
    (unfinished / f"{'b' * 16}.0123abcd").write_text("a file, which we never leave there")
    (unfinished / f"{'c' * 16}.0123abcd").symlink_to(unfinished / "novel")
    (unfinished / f"{'d' * 16}.0123abcd.damaged").mkdir()
    for path in unfinished.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    before = {path.name for path in unfinished.iterdir()}
    records.clean(tmp_path)
    assert before - {path.name for path in unfinished.iterdir()} == {f"{'d' * 16}.0123abcd.damaged"}


# Faults


@pytest.mark.parametrize("name", [n for n, (_, required) in sorted(schema._fields(Record).items()) if required])
def test_a_record_without_a_field_is_refused(tmp_path, name):
    write(tmp_path)
    path = tmp_path / "jobs" / KEY / "record.json"
    content = json.loads(path.read_text())
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


def test_a_table_of_values_that_was_cut_at_a_line_is_refused(tmp_path):
    write(tmp_path, rows=[row(1.0), row(2.0), row(3.0)])
    path = tmp_path / "jobs" / KEY / "metrics.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(RecordError, match=r"metrics\.csv: 2 rows of 3"):
        records.read_rows(tmp_path, KEY, records.read_record(tmp_path, KEY))
    assert not records.is_done(tmp_path, KEY)


def test_what_tables_are_derived_from_is_known(tmp_path):
    write_suite(tmp_path, ["a", "b"])
    write(tmp_path, record(key="a"), [row(1.0)], "a")
    rebuild(tmp_path)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("")
    assert not records.is_derived(tmp_path)
    records.write_json(tmp_path / "derived.json", records.state(tmp_path))
    assert records.is_derived(tmp_path)
    write(tmp_path, record(key="b"), [row(2.0)], "b")  # by another shard, or before a kill
    assert not records.is_derived(tmp_path)
    records.write_json(tmp_path / "derived.json", records.state(tmp_path))
    (tmp_path / "summary.csv").unlink()
    assert not records.is_derived(tmp_path)


def test_records_of_another_schema_or_job_are_refused(tmp_path):
    write(tmp_path, record())
    (tmp_path / "jobs" / KEY).rename(tmp_path / "jobs" / "another")
    with pytest.raises(RecordError, match="holds the record of job"):
        records.read_record(tmp_path, "another")
    write(tmp_path)
    change_record(tmp_path / "jobs" / KEY / "record.json", schema=99)
    with pytest.raises(RecordError, match="schema 99, this version reads 1 to 3; update the project"):
        records.read_record(tmp_path, KEY)


def test_a_record_of_the_first_schema_is_read_as_one_of_today(tmp_path):
    """As the first version wrote it: nothing of conditions, tries and sizes."""
    write(tmp_path)
    path = tmp_path / "jobs" / KEY / "record.json"
    since_2 = ("metrics", "condition", "level", "prior_of", "attempts", "stored_mb")
    since_3 = ("params", "fitted_by", "reference", "kept", "train", "others")
    of_files = ("rows", "metrics_sha256", "images", "prior", "traceback", "peak_memory_mb", "photos_fitted")
    absent = (*since_2, *since_3, *of_files)
    first = {name: value for name, value in json.loads(path.read_text()).items() if name not in absent} | {"schema": 1}
    path.write_text(json.dumps(first))
    found = records.read_record(tmp_path, KEY)
    as_today = {"metrics": {}, "stored_mb": None, "params": {}, "fitted_by": "", "prior": None}
    assert found == record(**as_today) and records.is_done(tmp_path, KEY)
    later = first | {"condition": "x8", "level": 8, "prior_of": "bob", "metrics": {"seam": 2}}
    path.write_text(json.dumps(later))  # as the first schema was in its last days
    wanted = record(**as_today | {"condition": "x8", "level": 8, "prior_of": "bob", "metrics": {"seam": 2}})
    assert records.read_record(tmp_path, KEY) == wanted
    assert json.loads(path.read_text()) == later, "reading changes no file"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cases", [{"case": "../../x", "image": ""}]),
        ("cases", [{"case": 1, "image": ""}]),
        ("cases", {"case": "x"}),
        ("seed", True),
        ("seed", 2**70),
        ("metrics", {"seam": "1"}),
        ("seconds", {"fit": None}),
        ("level", float("inf")),
        ("person", None),
        ("person", "\ud800"),
        ("status", "inapplicable"),
        ("environment", [1]),
        ("prior", {"key": 3}),
        ("schema", [3]),
    ],
)
def test_a_field_of_the_wrong_type_is_refused(tmp_path, name, value):
    write(tmp_path)
    change_record(tmp_path / "jobs" / KEY / "record.json", **{name: value})
    with pytest.raises(RecordError, match=r"record\.json: .*(delete|run again)"):
        records.read_record(tmp_path, KEY)
    assert not records.is_done(tmp_path, KEY)


def test_every_older_schema_has_a_way_to_this_one():
    assert set(schema._RECORDS) == set(range(1, records.SCHEMA)) and set(schema._SUITES) == {2}


@pytest.mark.parametrize("depth", [50, 100_000])
def test_deeply_nested_json_is_refused(tmp_path, depth):
    """Python's own parser gives up at some depth with a RecursionError; ours would at a smaller one."""
    write(tmp_path)
    path = tmp_path / "jobs" / KEY / "record.json"
    text = path.read_text()
    path.write_text(text.replace('"gallery": 9', '"gallery": ' + "[" * depth + "]" * depth))
    with pytest.raises(RecordError, match=r"record\.json: cannot be read"):
        records.read_record(tmp_path, KEY)
    assert list(records.all_records(tmp_path)) == [] and not records.is_done(tmp_path, KEY)


def test_an_edited_table_of_values_is_noticed(tmp_path):
    write(tmp_path, rows=[row(1.0), row(2.0)])
    path = tmp_path / "jobs" / KEY / "metrics.csv"
    path.write_text(path.read_text().replace("2.0", "2.5"))
    with pytest.raises(RecordError, match=r"metrics\.csv: was changed after the job; delete the job's folder"):
        records.read_rows(tmp_path, KEY, records.read_record(tmp_path, KEY))
    assert not records.is_done(tmp_path, KEY)


def test_a_job_whose_images_are_gone_is_not_done(tmp_path):
    write(tmp_path)
    (tmp_path / "jobs" / KEY / "images" / "000-eyes.png").unlink()
    assert not records.is_done(tmp_path, KEY)


@pytest.mark.parametrize("suite", ["../victim", "a/b", ".git", "", "..", "a\\b", "x" * 200, "a\nb"])
def test_names_that_lead_elsewhere_are_refused(tmp_path, suite):
    write_suite(tmp_path, [])
    whole = json.loads((tmp_path / "suite.json").read_text())
    figure = {"kind": "grid", "name": suite, "caption": "", "options": {}}
    for hostile in ({"name": suite}, {"figures": [figure]}, {"jobs": [suite]}):
        (tmp_path / "suite.json").write_text(json.dumps(whole | hostile))
        with pytest.raises(RecordError, match="cannot be the name of a file"):
            records.read_suite(tmp_path)


def test_a_later_suite_is_refused_and_another_one_in_its_place(tmp_path):
    write_suite(tmp_path, [])
    records.require_suite(tmp_path, "inpainting")
    with pytest.raises(RecordError, match=r"--out .*: holds a run of suite inpainting, not of editing; choose another"):
        records.require_suite(tmp_path, "editing")
    change_record(tmp_path / "suite.json", schema=4)
    with pytest.raises(RecordError, match=r"suite\.json: schema 4, this version reads 2 to 3"):
        records.read_suite(tmp_path)


def test_jobs_of_other_settings_are_counted(tmp_path):
    write_suite(tmp_path, ["a", "not yet"])
    for key in ("a", "b", "c"):
        write(tmp_path, key=key)
    assert records.outside_plan(tmp_path, records.read_suite(tmp_path)) == 2


def test_published_records_can_still_be_read():
    files = sorted((*PUBLISHED.glob("*/records.jsonl.xz"), *PUBLISHED.glob("v0.2/*/records.jsonl.xz")))
    assert files
    for file in files:
        suite = records.read_suite(file.parent)
        found = list(records.read_archive(file))
        assert {record.key for record in found} == set(suite.jobs) and suite.name == file.parent.name
        assert {record.schema for record in found} == {records.SCHEMA}


def test_an_archive_holds_records_without_what_belongs_to_the_machine(tmp_path):
    lost = record(status="failed", reason="OSError: /home/me/x.png is damaged", traceback="File /home/me/code.py")
    damaged = record(prior=PriorRecord(key=KEY, damaged="/home/me/priors"))
    records.write_archive(tmp_path / "x.xz", [lost, damaged])
    found = list(records.read_archive(tmp_path / "x.xz"))
    assert found[0] == record(status="failed", reason="OSError: x.png is damaged")
    assert found[1] == record(prior=PriorRecord(key=KEY))
    (tmp_path / "x.xz").write_bytes((tmp_path / "x.xz").read_bytes()[:-9])
    with pytest.raises(RecordError, match=r"x\.xz"):
        list(records.read_archive(tmp_path / "x.xz"))


# Text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/x.png is missing", "x.png is missing"),
        ("cannot open '/home/Jane Doe/my photos/x.png': no such file", "cannot open 'x.png': no such file"),
        ("/home/Jane Doe/x.png is damaged", "x.png is damaged"),
        (r"C:\Users\me\x.png: damaged", "x.png: damaged"),
        ("file:///home/me/x.png", "x.png"),
        ("~/photos/x.png", "x.png"),
        ("in /home/me/: nothing", "in …: nothing"),
        (
            "4 / 5 of w/h, see https://example.org/a, test/000.png",
            "4 / 5 of w/h, see https://example.org/a, test/000.png",
        ),
    ],
)
def test_paths_of_the_machine_are_left_out_of_text(text, shown):
    assert records.without_paths(text) == shown


def test_control_characters_are_escaped():
    assert printable("a\x1b[2J\tß ±") == "a\\x1b[2J\\tß ±"


def test_advice_to_execute_a_file_is_not_quoted(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"x": Path("p")}, tmp_path / "x.pt")
    with pytest.raises(Exception, match="weights_only") as failure:
        torch.load(tmp_path / "x.pt", weights_only=True)
    reason = records.reason_of(failure.value)
    assert "weights_only" not in reason and reason.startswith(f"{type(failure.value).__name__}: the file holds more")
    assert records.reason_of(ValueError("no")) == "ValueError: no"


# Disks


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_unwritable_whatever_exception_hides_it(tmp_path, code):
    def save():
        try:
            raise OSError(code, "full")
        except OSError as error:
            raise ValueError("cannot be written") from error

    with pytest.raises(records.Unwritable, match="cannot be written"), records.writing(tmp_path):
        save()
    with pytest.raises(records.Unwritable), records.writing(tmp_path):
        raise RuntimeError(f"Error while serializing: I/O error: No space left on device (os error {code})")
    with pytest.raises(ValueError), records.writing(tmp_path):
        raise ValueError("os error 2")


# Several processes


def test_a_claim_is_granted_to_one_at_a_time(tmp_path):
    place = tmp_path / "jobs" / KEY
    with records.claim(place, wait=False) as first:
        assert first and claimed_elsewhere(place) == "no"
    assert claimed_elsewhere(place) == "yes"
    with records.claim(place) as again:
        assert again
    assert not list((tmp_path / "jobs" / "unfinished").iterdir())


def test_a_claim_ends_with_its_process(tmp_path):
    place = tmp_path / "jobs" / KEY
    code = CLAIM.format(place=str(place), then="os.kill(os.getpid(), signal.SIGKILL)")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -signal.SIGKILL
    with records.claim(place, wait=False) as granted:
        assert granted


CLAIM = """
import os, signal
from pathlib import Path
from benchmarks.engine import records
with records.claim(Path({place!r}), wait=False) as granted:
    {then}
"""


def claimed_elsewhere(place):
    code = CLAIM.format(place=str(place), then="print('yes' if granted else 'no')")
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(os.name != "posix", reason="flock")
@pytest.mark.parametrize("code", files.NO_LOCKS)
def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch, code):
    def unsupported(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", unsupported)
    for wait in (False, True):
        with records.claim(tmp_path / "jobs" / KEY, wait=wait) as granted:
            assert granted


def test_a_place_that_cannot_be_claimed_says_so(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match="Input/output"), records.claim(tmp_path / "jobs" / KEY, wait=False):
        pass


def test_a_finished_result_is_never_replaced(tmp_path):
    write(tmp_path, rows=[row(1.0)])
    write(tmp_path, rows=[row(2.0)])
    write(tmp_path, record(status="failed", reason="late"), [row(None, "failed", "late")])
    assert records.is_done(tmp_path, KEY) and records.read_rows(tmp_path, KEY)["value"].tolist() == [1.0]
    assert not list((tmp_path / "jobs" / "unfinished").iterdir())


def test_writers_of_one_place_do_not_harm_each_other(tmp_path):
    """Eight threads replace one job's folder again and again; every read in between finds it whole or absent."""

    def rewrite(_):
        for _ in range(10):
            write(tmp_path)
            with contextlib.suppress(FileNotFoundError):  # between the old one's going and the new one's coming
                assert sorted(os.listdir(tmp_path / "jobs" / KEY)) == ["images", "metrics.csv", "record.json"]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(rewrite, range(8)))
    assert records.is_done(tmp_path, KEY) and not list((tmp_path / "jobs" / "unfinished").iterdir())


def test_what_is_set_aside_is_out_of_the_way_and_kept(tmp_path):
    place = tmp_path / "priors" / KEY
    place.mkdir(parents=True)
    (place / "file").write_text("x")
    os.utime(place, (0, 0))  # made long ago
    records.set_aside(place)
    records.clean(place.parent)
    (kept,) = (place.parent / "unfinished").iterdir()
    assert not place.exists() and (kept / "file").read_text() == "x" and kept.suffix == ".damaged"
    records.set_aside(place)  # gone already


def test_no_run(tmp_path):
    with pytest.raises(RecordError, match=r"suite\.json.*run the suite first"):
        records.read_suite(tmp_path)
    assert records.read_record(tmp_path, KEY) is None


# What is derived


def test_tables_are_rebuilt_from_the_current_jobs_alone(tmp_path):
    write_suite(tmp_path, ["a", "b", "not yet"])
    for key, person, value in (("a", "alice", 1.0), ("b", "bob", 3.0), ("earlier settings", "alice", 99.0)):
        write(tmp_path, record(key=key, person=person), [row(value) | {"person": person}], key)
    summary = rebuild(tmp_path)
    results = pd.read_csv(tmp_path / "results.csv")
    assert tuple(results.columns) == COLUMNS and results["value"].tolist() == [1.0, 3.0]
    assert summary["mean"].tolist() == [2.0] and summary["n_people"].tolist() == [2]
    before = [(tmp_path / name).read_bytes() for name in ("results.csv", "summary.csv")]
    for name in ("results.csv", "summary.csv"):
        (tmp_path / name).unlink()
    rebuild(tmp_path)
    assert [(tmp_path / name).read_bytes() for name in ("results.csv", "summary.csv")] == before


def test_a_plan_that_names_a_job_twice_is_refused(tmp_path):
    write_suite(tmp_path, ["a", "a"])
    write(tmp_path, key="a")
    with pytest.raises(RecordError, match=r"two jobs of suite\.json have the same cases"):
        records.read_results(tmp_path)


def test_a_failed_job_keeps_its_rows(tmp_path):
    write_suite(tmp_path, ["a", "b"])
    write(tmp_path, record(key="a"), [row(1.0)], "a")
    rows = [row(None, "failed", "no") | {"person": "bob"}]
    write(tmp_path, record(key="b", person="bob", status="failed", reason="no"), rows, "b")
    summary = rebuild(tmp_path)
    assert pd.read_csv(tmp_path / "results.csv")["status"].tolist() == ["done", "failed"]
    assert summary["n_images"].tolist() == [1]


def test_a_run_without_any_result_has_empty_tables(tmp_path):
    write_suite(tmp_path, ["a"])
    assert len(rebuild(tmp_path)) == 0
    assert tuple(pd.read_csv(tmp_path / "results.csv").columns) == COLUMNS
