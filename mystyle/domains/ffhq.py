"""FFHQ at 1024 px: the domain of the paper, from the files that its authors and others published.

None of them ships. ``python -m mystyle.weights ffhq`` says what each is, whose, and under which licence, and brings
those that a program can. They have the parts that they have in MyStyle's code: StyleGAN2 (config F, which
stylegan2-ada-pytorch publishes), HyperStyle's encoder into W, LPIPS on AlexNet over the whole image. FaceNet judges.
Attributes are read as in the domain ``faces``, generously for editors, whose directions come from the same readers.

- The encoder may be any of pSp's family (``mystyle.networks.psp``): the file's content says which, so that e4e's or
  pSp's file serves under the name of HyperStyle's.
- The methods ``psp`` and ``e4e`` have the official encoders, where they were brought.
- The resolution is the generator's. Everything but the encoder is made for any.
- ArcFace's IR-SE50 is a second recogniser. The encoders were trained with a loss through it, so that it flatters
  anchors, and whatever starts from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystyle.domains.domain import Domain, DomainSource, Fits
from mystyle.domains.folder import brought, brought_files, read_parts
from mystyle.domains.published import ARCFACE, INCEPTION, facenet, from_face_api, lpips, reader_kinds, reader_of
from mystyle.weights import ByHand, Entry, Url, home

if TYPE_CHECKING:
    import torch
    from torch import nn

    from mystyle.networks.lpips import LPIPS

Files = Mapping[str, Path]

STYLEGAN2 = Url("https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/ffhq.pkl")
STYLEGAN2_SIZE = 381_624_121
STYLEGAN2_SHA256 = "a205a346e86a9ddaae702e118097d014b7b8bd719491396a162cca438f2f524c"
NVIDIA = (
    "NVIDIA Source Code License: for research and evaluation only, not commercially. Trained on FFHQ's photographs."
)


def read_generator(files: Files) -> nn.Module:
    from mystyle.checkpoints import load_generator

    (path,) = files.values()
    return load_generator(path)


def read_discriminator(files: Files) -> nn.Module:
    from mystyle.checkpoints import load_discriminator

    (path,) = files.values()
    return load_discriminator(path)


def read_encoder(files: Files) -> nn.Module:
    from mystyle.checkpoints import encoders

    return encoders.read_encoder(files)


def of_method(name: str, authors: str, address: str) -> Entry:
    """The official encoder of the method ``name``."""
    return Entry(
        f"{name}.safetensors",
        f"the encoder of the method {name}",
        authors,
        "the repository is MIT, the file names none. It holds a copy of NVIDIA's generator, under NVIDIA's licence.",
        ByHand(address, f"Pretrained Models in the README of {name}", f"{name}_ffhq_encode.pt"),
        None,
        None,
        read_encoder,
        required=False,
        for_methods=True,
    )


MANIFEST = (
    Entry(
        "generator.safetensors",
        "the domain prior: StyleGAN2, config F",
        "NVIDIA",
        NVIDIA,
        STYLEGAN2,
        STYLEGAN2_SIZE,
        STYLEGAN2_SHA256,
        read_generator,
    ),
    Entry(
        "discriminator.safetensors",
        "where the adversarial baselines start",
        "NVIDIA",
        NVIDIA,
        STYLEGAN2,
        STYLEGAN2_SIZE,
        STYLEGAN2_SHA256,
        read_discriminator,
        required=False,
    ),
    Entry(
        "encoder.safetensors",
        "finds anchors in W",
        "Yuval Alaluf and others (HyperStyle)",
        "the repository is MIT, the file names none. It holds a copy of NVIDIA's generator, under NVIDIA's licence.",
        ByHand(
            "https://drive.google.com/file/d/1M-hsL3W_cJKs77xM1mwq2e9-J0_m7rHP/view",
            "Faces W-Encoder in HyperStyle's README, W Inversion Encoder in MyStyle's; e4e_ffhq_encode.pt and "
            "psp_ffhq_encode.pt serve, too, under this name",
            "faces_w_encoder.pt",
        ),
        None,
        None,
        read_encoder,
    ),
    of_method(
        "psp",
        "Elad Richardson and others (pixel2style2pixel)",
        "https://drive.google.com/file/d/1bMTNWkh5LArlaWSc_wa8VKyq2V42T2z0/view",
    ),
    of_method(
        "e4e",
        "Omer Tov and others (encoder4editing)",
        "https://drive.google.com/file/d/1cUv_reLE6k3604or78EranS7XzuVMWeO/view",
    ),
    lpips("perceptual", "the perceptual distance of all losses"),
    facenet("judge", "judges identity and MAPS"),
    ARCFACE,
    INCEPTION,
    from_face_api("landmarks", "face_landmark_68", "68 points, for yaw and glasses", "MIT"),
    from_face_api("expressions", "face_expression", "seven expressions, for the smile", "MIT"),
    from_face_api("age", "age_gender", "age", "MIT"),
)
"""Sizes and hashes are those that several users of the files, independent of each other, wrote down; the encoders' are
known from one only, and are not checked."""


@dataclass(frozen=True)
class BroughtDomain(DomainSource):
    """Photographs in the resolution of the generator that the manifest brings."""

    name: str
    resolution: int
    """px of the published generator; what the file says counts"""
    people: str = ""
    manifest: tuple[Entry, ...] = MANIFEST

    def weights(self) -> dict[str, Path]:
        return brought_files(self.name, self.manifest)

    def load(self, device: torch.device | str = "cpu", fits: Fits | None = None) -> Domain:
        """Raises DomainError with a line for everything that is wrong with the files."""
        import torch

        from mystyle.checkpoints import load_network
        from mystyle.chips import FACENET
        from mystyle.networks.facenet import FaceNet
        from mystyle.networks.lpips import LPIPS
        from mystyle.networks.psp import StyleEncoder, WEncoder
        from mystyle.networks.recognition import PortraitRecognizer, RecognizerJudge
        from mystyle.networks.stylegan2 import Discriminator, Generator

        kinds: dict[str, type[nn.Module]] = dict(
            generator=Generator, discriminator=Discriminator, encoder=StyleEncoder, perceptual=LPIPS, judge=FaceNet,
            **reader_kinds(),
        )  # fmt: skip
        readers = {role: partial(load_network, kind) for role, kind in kinds.items()}
        read = read_parts(self.name, brought(self.name, self.manifest, readers), device, at_odds)
        n = read.networks
        reader = reader_of(n)
        domain = Domain(
            name=self.name,
            resolution=n["generator"].resolution,
            device=torch.device(device),
            generator=n["generator"],
            discriminator=n.get("discriminator"),
            encoder=WEncoder(n["encoder"]),
            perceptual=of_whole_images(n["perceptual"], n["generator"].resolution),
            reader=reader,
            judge=RecognizerJudge(PortraitRecognizer(n["judge"], FACENET), reader),
            weights=read.weights,
            folder=home() / "weights" / self.name,
        )
        return domain if fits is None else replace(domain, fits=fits)


def at_odds(networks: Mapping[str, Any]) -> list[str]:
    """What is wrong with the networks together: they are of different generators."""
    generator, encoder = networks["generator"], networks["encoder"]
    found = []
    if "discriminator" in networks and (size := networks["discriminator"].resolution) != generator.resolution:
        found.append(f"the generator is of {generator.resolution} px, the discriminator of {size}")
    if (encoder.num_ws, encoder.w_dim) != (generator.num_ws, generator.w_dim):
        found.append(
            f"the encoder was trained for a generator with {encoder.num_ws} rows of {encoder.w_dim} numbers in W+, "
            f"this one has {generator.num_ws} of {generator.w_dim}"
        )
    return found


def of_whole_images(distance: LPIPS, resolution: int) -> LPIPS:
    """The same distance on images of ``resolution`` px, which MyStyle's code compares as they are."""
    from mystyle.networks.lpips import LPIPS

    config: dict[str, Any] = {**distance.config, "size": resolution}
    whole = LPIPS(**config)
    whole.load_state_dict(distance.state_dict())
    return whole.to(next(distance.parameters()).device).eval().requires_grad_(False)


DOMAIN = BroughtDomain("ffhq", 1024)
