"""Training images of a domain: a folder of images, held in memory, with a manifest if there is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy.stats import norm
from torch import Tensor

from mystyle.image_files import SUFFIXES, read_pixels
from mystyle.types import Image, from_uint8, to_uint8


@dataclass(frozen=True)
class Album:
    """``images`` uint8 [n, 3, R, R], ``identities`` [n] and ``parameters`` {name: [n]}.

    Without a manifest the images of a folder inside are of one identity, every other image is one of its own, and there
    are no parameters.
    """

    images: Tensor
    identities: Tensor
    parameters: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def resolution(self) -> int:
        return self.images.shape[-1]

    def hold_out(self, share: float) -> tuple[Tensor, Tensor]:
        """Positions of the photos to train on, and of those of the last ``share`` of the identities."""
        known = int((int(self.identities.max()) + 1) * (1 - share))
        return (self.identities < known).nonzero().squeeze(1), (self.identities >= known).nonzero().squeeze(1)

    def shrunk(self, factor: int) -> Album:
        """The same images at a ``factor``-th of the size, each pixel the mean of those it replaces."""
        parts = [to_uint8(F.avg_pool2d(from_uint8(part), factor)) for part in self.images.split(256)]
        return replace(self, images=torch.cat(parts))

    def batch(self, index: Tensor | slice) -> Image:
        """The images at ``index`` in [-1, 1]."""
        return from_uint8(self.images[index])


def read_album(folder: Path) -> Album:
    """Reads every image of ``folder``, in the manifest's order or else sorted by name.

    Raises ValueError naming the folder or file where there is no image, or where sizes differ.
    """
    manifest = folder / "manifest.csv"
    if manifest.is_file():
        table = pd.read_csv(manifest)
        files = [folder / name for name in table["file"]]
        identities = torch.from_numpy(pd.factorize(table["identity"])[0])
        columns = table.columns.difference(["file", "sha256", "split", "identity"], sort=False)
        parameters = {name: torch.tensor(table[name].to_numpy(), dtype=torch.float32) for name in columns}
    else:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        people = [path.relative_to(folder).parts[0] for path in files]
        identities, parameters = torch.from_numpy(pd.factorize(pd.Series(people))[0]), {}
    if not files:
        raise ValueError(f"--data {folder}: no images in it; python -m datasets.synthetic population renders some")
    size = len(read_pixels(files[0]))
    images = torch.empty(len(files), 3, size, size, dtype=torch.uint8)
    for i, path in enumerate(files):
        pixels = read_pixels(path)
        height, width, _ = pixels.shape
        if (width, height) != (size, size):
            raise ValueError(f"{path}: {width}x{height} px; all must be square and of one size")
        images[i] = torch.from_numpy(pixels).permute(2, 0, 1)
    return Album(images, identities, parameters)


def normal_scores(parameters: dict[str, Tensor], generator: torch.Generator) -> Tensor:
    """Every parameter as its standard normal score by rank: [n, k].

    Ties are broken at random, so that every column is normal: a trait that three people in four lack fills three
    quarters of the distribution, as it will when z is sampled. With their mean rank, codes between the trait and its
    absence would not be trained.
    """
    columns = []
    for x in parameters.values():
        chance = torch.rand(len(x), generator=generator)
        rank = np.empty(len(x))
        rank[np.lexsort((chance.numpy(), x.numpy()))] = np.arange(1, len(x) + 1)
        columns.append(norm.ppf(rank / (len(x) + 1)))
    return torch.tensor(np.stack(columns, axis=1), dtype=torch.float32)


def complete_to_sphere(scores: Tensor, z_dim: int, generator: torch.Generator) -> Tensor:
    """z [n, z_dim] whose first coordinates are ``scores`` and whose rest is noise scaled so that |z|^2 = z_dim.

    The mapping network normalises z to that sphere, so the scores pass it unchanged and can be read off exactly. Raises
    ValueError where there are more scores than coordinates.
    """
    if scores.shape[1] > z_dim:
        raise ValueError(
            f"--data: {scores.shape[1]} parameters do not fit a z of {z_dim}; render a narrow population or raise z_dim"
        )
    noise = torch.randn(len(scores), z_dim - scores.shape[1], generator=generator)
    room = (z_dim - scores.square().sum(dim=1, keepdim=True)).clamp_min(1e-3)
    return torch.cat([scores, noise * (room.sqrt() / noise.norm(dim=1, keepdim=True))], dim=1)
