"""The whole way from an album to a page: a prior is tuned and sampled, and fills holes of held-out photos."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import PIL.Image

from mystyle import domains
from mystyle.files import printable, write_whole
from mystyle.latents.subspace import SamplingSettings
from mystyle.workbench.albums import PERSON
from mystyle.workbench.commands import SHEET, Bench, inpaint_images, require, sample_prior, tune_photos
from mystyle.workbench.outputs import claim

PAGE, MASK = "index.html", "mask.png"
PRIOR, SAMPLES, INPAINTED = "prior", "samples", "inpainted"
HOLE = (0.4, 0.25, 0.9, 0.75)  # top, left, bottom, right: nose, mouth and chin, in shares of the side
KEPT, REJECTED = "kept.png", "rejected.png"  # contact sheets of the person's folder


def album_to_page(
    album: Path, out: Path, domain: str, preset: str, samples: int, least_pixels: float | None, seed: int, device: str
) -> None:
    """Writes the folders of ``tune``, ``sample`` and ``inpaint`` and a page into ``out``. Raises ValueError as they do.

    Portraits that are aligned already have no held-out photos; then nothing is inpainted.
    """
    require("samples", samples, 1)
    claim(out, "album", [PAGE, MASK, PRIOR, SAMPLES, INPAINTED], album)
    tune_photos(album, out / PRIOR, domain, preset, None, "encode", True, least_pixels, seed, device)
    sample_prior(out / PRIOR, out / SAMPLES, samples, SamplingSettings(), seed, device)
    person = out / PRIOR / PERSON
    if (person / "test").is_dir():
        write_whole(out / MASK, lambda path: hole(domains.source(domain).resolution).save(path))
        bench = Bench.read(out / PRIOR, preset, device)
        inpaint_images(person / "test", out / MASK, out / INPAINTED, "poisson", bench)  # no seam where light differs
    write_whole(out / PAGE, lambda path: path.write_text(page(out, album.name), encoding="utf-8"))
    print(f"{out / PAGE}: the page")


def hole(resolution: int) -> PIL.Image.Image:
    """A mask, black where ``HOLE`` is."""
    mask = np.full((resolution, resolution), 255, np.uint8)
    top, left, bottom, right = (round(share * resolution) for share in HOLE)
    mask[top:bottom, left:right] = 0
    return PIL.Image.fromarray(mask)


def page(out: Path, title: str) -> str:
    """HTML that shows those of the sheets that are there, by relative links."""
    sheets = {
        f"{PRIOR}/{PERSON}/{KEPT}": "Photos that were kept",
        f"{PRIOR}/{PERSON}/{REJECTED}": "Photos that were not, and why",
        f"{PRIOR}/{SHEET}": "The photos, what the generator makes of their codes, and what the tuned one does",
        f"{SAMPLES}/{SHEET}": "New images of the person",
        f"{INPAINTED}/{SHEET}": "Held-out photos with a hole, and how it was filled",
    }
    parts = [
        f'<h2>{text}</h2><a href="{file}"><img src="{file}" alt="{text}"></a>'
        for file, text in sheets.items()
        if (out / file).is_file()
    ]
    name = html.escape(printable(title))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>'
        "<style>body{font:16px sans-serif;max-width:70em;margin:2em auto;padding:0 1em}img{max-width:100%}</style>"
        f"<h1>{name}</h1><p>Generated images of a person: keep them as carefully as the photos, and label what you "
        f"show. <a href='{PRIOR}/README.md'>What the prior was made of.</a></p>{''.join(parts)}</html>\n"
    )
