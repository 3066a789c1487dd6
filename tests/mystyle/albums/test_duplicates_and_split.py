"""Near-duplicates, events, and splits in which no event is on both sides."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_album import noise

from mystyle.albums.duplicates import duplicates, events, thumbnail
from mystyle.albums.split import held_out, wanted

PORTRAITS = [noise("alice", seed, 64) for seed in range(8)]
CHANGED = [(p * 0.8 + 20).astype(np.uint8) for p in PORTRAITS[:3]]  # 0 to 2 in other light
ALL = np.stack([thumbnail(p) for p in PORTRAITS + CHANGED])
NEVER: list[datetime | None] = [None] * len(ALL)


def test_a_thumbnail_is_a_correlation():
    a, b = (np.asarray(PIL.Image.fromarray(p).resize((16, 16), PIL.Image.Resampling.BOX), float) for p in PORTRAITS[:2])
    a, b = ((x - x.mean(axis=(0, 1))).ravel() for x in (a, b))
    assert ALL[0] @ ALL[1] == pytest.approx(np.corrcoef(a, b)[0, 1])
    tinted = np.minimum(PORTRAITS[0] + np.array([0, 9, 30]), 255).astype(np.uint8)
    assert thumbnail(tinted) @ ALL[0] > 0.97  # less than 1 where levels are clipped
    assert ALL[0] @ ALL[0] == pytest.approx(1) and not thumbnail(np.full((32, 32, 3), 9, np.uint8)).any()


def test_the_sharper_of_two_alike_is_kept():
    blur = [0.5] * 8 + [0.4, 0.6, 0.6]
    dropped = duplicates(ALL, blur, 0.9)
    assert {i: kept for i, (kept, _) in dropped.items()} == {0: 8, 9: 1, 10: 2}
    assert all(value > 0.99 for _, value in dropped.values())


@given(st.lists(st.floats(0, 1), min_size=11, max_size=11), st.floats(0.3, 1))
def test_no_two_kept_ones_are_alike(blur, limit):
    dropped = duplicates(ALL, blur, limit)
    kept = [i for i in range(11) if i not in dropped]
    similarity = ALL[kept] @ ALL[kept].T - 2 * np.eye(len(kept))
    assert similarity.max() < limit and all(where in kept and value >= limit for where, value in dropped.values())


def test_events_are_chains_of_similar_photos():
    labels = events(ALL, NEVER, 0.9, 30)
    assert labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2]
    similarity = ALL @ ALL.T
    limit = float(np.quantile(similarity[np.triu_indices(8, 1)], 0.9))  # some of the eight are alike by chance
    labels = events(ALL, NEVER, limit, 30)
    assert 1 < len(set(labels)) < 8
    assert similarity[labels[:, None] != labels].max() < limit  # the law: no pair of two events is alike


def test_photos_of_one_hour_are_of_one_event():
    noon = datetime(2020, 5, 1, 12)
    times = [noon + timedelta(minutes=m) for m in (0, 20, 40, 71, 500)]
    labels = events(ALL[:8], [*times, None, None, noon - timedelta(minutes=30)], 1.1, 30)
    assert labels.tolist() == [0, 0, 0, 1, 2, 3, 4, 0]


groups = st.lists(st.integers(0, 12), min_size=6, max_size=40).map(
    lambda x: np.unique(x, return_inverse=True)[1].tolist()
)


@given(groups, st.integers(1, 12), st.integers(0, 5))
def test_no_event_is_on_both_sides(labels, test, seed):
    try:
        out = held_out(labels, test, seed)
    except ValueError as error:
        assert "--test" in str(error) and np.bincount(labels).min() > min(test, len(labels) // 3)
        return
    assert out == held_out(labels, test, seed)
    assert 0 < sum(out) <= min(test, len(labels) / 3)
    test_side = {event for event, held in zip(labels, out, strict=True) if held}
    assert test_side.isdisjoint(event for event, held in zip(labels, out, strict=True) if not held)


def test_single_photos_fill_the_test_set_and_the_seed_chooses():
    labels = list(range(40))
    splits = {tuple(held_out(labels, 8, seed)) for seed in range(5)}
    assert len(splits) == 5 and {sum(split) for split in splits} == {8}
    assert sum(held_out(labels, 0.25, 0)) == 10 and not any(held_out(labels, 0, 0))
    assert sum(held_out(labels, 30, 0)) == 13  # a third at most


@pytest.mark.parametrize("test", [-1, 2.5, float("inf"), float("nan")])
def test_what_is_no_number_of_photos_is_named(test):
    with pytest.raises(ValueError, match="--test"):
        wanted(test, 10)
