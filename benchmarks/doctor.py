"""``python -m benchmarks.doctor [--domain NAME] [--photos FOLDER]``: what is installed, what is missing, what it costs.

A line is ok, missing (the main command goes without) or a problem (it does not), and a problem ends in the way out.
Looks at this machine only, writes nothing, and works where packages are missing: what imports them does so in a check.

Exit status: 0 the main command can run, 1 something that it needs is not there, 2 unusable arguments.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.api.registry import METHODS, SUITES
from benchmarks.engine.provenance import cores, environment, hardware, physical_memory
from mystyle.domains.domain import DIRECTIONS, RESOLUTIONS, ROLES, domain_weights

OK, MISSING, PROBLEM = "ok", "missing", "problem"
SUITE, PRESET = "inpainting", "quick"  # of the main command
PYTHON = (3, 11)
EXTRAS = {"ray": "jobs on a cluster, --executor ray", "speed": "a comparison with what the official code projects with"}
SPARED = {"wandb": "runs are not mirrored"}  # requirements without which the main command runs, and what it loses
LATER = {"ffhq": 1024}  # domains that are announced and not here yet, and their resolution
RUN_BYTES = 0.2e9  # that a quick run of the main command leaves
DRAWING = 0.1  # core seconds for a photo of 128 x 128
NETWORK_TIME = "20 to 40 minutes on two cores, after 13 for the population"
SHOWN = 5  # problems of a person's photos
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Line:
    name: str
    state: str
    detail: str


@dataclass(frozen=True)
class Asked:
    """The command line."""

    domain: str = "synthetic"
    photos: Path | None = None


Lines = Iterator[Line]


def python(asked: Asked) -> Lines:
    """Python, and the packages of pyproject.toml."""
    version, needed = sys.version.split()[0], ".".join(map(str, PYTHON))
    if sys.version_info >= PYTHON:
        yield Line("Python", OK, f"{version} (>={needed})")
    else:
        yield Line("Python", PROBLEM, f"{version} is too old; make an environment with Python {needed} or newer")
    from packaging.requirements import Requirement

    for text, extra in requirements():
        requirement = Requirement(text)
        name, install = requirement.name, f'python -m pip install "{text}"'
        use = f"for {EXTRAS[extra]}; " if extra else f"{SPARED[name]}; " if name in SPARED else ""
        version = _version(name)
        if version is None:
            yield Line(name, MISSING if use else PROBLEM, f"not installed; {use}{install}")
        elif not requirement.specifier.contains(version, prereleases=True):
            yield Line(name, MISSING if use else PROBLEM, f"{version} is not {requirement.specifier}; {use}{install}")
        else:
            yield Line(name, OK, f"{version} {f'({requirement.specifier})' if requirement.specifier else ''}".strip())


def requirements() -> Iterator[tuple[str, str]]:
    """(requirement, the extra or "" where the benchmark needs it) of pyproject.toml: installations can be older."""
    import tomllib  # here: Python 3.10, which is too old, has none

    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    yield from ((text, "") for text in (*project["dependencies"], *extras["bench"]))
    yield from ((text, extra) for extra in EXTRAS for text in extras[extra])


def imports(asked: Asked) -> Lines:
    """Packages that can be there and still be the wrong ones."""
    if _version("torch") and _version("torchvision"):
        broken = [f"{name}: {reason}" for name in ("torch", "torchvision") if (reason := _import_error(name))]
        pair = f"torch {_version('torch')} and torchvision {_version('torchvision')}"
        if broken:
            way_out = "python -m pip install --force-reinstall torch torchvision"
            detail = f"{pair} do not fit ({broken[0]}); install both from the same index: {way_out}"
            yield Line("torch, torchvision", PROBLEM, detail)
        else:
            yield Line("torch, torchvision", OK, "can be imported together")
    spec = importlib.util.find_spec("datasets")
    found = Path(spec.origin).parent if spec and spec.origin else None
    if found == _ROOT / "datasets":
        yield Line("package datasets", OK, "the project's own is found")
    else:
        detail = f"another package of that name is found ({found}); use an environment of its own, as the Makefile does"
        yield Line("package datasets", PROBLEM, detail)


def machine(asked: Asked) -> Lines:
    """Processor, memory, GPUs, disk."""
    from benchmarks.engine.executors.process import WORKER_MEMORY, choose_devices

    yield Line("processor", OK, hardware("cpu"))
    half = _processor_has_bfloat16()
    if half is not None:
        no = "not in the processor; it is used only by settings that ask for it"
        yield Line("bfloat16", OK if half else MISSING, "in the processor" if half else no)
    memory = physical_memory()
    if memory is not None and memory < WORKER_MEMORY:
        detail = f"{_gigabytes(memory)}, and a job takes {_gigabytes(WORKER_MEMORY)}; use a larger machine or limit"
        yield Line("memory", PROBLEM, detail)
    elif memory is not None:
        room = len(choose_devices("cpu", None, cores()))
        yield Line("memory", OK, f"{_gigabytes(memory)}, for {room} job{'s' * (room > 1)} at a time")
    yield from gpus()
    runs = Path("runs").absolute()
    place = next(path for path in (runs, *runs.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK):
        yield Line("disk", PROBLEM, f"{place} cannot be written; choose another folder by --out")
    elif free < 2 * RUN_BYTES:
        detail = f"{_gigabytes(free)} free in {place}, a quick run takes {_gigabytes(RUN_BYTES)}; free some"
        yield Line("disk", PROBLEM, f"{detail} or choose another folder by --out")
    else:
        yield Line("disk", OK, f"{_gigabytes(free)} free for runs; a quick one takes {_gigabytes(RUN_BYTES)}")


def gpus() -> Lines:
    if _import_error("torch"):
        yield Line("GPU", MISSING, "not known without torch")
        return
    cuda = importlib.import_module("torch").cuda
    count = cuda.device_count() if cuda.is_available() else 0
    for i in range(count):
        half = "bfloat16" if cuda.is_bf16_supported() else "no bfloat16"
        memory = _gigabytes(cuda.get_device_properties(i).total_memory)
        yield Line(f"GPU {i}", OK, f"{cuda.get_device_name(i)}, {memory}, {half}")
    if not count:
        yield Line("GPU", MISSING, "none that torch finds; smoke and quick need none, full and paper are made for one")


def weights(asked: Asked) -> Lines:
    """The domain's networks."""
    if asked.domain not in RESOLUTIONS:
        yield from later(asked.domain)
        return
    from benchmarks.engine import checks

    files = domain_weights(asked.domain)
    for role, path in files.items():
        yield _weight(role, path, checks.weights({role: path}))
    directions = files["generator"].with_name(DIRECTIONS)
    if directions.is_file():
        yield Line("directions", OK, _size(directions))
    else:
        detail = f"{directions} is not there, so nothing can be edited; python -m mystyle directions makes it"
        yield Line("directions", MISSING, detail)


