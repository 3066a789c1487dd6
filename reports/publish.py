"""``python -m reports.publish RUN [RUN ...] --out FOLDER``: what of a run can be kept with a paper or in a repository.

Everything but the images of the cases: suite, settings, environment, all records and values (compressed), the summary,
the tables and the figures, and the scores of a user study, without paths of the machine. Of a run on somebody's
photographs (``--photos``), figures that show faces stay out. ``FOLDER/SUITE`` is written for each run, replacing an
older one.
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
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.engine import records
from mystyle.files import printable
from reports.compact import compact
from reports.study.files import FOLDER

if TYPE_CHECKING:
    from reports.runs import Run

SUFFIXES = {"png": "png", "jpeg": "jpg"}
PLACES = ("out", "photos", "priors", "ray_address")  # options in config.yaml that mean nothing elsewhere


def publish(run: Run, folder: Path) -> Path:
    """Writes ``folder/SUITE`` and returns it.

    Raises OSError if the run has no report, RecordError if that is of other results or ``folder/SUITE`` holds
    something else.
    """
    place = folder / run.suite.name
    if place.exists() and not (place / records.ARCHIVE).is_file():
        raise records.RecordError(f"{place}: was not published by this command; choose another --out")
    from reports.tables import files, tables

    report = run.folder / "report"
    for name, text in files(tables(run)):
        if (report / "tables" / name).read_text(encoding="utf-8") != text:
            raise records.RecordError(f"{report}: made of other results; run python -m reports.build {run.folder}")
    with records.whole_folder(place) as partial:
        records.write_suite(partial, run.suite)
        if run.environment:
            records.write_json(partial / "environment.json", run.environment)
        options = _options(run.folder / "config.yaml")
        if options:
            (partial / "config.yaml").write_text(_without_places(options), encoding="utf-8", newline="\n")
        (partial / "summary.csv").write_text(records.csv_text(run.summary), encoding="utf-8", newline="\n")
        with gzip.GzipFile(partial / records.VALUES, "wb", mtime=0) as file:
            file.write(records.csv_text(run.results[list(records.COLUMNS)]).encode())
        records.write_archive(partial / records.ARCHIVE, run.records)
        shutil.copytree(report / "tables", partial / "tables", ignore=shutil.ignore_patterns("*.csv"))
        if run.study:
            (partial / FOLDER).mkdir()
            shutil.copyfile(run.folder / FOLDER / "scores.json", partial / FOLDER / "scores.json")
        (partial / "figures").mkdir()
        drawn = records.read_json(report / "figures" / "figures.json", "make the report again")
        for name in sorted(drawn):
            if not (drawn[name]["faces"] and options.get("photos")):
                kind, content = compact(report / "figures" / f"{name}.png")
                (partial / "figures" / f"{name}.{SUFFIXES[kind]}").write_bytes(content)
    with contextlib.suppress(OSError):
        (folder / records.UNFINISHED).rmdir()
    return place


def _options(config: Path) -> dict[str, Any]:
    """The options of a run; none where it has no such file."""
    if not config.is_file():
        return {}
    try:
        return dict(yaml.safe_load(config.read_text(encoding="utf-8")).items())
    except (yaml.YAMLError, ValueError, AttributeError) as error:
        raise records.RecordError(f"{config}: cannot be read ({error}); delete it") from error


def _without_places(options: dict[str, Any]) -> str:
    """The options of a run that mean something elsewhere: no folders, and none of ``external:NAME=FOLDER``."""
    options = dict(options)
    options["methods"] = [re.sub(r"^(external:.*?)=.*", r"\1", str(name)) for name in options.get("methods") or ()]
    kept = {name: value for name, value in options.items() if name not in PLACES and value != []}
    return str(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))


def main(arguments: Sequence[str] | None = None) -> int:
    about = "What of a run can be kept with a paper or in a repository."
    parser = argparse.ArgumentParser(prog="python -m reports.publish", description=about)
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
