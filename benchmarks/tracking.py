"""Mirrors a run into Weights & Biases. The only importer of wandb.

The files of a run are the truth, the mirror can be made again from them: one W&B run per job, its id the job's key, all
of them in the group of the suite run. Mirroring happens once, after the jobs, because it then costs a tenth of a second
per job and no worker waits for it. What has been mirrored is noted beside it and is not sent twice.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from benchmarks import records

Mode = Literal["offline", "online", "disabled"]
PROJECT = "mystyle-bench"
PICTURES = 8  # per job


class TrackingError(RuntimeError):
    """Mirroring did not work; the run itself is not touched by it."""


def mirror(run: Path, mode: Mode) -> int:
    """Mirrors the run's records that changed since the last time; returns how many.

    Everything goes to ``run/wandb``; "offline" can be uploaded later by ``wandb sync``. Raises TrackingError.
    """
    folder = run / "wandb"
    noted = folder / f"mirrored-{mode}.json"
    mirrored = records.read_json(noted, "delete it") if noted.is_file() else {}
    new = [record for record in records.read_records(run) if mirrored.get(record["key"]) != record["created"]]
    if mode == "disabled" or not new:
        return 0
    folder.mkdir(exist_ok=True)
    try:
        with _own_settings(folder):
            import wandb

            for record in new:
                _mirror_job(wandb, run, record, mode)
                mirrored = {**mirrored, record["key"]: record["created"]}
    except Exception as error:  # whatever a network or a foreign package can come up with
        raise TrackingError(f"W&B mirror: {type(error).__name__}: {error}") from error
    finally:
        records.write_json(noted, mirrored)
    return len(new)


def _mirror_job(wandb: Any, run: Path, record: records.Record, mode: Mode) -> None:
    rows = records.read_rows(run, record["key"])
    means = rows[rows["status"] == "done"].groupby("metric")["value"].mean()
    config = ("suite", "suite_version", "method", "method_version", "person", "seed", "preset", "domain", "settings")
    tracked = wandb.init(
        project=PROJECT,
        dir=str(run),
        mode=mode,
        id=record["key"],
        resume="allow",  # the same job again is the same run, not another one
        name=f"{record['method']}-{record['person']}-{record['seed']}",
        group=run.name,
        job_type=record["method"],
        tags=[record["suite"], record["preset"], record["domain"], record["person"], record["status"]],
        config={name: record[name] for name in config} | {"environment": record["environment"]},
        settings=wandb.Settings(
            silent=True, console="off", save_code=False, disable_git=True, x_disable_stats=True, x_disable_meta=True
        ),
    )
    pictures = [(c["case"], run / "jobs" / record["key"] / "images" / f"{c['case']}.png") for c in record["cases"]]
    pictures = [(case, path) for case, path in pictures if path.is_file()][:PICTURES]
    if pictures:
        tracked.log({"outputs": [wandb.Image(str(path), caption=case) for case, path in pictures]})
    tracked.summary.update(
        {"status": record["status"], "reason": record["reason"], "peak_memory_mb": record.get("peak_memory_mb")}
        | {f"seconds/{stage}": seconds for stage, seconds in record["seconds"].items()}
        | {f"metrics/{name}": mean for name, mean in means.items()}
    )
    tracked.finish(exit_code=0 if record["status"] == "done" else 1)


@contextlib.contextmanager
def _own_settings(folder: Path) -> Iterator[None]:
    """W&B reads its folders and its verbosity from the environment; they are ours inside the block only."""
    ours = {"WANDB_DIR": str(folder.parent), "WANDB_SILENT": "true", "WANDB_CACHE_DIR": str(folder / "cache")}
    ours["WANDB_DATA_DIR"] = str(folder / "data")
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
