"""Codes and directions made elsewhere: a tensor in a .pt, .npy or .safetensors file, none of which is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mystyle.files import require_regular
from mystyle.types import W

SUFFIXES = (".pt", ".npy", ".safetensors")


def read_code(path: Path, w_dim: int) -> W:
    """The code or direction [w_dim] in ``path``; [.., num_ws, w_dim] with layers that are all alike counts as one.

    Raises ValueError that names the file if there is no such vector in it, or if it is not finite.
    """
    found = read_vector(path)
    if found.numel() and found.numel() % w_dim == 0:
        codes = found.reshape(-1, w_dim)
        if codes.isfinite().all() and (codes == codes[0]).all():
            return codes[0]
    raise ValueError(f"{path}: expected one finite vector of {w_dim} numbers, found shape {tuple(found.shape)}")


def read_vector(path: Path) -> Tensor:
    """The one tensor in ``path``, float32 on the CPU.

    Raises ValueError that names the file: it does not exist or is a pipe or a device, is none of the three formats, is
    damaged, or does not hold exactly one tensor.
    """
    try:
        require_regular(path)
        value = _READERS[path.suffix](path)
    except KeyError:
        raise ValueError(f"{path}: a file of codes or directions is {', '.join(SUFFIXES)}") from None
    except Exception as error:  # each library has errors of its own for damaged files
        reason = getattr(error, "strerror", None) or (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path}: cannot be read ({reason})") from error
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if not isinstance(value, Tensor):
        raise ValueError(f"{path}: holds {type(value).__name__} where one tensor is expected")
    return value.detach().float()


def _pt(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whose message advises to load the file without this protection
        raise ValueError("damaged, or holds more than tensors") from error


def _npy(path: Path) -> Tensor:
    import numpy as np

    return torch.from_numpy(np.load(path, allow_pickle=False))


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


_READERS = dict(zip(SUFFIXES, (_pt, _npy, _safetensors), strict=True))
