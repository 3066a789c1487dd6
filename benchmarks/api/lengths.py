"""How long a method's settings make it work: the fields that are marked as lengths (``mystyle.types.LENGTH``)."""

from __future__ import annotations

import dataclasses
from typing import Any

Lengths = dict[str, int | float]  # by dotted name; a half-life need not be a whole number


def lengths(settings: Any, prefix: str = "") -> Lengths:
    """All lengths of (nested) settings."""
    found: Lengths = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            found |= lengths(value, f"{prefix}{field.name}.")
        elif field.metadata.get("length"):
            found[prefix + field.name] = value
    return found


def with_lengths(settings: Any, wanted: Lengths) -> Any:
    """``settings`` with these lengths."""
    here: Lengths = {}
    below: dict[str, Lengths] = {}
    for name, value in wanted.items():
        first, _, rest = name.partition(".")
        if rest:
            below.setdefault(first, {})[rest] = value
        else:
            here[first] = value
    nested = {name: with_lengths(getattr(settings, name), inner) for name, inner in below.items()}
    return dataclasses.replace(settings, **here, **nested)


def scaled(given: Lengths, factor: float) -> Lengths:
    """Lengths in the same proportions; whole numbers stay whole, and at least 1."""
    return {
        name: max(1, round(value * factor)) if isinstance(value, int) else value * factor
        for name, value in given.items()
    }


def longer_fit(settings: Any, factor: float) -> Any:
    """``settings`` with a fit ``factor`` times as long. Raises ValueError if nothing is fitted, or not for a length."""
    fit = {name: value for name, value in lengths(settings).items() if name.startswith("fit.")}
    if not fit:
        raise ValueError("has no fit whose length can be changed")
    return with_lengths(settings, scaled(fit, factor))
