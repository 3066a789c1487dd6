"""What a run leaves on disk, and how it is read back. No torch; ``reports`` reads runs through this module alone.

    runs/NAME/suite.json                     how the table looks: methods, metrics, published numbers; current jobs
    runs/NAME/jobs/<key>/record.json         one job: what decided it, how it ended, what it cost
                         metrics.csv         one row per case and metric
                         images/*.png        <case>.png the final picture, <case>.input.png what the method was given
    runs/NAME/results.csv  summary.csv       derived from the records; may be deleted at any time
    runs/NAME/derived.json                   what they were derived from
    */unfinished/                            beside jobs and priors: what is being written, and claims

A job's folder appears whole or not at all: it is written under another name beside its place, synced and renamed.
Several processes may work in one folder: what one of them finished is never replaced, and ``claim`` keeps them from
doing the same thing twice.

A value that is missing is a row with a status and a reason:

    done            a number
    failed          there should be a number: the job failed, or the metric gave none
    inapplicable    there cannot be one: the method lacks the verb, the row has no hole
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 2
COLUMNS = ("suite", "method", "person", "case", "seed", "metric", "value", "status", "reason")
STATUSES = ("done", "failed", "inapplicable")
DERIVED = ("results.csv", "summary.csv", "report/index.html")
UNFINISHED = "unfinished"
DAY = 24 * 3600  # seconds
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)  # how file systems say so
_REQUIRED = {
    "schema": int,
    "key": str,
    "suite": str,
    "suite_version": int,
    "method": str,
    "method_version": int,
    "person": str,
    "seed": int,
    "status": str,
    "reason": str,
    "settings": (dict, type(None)),
    "preset": str,
    "domain": str,
    "metrics": dict,
    "cases": list,
    "condition": str,
    "level": (float, int, type(None)),
    "prior_of": str,
    "attempts": int,
    "stored_mb": (float, int, type(None)),
    "seconds": dict,
    "weights": dict,
    "photos": dict,
    "environment": dict,
    "created": str,
}

Record = Mapping[str, Any]
MetricRow = Mapping[str, Any]  # the columns of metrics.csv


class RecordError(ValueError):
    """A file of a run that cannot be used; the message names it and the way out."""


class Unwritable(OSError):
    """The run's folder takes nothing any more, not even word of a failure: going on would lose results."""


# Writing


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Whatever keeps the block from writing in ``folder`` becomes Unwritable, which says so in one line."""
    try:
        yield
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(f"{folder} cannot be written ({error})") from error


@contextlib.contextmanager
def job_folder(run: Path, key: str) -> Iterator[Path]:
    """A temporary folder that takes the job's place when the block ends, or goes away if it raises.

    The caller writes images and then calls ``write_job``. A failure of the same key is replaced; if the job was done
    meanwhile, by another process, that result stays, and the new one goes away.
    """
    with whole_folder(run / "jobs" / key, keep=lambda: is_done(run, key)) as folder:
        (folder / "images").mkdir()
        yield folder


@contextlib.contextmanager
def whole_folder(place: Path, keep: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A new folder beside ``place`` that takes its place when the block ends without an exception.

    Whatever is there goes away, unless ``keep`` says that it is good: then the new folder does.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = _scratch(place) / f"{place.name}.{uuid.uuid4().hex[:8]}"  # not tempfile's, which nobody else may read
    folder.mkdir(parents=True)
    try:
        yield folder
        for path in [*folder.rglob("*"), folder]:
            _sync(path)
        _move(folder, place, keep)
        _sync(place.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def set_aside(place: Path) -> None:
    """Takes a folder that cannot be used out of the way; it is kept for a day."""
    with contextlib.suppress(FileNotFoundError):  # somebody else did
        place.rename(_scratch(place) / f"{place.name}.{uuid.uuid4().hex[:8]}.damaged")


@contextlib.contextmanager
def claim(place: Path, *, wait: bool = True) -> Iterator[bool]:
    """Whether this process, and no other, may write ``place`` inside the block; the claim ends with the process.

    With ``wait`` it is granted as soon as nobody else holds it. Where the file system has no locks it is always
    granted, which costs work done twice, but no result. Raises OSError if nothing can be written here.
    """
    from filelock import FileLock, Timeout

    file = _scratch(place) / f"{place.name}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, fallback_to_soft=False)  # whose marker files would outlive their process
    try:
        lock.acquire(blocking=wait)
        granted = True
    except Timeout:
        granted = False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        granted = True
    try:
        yield granted
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):  # who waits for the removed file begins anew, which filelock sees to
                file.unlink()
            lock.release()


def _scratch(place: Path) -> Path:
    """Where things are until they take their place, on the same file system."""
    return place.parent / UNFINISHED


def _move(folder: Path, place: Path, keep: Callable[[], bool]) -> None:
    """Renames ``folder`` to ``place``; of whatever is there, or comes there meanwhile, ``keep`` says if it stays."""
    replaced: list[Path] = []
    while True:
        try:
            folder.rename(place)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES) or not place.exists():
                raise
        if keep():
            shutil.rmtree(folder)
            break
        replaced.append(folder.with_name(f"{folder.name}.{len(replaced)}.replaced"))
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            place.rename(replaced[-1])
    for old in replaced:
        shutil.rmtree(old, ignore_errors=True)


def write_job(folder: Path, record: Record, rows: Sequence[MetricRow]) -> None:
    """record.json and metrics.csv of a job, into the folder that ``job_folder`` gave."""
    check_record(record, folder)
    _frame(rows).to_csv(folder / "metrics.csv", index=False, lineterminator="\n")
    write_json(folder / "record.json", {**record, "rows": len(rows)})


def write_json(path: Path, content: Any) -> bool:
    """Readable JSON, replacing the file in one step; whether that changed it. NaN is refused: it is not JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    before = path.read_bytes() if path.is_file() else None
    write_text(path, text)
    return before != text.encode()


