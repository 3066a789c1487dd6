"""The networks of rosinality's stylegan2-pytorch, which pSp, e4e, ReStyle and HyperStyle have as their decoder.

Its tensors differ from NVIDIA's in their names and in axes of length one; nothing is transposed or scaled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mystyle.checkpoints.architecture import complete, noise_layer, widen
from mystyle.checkpoints.inert import Array, Stored
from mystyle.checkpoints.weights import CheckpointError, Weights

STYLED = {  # of a styled convolution or a ToRGB: NVIDIA's name, and the axes of length one to remove
    "conv.weight": ("weight", (0,)),
    "conv.modulation.weight": ("affine.weight", ()),
    "conv.modulation.bias": ("affine.bias", ()),
    "noise.weight": ("noise_strength", (0,)),
    "activate.bias": ("bias", ()),
    "bias": ("bias", (0, 2, 3)),
}
RESIDUAL = {  # of a residual block of the discriminator
    "conv1.0.weight": "conv0.weight",
    "conv1.1.bias": "conv0.bias",
    "conv2.1.weight": "conv1.weight",
    "conv2.2.bias": "conv1.bias",
    "skip.1.weight": "skip.weight",
}
ENDS = {  # of the discriminator's first and last layers
    "convs.0.0.weight": "b{R}.fromrgb.weight",
    "convs.0.1.bias": "b{R}.fromrgb.bias",
    "final_conv.0.weight": "b4.conv.weight",
    "final_conv.1.bias": "b4.conv.bias",
    "final_linear.0.weight": "b4.fc.weight",
    "final_linear.0.bias": "b4.fc.bias",
    "final_linear.1.weight": "b4.out.weight",
    "final_linear.1.bias": "b4.out.bias",
}


def read_generator(stored: Mapping[str, Stored], latent_avg: Any, format: str, size: int) -> Weights:
    """A generator from its state dict; ``latent_avg`` is [w_dim] or [n, w_dim], or None."""
    notes: list[str] = []
    tensors: dict[str, Tensor] = {}
    for name, tensor in widen(stored, size, notes, ".kernel", gain=4).items():
        ours, axes = generator_name(name)
        tensors[ours] = without(axes, tensor, name)
    if latent_avg is not None:
        tensors["mapping.w_avg"] = read_latent_avg(latent_avg, size, notes)
    return complete(format, "Generator", tensors, {}, notes)


def read_discriminator(stored: Mapping[str, Stored], format: str, size: int) -> Weights:
    notes: list[str] = []
    blocks = {int(m[1]) for name in stored if (m := re.match(r"convs\.([1-9]\d?)\.", name))}
    resolution = 4 << len(blocks)
    found = widen(stored, size, notes, ".kernel")
    tensors = {discriminator_name(name, resolution): tensor for name, tensor in found.items()}
    return complete(format, "Discriminator", tensors, {}, notes)


def generator_name(name: str) -> tuple[str, tuple[int, ...]]:
    """NVIDIA's name of a tensor, and the axes of length one to remove."""
    if name == "input.input":
        return "synthesis.b4.const", (0,)
    if m := re.fullmatch(r"style\.([1-9]\d?)\.(weight|bias)", name):
        return f"mapping.fc{int(m[1]) - 1}.{m[2]}", ()
    if m := re.fullmatch(r"noises\.noise_(\d{1,2})", name):
        r, layer = noise_layer(int(m[1]))
        return f"synthesis.b{r}.{layer}.noise_const", (0, 1)
    m = re.fullmatch(r"(conv1|to_rgb1|(convs|to_rgbs)\.(\d{1,2}))\.(.+)", name)
    if m and m[4] in STYLED:
        ours, axes = STYLED[m[4]]
        return f"synthesis.{styled_layer(m[1], int(m[3] or 0))}.{ours}", axes
    raise CheckpointError(f"has {name[:80]!a}, which is not of rosinality's generator")


def styled_layer(layer: str, index: int) -> str:
    if layer in ("conv1", "to_rgb1"):
        return "b4.conv1" if layer == "conv1" else "b4.torgb"
    if layer.startswith("convs"):
        return f"b{8 << index // 2}.conv{index % 2}"
    return f"b{8 << index}.torgb"


def discriminator_name(name: str, resolution: int) -> str:
    if name in ENDS:
        return ENDS[name].format(R=resolution)
    if (m := re.fullmatch(r"convs\.([1-9]\d?)\.(.+)", name)) and m[2] in RESIDUAL:
        return f"b{2 * resolution >> int(m[1])}.{RESIDUAL[m[2]]}"
    raise CheckpointError(f"has {name[:80]!a}, which is not of rosinality's discriminator")


def without(axes: tuple[int, ...], tensor: Tensor, name: str) -> Tensor:
    """``tensor`` without these axes, which must be of length one."""
    if any(axis >= tensor.ndim or tensor.shape[axis] != 1 for axis in axes):
        raise CheckpointError(f"{name[:80]} has the unexpected shape {list(tensor.shape)}")
    return tensor.reshape([n for axis, n in enumerate(tensor.shape) if axis not in axes])


def read_latent_avg(value: Any, size: int, notes: list[str]) -> Tensor:
    """[w_dim] from [w_dim] or [n, w_dim]. Adds to ``notes``."""
    if isinstance(value, Array):
        value = value.stored()
    if not isinstance(value, Stored):
        raise CheckpointError(f"latent_avg is a {type(value).__name__}, not a tensor")
    rows = widen({"latent_avg": value}, size, notes)["latent_avg"]
    if rows.ndim not in (1, 2):
        raise CheckpointError(f"latent_avg has the unexpected shape {list(rows.shape)}")
    if rows.ndim == 2 and len(rows) > 1:
        same = bool((rows == rows[0]).all())
        notes.append(f"latent_avg has {len(rows)} {'equal' if same else 'different'} rows: w_avg is their mean")
        return rows[0] if same else rows.mean(0)
    return rows.reshape(-1)
