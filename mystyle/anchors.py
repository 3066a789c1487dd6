"""Anchors: the codes w_1..w_N of a person's photos, which span everything the personal prior knows (section 3.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mystyle.types import Image, Portraits, W


@dataclass(frozen=True)
class Anchors:
    """N codes in a fixed order, each with the name of its photo.

    Coordinate i of every alpha refers to row i, so the order is part of the data: it is stored, never read off a
    folder, and ``hash`` tells two sets of anchors apart.
    """

    codes: W
    """float32 [N, w_dim]; the columns of the paper's M."""
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or len(self.codes) != len(self.names) or not self.names:
            raise ValueError(f"anchors: codes of shape {tuple(self.codes.shape)} for {len(self.names)} names")

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of names and codes, in order."""
        digest = hashlib.sha256(json.dumps(self.names).encode())
        digest.update(self.codes.detach().cpu().numpy().astype("<f4").tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        metadata = {"names": json.dumps(self.names), "hash": self.hash}
        save_file({"codes": self.codes.detach().cpu().contiguous()}, path, metadata=metadata)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> Anchors:
        """What ``save`` wrote. Raises ValueError if the file's codes are not those that its hash was taken of."""
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            anchors = cls(file.get_tensor("codes"), tuple(json.loads(metadata.get("names", "[]"))))
        if anchors.hash != metadata.get("hash"):
            raise ValueError(f"{path}: codes and names do not match the stored hash; tune the person again")
        return anchors


@torch.no_grad()
def encode_anchors(portraits: Portraits, encoder: Callable[[Image], W], batch: int = 32) -> Anchors:
    """The anchors of ``portraits``: the domain's W encoder applied to each photo, on the photos' device.

    The paper takes "the latent space inversions produced by a pretrained encoder"; they stay fixed from here on.
    """
    codes = torch.cat([encoder(images) for images in portraits.images.split(batch)])
    return Anchors(codes, portraits.files)
