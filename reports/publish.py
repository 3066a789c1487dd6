"""``python -m reports.publish RUN [RUN ...] --out FOLDER``: what of a run can be kept with a paper or in a repository.

Everything but the images of the cases: suite, settings, environment, all records and values (compressed), the summary,
the tables and the figures, without paths of the machine. ``FOLDER/SUITE`` is written for each run, replacing an older
one.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.engine import records
from mystyle.files import printable

if TYPE_CHECKING:
    from reports.runs import Run

PLACES = ("out:", "photos:", "priors:", "ray_address:")  # lines of config.yaml that mean nothing elsewhere
LARGE = 300_000  # bytes of a PNG, above which a figure is kept as JPEG: those are made of images
QUALITY = 87
RECORDS = "records.jsonl.xz"


def publish(run: Run, folder: Path) -> Path:
    """Writes ``folder/SUITE`` and returns it.

    Raises OSError if the run has no report, RecordError if ``folder/SUITE`` holds something else.
    """
    place = folder / run.suite.name
    if place.exists() and not (place / RECORDS).is_file():
        raise records.RecordError(f"{place}: was not published by this command; choose another --out")
    report = run.folder / "report"
    with records.whole_folder(place) as partial:
        records.write_suite(partial, run.suite)
        if run.environment:
            records.write_json(partial / "environment.json", run.environment)
        if (config := run.folder / "config.yaml").is_file():
            lines = config.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = "".join(line for line in lines if not line.startswith(PLACES))
            (partial / "config.yaml").write_text(_without_folders(kept), encoding="utf-8", newline="\n")
        (partial / "summary.csv").write_text(records.csv_text(run.summary), encoding="utf-8", newline="\n")
        with gzip.GzipFile(partial / "results.csv.gz", "wb", mtime=0) as file:
            file.write(records.csv_text(run.results[list(records.COLUMNS)]).encode())
        records.write_archive(partial / RECORDS, run.records)
        shutil.copytree(report / "tables", partial / "tables", ignore=shutil.ignore_patterns("*.csv"))
        (partial / "figures").mkdir()
        for path in sorted((report / "figures").glob("*.png")):
            _figure(path, partial / "figures")
    with contextlib.suppress(OSError):
        (folder / records.UNFINISHED).rmdir()
    return place


def _without_folders(config: str) -> str:
    """Without the folders of ``external:NAME=FOLDER``."""
    return re.sub(r"(external:[\w.-]+)=.*", r"\1", config)


def _figure(path: Path, folder: Path) -> None:
    """A figure of lines as it is, one of images as JPEG."""
    if path.stat().st_size <= LARGE:
        shutil.copyfile(path, folder / path.name)
        return
    from mystyle.image_files import decode, open_image

    with open_image(path) as image:
        decode(image).save(folder / f"{path.stem}.jpg", quality=QUALITY, optimize=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m reports.publish", description="What of a run can be kept with a paper."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run with its report")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where a folder per suite is written")
    parsed = parser.parse_args(arguments)

    from reports.runs import read_run

    try:
        for run in [read_run(folder) for folder in parsed.runs]:
            print(printable(str(publish(run, parsed.out))))
    except (records.RecordError, OSError) as error:
        print(f"reports.publish: {printable(str(error))}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
