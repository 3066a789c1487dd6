"""Training and test photos: whole events at random, by seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST = 1 / 3  # of a person's photos are held out, however many are asked for


def wanted(test: float, photos: int) -> int:
    """How many test photos ``test`` means: a number of photos, or below 1 a share of them. Raises ValueError."""
    if not 0 <= test < float("inf") or (test >= 1 and test != int(test)):
        raise ValueError(f"--test {test:g}: must be a number of photos, or a share below 1")
    return int(test) if test >= 1 else round(test * photos)


def held_out(events: Sequence[int], test: float, seed: int) -> list[bool]:
    """For each photo whether it is held out. No event is on both sides.

    Events are taken in random order as long as they fit into the number that is ``wanted``, and into ``MOST`` of the
    photos; so there may be fewer. Raises ValueError if photos are wanted and none can be held out.
    """
    asked = wanted(test, len(events))
    sizes = np.bincount(np.asarray(events, dtype=np.int64))
    chosen, room = set[int](), min(asked, int(MOST * len(events)))
    if asked and room < sizes.min():
        raise ValueError(
            f"--test {test:g}: {len(events)} photos of {len(sizes)} events are too few to hold a whole event out; "
            "use --test 0, or fewer --event_minutes and a higher --event"
        )
    for event in np.random.default_rng(seed).permutation(len(sizes)).tolist():
        if sizes[event] <= room:
            chosen.add(event)
            room -= int(sizes[event])
    return [event in chosen for event in events]
