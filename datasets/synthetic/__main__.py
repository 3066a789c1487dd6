"""``python -m datasets.synthetic population|people|strangers|gallery|sweep|parameters``: portraits, written or seen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from mystyle.progress import status_of

MARK = "<!-- parameters -->"
CORES = os.cpu_count() or 1
Family = Literal["narrow", "wide"]  # as in parameters, which imports torch


def population(
    out: Path,
    identities: int = 2000,
    photos: int = 12,
    resolution: int = 128,
    seed: int = 0,
    workers: int = CORES,
    family: Family = "narrow",
):
    """Renders a population to train on (or, with another seed, to measure on).

    Args:
        out: folder to write
        identities: number of people
        photos: photos of each person
        resolution: pixels a side
        seed: which population
        workers: processes
        family: narrow, what generators and encoders are trained on; wide, like the benchmark's people, for judges
    """
    from rich.progress import Progress

    from datasets.synthetic.population import write_population

    if (out / "manifest.csv").is_file():
        raise ValueError(f"--out {out}: there is a population already; name another folder or remove it")
    with Progress() as progress:
        task = progress.add_task("population", total=identities * photos)
        for done in write_population(out, identities, photos, resolution, seed, workers, family):
            progress.update(task, completed=done)


def people(out: Path, resolution: int = 128, workers: int = CORES):
    """Renders the benchmark's people p01 to p13.

    Args:
        out: folder to write, one folder per person inside
        resolution: pixels a side
        workers: processes
    """
    from rich.progress import track

    from datasets.splits import SYNTHETIC
    from datasets.synthetic.people import write_people

    names = [person.name for person in SYNTHETIC]
    for _ in track(write_people(names, out, resolution, workers), description="people", total=len(names)):
        pass


def strangers(out: Path, count: int = 2000, resolution: int = 128, workers: int = CORES):
    """Renders one photo each of the last strangers, s9999 and before, who take no part in suites.

    Args:
        out: folder to write, one folder per person inside
        count: how many
        resolution: pixels a side
        workers: processes
    """
    from rich.progress import track

    from datasets.synthetic.people import LAST_STRANGER, write_people

    names = [f"s{i:04d}" for i in range(LAST_STRANGER + 1 - count, LAST_STRANGER + 1)]
    for _ in track(write_people(names, out, resolution, workers), description="strangers", total=len(names)):
        pass


def gallery(
    out: Path, rows: int = 6, columns: int = 10, resolution: int = 128, seed: int = 0, family: Family = "narrow"
):
    """Renders a grid: one person per row, one photo per column.

    Args:
        out: PNG file to write
        rows: people
        columns: photos of each person
        resolution: pixels a side of one photo
        seed: which people
        family: of the people, as in population
    """
    import torch

    from datasets.synthetic.population import population

    _draw_grid(out, torch.stack([album for _, album in population(rows, columns, seed, family)]), resolution)


def sweep(out: Path, parameter: str, rows: int = 4, columns: int = 9, resolution: int = 128, seed: int = 0):
    """Renders one parameter over its range, all else fixed: one person per row, low to high from left to right.

    Args:
        out: PNG file to write
        parameter: which one; the command parameters lists them
        rows: people
        columns: steps from the lowest to the highest value
        resolution: pixels a side of one photo
        seed: which people
    """
    import torch

    from datasets.synthetic.parameters import NAMES, PARAMETERS, album_scores, person_scores, score_at

    if parameter not in NAMES:
        raise ValueError(f"--parameter {parameter}: there is no such parameter; there are {', '.join(NAMES)}")
    i = NAMES.index(parameter)
    generator = torch.Generator().manual_seed(seed)
    people = torch.stack([album_scores(*person_scores(generator), 1, generator)[0] for _ in range(rows)])
    scores = people[:, None].repeat(1, columns, 1)
    scores[:, :, i] = score_at(PARAMETERS[i], torch.linspace(0, 1, columns))
    _draw_grid(out, scores, resolution)


def parameters(card: Path | None = None):
    """Prints the table of parameters, or writes it into a data card.

    Args:
        card: Markdown file whose part between the two marks <!-- parameters --> is replaced
    """
    from datasets.synthetic.parameters import markdown

    if card is None:
        print(markdown())
        return
    before, _, after = card.read_text().split(MARK)
    card.write_text(f"{before}{MARK}\n\n{markdown()}\n{MARK}{after}")


def _draw_grid(out: Path, scores, resolution: int) -> None:
    """Renders scores [rows, columns, P] to one PNG file. Raises ValueError if it would have no folder."""
    if not out.parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.parent}")
    from datasets.synthetic.album import encode_png
    from datasets.synthetic.renderer import render
    from mystyle.types import to_uint8

    images = to_uint8(render(scores.flatten(0, 1), resolution)).unflatten(0, scores.shape[:2])
    out.write_bytes(encode_png(images.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)))


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status, see ``mystyle.progress.status_of``."""
    from jsonargparse import auto_cli

    commands: list[Callable[..., Any] | type] = [population, people, strangers, gallery, sweep, parameters]
    return status_of(
        "synthetic",
        lambda: auto_cli(commands, args=arguments, prog="python -m datasets.synthetic", as_positional=False),
        "what was written is kept",
    )


if __name__ == "__main__":
    sys.exit(main())
