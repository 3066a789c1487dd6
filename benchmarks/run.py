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
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.api.protocol import Variant
from benchmarks.api.registry import ALL, METHODS, SUITES
from benchmarks.engine.executors import NoWorkers
from benchmarks.engine.options import Options, make_parser, to_options
from benchmarks.engine.records import (
    RecordError,
    SuiteRecord,
    Unwritable,
    printable,
    require_suite,
    write_text,
    writing,
)
from benchmarks.engine.request import (
    Request,
    UnusableArguments,
    check_names,
    draw_missing,
    make_jobs,
    resolve,
)
from mystyle.domains.domain import load_domain

if TYPE_CHECKING:
    import pandas as pd
    from jsonargparse import ArgumentParser, Namespace

    from benchmarks.engine.plan import Job
    from benchmarks.engine.worker import Outcome
    from mystyle.domains.domain import Domain

DONE, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130  # exit status
SHOWN = 100  # missing pictures that are named
WIDE = 6  # metrics that a terminal shows with their deviations


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = make_parser(__doc__.split("\n\n")[0])
    parsed = parser.parse_args(arguments)
    options = to_options(parsed)
    try:
        check_names(options)
        if options.collect:
            return collect_all(options)
        todo = [(single, resolve(single)) for single in each_suite(options)]
        for single, request in todo:
            require_suite(single.folder, request.suite.name)
        if options.dry_run:
            from benchmarks.engine.preview import preview

            print(*(preview(request, single) for single, request in todo), sep="\n")
            return DONE
        endings = []
        with ThreadPoolExecutor(1) as clerk:  # a suite is written up while the next one's jobs are done
            for single, request in todo:
                with writing(single.folder):
                    single.folder.mkdir(parents=True, exist_ok=True)
                    save_config(parser, parsed, single, request)
                rest = do_jobs(request, single, functools.partial(load_domain, request.domain))
                endings.append(clerk.submit(rest))
        statuses = [ending.result() for ending in endings]
        if options.suite == ALL:
            statuses.append(build_index(options.folder, [single.folder for single, _ in todo]))
        return max(statuses)
    except (Unwritable, NoWorkers) as error:
        print(
            f"benchmarks.run: {printable(str(error))}; what was finished is kept, the same command goes on from here",
            file=sys.stderr,
        )
        return FAILED
    except (UnusableArguments, RecordError) as error:
        lines = printable(str(error)).split("\n")
        print("\n".join(f"benchmarks.run: {line}" for line in lines), file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("\nstopped; what was finished is kept, the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def each_suite(options: Options) -> list[Options]:
    """The options of one suite each; ``--suite all`` puts them into folders of one, with the priors beside them.

    Raises UnusableArguments where methods are named for all suites, which have different rows.
    """
    if options.suite != ALL:
        return [options]
    if options.methods:
        raise UnusableArguments("--methods: suites have different rows; choose one suite, or omit --methods")
    names = SUITES.names()
    if options.photos:  # suites that move the parameters of rendered people have nothing to do with photos
        names = tuple(name for name in names if not SUITES.load(name).dose)
    folder, priors = options.folder, options.prior_folder
    return [replace(options, suite=name, out=folder / name, priors=priors) for name in names]


def save_config(parser: ArgumentParser, parsed: Namespace, options: Options, request: Request) -> None:
    """config.yaml, with what the defaults stood for."""
    from benchmarks.engine.external import External

    filled = parsed.clone()
    methods = [method.spec if isinstance(method, External) else name for name, method in request.methods.items()]
    filled.suite, filled.methods, filled.people = options.suite, methods, list(request.folders)
    filled.out, filled.priors, filled.shard = options.out, options.priors, None  # the whole run's, not a shard's
    write_text(options.folder / "config.yaml", parser.dump(filled))


def do_jobs(request: Request, options: Options, load: Callable[[str], Domain]) -> Callable[[], int]:
    """Does what is missing; returns ``write_up`` of it. ``load`` gives the domain on a device."""
    from benchmarks.analysis.changes import changes
    from benchmarks.engine import records
    from benchmarks.engine.budget import settle
    from benchmarks.engine.plan import describe, fits_first, shard

    run = options.folder
    with writing(run):
        draw_missing(request)
        settings = settle(request, options, load)
    every = make_jobs(request, settings)
    layout = describe(request.suite, request.methods, request.metrics, every, published_titles(request))
    layout = replace(layout, budget={"fit": options.fit_seconds, "image": options.image_seconds})
    with writing(run):
        records.write_suite(run, layout)
    clean(options)
    if outside := records.outside_plan(run, layout):
        print(f"{outside} jobs in {run} are of other settings: they are kept, and are not part of this plan's tables")

    jobs = shard(every, *options.part)
    tell_missing(request, jobs)
    pending = [job for job in jobs if not records.is_done(run, job.key)]
    if not pending:
        print(f"all {len(jobs)} jobs are done in {run}")
    elif len(pending) < len(jobs):
        print(f"{len(jobs) - len(pending)} of {len(jobs)} jobs are done in {run}; going on with the rest")
    for change in changes(run, pending):
        print(f"changed since there were results: {change}")
    outcomes = execute(request, options, fits_first(pending, options.prior_folder), load) if pending else []
    clean(options)
    return functools.partial(write_up, options, layout, jobs, outcomes)


def write_up(options: Options, layout: SuiteRecord, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> int:
    """Tables, report and mirror of a suite whose ``jobs`` have been done; returns the exit status."""
    from benchmarks.engine import records

    run, every, derived = options.folder, len(layout.jobs), True
    if len(jobs) < every:
        print(f"shard {options.shard} of {every} jobs; --collect makes the tables when all shards are done")
    else:
        derived = records.is_derived(run) or derive(options, layout)
        track(options)

    failed = [outcome for outcome in outcomes if outcome.status != "done"]
    if failed:
        print(f"{len(failed)} of {len(jobs)} jobs failed; the same command tries them again. The first reason:")
        print(f"  {printable(failed[0].reason)}\n  its traceback is in {run / 'jobs' / failed[0].key / 'record.json'}")
    return FAILED if failed or not derived else DONE


def collect_all(options: Options) -> int:
    """``collect`` for each suite that has begun; returns the exit status."""
    singles = each_suite(options)
    begun = [single for single in singles if (single.folder / "suite.json").exists()] or singles[:1]
    statuses = [collect(single) for single in begun]
    if options.suite == ALL:
        statuses.append(build_index(options.folder, [single.folder for single in begun]))
        for single in singles:
            if single not in begun:
                print(f"{single.suite} has not begun")
    return max(statuses) if len(begun) == len(singles) else FAILED


def collect(options: Options) -> int:
    """Tables, report and mirror of the records that there are, whoever made them; returns the exit status.

    Raises UnusableArguments if the folder is not a run, or a record cannot be used.
    """
    from benchmarks.engine import records

    run = options.folder
    try:
        layout = records.read_suite(run)
        found = records.read_records(run)
        derived = derive(options, layout)
    except records.RecordError as error:
        raise UnusableArguments(f"--collect: {error}") from error
    track(options)
    states = Counter(record.status for record in found)
    missing = len(layout.jobs) - len(found)
    print(f"{states['done']} of {len(layout.jobs)} jobs are done in {run}, {states['failed']} failed", end="")
    print(f", {missing} are missing: run the suite, or its other shards" * bool(missing))
    return FAILED if missing or states["failed"] or not derived else DONE


def derive(options: Options, layout: SuiteRecord) -> bool:
    """Everything that follows from the records: tables, and the report; whether that could be made."""
    from benchmarks.engine import records

    run = options.folder
    with writing(run):
        state = records.state(run)
        summary = records.rebuild(run)
    print_summary(summary, layout)
    made = build_report(run, layout.name)
    if made:
        with writing(run):
            records.write_json(run / "derived.json", state)
    return made


def clean(options: Options) -> None:
    """Takes away what killed processes have left in the run and among its priors."""
    from benchmarks.engine import records

    for folder in (options.folder, options.folder / "jobs", options.prior_folder):
        records.clean(folder)


def published_titles(request: Request) -> dict[str, str]:
    """Name to title of the published rows that the run is without."""
    titles = {}
    for name in dict.fromkeys(row for source in request.suite.published for row in source.values):
        if name not in request.methods:
            row = request.suite.rows.get(name, name)
            titles[name] = row.title if isinstance(row, Variant) else METHODS.load(name).title
    return titles


def tell_missing(request: Request, jobs: Sequence[Job]) -> None:
    """Names the pictures of external methods that are not there."""
    from benchmarks.engine.external import External

    for method in request.methods.values():
        missing = method.missing(jobs) if isinstance(method, External) else []
        if missing:
            print(f"{method.name}: {len(missing)} pictures are missing and will be failed rows:")
            print(*(f"  {printable(str(path))}" for path in missing[:SHOWN]), sep="\n")
            if len(missing) > SHOWN:
                print(f"  and {len(missing) - SHOWN} more")


def execute(request: Request, options: Options, jobs: Sequence[Job], load: Callable[[str], Domain]) -> list[Outcome]:
    """Does the jobs, showing how far they are."""
    from benchmarks.engine import records
    from benchmarks.engine.display import make_display
    from benchmarks.engine.executors import load as load_executor
    from benchmarks.engine.executors.process import choose_devices
    from benchmarks.engine.provenance import environment
    from benchmarks.engine.worker import Context

    devices = choose_devices(options.device, 1 if options.executor == "inline" else options.workers, len(jobs))
    about = environment(devices[0])
    with writing(options.folder):
        records.write_json(options.folder / "environment.json", about)
    context = Context(
        run=options.folder,
        priors=options.prior_folder,
        suite=request.suite,
        methods=request.methods,
        metrics=request.metrics,
        folders=request.folders,
        load_domain=load,
        environment=about,
    )
    where = f"on {options.ray_address}" if options.ray_address else f"{len(devices)} at a time on {about['hardware']}"
    print(f"{len(jobs)} jobs, {where}; results go to {options.folder}")
    display = make_display(len(jobs), sys.stdout)
    try:
        return load_executor(options.executor).carry_out(jobs, context, options.means, display)
    finally:
        display.close()


def build_report(run: Path, suite: str) -> bool:
    """Has the report made. It reads files only, and ``benchmarks`` imports no ``reports``, so it is its own command."""
    made = _report(run)
    if made:
        print(f"figure: {run / 'report' / 'figures' / suite}.png\nreport: {run / 'report' / 'index.html'}")
    return made


def build_index(folder: Path, runs: Sequence[Path]) -> int:
    """Has a page made that leads to the reports of all suites; returns the exit status."""
    made = _report("--index", folder / "index.html", *runs)
    if made:
        print(f"all reports: {folder / 'index.html'}")
    return DONE if made else FAILED


def _report(*arguments: object) -> bool:
    """Whether the reports were made; a message if they were not."""
    command = [sys.executable, "-m", "reports.build", *map(str, arguments)]
    report = subprocess.run(command, capture_output=True, text=True)
    if report.returncode:
        reason = printable(report.stderr.strip())
        print(f"benchmarks.run: the report could not be made, exit status 1:\n{reason}", file=sys.stderr)
    return not report.returncode


def track(options: Options) -> None:
    """Mirrors the records; a mirror that fails is a warning."""
    from benchmarks.engine.tracking import TrackingError, mirror

    try:
        mirror(options.folder, options.wandb, images=options.wandb_images)
    except TrackingError as error:
        print(f"warning: {error}; the run itself is complete", file=sys.stderr)


def print_summary(summary: pd.DataFrame, suite: SuiteRecord) -> None:
    """Mean ± standard deviation over images (over sweeps, of rank correlations), a row per method and condition."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    cells = {(row.condition, row.method, row.metric): row for row in summary.fillna({"condition": ""}).itertuples()}
    narrow = len(suite.metrics) > WIDE  # the whole numbers are in the report
    what = "mean" if narrow else "mean ± standard deviation over images"
    what = "rank correlation with the dose" if suite.dose else what

    def cell(c: Any) -> str:
        return "–" if not c.n_images else f"{c.mean:.3f}" if narrow else f"{c.mean:.3f} ± {c.std:.3f}"

    table = Table(title=escape(printable(f"{suite.title}: {what}")), box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    arrows = {True: " ↑", False: " ↓", None: ""}
    for metric in suite.metrics:
        arrow = "" if suite.dose else arrows[metric.higher_is_better]
        table.add_column(escape(printable(metric.label)) + arrow, justify="right")
    for condition in suite.conditions:
        if condition.title:
            table.add_section()
            table.add_row(f"[bold]{escape(printable(condition.title))}[/bold]")
        for method in suite.methods:
            keys = [(condition.name, method.name, metric.name) for metric in suite.metrics]
            row = [cells[key] for key in keys if key in cells]
            if row:
                table.add_row(escape(printable(method.title)), *(cell(c) for c in row))
    Console(width=None if sys.stdout.isatty() else 110).print(table)


if __name__ == "__main__":
    sys.exit(main())
