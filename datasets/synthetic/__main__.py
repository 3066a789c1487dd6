"""``python -m datasets.synthetic population|people|gallery``: write the synthetic domain's photos, or look at them."""

from __future__ import annotations

from pathlib import Path


def population(
    out: Path, identities: int = 2000, photos: int = 14, resolution: int = 64, seed: int = 0, workers: int = 2
):
    """Renders the training population.

    Args:
        out: folder to write
        identities: number of people
        photos: photos of each person
        resolution: pixels a side
        seed: which population
        workers: processes
    """
    from rich.progress import Progress

    from datasets.synthetic.population import write_population

    if (out / "manifest.csv").is_file():
        raise SystemExit(f"--out {out}: there is a population already; name another folder or remove it")
    with Progress() as progress:
        task = progress.add_task("population", total=identities * photos)
        for done in write_population(out, identities, photos, resolution, seed, workers):
            progress.update(task, completed=done)


def people(out: Path, resolution: int = 64):
    """Renders the benchmark's people p01 to p13.

    Args:
        out: folder to write, one folder per person inside
        resolution: pixels a side
    """
    from rich.progress import track

    from datasets.splits import SYNTHETIC
    from datasets.synthetic.people import write_person

    for person in track(SYNTHETIC, description="people"):
        write_person(person.name, out, resolution)


def gallery(out: Path, rows: int = 6, columns: int = 10, resolution: int = 128, seed: int = 0):
    """Draws a grid: one person per row, one photo per column.

    Args:
        out: PNG file to write
        rows: people
        columns: photos of each person
        resolution: pixels a side of one photo
        seed: which people
    """
    import torch

    from datasets.synthetic.album import encode_png
    from datasets.synthetic.parameters import album_scores, person_scores
    from datasets.synthetic.renderer import render
    from mystyle.types import to_uint8

    generator = torch.Generator().manual_seed(seed)
    albums = [album_scores(*person_scores(generator), columns, generator) for _ in range(rows)]
    images = to_uint8(render(torch.cat(albums), resolution))
    grid = images.unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    out.write_bytes(encode_png(grid))


if __name__ == "__main__":
    from jsonargparse import auto_cli

    auto_cli([population, people, gallery], as_positional=False)
