"""From the command line to the jobs: names resolved, everything checked, people drawn, keys computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.api.protocol import Person, Variant
from benchmarks.api.registry import METHODS, METRICS, SUITES
from benchmarks.engine import checks
from benchmarks.engine.external import is_external, parse
from benchmarks.engine.options import Options
from mystyle.domains.domain import RESOLUTIONS, domain_weights

if TYPE_CHECKING:
    from benchmarks.api.protocol import Metric, Suite
    from benchmarks.engine.plan import Job
    from datasets.folders import Photo

DATA = Path("data")  # where drawn people are kept between runs


@dataclass(frozen=True)
class Request:
    """A checked command line with its names resolved."""

    suite: Suite
    preset: str
    methods: Mapping[str, Any]  # name to Method, in table order
    metrics: Mapping[str, Metric]
    folders: Mapping[str, Path]  # person to folder, which may be missing where it is to be rendered
    seeds: tuple[int, ...]
    domain: str
    resolution: int
    weights: Mapping[str, Path]  # role to file
    bases: Mapping[str, Path]  # files of the methods' own networks of the domain, by name
    files: Mapping[str, Path] = field(default_factory=dict)  # further files of the domain that decide pictures


class UnusableArguments(ValueError):
    """Everything that is wrong with the command line, one line per problem."""


def check_names(options: Options) -> None:
    """Raises UnusableArguments for what can be told without importing torch: unknown names and numbers."""
    _raise(
        checks.names(options.suite, options.preset, options.methods, options.domain, RESOLUTIONS)
        + checks.people(options.people, options.domain, options.photos)
        + checks.numbers(options)
        + checks.shard(options)
        + checks.executor(options.executor, options.means)
    )


def resolve(options: Options) -> Request:
    """Imports what is named and checks what it needs. Raises UnusableArguments; writes nothing."""
    suite: Suite = SUITES.load(options.suite)
    wanted = dict.fromkeys(options.methods or suite.rows)
    problems = []
    if options.methods and suite.verb is None:
        problems.append(f"--methods {' '.join(options.methods)}: suite {suite.name} has rows of its own and no method")
    if options.photos and suite.dose:
        problems.append(f"--photos {options.photos}: suite {suite.name} moves the parameters of rendered people")
    ordered = [name for name in wanted if name not in suite.rows] + [name for name in suite.rows if name in wanted]
    methods = {}
    for name in ordered:
        try:
            if is_external(name):
                method = parse(name, (*METHODS.names(), *suite.rows, *methods, *(r.name for r in suite.references)))
                methods[method.name] = method
                continue
        except ValueError as error:
            problems.append(str(error))
            continue
        row = suite.rows.get(name, name)
        try:
            methods[name] = METHODS.load(row.method if isinstance(row, Variant) else name)
        except Exception as error:  # a plug-in's file may raise anything
            problems.append(f"--methods {name}: cannot be imported ({type(error).__name__}: {error})")
            continue
        if options.preset not in methods[name].presets:
            problems.append(f"--methods {name}: has no preset {options.preset}; add it to the method's presets")
    problems += checks.device(options.device)
    problems += checks.out(options.folder)
    problems += checks.writable("--priors", options.priors) if options.priors else []
    files = domain_weights(options.domain)
    own = [method.base for method in methods.values() if hasattr(method, "base")]
    bases = {name: files["generator"].with_name(name) for name in own}
    beside = {name: path for name in suite.files if (path := files["generator"].with_name(name)).is_file()}
    problems += checks.weights(files) + checks.bases(bases)
    folders = person_folders(options, suite)
    present = [folder for folder in folders.values() if options.photos or folder.exists()]
    resolution = RESOLUTIONS[options.domain]
    problems += checks.photos(present, suite.splits, resolution, _decoded_before(options))
    _raise(problems)
    return Request(
        suite=suite,
        preset=options.preset,
        methods=methods,
        metrics={name: METRICS.load(name) for name in suite.metrics},
        folders=folders,
        seeds=options.seeds,
        domain=options.domain,
        resolution=resolution,
        weights=files,
        bases=bases,
        files=beside,
    )


def person_folders(options: Options, suite: Suite) -> dict[str, Path]:
    """Where the photos of the run's people are, or will be once they are rendered."""
    from datasets.splits import counterpart

    if options.photos is not None:
        return {name: options.photos / name for name in options.people or checks.people_in(options.photos)}
    from datasets.synthetic.people import VERSION

    root = DATA / f"{options.domain}-{RESOLUTIONS[options.domain]}-v{VERSION}"
    settings = suite.presets[options.preset]
    people = options.people or tuple(counterpart(name, options.domain) for name in settings.people)
    return {name: root / name for name in people}


def draw_missing(request: Request) -> None:
    """Draws the people whose photos are not there yet, as many at a time as there are cores."""
    if not undrawn(request):
        return
    from rich.progress import track

    from benchmarks.engine import records
    from benchmarks.engine.provenance import cores
    from datasets.synthetic.people import write_people

    (root,) = {request.folders[name].parent for name in undrawn(request)}  # only drawn people are ever missing here
    with records.claim(root / "people"):  # several processes may begin at the same time
        if missing := undrawn(request):
            done = write_people(missing, root, request.resolution, min(cores(), len(missing)))
            for _ in track(done, description="drawing people", total=len(missing)):
                pass


def undrawn(request: Request) -> tuple[str, ...]:
    """The people whose photos are still to be drawn."""
    return tuple(name for name, folder in request.folders.items() if not folder.exists())


def make_jobs(request: Request, changed: Mapping[str, Any] | None = None) -> tuple[Job, ...]:
    """The run's jobs; the photos and the weights are hashed for their keys. ``changed``: settings by row."""
    from benchmarks.engine import plan
    from datasets.folders import describe, sha256

    splits = request.suite.splits
    people = [
        Person(name, folder, describe(folder, "train"), held_out(folder, splits))
        for name, folder in request.folders.items()
    ]
    weights = {path.name: sha256(path) for path in request.weights.values()}
    return plan.make_jobs(
        request.suite,
        request.preset,
        request.methods,
        request.metrics,
        people,
        request.seeds,
        request.domain,
        weights,
        {name: sha256(path) for name, path in request.bases.items()},
        {name: sha256(path) for name, path in request.files.items()},
        changed,
    )


def held_out(folder: Path, splits: Sequence[str]) -> tuple[Photo, ...]:
    """The photos of ``splits``, of which only ``extra`` may be absent."""
    from datasets.folders import describe

    there = [split for split in splits if split != "extra" or (folder / split).exists()]
    return tuple(photo for split in there for photo in describe(folder, split))


def _decoded_before(options: Options) -> frozenset[str]:
    """SHA-256 of the photos that a finished job of this run has read on this domain, whole and of the right size."""
    from benchmarks.engine import records

    found: set[str] = set()
    for record in records.all_records(options.folder):
        if record.status == "done" and record.domain == options.domain:
            found.update(record.photos.values())
    return frozenset(found)


def _raise(problems: Sequence[str]) -> None:
    if problems:
        raise UnusableArguments("\n".join(problems))
