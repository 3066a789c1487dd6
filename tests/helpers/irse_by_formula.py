"""IR-SE50's trunk from its names and the papers' formulas in float64, without its modules: an oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.networks.irse import DEPTHS, WIDTHS

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def official_names(widths: Sequence[int] = WIDTHS, depths: Sequence[int] = DEPTHS) -> set[str]:
    """Names of the trunk: a 3x3 stem, then blocks; the first of a stage has a convolution as its shortcut iff wider."""
    names = {"input_layer.0.weight", "input_layer.2.weight", *(f"input_layer.1.{key}" for key in NORM)}
    index = 0
    for stage, depth in enumerate(depths):
        for i in range(depth):
            block = f"body.{index}"
            names |= {f"{block}.res_layer.{j}.weight" for j in (1, 2, 3)}
            names |= {f"{block}.res_layer.{j}.{key}" for j in (0, 4) for key in NORM}
            names |= {f"{block}.res_layer.5.fc{j}.weight" for j in (1, 2)}
            if i == 0 and stage and widths[stage] != widths[stage - 1]:
                names |= {f"{block}.shortcut_layer.0.weight", *(f"{block}.shortcut_layer.1.{key}" for key in NORM)}
            index += 1
    return names


def norm(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    shape = (1, -1, *[1] * (x.ndim - 2))
    weight, bias, mean, var = (state[f"{name}.{key}"].double().reshape(shape) for key in NORM[:4])
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def prelu(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return torch.where(x > 0, x, x * state[f"{name}.weight"].double().reshape(1, -1, 1, 1))


def trunk_by_formula(state: Mapping[str, Tensor], depths: Sequence[int], images: Tensor) -> list[Tensor]:
    """The maps after each stage in float64, block by block from the names and the papers' formulas."""
    conv = {name: tensor.double() for name, tensor in state.items() if tensor.ndim == 4}
    x = F.conv2d(images.double(), conv["input_layer.0.weight"], padding=1)
    x = prelu(state, "input_layer.2", norm(state, "input_layer.1", x))
    maps, index = [], 0
    for depth in depths:
        for i in range(depth):
            stride, block = 1 if i else 2, f"body.{index}"
            y = F.conv2d(norm(state, f"{block}.res_layer.0", x), conv[f"{block}.res_layer.1.weight"], padding=1)
            y = prelu(state, f"{block}.res_layer.2", y)
            y = F.conv2d(y, conv[f"{block}.res_layer.3.weight"], padding=1)[:, :, ::stride, ::stride]
            y = norm(state, f"{block}.res_layer.4", y)
            squeezed = y.mean(dim=(2, 3)) @ conv[f"{block}.res_layer.5.fc1.weight"][:, :, 0, 0].T
            y = y * (squeezed.relu() @ conv[f"{block}.res_layer.5.fc2.weight"][:, :, 0, 0].T).sigmoid()[..., None, None]
            shortcut = x[:, :, ::stride, ::stride]
            if f"{block}.shortcut_layer.0.weight" in conv:
                weight = conv[f"{block}.shortcut_layer.0.weight"]
                shortcut = norm(state, f"{block}.shortcut_layer.1", F.conv2d(shortcut, weight))
            x, index = y + shortcut, index + 1
        maps.append(x)
    return maps
