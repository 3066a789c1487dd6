"""Describes a weight file, and converts it: ``python -m mystyle.checkpoints FILE [OUT.safetensors]``.

Exit status: 0 done, 2 unusable file or arguments.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from mystyle.checkpoints import CheckpointError, Weights, read_weights, write_weights
from mystyle.files import printable, sha256

DONE, UNUSABLE = 0, 2  # exit status
BUFFERS = (".noise_const", ".w_avg", ".scale")


def make_parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m mystyle.checkpoints", description=__doc__.split("\n\n")[0])
    parser.add_argument("file", type=Path, help="a weight file of any known format")
    parser.add_argument("out", type=Path, nargs="?", help="the safetensors file to write; without it none is written")
    parser.add_argument("--network", choices=["generator", "discriminator"], help="which, of a file that has both")
    parser.add_argument("--key", help="G_ema (the default), G or D, of a file that has several networks")
    parser.add_argument("--half", action="store_true", help="write float16")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        if options.out is not None and options.out.exists() and not options.overwrite:
            raise CheckpointError(f"{options.out}: is there already; --overwrite replaces it")
        if options.out is not None and not options.out.absolute().parent.is_dir():
            raise CheckpointError(f"{options.out}: its folder does not exist")
        weights = read_weights(options.file, options.network, options.key)
        show(summary(options.file, weights))
        if options.out is not None:
            write_weights(weights, options.out, half=options.half)
            show(fingerprint("written", options.out))
    except (CheckpointError, OSError) as error:
        print(f"mystyle.checkpoints: {printable(str(error))}", file=sys.stderr)
        return UNUSABLE
    return DONE


def show(lines: Iterator[tuple[str, str]]) -> None:
    for label, text in lines:
        print(f"{label:<14}{printable(text)}")


def summary(file: Path, weights: Weights) -> Iterator[tuple[str, str]]:
    """The description of a weight file, as labels and texts."""
    config = weights.config
    resolution = config["resolution"]
    yield from fingerprint("file", file)
    yield "format", weights.format
    yield "network", weights.network
    yield "resolution", f"{resolution} px"
    yield from (
        layers_of_mobilestylegan(config) if weights.network == "MobileGenerator" else layers_of_stylegan2(weights)
    )
    trained = [tensor.numel() for name, tensor in weights.tensors.items() if not name.endswith(BUFFERS)]
    yield "parameters", f"{sum(trained):,}"
    for note in weights.notes:
        yield "note", note


def layers_of_stylegan2(weights: Weights) -> Iterator[tuple[str, str]]:
    config = weights.config
    resolution, half = config["resolution"], config["num_fp16_res"]
    yield "channels", f"min({config['channel_base']} / resolution, {config['channel_max']})"
    if weights.network == "Generator":
        yield "mapping", mapping_layers(config)
        yield "num_ws", str(2 * resolution.bit_length() - 4)
    else:
        yield "mbstd group", str(config["mbstd_group"] or "the whole batch")
    yield "conv_clamp", str(config["conv_clamp"])
    blocks = [resolution >> i for i in range(half) if resolution >> i >= 8]
    yield "fp16 blocks", ", ".join(map(str, blocks)) or "none"


def layers_of_mobilestylegan(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "channels", ", ".join(f"{c} at {4 << i}" for i, c in enumerate(config["channels"]))
    yield "mapping", mapping_layers(config)
    yield "num_ws", str(2 * len(config["channels"]))


def mapping_layers(config: Mapping[str, Any]) -> str:
    return f"{config['mapping_layers']} layers, z {config['z_dim']}, w {config['w_dim']}"


def fingerprint(label: str, file: Path) -> Iterator[tuple[str, str]]:
    yield label, str(file)
    yield "bytes", f"{file.stat().st_size:,}"
    yield "SHA-256", sha256(file)


if __name__ == "__main__":
    sys.exit(main())
