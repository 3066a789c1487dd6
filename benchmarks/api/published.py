"""Numbers that a paper reports for rows of a suite. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Number(NamedTuple):
    """A published mean, and its standard deviation where the source has one.

    As text: two decimals, as most are printed, and two digits where these begin later.
    """

    mean: float
    std: float | None = None

    def __str__(self) -> str:
        mean = f"{self.mean:.2g}" if 0 < abs(self.mean) < 0.1 else f"{self.mean:.2f}"
        return mean + ("" if self.std is None else f" ± {self.std:.2f}")


@dataclass(frozen=True)
class Published:
    """The numbers of one source under one condition of the suite."""

    source: str  # e.g. "Table 2 of MyStyle (Nitzan et al., 2022)"
    values: Mapping[str, Mapping[str, float | tuple[float, float]]]  # row -> metric -> mean, or (mean, deviation)
    condition: str = ""  # key of the suite's conditions that the numbers belong to

    def number(self, row: str, metric: str, condition: str) -> Number | None:
        """What the source reports for a cell of the table; None if nothing."""
        value = self.values.get(row, {}).get(metric) if condition == self.condition else None
        if value is None:
            return None
        return Number(*value) if isinstance(value, tuple) else Number(value)

    def reports(self, metric: str) -> bool:
        """Whether the source has the metric for any row."""
        return any(metric in numbers for numbers in self.values.values())
