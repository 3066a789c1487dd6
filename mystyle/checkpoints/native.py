"""This package's weight files: safetensors with the architecture in the metadata.

A file holds a state dict and two metadata entries: ``network`` (its class) and ``config`` (JSON, the constructor's
arguments).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mystyle.checkpoints.architecture import complete, non_finite, require_same
from mystyle.checkpoints.weights import CheckpointError, NetworkName, Weights, few
from mystyle.files import write_whole
from mystyle.networks.mobilestylegan import MobileGenerator
from mystyle.networks.stylegan2 import Discriminator, Generator

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
Network = TypeVar("Network", bound=nn.Module)
MAX_CONFIG = 65_536  # characters; a network that reads all parameters of a domain has 10,000


@dataclass(frozen=True)
class NativeFile:
    network: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    """floats in float32, in memory of their own"""


def write(
    path: Path, network: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor], dtype: torch.dtype
) -> None:
    """Writes by way of a temporary name, floats as ``dtype``. Raises OSError, of a full disk for example.

    Equal networks give equal files, whose hashes are in the keys of what is computed with them.
    """
    tensors = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else value.dtype).contiguous()
        for name, value in tensors.items()
    }
    metadata = {"network": network, "config": json.dumps(config)}

    def save(partial: Path) -> None:
        save_file(tensors, partial, metadata)
        sort_metadata(partial)

    try:
        write_whole(path, save)
    except SafetensorError as error:  # which has the number of the system's error in its text alone
        if code := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error
        raise CheckpointError(f"cannot be written ({error})") from error


def sort_metadata(path: Path) -> None:
    """Gives a safetensors file one order of its metadata, which the library writes in a random one."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) > length:
            raise CheckpointError("cannot be written (its header is of another form than that of safetensors)")
        file.seek(8)
        file.write(text.ljust(length))


def read(path: Path) -> NativeFile:
    """Raises CheckpointError if the file is not safetensors or lacks the metadata that name its network."""
    if not path.is_file():
        raise CheckpointError("no such weight file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"not a readable safetensors file ({error})") from error
    if "network" not in metadata:
        raise CheckpointError("holds no named network; it was not written by this package")
    try:
        config = json.loads(metadata["config"][:MAX_CONFIG])
    except (KeyError, ValueError, RecursionError) as error:
        raise CheckpointError("its metadata are damaged") from error
    if not isinstance(config, dict):
        raise CheckpointError("its metadata are damaged")
    if odd := [name for name, t in tensors.items() if t.dtype not in (*FLOATS, *INTEGERS)]:
        raise CheckpointError(f"has tensors of a type that no weight has ({few(odd)})")
    # copies, because what safetensors gives is a view of the file, which may change or go away
    tensors = {n: t.to(torch.float32 if t.is_floating_point() else t.dtype, copy=True) for n, t in tensors.items()}
    return NativeFile(metadata["network"], config, tensors)


def build(kind: type[Network], file: NativeFile) -> Network:
    """The network of the file, in eval mode and without gradients. Raises CheckpointError if it does not fit."""
    if kind in (Generator, Discriminator):
        weights(file, kind.__name__)
    require_fit(kind, file)
    try:
        with torch.random.fork_rng(devices=[]):  # initial weights are random, to be replaced
            network = kind(**file.config)
        network.load_state_dict(file.tensors)
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"does not fit a {kind.__name__} ({error})") from error
    return network.eval().requires_grad_(False)


def require_fit(kind: type[nn.Module], file: NativeFile) -> dict[str, Any]:
    """The whole configuration of a ``kind`` that has the tensors of the file. Raises CheckpointError if none does."""
    try:
        with torch.device("meta"):  # whether it fits is seen before any memory is taken
            network = kind(**file.config)
        require_same(
            {name: tuple(t.shape) for name, t in file.tensors.items()},
            {name: tuple(t.shape) for name, t in network.state_dict().items()},
        )
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"does not fit a {kind.__name__} ({error})") from error
    return cast("dict[str, Any]", network.config)


def mobile_weights(file: NativeFile) -> Weights:
    if odd := [name for name, t in file.tensors.items() if not t.is_floating_point()]:
        raise CheckpointError(f"does not fit a {file.network} ({few(odd)} are not floats)")
    broken = non_finite(file.tensors)
    notes = (f"not finite: {few(broken)}",) if broken else ()
    return Weights("safetensors", file.network, require_fit(MobileGenerator, file), file.tensors, notes)


def weights(file: NativeFile, network: str | None) -> Weights:
    """A generator of either kind or a discriminator; its ``config`` must be what its tensors have."""
    if file.network == "MobileGenerator" and network in (None, "Generator"):
        return mobile_weights(file)
    if file.network not in ("Generator", "Discriminator"):
        raise CheckpointError(f"holds {file.network[:80]}, expected {network or 'Generator or Discriminator'}")
    if network not in (None, file.network):
        raise CheckpointError(f"holds {file.network}, expected {network}")
    if odd := [name for name, t in file.tensors.items() if not t.is_floating_point() or not t.numel()]:
        raise CheckpointError(f"does not fit a {file.network} ({few(odd)} are not floats, or empty)")
    try:
        found = complete("safetensors", cast(NetworkName, file.network), file.tensors, file.config, [])
    except CheckpointError as error:
        raise CheckpointError(f"does not fit a {file.network} ({error})") from error
    if len(found.tensors) != len(file.tensors) or found.config != found.config | file.config:
        raise CheckpointError(f"does not fit a {file.network} (its tensors are not those that its metadata promise)")
    return found
