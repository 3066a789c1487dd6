"""Does one job: fit or fetch the prior, solve the task, write the images, read them back, measure, record."""

from __future__ import annotations

import time
import traceback as tracebacks
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.suite import Suite
from benchmarks.api.task import Case, Inapplicable, MethodOutput, OutputError, Problem, check_output
from benchmarks.engine import records
from benchmarks.engine.external import External
from benchmarks.engine.fits import FitStore, JobResources, Save
from benchmarks.engine.plan import Job
from benchmarks.engine.provenance import machine, peak_memory_mb, reset_peak_memory
from datasets.folders import DataError, read_portraits
from mystyle import image_files

if TYPE_CHECKING:
    from torch import Tensor

    from mystyle.domains.domain import Domain
    from mystyle.types import Image, Portraits


PIXELS = "pixels.u8"  # in a job's folder while it goes on
SPLITS_KEPT = 3  # folders of photos that a worker keeps in memory
REMEMBERED = 64  # sets of photos of which a worker keeps what was computed

Solution = tuple[MethodOutput, dict[str, float], dict[str, Any]]  # images, seconds of each stage, more for the record


@dataclass(frozen=True)
class Context:
    """What all jobs of a run share. Sent to every worker process, so it holds names and functions, not tensors."""

    run: Path
    fits: FitStore  # which several runs may share
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
    unwritable: str = ""  # why not even the record could be written


