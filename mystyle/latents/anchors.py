"""Anchors: the codes w_1..w_N of a person's photos, which span the personal prior (section 3.1)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mystyle.latents.hull import nearest_in_hull
from mystyle.latents.vectors import SUFFIXES, read_code
from mystyle.types import Image, Portraits, W

NEGLIGIBLE = 1e-6  # singular values below this share of the largest are rounding of float32 codes


@dataclass(frozen=True)
class Anchors:
    """N codes in a fixed order, each with the name of its photo.

    Coordinate i of every alpha refers to row i, so the order is part of the data: it is stored, never read off a
    folder, and ``hash`` distinguishes two sets of anchors.
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
    def singular_values(self) -> torch.Tensor:
        """Of M, descending, float64 [min(N, w_dim)]."""
        values: torch.Tensor = torch.linalg.svdvals(self.codes.double())
        return values

    @property
    def rank(self) -> int:
        """The dimension of the anchors' span V, counting singular values that are no rounding."""
        return int((self.singular_values > NEGLIGIBLE * self.singular_values[0]).sum())

    @property
    def condition(self) -> float:
        """The largest over the smallest singular value of M: how much coordinates magnify an error of a code.

        Infinite where anchors are dependent (B.3).
        """
        if self.rank < len(self):
            return math.inf
        return float(self.singular_values[0] / self.singular_values[-1])

    def __getitem__(self, index: Sequence[int]) -> Anchors:
        """The anchors at ``index``, in its order."""
        return Anchors(self.codes[list(index)], tuple(self.names[i] for i in index))

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
            # a copy is aligned as what was computed is, by which kernels round
            anchors = cls(file.get_tensor("codes").clone(), tuple(json.loads(metadata.get("names", "[]"))))
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


def read_anchors(folder: Path, names: Sequence[str], w_dim: int) -> Anchors:
    """Codes made elsewhere: for each photo a file of its name with the suffix .pt, .npy or .safetensors.

    The order is that of ``names``, whatever the folder's is. Raises ValueError that names every file which is missing,
    there more than once, or not one code of ``w_dim`` numbers.
    """
    codes, problems = [], []
    for name in names:
        files = [path for suffix in SUFFIXES if (path := folder / Path(name).with_suffix(suffix).name).is_file()]
        try:
            if len(files) != 1:
                raise ValueError(
                    f"{folder}: {len(files)} files of codes for {name}; one of {', '.join(SUFFIXES)} is needed"
                )
            codes.append(read_code(files[0], w_dim))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return Anchors(torch.stack(codes), tuple(names))


def without_inner(anchors: Anchors, tolerance: float = 1e-6) -> Anchors:
    """The anchors that span P_0 (B.3): those inside the hull of the others are dropped, and repetitions of one.

    ``tolerance`` is a distance, in units of the anchors' RMS distance from their centre. P_0 stays the same set of
    codes; P_beta for beta > 0 does not, because it is dilated less with fewer coordinates. What is left need not be
    linearly independent: the corners of a square are four.
    """
    centred = anchors.codes.double() - anchors.codes.double().mean(dim=0)
    near = tolerance * float(centred.square().sum(dim=1).mean().sqrt())
    apart = torch.cdist(centred, centred, compute_mode="donot_use_mm_for_euclid_dist")
    repeated = (apart <= near).tril(diagonal=-1).any(dim=1)
    once = anchors[(~repeated).nonzero().flatten().tolist()]
    if len(once) < 3:
        return once
    return once[(from_the_others(once) > near).nonzero().flatten().tolist()]


def from_the_others(anchors: Anchors) -> torch.Tensor:
    """The distance of each anchor from the hull of all others, float64 [N]."""
    codes = anchors.codes.double()
    others = ~torch.eye(len(codes), dtype=torch.bool, device=codes.device)
    apart: torch.Tensor = (nearest_in_hull(codes, codes, others) @ codes - codes).norm(dim=1)
    return apart


def with_midpoints(anchors: Anchors) -> Anchors:
    """Twice as many: after the anchors the middles between each and the next, which depend on them and span nothing."""
    following = [*range(1, len(anchors)), 0]
    middles = (anchors.codes + anchors.codes[following]) / 2
    names = tuple(f"{anchors.names[i]} and {anchors.names[j]}" for i, j in enumerate(following))
    return Anchors(torch.cat([anchors.codes, middles]), anchors.names + names)


def outer_half(anchors: Anchors) -> Anchors:
    """Half of them, those farthest from the hull of the others, in their order."""
    kept = from_the_others(anchors).topk(-(-len(anchors) // 2)).indices
    return anchors[sorted(kept.tolist())]
