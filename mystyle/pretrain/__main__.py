"""``python -m mystyle.pretrain features|perceptual|generator|encoder --data FOLDER --out WEIGHTS``, in this order.

``psp|e4e --data FOLDER`` trains encoders into W+ of a finished domain.
``report --data HELD_OUT --weights WEIGHTS --out PAGE`` then measures what came of it.

The folder holds images of one size; a manifest (``python -m datasets.synthetic population`` writes one) gives
identities and true parameters. A run that was stopped goes on from its checkpoint in ``--work``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mystyle.files import write_whole
from mystyle.pretrain.settings import (
    PERCEPTUAL,
    DiscriminatorSettings,
    E4eSettings,
    EncoderSettings,
    ExpandedSettings,
    FeatureSettings,
    GeneratorSettings,
    HeadSettings,
    SampleEncoderSettings,
    StrangerSettings,
    StyleEncoderSettings,
    StyleFlowSettings,
)
from mystyle.progress import status_of


def run(
    role: str,
    pretrain: Callable[..., dict[str, float]],
    data: Path | None,
    out: Path,
    work: Path,
    seed: int,
    settings: Any,
) -> None:
    """Reads the album, where there is one, trains from ``seed``, and writes what was done to ``out/ROLE.json``."""
    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.data import read_album

    keep_freed_memory()
    with recorded(role, out, seed, settings) as card:
        album = None if data is None else read_album(data)
        out.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        if album is not None:
            identities = int(album.identities.max()) + 1
            card["data"] = {"images": len(album), "identities": identities, "resolution": album.resolution}
        card["figures"] = pretrain(album, out, work, settings, seed)


@contextmanager
def recorded(role: str, out: Path, seed: int, settings: Any) -> Iterator[dict[str, Any]]:
    """Seeds the initial weights and writes what was done in the block to ``out/ROLE.json``.

    The block fills the record that it is given.
    """
    import dataclasses

    import torch

    card: dict[str, Any] = {"role": role, "seed": seed, "settings": dataclasses.asdict(settings)}
    start = time.perf_counter()
    torch.manual_seed(seed)  # of the initial weights; order and noise have seeds of their own
    yield card
    card |= {
        "seconds": round(time.perf_counter() - start),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, CUDA {torch.cuda.is_available()}",
        "torch": torch.__version__,
    }
    text = json.dumps(card, indent=2, default=str) + "\n"
    write_whole(out / f"{role}.json", lambda partial: partial.write_text(text))
    print(json.dumps(card["figures"], indent=2))


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


def psp(
    data: Path | None = None,
    domain: str = "synthetic",
    out: Path | None = None,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: StyleEncoderSettings = StyleEncoderSettings(),
) -> None:
    """Trains pSp's encoder into W+ on the trunk of a domain's W encoder.

    Args:
        data: folder of images of the domain's size; samples of its generator if there is none
        domain: whose generator, encoder and perceptual distance it starts from
        out: folder for the weight file; that of the domain's generator unless given
        work: folder for checkpoints and curves
        seed: of initialisation, order and samples
        settings: the recipe
    """
    style_encoder("psp", data, domain, out, work, seed, settings)


def e4e(
    data: Path | None = None,
    domain: str = "synthetic",
    out: Path | None = None,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: E4eSettings = E4eSettings(),
) -> None:
    """Trains e4e's encoder, which keeps near W, on the trunk of a domain's W encoder.

    Args:
        data: folder of images of the domain's size; samples of its generator if there is none
        domain: whose generator, encoder and perceptual distance it starts from
        out: folder for the weight file; that of the domain's generator unless given
        work: folder for checkpoints and curves
        seed: of initialisation, order, samples and codes
        settings: the recipe
    """
    style_encoder("e4e", data, domain, out, work, seed, settings)


def style_encoder(
    kind: Literal["psp", "e4e"], data: Path | None, domain: str, out: Path | None, work: Path, seed: int, settings: Any
) -> None:
    """``psp`` and ``e4e``."""
    from mystyle.domains import load_domain, source
    from mystyle.pretrain.style_encoder import pretrain

    def on_album(album: Any, out: Path, work: Path, settings: Any, seed: int) -> dict[str, float]:
        return pretrain(kind, load_domain(domain), album, out, work, settings, seed)

    run(kind, on_album, data, out or source(domain).weights()["generator"].parent, work, seed, settings)


def sample_encoder(
    generator: Path,
    out: Path,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: SampleEncoderSettings = SampleEncoderSettings(),
) -> None:
    """Trains a W encoder on samples of a generator alone, for domains without photographs.

    Args:
        generator: its weight file
        out: folder for the weight file
        work: folder for samples, checkpoints and curves
        seed: of codes, initialisation, order and noise
        settings: the recipe
    """
    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.sample_encoder import pretrain

    keep_freed_memory()
    with recorded("sample_encoder", out, seed, settings) as card:
        out.mkdir(parents=True, exist_ok=True)
        card["figures"] = pretrain(generator, out, work, settings, seed)


def discriminator(
    data: Path,
    generator: Path,
    out: Path,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: DiscriminatorSettings = DiscriminatorSettings(),
) -> None:
    """Trains a discriminator for a frozen generator, from photographs of strangers.

    Args:
        data: folder of aligned photographs of the generator's size
        generator: its weight file
        out: folder for the weight file
        work: folder for checkpoints and curves
        seed: of initialisation, order and noise
        settings: the recipe
    """
    from mystyle.pretrain.discriminator import pretrain

    def on_album(album: Any, out: Path, work: Path, settings: DiscriminatorSettings, seed: int) -> dict[str, float]:
        return pretrain(album, generator, out, work, settings, seed)

    run("discriminator", on_album, data, out, work, seed, settings)


def heads(
    generator: Path,
    out: Path,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: HeadSettings = HeadSettings(),
) -> None:
    """Fits RGB layers for smaller images of a MobileStyleGAN to its large images, reduced.

    Args:
        generator: its weight file, of the full size
        out: folder for the weight file
        work: folder for what is measured on its samples
        seed: of codes and order
        settings: the recipe
    """
    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.heads import pretrain
    from mystyle.progress import showing

    keep_freed_memory()
    with recorded("heads", out, seed, settings) as card, showing():
        out.mkdir(parents=True, exist_ok=True)
        card["figures"] = pretrain(generator, out, work / "heads", settings, seed)


def strangers(
    domain: str, out: Path, data: Path | None = None, seed: int = 0, settings: StrangerSettings = StrangerSettings()
) -> None:
    """Writes the judge's embeddings of strangers, beside whom claims of identity are tested.

    Args:
        domain: whose judge
        out: folder for strangers.safetensors
        data: folder of aligned portraits of the domain's size, one a person or with a manifest; samples of the domain's
            generator if there is none
        seed: of the samples
        settings: how many
    """
    from mystyle.domains import load_domain
    from mystyle.pretrain.strangers import make
    from mystyle.progress import showing

    with recorded("strangers", out, seed, settings) as card, showing():
        out.mkdir(parents=True, exist_ok=True)
        card["figures"] = make(load_domain(domain), out, data, settings, seed)


def styleflow(
    domain: str,
    out: Path,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    settings: StyleFlowSettings = StyleFlowSettings(),
) -> None:
    """Trains the flow of the editor ``styleflow`` on samples of a domain's generator, read by its reader.

    Args:
        domain: whose generator and reader
        out: folder for the weight file, the domain's own to use it there
        work: folder for samples, checkpoints and curves
        seed: of codes, initialisation, order and probes
        settings: the recipe
    """
    from mystyle.domains import load_domain
    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.styleflow import pretrain

    keep_freed_memory()
    with recorded("styleflow", out, seed, settings) as card:
        out.mkdir(parents=True, exist_ok=True)
        card["figures"] = pretrain(load_domain(domain), out, work, settings, seed)


def els(
    out: Path,
    domain: str = "synthetic",
    data: Path | None = None,
    work: Path = Path("checkpoints"),
    seed: int = 0,
    name: str = "els",
    settings: ExpandedSettings = ExpandedSettings(),
) -> None:
    """Trains the two branches of the expanded latent space on the generator and the encoder of a domain.

    Args:
        out: folder for NAME.safetensors
        domain: whose networks
        data: folder of images of its size; samples of its generator if there is none
        work: folder for checkpoints and curves
        seed: of initialisation, order, attributes and samples
        name: of the file; els_no_sparsity and els_no_alignment are those of the ablations
        settings: the recipe
    """
    import torch

    from mystyle.domains import load_domain
    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.data import read_album
    from mystyle.pretrain.expanded import pretrain, sampled
    from mystyle.progress import showing

    keep_freed_memory()
    with recorded(name, out, seed, settings) as card:
        d = load_domain(domain, "cuda" if torch.cuda.is_available() else "cpu")
        with showing():
            album = sampled(d, settings.samples, seed) if data is None else read_album(data)
        out.mkdir(parents=True, exist_ok=True)
        source = f"samples of domain {d.name}" if data is None else "photographs"
        card["data"] = {"images": len(album), "source": source, "resolution": album.resolution}
        card["figures"] = pretrain(d, album, out / f"{name}.safetensors", work / name, settings, seed)


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
    with showing():
        make_report(data, weights, out, samples, inversions, steps, seed)


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status, see ``mystyle.progress.status_of``."""
    from jsonargparse import auto_cli

    name = "mystyle.pretrain"
    commands: list[Callable[..., Any] | type] = [
        *(features, perceptual, generator, encoder, psp, e4e),
        *(sample_encoder, discriminator, heads, strangers, styleflow, els, report),
    ]
    return status_of(
        name,
        lambda: auto_cli(commands, args=arguments, prog=f"python -m {name}", as_positional=False),
        "the same command goes on from its last epoch",
    )


if __name__ == "__main__":
    sys.exit(main())
