"""Figures in few bytes: lines stay as they are, images become JPEG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from reports.compact import LARGE, compact
from reports.html import embedded


def test_small_figures_stay_as_they_are(tmp_path):
    Image.new("RGB", (64, 64), "white").save(tmp_path / "lines.png")
    assert compact(tmp_path / "lines.png") == ("png", (tmp_path / "lines.png").read_bytes())
    assert embedded(tmp_path / "lines").startswith("data:image/png;base64,")


def test_large_figures_are_jpegs_that_look_alike(tmp_path):
    y, x = np.mgrid[:600, :600] / 20
    noise = np.random.default_rng(0).normal(0, 2, (600, 600, 3))
    pixels = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], -1) * 100 + 128 + noise
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "faces.png")
    before = (tmp_path / "faces.png").read_bytes()
    kind, content = compact(tmp_path / "faces.png")
    assert kind == "jpeg" and len(content) < LARGE < len(before)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (600, 600)
        assert np.abs(np.asarray(image, float) - pixels).mean() < 5  # noise of 2, and colours at half the resolution
    assert embedded(tmp_path / "faces").startswith("data:image/jpeg;base64,")
