"""Runs a suite: ``python -m benchmarks.run --suite inpainting``.

Checks everything, runs the jobs whose results are not there yet, derives the tables from the records, has the report
made and mirrors the records into W&B. The same command again runs only what is missing. Several values of a flag are
separated by spaces: ``--methods mystyle diffaugment --seeds 0 1 2``.

Exit status: 0 every job is done and reported, 1 some job or the report failed (the rest is there), 2 unusable
arguments, 130 interrupted.
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
from typing import TYPE_CHECKING

from benchmarks.api.registry import ALL, METHODS, SUITES
from benchmarks.api.suite import Variant
from benchmarks.engine import executors, records
from benchmarks.engine.executors import NoWorkers
from benchmarks.engine.external import External
from benchmarks.engine.options import Options, make_parser, to_options
from benchmarks.engine.records import RecordError, SuiteRecord, Unwritable, writing
from benchmarks.engine.request import Request, UnusableArguments, check_names, make_jobs, render_missing, resolve
from benchmarks.engine.terminal import echo, replace_unencodable
from mystyle.domains import load_domain

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from benchmarks.engine.plan import Job
    from benchmarks.engine.worker import Outcome
    from mystyle.domains.domain import Domain

DONE, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130  # exit status
SHOWN = 100  # missing images that are named
RESUME = "what was finished is kept, the same command goes on from here"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    replace_unencodable()
    parser = make_parser()
    try:
        parsed = parser.parse_args(arguments)
    except UnicodeDecodeError as error:
        parser.error(f"--config: not a text file in UTF-8 ({error}); it is YAML, such as a run's config.yaml")
    options = to_options(parsed)
    try:
        check_names(options)
        if options.collect:
            return collect_all(options)
        requests = [(single, resolve(single)) for single in each_suite(options)]
        for single, request in requests:
            records.require_suite(single.folder, request.suite.name)
        if options.dry_run:
            from benchmarks.engine.preview import preview

            echo(*(preview(request, single) for single, request in requests))
            return DONE
        futures = []
        with ThreadPoolExecutor(1) as report_pool:  # a suite is reported while the next one's jobs run
            for single, request in requests:
                save_config(parser, parsed, single, request)
                write_up = do_jobs(request, single, functools.partial(load_domain, request.domain))
                futures.append(report_pool.submit(write_up))
        statuses = [future.result() for future in futures]
        if options.suite == ALL:
            statuses.append(build_index(options.folder, [single.folder for single, _ in requests]))
        return max(statuses)
    except (Unwritable, NoWorkers) as error:
        echo(f"benchmarks.run: {error}; {RESUME}", error=True)
        return FAILED
    except (UnusableArguments, RecordError) as error:
        echo(*(f"benchmarks.run: {line}" for line in str(error).splitlines()), error=True)
        return UNUSABLE
    except KeyboardInterrupt:
        echo(f"\nstopped; {RESUME}", error=True)
        return INTERRUPTED


def each_suite(options: Options) -> list[Options]:
    """The options of one suite each; ``--suite all`` puts them into folders of one, with the priors beside them.

    Raises UnusableArguments where rows are named for all suites, which have different ones.
    """
    if options.suite != ALL:
        return [options]
    for flag, rows in (("--methods", options.methods), ("--longer", options.longer)):
        if rows:
            raise UnusableArguments(f"{flag}: suites have different rows; choose one suite, or omit {flag}")
    names = SUITES.names()
    if options.photos:  # suites that vary the parameters of rendered people need no photos
        names = tuple(name for name in names if not SUITES.load(name).rendered_only)
    folder, priors = options.folder, options.prior_folder
    return [replace(options, suite=name, out=folder / name, priors=priors) for name in names]


def save_config(parser: ArgumentParser, parsed: Namespace, options: Options, request: Request) -> None:
    """config.yaml, with the values of all defaults; ``--config`` takes it."""
    filled = parsed.clone()
    filled.suite, filled.people = options.suite, list(request.folders)
    filled.methods = [method.spec if isinstance(method, External) else name for name, method in request.methods.items()]
    filled.out, filled.priors, filled.shard = options.out, options.priors, None  # the whole run's, not a shard's
    with writing(options.folder):
        options.folder.mkdir(parents=True, exist_ok=True)
        records.write_text(options.folder / "config.yaml", parser.dump(filled))


def do_jobs(request: Request, options: Options, load: Callable[[str], Domain]) -> Callable[[], int]:
    """Runs what is missing; returns ``write_up`` of it. ``load`` gives the domain on a device."""
    from benchmarks.analysis.changes import changes
    from benchmarks.engine.budget import settle
    from benchmarks.engine.plan import describe, fits_first, shard

    run = options.folder
    render_missing(request)
    with writing(run):
        settings = settle(request, options, load)
    every = make_jobs(request, settings)
    layout = describe(request.suite, request.methods, request.metrics, every, published_titles(request))
    budget = {"fit": options.fit_seconds, "image": options.image_seconds}
    layout = replace(layout, budget=budget, longer=options.factors)
    with writing(run):
        records.write_suite(run, layout)
    clean(options)
    if outside := records.outside_plan(run, layout):
        echo(f"{outside} jobs in {run} are of other settings: they are kept, and are not part of this plan's tables")

    jobs = shard(every, *options.shard_numbers)
    warn_missing_images(request, jobs)
    pending = [job for job in jobs if not records.is_done(run, job.key)]
    if not pending:
        echo(f"all {len(jobs)} jobs are done in {run}")
    elif len(pending) < len(jobs):
        echo(f"{len(jobs) - len(pending)} of {len(jobs)} jobs are done in {run}; going on with the rest")
    echo(*(f"changed since there were results: {change}" for change in changes(run, pending, every)))
    outcomes = execute(request, options, fits_first(pending, options.prior_folder), load) if pending else []
    clean(options)
    return functools.partial(write_up, options, layout, jobs, outcomes)


def execute(request: Request, options: Options, jobs: Sequence[Job], load: Callable[[str], Domain]) -> list[Outcome]:
    """Runs the jobs and shows their progress."""
    from benchmarks.engine.devices import choose_devices
    from benchmarks.engine.display import make_display
    from benchmarks.engine.fits import FitStore
    from benchmarks.engine.identity_gap import SHIPPED, recorded_gap
    from benchmarks.engine.provenance import environment
    from benchmarks.engine.worker import Context

    limits = options.executor_options
    devices = choose_devices(limits.device, limits.workers, len(jobs))
    about = environment(devices[0])
    if gap := recorded_gap(SHIPPED / request.domain, jobs[0].weights):
        about["identity_gap"] = gap
    with writing(options.folder):
        records.write_json(options.folder / "environment.json", about)
    context = Context(
        run=options.folder,
        fits=FitStore(options.prior_folder),
        suite=request.suite,
        methods=request.methods,
        metrics=request.metrics,
        folders=request.folders,
        load_domain=load,
        environment=about,
    )
    where = f"on {options.ray_address}" if options.ray_address else f"{len(devices)} at a time on {about['hardware']}"
    echo(f"{len(jobs)} jobs, {where}; results go to {options.folder}")
    display = make_display(len(jobs), sys.stdout)
    try:
        return executors.load(options.executor).run(jobs, context, limits, display)
    finally:
        display.close()


def write_up(options: Options, layout: SuiteRecord, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> int:
    """Tables, report and mirror of a suite whose ``jobs`` have ended; returns the exit status."""
    run, every = options.folder, len(layout.jobs)
    status = DONE
    if len(jobs) < every:
        echo(f"shard {options.shard} of {every} jobs; --collect makes the tables when all shards are done")
    else:
        if not records.is_derived(run):
            status = derive(options, layout)
        track(options)

    failed = [outcome for outcome in outcomes if outcome.status != "done"]
    if failed:
        echo(
            f"{len(failed)} of {len(jobs)} jobs failed; the same command tries them again. The first reason:",
            f"  {failed[0].reason}",
            f"  the traceback is in {run / 'jobs' / failed[0].key / 'record.json'}",
        )
        return FAILED
    return status


def collect_all(options: Options) -> int:
    """``collect`` for each suite that has begun; returns the exit status."""
    singles = each_suite(options)
    begun = [single for single in singles if (single.folder / "suite.json").exists()] or singles[:1]
    statuses = [collect(single) for single in begun]
    if options.suite == ALL:
        statuses.append(build_index(options.folder, [single.folder for single in begun]))
        echo(*(f"{single.suite} has not begun" for single in singles if single not in begun))
    return max(statuses) if len(begun) == len(singles) else FAILED


def collect(options: Options) -> int:
    """Tables, report and mirror of the records that there are, whichever process made them; returns the exit status.

    Raises UnusableArguments if the folder is not a run, or a record cannot be used.
    """
    run = options.folder
    try:
        layout = records.read_suite(run)
        found = records.read_records(run)
        status = derive(options, layout)
    except RecordError as error:
        raise UnusableArguments(f"--collect: {error}") from error
    track(options)
    states = Counter(record.status for record in found)
    missing = len(layout.jobs) - len(found)
    absent = f", {missing} are missing: run the suite, or its other shards" * bool(missing)
    echo(f"{states['done']} of {len(layout.jobs)} jobs are done in {run}, {states['failed']} failed{absent}")
    return FAILED if missing or states["failed"] else status


def derive(options: Options, layout: SuiteRecord) -> int:
    """What follows from the records: tables, and the report; returns the exit status."""
    from benchmarks.analysis.tables import rebuild
    from benchmarks.engine.display import print_summary

    run = options.folder
    with writing(run):
        state = records.state(run)
        summary = rebuild(run)
    print_summary(summary, layout)
    if not build_report(run, layout.name):
        return FAILED
    with writing(run):
        records.write_json(run / "derived.json", state)
    return DONE


def build_report(run: Path, suite: str) -> bool:
    """Makes the report by a command of its own: it reads files only, and ``benchmarks`` imports no ``reports``."""
    made = _report(run)
    if made:
        echo(f"figure: {run / 'report' / 'figures' / suite}.png", f"report: {run / 'report' / 'index.html'}")
    return made


def build_index(folder: Path, runs: Sequence[Path]) -> int:
    """Makes a page that leads to the reports of all suites; returns the exit status."""
    if not _report("--index", folder / "index.html", *runs):
        return FAILED
    echo(f"all reports: {folder / 'index.html'}")
    return DONE


def _report(*arguments: object) -> bool:
    """Whether the report could be made; if not, why is printed."""
    command = ["-m", "reports.build", *map(str, arguments)]
    report = subprocess.run([sys.executable, *command], capture_output=True, text=True, errors="replace")
    if report.returncode:
        echo(
            f"benchmarks.run: the report could not be made, exit status {FAILED}; the records are whole:",
            report.stderr.strip(),
            f"make it by: python {' '.join(command)}",
            error=True,
        )
    return not report.returncode


def track(options: Options) -> None:
    """Mirrors the records; a mirror that fails is a warning."""
    from benchmarks.engine.tracking import TrackingError, mirror

    try:
        mirror(options.folder, options.wandb, images=options.wandb_images)
    except TrackingError as error:
        echo(f"warning: {error}; the run itself is complete", error=True)


def clean(options: Options) -> None:
    """Removes what killed processes have left in the run and among its priors."""
    for folder in (options.folder, options.folder / "jobs", options.prior_folder):
        records.clean(folder)


def published_titles(request: Request) -> dict[str, str]:
    """Name to title of the published rows that the run is without."""
    titles = {}
    there = {*request.methods, *(reference.name for reference in request.suite.references)}
    for name in dict.fromkeys(row for published in request.suite.published for row in published.values):
        if name not in there:
            row = request.suite.rows.get(name, name)
            titles[name] = row.title if isinstance(row, Variant) else METHODS.load(name).title
    return titles


def warn_missing_images(request: Request, jobs: Sequence[Job]) -> None:
    """Names the images of external methods that are not there."""
    for method in request.methods.values():
        missing = method.missing(jobs) if isinstance(method, External) else []
        if missing:
            echo(f"{method.name}: {len(missing)} images are missing and will be failed rows:")
            echo(*(f"  {path}" for path in missing[:SHOWN]))
            if len(missing) > SHOWN:
                echo(f"  and {len(missing) - SHOWN} more")


if __name__ == "__main__":
    sys.exit(main())
