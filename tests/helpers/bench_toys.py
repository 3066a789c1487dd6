"""Methods that behave in every way a method can, and a run of the inpainting suite with them, in milliseconds.

A module of its own, because worker processes have to import what they are sent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from tiny import load_tiny_domain

from benchmarks.api.registry import METRICS
from benchmarks.api.suite import Suite
from benchmarks.api.task import PRESETS, Person
from benchmarks.engine.fits import FitStore
from benchmarks.engine.plan import Job, make_jobs
from benchmarks.engine.request import photos_of
from benchmarks.engine.worker import Context
from benchmarks.suites import inpainting
from mystyle.progress import report
from mystyle.protocols import OwnNetwork

# Without what takes a process longer to import than all the toys together: torchmetrics, and methods for their titles.
METRIC_NAMES = tuple(name for name in inpainting.SUITE.metrics if name not in ("hole_psnr", "hole_ssim"))
SUITE = replace(inpainting.SUITE, metrics=METRIC_NAMES, published=())


@dataclass(frozen=True)
class FitSettings:
    grey: float = 0.25


@dataclass(frozen=True)
class Settings:
    fit: FitSettings | None = field(default_factory=FitSettings)
    noise: float = 0.1


@dataclass(frozen=True)
class Toy:
    """Fills the hole with a grey that it "learned" and noise of the case's seed, or does what ``mishap`` says."""

    name: str
    mishap: str = ""
    version: int = 1
    settings: Settings = Settings()
    does: tuple[str, ...] = ("inpaint",)
    networks: tuple[OwnNetwork, ...] = ()
    personal: bool = True

    @property
    def title(self) -> str:
        return self.name.title()

    @property
    def presets(self) -> dict[str, Settings]:
        return dict.fromkeys(PRESETS, self.settings)

    def fit(self, person, domain, *, seed: int, settings: Settings) -> Any:
        for step in range(3):
            report("fitting", step + 1, 3)
        if self.mishap == "raise":
            raise RuntimeError("this method always fails")
        if self.mishap == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.mishap == "sleep":
            time.sleep(60)
        if self.mishap == "die once":
            with contextlib.suppress(FileExistsError):
                Path(os.environ["TOY_NOTES"]).touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        if self.mishap == "meet":  # nobody goes on before another process does such a job, too
            there = Path(os.environ["TOY_NOTES"] + ".meet")
            there.mkdir(exist_ok=True)
            (there / str(os.getpid())).touch()
            for _ in range(600):
                if len(list(there.iterdir())) > 1:
                    break
                time.sleep(0.1)
            time.sleep(0.3)  # longer than a job takes that the other one did
        if self.mishap == "wait":
            time.sleep(5)
        if self.mishap == "no verb":
            return Verbless()
        grey = torch.tensor(settings.fit.grey if settings.fit else 0.0)
        return Filler(grey, settings.noise, self.mishap)

    def load(self, folder: Path, person, domain, *, settings: Settings) -> Any:
        if self.mishap == "no verb":
            return Verbless()
        return Filler(torch.tensor(float((folder / "grey.txt").read_text())), settings.noise, self.mishap)


@dataclass(frozen=True)
class Filler:
    grey: torch.Tensor
    noise: float
    mishap: str

    def restore(self, degraded, degradation, *, seeds: Sequence[int]):
        noise = [torch.randn(degraded[0].shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        filled = self.grey + self.noise * torch.stack(noise)
        if self.mishap == "nan":
            filled[:, :, 0, 0] = float("nan")  # a known pixel: blending alone would hide it
        return filled[:, :, :-1] if self.mishap == "shape" else filled

    def save(self, folder: Path) -> None:
        (folder / "grey.txt").write_text(repr(self.grey.item()))


class Verbless:
    def save(self, folder: Path) -> None:
        pass


def person_of(folder: Path) -> Person:
    """The person of a folder, which is without train/ where it is a stranger's."""
    return Person(folder.name, folder, photos_of(folder, ["train"]), photos_of(folder, ["test"]))


def without_report(folder: Path, suite: str) -> bool:
    """In place of the report's command, which reads files only and takes longer than all the toys together."""
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "index.html").touch()
    return True


def jobs_of(people_root: Path, methods: Sequence[Any], suite: Suite = SUITE, **changes: Any) -> tuple[Job, ...]:
    """The smoke preset's jobs of ``methods`` and the references on alice and bob."""
    arguments = {
        "suite": suite,
        "preset": "smoke",
        "methods": {method.name: method for method in methods},
        "metrics": {name: METRICS.load(name) for name in suite.metrics},
        "people": [person_of(people_root / name) for name in ("alice", "bob")],
        "seeds": (0,),
        "domain": "tiny",
        "weights": {"generator.safetensors": "random-0"},
        "files": {},
    }
    return make_jobs(**arguments | changes)


def context_of(people_root: Path, methods: Sequence[Any], run: Path, suite: Suite = SUITE) -> Context:
    return Context(
        run=run,
        fits=FitStore(run / "priors"),
        suite=suite,
        methods={method.name: method for method in methods},
        metrics={name: METRICS.load(name) for name in suite.metrics},
        folders={folder.name: folder for folder in people_root.iterdir()},
        load_domain=load_tiny_domain,
        environment={"commit": None},
    )
