"""NVIDIA's PyTorch networks (stylegan2-ada-pytorch, and the StyleGAN2 of the stylegan3 repository).

A pickle holds them as trees of modules with all their attributes, so that the settings can be read, not guessed; a
plain state dict under the same names has none. ``networks.stylegan2`` stores the same tensors under the same names,
without the filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mystyle.checkpoints.architecture import MAX_TENSORS, complete, widen
from mystyle.checkpoints.inert import Module, Stored
from mystyle.checkpoints.weights import CheckpointError, NetworkName, Weights, few, unsupported

MAX_ENTRIES = 10_000  # of modules, counted wherever they are referred to; a 1024 px generator has about 80
MAX_DEPTH = 16
FILTERS = "resample_filter"
LINEAR = ("affine", "skip", "out", "embed")  # layers without an activation function


def read_module(module: Module, archive: bool, size: int) -> Weights:
    """A network out of a tree of modules in a file of ``size`` bytes, an ``archive`` of torch.save or a plain pickle.

    Raises CheckpointError for anything but a StyleGAN2 generator or discriminator.
    """
    tree = dict(walk(module))
    newer = any("fused_modconv_default" in part.state for part in tree.values())
    repository = "stylegan3 repository" if newer else "stylegan2-ada-pytorch"
    alone = "b4.torgb" in tree
    if alone:  # a synthesis network by itself, which is what MyStyle saves
        synthesis = {f"synthesis.{name}".rstrip("."): part for name, part in tree.items()}
        tree = {"": Module("Generator", {}), **synthesis}
    network = network_of(tree)
    for name, part in tree.items():
        require_supported(network, name, part)
    stored, settings = tensors_of(tree), read_settings(network, tree)
    notes = []
    if settings["num_fp16_res"]:
        notes.append(f"its {settings['num_fp16_res']} highest resolutions were made to run in float16")
    if alone:
        settings["mapping_layers"] = 0
        notes.append("a synthesis network by itself: it has no mapping, so z is its own w, and w_avg is zero")
    format = "whole module (torch.save)" if archive else f"NVIDIA pickle ({repository})"
    return complete(format, network, widen(stored, size, notes, FILTERS), settings, notes)


def read_names(stored: Mapping[str, Stored], size: int) -> Weights:
    """A network out of a plain state dict in a file of ``size`` bytes."""
    network: NetworkName = "Generator" if "synthesis.b4.const" in stored else "Discriminator"
    notes = ["a state dict lacks conv_clamp and num_fp16_res: None and 0 are taken"]
    if network == "Discriminator":
        notes.append("a state dict lacks mbstd_group_size: 4 is taken")
    return complete("state dict with NVIDIA's names", network, widen(stored, size, notes, FILTERS), {}, notes)


def network_of(tree: Mapping[str, Module]) -> NetworkName:
    if any(part.class_name == "SynthesisInput" for part in tree.values()):
        raise CheckpointError("holds a StyleGAN3 generator; only StyleGAN2 is supported")
    if "synthesis.b4" in tree:
        return "Generator"
    if "b4.out" in tree:
        return "Discriminator"
    raise CheckpointError(f"holds a {tree[''].class_name[:80]!a}, neither a generator nor a discriminator")


def walk(module: Module) -> Iterator[tuple[str, Module]]:
    """Every module under its dotted name, the root under the empty one."""
    waiting, seen = [("", 0, module)], 0
    while waiting:
        name, depth, part = waiting.pop()
        yield name, part
        children = part.state.get("_modules")
        if not isinstance(children, dict):
            raise CheckpointError(f"its module {name[:80]!a} is no network module")
        seen += 1 + len(children)  # modules may share one large dictionary
        if seen > MAX_ENTRIES or depth > MAX_DEPTH:
            raise CheckpointError("is nested deeper or has more modules than any network that is known")
        for key, child in children.items():
            if isinstance(child, Module) and isinstance(key, str):
                waiting.append((f"{name}.{key}".lstrip("."), depth + 1, child))
            elif child is not None:
                raise CheckpointError(f"its module {name[:80]!a} has a part of an unknown kind")


def tensors_of(tree: Mapping[str, Module]) -> dict[str, Stored]:
    """Parameters and buffers under their dotted names; the frozen weights of Freeze-D are among the buffers."""
    stored, seen = {}, 0
    for name, part in tree.items():
        for kind in ("_parameters", "_buffers"):
            tensors = part.state.get(kind)
            if not isinstance(tensors, dict):
                continue
            seen += len(tensors)  # modules may share one large dictionary
            if seen > MAX_TENSORS:
                raise CheckpointError("has more tensors than any network that is known")
            for key, value in tensors.items():
                if isinstance(value, Stored) and isinstance(key, str):
                    stored[f"{name}.{key}".lstrip(".")] = value
                elif value is not None:
                    raise CheckpointError(f"its {kind[1:]} hold a {type(value).__name__}")
    return stored


def require_supported(network: NetworkName, name: str, module: Module) -> None:
    """Refuses every setting with which the module computes something else than the one in ``networks.stylegan2``."""
    expected: dict[str, Any] = {
        "c_dim": 0,
        "cmap_dim": 0,
        "img_channels": 3,
        "use_noise": True,
        "architecture": "skip" if network == "Generator" else "resnet",
        "activation": "linear" if last(name) in LINEAR else "lrelu",
        "bias_gain": 0.01 if re.fullmatch(r"mapping\.fc\d+", name) else 1.0,
    }
    if last(name) == "mbstd":
        expected["num_channels"] = 1
    if last(name) == "skip":
        expected["conv_clamp"] = None
    for key, value in expected.items():
        if key in module.state and not same(module.state[key], value):
            setting = "lr_multiplier" if key == "bias_gain" else key  # the one is kept as the other
            raise unsupported(f"{setting} of {name or 'the network'}", module.state[key], value)


def last(name: str) -> str:
    return name.rpartition(".")[2]


def same(found: Any, expected: Any) -> bool:
    """Whether both are the same plain value of the same type; numbers may differ by rounding."""
    if isinstance(expected, float):
        return isinstance(found, float | int) and abs(found - expected) < 1e-9
    return type(found) is type(expected) and found == expected


def read_settings(network: NetworkName, tree: Mapping[str, Module]) -> dict[str, Any]:
    """What shapes leave open, from the attributes of the modules."""
    layers = [part.state for name, part in tree.items() if last(name) != "skip"]
    clamps = [state["conv_clamp"] for state in layers if "conv_clamp" in state]
    if any(not same(clamp, clamps[0]) for clamp in clamps):
        raise CheckpointError("its layers have different conv_clamp; only one for all is supported")
    settings: dict[str, Any] = {
        "conv_clamp": clamps[0] if clamps else None,
        "num_fp16_res": read_fp16(network, tree),
    }
    if network == "Discriminator":
        if "b4.mbstd" not in tree:
            raise unsupported("mbstd_num_channels", 0, 1)
        settings["mbstd_group"] = tree["b4.mbstd"].state.get("group_size", 4)
    schedule = tree.get("synthesis", tree[""]) if network == "Generator" else tree[""]
    arguments = schedule.state.get("_init_kwargs")
    for key in ("channel_base", "channel_max"):
        if isinstance(arguments, dict) and key in arguments:
            settings[key] = arguments[key]
    return settings


def read_fp16(network: NetworkName, tree: Mapping[str, Module]) -> int:
    prefix = r"synthesis\.b" if network == "Generator" else "b"
    blocks = {int(m[1]): part for name, part in tree.items() if (m := re.fullmatch(rf"{prefix}(\d{{1,5}})", name))}
    flags = {r: part.state.get("use_fp16") for r, part in blocks.items()}
    half = [r for r, flag in flags.items() if flag is True]
    if half and min(half) <= max((r for r in flags if r not in half), default=0):
        raise unsupported(f"use_fp16 at {few([str(r) for r in half])} pixels only", True, "the highest resolutions")
    return len(half)
