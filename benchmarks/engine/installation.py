"""Checks of an installation: Python, packages, the machine, W&B's login, the checkout. Only this machine is examined.

Whatever imports a package does so inside a check, so that missing packages are findings.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

from benchmarks.engine.devices import WORKER_MEMORY, choose_devices
from benchmarks.engine.findings import MISSING, OK, PROBLEM, Finding, problem, words
from benchmarks.engine.provenance import cores, environment, hardware, physical_memory, version

PYTHON = (3, 11)
EXTRAS = {"ray": "jobs on a cluster, --executor ray", "speed": "a comparison with what the official code projects with"}
OPTIONAL = {"wandb": "runs are not mirrored"}  # requirements without which the main command runs, and what it loses
RUN_BYTES = 0.2e9  # of a quick run of the main command
_ROOT = Path(__file__).resolve().parents[2]

Findings = Generator[Finding]


def packages() -> Findings:
    """Python, and the packages of pyproject.toml."""
    python, needed = sys.version.split()[0], ".".join(map(str, PYTHON))
    if sys.version_info >= PYTHON:
        yield Finding("Python", OK, f"{python} (>={needed})")
    else:
        yield problem("Python", f"{python} is too old; make an environment with Python {needed} or newer")
    from packaging.requirements import Requirement

    for text, extra in requirements():
        requirement = Requirement(text)
        name, specifier = requirement.name, requirement.specifier
        use = f"for {EXTRAS[extra]}; " if extra else f"{OPTIONAL[name]}; " if name in OPTIONAL else ""
        found = version(name)
        if found is not None and specifier.contains(found, prereleases=True):
            yield Finding(name, OK, f"{found} {f'({specifier})' if specifier else ''}".strip())
        else:
            what = "not installed" if found is None else f"{found} is not {specifier}"
            yield Finding(name, MISSING if use else PROBLEM, f'{what}; {use}python -m pip install "{text}"')


def requirements() -> Iterator[tuple[str, str]]:
    """(requirement, the extra or "" where the benchmark needs it) of pyproject.toml: installations can be older."""
    import tomllib  # here: Python 3.10, which is too old, has none

    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    yield from ((text, "") for text in (*project["dependencies"], *extras["bench"]))
    yield from ((text, extra) for extra in EXTRAS for text in extras[extra])


def imports() -> Findings:
    """Packages that can be there and still be the wrong ones."""
    if version("torch") and version("torchvision"):
        broken = [f"{name}: {reason}" for name in ("torch", "torchvision") if (reason := _import_error(name))]
        if broken:
            pair = f"torch {version('torch')} and torchvision {version('torchvision')}"
            way_out = "python -m pip install --force-reinstall torch torchvision"
            detail = f"{pair} do not fit ({broken[0]}); install both from the same index: {way_out}"
            yield problem("torch, torchvision", detail)
        else:
            yield Finding("torch, torchvision", OK, "can be imported together")
    spec = importlib.util.find_spec("datasets")
    found = Path(spec.origin).parent if spec and spec.origin else None
    if found == _ROOT / "datasets":
        yield Finding("package datasets", OK, "the project's own is found")
    else:
        detail = f"another package of that name is found ({found}); use an environment of its own, as the Makefile does"
        yield problem("package datasets", detail)


def machine() -> Findings:
    """Processor, memory, disk."""
    yield Finding("processor", OK, hardware("cpu"))
    file = Path("/proc/cpuinfo")
    if file.is_file():
        half = "bf16" in file.read_text()
        no = "not in the processor; it is used only by settings that ask for it"
        yield Finding("bfloat16", OK if half else MISSING, "in the processor" if half else no)
    memory = physical_memory()
    if memory is not None and memory < WORKER_MEMORY:
        detail = f"{_gigabytes(memory)}, and a job takes {_gigabytes(WORKER_MEMORY)}; use a larger machine or limit"
        yield problem("memory", detail)
    elif memory is not None:
        room = len(choose_devices("cpu", None, cores()))
        yield Finding("memory", OK, f"{_gigabytes(memory)}, for {room} job{'s' * (room > 1)} at a time")
    runs = Path("runs").absolute()
    place = next(path for path in (runs, *runs.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK):
        yield problem("disk", f"{place} cannot be written; choose another folder by --out")
    elif free < 2 * RUN_BYTES:
        detail = f"{_gigabytes(free)} free in {place}, a quick run takes {_gigabytes(RUN_BYTES)}; free some"
        yield problem("disk", f"{detail} or choose another folder by --out")
    else:
        yield Finding("disk", OK, f"{_gigabytes(free)} free for runs; a quick one takes {_gigabytes(RUN_BYTES)}")


def gpus() -> Findings:
    if _import_error("torch"):
        yield Finding("GPU", MISSING, "not known without torch")
        return
    cuda = importlib.import_module("torch").cuda
    count = cuda.device_count() if cuda.is_available() else 0
    for i in range(count):
        half = "bfloat16" if cuda.is_bf16_supported() else "no bfloat16"
        memory = _gigabytes(cuda.get_device_properties(i).total_memory)
        yield Finding(f"GPU {i}", OK, f"{cuda.get_device_name(i)}, {memory}, {half}")
    if not count:
        detail = "none that torch finds; smoke and quick need none, full and paper are made for one"
        yield Finding("GPU", MISSING, detail)


def tracking() -> Findings:
    """Whether there is a login for W&B. Its server is not asked."""
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").rstrip("/").rpartition("/")[2]
    known = bool(os.environ.get("WANDB_API_KEY"))
    for file in [os.environ["NETRC"]] if "NETRC" in os.environ else ["~/.netrc", "~/_netrc"]:
        with contextlib.suppress(OSError):  # absent, or not ours to read
            known = known or host in Path(file).expanduser().read_text(errors="replace").split()
    if known:
        yield Finding("W&B login", OK, f"for {host}")
    else:
        detail = f"not logged in to {host}; --wandb online needs it (wandb login), offline, the default, does not"
        yield Finding("W&B login", MISSING, detail)


def checkout() -> Findings:
    """The commit that stands in every record."""
    about = environment("cpu")
    if about["commit"] is None:
        yield Finding("git", MISSING, "no checkout or no git; records will not state which code made them")
    else:
        yield Finding("git", OK, f"commit {about['commit'][:10]}{' with local changes' * bool(about['dirty'])}")


def _import_error(package: str) -> str:
    """Why a package cannot be imported; "" if it can."""
    try:
        importlib.import_module(package)
    except Exception as error:  # torchvision of another torch raises RuntimeError, a library that is not there OSError
        return words(error)
    return ""


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
