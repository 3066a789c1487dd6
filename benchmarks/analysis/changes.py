"""Why a job is not done although there is a result like it: what has changed since, by hash, version and setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine import records
from benchmarks.engine.plan import Job

SAME = ("suite", "method", "person", "seed", "condition", "prior_of", "domain")  # what makes two jobs comparable


def changes(run: Path, jobs: Sequence[Job]) -> list[str]:
    """Sentences about what ``jobs`` have not in common with the latest results in ``run`` that they would replace."""
    latest: dict[tuple[Any, ...], records.Record] = {}
    for record in sorted(records.all_records(run), key=lambda record: record["created"]):
        latest[tuple(record[name] for name in SAME)] = record
    found: Counter[str] = Counter()
    for job in jobs:
        now = job.description
        before = latest.get(tuple(now[name] for name in SAME))
        if before is not None and before["key"] != now["key"]:
            found.update(differences(before, now) or ["something that records do not tell"])
    return counted(found)


def counted(found: Counter[str]) -> list[str]:
    """Sentences with the number of jobs that each is true of, the most frequent first."""
    return [f"{what} ({count} job{'s' * (count > 1)})" for what, count in found.most_common()]


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What decides results and differs between two records, or descriptions of jobs."""
    method, suite = now["method"], now["suite"]
    return [
        *_moved(f"suite {suite}: ", {"version": before["suite_version"]}, {"version": now["suite_version"]}),
        *_moved(f"{method}: ", {"version": before["method_version"]}, {"version": now["method_version"]}),
        *_moved(f"{method}: ", dict(_flat(before["settings"])), dict(_flat(now["settings"]))),
        *_moved("metric ", before["metrics"], now["metrics"]),
        *_files("weight file", before["weights"], now["weights"]),
        *_photos(before["photos"], now["photos"]),
        *([] if _cases(before) == _cases(now) else [f"suite {suite}: the cases"]),
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


def _cases(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fields that old records lack are left out."""
    return [
        {name: case.get(name) for name in ("case", "image", "mask", "mask_seed", "seed")} for case in record["cases"]
    ]


def _flat(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as dotted names."""
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            yield from _flat(value, f"{prefix}{name}.")
    else:
        yield prefix.rstrip("."), settings