def later(domain: str) -> Lines:
    """What a domain that is not here yet will need, as far as that is settled."""
    side = f"{LATER[domain]} x {LATER[domain]}"
    detail = f"the domain is not implemented yet; use --domain {', '.join(RESOLUTIONS)}"
    yield Line(domain, PROBLEM, detail)
    official = f"will be yours to bring, {side}; python -m mystyle.checkpoints reads the official files today"
    for role in ROLES:
        ours = f"will be needed for {side}; no file is named yet"
        yield Line(role, MISSING, official if role in ("generator", "discriminator") else ours)


def rivals(asked: Asked) -> Lines:
    """Networks of the domain that rivals have. Those of the main suite's rows are needed."""
    if asked.domain not in RESOLUTIONS:
        return
    from benchmarks.engine import checks

    folder = domain_weights(asked.domain)["generator"].parent
    rows = SUITES.load(SUITE).rows
    users: dict[str, list[str]] = {}
    for name in METHODS.names():
        try:
            method = METHODS.load(name)
        except Exception as error:  # a plug-in's file may raise anything
            state = PROBLEM if name in rows else MISSING
            yield Line(name, state, f"cannot be imported ({_words(error)}); mend its file or take it away")
            continue
        if hasattr(method, "base"):
            users.setdefault(method.base, []).append(name)
    for base, names in users.items():
        line = _weight(" and ".join(names), folder / base, checks.bases({base: folder / base}))
        if line.state == PROBLEM:
            state = PROBLEM if set(names) & set(rows) else MISSING
            time = "" if (folder / base).is_file() else f" ({NETWORK_TIME})"
            line = Line(line.name, state, line.detail + time)
        yield line


