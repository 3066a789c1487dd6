"""A run folder from what was published of a run: everything but the images of the cases."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import shutil
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "reports" / "results"


def unpack(place: Path, run: Path) -> Path:
    """Writes ``run`` as the version that published ``place`` left it, byte for byte where it matters."""
    run.mkdir(parents=True)
    for name in ("suite.json", "environment.json", "config.yaml"):
        shutil.copyfile(place / name, run / name)
    if (place / "study").is_dir():
        shutil.copytree(place / "study", run / "study")
    lines = lzma.decompress((place / "records.jsonl.xz").read_bytes()).decode().splitlines()
    records = {record["key"]: record for record in map(json.loads, lines)}
    table = gzip.decompress((place / "results.csv.gz").read_bytes()).decode()
    header, *rows = csv.reader(io.StringIO(table, newline=""))
    for key in json.loads((run / "suite.json").read_text(encoding="utf-8"))["jobs"]:
        job = run / "jobs" / key
        job.mkdir(parents=True)
        (job / "record.json").write_text(json.dumps(records[key]), encoding="utf-8")
        count = records[key]["rows"]
        with (job / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows[:count]])
        rows = rows[count:]
    assert not rows
    return run
