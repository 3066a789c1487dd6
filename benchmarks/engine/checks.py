"""Everything that can be wrong with a request, found before any work. Each check returns its problems as sentences."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.api.registry import ALL, DOMAINS, METHODS, SUITES, UnknownName, require
from benchmarks.api.task import PRESETS
from benchmarks.engine import executors
from benchmarks.engine.executors import Means
from benchmarks.engine.external import is_external
from benchmarks.engine.options import Options
from datasets.splits import PEOPLE

if TYPE_CHECKING:
    from mystyle.protocols import OwnNetwork

BEGUN = {"config.yaml", "priors", "jobs"}  # what a run may leave that is stopped before it has a suite.json


def names(suite: str, preset: str, methods: Sequence[str] | None, domain: str) -> list[str]:
    """Unknown suite, preset, methods, domain. Imports no torch, unless a name may be a row of the suite's own."""
    named = [name for name in methods or [] if not is_external(name)]
    known = METHODS.names()
    if suite in SUITES.names() and not set(named) <= set(known):
        known = tuple(dict.fromkeys((*SUITES.load(suite).rows, *known)))
    return [
        *_unknown("--suite", [suite], (*SUITES.names(), ALL), "suite"),
        *_unknown("--preset", [preset], PRESETS, "preset"),
        *_unknown("--methods", named, known, "method"),
        *_unknown("--domain", [domain], DOMAINS.names(), "domain"),
    ]


def people(wanted: Sequence[str] | None, domain: str, photos: Path | None) -> list[str]:
    """Unknown people: of the domain, or, with --photos, of that folder."""
    if photos is None:
        named = [name for name in wanted or [] if not re.fullmatch(r"s\d{4}", name)]  # strangers are without end
        return _unknown("--people", named, [person.name for person in PEOPLE.get(domain, ())], "person")
    if not photos.is_dir():
        return [f"--photos {photos}: there is no such folder; it holds a folder per person"]
    if not people_in(photos, ["test"]):
        return [f"--photos {photos}: holds no person; a person is a folder with train/ and test/ inside"]
    return _unknown("--people", wanted or [], people_in(photos, ["test"]), "person")


def people_in(photos: Path, splits: Collection[str] = ("train", "test")) -> tuple[str, ...]:
    """The person folders of a folder, sorted: those that have the ``splits``."""
    return tuple(sorted(f.name for f in photos.iterdir() if all((f / split).is_dir() for split in splits)))


def numbers(options: Options) -> list[str]:
    """Seeds, workers, seconds and tries out of range."""
    seeds, workers, retries = options.seeds, options.workers, options.retries
    problems = [f"--seeds {seed}: a seed is 0 or more" for seed in seeds if seed < 0]
    if len(set(seeds)) < len(seeds):
        problems.append("--seeds: a seed is given twice")
    if workers is not None and workers < 1:
        problems.append(f"--workers {workers}: at least 1 is needed")
    for flag in ("fit_seconds", "image_seconds", "timeout"):
        seconds = getattr(options, flag)
        if seconds is not None and not seconds > 0:
            problems.append(f"--{flag} {seconds:g}: seconds, more than 0")
    if retries < 0:
        problems.append(f"--retries {retries}: 0 or more")
    return problems


def shard(options: Options) -> list[str]:
    """A --shard that is no part of a whole, or is given where nothing is done."""
    try:
        _ = options.part
    except ValueError:
        return [f"--shard {options.shard}: write I/N, the I-th of N parts, such as 1/4"]
    if options.shard and options.collect:
        return ["--collect is for all shards together; leave --shard away"]
    if options.collect and options.dry_run:
        return ["--collect does no job, so that there is nothing for --dry_run to tell"]
    return []


def executor(name: str, means: Means) -> list[str]:
    """What the executor says of what it is granted."""
    if means.address and name != "ray":
        return [f"--ray_address: executor {name} uses no cluster; add --executor ray"]
    return executors.load(name).check(means)


def device(name: str) -> list[str]:
    """A device that this machine does not have."""
    if name != "cuda":
        return []
    import torch

    if torch.cuda.is_available():
        return []
    return ["--device cuda: torch finds no CUDA device; use --device cpu or auto"]


def out(folder: Path) -> list[str]:
    """An --out that cannot be written, or that holds something else than a run."""
    if problems := writable("--out", folder):
        return problems
    if folder.is_dir() and not (folder / "suite.json").exists() and not {p.name for p in folder.iterdir()} <= BEGUN:
        return [f"--out {folder}: the folder holds something else than a run; choose a new or an empty one"]
    return []


def writable(flag: str, folder: Path) -> list[str]:
    """A folder that cannot be made or written."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        return [f"{flag} {folder}: {existing} is a file; choose another folder"]
    try:  # by writing: permissions say nothing to root, on a read-only or a full disk, or in /proc
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        reason = error.strerror
        return [f"{flag} {folder}: {existing} is not writable ({reason}); choose another or change its permissions"]
    return []


def weights(files: Mapping[str, Path]) -> list[str]:
    """Weight files that are missing, are not whole safetensors files, or differ from the hashes shipped beside them."""
    problems = []
    for path in files.values():
        if not path.is_file():
            problems.append(f"weight file {path} is missing; restore it from a fresh clone of the project")
        elif reason := _damage(path):
            problems.append(f"weight file {path} is damaged ({reason}); restore it from a fresh clone")
    return problems


def networks(wanted: Iterable[OwnNetwork], folder: Path) -> list[str]:
    """Methods' networks of the domain, in its ``folder``, that are damaged or not there, which not all clones have."""
    files = {network.file: folder / network.file for network in wanted}
    commands = {network.file: network.command for network in wanted}
    there = {name: path for name, path in files.items() if path.is_file()}
    return weights(there) + [
        f"weight file {path} is missing; train it: python -m datasets.synthetic population --out data/population, "
        f"then {commands[name]} data/population"
        for name, path in files.items()
        if name not in there
    ]


def photos(folders: Iterable[Path], splits: Sequence[str], resolution: int, known_good: Collection[str]) -> list[str]:
    """Photos that are missing, damaged or of the wrong size. Decodes all but those whose SHA-256 is ``known_good``."""
    from datasets.folders import DataError, check  # here: it needs numpy and PIL, and --help must not wait

    problems = []
    for folder in folders:
        for split in splits:
            if split == "extra" and not (folder / split).exists():  # a person may do without
                continue
            try:
                check(folder, split, resolution, known_good)
            except DataError as error:
                problems += str(error).splitlines()
    return problems


def _damage(path: Path) -> str | None:
    """What is wrong with a weight file; None if nothing is."""
    from safetensors import SafetensorError, safe_open

    from datasets.folders import sha256

    try:
        with safe_open(path, framework="np") as file:  # checks the header against the file's length
            if not (file.metadata() or {}).get("network"):
                return "no network named in its metadata"
    except (SafetensorError, OSError) as error:
        return str(error)
    listed = path.parent / "SHA256SUMS"
    if listed.is_file():
        hashes = {name.lstrip("*"): digest for digest, name in map(str.split, listed.read_text().splitlines())}
        if path.name in hashes and hashes[path.name] != sha256(path):
            return "its SHA-256 is not the one in SHA256SUMS"
    return None


def _unknown(flag: str, wanted: Sequence[str], known: Sequence[str], title: str) -> list[str]:
    try:
        require(wanted, known, title)
    except UnknownName as error:
        return [f"{flag}: {line}" for line in str(error).splitlines()]
    return []