def people(asked: Asked) -> Lines:
    """Who is there: the domain's own people, or those of a folder."""
    from benchmarks.analysis.estimate import duration
    from benchmarks.engine.options import Options
    from benchmarks.engine.request import person_folders
    from datasets.splits import PEOPLE

    if asked.photos is not None:
        yield from photos(asked)
        return
    if asked.domain not in RESOLUTIONS:
        sizes = [person.train for person in PEOPLE[asked.domain]]
        detail = f"{len(sizes)} of Table 5 with {min(sizes)} to {max(sizes)} photos; the photos will be yours to bring"
        yield Line("people", MISSING, detail)
        return
    from datasets.synthetic.people import set_sizes

    suite = SUITES.load(SUITE)
    sizes = {person.name: sum(set_sizes(person).values()) for person in PEOPLE[asked.domain]}
    for preset in ("smoke", PRESET, "full"):
        folders = person_folders(Options(domain=asked.domain, preset=preset), suite)
        absent = [name for name, folder in folders.items() if not folder.exists()]
        if absent:
            count = sum(sizes[name] for name in absent)
            seconds = DRAWING * max(count / cores(), *(sizes[name] for name in absent))
            detail = f"{len(absent)} of {len(folders)} will be drawn by the first run, about {duration(seconds)}"
            yield Line(f"people, {preset}", MISSING, detail)
        else:
            yield Line(f"people, {preset}", OK, f"{len(folders)} are drawn")
    for name, folder in person_folders(Options(domain=asked.domain, preset=PRESET), suite).items():
        if folder.exists() and (problems := _photo_problems(folder, asked.domain)):
            detail = f"{problems[0]} ({len(problems)} problems in all); delete {folder}, it is drawn again"
            yield Line(name, PROBLEM, detail)


def photos(asked: Asked) -> Lines:
    """The photos of a folder, person by person; each is decoded."""
    from benchmarks.engine import checks
    from mystyle.image_files import SUFFIXES

    names = checks.people_in(asked.photos)
    yield Line("people", OK, f"{len(names)} in {asked.photos}")
    for name in names:
        problems = _photo_problems(asked.photos / name, asked.domain)
        if problems:
            yield from (Line(name, PROBLEM, problem) for problem in problems[:SHOWN])
            if len(problems) > SHOWN:
                yield Line(name, PROBLEM, f"{len(problems) - SHOWN} more; mend these first")
            continue
        files = {split: (asked.photos / name / split).glob("*") for split in ("train", *SUITES.load(SUITE).splits)}
        counts = {split: sum(file.suffix.lower() in SUFFIXES for file in found) for split, found in files.items()}
        yield Line(name, OK, ", ".join(f"{count} {split}" for split, count in counts.items()))


def _photo_problems(folder: Path, domain: str) -> list[str]:
    """What is wrong with a person's photos; nothing where the domain's resolution is not known yet."""
    from benchmarks.engine import checks

    if domain not in RESOLUTIONS:
        return []
    return checks.photos([folder], SUITES.load(SUITE).splits, RESOLUTIONS[domain], ())


def tracking(asked: Asked) -> Lines:
    """Whether W&B would take a mirror. Nothing is asked of its server."""
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").rstrip("/").rpartition("/")[2]
    known = False
    for file in [os.environ["NETRC"]] if "NETRC" in os.environ else ["~/.netrc", "~/_netrc"]:
        with contextlib.suppress(OSError):  # absent, or not ours to read
            known = known or host in Path(file).expanduser().read_text(errors="replace").split()
    if known or os.environ.get("WANDB_API_KEY"):
        yield Line("W&B login", OK, f"for {host}")
    else:
        detail = f"not logged in to {host}; --wandb online needs it (wandb login), offline, the default, does not"
        yield Line("W&B login", MISSING, detail)


