"""From the command line to the jobs: names resolved, everything checked, people rendered, keys computed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.api.lengths import longer_fit
from benchmarks.api.registry import METHODS, METRICS, SUITES
from benchmarks.api.suite import Strangers, Variant
from benchmarks.api.task import Person
from benchmarks.engine import checks
from benchmarks.engine.external import is_external, parse
from benchmarks.engine.findings import Finding, problem, problems
from benchmarks.engine.options import Options
from datasets.splits import is_stranger
from mystyle import domains

if TYPE_CHECKING:
    from benchmarks.api.metric import Metric
    from benchmarks.api.suite import Suite
    from benchmarks.engine.plan import Job
    from datasets.folders import Photo

DATA = Path("data")  # where rendered people are kept between runs


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
    files: Mapping[str, Path] = field(default_factory=dict)  # what lies beside them, by name: networks of methods, ...
    suited: Mapping[str, Any] = field(default_factory=dict)  # settings by row, where the domain wants others

    @property
    def settings(self) -> dict[str, Any]:
        """Of the methods, by row."""
        return {row: method.presets[self.preset] for row, method in self.methods.items()} | dict(self.suited)


class UnusableArguments(ValueError):
    """Everything that is wrong with the command line, one line per problem."""


def check_names(options: Options) -> None:
    """Raises UnusableArguments for what can be told without importing torch: unknown names and numbers."""
    _raise(
        checks.names(options.suite, options.preset, options.methods, options.domain)
        + checks.people(options.people, options.domain, options.photos)
        + checks.numbers(options)
        + checks.shard(options)
        + checks.executor(options)
    )


def resolve(options: Options) -> Request:
    """Imports what is named and checks what it needs. Raises UnusableArguments; writes nothing."""
    suite: Suite = SUITES.load(options.suite)
    wanted = dict.fromkeys(options.methods or suite.rows)
    found: list[Finding] = []
    if options.methods and not suite.methods:
        detail = f"suite {suite.name} has rows of its own and no method"
        found.append(problem(f"--methods {' '.join(options.methods)}", detail))
    if options.photos and suite.rendered_only:
        detail = f"suite {suite.name} moves the parameters of rendered people"
        found.append(problem(f"--photos {options.photos}", detail))
    ordered = [name for name in wanted if name not in suite.rows] + [name for name in suite.rows if name in wanted]
    methods: dict[str, Any] = {}
    for name in ordered:
        try:
            if is_external(name):
                method = parse(name, (*METHODS.names(), *suite.rows, *methods, *(r.name for r in suite.references)))
                methods[method.name] = method
                continue
        except ValueError as error:
            found.append(problem(f"--methods {name}", str(error)))
            continue
        row = suite.rows.get(name, name)
        try:
            methods[name] = METHODS.load(row.method if isinstance(row, Variant) else name)
        except Exception as error:  # a plug-in's file may raise anything
            found.append(problem(f"--methods {name}", f"cannot be imported ({type(error).__name__}: {error})"))
            continue
        if options.preset not in methods[name].presets:
            detail = f"has no preset {options.preset}; add it to the method's presets"
            found.append(problem(f"--methods {name}", detail))
    found += checks.device(options.device)
    found += checks.folders(options)
    domain = domains.source(options.domain)
    if not options.photos and not domain.people:
        _raise([*found, problem(f"--domain {domain.name}", "renders no people; add --photos and a folder of people")])
    weights = domain.weights()
    beside = next(iter(weights.values())).parent
    networks = {network.file: network for method in methods.values() for network in method.networks}
    networks = {  # where there is nobody to train them on, methods without theirs are a dash
        file: network
        for file, network in networks.items()
        if (network.required and domain.people) or (beside / file).is_file()
    }
    found += checks.weights(weights, domain) + checks.networks(networks, beside)
    folders = person_folders(options, suite)
    if not folders:  # who has held-out photos alone is a person for some suites
        splits = ", ".join(f"{split}/" for split in splits_of(options, suite))
        found.append(problem(f"--photos {options.photos}", f"suite {suite.name} needs people with {splits}"))
    if not options.photos and "train" in splits_of(options, suite):
        detail = f"a stranger has no reference photos, which suite {suite.name} needs"
        found += [problem(f"--people {name}", detail) for name in folders if is_stranger(name)]
    present = [folder for folder in folders.values() if options.photos or folder.exists()]
    if len(present) < len(folders):
        found += checks.writable("the rendered people's folder", next(iter(folders.values())).parent)
    found += checks.photos(present, splits_of(options, suite), domain.resolution, _decoded_before(options))
    suited = {
        row: domain.settings(options.preset, method.presets[options.preset])
        for row, method in methods.items()
        if options.preset in method.presets
    }
    for row, factor in options.factors.items():
        try:
            suited[row] = longer_fit(suited[row], factor)
        except KeyError:
            found.append(problem(f"--longer {row}", f"is no row of this run; there are {', '.join(suited)}"))
        except ValueError as error:
            found.append(problem(f"--longer {row}", str(error)))
    _raise(found)
    files = domain.files()
    metrics = {name: METRICS.load(name) for name in suite.metrics}
    return Request(
        suite=suite,
        preset=options.preset,
        methods=methods,
        metrics={name: metric for name, metric in metrics.items() if files.keys() >= set(metric.files)},
        folders=folders,
        seeds=options.seeds,
        domain=options.domain,
        resolution=domain.resolution,
        weights=weights,
        files=files,
        suited=suited,
    )


def person_folders(options: Options, suite: Suite) -> dict[str, Path]:
    """Where the photos of the run's people are, or will be once they are rendered."""
    from datasets.splits import counterpart

    if options.photos is not None:
        splits = {"train", "test"} & set(splits_of(options, suite))
        return {name: options.photos / name for name in options.people or checks.people_in(options.photos, splits)}
    domain = domains.source(options.domain)
    root = DATA / f"{domain.name}-{domain.resolution}-v{_people(domain.name).VERSION}"
    wanted = suite.presets[options.preset].people
    if isinstance(wanted, Strangers):
        names = options.people or _people(domain.name).strangers(wanted.count)
    else:
        names = options.people or tuple(counterpart(name, domain.name) for name in wanted)
    return {name: root / name for name in names}


