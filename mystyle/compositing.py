"""Compositing of an output and the given image (section 5.2): Poisson blending, and the region of the head."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mystyle.types import Image, Mask

HEAD = (0.50, 0.50)  # centre of an aligned head with its hair, x and y in fractions of the image
HEAD_AXES = (0.40, 0.48)  # half axes of an ellipse around it
FEATHER = 0.08  # width of the ellipse's soft edge, in fractions of the image


def poisson_blend(output: Image, given: Image, mask: Mask, grow: int) -> Image:
    """``output`` cloned seamlessly into the hole of ``given``: [n, 3, h, w] twice and the mask, 1 where known.

    In the hole, grown by a box of ``grow`` pixels, the result has the output's gradients, and at its border the given
    image's values (Perez et al., 2003); elsewhere it is the given image. The official code calls OpenCV for it.
    """
    from scipy.ndimage import binary_dilation

    holes = (mask[:, 0] == 0).cpu().numpy()
    box = np.ones((grow, grow), dtype=bool)
    result = given.clone()
    for i, hole in enumerate(holes):
        hole = binary_dilation(hole, box)
        inside = torch.from_numpy(hole).to(given.device)
        result[i, :, inside] = (output[i] + membrane((given[i] - output[i]), hole))[:, inside]
    return result


def membrane(border: Tensor, hole: np.ndarray) -> Tensor:
    """The harmonic function [c, h, w] in the hole [h, w] that equals ``border`` [c, h, w] around it; zero elsewhere.

    Its normal derivative is zero at the image's edge, and it is zero where a hole has no border.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import splu

    values = border.double().cpu().numpy()
    result = np.zeros_like(values)
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(hole.sum())
    if not hole.any() or hole.all():
        return torch.from_numpy(result).to(border)
    y, x = np.nonzero(hole)
    degree, right = np.zeros(len(y)), np.zeros((len(y), len(values)))
    rows, columns = [], []
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        v, u = y + dy, x + dx
        there = np.flatnonzero((v >= 0) & (v < hole.shape[0]) & (u >= 0) & (u < hole.shape[1]))
        degree[there] += 1
        v, u = v[there], u[there]
        unknown = hole[v, u]
        rows.append(there[unknown])
        columns.append(number[v[unknown], u[unknown]])
        right[there[~unknown]] += values[:, v[~unknown], u[~unknown]].T
    row, column = np.concatenate(rows), np.concatenate(columns)
    entries = np.concatenate([degree, -np.ones(len(row))])
    diagonal = np.arange(len(y))
    indices = (np.concatenate([diagonal, row]), np.concatenate([diagonal, column]))
    laplacian = coo_array((entries, indices), shape=(len(y), len(y))).tocsc()
    result[:, y, x] = splu(laplacian).solve(right).T
    return torch.from_numpy(result).to(border)


def lanczos(images: Image, size: int) -> Image:
    """[n, c, h, w] enlarged to [n, c, size, size] by Pillow's Lanczos filter, in float."""
    from PIL import Image as Pillow

    planes = [
        np.array(Pillow.fromarray(plane).resize((size, size), Pillow.Resampling.LANCZOS))
        for plane in images.detach().float().cpu().flatten(0, 1).numpy()
    ]
    enlarged: Image = torch.from_numpy(np.stack(planes)).unflatten(0, images.shape[:2])
    return enlarged.to(images)


def head_region(size: int) -> Mask:
    """The region of the head in an aligned portrait: [1, 1, size, size] in [0, 1], 1 inside, with a soft edge.

    The paper segments the person. A domain has no such network, but alignment puts every head into the same place, so
    that an ellipse is used.
    """
    line = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(line, line, indexing="ij")
    (cx, cy), (rx, ry) = HEAD, HEAD_AXES
    radius = torch.hypot((x - cx) / rx, (y - cy) / ry)
    t = ((1 - radius) * min(rx, ry) / FEATHER + 0.5).clamp(0, 1)
    return (t * t * (3 - 2 * t))[None, None]