def clean(parent: Path) -> None:
    """Takes away what killed processes left in ``parent``, a folder of jobs or priors, a day ago or more.

    What is somebody's work in progress is claimed, however old it is.
    """
    for path in (parent / UNFINISHED).glob("*"):
        with contextlib.suppress(OSError), claim(parent / path.name.split(".")[0], wait=False) as granted:
            if granted and path.suffix != ".lock" and time.time() - path.stat().st_mtime > DAY:
                path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)


# Reading


def read_suite(run: Path) -> dict[str, Any]:
    """suite.json. Raises RecordError."""
    return read_json(run / "suite.json", "not a run, or one that was stopped before it began; run the suite first")


def read_record(run: Path, key: str) -> Record | None:
    """The record of a job; None if there is none. Raises RecordError if there is one that cannot be used."""
    path = run / "jobs" / key / "record.json"
    if not path.parent.exists():
        return None
    record = migrated(read_json(path, "delete the job's folder and run again"))
    check_record(record, path)
    if record["key"] != key:
        raise RecordError(f"{path}: holds the record of job {record['key']}; delete the folder and run again")
    return record


def migrated(record: Record) -> Record:
    """A record as this version writes it, if it is of an older schema that can be read; else as it is."""
    while (schema := record.get("schema")) in _MIGRATIONS:
        record = _MIGRATIONS[schema](record)
    return record


def _from_1(record: Record) -> Record:
    """Schema 1 had no conditions at first; what a prior takes on disk and how often a job was tried were not noted."""
    absent = {"condition": "", "level": None, "prior_of": record.get("person"), "metrics": {}}
    return {**absent, "attempts": 1, "stored_mb": None, **record, "schema": 2}


_MIGRATIONS = {1: _from_1}


def read_records(run: Path) -> tuple[Record, ...]:
    """The records of the run's current jobs that have ended, in the order of suite.json. Raises RecordError.

    Jobs of earlier settings stay on disk, and count again when those settings are run again.
    """
    found = (read_record(run, key) for key in read_suite(run)["jobs"])
    return tuple(record for record in found if record is not None)


def all_records(run: Path) -> Iterator[Record]:
    """Every record in the folder that can be used, of current and of earlier settings."""
    for path in run.glob("jobs/*/record.json"):
        with contextlib.suppress(RecordError):
            if (record := read_record(run, path.parent.name)) is not None:
                yield record


def is_done(run: Path, key: str) -> bool:
    """Whether the job's result is there. A failed or damaged job is not done: it is run again."""
    try:
        record = read_record(run, key)
        return record is not None and record["status"] == "done" and len(read_rows(run, key, record)) > 0
    except RecordError:
        return False


