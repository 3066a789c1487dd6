"""The networks of the TensorFlow repositories (stylegan2, stylegan2-ada), which pickle source code and variables.

Convolutions are stored as [height, width, in, out], those that double the resolution also turned by 180 degrees, fully
connected layers as [in, out], and the biases of styles without the one that is added to them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from mystyle.checkpoints.architecture import complete, noise_layer, widen
from mystyle.checkpoints.inert import Array, Record, Storage, Stored
from mystyle.checkpoints.nvidia import same
from mystyle.checkpoints.unpickle import MAX_NAME
from mystyle.checkpoints.weights import CheckpointError, NetworkName, Weights, few, unsupported

KINDS = ("dnnlib.tflib.network.Network", "tfutil.Network")
FIRST_VERSION = 4  # of StyleGAN2's pickles
MAX_COMPONENTS = 16
MAX_VARIABLES = 2_000  # of a component, which may share its list with others; a 1024 px synthesis network has about 130

GENERATOR_LAYERS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb"}
DISCRIMINATOR_LAYERS = {
    "FromRGB": "fromrgb",
    "Conv0": "conv0",
    "Conv1_down": "conv1",
    "Skip": "skip",
    "Conv": "conv",
    "Dense0": "fc",
}
PARAMETERS = {
    "weight": "weight",
    "bias": "bias",
    "mod_weight": "affine.weight",
    "mod_bias": "affine.bias",
    "noise_strength": "noise_strength",
}
SUPPORTED = {
    "label_size": 0,
    "num_channels": 3,
    "mapping_nonlinearity": "lrelu",
    "mapping_lrmul": 0.01,
    "normalize_latents": True,
    "nonlinearity": "lrelu",
    "use_noise": True,
    "resample_kernel": [1, 3, 3, 1],
    "mbstd_num_features": 1,
}


def is_network(value: Any) -> bool:
    return isinstance(value, Record) and value.kind in KINDS


def read(record: Record, network: NetworkName, size: int) -> Weights:
    """A network out of a pickle of ``size`` bytes, whose source code is not looked at."""
    if record.kind == "tfutil.Network":
        raise CheckpointError("holds a Progressive GAN; only StyleGAN2 is supported")
    parts = list(components(record))
    stored = {f"{prefix}{name}": value for prefix, part in parts for name, value in variables(part)}
    require_stylegan2(record, stored)
    arguments = {key: value for _, part in reversed(parts) for key, value in own_arguments(part).items()}
    require_supported(network, arguments)
    notes: list[str] = []
    names = {name: ours for name in stored if (ours := our_name(network, name))}
    if ignored := stored.keys() - names.keys() - {"lod"}:
        notes.append(f"variables that StyleGAN2 does not use: {few(ignored)}")
    tensors = {
        names[name]: reordered(name, tensor)
        for name, tensor in widen({name: stored[name] for name in names}, size, notes).items()
    }
    settings = read_settings(network, arguments, record.state.get("build_func_name"), notes)
    return complete("TensorFlow pickle", network, tensors, settings, notes)


def components(record: Record) -> Iterator[tuple[str, Record]]:
    """The network and its parts, each with the prefix of its variables."""
    if not isinstance(record.state, dict):
        raise CheckpointError("a TensorFlow network has no state")
    yield "", record
    parts = record.state.get("components", {})
    if not isinstance(parts, dict) or len(parts) > MAX_COMPONENTS:
        raise CheckpointError("a TensorFlow network has components of an unknown form")
    for name, part in parts.items():
        if not is_network(part) or not isinstance(part.state, dict) or not isinstance(name, str):
            raise CheckpointError("a TensorFlow network has components of an unknown form")
        yield f"{name}/", part


def variables(record: Record) -> Iterator[tuple[str, Stored]]:
    listed = record.state.get("variables")
    if not isinstance(listed, list):
        return
    if len(listed) > MAX_VARIABLES:
        raise CheckpointError(f"a TensorFlow network has {len(listed):,} variables, more than any that is known")
    for item in listed:
        match item:
            case [str(name), *_] | (str(name), *_) if len(name) > MAX_NAME:
                raise CheckpointError(f"a TensorFlow network has a variable with a name of {len(name):,} characters")
            case [str(name), Array() as value] | (str(name), Array() as value):
                yield name, value.stored()
            case [str(name), float() as value] | (str(name), float() as value):
                yield name, stored_number(value)
            case _:
                raise CheckpointError("a TensorFlow network has variables of an unknown form")


def stored_number(value: float) -> Stored:
    """A variable of no dimensions, which TensorFlow gives as a number."""
    try:
        raw = memoryview(struct.pack("<f", value))
    except OverflowError as error:
        raise CheckpointError("a TensorFlow network has a number that is too large") from error
    return Stored(Storage(torch.float32, 1, lambda: raw), 0, (), ())


def own_arguments(record: Record) -> dict[str, Any]:
    arguments = record.state.get("static_kwargs", {})
    if not isinstance(arguments, dict):
        raise CheckpointError("a TensorFlow network has arguments of an unknown form")
    return arguments


def require_stylegan2(record: Record, stored: Mapping[str, Stored]) -> None:
    if any("StyleMod" in name for name in stored):
        raise CheckpointError("holds the generator of StyleGAN 1; only StyleGAN2 is supported")
    if any(re.search(r"(^|/)(ToRGB|FromRGB)_lod\d", name) for name in stored):
        raise CheckpointError("holds a network of StyleGAN 1 or Progressive GAN; only StyleGAN2 is supported")
    version = record.state.get("version")
    if not isinstance(version, int) or version < FIRST_VERSION:
        raise CheckpointError(f"holds a network older than StyleGAN2 (its version is below {FIRST_VERSION})")


def require_supported(network: NetworkName, arguments: Mapping[str, Any]) -> None:
    architecture = "skip" if network == "Generator" else "resnet"
    for key, expected in (SUPPORTED | {"architecture": architecture}).items():
        if key in arguments and not same(arguments[key], expected):
            raise unsupported(key, arguments[key], expected)


def read_settings(
    network: NetworkName, arguments: Mapping[str, Any], function: Any, notes: list[str]
) -> dict[str, Any]:
    settings = {key: arguments[key] for key in ("conv_clamp", "num_fp16_res") if key in arguments}
    if "fmap_max" in arguments:
        settings["channel_max"] = arguments["fmap_max"]
    if isinstance(arguments.get("fmap_base"), int):
        settings["channel_base"] = 2 * arguments["fmap_base"]
    if network == "Discriminator":
        # the default is in the source code, which is not run: 4 in stylegan2, the whole batch in stylegan2-ada
        settings["mbstd_group"] = arguments.get("mbstd_group_size", 4 if function == "D_stylegan2" else None)
        if "mbstd_group_size" not in arguments:
            group = settings["mbstd_group"] or "the whole batch"
            notes.append(f"mbstd_group_size is not in the file: {group} is taken, its repository's default")
    return settings


def our_name(network: NetworkName, name: str) -> str | None:
    """PyTorch's name of a variable (NVIDIA's), None if it has none."""
    if network == "Discriminator":
        if m := re.fullmatch(r"Output/(weight|bias)", name):
            return f"b4.out.{m[1]}"
        m = re.fullmatch(r"(\d{1,5})x\1/(\w+)/(weight|bias)", name)
        return f"b{m[1]}.{DISCRIMINATOR_LAYERS[m[2]]}.{m[3]}" if m and m[2] in DISCRIMINATOR_LAYERS else None
    if name == "dlatent_avg":
        return "mapping.w_avg"
    if name == "synthesis/4x4/Const/const":
        return "synthesis.b4.const"
    if m := re.fullmatch(r"mapping/Dense(\d{1,2})/(weight|bias)", name):
        return f"mapping.fc{m[1]}.{m[2]}"
    if m := re.fullmatch(r"mapping/LabelEmbed/(\w+)", name) or re.fullmatch(r"mapping/LabelConcat/(\w+)", name):
        return f"mapping.embed.{m[1]}"
    if m := re.fullmatch(r"synthesis/noise(\d{1,2})", name):
        r, layer = noise_layer(int(m[1]))
        return f"synthesis.b{r}.{layer}.noise_const"
    m = re.fullmatch(r"synthesis/(\d{1,5})x\1/(\w+)/(\w+)", name)
    if m and m[2] in GENERATOR_LAYERS and m[3] in PARAMETERS:
        return f"synthesis.b{m[1]}.{GENERATOR_LAYERS[m[2]]}.{PARAMETERS[m[3]]}"
    return None


def reordered(name: str, tensor: Tensor) -> Tensor:
    """A variable in the order of PyTorch."""
    kind = name.rpartition("/")[2]
    if kind in ("weight", "mod_weight") and tensor.ndim == 4:
        if name.endswith("/Conv0_up/weight"):
            tensor = tensor.flip(0, 1)
        return tensor.permute(3, 2, 0, 1).contiguous()
    if kind in ("weight", "mod_weight") and tensor.ndim == 2:
        return tensor.T.contiguous()
    if kind == "mod_bias":
        return tensor + 1
    axes = 1 if kind == "const" else 2 if re.fullmatch(r"noise\d+", kind) else 0
    if list(tensor.shape[:axes]) != [1] * axes:
        raise CheckpointError(f"{name[:80]} has the unexpected shape {list(tensor.shape)}")
    return tensor.reshape(tensor.shape[axes:])
