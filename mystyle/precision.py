"""The precision in which a network computes; its weights stay float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import torch

from mystyle.roles import Discriminator, Generator
from mystyle.types import Unsupported

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class InPrecision:
    """Settings of a training, which a domain may let compute in half precision."""

    precision: Precision = "float32"
    """of activations; weights and losses are float32. bfloat16 pays where the processor has it"""


@runtime_checkable
class HasPrecision(Protocol):
    """A network whose activations can have another precision than its weights."""

    def set_precision(self, dtype: torch.dtype) -> Any:
        """float32 or bfloat16."""
        ...


def set_precision(network: Generator | Discriminator, precision: Precision) -> None:
    """Raises Unsupported for another precision than float32 of a network that has no other."""
    if isinstance(network, HasPrecision):
        network.set_precision(getattr(torch, precision))
    elif precision != "float32":
        raise Unsupported(f"a {type(network).__name__} computes in float32 alone, not in {precision}")


@contextmanager
def computing_in(precision: Precision, *networks: Generator | Discriminator) -> Iterator[None]:
    """The block in which the networks compute in ``precision``, and in float32 after it."""
    try:
        for network in networks:
            set_precision(network, precision)
        yield
    finally:
        for network in networks:
            set_precision(network, "float32")
