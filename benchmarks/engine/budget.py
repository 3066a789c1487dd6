"""Equal budgets: with ``--fit_seconds`` and ``--image_seconds`` all methods have the same time, whatever their presets.

A method's time is taken to be linear in its lengths, the fields of its settings that are marked so (``types.LENGTH``),
and measured at two short ones, in jobs of the suite itself. What comes out are settings: they enter the keys. They are
kept in ``budget.json`` beside the priors, so that the same command goes on with the same lengths, also on another
machine, and rows or suites that share a prior go on sharing it. Methods that optimise nothing stay as they are.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.api.lengths import Lengths, lengths, scaled, with_lengths
from benchmarks.engine import records
from benchmarks.engine.fits import FitStore
from benchmarks.engine.options import Options
from benchmarks.engine.plan import content_hash
from benchmarks.engine.provenance import hardware
from benchmarks.engine.request import Request, UnusableArguments, make_jobs

if TYPE_CHECKING:
    from mystyle.domains.domain import Domain

FILE = "budget.json"
SHORTEST = 32  # of the preset's lengths is the first measurement
ENOUGH = 0.5  # seconds by which two measurements must differ
DOUBLINGS = 12  # at most, to get there
FIT = "fit."  # lengths of a fit; all others are those of what is done with an image


@dataclass(frozen=True)
class Stage:
    """What a row has a budget for: its fit, or what it does with an image."""

    row: str
    flag: str
    budget: float
    lengths: Lengths  # of the preset
    key: str  # of what decides how long it takes


def stages(request: Request, options: Options) -> list[Stage]:
    """Every stage of every row that has lengths and a budget."""
    found = []
    for row, method in request.methods.items():
        settings = request.settings[row]
        every = lengths(settings)
        fit = {name: value for name, value in every.items() if name.startswith(FIT)}
        image = {name: value for name, value in every.items() if name not in fit}
        shared = {"domain": request.domain, "method": method.name, "version": method.version}
        if fit and options.fit_seconds:  # rows that share a fit share its length
            key = content_hash(shared | {"fit": settings.fit, "seconds": options.fit_seconds})
            found.append(Stage(row, "--fit_seconds", options.fit_seconds, fit, key))
        if image and options.image_seconds:
            mine = {"suite": request.suite.name, "row": row, "settings": settings, "seconds": options.image_seconds}
            found.append(Stage(row, "--image_seconds", options.image_seconds, image, content_hash(shared | mine)))
    return found


def settle(request: Request, options: Options, load: Callable[[str], Domain]) -> dict[str, Any]:
    """Settings by row for the budgets of the command line, measured where ``budget.json`` does not have them.

    Raises UnusableArguments if a budget ends before a method has begun, RecordError if that file is damaged.
    """
    if (found := kept(request, options)) is not None:
        return found
    file = _file(options)
    file.parent.mkdir(parents=True, exist_ok=True)
    with records.claim(file):  # shards begin at the same time
        known = _known(options)
        for stage in stages(request, options):
            if stage.key not in known:
                print(f"measuring how long {stage.row} takes, for {stage.flag}")
                known[stage.key] = _measured(request, options, load, stage)
                records.write_json(file, known)
    found = kept(request, options)
    assert found is not None, "all stages were measured"
    return found


def kept(request: Request, options: Options) -> dict[str, Any] | None:
    """Settings by row as they were measured before; {} without a budget, None where something is to be measured."""
    known = _known(options)
    found: dict[str, Any] = {}
    for stage in stages(request, options):
        if stage.key not in known:
            return None
        found[stage.row] = with_lengths(found.get(stage.row, request.settings[stage.row]), known[stage.key])
    return found


def _file(options: Options) -> Path:
    return options.prior_folder / FILE


def _known(options: Options) -> dict[str, Lengths]:
    file = _file(options)
    return records.read_json(file, "delete it to measure again") if file.is_file() else {}


def _measured(request: Request, options: Options, load: Callable[[str], Domain], stage: Stage) -> Lengths:
    """Lengths for which the line through two measurements meets the budget; those of the preset if it has no part."""
    with ExitStack() as stack:
        seconds = _timer(request, options, load, stage, stack)
        longest = max(stage.lengths, key=stage.lengths.__getitem__)
        first = max(1, stage.lengths[longest] // SHORTEST)
        if math.isnan(seconds(scaled(stage.lengths, first / stage.lengths[longest]))):
            return stage.lengths
        first *= 2  # what is done once in a process was done by that; and a job of the same length is not done again
        before = seconds(scaled(stage.lengths, first / stage.lengths[longest]))
        unit = first
        for _ in range(DOUBLINGS):
            unit *= 2
            after = seconds(scaled(stage.lengths, unit / stage.lengths[longest]))
            if after - before >= ENOUGH or after >= stage.budget:
                break
    slope = (after - before) / (unit - first)
    start = before - slope * first
    if slope <= 0:
        raise UnusableArguments(f"{stage.flag}: {stage.row} takes as long with {unit} steps as with {first}")
    if stage.budget < start + slope:
        raise UnusableArguments(f"{stage.flag} {stage.budget:g}: {stage.row} needs {start + slope:.1f} s for one step")
    return scaled(stage.lengths, (stage.budget - start) / slope / stage.lengths[longest])


def _timer(
    request: Request, options: Options, load: Callable[[str], Domain], stage: Stage, stack: ExitStack
) -> Callable[[Lengths], float]:
    """Seconds of the stage at some lengths, in the first job of its row; NaN where that job does not have it."""
    from benchmarks.engine.devices import choose_devices, prepare
    from benchmarks.engine.worker import Context, Worker

    device = choose_devices(options.device, 1, 1)[0]
    prepare(device)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    context = Context(
        run=folder,
        fits=FitStore(folder / "priors"),
        suite=request.suite,
        methods=request.methods,
        metrics=request.metrics,
        folders=request.folders,
        load_domain=load,
        environment={"hardware": hardware(device)},
    )
    worker = Worker(context, device)
    settings = request.settings[stage.row]
    short = with_lengths(settings, scaled(lengths(settings), 1 / SHORTEST))  # what is not measured is over soon

    def seconds(wanted: Lengths) -> float:
        jobs = make_jobs(request, {stage.row: with_lengths(short, wanted)})
        job = next(job for job in jobs if job.method == stage.row)
        if stage.flag == "--image_seconds" and job.cases[0].photo is None:  # a sample, which nothing is optimised for
            return math.nan
        outcome = worker.run(job)
        if outcome.status != "done":
            raise UnusableArguments(f"--methods {stage.row}: cannot be timed ({outcome.reason})")
        record = records.read_record(context.run, job.key)
        assert record is not None, "the job is done"
        if stage.flag == "--fit_seconds":
            return record.seconds.get("fit", math.nan)
        return record.seconds.get("restore", math.nan) / len(job.cases)

    return seconds
