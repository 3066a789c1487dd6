"""``python -m datasets.portraits gallery|sweep|parameters``: look at the portraits, and at what they are made of."""

from __future__ import annotations

from pathlib import Path


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

    from datasets.portraits.parameters import album_scores, person_scores

    generator = torch.Generator().manual_seed(seed)
    albums = [album_scores(*person_scores(generator), columns, generator) for _ in range(rows)]
    _draw_grid(out, torch.stack(albums), resolution)


def sweep(out: Path, parameter: str, rows: int = 4, columns: int = 9, resolution: int = 128, seed: int = 0):
    """Draws one parameter over its range, all else fixed: one person per row, low to high from left to right.

    Args:
        out: PNG file to write
        parameter: which one; the command parameters lists them
        rows: people
        columns: steps from the lowest to the highest value
        resolution: pixels a side of one photo
        seed: which people
    """
    import torch

    from datasets.portraits.parameters import NAMES, PARAMETERS, album_scores, person_scores, score_at

    if parameter not in NAMES:
        raise SystemExit(f"--parameter {parameter}: there is no such parameter; there are {', '.join(NAMES)}")
    i = NAMES.index(parameter)
    generator = torch.Generator().manual_seed(seed)
    people = torch.stack([album_scores(*person_scores(generator), 1, generator)[0] for _ in range(rows)])
    scores = people[:, None].repeat(1, columns, 1)
    scores[:, :, i] = torch.tensor([score_at(PARAMETERS[i], k / max(columns - 1, 1)) for k in range(columns)])
    _draw_grid(out, scores, resolution)


def parameters(card: Path | None = None):
    """Prints the table of parameters, or writes it into a data card.

    Args:
        card: Markdown file whose part between the two marks <!-- parameters --> is replaced
    """
    from datasets.portraits.parameters import markdown

    if card is None:
        print(markdown())
        return
    before, _, after = card.read_text().split(MARK)
    card.write_text(f"{before}{MARK}\n\n{markdown()}\n{MARK}{after}")


MARK = "<!-- parameters -->"


def _draw_grid(out: Path, scores, resolution: int) -> None:
    """Renders scores [rows, columns, P] to one PNG file."""
    from datasets.portraits.renderer import render
    from datasets.synthetic.album import encode_png
    from mystyle.types import to_uint8

    images = to_uint8(render(scores.flatten(0, 1), resolution)).unflatten(0, scores.shape[:2])
    out.write_bytes(encode_png(images.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)))


if __name__ == "__main__":
    from jsonargparse import auto_cli

    auto_cli([gallery, sweep, parameters], as_positional=False)
