"""What is read from a weight file, and what is raised if it cannot be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]
NetworkName = Literal["Generator", "Discriminator"]


class CheckpointError(ValueError):
    """A weight file that is missing, damaged, hostile, or of another network; the message names the file."""


@dataclass(frozen=True)
class Weights:
    """One network of a weight file.

    ``format`` describes the file, ``network`` is the class in ``mystyle.networks.stylegan2``, or ``MobileGenerator``,
    ``config`` its constructor's arguments, ``tensors`` its state dict in float32, ``notes`` remarks for the user.
    """

    format: str
    network: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def few(names: Collection[str], most: int = 3) -> str:
    """Some of ``names`` and how many more there are, for a message."""
    shown = ", ".join(name[:80] for name in sorted(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def unsupported(setting: str, value: object, supported: object) -> CheckpointError:
    """The refusal of a network whose ``setting`` is not supported."""
    # the value may come out of a hostile file: only plain ones are shown
    shown = repr(value)[:40] if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"
    return CheckpointError(f"{setting} is {shown}; only {supported} is supported")
