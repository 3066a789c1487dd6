"""The precision in which a generator computes; its weights stay float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol, runtime_checkable

import torch

from mystyle.roles import Generator
from mystyle.types import Unsupported

Precision = Literal["float32", "bfloat16"]


@runtime_checkable
class HasPrecision(Protocol):
    """A generator whose activations can have another precision than its weights."""

    def set_precision(self, dtype: torch.dtype) -> Any:
        """float32 or bfloat16."""
        ...


def set_precision(generator: Generator, precision: Precision) -> None:
    """Raises Unsupported for another precision than float32 of a generator that has no other."""
    if isinstance(generator, HasPrecision):
        generator.set_precision(getattr(torch, precision))
    elif precision != "float32":
        raise Unsupported(f"a {type(generator).__name__} computes in float32 alone, not in {precision}")


@contextmanager
def computing_in(generator: Generator, precision: Precision) -> Iterator[None]:
    """The block in which ``generator`` computes in ``precision``, and in float32 after it."""
    set_precision(generator, precision)
    try:
        yield
    finally:
        set_precision(generator, "float32")
