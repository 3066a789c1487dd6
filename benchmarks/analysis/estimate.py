"""How long jobs will take, estimated from the records of similar jobs: of this run, of its neighbours, or published."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from benchmarks.engine import records
from benchmarks.engine.plan import Job

PUBLISHED = Path(__file__).resolve().parents[2] / "reports" / "results"  # kept with the project


@dataclass(frozen=True)
class Estimate:
    """Seconds of each job by key, None where there is no record of a similar one; and what they are estimated from."""

    seconds: Mapping[str, float | None]
    source: str

    def total(self, workers: int) -> float:
        """Seconds until ``workers`` at a time have done all that can be estimated."""
        known = [seconds for seconds in self.seconds.values() if seconds is not None]
        return max(sum(known) / workers, max(known, default=0.0))


def estimate(jobs: Sequence[Job], run: Path, priors: Path, hardware: str) -> Estimate:
    """``hardware`` is that of this machine; records of other machines serve only where it has none."""
    own = [record for record in _near(run) if record.environment.get("hardware") == hardware]
    history = own or list(_published())
    fits: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    rests: dict[tuple[str, str, str, str], list[float]] = {}
    for record in history:
        if record.status != "done" or not record.seconds or not record.cases:
            continue
        seconds, row = dict(record.seconds), (record.domain, record.method, record.preset)
        if record.prior is not None and record.prior.key and "fit" in seconds:
            fits.setdefault(row, []).append((record.photos_fitted or 0, seconds.pop("fit")))
        rests.setdefault((record.suite, *row), []).append(sum(seconds.values()) / len(record.cases))
    found: dict[str, float | None] = {}
    fitted = {job.prior_key for job in jobs if job.prior_key and (priors / job.prior_key).exists()}
    for job in jobs:
        row = (job.domain, job.method, job.preset)
        rest = rests.get((job.suite, *row))
        total = mean(rest) * len(job.cases) if rest else None  # one job of a group may do what the others find done
        if total is not None and job.prior_key and job.prior_key not in fitted:
            fit = fits.get(row)
            total = total + _nearest(fit, len(job.train)) if fit else None
            fitted.add(job.prior_key)
        found[job.key] = total
    machines = sorted({str(record.environment.get("hardware")) for record in history})
    return Estimate(found, f"{len(history)} records of {', '.join(machines)}" if history else "no record")


def duration(seconds: float) -> str:
    """Two leading units, "45 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _nearest(fits: Sequence[tuple[int, float]], photos: int) -> float:
    """The median time of fits with about as many photos."""
    least = min(abs(n - photos) for n, _ in fits)
    return median(seconds for n, seconds in fits if abs(n - photos) == least)


def _near(run: Path) -> Iterator[records.Record]:
    """Records of the run and of those beside it."""
    for jobs in run.parent.glob("*/jobs"):
        yield from records.all_records(jobs.parent)


def _published() -> Iterator[records.Record]:
    for path in sorted(PUBLISHED.glob(f"*/{records.ARCHIVE}")) + sorted(PUBLISHED.glob(f"faces/*/{records.ARCHIVE}")):
        with contextlib.suppress(records.RecordError):
            yield from records.read_archive(path)