def code(asked: Asked) -> Lines:
    """The checkout, whose commit stands in every record."""
    about = environment("cpu")
    if about["commit"] is None:
        yield Line("git", MISSING, "no checkout or no git; records will not say which code made them")
    else:
        yield Line("git", OK, f"commit {about['commit'][:10]}{' with local changes' * bool(about['dirty'])}")


def cost(asked: Asked) -> Lines:
    """What the main command costs."""
    presets = SUITES.load(SUITE).presets
    for preset in ("smoke", PRESET):
        yield Line(f"{SUITE}, {preset}", OK, presets[preset].summary)


SECTIONS: dict[str, Sequence[Callable[[Asked], Lines]]] = {
    "Python and packages": (python, imports),
    "Machine": (machine,),
    "Weights": (weights, rivals),
    "People": (people,),
    "Records": (tracking, code),
    "Cost": (cost,),
}


def examine(asked: Asked) -> Iterator[tuple[str, list[Line]]]:
    """Title and lines of each section. A check that cannot be carried out is a problem like others."""
    for title, checks in SECTIONS.items():
        lines: list[Line] = []
        for check in checks:
            try:
                for line in check(asked):
                    lines.append(line)
            except Exception as error:  # what a missing or a foreign package can come up with
                way_out = "mend the other problems, or python -m pip install --editable ."
                lines.append(Line(check.__name__, PROBLEM, f"cannot be told ({_words(error)}); {way_out}"))
        yield title, lines


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    about = "What is installed, what is missing, what it costs."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doctor", description=about)
    usual, *others = dict.fromkeys((*RESOLUTIONS, *LATER))
    parser.add_argument(
        "--domain", choices=[usual, *others], default=usual, help="the networks, and the kind of people"
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="people of your own, as for benchmarks.run")
    asked = Asked(**vars(parser.parse_args(arguments)))
    command = f"python -m benchmarks.run --suite {SUITE}"
    if asked.domain != usual:
        command += f" --domain {asked.domain}"
    if asked.photos is not None:
        command += f" --photos {asked.photos}"
        if not any(train.with_name("test").is_dir() for train in asked.photos.glob("*/train")):
            parser.error(f"--photos {asked.photos}: holds no person; a person is a folder with train/ and test/ inside")
    problems = 0
    for title, lines in examine(asked):
        print(title)
        width = max((len(line.name) for line in lines), default=0)
        for line in lines:
            print(f"  {line.state:<7}  {line.name:<{width}}  {line.detail}")
        problems += sum(line.state == PROBLEM for line in lines)
    if problems:
        print(f"{problems} problem{'s' * (problems > 1)} before this can run: {command}")
    else:
        print(f"ready: {command}")
    return 1 if problems else 0


def _weight(name: str, path: Path, problems: Sequence[str]) -> Line:
    return Line(name, PROBLEM, "; ".join(problems)) if problems else Line(name, OK, _size(path))


def _size(path: Path) -> str:
    listed = path.with_name("SHA256SUMS")
    checked = listed.is_file() and path.name in listed.read_text().replace("*", "").split()
    return f"{path.stat().st_size / 1e6:.1f} MB{', SHA-256 as in SHA256SUMS' * checked}"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _import_error(package: str) -> str:
    """Why a package cannot be imported; "" if it can."""
    try:
        importlib.import_module(package)
    except Exception as error:  # torchvision of another torch raises RuntimeError, a library that is not there OSError
        return _words(error)
    return ""


def _words(error: Exception) -> str:
    """The first line of an error."""
    return f"{type(error).__name__}: {error}".strip().split("\n")[0]


def _processor_has_bfloat16() -> bool | None:
    """None where the system does not tell."""
    file = Path("/proc/cpuinfo")
    return "bf16" in file.read_text() if file.is_file() else None


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"


if __name__ == "__main__":
    sys.exit(main())
