"""Does one job: fit or fetch the prior, restore, write the pictures, read them back, measure, record."""

from __future__ import annotations

import time
import traceback as tracebacks
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

from benchmarks import records
from benchmarks.external import External
from benchmarks.plan import Job, plain
from benchmarks.protocol import Case, Evaluation, Inapplicable, Metric, OutputError, Problem, Suite, check_output
from benchmarks.provenance import peak_memory_mb, reset_peak_memory
from datasets.folders import DataError, read_portraits

if TYPE_CHECKING:
    from torch import Tensor

    from mystyle.domain import Domain
    from mystyle.types import Image, Portraits


Solution = tuple["Image", dict[str, float], dict[str, Any]]  # final pictures, seconds of each stage, further facts


@dataclass(frozen=True)
class Context:
    """What all jobs of a run share. Sent to every worker process, so it holds names and functions, not tensors."""

    run: Path
    suite: Suite
    methods: Mapping[str, Any]  # name to Method
    metrics: Mapping[str, Metric]
    folders: Mapping[str, Path]  # person to folder
    load_domain: Callable[[str], Domain]  # from a device
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    key: str
    status: str  # "done" or "failed"
    reason: str  # "" if done
    seconds: float


@dataclass
class Worker:
    """Does jobs one by one in one process; the domain is loaded once."""

    context: Context
    device: str

    def run(self, job: Job) -> Outcome:
        """Does the job and leaves its record, whatever happens short of the process's end."""
        began = time.perf_counter()
        reset_peak_memory(self.device)
        try:
            with records.job_folder(self.context.run, job.key) as folder:
                self._do(job, folder)
            return Outcome(job.key, "done", "", time.perf_counter() - began)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".strip()
            seconds = time.perf_counter() - began
            record_failure(self.context, job, reason, tracebacks.format_exc(), seconds)
            return Outcome(job.key, "failed", reason, seconds)

    @cached_property
    def domain(self) -> Domain:
        return self.context.load_domain(self.device)

    def _do(self, job: Job, folder: Path) -> None:
        train = self._photos(job.person, "train", job.train)
        held_out = self._photos(job.person, "test", job.held_out)
        problem = self.context.suite.problem(held_out, job.cases)
        try:
            solve = self._reference if job.reference else self._solve
            outputs, seconds, about = solve(job, problem, train)
        except Inapplicable as dash:
            rows = [row(job, case.name, name, status="inapplicable", reason=str(dash)) for case, name in _cells(job)]
            records.write_job(folder, record(self.context, job, "done", seconds={}), rows)
            return
        missing = about.pop("missing", {})
        there = [i for i, case in enumerate(job.cases) if case.name not in missing]
        cases = [job.cases[i] for i in there]
        check_output(outputs, problem.clean[there])
        for case, degraded, output in zip(cases, problem.degraded[there], outputs, strict=True):
            if not self.context.suite.dose:  # there the row draws the pictures itself
                write_png(folder / "images" / f"{case.name}.input.png", degraded)
            write_png(folder / "images" / f"{case.name}.png", output)

        began = time.perf_counter()
        evaluation = Evaluation(
            outputs=read_pngs([folder / "images" / f"{case.name}.png" for case in cases]),
            clean=problem.clean[there],
            degraded=problem.degraded[there],
            mask=problem.mask[there],
            sources=tuple(case.photo for case in cases),
            train=train,
            held_out=held_out,
            domain=self.domain,
        )
        rows = self._measure(job, evaluation, cases)
        lost = [(case, name) for case, name in _cells(job) if case.name in missing]
        rows += [row(job, case.name, name, status="failed", reason=missing[case.name]) for case, name in lost]
        seconds["score"] = time.perf_counter() - began
        about["peak_memory_mb"] = peak_memory_mb(self.device)
        records.write_job(folder, record(self.context, job, "done", seconds=seconds, **about), rows)

    def _solve(self, job: Job, problem: Problem, train: Portraits) -> Solution:
        """A method's pictures, and where its prior came from."""
        if isinstance(method := self.context.methods[job.method], External):
            return self._external(method, job, problem)
        from mystyle.types import Unsupported

        prior, fit_seconds, cached = self._prior(job, train)
        verb = self.context.suite.verb
        if not isinstance(prior, verb):
            raise Inapplicable(f"{job.method} does not offer what this suite asks for ({verb.__name__})")
        began = time.perf_counter()
        try:
            outputs = self.context.suite.solve(prior, problem, job.cases)
        except Unsupported as dash:
            raise Inapplicable(str(dash)) from dash
        seconds = {"fit": fit_seconds, "restore": time.perf_counter() - began}
        return outputs, seconds, {"prior": {"key": job.prior_key, "cached": cached}}

    def _external(self, method: External, job: Job, problem: Problem) -> Solution:
        """Pictures made elsewhere, put into the known pixels; reasons for the cases that have none."""
        import torch

        pictures, missing = [], {}
        for i, case in enumerate(job.cases):
            path = method.file(job.person, case)
            if not path.is_file():
                missing[case.name] = f"{path} is missing"
                continue
            picture = read_pngs([path])
            try:
                check_output(picture, problem.clean[i : i + 1])
            except OutputError as error:
                raise OutputError(f"{path}: {error}") from error
            pictures.append(problem.degradation[i : i + 1].composite(picture, problem.degraded[i : i + 1]))
        if not pictures:
            raise FileNotFoundError(f"{method.folder / job.person} holds no picture of the {len(job.cases)} cases")
        return torch.cat(pictures), {}, {"missing": missing}

    def _reference(self, job: Job, problem: Problem, train: Portraits) -> Solution:
        """A reference row's pictures."""
        reference = self.context.suite.reference(job.method)
        if reference.needs_other_people and not job.others:
            raise Inapplicable("needs other people in the run")
        others = [self._photos(name, "test", photos) for name, photos in job.others.items()]
        began = time.perf_counter()
        outputs = reference.outputs(problem, others, job.cases)
        return outputs, {"draw": time.perf_counter() - began} if self.context.suite.dose else {}, {}

    def _prior(self, job: Job, train: Portraits) -> tuple[Any, float, bool]:
        """The prior, the seconds that its fit took, and whether it was there already.

        A fitted prior is always read back from the files it was saved to: a job that finds it cached and a job that
        made it compute with the same numbers.
        """
        method = self.context.methods[job.method]
        began = time.perf_counter()
        if job.prior_key is None:
            prior = method.fit(train, self.domain, seed=job.fit_seed, settings=job.settings)
            return prior, time.perf_counter() - began, False
        place = self.context.run / "priors" / job.prior_key
        cached = place.exists()
        if not cached:
            prior = method.fit(train, self.domain, seed=job.fit_seed, settings=job.settings)
            seconds = time.perf_counter() - began
            with records.whole_folder(place) as folder:
                (folder / "prior").mkdir()
                prior.save(folder / "prior")
                about = {"method": job.method, "person": job.person, "seed": job.seed, "seconds": seconds}
                records.write_json(folder / "about.json", about)
        try:
            about = records.read_json(place / "about.json", f"delete {place} to fit again")
            prior = method.load(place / "prior", train, self.domain, settings=job.settings)
        except Exception as error:
            raise RuntimeError(f"the prior in {place} cannot be read ({error}); delete it to fit again") from error
        return prior, about["seconds"], cached

    def _measure(self, job: Job, evaluation: Evaluation, cases: Sequence[Case]) -> list[records.MetricRow]:
        """A row per case and metric."""
        applicable = self.context.suite.reference(job.method).metrics if job.reference else job.metrics
        rows = []
        for name in job.metrics:
            try:
                if name not in applicable:
                    raise Inapplicable("the row shows whole photos: there is no filled hole")
                values = self.context.metrics[name].compute(evaluation)
            except Inapplicable as dash:
                cells = [{"status": "inapplicable", "reason": str(dash)}] * len(cases)
            else:
                if tuple(values.shape) != (len(cases),):
                    raise ValueError(f"metric {name} gave shape {tuple(values.shape)} for {len(cases)} images")
                cells = [_cell(value) for value in values.tolist()]
            rows += [row(job, case.name, name, **cell) for case, cell in zip(cases, cells, strict=True)]
        return rows

    def _photos(self, person: str, split: str, expected: Mapping[str, str]) -> Portraits:
        """The photos of one split on the CPU. Raises DataError if they are not those of the plan any more."""
        portraits = read_portraits(self.context.folders[person], split, self.domain.resolution)
        if dict(zip(portraits.files, portraits.hashes, strict=True)) != dict(expected):
            raise DataError(f"the photos in {self.context.folders[person] / split} changed while the run was going on")
        return portraits


