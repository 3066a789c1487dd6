"""Everything that can be wrong with a request, found before any work.

Every check returns findings. ``benchmarks.run`` refuses the problems among them in one message, in which a finding is
"name: detail"; ``benchmarks.doctor`` prints all of them.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from benchmarks.api.registry import ALL, DOMAINS, METHODS, SUITES, UnknownName, require
from benchmarks.api.task import PRESETS
from benchmarks.engine import executors, records
from benchmarks.engine.external import is_external
from benchmarks.engine.findings import MISSING, OK, Finding, problem
from benchmarks.engine.options import Options
from benchmarks.engine.plan import KEY_LENGTH
from datasets.splits import PEOPLE, is_development, is_stranger

if TYPE_CHECKING:
    from mystyle.domains.domain import DomainSource
    from mystyle.protocols import OwnNetwork
    from mystyle.weights import Entry

MAX_SEED = 2**63 - 1  # tables hold seeds as 64-bit integers
RUN = re.compile(r"jobs|priors|\..*")  # what a run has before anything else, and hidden files
KEYS = re.compile(rf"[0-9a-f]{{{KEY_LENGTH}}}|unfinished|budget\.json|\..*")  # what is in a folder of jobs or priors
NETWORK_TIME = "20 to 40 minutes on two cores, after 13 for the population"


def names(suite: str, preset: str, methods: Sequence[str] | None, domain: str) -> list[Finding]:
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


def people(wanted: Sequence[str] | None, domain: str, photos: Path | None) -> list[Finding]:
    """Unknown people: of the domain, or, with --photos, of that folder."""
    if photos is None:
        named = [name for name in wanted or [] if not (is_stranger(name) or is_development(name))]  # who have no end
        return _unknown("--people", named, [person.name for person in PEOPLE.get(domain, ())], "person")
    if not photos.is_dir():
        return [problem(f"--photos {photos}", "there is no such folder; it holds a folder per person")]
    found = people_in(photos, ["test"])
    if not found:
        return [problem(f"--photos {photos}", "holds no person; a person is a folder with train/ and test/ inside")]
    return _unknown("--people", wanted or [], found, "person") or encoding("--photos", found)


def people_in(photos: Path, splits: Collection[str] = ("train", "test")) -> tuple[str, ...]:
    """The person folders of a folder, sorted: those that have the ``splits``."""
    return tuple(sorted(f.name for f in photos.iterdir() if all((f / split).is_dir() for split in splits)))


def encoding(where: str, files: Iterable[str]) -> list[Finding]:
    """Names of files that are no valid UTF-8, which the files of a run cannot hold."""
    detail = "the name is not valid UTF-8; rename it"
    return [problem(f"{where} {name}", detail) for name in files if name.encode(errors="replace").decode() != name]


def numbers(options: Options) -> list[Finding]:
    """Seeds, workers, seconds and retries out of range."""
    seeds, workers, retries = options.seeds, options.workers, options.retries
    found = [problem(f"--seeds {seed}", "a seed is 0 or more") for seed in seeds if seed < 0]
    found += [problem(f"--seeds {seed}", f"a seed is at most {MAX_SEED}") for seed in seeds if seed > MAX_SEED]
    if len(set(seeds)) < len(seeds):
        found.append(problem("--seeds", "a seed is given twice"))
    if workers is not None and workers < 1:
        found.append(problem(f"--workers {workers}", "at least 1 is needed"))
    for flag in ("fit_seconds", "image_seconds", "timeout"):
        seconds = getattr(options, flag)
        if seconds is not None and not 0 < seconds < math.inf:
            found.append(problem(f"--{flag} {seconds:g}", "seconds, more than 0 and finite"))
    if retries < 0:
        found.append(problem(f"--retries {retries}", "0 or more"))
    try:
        _ = options.factors
    except ValueError as error:
        found.append(problem(f"--longer {error}", "write ROW=FACTOR, such as diffaugment=6"))
    if options.longer and options.fit_seconds is not None:
        found.append(problem("--longer", "--fit_seconds decides how long fits are; omit one of them"))
    return found


def shard(options: Options) -> list[Finding]:
    """A --shard that is no part of a whole, or is given where nothing is done."""
    try:
        _ = options.shard_numbers
    except ValueError:
        return [problem(f"--shard {options.shard}", "write I/N, the I-th of N parts, such as 1/4")]
    if options.shard and options.collect:
        return [problem("--collect", "is for all shards together; omit --shard")]
    if options.collect and options.dry_run:
        return [problem("--collect", "runs no job, so that there is nothing to preview; omit --dry_run")]
    return []


def executor(options: Options) -> list[Finding]:
    """What the executor cannot do."""
    return executors.load(options.executor).check(options.executor_options)


def device(name: str) -> list[Finding]:
    """A device that this machine does not have."""
    if name != "cuda":
        return []
    import torch

    if torch.cuda.is_available():
        return []
    return [problem("--device cuda", "torch finds no CUDA device; use --device cpu or auto")]


def folders(options: Options) -> list[Finding]:
    """An --out or --priors that cannot be written, or that holds something else."""
    out, priors = options.folder, options.prior_folder
    other = "the folder holds something else than {}; choose a new or an empty one"
    found = writable("--out", out)
    if not found and not _is_run(out):
        found.append(problem(f"--out {out}", other.format("a run")))
    if options.priors:
        wrong = writable("--priors", priors)
        if not wrong and not _holds_only(priors, KEYS):
            wrong.append(problem(f"--priors {priors}", other.format("priors")))
        found += wrong
    return found


def writable(flag: str, folder: Path) -> list[Finding]:
    """A folder that cannot be made or written."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        return [problem(f"{flag} {folder}", f"{existing} is a file; choose another folder")]
    try:  # by writing: permissions say nothing to root, on a read-only or a full disk, or in /proc
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        reason = f"{existing} is not writable ({error.strerror})"
        return [problem(f"{flag} {folder}", f"{reason}; choose another or change its permissions")]
    return []


