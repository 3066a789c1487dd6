"""A small run folder in the format of design.md section 4, made of numbers that a test can recompute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.engine import records

NASTY = "Mean & 100% of photo_#1 | <b>^~{$}\\"  # every character that Markdown, LaTeX or HTML gives a meaning
PEOPLE = ("p01", "p02")
CASES = (("000", "eyes"), ("001", "mouth"), ("002", "eyes"))
SUITE = {
    "suite": "inpainting",
    "title": "Personalised inpainting",
    "version": 1,
    "paper": "Table 2, Figure 9",
    "conditions": [{"name": "", "title": "", "level": None}],
    "figures": [
        {
            "kind": "grid",
            "name": "inpainting",
            "caption": "As Figure 9.",
            "columns": ["mean_photo", "diffaugment", "mystyle", "held_out"],
        }
    ],
    "metrics": [
        {
            "name": "maps",
            "label": "MAPS",
            "description": "Similarity to the person.",
            "higher_is_better": True,
            "range": [-1, 1],
            "unit": "",
            "shares_network_with_loss": True,
        },
        {
            "name": "hole",
            "label": "Hole distance",
            "description": "Distance inside the hole.",
            "higher_is_better": False,
            "range": [0, None],
            "unit": "grey levels",
            "shares_network_with_loss": False,
        },
    ],
    "methods": [
        {"name": "comodgan", "title": "CoModGAN", "kind": "published"},
        {"name": "diffaugment", "title": "DiffAugment", "kind": "method"},
        {"name": "mystyle", "title": "MyStyle", "kind": "method"},
        {"name": "mean_photo", "title": NASTY, "kind": "floor"},
        {"name": "held_out", "title": "Held-out photos", "kind": "ceiling"},
    ],
    "published": {
        "comodgan": {"maps": {"mean": 0.55, "std": 0.08}},
        "diffaugment": {"maps": {"mean": 0.68, "std": 0.09}},
        "mystyle": {"maps": {"mean": 0.72, "std": 0.08}},
    },
    "published_source": "Table 2 of the MyStyle paper",
}
LEVEL = {"diffaugment": 0.4, "mystyle": 0.6, "mean_photo": 0.95, "held_out": 0.97}  # the floor must not win
FAILED = ("diffaugment", "p02", "002")  # its MAPS has no number


def write_run(folder: Path) -> Path:
    """Writes the run and returns ``folder``; equal calls write equal bytes."""
    rng = np.random.default_rng(0)
    keys = [_write_job(folder, method, person, level, rng) for method, level in LEVEL.items() for person in PEOPLE]
    records.write_json(folder / "suite.json", SUITE | {"jobs": keys})
    records.write_json(folder / "environment.json", {"commit": "0123456789abcdef", "dirty": True})
    (folder / "config.yaml").write_text("suite: inpainting\n")
    results = pd.concat([records.read_rows(folder, key) for key in keys])
    results.to_csv(folder / "results.csv", index=False)
    _summary(results).to_csv(folder / "summary.csv", index=False)
    return folder


def _write_job(folder: Path, method: str, person: str, level: float, rng: np.random.Generator) -> str:
    key = f"{method}-{person}"
    record = {
        "schema": records.SCHEMA,
        "key": key,
        "suite": "inpainting",
        "suite_version": 1,
        "method": method,
        "method_version": 1,
        "person": person,
        "seed": 0,
        "condition": "",
        "level": None,
        "prior_of": person,
        "attempts": 1,
        "stored_mb": 3.5,
        "status": "done",
        "reason": "",
        "settings": {},
        "preset": "smoke",
        "domain": "synthetic",
        "metrics": {"maps": 1, "hole": 1},
        "cases": [{"case": case, "image": f"test/{case}.png", "mask": mask} for case, mask in CASES],
        "seconds": {"fit": 12.0 + PEOPLE.index(person), "restore": 6.0, "score": 0.5},
        "peak_memory_mb": 800.0 + PEOPLE.index(person),
        "weights": {},
        "photos": {},
        "environment": {},
        "created": "2026-01-01T00:00:00+00:00",
    }
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


def _summary(results: pd.DataFrame) -> pd.DataFrame:
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
                "p_value": 0.2 if method == "diffaugment" else None,
                "tied_with_best": metric == "hole" and method in ("diffaugment", "mystyle"),
                "published": SUITE["published"].get(method, {}).get(metric, {}).get("mean"),
            }
        )
    return pd.DataFrame(rows)
