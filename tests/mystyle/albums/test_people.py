"""One person among others, by made-up embeddings whose clusters are known."""

from __future__ import annotations

import numpy as np
import pytest

from mystyle.albums.people import Ambiguous, clusters, person_among

DIMENSION = 64
THRESHOLD = 0.37


def embeddings(*counts: int, spread: float = 0.7, seed: int = 0) -> np.ndarray:
    """Unit vectors of people around orthogonal means; the cosines of one person's are about 1 / (1 + spread^2)."""
    rng = np.random.default_rng(seed)
    means = np.repeat(np.eye(DIMENSION)[: len(counts)], counts, axis=0)
    vectors = means + spread * rng.normal(size=means.shape) / np.sqrt(DIMENSION)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_clusters_are_the_people_the_largest_first():
    vectors = embeddings(3, 9, 5)
    labels = clusters(vectors, THRESHOLD)
    assert labels.tolist() == [2] * 3 + [0] * 9 + [1] * 5
    order = np.random.default_rng(1).permutation(17)
    np.testing.assert_array_equal(clusters(vectors[order], THRESHOLD), labels[order])


def test_one_face_is_a_cluster():
    assert clusters(embeddings(1), THRESHOLD).tolist() == [0]


def test_a_pair_that_is_alike_by_chance_chains_no_people_together():
    vectors = embeddings(20, 20)
    vectors[19] = vectors[20] = (vectors[19] + vectors[20]) / np.linalg.norm(vectors[19] + vectors[20])
    labels = clusters(vectors, THRESHOLD)
    assert len(set(labels[:19])) == 1 and len(set(labels[21:])) == 1 and labels[0] != labels[-1]


def test_the_person_is_in_most_photos_with_one_face_in_each():
    """Photos 0 to 5 show the person, 4 and 5 also a companion, 3 the person twice, in a mirror; 6 a stranger."""
    vectors = embeddings(7, 2, 1)
    photos = [0, 1, 2, 3, 3, 4, 5, 4, 5, 6]
    found, cosine = person_among(vectors, photos, THRESHOLD)
    assert set(found) == {0, 1, 2, 3, 4, 5} and found[4] == 5 and found[5] == 6 and found[3] in (3, 4)
    similarity = vectors @ vectors[:7].T
    assert cosine[9] == pytest.approx(similarity[9].mean())
    assert cosine[2] == pytest.approx((similarity[2].sum() - 1) / 6)  # without itself


@pytest.mark.parametrize("counts", [(5, 5), (10, 8), (1, 1, 1, 1), (4, 3, 3)])
def test_no_majority_is_refused(counts):
    with pytest.raises(Ambiguous, match=rf"{len(counts)} people, the most frequent in {counts[0]}, .*--example"):
        person_among(embeddings(*counts), range(sum(counts)), THRESHOLD)


def test_a_companion_in_nearly_all_photos_is_refused():
    with pytest.raises(Ambiguous, match="2 people"):
        person_among(embeddings(10, 9), [*range(10), *range(9)], THRESHOLD)


@pytest.mark.parametrize("person", [0, 1, 2])
def test_an_example_decides(person):
    vectors = embeddings(5, 5, 2)
    example = np.eye(DIMENSION)[person]
    found, _ = person_among(vectors, range(12), THRESHOLD, example)
    assert set(found) == set((range(5), range(5, 10), range(10, 12))[person])


def test_an_example_of_somebody_else_is_refused():
    with pytest.raises(Ambiguous, match="is not in the album"):
        person_among(embeddings(5, 2), range(7), THRESHOLD, np.eye(DIMENSION)[40])
