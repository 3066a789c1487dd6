"""What photographs cost: ``python -m benchmarks.speed --what photographs [--album FOLDER]``.

Three tables: the generator of the domain ``faces`` beside a StyleGAN2 of the official widths; with a raw album of one
person's photos every stage from the album to a projection; and how much longer tunings find of the person in photos
that they have not seen, from which the domain's number of passes was chosen.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmarks.engine.provenance import peak_memory_mb, reset_peak_memory
from benchmarks.speed.method import holes, timed
from benchmarks.speed.networks import PASSES, has_bfloat16, make_step, seconds_of
from datasets.folders import read_portraits
from mystyle import domains
from mystyle.degradations import Identity
from mystyle.domains.domain import Domain
from mystyle.identity import identities_of, template_of
from mystyle.latents.anchors import Anchors, encode_anchors
from mystyle.memory import keep_freed_memory
from mystyle.networks import mobilestylegan, stylegan2
from mystyle.precision import Precision, set_precision
from mystyle.prior import METHOD, Settings
from mystyle.projection import ProjectionSettings, project
from mystyle.tuning import tune
from mystyle.types import Image

DOMAIN = "faces"
SIZES = (256, 1024)
BATCHES = {256: 4, 1024: 1}
AT_ONCE = 16  # photos projected
BETA = 0.02


@dataclass(frozen=True)
class Figure:
    """One line of the table of generators."""

    network: str  # a key of NETWORKS
    size: int
    precision: Precision
    device: str
    seconds: float


NETWORKS: dict[str, Callable[[int], mobilestylegan.MobileGenerator | stylegan2.Generator]] = {
    "MobileStyleGAN": lambda size: mobilestylegan.MobileGenerator(size),
    "StyleGAN2": lambda size: stylegan2.Generator(size, channel_base=32768 if size >= 512 else 16384),
}


def measure(
    album: Path | None, least_pixels: float | None, lengths: Sequence[int], preset: str, device: str, seconds: float
) -> dict[str, pd.DataFrame]:
    """The tables by name; without an album the generators alone. Raises AlbumError or DomainError."""
    found = {"generators": generators(device, seconds)}
    if album is not None:
        found |= of_album(album, least_pixels, lengths, preset, device)
    return found


def generators(device: str, seconds: float) -> pd.DataFrame:
    """Seconds an image of every pass, each network in a process of its own, with random weights: speed is the same."""
    precisions: tuple[Precision, ...] = ("float32", "bfloat16") if has_bfloat16(device) else ("float32",)
    cases = [Figure(name, size, p, device, seconds) for size in SIZES for name in NETWORKS for p in precisions]
    rows = []
    for case in cases:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(passes, case).result())
    return pd.DataFrame(rows)


def passes(case: Figure) -> dict[str, Any]:
    """Times a generator in this process."""
    keep_freed_memory()
    torch.manual_seed(0)
    g = NETWORKS[case.network](case.size).eval().to(case.device)
    set_precision(g, case.precision)
    batch = BATCHES[case.size]
    with torch.no_grad():
        ws = g.mapping(torch.randn(batch, g.z_dim, device=case.device))
    reset_peak_memory(case.device)
    row: dict[str, Any] = {"network": case.network, "size": case.size, "precision": case.precision, "batch": batch}
    for name in PASSES:
        row[f"{name}_s"] = seconds_of(make_step(name, g, g.synthesis, ws), case.seconds) / batch
    return row | {"memory_gb": (peak_memory_mb(case.device) or float("nan")) / 1e3}


def of_album(
    album: Path, least_pixels: float | None, lengths: Sequence[int], preset: str, device: str
) -> dict[str, pd.DataFrame]:
    """Every stage from a raw album to a prior of the person and a projection, and tunings of all ``lengths``."""
    from mystyle.workbench.albums import curated

    keep_freed_memory()
    source = domains.source(DOMAIN)
    domain = domains.load_domain(DOMAIN, device)
    settings: Settings = source.settings(preset, METHOD.presets[preset])
    assert settings.fit is not None and isinstance(settings.restore, ProjectionSettings)
    reset_peak_memory(device)
    with tempfile.TemporaryDirectory() as folder:
        person = Path(folder) / "person"
        _, curation = timed(curated, album, person, DOMAIN, domain.resolution, least_pixels, device)
        photos, held_out = (read_portraits(person, split, domain.resolution) for split in ("train", "test"))
    x = photos.images.to(domain.device)
    anchors, inversion = timed(encode_anchors, replace(photos, images=x), domain.encoder)
    rows = [{"stage": "curation", "photos": len(list(album.iterdir())), "seconds": curation}]
    rows.append({"stage": "anchors", "photos": len(photos), "seconds": inversion})
    found = [length(n, domain, anchors, x, held_out.images, settings) for n in sorted(lengths)]
    usual = next((row for row in found if row["epochs"] == settings.fit.epochs), None)
    if usual:
        rows.append({"stage": f"tuning, {usual['epochs']} epochs", "photos": len(photos), "seconds": usual["seconds"]})
        rows.append({"stage": "projection", "photos": AT_ONCE, "seconds": usual["projection_s"]})
    stages = pd.DataFrame(rows).assign(memory_gb=(peak_memory_mb(device) or float("nan")) / 1e3)
    return {"stages": stages, "lengths": pd.DataFrame(found).drop(columns="projection_s")}


def length(
    epochs: int, domain: Domain, anchors: Anchors, photos: Image, held_out: Image, settings: Settings
) -> dict[str, Any]:
    """A tuning of so many passes; 0 is the generator as it was. Identities are cosines to the photos' mean."""
    assert settings.fit is not None and isinstance(settings.restore, ProjectionSettings)
    fit, restore = replace(settings.fit, epochs=epochs), replace(settings.restore, beta=BETA)
    generator, seconds = domain.generator, 0.0
    if epochs:
        generator, seconds = timed(partial(tune, seed=0), generator, anchors, photos, domain.perceptual, fit)
    unseen = torch.cat([held_out] * -(-AT_ONCE // len(held_out)))[:AT_ONCE].to(domain.device)
    template = template_of(identities_of(domain, photos))
    row = {"epochs": epochs, "seconds": seconds}
    for task, phi in (("inversion", Identity()), ("inpainting", holes(unseen))):
        inversion, row["projection_s"] = timed(
            project, phi(unseen), phi, generator, anchors, domain.perceptual, restore
        )
        images = phi.composite(inversion.images, unseen)[: len(held_out)]
        row[f"{task}_identity"] = float((identities_of(domain, images) @ template).mean())
        row[f"{task}_distance"] = float(domain.perceptual.of_many(images, unseen[: len(held_out)]).mean())
    return row
