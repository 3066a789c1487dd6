"""Directions of W in which one thing about a face changes, found in a generator in three ways.

A direction has the length of one standard deviation of the codes of W along it, so that strengths of one or two are
changes of the size in which people differ. Directions in files keep the length they have
(``mystyle.latents.vectors``); those that the official code ships have length one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mystyle.networks.features import FeatureNetwork
from mystyle.networks.stylegan2 import Generator, StyledConv
from mystyle.progress import report
from mystyle.types import W

BATCH = 64


def save_directions(path: Path, directions: Mapping[str, W], generator: str) -> None:
    """Writes named directions, in their order, and the SHA-256 of the ``generator`` file in whose W they lie."""
    names = json.dumps(list(directions))
    stacked = torch.stack(list(directions.values())).cpu()
    save_file({"directions": stacked}, path, metadata={"names": names, "generator": generator})


def load_directions(path: Path, w_dim: int, generator: str, device: torch.device | str = "cpu") -> dict[str, W]:
    """What ``save_directions`` wrote. Raises ValueError if it is damaged or belongs to another generator."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            stacked, names = file.get_tensor("directions"), json.loads(metadata.get("names", "[]"))
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    if metadata.get("generator") != generator or tuple(stacked.shape) != (len(names), w_dim):
        raise ValueError(f"{path}: made for another generator; make them again with python -m mystyle directions")
    return dict(zip(names, stacked, strict=True))


@torch.no_grad()
def sample_w(generator: Generator, n: int, seed: int) -> W:
    """n codes [n, w_dim] of the mapping network."""
    z = torch.randn(n, generator.z_dim, generator=torch.Generator().manual_seed(seed))
    return torch.cat([generator.mapping.w(part.to(generator.mapping.w_avg)) for part in z.split(1024)])


@torch.no_grad()
def read_attributes(generator: Generator, reader: FeatureNetwork, w: W) -> dict[str, Tensor]:
    """The attributes {name: [n]} that ``reader`` sees in G(w)."""
    parts = []
    for i, codes in enumerate(w.split(BATCH)):
        images = generator.synthesis(codes[:, None].expand(-1, generator.num_ws, -1), noise="const")
        parts.append(reader.attributes(images.clamp(-1, 1)))
        report("reading attributes", min((i + 1) * BATCH, len(w)), len(w))
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def boundaries(w: W, attributes: Mapping[str, Tensor], share: float = 0.1) -> dict[str, W]:
    """InterFaceGAN (Shen et al., 2020): the normal of the hyperplane between codes with much and with little of each.

    For every attribute a linear support vector machine separates the ``share`` of ``w`` [n, w_dim] with the most of it
    from as many with the least. The normals point to more.
    """
    from sklearn.svm import LinearSVC

    mean, std = w.mean(dim=0), w.std(dim=0).clamp_min(1e-8)
    x = ((w - mean) / std).cpu()
    k = max(2, int(share * len(w)))
    result = {}
    for i, (name, values) in enumerate(attributes.items()):
        order = values.argsort()
        rows = torch.cat([order[:k], order[-k:]])
        label = [0] * k + [1] * k
        machine = LinearSVC(C=0.01, dual=False).fit(x[rows].numpy(), label)
        normal = torch.from_numpy(machine.coef_[0]).to(w) / std
        result[name] = scaled(normal, w)
        report("finding boundaries", i + 1, len(attributes))
    return result


def principal(w: W, count: int) -> dict[str, W]:
    """GANSpace (Haerkoenen et al., 2020): the ``count`` principal components of the codes ``w`` [n, w_dim]."""
    _, _, components = torch.linalg.svd(w - w.mean(dim=0), full_matrices=False)
    return {f"pca{i:02d}": scaled(oriented(v), w) for i, v in enumerate(components[:count])}


def closed_form(generator: Generator, w: W, count: int, layers: Sequence[int] | None = None) -> dict[str, W]:
    """SeFa (Shen and Zhou, 2021): eigenvectors of A^T A with the largest eigenvalues.

    A stacks the affine maps from w to styles of the styled convolutions numbered ``layers``, of all by default; every
    map is divided by its norm, so that wide layers do not decide alone.
    """
    maps = [layer.affine.weight for layer in generator.synthesis.modules() if isinstance(layer, StyledConv)]
    chosen = maps if layers is None else [maps[i] for i in layers]
    a = torch.cat([weight / weight.norm() for weight in chosen]).double()
    _, vectors = torch.linalg.eigh(a.T @ a)
    return {f"sefa{i:02d}": scaled(oriented(v.to(w)), w) for i, v in enumerate(vectors.flip(1).T[:count])}


def without(direction: W, others: Sequence[W]) -> W:
    """``direction`` without its part in the span of ``others``: InterFaceGAN's conditional manipulation."""
    basis, _ = torch.linalg.qr(torch.stack(list(others), dim=1))
    return direction - basis @ (basis.T @ direction)


def scaled(direction: W, w: W) -> W:
    """``direction`` with the length of one standard deviation of the codes ``w`` along it."""
    unit = direction / direction.norm()
    return unit * ((w - w.mean(dim=0)) @ unit).std()


def oriented(vector: Tensor) -> Tensor:
    """The sign is free; the largest entry is positive, so that the same vector comes out everywhere."""
    return vector * vector[vector.abs().argmax()].sign()