def read_rows(run: Path, key: str, record: Record | None = None) -> pd.DataFrame:
    """metrics.csv of a job with the columns of ``COLUMNS``. Raises RecordError, also if rows of ``record`` are gone."""
    import pandas as pd

    path = run / "jobs" / key / "metrics.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:  # not pandas': it takes "007" and "NA" for values
            header, *cells = csv.reader(file)
        rows = pd.DataFrame(cells, columns=header)
        rows["value"] = [float(value or "nan") for value in rows["value"]]
        rows["seed"] = rows["seed"].astype(int)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise RecordError(f"{path}: cannot be read ({error}); delete the job's folder and run again") from error
    if tuple(rows.columns) != COLUMNS or not rows["status"].isin(STATUSES).all():
        raise RecordError(f"{path}: unexpected columns or status; delete the job's folder and run again")
    if record is not None and record.get("rows", len(rows)) != len(rows):  # older records do not tell
        raise RecordError(f"{path}: {len(rows)} rows of {record['rows']}; delete the job's folder and run again")
    return rows


def check_record(record: Record, path: Path) -> None:
    """Raises RecordError unless the record has every field of this schema."""
    if record.get("schema") != SCHEMA:
        known = f"{min(_MIGRATIONS)} to {SCHEMA}"
        raise RecordError(f"{path}: record schema {record.get('schema')}, this version reads {known}; run again")
    wrong = [name for name, kind in _REQUIRED.items() if not isinstance(record.get(name), kind) or name not in record]
    if wrong or record["status"] not in STATUSES[:2]:
        fields = ", ".join(wrong) or "status"
        raise RecordError(f"{path}: missing or wrong: {fields}; delete the job's folder and run again")


# What is derived


def rebuild(run: Path) -> pd.DataFrame:
    """Writes results.csv and summary.csv anew from the records of the current jobs; returns the summary."""
    from benchmarks.analysis.statistics import summarise

    results = read_results(run)
    write_text(run / "results.csv", results[list(COLUMNS)].to_csv(index=False, lineterminator="\n"))
    summary = summarise(results, read_suite(run))
    write_text(run / "summary.csv", summary.to_csv(index=False, lineterminator="\n"))
    return summary


def state(run: Path) -> dict[str, Any]:
    """What tables are derived from: the plan, and which records there are. Raises RecordError."""
    plan = hashlib.sha256((run / "suite.json").read_bytes()).hexdigest()
    return {"suite": plan, "records": {record["key"]: record["created"] for record in read_records(run)}}


def is_derived(run: Path) -> bool:
    """Whether the tables and the report are those of the records that there are."""
    try:
        return read_json(run / "derived.json", "") == state(run) and all((run / name).exists() for name in DERIVED)
    except RecordError:
        return False


def read_results(run: Path) -> pd.DataFrame:
    """All rows of the current jobs that have ended: the columns of results.csv, and what statistics need beside them.

    ``image`` is person/photo, or whatever else the case was made from; ``item`` tells the rows that count something
    else than cases; ``dose`` and ``condition`` are the case's and the job's. Raises RecordError.
    """
    import pandas as pd

    rows = []
    for record in read_records(run):
        image = {case["case"]: case["image"] for case in record["cases"]}
        dose = {case["case"]: case.get("dose") for case in record["cases"]}
        frame = read_rows(run, record["key"], record)
        item = [f"{record['person']}/{image.get(case, case)}" for case in frame["case"]]
        counted = ~frame["case"].isin(list(image))
        more = {"image": item, "item": counted, "dose": frame["case"].map(dose)}
        rows.append(frame.assign(**more, condition=record["condition"]))
    none = {"image": [], "item": [], "dose": [], "condition": []}
    return pd.concat(rows, ignore_index=True) if rows else _frame([]).assign(**none)


def _frame(rows: Sequence[MetricRow]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([{name: row[name] for name in COLUMNS} for row in rows], columns=list(COLUMNS))


def read_json(path: Path, way_out: str) -> dict[str, Any]:
    """A JSON object of a run. Raises RecordError that ends in ``way_out``."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read ({error}); {way_out}") from error
    if not isinstance(content, dict):
        raise RecordError(f"{path}: not a JSON object; {way_out}")
    return content


def write_text(path: Path, text: str) -> None:
    """A file that is never seen half written."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Flushes a file to the disk, or a folder's list of names where the system can."""
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        return
    with contextlib.suppress(OSError):  # Windows and some file systems of networks do not do this
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
