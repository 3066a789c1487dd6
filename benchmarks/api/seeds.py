"""A seed for every item, so that a number depends neither on the order of the work nor on who does it."""

from __future__ import annotations

import hashlib


def item_seed(*parts: str | int) -> int:
    """A seed in [0, 2^31) decided by the parts alone: the same on every machine, whichever process asks."""
    text = "\x1f".join(
        str(part) for part in parts
    )  # a separator that no name holds: ("a", "bc") differs from ("ab", "c")
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
