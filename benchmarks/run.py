"""Runs a suite: ``python -m benchmarks.run --suite inpainting``.

Checks everything, does the jobs whose results are not there yet, derives the tables from the records, mirrors them into
W&B and has the report made. The same command again does only what is missing. Several values of a flag are separated by
spaces: ``--methods mystyle diffaugment --seeds 0 1 2``.

Exit status: 0 every job done, 1 some job failed (the rest is still reported), 2 unusable arguments, 130 interrupted.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.options import Options, make_parser, to_options
from benchmarks.request import (
    Request,
    UnusableArguments,
    check_names,
    draw_missing,
    make_jobs,
    preview,
    resolve,
)
from mystyle.domain import load_domain

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.plan import Job
    from benchmarks.tracking import Mode
    from benchmarks.worker import Outcome
    from mystyle.domain import Domain

DONE, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130  # exit status
DERIVED = ("results.csv", "summary.csv", "report/index.html")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = make_parser(__doc__.split("\n\n")[0])
    parsed = parser.parse_args(arguments)
    options = to_options(parsed)
    try:
        check_names(options)
        request = resolve(options)
        if options.dry_run:
            print(preview(request, options.folder))
            return DONE
        options.folder.mkdir(parents=True, exist_ok=True)
        parsed.methods, parsed.people = list(request.methods), list(request.folders)  # what the defaults stood for
        parser.save(parsed, options.folder / "config.yaml", overwrite=True, multifile=False)
        return carry_out(request, options, functools.partial(load_domain, request.domain))
    except UnusableArguments as error:
        print("\n".join(f"benchmarks.run: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("\nstopped; what was finished is kept, the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def carry_out(request: Request, options: Options, load: Callable[[str], Domain]) -> int:
    """Does what is missing and derives the rest; returns the exit status. ``load`` gives the domain on a device."""
    from benchmarks import records
    from benchmarks.plan import describe
    from benchmarks.registry import METHODS

    run = options.folder
    draw_missing(request)
    jobs = make_jobs(request)
    tell_missing(request, jobs)
    absent = {name: METHODS.load(name).title for name in request.suite.published if name not in request.methods}
    layout = describe(request.suite, request.methods, request.metrics, jobs, absent)
    changed = records.write_json(run / "suite.json", layout)
    records.clean(run)

    pending = [job for job in jobs if not records.is_done(run, job.key)]
    if not pending:
        print(f"all {len(jobs)} jobs are done in {run}")
    elif len(pending) < len(jobs):
        print(f"{len(jobs) - len(pending)} of {len(jobs)} jobs are done in {run}; going on with the rest")
    outcomes = execute(request, options, pending, load) if pending else []
    records.clean(run)
    if pending or changed or not all((run / name).exists() for name in DERIVED):
        print_summary(records.rebuild(run), layout)
        build_report(run, request.suite.name)
    track(run, options.wandb)

    failed = [outcome for outcome in outcomes if outcome.status != "done"]
    if failed:
        print(f"{len(failed)} of {len(jobs)} jobs failed; the same command tries them again. The first reason:")
        print(f"  {failed[0].reason}\n  the whole story is in {run / 'jobs' / failed[0].key / 'record.json'}")
    return FAILED if failed else DONE


def tell_missing(request: Request, jobs: Sequence[Job]) -> None:
    """Names the pictures of external methods that are not there."""
    from benchmarks.external import External

    for method in request.methods.values():
        missing = method.missing(jobs) if isinstance(method, External) else []
        if missing:
            print(f"{method.name}: {len(missing)} pictures are missing and will be failed rows:")
            print(*(f"  {path}" for path in missing), sep="\n")


def execute(request: Request, options: Options, jobs: Sequence[Job], load: Callable[[str], Domain]) -> list[Outcome]:
    """Does the jobs, showing how far they are."""
    from benchmarks import records
    from benchmarks.display import make_display
    from benchmarks.executors import EXECUTORS, choose_devices
    from benchmarks.provenance import environment
    from benchmarks.worker import Context

    devices = choose_devices(options.device, 1 if options.executor == "inline" else options.workers, len(jobs))
    about = environment(devices[0])
    records.write_json(options.folder / "environment.json", about)
    context = Context(
        run=options.folder,
        suite=request.suite,
        methods=request.methods,
        metrics=request.metrics,
        folders=request.folders,
        load_domain=load,
        environment=about,
    )
    print(f"{len(jobs)} jobs, {len(devices)} at a time on {about['hardware']}; results go to {options.folder}")
    display = make_display(len(jobs), sys.stdout)
    try:
        return EXECUTORS[options.executor](jobs, context, devices, display)
    finally:
        display.close()


def build_report(run: Path, suite: str) -> None:
    """Has the report made. It reads files only, and ``benchmarks`` imports no ``reports``, so it is its own command."""
    report = subprocess.run([sys.executable, "-m", "reports.build", str(run)], capture_output=True, text=True)
    if report.returncode:
        print(f"warning: the report could not be made:\n{report.stderr.strip()}", file=sys.stderr)
    else:
        print(f"figure: {run / 'report' / 'figures' / suite}.png\nreport: {run / 'report' / 'index.html'}")


def track(run: Path, mode: Mode) -> None:
    """Mirrors the records; a mirror that fails is a warning."""
    from benchmarks.tracking import TrackingError, mirror

    try:
        mirror(run, mode)
    except TrackingError as error:
        print(f"warning: {error}; the run itself is complete", file=sys.stderr)


def print_summary(summary: pd.DataFrame, suite: Mapping[str, Any]) -> None:
    """Mean ± standard deviation over images (over sweeps, of rank correlations), a row per method."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    cells = {(row.method, row.metric): row for row in summary.itertuples()}
    what = "rank correlation with the dose" if suite.get("dose") else "mean ± standard deviation over images"
    table = Table(title=f"{suite['title']}: {what}", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for metric in suite["metrics"]:
        arrow = "" if suite.get("dose") else " ↑" if metric["higher_is_better"] else " ↓"
        table.add_column(metric["label"] + arrow, justify="right")
    for method in suite["methods"]:
        row = [cells[key] for metric in suite["metrics"] if (key := (method["name"], metric["name"])) in cells]
        if row:
            table.add_row(method["title"], *(f"{c.mean:.3f} ± {c.std:.3f}" if c.n_images else "–" for c in row))
    Console(width=None if sys.stdout.isatty() else 110).print(table)


if __name__ == "__main__":
    sys.exit(main())
