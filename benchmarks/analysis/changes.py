"""What has changed since a result was made, by hash, version and setting: why a job like it is not done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.api.registry import METHODS, METRICS, SUITES
from benchmarks.api.suite import Variant
from benchmarks.engine import records
from benchmarks.engine.plan import Job
from benchmarks.engine.records import JobRecord, SuiteRecord, flat
from mystyle.files import printable


def changes(run: Path, jobs: Sequence[Job], plan: Sequence[Job]) -> list[str]:
    """Sentences about what ``jobs`` have not in common with the latest results in ``run`` that they would replace.

    Results that the ``plan`` has a use for are replaced by none.
    """
    latest: dict[tuple[Any, ...], JobRecord] = {}
    used = {job.key for job in plan}
    for record in sorted(records.all_records(run), key=lambda record: record.created):
        if record.key not in used:
            latest[_like(record)] = record
    found: Counter[str] = Counter()
    for now in (JobRecord(**job.description) for job in jobs):
        before = latest.get(_like(now))
        if before is not None:
            found.update(differences(before, now) or ["an unrecorded setting"])
    return counted(found)


def _like(job: JobRecord) -> tuple[Any, ...]:
    """What makes two jobs comparable."""
    return job.suite, job.method, job.person, job.seed, job.condition, job.prior_of, job.domain


def counted(found: Counter[str]) -> list[str]:
    """Sentences with the number of jobs that each is true of, the most frequent first."""
    return [printable(f"{what} ({count} job{'s' * (count > 1)})") for what, count in found.most_common()]


def differences(before: JobRecord, now: JobRecord) -> list[str]:
    """What decides results and differs between two jobs."""
    method, suite = f"{now.method}: ", f"suite {now.suite}: "
    known = before if before.fitted_by or before.params else now  # older records hold neither
    return [
        *_moved(suite, {"version": before.suite_version}, {"version": now.suite_version}),
        *_moved(method, {"version": before.method_version}, {"version": now.method_version}),
        *_moved(method, {"fitted_by": known.fitted_by}, {"fitted_by": now.fitted_by}),
        *_moved(method, dict(flat(before.settings)), dict(flat(now.settings))),
        *_moved(suite, dict(flat(known.params)), dict(flat(now.params))),
        *_moved("metric ", before.metrics, now.metrics),
        *_files("weight file", before.weights, now.weights),
        *_photos(before.photos, now.photos),
        *([] if _cases(before) == _cases(now) else [f"{suite}the cases"]),
    ]


def _moved(prefix: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *now]):
        if name not in before or name not in now or before[name] != now[name]:
            yield f"{prefix}{name} {before.get(name, 'absent')} → {now.get(name, 'absent')}"


def _files(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name):
            how = "is new" if name not in before else "is gone" if name not in now else "has changed"
            yield f"{what} {name} {how}"


def _photos(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """A sentence per person whose photos changed."""
    people = dict.fromkeys(name.split("/")[0] for name in [*before, *now])
    for person in people:
        old, new = ({n: d for n, d in photos.items() if n.startswith(f"{person}/")} for photos in (before, now))
        changed = sum(old[name] != new[name] for name in old.keys() & new.keys())
        counts = {"changed": changed, "new": len(new.keys() - old.keys()), "gone": len(old.keys() - new.keys())}
        if any(counts.values()):
            yield f"photos of {person}: " + ", ".join(f"{n} {how}" for how, n in counts.items() if n)


def _cases(job: JobRecord) -> list[tuple[Any, ...]]:
    """What all schemas have of a case."""
    return [(case.case, case.image, case.mask, case.mask_seed, case.seed) for case in job.cases]


def superseded(run: SuiteRecord, of: Iterable[JobRecord]) -> set[str]:
    """What of a run's records has another version in this checkout: methods, metrics, or "the suite"."""
    suite = SUITES.load(run.name)
    found = set() if suite.version == run.version else {"the suite"}
    methods: set[tuple[str, int]] = set()
    metrics: set[tuple[str, int]] = set()
    for record in of:
        metrics.update(record.metrics.items())
        if not record.reference:
            row = suite.rows.get(record.method)
            methods.add((row.method if isinstance(row, Variant) else record.method, record.method_version))
    for registry, versions in ((METHODS, methods), (METRICS, metrics)):
        known = set(registry.names())
        found |= {name for name, version in versions if name in known and registry.load(name).version != version}
    return found
