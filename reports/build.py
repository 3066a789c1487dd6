"""``python -m reports.build RUN [RUN ...]``: tables, figures and a page from what a run left on disk.

Writes RUN/report/index.html, tables/*.{md,tex,csv}, figures/*.{png,pdf} and figures/figures.json, which lists what each
figure shows; the same run gives the same bytes.
Exit status 0, or 2 where an argument is not a run that can be reported; nothing is written then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.runs import Run


def write(run: Run) -> Path:
    """Writes the whole report beside the run's jobs, replacing an older one at the end, and returns its page."""
    from benchmarks.engine import records
    from reports import figures, html, tables

    report = run.folder / "report"
    made = tables.tables(run)
    with records.whole_folder(report) as partial:
        for folder in ("tables", "figures"):
            (partial / folder).mkdir()
        for name, text in tables.files(made):
            (partial / "tables" / name).write_text(text, encoding="utf-8", newline="\n")
        drawn = figures.draw(run, partial / "figures")
        about = {f.path.name: {"faces": f.faces, "names": f.names, "caption": f.caption, "alt": f.alt} for f in drawn}
        records.write_json(partial / "figures" / "figures.json", about)
        page = html.page(run, made, drawn, report)
        (partial / "index.html").write_text(page, encoding="utf-8", newline="\n")
    return report / "index.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m reports.build", description="Tables, figures and a page of a run.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run (its --out)")
    parser.add_argument("--index", type=Path, metavar="FILE", help="write a page that leads to their reports instead")
    parsed = parser.parse_args(arguments)

    from benchmarks.engine.records import RecordError, write_text
    from mystyle.files import printable
    from reports.runs import read_run

    try:
        if parsed.index:
            from reports import html

            write_text(parsed.index, html.index(list(_readable(parsed.runs)), parsed.index.parent))
            print(printable(str(parsed.index)))
            return 0
        for run in [read_run(folder) for folder in parsed.runs]:
            print(printable(str(write(run))))
    except (RecordError, OSError) as error:
        print(f"reports.build: {printable(str(error))}", file=sys.stderr)
        return 2
    return 0


def _readable(folders: Sequence[Path]) -> Iterator[Run]:
    """The runs that can be read; the others are named."""
    from benchmarks.engine.records import RecordError
    from mystyle.files import printable
    from reports.runs import read_run

    for folder in folders:
        try:
            yield read_run(folder)
        except (RecordError, OSError) as error:
            print(f"reports.build: left out: {printable(str(error))}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
