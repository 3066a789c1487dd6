"""``python -m mystyle.pretrain features|perceptual|generator|encoder --data FOLDER --out WEIGHTS``, in this order.

``report --data HELD_OUT --weights WEIGHTS --out PAGE`` then measures what came of it.

The folder holds images of one size; a manifest (``python -m datasets.synthetic population`` writes one) gives
identities and true parameters. A run that was stopped goes on from its checkpoint in ``--work``.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mystyle.pretrain.settings import PERCEPTUAL, EncoderSettings, FeatureSettings, GeneratorSettings


def run(
    role: str, pretrain: Callable[..., dict[str, float]], data: Path, out: Path, work: Path, seed: int, settings: Any
) -> None:
    """Reads the album, trains from ``seed``, and writes what was done to ``out/ROLE.json``, for the card."""
    import dataclasses

    import torch

    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.data import read_album

    keep_freed_memory()
    try:
        album = read_album(data)
        out.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        torch.manual_seed(seed)  # of the initial weights; order and noise have seeds of their own
        figures = pretrain(album, out, work, settings, seed)
    except (ValueError, OSError) as error:
        raise SystemExit(f"mystyle.pretrain {role}: {error}") from error
    card = {
        "role": role,
        "seed": seed,
        "settings": dataclasses.asdict(settings),
        "data": {"images": len(album), "identities": int(album.identities.max()) + 1, "resolution": album.resolution},
        "figures": figures,
        "seconds": round(time.perf_counter() - start),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, CUDA {torch.cuda.is_available()}",
        "torch": torch.__version__,
    }
    (out / f"{role}.json").write_text(json.dumps(card, indent=2, default=str) + "\n")
    print(json.dumps(figures, indent=2))


def features(
    data: Path,
    out: Path,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: FeatureSettings = FeatureSettings(),
) -> None:
    """Trains the feature network (identity and attributes).

    Args:
        data: folder of images with a manifest
        out: folder for the weight file
        work: folder for checkpoints and curves
        seed: of initialisation and order
        settings: the recipe
    """
    from mystyle.pretrain.features import pretrain

    run("features", pretrain, data, out, work, seed, settings)


def perceptual(
    data: Path, out: Path, work: Path = Path("checkpoints"), seed: int = 1, settings: FeatureSettings = PERCEPTUAL
) -> None:
    """Trains the network of the perceptual distance, by default on all parameters of the manifest and on no identity.

    Args:
        data: folder of images with a manifest
        out: folder for the weight file
        work: folder for checkpoints and curves
        seed: of initialisation and order
        settings: the recipe
    """
    from mystyle.pretrain.features import pretrain

    run("perceptual", partial(pretrain, role="perceptual"), data, out, work, seed, settings)


def generator(
    data: Path,
    out: Path,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: GeneratorSettings = GeneratorSettings(),
) -> None:
    """Trains generator and discriminator; pairs of z and image need ``perceptual.safetensors`` in ``--out``.

    Args:
        data: folder of images, with a manifest for the pairs
        out: folder for the weight files
        work: folder for checkpoints and curves
        seed: of initialisation, order and noise
        settings: the recipe
    """
    from mystyle.pretrain.generator import pretrain

    run("generator", pretrain, data, out, work, seed, settings)


def encoder(
    data: Path,
    out: Path,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: EncoderSettings = EncoderSettings(),
) -> None:
    """Trains the W encoder of the generator in ``--out``.

    Args:
        data: folder of images
        out: folder with generator.safetensors and perceptual.safetensors, and for the weight file
        work: folder for checkpoints and curves
        seed: of initialisation and order
        settings: the recipe
    """
    from mystyle.pretrain.encoder import pretrain

    run("encoder", pretrain, data, out, work, seed, settings)


def report(
    data: Path, weights: Path, out: Path, samples: int = 10_000, inversions: int = 64, steps: int = 1000, seed: int = 0
) -> None:
    """Measures finished networks on held-out people and writes the page of evidence.

    Args:
        data: folder of held-out portraits with a manifest: a population of another seed than the training
            population, better of many people with few photos each than the reverse
        weights: folder with {generator,discriminator,encoder,features,perceptual}.safetensors
        out: folder for README.md, figures.json and the figures; files of these names are replaced
        samples: generated images for the distributions; a tenth as many paths for the path length
        inversions: held-out people to invert, one photo of each
        steps: of their descents
        seed: of codes, halves of the held-out set, people and noise
    """
    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.report import make_report
    from mystyle.progress import showing

    keep_freed_memory()
    try:
        with showing():
            make_report(data, weights, out, samples, inversions, steps, seed)
    except ValueError as error:
        raise SystemExit(f"mystyle.pretrain report: {error}") from error


if __name__ == "__main__":
    from jsonargparse import auto_cli

    auto_cli([features, perceptual, generator, encoder, report], as_positional=False)
