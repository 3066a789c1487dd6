"""Published networks of faces that several domains bring: readers of attributes, recognisers, features of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mystyle.weights import Entry, Npm, Url

if TYPE_CHECKING:
    from typing import Any

    from torch import nn

    from mystyle.networks.face_readers import PortraitReader

Files = Mapping[str, Path]

MOMENTS = {"yaw": (0.0, 11.7), "smile": (0.51, 0.27), "age": (47.6, 14.0), "glasses": (0.16, 0.26)}
"""mean and standard deviation of what is read from 1,052 portraits of 526 people of LFW"""


def face_api(network: str) -> Npm:
    """The package of face-api, for one of its networks."""
    stem = f"package/model/{network}_model"
    return Npm("@vladmandic/face-api", "1.7.15", (f"{stem}-weights_manifest.json", f"{stem}.bin"))


FACE_API_SIZE, FACE_API_SHA256 = 12_677_476, "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031"


def read_face_api(network: str, files: Files) -> nn.Module:
    from mystyle.checkpoints import face_api as package

    readers = {
        "identity": package.read_dlib_resnet,
        "landmarks": package.read_landmarks,
        "expressions": package.read_expressions,
        "age": package.read_age,
    }
    return readers[network](files)


def from_face_api(role: str, network: str, what: str, licence: str) -> Entry:
    return Entry(
        f"{role}.safetensors",
        what,
        "Vladimir Mandic (face-api, after Vincent Mühler)",
        licence,
        face_api(network),
        FACE_API_SIZE,
        FACE_API_SHA256,
        partial(read_face_api, role),
    )


def reader_kinds() -> dict[str, type[nn.Module]]:
    """The networks behind yaw, smile, age and glasses, by role."""
    from mystyle.networks.face_api import AgeGender, FaceExpressions, FaceLandmarks

    return dict(landmarks=FaceLandmarks, expressions=FaceExpressions, age=AgeGender)


def reader_of(networks: Mapping[str, Any]) -> PortraitReader:
    """The reader of photographs on these networks."""
    from mystyle.networks.face_readers import PortraitReader

    return PortraitReader(networks["landmarks"], networks["expressions"], networks["age"], MOMENTS)


def read_arcface(files: Files) -> nn.Module:
    from mystyle.checkpoints import encoders

    return encoders.read_irse(files)


def read_lpips(files: Files) -> nn.Module:
    from mystyle.checkpoints import state_dicts

    return state_dicts.read_lpips(files)


def read_facenet(files: Files) -> nn.Module:
    from mystyle.checkpoints import state_dicts

    return state_dicts.read_facenet(files)


def read_inception(files: Files) -> nn.Module:
    from mystyle.checkpoints import state_dicts

    return state_dicts.read_inception(files)


ARCFACE = Entry(
    "arcface.safetensors",
    "another recogniser: ArcFace's IR-SE50",
    "TreB1eN (InsightFace_Pytorch), in the copy of xinntao (facexlib)",
    "both repositories are MIT. Trained on MS-Celeb-1M's photographs, which their publisher has withdrawn.",
    Url("https://github.com/xinntao/facexlib/releases/download/v0.1.0/recognition_arcface_ir_se50.pth"),
    175_367_323,
    "a035c768259b98ab1ce0e646312f48b9e1e218197a0f80ac6765e88f8b6ddf28",
    read_arcface,
    required=False,
    for_metrics=True,
)

INCEPTION = Entry(
    "inception.safetensors",
    "features of the Frechet distance: Inception v3 of 2015",
    "Maximilian Seitzer (pytorch-fid), converted from Google's",
    "Apache-2.0. Trained on ImageNet's photographs, which are for research.",
    Url("https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"),
    95_628_359,
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    read_inception,
    required=False,
    for_metrics=True,
)


def lpips(role: str, what: str, for_metrics: bool = False) -> Entry:
    """LPIPS in a role."""
    return Entry(
        f"{role}.safetensors",
        f"{what}: the trunk of LPIPS, AlexNet",
        "PyTorch",
        "torchvision is BSD-3-Clause, lpips BSD-2-Clause. Trained on ImageNet's photographs, which are for research.",
        Url("https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"),
        244_408_911,
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        read_lpips,
        required=not for_metrics,
        for_metrics=for_metrics,
    )


def facenet(role: str, what: str, for_metrics: bool = False) -> Entry:
    """FaceNet in a role."""
    return Entry(
        f"{role}.safetensors",
        f"{what}: FaceNet (Inception-ResNet v1)",
        "Tim Esler (facenet-pytorch)",
        "MIT. Trained on VGGFace2's photographs.",
        Url(
            "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt",
        ),
        111_898_327,
        "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
        read_facenet,
        required=not for_metrics,
        for_metrics=for_metrics,
    )