def record(context: Context, job: Job, status: str, *, seconds: Mapping[str, float], **extra: Any) -> dict[str, Any]:
    """record.json of a job."""
    return {
        "schema": records.SCHEMA,
        "key": job.key,
        "suite": job.suite,
        "suite_version": job.suite_version,
        "method": job.method,
        "method_version": job.method_version,
        "person": job.person,
        "seed": job.seed,
        "status": status,
        "reason": "",
        "settings": plain(job.settings),
        "preset": job.preset,
        "domain": job.domain,
        "metrics": dict(job.metrics),
        "cases": [
            {"case": c.name, "image": c.file, "mask": c.mask, "mask_seed": c.mask_seed, "seed": c.seed, "dose": c.dose}
            for c in job.cases
        ],
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "weights": dict(job.weights),
        "photos": job.photos,
        "environment": dict(context.environment),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    } | extra


def record_failure(context: Context, job: Job, reason: str, traceback: str, seconds: float) -> None:
    """Leaves a failed job's record, with a row of that status for each of its cells."""
    rows = [row(job, case.name, name, status="failed", reason=reason) for case, name in _cells(job)]
    failure = record(context, job, "failed", seconds={"until_failure": seconds}, reason=reason, traceback=traceback)
    with records.job_folder(context.run, job.key) as folder:
        records.write_job(folder, failure, rows)


def row(
    job: Job, case: str, metric: str, *, value: float | None = None, status: str = "done", reason: str = ""
) -> records.MetricRow:
    """A row of metrics.csv."""
    values = (job.suite, job.method, job.person, case, job.seed, metric, value, status, reason)
    return dict(zip(records.COLUMNS, values, strict=True))


def write_png(path: Path, image: Tensor) -> None:
    """``[3, h, w]`` in [-1, 1] as 8-bit RGB; values outside are clamped."""
    from mystyle.types import to_uint8

    PillowImage.fromarray(to_uint8(image[None])[0].permute(1, 2, 0).cpu().numpy()).save(path)


def read_pngs(paths: Sequence[Path]) -> Image:
    """``[n, 3, h, w]`` in [-1, 1]."""
    import torch

    from mystyle.types import from_uint8

    pixels = np.stack([np.asarray(PillowImage.open(path).convert("RGB")) for path in paths])
    return from_uint8(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous())


def _cells(job: Job) -> list[tuple[Case, str]]:
    """(case, metric) of every row that the job owes."""
    return [(case, name) for name in job.metrics for case in job.cases]


def _cell(value: float) -> dict[str, Any]:
    if np.isfinite(value):
        return {"value": value}
    return {"status": "failed", "reason": "the metric gave no finite number"}
