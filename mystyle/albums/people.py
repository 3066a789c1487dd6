"""Which of the faces in an album are the person's: the largest cluster of a recogniser's embeddings, or an example's.

Faces are clustered by average linkage of their cosines. Single pairs of different people are now and then alike, which
would chain clusters together; mean cosines of clusters are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from mystyle.types import Image

RIVAL = 0.75
"""A second person in more photos than this share of the first one's makes an album ambiguous."""


@dataclass(frozen=True)
class Recogniser:
    """Tells people apart.

    ``embed`` takes aligned portraits [n, 3, R, R] to vectors [n, d] of unit norm; clusters of faces whose mean cosine
    is at least ``threshold`` are one person's. ``name`` and ``sha256`` go into the manifest.
    """

    embed: Callable[[Image], Tensor]
    threshold: float
    name: str
    sha256: str


class Ambiguous(ValueError):
    """An album that does not show one person more often than all others."""


def clusters(vectors: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """[n]: the cluster of each of the unit vectors [n, d]; 0 is the largest, the earlier one of two equal ones."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=np.int64)
    distance = np.clip(1 - vectors @ vectors.T, 0, 2)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average")
    labels = fcluster(tree, 1 - threshold, criterion="distance")
    found, first, counts = np.unique(labels, return_index=True, return_counts=True)
    rank = {label: place for place, label in enumerate(found[np.lexsort((first, -counts))])}
    return np.array([rank[label] for label in labels], dtype=np.int64)


def person_among(
    vectors: NDArray[np.float64],
    photos: Sequence[int],
    threshold: float,
    example: NDArray[np.float64] | None = None,
) -> tuple[dict[int, int], NDArray[np.float64]]:
    """The person's face in each photo, ``{photo: face}``, and each face's mean cosine [n] to the person's others.

    ``vectors`` [n, d] are the faces, ``photos`` [n] says in which photo each one is, ``example`` [d] is a face of the
    person. Without it the person is who is in more than half of the photos. Raises Ambiguous.
    """
    labels = clusters(vectors, threshold)
    places = np.asarray(photos)
    chosen = most_frequent(labels, places) if example is None else nearest(vectors, labels, example, threshold)
    members = np.flatnonzero(labels == chosen)
    totals = vectors @ vectors[members].sum(axis=0)
    own = np.isin(np.arange(len(vectors)), members)
    cosine = (totals - own) / np.maximum(len(members) - own, 1)  # a face is not compared with itself
    found: dict[int, int] = {}
    for face in sorted(members.tolist(), key=lambda face: -cosine[face]):
        found.setdefault(int(places[face]), face)
    return dict(sorted(found.items())), cosine


def most_frequent(labels: NDArray[np.int64], photos: NDArray[np.int64]) -> int:
    """The cluster that is in most photos. Raises Ambiguous where that is not clearly one person."""
    counts = [len(set(photos[labels == label].tolist())) for label in range(int(labels.max()) + 1)]
    order = sorted(range(len(counts)), key=lambda label: -counts[label])
    total, first = len(set(photos.tolist())), counts[order[0]]
    second = counts[order[1]] if len(order) > 1 else 0
    if 2 * first <= total or second > RIVAL * first:
        shown = ", ".join(str(counts[label]) for label in order[:3])
        raise Ambiguous(
            f"no one person is in most of the {total} photos with a usable face "
            f"({len(counts)} people, the most frequent in {shown} of them); name one by --example FILE"
        )
    return order[0]


def nearest(
    vectors: NDArray[np.float64], labels: NDArray[np.int64], example: NDArray[np.float64], threshold: float
) -> int:
    """The cluster whose mean cosine to the example is largest. Raises Ambiguous where it is below the threshold."""
    cosines = [float((vectors[labels == label] @ example).mean()) for label in range(int(labels.max()) + 1)]
    best = int(np.argmax(cosines))
    if cosines[best] < threshold:
        raise Ambiguous(
            f"the person of the example is not in the album (largest mean cosine {cosines[best]:.2f}, "
            f"{threshold:.2f} wanted)"
        )
    return best
