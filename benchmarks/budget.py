"""Equal budgets: with ``--fit_seconds`` and ``--image_seconds`` all methods have the same time, whatever their presets.

A method's time is taken to be linear in its lengths, the fields of its settings that are marked so (``types.LENGTH``),
and measured at two short ones, in jobs of the suite itself. What comes out are settings, kept in ``budget.json`` beside
the jobs: they enter the keys, so that the same command goes on with the same lengths, also on another machine. Methods
that optimise nothing stay as they are.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import records
from benchmarks.options import Options
from benchmarks.provenance import hardware
from benchmarks.request import Request, UnusableArguments, make_jobs

if TYPE_CHECKING:
    from mystyle.domain import Domain

FILE = "budget.json"
SHORTEST = 1 / 32  # of the preset's lengths; the second measurement has twice that
FIT = "fit."  # the lengths of a fit; all others are those of what is done with an image

Lengths = dict[str, int]  # by dotted name


def lengths(settings: Any, prefix: str = "") -> Lengths:
    """All lengths of (nested) settings."""
    found: Lengths = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            found |= lengths(value, f"{prefix}{field.name}.")
        elif field.metadata.get("length"):
            found[prefix + field.name] = value
    return found


def with_lengths(settings: Any, wanted: Lengths) -> Any:
    """``settings`` with these lengths."""
    here, below = {}, {}
    for name, value in wanted.items():
        first, _, rest = name.partition(".")
        if rest:
            below.setdefault(first, {})[rest] = value
        else:
            here[first] = value
    nested = {name: with_lengths(getattr(settings, name), inner) for name, inner in below.items()}
    return dataclasses.replace(settings, **here, **nested)


def scaled(given: Lengths, factor: float) -> Lengths:
    """Lengths in the same proportions, at least 1."""
    return {name: max(1, round(value * factor)) for name, value in given.items()}


def settle(request: Request, options: Options, load: Callable[[str], Domain]) -> dict[str, Any]:
    """Settings by row for the budgets of the command line, measured if ``budget.json`` does not have them; {} without.

    Raises UnusableArguments if a budget ends before a method has begun.
    """
    if (found := kept(request, options)) is not None:
        return found
    with records.claim(options.folder / "jobs" / "budget"):  # shards begin at the same time
        if (found := kept(request, options)) is None:
            content, rows = _content(options), _rows(request)
            missing = [name for name in rows if name not in content["lengths"]]
            print(f"measuring how long {', '.join(missing)} take")
            content["lengths"] |= dict(_measured(request, options, load, rows, missing))
            records.write_json(options.folder / FILE, content)
            found = kept(request, options)
    return found


def kept(request: Request, options: Options) -> dict[str, Any] | None:
    """Settings by row as they were measured before; {} without a budget, None where something is to be measured."""
    if options.fit_seconds is None and options.image_seconds is None:
        return {}
    known, rows = _content(options)["lengths"], _rows(request)
    if not rows.keys() <= known.keys():
        return None
    return {name: with_lengths(settings, known[name]) for name, settings in rows.items()}


def _rows(request: Request) -> dict[str, Any]:
    """The preset's settings of the methods that have lengths."""
    settings = {name: method.presets[request.preset] for name, method in request.methods.items()}
    return {name: its for name, its in settings.items() if lengths(its)}


def _content(options: Options) -> dict[str, Any]:
    """budget.json, or what it is before anything was measured for these budgets."""
    file = options.folder / FILE
    asked = {name: getattr(options, name) for name in ("preset", "fit_seconds", "image_seconds")}
    content = records.read_json(file, "delete it") if file.is_file() else {}
    return content if {name: content.get(name) for name in asked} == asked else asked | {"lengths": {}}


def _measured(
    request: Request,
    options: Options,
    load: Callable[[str], Domain],
    rows: Mapping[str, Any],
    missing: list[str],
) -> Iterator[tuple[str, Lengths]]:
    """Row and lengths that fit the budgets, by timing the first job of each row at two short lengths."""
    from benchmarks.executors.process import choose_devices, prepare
    from benchmarks.worker import Context, Worker
    from mystyle.progress import listening

    budgets = {FIT: options.fit_seconds, "": options.image_seconds}
    device = choose_devices(options.device, 1, 1)[0]
    prepare(device)
    with tempfile.TemporaryDirectory() as folder:
        context = Context(
            run=Path(folder),
            priors=Path(folder) / "priors",
            suite=request.suite,
            methods=request.methods,
            metrics=request.metrics,
            folders=request.folders,
            load_domain=load,
            environment={"hardware": hardware(device)},
        )
        worker = Worker(context, device)

        def seconds(name: str, its: Lengths) -> tuple[float, float]:
            """Of a fit, and of what is done with an image."""
            changed = {**rows, name: with_lengths(rows[name], its)}
            job = next(job for job in make_jobs(request, changed) if job.method == name)
            outcome = worker.run(job)
            if outcome.status != "done":
                raise UnusableArguments(f"--methods {name}: cannot be timed ({outcome.reason})")
            spent = records.read_record(context.run, job.key)["seconds"]
            return spent["fit"], spent["restore"] / len(job.cases)

        for name in missing:
            every = lengths(rows[name])
            with listening(lambda *_: None):
                seconds(name, scaled(every, SHORTEST))  # what is done once in a process does not count
                factors = SHORTEST * 2, SHORTEST * 4
                times = [seconds(name, scaled(every, factor)) for factor in factors]
            yield name, _solve(name, every, factors, times, budgets)


def _solve(
    name: str,
    every: Lengths,
    factors: tuple[float, float],
    times: list[tuple[float, float]],
    budgets: Mapping[str, float | None],
) -> Lengths:
    """Lengths for which the line through both measurements meets the budgets."""
    found = dict(every)
    for stage, (part, budget) in enumerate(budgets.items()):
        its = {key: value for key, value in every.items() if key.startswith(FIT) == (part == FIT)}
        if not its or budget is None:
            continue
        longest = max(its, key=its.get)
        units = [scaled(its, factor)[longest] for factor in factors]
        slope = (times[1][stage] - times[0][stage]) / max(units[1] - units[0], 1)
        start = times[0][stage] - slope * units[0]
        flag = "--fit_seconds" if part == FIT else "--image_seconds"
        if slope <= 0:
            raise UnusableArguments(
                f"{flag}: {name} takes the same time at {units[0]} and {units[1]}; it cannot be fitted"
            )
        if budget < start + slope:
            raise UnusableArguments(f"{flag} {budget:g}: {name} needs {start + slope:.1f} s for one step")
        found |= scaled(its, (budget - start) / slope / its[longest])
    return found
