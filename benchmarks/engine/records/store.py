"""The files of a run: written by jobs, read back with every field checked, and what is derived from them."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import gzip
import hashlib
import io
import itertools
import json
import lzma
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engine.records import files
from benchmarks.engine.records.schema import (
    STATUSES,
    Record,
    RecordError,
    SuiteRecord,
    parse_record,
    parse_suite,
)
from benchmarks.engine.records.text import as_it_was, without_paths

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("suite", "method", "person", "case", "seed", "metric", "value", "status", "reason")
DERIVED = ("results.csv", "summary.csv", "report/index.html")
AGAIN = "delete the job's folder and run again"

MetricRow = Mapping[str, Any]  # a value for each of COLUMNS


@contextlib.contextmanager
def job_folder(run: Path, key: str) -> Iterator[Path]:
    """A temporary folder that takes the job's place when the block ends, or is removed if it raises.

    The caller writes images and then calls ``write_job``. A failure of the same key is replaced; if the job was done
    meanwhile, by another process, that result stays, and the new one is removed.
    """
    with files.whole_folder(run / "jobs" / key, keep=lambda: is_done(run, key)) as folder:
        (folder / "images").mkdir()
        yield folder


def write_job(folder: Path, record: Record, rows: Sequence[MetricRow]) -> None:
    """record.json and metrics.csv of a job, into the folder that ``job_folder`` gave, after its images."""
    table = _frame(rows).to_csv(index=False, lineterminator="\n")
    (folder / "metrics.csv").write_text(table, encoding="utf-8", newline="")
    digest = hashlib.sha256(table.encode()).hexdigest()
    images = len(list((folder / "images").iterdir()))
    record = dataclasses.replace(record, rows=len(rows), metrics_sha256=digest, images=images)
    content = dataclasses.asdict(record)
    parse_record(content, folder)
    files.write_json(folder / "record.json", content)


def write_suite(run: Path, suite: SuiteRecord) -> None:
    """suite.json."""
    files.write_json(run / "suite.json", dataclasses.asdict(suite))


def read_suite(run: Path) -> SuiteRecord:
    """suite.json. Raises RecordError."""
    path = run / "suite.json"
    way_out = "not a run, or one that was stopped before it began; run the suite first"
    return parse_suite(files.read_json(path, way_out), path)


def require_suite(run: Path, name: str) -> None:
    """Raises RecordError if the folder holds a run of another suite."""
    try:
        found = read_suite(run).name
    except RecordError:  # absent, or damaged: it is written anew
        return
    if found != name:
        raise RecordError(f"--out {run}: holds a run of suite {found}, not of {name}; choose another folder")


def read_record(run: Path, key: str) -> Record | None:
    """The record of a job; None if there is none. Raises RecordError if there is one that cannot be used."""
    path = run / "jobs" / key / "record.json"
    if not path.parent.exists():
        return None
    record = parse_record(files.read_json(path, AGAIN), path)
    if record.key != key:
        raise RecordError(f"{path}: holds the record of job {record.key}; {AGAIN}")
    return record


def read_records(run: Path) -> tuple[Record, ...]:
    """The records of the run's current jobs that have ended, in the order of suite.json. Raises RecordError.

    Jobs of earlier settings stay on disk, and count again when those settings are run again.
    """
    found = (read_record(run, key) for key in read_suite(run).jobs)
    return tuple(record for record in found if record is not None)


def all_records(run: Path) -> Iterator[Record]:
    """Every record in the folder that can be used, of current and of earlier settings."""
    for path in run.glob("jobs/*/record.json"):
        with contextlib.suppress(RecordError):
            if (record := read_record(run, path.parent.name)) is not None:
                yield record


def outside_plan(run: Path, suite: SuiteRecord) -> int:
    """How many jobs have ended in the folder that are not of the current plan: they are in no table."""
    return len({path.parent.name for path in run.glob("jobs/*/record.json")} - set(suite.jobs))


def is_done(run: Path, key: str) -> bool:
    """Whether the job's result is there, whole. A failed or damaged job is not done: it is run again."""
    try:
        record = read_record(run, key)
        if record is None or record.status != "done" or not len(read_rows(run, key, record)):
            return False
        return len(list((run / "jobs" / key / "images").glob("*"))) >= (record.images or 0)
    except RecordError:
        return False


def read_rows(run: Path, key: str, record: Record | None = None) -> pd.DataFrame:
    """metrics.csv of a job with the columns of ``COLUMNS``. Raises RecordError, also if it is not ``record``'s."""
    path = run / "jobs" / key / "metrics.csv"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error}); {AGAIN}") from error
    rows = _parse_rows(content, path, AGAIN)
    if record is not None and record.rows not in (None, len(rows)):
        raise RecordError(f"{path}: {len(rows)} rows of {record.rows}; {AGAIN}")
    if record is not None and record.metrics_sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise RecordError(f"{path}: was changed after the job; {AGAIN}")
    return rows