def splits_of(options: Options, suite: Suite) -> tuple[str, ...]:
    """The splits of photos that the run reads: strangers have no reference photos."""
    strangers = isinstance(suite.presets[options.preset].people, Strangers)
    return suite.splits if strangers else ("train", *suite.splits)


def render_missing(request: Request) -> None:
    """Renders the people whose photos are not there yet, as many at a time as there are cores. Raises Unwritable."""
    if not unrendered(request):
        return
    from rich.progress import track

    from benchmarks.engine import records
    from benchmarks.engine.provenance import cores

    (root,) = {request.folders[name].parent for name in unrendered(request)}  # the domain's own people
    with records.writing(root), records.claim(root / "people"):  # several processes may begin at the same time
        if missing := unrendered(request):
            people = _people(request.domain)
            done = people.write_people(missing, root, request.resolution, min(cores(), len(missing)))
            for _ in track(done, description="rendering people", total=len(missing)):
                pass


def unrendered(request: Request) -> tuple[str, ...]:
    """The people whose photos are still to be rendered."""
    return tuple(name for name, folder in request.folders.items() if not folder.exists())


def _people(domain: str) -> Any:
    """The module that renders the domain's own people."""
    return importlib.import_module(domains.source(domain).people)


def make_jobs(request: Request, changed: Mapping[str, Any] | None = None) -> tuple[Job, ...]:
    """The run's jobs; the photos and the weights are hashed for their keys. ``changed``: other settings, by row.

    Raises UnusableArguments if photos cannot be read that could be when they were checked.
    """
    from benchmarks.engine import plan
    from datasets.folders import DataError, sha256

    splits = request.suite.splits
    try:
        people = [
            Person(name, folder, photos_of(folder, ["train"]), photos_of(folder, splits))
            for name, folder in request.folders.items()
        ]
    except DataError as error:
        raise UnusableArguments(str(error)) from error
    return plan.make_jobs(
        request.suite,
        request.preset,
        request.methods,
        request.metrics,
        people,
        request.seeds,
        request.domain,
        {path.name: sha256(path) for path in request.weights.values()},
        {name: sha256(path) for name, path in request.files.items()},
        {**request.settings, **(changed or {})},
    )


def photos_of(folder: Path, splits: Sequence[str]) -> tuple[Photo, ...]:
    """The photos of those of ``splits`` that are there; which may be absent has been checked."""
    from datasets.folders import describe

    there = [split for split in splits if (folder / split).exists()]
    return tuple(photo for split in there for photo in describe(folder, split))


def _decoded_before(options: Options) -> frozenset[str]:
    """SHA-256 of the photos that a finished job of this run has read on this domain, whole and of the right size."""
    from benchmarks.engine import records

    found: set[str] = set()
    for record in records.all_records(options.folder):
        if record.status == "done" and record.domain == options.domain:
            found.update(record.photos.values())
    return frozenset(found)


def _raise(findings: Sequence[Finding]) -> None:
    if found := problems(findings):
        raise UnusableArguments("\n".join(map(str, found)))