@dataclass
class Worker:
    """Does jobs one by one in one process; the domain is loaded once."""

    context: Context
    device: str
    _read: dict[tuple[str, str], Portraits] = field(default_factory=dict)
    _memory: dict[Any, Any] = field(default_factory=dict)

    def run(self, job: Job, attempt: int = 1) -> Outcome:
        """Does the job and leaves its record, whatever happens short of the process's end."""
        began = time.perf_counter()
        try:
            reset_peak_memory(self.device)
            with records.job_folder(self.context.run, job.key) as folder:
                self._do(job, folder, attempt)
            return Outcome(job.key, "done", "", time.perf_counter() - began)
        except records.Unwritable as error:
            return Outcome(job.key, "failed", str(error), time.perf_counter() - began, unwritable=str(error))
        except Exception as error:
            reason, trace = records.reason_of(error), tracebacks.format_exc()
            return record_failure(self._here, job, reason, trace, time.perf_counter() - began, attempt)

    @cached_property
    def domain(self) -> Domain:
        return replace(self.context.load_domain(self.device), fits=self.context.fits)

    @cached_property
    def _here(self) -> Context:
        """The context with the machine that this worker is on, which need not be that of the run."""
        return replace(self.context, environment={**self.context.environment, **machine(self.device)})

    def _do(self, job: Job, folder: Path, attempt: int) -> None:
        self._forget()  # here: a job that failed has left what it computed of its outputs
        train = self._photos(job.prior_of, job.train)
        held_out = self._held_out(job)
        try:
            problem = job.part.task.problem(held_out, job.cases)
            solve = self._reference if job.reference else self._solve
            output, seconds, about = solve(job, problem, train)
            missing = about.pop("missing", {})
            there = [i for i, case in enumerate(job.cases) if case.name not in missing]
            cases = tuple(job.cases[i] for i in there)
            began = time.perf_counter()
            pixels = self._keep(output.images, cases, job.part.kept, folder)  # samples are computed only here
            if "restore" in seconds:
                seconds["restore"] += time.perf_counter() - began
        except Inapplicable as dash:
            rows = [row(job, case.name, name, status="inapplicable", reason=str(dash)) for case, name in _cells(job)]
            records.write_job(folder, record(self._here, job, "done", seconds={}, attempts=attempt), rows)
            return
        problem = _rows(problem, there)
        if problem.degraded is not None:
            for case, degraded in zip(cases[: job.part.kept], problem.degraded, strict=False):
                write_png(folder / "images" / f"{case.name}.input.png", degraded)

        began = time.perf_counter()
        evaluation = Evaluation(
            pixels=pixels,
            task=job.part.task,
            problem=problem,
            cases=cases,
            train=train,
            subject=self._photos(job.person, job.subject),
            held_out=held_out,
            domain=self.domain,
            facts=output.facts,
            memory=self._memory,
        )
        rows = self._measure(job, evaluation)
        lost = [(case, name) for case, name in _cells(job) if case.name in missing]
        rows += [row(job, case.name, name, status="failed", reason=missing[case.name]) for case, name in lost]
        if self.context.suite.companions:
            shown = cases[: job.part.kept]
            for name, images in self.context.suite.companions(evaluation, len(shown)).items():
                for case, image in zip(shown, images, strict=True):
                    write_png(folder / "images" / f"{case.name}.{name}.png", image)
        (folder / PIXELS).unlink(missing_ok=True)
        seconds["score"] = time.perf_counter() - began
        about |= {"peak_memory_mb": peak_memory_mb(self.device), "attempts": attempt}
        records.write_job(folder, record(self._here, job, "done", seconds=seconds, **about), rows)

    def _keep(self, outputs: Image | Iterable[Image], cases: Sequence[Case], kept: int | None, folder: Path) -> Tensor:
        """Writes the images, the first ``kept`` of them as PNG; gives all back as written, uint8 [n, 3, R, R].

        Where few are kept, the others lie in a file of the job's folder as long as the job goes on, because thousands
        of photographs do not fit into memory.
        """
        import torch

        from mystyle.types import to_uint8

        size = self.domain.resolution
        images = folder / "images"
        batches = [outputs] if isinstance(outputs, torch.Tensor) else outputs
        many = None
        if kept is not None and kept < len(cases):
            many = np.memmap(folder / PIXELS, np.uint8, "w+", shape=(len(cases), 3, size, size))
        done = 0
        for batch in _supported(batches):
            if done + len(batch) > len(cases):
                raise OutputError(f"more than the {len(cases)} images that were asked for")
            check_output(batch, torch.empty(len(batch), 3, size, size, device="meta"))
            for case, image in zip(cases[done : min(done + len(batch), kept or len(cases))], batch, strict=False):
                write_png(images / f"{case.name}.png", image)
            if many is not None:
                many[done : done + len(batch)] = to_uint8(batch).cpu().numpy()
            done += len(batch)
        if done < len(cases):
            raise OutputError(f"{done} images, expected {len(cases)}")
        if many is not None:
            return torch.from_numpy(many)
        return read_pixels([images / f"{case.name}.png" for case in cases])

    def _forget(self) -> None:
        """Drops what belongs to the outputs of the job before, and the oldest of the rest."""
        for key in [key for key in self._memory if {"outputs", "clean"} & set(key)]:
            del self._memory[key]
        while len(self._memory) > REMEMBERED:
            del self._memory[next(iter(self._memory))]

    def _solve(self, job: Job, problem: Problem, train: Portraits) -> Solution:
        """A method's images, and where its prior came from."""
        from mystyle.types import Unsupported

        method, task = self.context.methods[job.method], job.part.task
        if isinstance(method, External):
            return self._external(method, job, problem)
        if method.personal and not len(train):
            raise Inapplicable("needs reference photos of the person, which a stranger has not")
        try:
            prior, about = self._prior(job, train)
            if task.verb is None or not isinstance(prior, task.verb):
                wanted = task.verb.__name__ if task.verb else "nothing"
                raise Inapplicable(f"{job.method} does not offer what this task asks for ({wanted})")
            began = time.perf_counter()
            group = partial(self._group, job) if job.together and not job.personal else None
            resources = JobResources(self.domain, self.context.fits, job, group)
            output = task.solve(prior, problem, job.cases, resources)
        except Unsupported as dash:
            raise Inapplicable(str(dash)) from dash
        seconds = {"fit": about.seconds, "restore": time.perf_counter() - began}
        return output, seconds, {"prior": about, "stored_mb": about.megabytes}

    def _external(self, method: External, job: Job, problem: Problem) -> Solution:
        """Images made elsewhere, put into the known pixels; reasons for the cases that have none."""
        import torch

        from mystyle.types import from_uint8

        missing = {
            case.name: f"{method.file(job.person, case)} is missing"
            for case in job.cases
            if not method.file(job.person, case).is_file()
        }
        if len(missing) == len(job.cases):
            raise FileNotFoundError(f"{method.folder / job.person} holds no image of the {len(job.cases)} cases")
        expected = torch.empty(1, 3, self.domain.resolution, self.domain.resolution, device="meta")

        def images() -> Iterator[Image]:
            for i, case in enumerate(job.cases):
                if case.name in missing:
                    continue
                path = method.file(job.person, case)
                image = from_uint8(read_pixels([path]))
                try:
                    check_output(image, expected)
                except OutputError as error:
                    raise OutputError(f"{path}: {error}") from error
                if problem.degradation is not None and problem.degraded is not None:
                    image = problem.degradation[i : i + 1].composite(image, problem.degraded[i : i + 1])
                yield image

        return MethodOutput(images()), {}, {"missing": missing}

    def _reference(self, job: Job, problem: Problem, train: Portraits) -> Solution:
        """A reference row's images."""
        reference = self.context.suite.reference(job.method)
        if reference.needs_other_people and not job.others:
            raise Inapplicable("needs other people in the run")
        others = [self._photos(name, photos) for name, photos in job.others.items()]
        began = time.perf_counter()
        outputs = reference.outputs(problem, others, job.cases)
        return MethodOutput(outputs), {"draw": time.perf_counter() - began} if reference.kind == "factor" else {}, {}

    def _prior(self, job: Job, train: Portraits) -> tuple[Any, records.PriorRecord]:
        """The prior, and for the record: its key, what its fit took and stores, and whether it was there already."""
        method = self.context.methods[job.method]

        def fit() -> Any:
            return method.fit(train, self.domain, seed=job.fit_seed, settings=job.settings)

        def fitted() -> Save:
            prior = fit()

            def save(folder: Path) -> None:
                (folder / "prior").mkdir()
                prior.save(folder / "prior")

            return save

        if job.prior_key is None:
            began = time.perf_counter()
            prior = fit()
            return prior, records.PriorRecord(key=None, seconds=time.perf_counter() - began, megabytes=0.0)
        about = {"method": job.fitted_by, "person": job.prior_of, "seed": job.seed}
        place, now = self.context.fits.make(job.prior_key, fitted, about)
        prior = method.load(place / "prior", train, self.domain, settings=job.settings)
        return prior, records.PriorRecord(key=job.prior_key, **now)

    def _measure(self, job: Job, evaluation: Evaluation) -> list[records.MetricRow]:
        """A row per metric and case, or whatever else the metric counts."""
        names = [case.name for case in evaluation.cases]
        applicable = self.context.suite.reference(job.method).metrics if job.reference else job.metrics
        rows = []
        for name in job.metrics:
            try:
                if name not in applicable:
                    raise Inapplicable("this says nothing of such a row")
                values = self.context.metrics[name].compute(evaluation)
            except Inapplicable as dash:
                rows += [row(job, case, name, status="inapplicable", reason=str(dash)) for case in names]
                continue
            if isinstance(values, Mapping):
                items = {
                    f"{item} | {job.cases[0].name}": value for item, value in values.items()
                }  # unique among the parts
                rows += [row(job, item, name, **_cell(value)) for item, value in items.items()]
            elif tuple(values.shape) != (len(names),):
                raise ValueError(f"metric {name} gave shape {tuple(values.shape)} for {len(names)} images")
            else:
                pairs = zip(names, values.tolist(), strict=True)
                rows += [row(job, case, name, **_cell(value)) for case, value in pairs]
        return rows

    def _held_out(self, job: Job) -> Portraits:
        """The person's held-out photos, and those of the guests, which are named with their person."""
        parts = [self._photos(job.person, job.held_out)]
        for guest in job.part.guests:
            photos = self._photos(guest, job.others[guest])
            parts.append(replace(photos, files=tuple(f"{guest}/{file}" for file in photos.files)))
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _group(self, job: Job) -> Image:
        """The photos that are inverted at once, [n, 3, R, R]."""
        import torch

        return torch.cat([self._photos(who, {file: digest}).images for who, file, digest, _ in job.together])

    def _photos(self, person: str, expected: Mapping[str, str]) -> Portraits:
        """The photos of the plan on the CPU, none for strangers. Raises DataError if they are not those any more."""
        if not expected:
            return _nobody(person, self.domain.resolution)
        parts = []
        for split in dict.fromkeys(file.split("/")[0] for file in expected):
            if (person, split) not in self._read:
                while len(self._read) >= SPLITS_KEPT:
                    del self._read[next(iter(self._read))]
                folder = self.context.folders[person]
                self._read[person, split] = read_portraits(folder, split, self.domain.resolution)
            portraits = self._read[person, split]
            position = {file: i for i, file in enumerate(portraits.files)}
            wanted = [file for file in expected if file.split("/")[0] == split]
            if not all(file in position and portraits.hashes[position[file]] == expected[file] for file in wanted):
                raise DataError(
                    f"the photos in {self.context.folders[person] / split} changed while the run was going on"
                )
            parts.append(portraits if len(wanted) == len(portraits) else portraits[[position[f] for f in wanted]])
        return parts[0] if len(parts) == 1 else _joined(parts)


