"""The files of IR-SE50 (TreB1eN's ``model_ir_se50.pth``) and of the encoders of pSp, e4e and HyperStyle, by torch.save.

An encoder's file holds ``state_dict`` with the tensors of encoder and decoder, ``opts`` with the options of its
training, which say what the tensors leave open, and ``latent_avg``. Nothing in them is executed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mystyle.checkpoints import containers, naming, native, rosinality
from mystyle.checkpoints.architecture import dimensions, widen
from mystyle.checkpoints.inert import Record, Stored
from mystyle.checkpoints.selection import state_dict
from mystyle.checkpoints.weights import CheckpointError, Shape, few
from mystyle.networks.irse import MAX_BLOCKS, ArcFace
from mystyle.networks.psp import Kind, StyleEncoder

COUNTER = "num_batches_tracked"  # of batch norms, which only training counts
KINDS: Mapping[str, Kind] = {
    "GradualStyleEncoder": "psp",
    "Encoder4Editing": "e4e",
    "BackboneEncoderUsingLastLayerIntoW": "w",
    "WEncoder": "w",
}


def read_irse(files: Mapping[str, Path]) -> ArcFace:
    """The recogniser in the one file of ``files``. Raises CheckpointError if it is another network, or damaged."""
    (path,) = files.values()
    with naming(path):
        data = containers.map_file(path)
        tensors = plain(state_dict(containers.unpack(data).value), len(data))
        shapes = shapes_of(tensors)
        embedding, flat = dimensions(shapes, "output_layer.3.weight", 2)
        widths, depths = trunk_config(shapes)
        config = dict(size=side(flat, widths), embedding=embedding, widths=widths, depths=depths)
        return native.build(ArcFace, native.NativeFile("ArcFace", config, counted(tensors)))


def read_encoder(files: Mapping[str, Path]) -> StyleEncoder:
    """The encoder in the one file of ``files``, with the mean code of its decoder.

    Raises CheckpointError if it is none of pSp's, e4e's and HyperStyle's, or damaged.
    """
    (path,) = files.values()
    with naming(path):
        data = containers.map_file(path)
        value = containers.unpack(data).value
        if not isinstance(value, dict) or not isinstance(value.get("state_dict"), dict):
            raise CheckpointError("holds no state_dict, as the files of pSp, e4e and HyperStyle do")
        stored = state_dict(value["state_dict"])
        tensors = plain(part(stored, "encoder."), len(data))
        options = read_options(value.get("opts"))
        shapes = shapes_of(tensors)
        config = encoder_config(shapes, options)
        decoder = rosinality.read_generator(part(stored, "decoder."), value.get("latent_avg"), "", len(data))
        rows = 2 * int(decoder.config["resolution"]).bit_length() - 4
        if config.setdefault("num_ws", rows) != rows:
            raise CheckpointError(f"its encoder has {config['num_ws']} rows of W+, its decoder {rows}")
        offset = decoder.tensors["mapping.w_avg"]
        tensors["latent_avg"] = offset if options["start_from_latent_avg"] else torch.zeros_like(offset)
        return native.build(StyleEncoder, native.NativeFile("StyleEncoder", config, counted(tensors)))


def encoder_config(shapes: Mapping[str, Shape], options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a StyleEncoder of these shapes; without ``num_ws`` if they leave it open."""
    if not shapes:
        raise CheckpointError("has a decoder only: an encoder that was trained apart is a file of its own")
    if (inputs := dimensions(shapes, "input_layer.0.weight", 4)[1]) != 3:
        raise CheckpointError(
            f"its encoder takes {inputs} channels, as ReStyle's and HyperStyle's iterations do, not 3"
        )
    kind = KINDS.get(str(options["encoder_type"])[:80])
    pooled = "linear.weight" in shapes
    if kind is None or pooled != (kind == "w"):
        head = "a linear head" if pooled else "no linear head"
        raise CheckpointError(
            f"its encoder_type is {str(options['encoder_type'])[:80]!a} with {head}; known are {', '.join(KINDS)}"
        )
    widths, depths = trunk_config(shapes)
    config: dict[str, Any] = dict(kind=kind, widths=widths, depths=depths)
    if pooled:
        return config | dict(w_dim=dimensions(shapes, "linear.weight", 2)[0])
    styles = {int(m[1]) for name in shapes if (m := re.match(r"styles\.(\d{1,3})\.", name))}
    halvings = sum(bool(re.fullmatch(r"styles\.0\.convs\.\d{1,2}\.weight", name)) for name in shapes)
    w_dim = dimensions(shapes, "styles.0.linear.weight", 2)[0]
    return config | dict(w_dim=w_dim, num_ws=len(styles), size=16 << halvings)


def trunk_config(shapes: Mapping[str, Shape]) -> tuple[list[int], list[int]]:
    """The channels and the number of blocks of each stage: a stage begins where the stride is 2.

    Which blocks have it is in no tensor. In every network of this family a stage begins where the channels change,
    except the first, which keeps those of the input layer.
    """
    found = {int(m[1]) for name in shapes if (m := re.match(r"body\.(\d{1,3})\.", name))}
    if found != set(range(len(found))) or not 0 < len(found) <= MAX_BLOCKS:
        raise CheckpointError("is no residual network: its blocks are not numbered from 0 on")
    outputs = [dimensions(shapes, f"body.{i}.res_layer.3.weight", 4)[0] for i in range(len(found))]
    widths, depths = [outputs[0]], [0]
    for channels in outputs:
        if channels != widths[-1]:
            widths.append(channels)
            depths.append(0)
        depths[-1] += 1
    return widths, depths


def side(flat: int, widths: list[int]) -> int:
    """The side in px of the chips of a recogniser whose last layer takes ``flat`` numbers."""
    cells = flat // widths[-1]
    edge = next((s for s in range(1, 65) if s * s == cells), None)
    if edge is None or flat % widths[-1]:
        raise CheckpointError(f"its last layer takes {flat:,} numbers, which is no square map of {widths[-1]} channels")
    return edge << len(widths)


def read_options(opts: Any) -> dict[str, Any]:
    """``encoder_type`` and ``start_from_latent_avg`` of the options, a dictionary or an argparse.Namespace."""
    options = opts.state if isinstance(opts, Record) else opts
    if not isinstance(options, dict):
        raise CheckpointError("has no opts, which say which encoder it is")
    wanted = ("encoder_type", "start_from_latent_avg")
    if missing := [name for name in wanted if name not in options]:
        raise CheckpointError(f"its opts lack {few(missing)}")
    return {name: options[name] for name in wanted}


def part(stored: Mapping[str, Stored], prefix: str) -> dict[str, Stored]:
    return {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}


def plain(stored: Mapping[str, Stored], size: int) -> dict[str, Tensor]:
    """Finite float32 tensors, without the counters of batch norms."""
    tensors = widen({name: value for name, value in stored.items() if not name.endswith(COUNTER)}, size, [])
    if broken := [name for name, value in tensors.items() if not value.isfinite().all()]:
        raise CheckpointError(f"has NaN or infinite weights: {few(broken)}")
    return tensors


def counted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With a counter beside every running mean, zero, because it has no part in the network's function."""
    suffix = "running_mean"
    means = [name for name in tensors if name.endswith(suffix)]
    return {**tensors, **{name.removesuffix(suffix) + COUNTER: torch.tensor(0) for name in means}}


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(value.shape) for name, value in tensors.items()}
