"""Preview of a run: its jobs, and an estimate of the time that they take."""

from __future__ import annotations

from benchmarks.analysis.changes import changes
from benchmarks.analysis.estimate import Estimate, duration, estimate
from benchmarks.engine import records
from benchmarks.engine.budget import kept
from benchmarks.engine.devices import choose_devices
from benchmarks.engine.options import Options
from benchmarks.engine.plan import shard
from benchmarks.engine.provenance import hardware
from benchmarks.engine.request import Request, make_jobs, unrendered


def preview(request: Request, options: Options) -> str:
    """Every job, whether it is done, how long it will take, and what has changed since there were results."""
    run = options.folder
    if missing := unrendered(request):
        rows = len(request.methods) + len(request.suite.references)
        n = rows * len(request.folders) * len(request.seeds)
        return f"{n} jobs or more to do in {run}, after the photos of {', '.join(missing)} are rendered"
    if (changed := kept(request, options)) is None:
        return f"how long the methods take is measured first, for the budget; then the jobs of {run} are known"
    every = make_jobs(request, changed)
    jobs = shard(every, *options.shard_numbers)
    pending = [job for job in jobs if not records.is_done(run, job.key)]
    devices = choose_devices(options.device, options.executor_options.workers, len(pending))
    estimated = estimate(pending, run, options.prior_folder, hardware(devices[0]))
    if changed:  # records of other lengths do not predict a budget's
        estimated = Estimate(dict.fromkeys(estimated.seconds), estimated.source)
    lines = []
    for job in jobs:
        seconds = estimated.seconds.get(job.key)
        about = "" if seconds is None else f", about {duration(seconds)}"
        state = "to do" if job.key in estimated.seconds else "done "
        lines.append(f"{state}  {job.key}  {job.title}, {len(job.cases)} images{about}")
    end = f"{len(pending)} of {len(jobs)} jobs to do in {run}"
    unknown = list(estimated.seconds.values()).count(None)
    if unknown < len(pending):
        end += f", about {duration(estimated.total(len(devices)))} with {len(devices)} at a time"
        end += f" and {unknown} that cannot be estimated" * bool(unknown) + f" ({estimated.source})"
    since = [f"changed since there were results: {change}" for change in changes(run, pending, every)]
    return "\n".join([*lines, *since, end])