def _parse_rows(content: bytes, path: Path, way_out: str) -> pd.DataFrame:
    """A table with the columns of ``COLUMNS``, every field checked. Raises RecordError, naming ``path``."""
    import pandas as pd

    try:
        lines = io.StringIO(content.decode(), newline="")
        header, *cells = csv.reader(lines)  # not pandas', which takes "007" and "NA" for values
        rows = pd.DataFrame(cells, columns=header)
        rows["value"] = [float(value or "nan") for value in rows["value"]]
        rows["seed"] = rows["seed"].astype("int64")
    except (ValueError, KeyError, OverflowError, csv.Error) as error:
        raise RecordError(f"{path}: cannot be read ({error}); {way_out}") from error
    if tuple(rows.columns) != COLUMNS or not rows["status"].isin(STATUSES).all():
        raise RecordError(f"{path}: unexpected columns or status; {way_out}")
    if not all(map(math.isfinite, rows.loc[rows["status"] == "done", "value"])):
        raise RecordError(f"{path}: a value that is done is not a number; {way_out}")
    return rows


# What is derived


def state(run: Path) -> dict[str, Any]:
    """What tables are derived from, by hash: the plan, and the records that there are. Raises RecordError."""
    hashes = {}
    for name in ("suite.json", *(f"jobs/{record.key}/record.json" for record in read_records(run))):
        hashes[name] = hashlib.sha256((run / name).read_bytes()).hexdigest()
    return hashes


def is_derived(run: Path) -> bool:
    """Whether the tables and the report are those of the records that there are."""
    try:
        return files.read_json(run / "derived.json", "") == state(run) and all(
            (run / name).exists() for name in DERIVED
        )
    except RecordError:
        return False


def read_results(run: Path) -> pd.DataFrame:
    """All rows of the current jobs that have ended: the columns of results.csv, and what statistics need beside them.

    ``image`` is person/photo, or whatever else the case was made from; ``item`` is true of rows that count something
    else than cases; ``dose`` is the case's; ``job`` is the key, and ``condition``, ``level`` and ``prior_of`` are the
    job's. Reasons are without the paths of this machine. Raises RecordError.
    """
    return _joined(run, ((record, read_rows(run, record.key, record)) for record in read_records(run)))


def _joined(run: Path, jobs: Iterable[tuple[Record, pd.DataFrame]]) -> pd.DataFrame:
    """The rows of all jobs with what their records say of them, as ``read_results`` describes it."""
    import pandas as pd

    rows = [_frame([]).assign(image=[], item=[], dose=[], job=[], condition=[], level=[], prior_of=[])]
    for record, frame in jobs:
        image = {case.case: case.image for case in record.cases}
        dose = {case.case: case.dose for case in record.cases}
        rows.append(
            frame.assign(
                reason=frame["reason"].map(without_paths),
                image=[f"{record.person}/{image.get(case, case)}" for case in frame["case"]],
                item=~frame["case"].isin(list(image)),
                dose=frame["case"].map(dose),
                job=record.key,
                condition=record.condition,
                level=float("nan") if record.level is None else float(record.level),
                prior_of=record.prior_of,
            )
        )
    results = pd.concat(rows[1:] or rows, ignore_index=True)
    if results.duplicated(["condition", "method", "person", "case", "seed", "metric"]).any():
        raise RecordError(f"{run}: two jobs of suite.json have the same cases; run the suite again")
    return results


def _frame(rows: Sequence[MetricRow]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([{name: row[name] for name in COLUMNS} for row in rows], columns=list(COLUMNS))


# What is kept with a paper

ARCHIVE, VALUES = "records.jsonl.xz", "results.csv.gz"  # of a published run: all records, all values
RESTORE = "restore it from a fresh clone"


def read_published(folder: Path) -> tuple[SuiteRecord, tuple[Record, ...], pd.DataFrame]:
    """The suite, records and results (as ``read_results`` gives them) of what ``reports.publish`` wrote.

    Raises RecordError if something is missing, or values and records do not belong together.
    """
    suite = read_suite(folder)
    found = {record.key: record for record in read_archive(folder / ARCHIVE)}
    records = tuple(found[key] for key in suite.jobs if key in found)
    path = folder / VALUES
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise RecordError(f"{path}: cannot be read ({error}); {RESTORE}") from error
    rows = _parse_rows(content, path, RESTORE)
    texts = [name for name in COLUMNS if name not in ("seed", "value")]
    rows[texts] = rows[texts].map(as_it_was)
    ends = list(itertools.accumulate(record.rows or 0 for record in records))
    frames = [rows.iloc[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    jobs = list(zip(records, frames, strict=True))
    if ends[-1:] != [len(rows)] or not all(
        (frame["method"] == record.method).all() and (frame["person"] == record.person).all() for record, frame in jobs
    ):
        raise RecordError(f"{path}: holds other values than those of {ARCHIVE}; {RESTORE}")
    return suite, records, _joined(folder, jobs)


def write_archive(path: Path, records: Iterable[Record]) -> None:
    """Records as compressed lines of JSON, without tracebacks and paths of this machine."""
    lines = []
    for record in records:
        kept = dataclasses.replace(record, traceback="", reason=without_paths(record.reason))
        if record.prior is not None:
            kept = dataclasses.replace(kept, prior=dataclasses.replace(record.prior, damaged=""))
        lines.append(json.dumps(dataclasses.asdict(kept), ensure_ascii=False) + "\n")
    path.write_bytes(lzma.compress("".join(lines).encode()))  # its window spans many records


def read_archive(path: Path) -> Iterator[Record]:
    """The records of such a file, of any schema. Raises RecordError."""
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield parse_record(files.parse_json(line), path)
    except (OSError, EOFError, lzma.LZMAError, ValueError, RecursionError) as error:
        raise error if isinstance(error, RecordError) else RecordError(f"{path}: {error}; {RESTORE}") from error