def record(context: Context, job: Job, status: str, *, seconds: Mapping[str, float], **extra: Any) -> records.Record:
    """record.json of a job."""
    measured: dict[str, Any] = {
        "reason": "",
        "attempts": 1,
        "stored_mb": None,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "environment": dict(context.environment),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return records.Record(**job.description, status=status, **measured | extra)


def record_failure(
    context: Context, job: Job, reason: str, traceback: str, seconds: float, attempt: int = 1
) -> Outcome:
    """How the job ended: done if another process did it meanwhile; else failed, and its record has a row per cell."""
    rows = [row(job, case.name, name, status="failed", reason=reason) for case, name in _cells(job)]
    about = {"reason": reason, "traceback": traceback, "attempts": attempt}
    try:
        with records.job_folder(context.run, job.key) as folder:
            failure = record(context, job, "failed", seconds={"until_failure": seconds}, **about)
            records.write_job(folder, failure, rows)
    except OSError as error:
        return Outcome(job.key, "failed", reason, seconds, unwritable=f"{context.run} cannot be written ({error})")
    if records.is_done(context.run, job.key):
        return Outcome(job.key, "done", "", seconds)
    return Outcome(job.key, "failed", reason, seconds)


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


def read_pixels(paths: Sequence[Path]) -> Tensor:
    """uint8 ``[n, 3, h, w]``."""
    import torch

    pixels = np.stack([image_files.read_pixels(path) for path in paths])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def _supported(batches: Iterable[Image]) -> Iterator[Image]:
    """The batches; what a method cannot do by nature is a dash also where it is told only now."""
    from mystyle.types import Unsupported

    try:
        yield from batches
    except Unsupported as dash:
        raise Inapplicable(str(dash)) from dash


def _rows(problem: Problem, keep: Sequence[int]) -> Problem:
    """The problem of some of its cases."""
    fields = {name: getattr(problem, name) for name in ("clean", "mask", "degraded", "degradation")}
    return replace(problem, **{name: value[keep] for name, value in fields.items() if value is not None})


def _nobody(person: str, resolution: int) -> Portraits:
    """No photos at all."""
    import torch

    from mystyle.types import Portraits

    return Portraits(person, torch.zeros(0, 3, resolution, resolution), (), ())


def _joined(parts: Sequence[Portraits]) -> Portraits:
    """Several sets of photos as one, which has the first one's person and the parameters that all of them have."""
    import torch

    from mystyle.types import Portraits

    names = [name for name in parts[0].parameters if all(name in part.parameters for part in parts)]
    return Portraits(
        parts[0].person,
        torch.cat([part.images for part in parts]),
        tuple(file for part in parts for file in part.files),
        tuple(digest for part in parts for digest in part.hashes),
        {name: torch.cat([part.parameters[name] for part in parts]) for name in names},
    )


def _cells(job: Job) -> list[tuple[Case, str]]:
    """(case, metric) of every row that the job owes."""
    return [(case, name) for name in job.metrics for case in job.cases]


def _cell(value: float) -> dict[str, Any]:
    if np.isfinite(value):
        return {"value": value}
    return {"status": "failed", "reason": "the metric gave no finite number"}
