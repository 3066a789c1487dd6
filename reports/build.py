"""``python -m reports.build RUN [RUN ...]``: tables, figures and a page from what a run left on disk.

Writes RUN/report/index.html, tables/*.{md,tex,csv}, figures/*.{png,pdf} and figures/figures.json, which says what each
figure shows; the same run gives the same bytes.
Exit status 0, or 2 where an argument is not a run that can be reported; nothing is written then.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.runs import Run


def write(run: Run) -> Path:
    """Writes the whole report beside the run's jobs, replacing an older one at the end, and returns its page."""
    from reports import figures, html, tables

    report = run.folder / "report"
    partial = run.folder / "report.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for folder in ("tables", "figures"):
        (partial / folder).mkdir(parents=True)
    made = tables.tables(run)
    for table in made:
        for suffix, text in (("md", table.markdown()), ("tex", table.latex()), ("csv", table.csv())):
            (partial / "tables" / f"{table.name}.{suffix}").write_text(text, encoding="utf-8", newline="\n")
    pictures = figures.draw(run, partial / "figures")
    about = {p.path.name: {"faces": p.faces, "names": p.names, "caption": p.caption, "alt": p.alt} for p in pictures}
    listed = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    (partial / "figures" / "figures.json").write_text(listed, encoding="utf-8", newline="\n")
    (partial / "index.html").write_text(html.page(run, made, pictures, report), encoding="utf-8", newline="\n")
    shutil.rmtree(report, ignore_errors=True)
    partial.rename(report)
    return report / "index.html"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reports.build", description="Tables, figures and a page of a run.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run (its --out)")
    parser.add_argument("--index", type=Path, metavar="FILE", help="write a page that leads to their reports instead")
    parsed = parser.parse_args(arguments)
    folders = parsed.runs

    from benchmarks.engine.records import RecordError
    from reports.runs import read_run

    try:
        if parsed.index:
            from reports import html

            parsed.index.write_text(html.index(list(_readable(folders)), parsed.index.parent), encoding="utf-8")
            print(parsed.index)
            return 0
        runs = [read_run(folder) for folder in folders]
        for run in runs:
            print(write(run))
    except (RecordError, OSError) as error:
        print(f"reports.build: {error}", file=sys.stderr)
        return 2
    return 0


def _readable(folders: Sequence[Path]) -> Iterator[Run]:
    """The runs that can be read; the others are named."""
    from benchmarks.engine.records import RecordError
    from reports.runs import read_run

    for folder in folders:
        try:
            yield read_run(folder)
        except (RecordError, OSError) as error:
            print(f"reports.build: left out: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
