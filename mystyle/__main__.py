"""``python -m mystyle album|tune|sample|invert|inpaint|upscale|edit|directions``: the method on a user's own photos."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from mystyle.memory import prepare_device
from mystyle.progress import status_of

DESCRIPTION = "MyStyle on your own photos: tune a prior to one person, then sample, invert, inpaint, upscale and edit."

Preset = Literal["smoke", "quick", "full", "paper"]
Device = Literal["auto", "cpu", "cuda"]


def tune(
    photos: Path,
    out: Path = Path("prior"),
    domain: str = "synthetic",
    preset: Preset = "quick",
    epochs: int | None = None,
    anchors: str = "encode",
    check_faces: bool = True,
    least_pixels: float | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> None:
    """Tunes a prior to the person in PHOTOS, a folder of aligned portraits. An interrupted tuning is resumed.

    On domains of photographs PHOTOS may be any album: faces are found, filtered and aligned first, in OUT/person. Use
    photographs of a person only with the person's consent, or where their licence and the law allow it without.

    Args:
        photos: folder of images, square and at least as large as the domain's, or an album
        out: folder for the prior
        domain: whose generator is tuned
        preset: how long; paper is the official schedule of 1000 epochs
        epochs: passes over the photos, instead of the preset's
        anchors: encode, optimise (slow, without the encoder), or a folder with a code (.pt, .npy, .safetensors) a photo
        check_faces: refuse images without a face
        least_pixels: of an album, the side of the smallest face that is kept; by default the domain's resolution
        seed: random seed of the order of the photos
        device: where to compute; auto takes the GPU if there is one
    """
    from mystyle.workbench.commands import tune_photos

    tune_photos(photos, out, domain, preset, epochs, anchors, check_faces, least_pixels, seed, prepare_device(device))


def sample(
    prior: Path = Path("prior"),
    out: Path = Path("samples"),
    n: int = 32,
    way: Literal["b1", "dirichlet", "hit_and_run"] = "b1",
    beta: float = 0.0,
    concentration: float = 0.05,
    seed: int = 0,
    device: Device = "auto",
) -> None:
    """Samples new images of the person.

    Args:
        prior: folder that tune made
        out: folder for images and codes
        n: number of images
        way: b1 mixes three anchors, dirichlet all of them, hit_and_run walks from b1's towards the uniform distribution
        beta: dilation of the space that is sampled, not for b1
        concentration: parameter of dirichlet; 1 is uniform and nearly the mean face, less is more varied
        seed: random seed of the codes
        device: where to compute
    """
    from mystyle.latents.subspace import SamplingSettings
    from mystyle.workbench.commands import sample_prior

    sample_prior(prior, out, n, SamplingSettings(way, beta, concentration), seed, prepare_device(device))


def invert(
    images: Path,
    prior: Path = Path("prior"),
    out: Path = Path("inversions"),
    beta: float = 0.03,
    preset: Preset = "quick",
    steps: int | None = None,
    device: Device = "auto",
) -> None:
    """Inverts portraits: finds the nearest images that the prior can generate.

    Args:
        images: a portrait or a folder of them
        prior: folder that tune made
        out: folder for images and codes
        beta: dilation
        preset: how long the projection takes
        steps: of the descent, instead of the preset's
        device: where to compute
    """
    from mystyle.workbench.commands import Bench, invert_images

    bench = Bench.read(prior, preset, prepare_device(device), steps, beta=beta)
    invert_images(images, out, bench)


def inpaint(
    images: Path,
    mask: Path = Path("mask.png"),
    prior: Path = Path("prior"),
    out: Path = Path("inpainted"),
    beta: float = 0.02,
    blend: Literal["hard", "poisson"] = "hard",
    preset: Preset = "quick",
    steps: int | None = None,
    device: Device = "auto",
) -> None:
    """Inpaints what a mask hides.

    Args:
        images: a portrait or a folder of them
        mask: white where the image is known, black in the hole; one for all, or a folder with one of each name
        prior: folder that tune made
        out: folder for images and codes
        beta: dilation
        blend: hard as in the paper, or poisson as in the official code
        preset: how long the projection takes
        steps: of the descent, instead of the preset's
        device: where to compute
    """
    from mystyle.workbench.commands import Bench, inpaint_images

    bench = Bench.read(prior, preset, prepare_device(device), steps, beta=beta)
    inpaint_images(images, mask, out, blend, bench)


def upscale(
    images: Path,
    prior: Path = Path("prior"),
    out: Path = Path("upscaled"),
    beta: float = 0.05,
    keep_background: bool = True,
    preset: Preset = "quick",
    steps: int | None = None,
    device: Device = "auto",
) -> None:
    """Enlarges small portraits to the prior's size, each by the factor it needs.

    Args:
        images: a small portrait or a folder of them, 1/2 to 1/32 of the prior's size
        prior: folder that tune made
        out: folder for images and codes
        beta: dilation
        keep_background: take what surrounds the head from the enlarged input, as the paper does
        preset: how long the projection takes
        steps: of the descent, instead of the preset's
        device: where to compute
    """
    from mystyle.workbench.commands import Bench, upscale_images

    bench = Bench.read(prior, preset, prepare_device(device), steps, beta=beta)
    upscale_images(images, out, keep_background, bench)


def edit(
    images: Path,
    direction: str = "smile",
    prior: Path = Path("prior"),
    out: Path = Path("edited"),
    strengths: tuple[float, ...] = (-2, -1, 0, 1, 2),
    beta: float = 0.03,
    policy: Literal["stop", "continue", "project"] = "project",
    preset: Preset = "quick",
    steps: int | None = None,
    device: Device = "auto",
) -> None:
    """Edits one attribute of portraits; the identity stays.

    Args:
        images: a portrait or a folder of them
        direction: one of the domain's (smile, yaw, age, ...) or a file with a vector of W
        prior: folder that tune made
        out: folder for images, codes and the table of endpoints
        strengths: how far, in lengths of the direction
        beta: the largest dilation wanted
        policy: what happens beyond it: stop, continue, or project back
        preset: how long the inversion takes
        steps: of the inversion, instead of the preset's
        device: where to compute
    """
    from mystyle.editing import EditSettings
    from mystyle.workbench.commands import Bench, edit_images

    bench = Bench.read(prior, preset, prepare_device(device), steps, beta=beta)
    edit_images(images, direction, out, strengths, EditSettings(beta, policy), bench)


def album(
    photos: Path,
    out: Path = Path("album"),
    domain: str = "faces",
    preset: Preset = "quick",
    samples: int = 32,
    least_pixels: float | None = None,
    seed: int = 0,
    device: Device = "auto",
) -> None:
    """The whole way from an album to a page: tunes a prior, samples it, and fills holes of held-out photos.

    Use photographs of a person only with the person's consent, or where their licence and the law allow it without.

    Args:
        photos: folder of photos of one person
        out: folder for the prior, the images and index.html
        domain: whose generator is tuned
        preset: how long
        samples: number of new images
        least_pixels: side of the smallest face that is kept; by default the domain's resolution
        seed: random seed of the order of the photos and of the samples
        device: where to compute
    """
    from mystyle.workbench.tour import album_to_page

    album_to_page(photos, out, domain, preset, samples, least_pixels, seed, prepare_device(device))


def directions(
    out: Path = Path("directions.safetensors"),
    domain: str = "synthetic",
    way: Literal["interfacegan", "ganspace", "sefa"] = "interfacegan",
    samples: int = 10_000,
    count: int = 16,
    seed: int = 0,
    device: Device = "auto",
) -> None:
    """Finds directions to edit along in a domain's generator.

    Args:
        out: file for the directions
        domain: whose generator is searched
        way: interfacegan (one for every attribute), ganspace (principal components) or sefa (closed form)
        samples: number of codes of W that directions are computed from
        count: number of directions, for ganspace and sefa
        seed: random seed of the codes
        device: where to compute
    """
    from mystyle.workbench.commands import find_directions

    find_directions(out, domain, way, samples, count, seed, prepare_device(device))


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status, see ``mystyle.progress.status_of``."""
    from jsonargparse import auto_cli

    verbs: list[Callable[..., None]] = [album, tune, sample, invert, inpaint, upscale, edit, directions]
    return status_of(
        "mystyle",
        lambda: auto_cli(verbs, args=arguments, prog="python -m mystyle", description=DESCRIPTION),
        "what was finished is kept, the same command continues from here",
    )


if __name__ == "__main__":
    sys.exit(main())
