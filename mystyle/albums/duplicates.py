"""Near-duplicates, and which photos were taken together.

MyStyle (appendix A) dropped photos whose deep features "extracted from a classifier had cosine similarity greater than
0.9"; which classifier is not said. A recogniser's features are alike for all photos of one person by design, so that
the similarity here is the correlation of aligned portraits of 16 x 16 pixels, which share framing and so tell whether
light, pose, clothes and background agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from mystyle.albums.detect import Pixels

SIDE = 16
DUPLICATE = 0.9
EVENT = 0.8


def thumbnail(portrait: Pixels) -> NDArray[np.float64]:
    """[768]: the scalar product of two portraits' is their correlation, without the mean of each channel (the tint)."""
    small = PIL.Image.fromarray(portrait).resize((SIDE, SIDE), PIL.Image.Resampling.BOX)
    channels = np.asarray(small, np.float64)
    values = (channels - channels.mean(axis=(0, 1))).ravel()
    length = float(np.linalg.norm(values))
    return np.asarray(values / length if length else values)


def duplicates(thumbnails: NDArray[np.float64], blur: Sequence[float], limit: float) -> dict[int, tuple[int, float]]:
    """``{dropped: (kept, correlation)}`` so that no two kept ones correlate by ``limit`` or more.

    ``thumbnails`` is [n, 768]; of those alike the least blurred one is kept.
    """
    similarity, kept = thumbnails @ thumbnails.T, list[int]()
    dropped: dict[int, tuple[int, float]] = {}
    for i in np.argsort(np.asarray(blur), kind="stable").tolist():
        nearest = max(kept, key=lambda j: similarity[i, j], default=None)
        if nearest is not None and similarity[i, nearest] >= limit:
            dropped[i] = (nearest, float(similarity[i, nearest]))
        else:
            kept.append(i)
    return dropped


def events(
    thumbnails: NDArray[np.float64], times: Sequence[datetime | None], limit: float, minutes: float
) -> NDArray[np.int64]:
    """[n]: the number of the event of each photo, counted from 0 in the order of the photos.

    Two photos are of one event if they correlate by ``limit`` or more, or if both say when they were taken and are not
    more than ``minutes`` apart, or if a chain of such pairs connects them: so no pair of two events is alike.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    seconds = np.array([np.nan if time is None else (time - datetime(1970, 1, 1)).total_seconds() for time in times])
    together = thumbnails @ thumbnails.T >= limit
    together |= np.abs(seconds[:, None] - seconds[None]) <= 60 * minutes  # False where one is unknown
    _, labels = connected_components(csr_matrix(together), directed=False)
    return np.asarray(labels, dtype=np.int64)
