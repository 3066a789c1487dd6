"""A small run folder, made of numbers that a test can recompute."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.api.published import Published
from benchmarks.engine import records
from benchmarks.engine.records import (
    CaseRecord,
    ConditionRecord,
    FigureRecord,
    MetricRecord,
    Record,
    RowRecord,
    SuiteRecord,
)

NASTY = "Mean & 100% of photo_#1 | <b>^~{$}\\"  # every character that Markdown, LaTeX or HTML gives a meaning
PEOPLE = ("p01", "p02")
CASES = (("000", "eyes"), ("001", "mouth"), ("002", "eyes"))
SUITE = SuiteRecord(
    name="inpainting",
    title="Personalised inpainting",
    paper="Table 2, Figure 9",
    conditions=(ConditionRecord(name=""),),
    figures=(
        FigureRecord(
            kind="grid",
            name="inpainting",
            caption="As Figure 9.",
            options={"columns": ["mean_photo", "diffaugment", "mystyle", "held_out"]},
        ),
    ),
    metrics=(
        MetricRecord(
            name="maps",
            label="MAPS",
            description="Similarity to the person.",
            higher_is_better=True,
            range=(-1, 1),
            shares_network_with_loss=True,
        ),
        MetricRecord(
            name="hole",
            label="Hole distance",
            description="Distance inside the hole.",
            higher_is_better=False,
            range=(0, None),
            unit="grey levels",
        ),
    ),
    methods=(
        RowRecord(name="comodgan", title="CoModGAN", kind="published"),
        RowRecord(name="diffaugment", title="DiffAugment", kind="method"),
        RowRecord(name="mystyle", title="MyStyle", kind="method"),
        RowRecord(name="mean_photo", title=NASTY, kind="floor"),
        RowRecord(name="held_out", title="Held-out photos", kind="ceiling"),
    ),
    published=(
        Published(
            "Table 2 of the MyStyle paper",
            {
                "comodgan": {"maps": (0.55, 0.08)},
                "diffaugment": {"maps": (0.68, 0.09)},
                "mystyle": {"maps": (0.72, 0.08)},
            },
        ),
    ),
    jobs=(),
)
LEVEL = {"diffaugment": 0.4, "mystyle": 0.6, "mean_photo": 0.95, "held_out": 0.97}  # the floor must not win
FAILED = ("diffaugment", "p02", "002")  # its MAPS has no number


def write_run(folder: Path) -> Path:
    """Writes the run and returns ``folder``; equal calls write equal bytes."""
    rng = np.random.default_rng(0)
    keys = [_write_job(folder, method, person, level, rng) for method, level in LEVEL.items() for person in PEOPLE]
    records.write_suite(folder, replace(SUITE, jobs=tuple(keys)))
    records.write_json(folder / "environment.json", {"commit": "0123456789abcdef", "dirty": True})
    (folder / "config.yaml").write_text("suite: inpainting\n")
    return folder


def change_suite(folder: Path, **changes: Any) -> None:
    """Writes the run's suite.json with other fields."""
    records.write_suite(folder, replace(records.read_suite(folder), **changes))


def change_record(path: Path, **changes: Any) -> None:
    """Writes other JSON values into a record.json."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def make_record(key: str, **changes: Any) -> Record:
    """A record of a job that is done."""
    common: dict[str, Any] = {
        "key": key,
        "suite": "inpainting",
        "suite_version": 1,
        "method": "mystyle",
        "fitted_by": "mystyle",
        "method_version": 1,
        "reference": False,
        "person": "p01",
        "seed": 0,
        "settings": {},
        "params": {},
        "preset": "smoke",
        "domain": "synthetic",
        "metrics": {"maps": 1, "hole": 1},
        "cases": (),
        "condition": "",
        "level": None,
        "kept": None,
        "prior_of": "p01",
        "train": None,
        "others": (),
        "weights": {},
        "photos": {},
        "status": "done",
        "reason": "",
        "attempts": 1,
        "seconds": {},
        "stored_mb": None,
        "environment": {},
        "created": "2026-01-01T00:00:00+00:00",
    }
    return Record(**common | changes)


def _write_job(folder: Path, method: str, person: str, level: float, rng: np.random.Generator) -> str:
    key = f"{method}-{person}"
    record = make_record(
        key,
        method=method,
        person=person,
        prior_of=person,
        stored_mb=3.5,
        cases=tuple(CaseRecord(case=case, image=f"test/{case}.png", mask=mask) for case, mask in CASES),
        seconds={"fit": 12.0 + PEOPLE.index(person), "restore": 6.0, "score": 0.5},
        peak_memory_mb=800.0 + PEOPLE.index(person),
    )
    rows = []
    with records.job_folder(folder, key) as job:
        for case, _ in CASES:
            for name in (f"{case}.png", f"{case}.input.png"):
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(job / "images" / name)
            for metric, centre in (("maps", level), ("hole", 1 - level)):
                failed = (method, person, case) == FAILED and metric == "maps"
                value = "" if failed else centre + 0.02 * rng.standard_normal()
                status, reason = ("failed", "no <face> found") if failed else ("done", "")
                cell = ("inpainting", method, person, case, 0, metric, value, status, reason)
                rows.append(dict(zip(records.COLUMNS, cell, strict=True)))
        records.write_job(job, record, rows)
    return key


def summary_of(results: pd.DataFrame) -> pd.DataFrame:
    """A made-up summary: with ties and p values that these numbers do not have."""
    rows = []
    for (method, metric), cell in results.groupby(["method", "metric"]):
        value = cell["value"].dropna()
        rows.append(
            {
                "suite": "inpainting",
                "condition": "",
                "method": method,
                "metric": metric,
                "mean": value.mean(),
                "std": value.std(),
                "ci_low": value.mean() - 0.01,
                "ci_high": value.mean() + 0.01,
                "n_images": len(value),
                "n_people": cell["person"].nunique(),
                "unit": "photos" if method in ("diffaugment", "mystyle") else "",
                "p_value": 0.2 if method == "diffaugment" else None,
                "tied_with_best": metric == "hole" and method in ("diffaugment", "mystyle"),
                "published": "",
            }
        )
    return pd.DataFrame(rows)