def weights(files: Mapping[str, Path], domain: DomainSource | None = None) -> list[Finding]:
    """Weight files by name: missing, not whole safetensors files, or other than the hashes beside them.

    Those of the manifest of ``domain`` are brought by ``python -m mystyle.weights``, the others ship.
    """
    from mystyle.weights import weight_file

    entries = {weight_file(domain.name, entry.file): entry for entry in domain.manifest} if domain else {}
    found = []
    for name, path in files.items():
        if domain and (entry := entries.get(path)):
            found.append(_brought(name, domain.name, entry))
        elif not path.is_file():
            found.append(problem(name, f"weight file {path} is missing; restore it from a fresh clone of the project"))
        elif reason := _damage(path):
            found.append(problem(name, f"weight file {path} is damaged ({reason}); restore it from a fresh clone"))
        else:
            checked = ", SHA-256 as in SHA256SUMS" * (path.name in _listed(path))
            found.append(Finding(name, OK, f"{path.stat().st_size / 1e6:.1f} MB{checked}"))
    return found


def _brought(name: str, domain: str, entry: Entry) -> Finding:
    """The state of a weight file that a manifest names."""
    from mystyle.weights import status, way_out, weight_file

    found = status(domain, entry)
    if found.state == "there":
        return Finding(name, OK, found.detail)
    again = found.state in ("damaged", "outdated")
    what = f"is {found.state} ({found.detail})" if again else "is missing"
    detail = f"weight file {weight_file(domain, entry.file)} {what}; {way_out(domain, entry, again)}"
    return problem(name, detail) if entry.required else Finding(name, MISSING, detail)


def networks(wanted: Mapping[str, OwnNetwork], folder: Path) -> list[Finding]:
    """Methods' networks of the domain, by name, in its ``folder``; not every clone has them."""
    files = {name: folder / network.file for name, network in wanted.items()}
    return [
        problem(
            name,
            f"weight file {path} is missing; train it ({NETWORK_TIME}): python -m datasets.synthetic population "
            f"--out data/population, then {wanted[name].command}"
            if wanted[name].required
            else f"weight file {path} is missing, a dash in the tables; {wanted[name].command} trains it",
        )
        for name, path in files.items()
        if not path.is_file()
    ] + weights({name: path for name, path in files.items() if path.is_file()})


def photos(
    folders: Iterable[Path], splits: Sequence[str], resolution: int, known_good: Collection[str] = ()
) -> list[Finding]:
    """Photos that are missing, damaged or of the wrong size. Decodes all but those whose SHA-256 is ``known_good``."""
    from datasets.folders import DataError, check  # here: it needs numpy and PIL, and --help must not wait

    found = []
    for folder in folders:
        wrong, counts = encoding(folder.name, (p.name for p in folder.rglob("*"))), []
        for split in splits:
            if split == "extra" and not (folder / split).exists():  # a person may do without
                continue
            try:
                counts.append(f"{len(check(folder, split, resolution, known_good))} {split}")
            except DataError as error:
                wrong += [problem(folder.name, line) for line in str(error).splitlines()]
        found += wrong or [Finding(folder.name, OK, ", ".join(counts))]
    return found


def _damage(path: Path) -> str | None:
    """What is wrong with a weight file; None if nothing is."""
    from datasets.folders import sha256
    from mystyle.weights.cache import damage

    if reason := damage(path):
        return reason
    listed = _listed(path).get(path.name)
    if listed is not None and listed != sha256(path):
        return "its SHA-256 is not the one in SHA256SUMS"
    return None


def _listed(path: Path) -> dict[str, str]:
    """File name to SHA-256, of the list beside a weight file."""
    sums = path.with_name("SHA256SUMS")
    lines = sums.read_text().splitlines() if sums.is_file() else []
    return {name.lstrip("*"): digest for digest, name in map(str.split, lines)}


def _is_run(folder: Path) -> bool:
    """Whether a folder is a run by its config.yaml or suite.json, or holds nothing but jobs and priors."""
    try:
        if {"suite", "preset"} <= set(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))):
            return True
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError):  # absent, or not a run's
        pass
    try:
        records.read_suite(folder)
    except records.RecordError:
        return _holds_only(folder, RUN) and all(_holds_only(folder / name, KEYS) for name in ("jobs", "priors"))
    return True


def _holds_only(folder: Path, names: re.Pattern[str]) -> bool:
    """Whether a folder holds nothing but such names, is empty or absent."""
    return not folder.is_dir() or all(names.fullmatch(path.name) for path in folder.iterdir())


def _unknown(flag: str, wanted: Sequence[str], known: Sequence[str], title: str) -> list[Finding]:
    try:
        require(wanted, known, title)
    except UnknownName as error:
        return [problem(flag, line) for line in str(error).splitlines()]
    return []
