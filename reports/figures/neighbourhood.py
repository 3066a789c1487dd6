"""An image in the middle, one ring of images near it and one of images far from it: the layout of Figure 3.

Options: ``method``; ``centre``, ``inner`` and ``outer``, the conditions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.figures import Drawing
from reports.figures.style import show
from reports.runs import Run

FACES = True
CELL = 200  # dots
RINGS = ((0.0, 1), (0.22, 8), (0.415, 12))  # radius as a share of the figure's side, images
SIDE = 1300  # dots


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    from matplotlib.figure import Figure

    first = next((case.person for case in run.cases), None)
    rings = []
    for condition, (radius, count) in zip((options["centre"], options["inner"], options["outer"]), RINGS, strict=True):
        cases = [case for case in run.cases if case.person == first and case.condition == condition]
        rings.append((radius, [p for case in cases if (p := case.outputs.get(options["method"]))][:count]))
    if not all(images for _, images in rings):
        return None
    dpi = 240
    figure = Figure(figsize=(SIDE / dpi, SIDE / dpi), dpi=dpi)
    rings_of = figure.add_axes((0, 0, 1, 1))
    rings_of.set(xlim=(0, 1), ylim=(0, 1))
    rings_of.axis("off")
    for radius, images in rings:
        if radius:
            angles = [2 * math.pi * i / 200 for i in range(201)]
            xy = [[0.5 + radius * f(a) for a in angles] for f in (math.cos, math.sin)]
            rings_of.plot(*xy, color="0.75", lw=0.8, ls="-" if radius < 0.3 else "--")
        for i, path in enumerate(images):
            _place(figure, path, radius, 2 * math.pi * i / len(images) + math.pi / 2)
    return Drawing(
        figure,
        f"Person {first}. Solid ring: near the anchor, in P_0. Dashed ring: random codes of W, tuned generator.",
        "Face images around one in the middle, an inner ring of the same person and an outer ring of others.",
    )


def _place(figure: Any, path: Path, radius: float, angle: float) -> None:
    size = CELL / SIDE
    x, y = 0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)
    show(figure.add_axes((x - size / 2, y - size / 2, size, size)), path, CELL)
