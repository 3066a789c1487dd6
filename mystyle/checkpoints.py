"""Weight files of the networks: safetensors with the architecture in the metadata.

A file holds a state dict under the official names (``mystyle.stylegan2``) and two metadata entries: ``network`` (its
class) and ``config`` (JSON, the constructor's arguments). Nothing in such a file can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from mystyle.encoder import Encoder
from mystyle.perceptual import FeatureNetwork
from mystyle.stylegan2 import Discriminator, Generator

Network = TypeVar("Network", Generator, Discriminator, Encoder, FeatureNetwork)


class CheckpointError(ValueError):
    """A weight file that is missing, damaged, or of another network; the message names the file."""


def save_network(network: nn.Module, path: Path | str, dtype: torch.dtype = torch.float32) -> None:
    """Writes ``network`` with its ``config`` to ``path``, floats as ``dtype``, by way of a temporary name."""
    path = Path(path)
    tensors = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else value.dtype).contiguous()
        for name, value in network.state_dict().items()
    }
    metadata = {"network": type(network).__name__, "config": json.dumps(network.config, sort_keys=True)}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(tensors, temporary, metadata)
    os.replace(temporary, path)


def load_network(kind: type[Network], path: Path | str) -> Network:
    """A ``kind`` in float32 on the CPU, in eval mode and without gradients.

    Raises CheckpointError if the file is missing, is not safetensors, or holds another network or other shapes.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weight file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error
    if metadata.get("network") != kind.__name__:
        raise CheckpointError(f"{path}: holds {metadata.get('network', 'no named network')}, expected {kind.__name__}")
    try:
        network = kind(**json.loads(metadata["config"]))
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    except (KeyError, TypeError, RuntimeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: does not fit a {kind.__name__} ({error})") from error
    return network.eval().requires_grad_(False)


def save_generator(generator: Generator, path: Path | str, dtype: torch.dtype = torch.float32) -> None:
    save_network(generator, path, dtype)


def save_discriminator(discriminator: Discriminator, path: Path | str, dtype: torch.dtype = torch.float32) -> None:
    save_network(discriminator, path, dtype)


def load_generator(path: Path | str) -> Generator:
    """See ``load_network``."""
    return load_network(Generator, path)


def load_discriminator(path: Path | str) -> Discriminator:
    """See ``load_network``."""
    return load_network(Discriminator, path)


def sha256(path: Path | str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
