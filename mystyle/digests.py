"""SHA-256 of tensors and networks, which name them in keys of caches and in files that belong to them."""

from __future__ import annotations

import hashlib
from typing import Any

from torch import Tensor


def digest(tensor: Tensor) -> str:
    """Of the values of a tensor."""
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


def fingerprint(network: Any) -> str:
    """Of a network's tensors, by name."""
    found = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
