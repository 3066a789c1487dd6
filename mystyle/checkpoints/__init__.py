"""Weight files: this package's safetensors, and those of the official repositories, none of which is executed.

``load_generator`` and ``load_discriminator`` take NVIDIA's pickles (stylegan2-ada-pytorch, stylegan3, and the older
ones of TensorFlow), rosinality's checkpoints, those of pSp, e4e and HyperStyle, modules that torch.save wrote whole,
and safetensors; the content decides, not the file's name. ``python -m mystyle.checkpoints FILE`` describes
a file, and converts it to safetensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from mystyle.checkpoints.weights import CheckpointError, NetworkName, Weights
from mystyle.files import printable, sha256

if TYPE_CHECKING:
    import torch
    from torch import nn

    from mystyle import roles
    from mystyle.checkpoints.native import Network
    from mystyle.networks.mobilestylegan import MobileGenerator
    from mystyle.networks.stylegan2 import Discriminator, Generator

__all__ = [
    "CheckpointError",
    "Weights",
    "load_discriminator",
    "load_generator",
    "load_network",
    "read_weights",
    "save_discriminator",
    "save_generator",
    "save_network",
    "sha256",
    "write_weights",
]

NETWORKS: dict[str, NetworkName] = {"generator": "Generator", "discriminator": "Discriminator"}


def save_network(network: nn.Module, path: Path | str, dtype: torch.dtype | None = None) -> None:
    """Writes ``network`` with its ``config`` to ``path``, floats as ``dtype`` (float32), by way of a temporary name."""
    import torch

    from mystyle.checkpoints import native

    kind, config = type(network).__name__, cast("dict[str, Any]", network.config)
    native.write(Path(path), kind, config, network.state_dict(), dtype or torch.float32)


save_discriminator = save_network


def save_generator(generator: roles.Generator, path: Path | str, dtype: torch.dtype | None = None) -> None:
    """``save_network`` for a generator that ``load_generator`` reads again. Raises Unsupported for another class."""
    from mystyle.networks.mobilestylegan import MobileGenerator
    from mystyle.networks.stylegan2 import Generator
    from mystyle.types import Unsupported

    if not isinstance(generator, Generator | MobileGenerator):
        raise Unsupported(f"a {type(generator).__name__} cannot be saved: there is no file format for it")
    save_network(generator, path, dtype)


def load_network(kind: type[Network], path: Path | str) -> Network:
    """A ``kind`` in float32 on the CPU, in eval mode and without gradients, from a file of ``save_network``.

    Raises CheckpointError if the file is missing, is not safetensors, or holds another network or other shapes.
    """
    from mystyle.checkpoints import native

    with naming(path):
        file = native.read(Path(path))
        if file.network != kind.__name__:
            raise CheckpointError(f"holds {file.network[:80]}, expected {kind.__name__}")
        return native.build(kind, file)


def load_generator(path: Path | str, *, key: str | None = None) -> Generator | MobileGenerator:
    """A generator in float32 on the CPU, in eval mode and without gradients, from a weight file of any known format.

    The file says whether it is StyleGAN2 or MobileStyleGAN. ``key`` chooses between ``G_ema`` (the default) and ``G``
    where a file has both. Raises CheckpointError if the file is missing, damaged, not finite, or of a network that is
    not supported.
    """
    from mystyle.networks.mobilestylegan import MobileGenerator
    from mystyle.networks.stylegan2 import Generator

    weights = read_weights(path, "generator", key)
    if weights.network == "MobileGenerator":
        return assemble(MobileGenerator, weights, path)
    return assemble(Generator, weights, path)


def load_discriminator(path: Path | str) -> Discriminator:
    """A discriminator, as ``load_generator``."""
    from mystyle.networks.stylegan2 import Discriminator

    return assemble(Discriminator, read_weights(path, "discriminator"), path)


def read_weights(
    path: Path | str, network: Literal["generator", "discriminator"] | None = None, key: str | None = None
) -> Weights:
    """The weights of one network of a file of any known format, on the CPU in memory of their own.

    Without ``network``, the generator of a file that has both. ``key`` is as for ``load_generator``; ``D`` is the key
    of the discriminator. Raises CheckpointError as ``load_generator``, except that weights which are not finite are
    only noted.
    """
    from mystyle.checkpoints import containers, native, selection

    with naming(path):
        data = containers.map_file(Path(path))
        wanted = NETWORKS[network] if network else None
        if containers.recognise(data) != "safetensors":
            return selection.read(containers.unpack(data), wanted, key, len(data))
        if key is not None:
            raise CheckpointError(f"has no {key}: a safetensors file holds one network")
        return native.weights(native.read(Path(path)), wanted)


def write_weights(weights: Weights, path: Path | str, *, half: bool = False) -> None:
    """Writes safetensors in float32 or float16. Raises CheckpointError if the weights are not finite."""
    import torch

    from mystyle.checkpoints import native
    from mystyle.checkpoints.architecture import require_finite

    with naming(path):
        require_finite(weights)
        largest = max(float(tensor.abs().max()) for tensor in weights.tensors.values())
        if half and largest > torch.finfo(torch.float16).max:
            raise CheckpointError(f"float16 cannot hold these weights (the largest is {largest:.3g})")
    dtype = torch.float16 if half else torch.float32
    native.write(Path(path), weights.network, weights.config, weights.tensors, dtype)


def assemble(kind: type[Network], weights: Weights, path: Path | str) -> Network:
    """The network itself, from its weights, which came from ``path``."""
    from mystyle.checkpoints.architecture import require_finite

    with naming(path):
        require_finite(weights)
        network = kind(**weights.config)
        network.load_state_dict(weights.tensors, assign=True)
        return network.eval().requires_grad_(False)


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Puts the file's name before the message of a CheckpointError, and escapes control characters from the file."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {printable(str(error))}") from error
