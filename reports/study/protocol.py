"""What a paper asked its users."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Literal

from reports.study import protocols

ANSWERS: dict[str, tuple[str, str]] = {"pair": ("a", "b"), "real": ("real", "not real")}


@dataclass(frozen=True)
class Protocol:
    """The study of one table. A file of ``protocols`` has the name of the suite whose images it shows."""

    paper: str  # where it is described
    form: Literal["pair", "real"]  # two images of which one is preferred, or one that looks real or does not
    question: str
    rows: tuple[str, ...]  # whose images are shown, or compared with those of ``ours``
    ours: str = ""  # of pairs: the row that every other one is compared with
    conditions: tuple[str, ...] = ()  # of the suite; empty: all
    people: bool = True  # whether the answer needs to know what the person looks like
    given: str = ""  # caption of what the images were made from, which is shown beside them; "": it is not shown
    edit: bool = False  # whether the page says what was asked of the images
    raters: int = 30
    items: int = 30  # questions for each rater
    minutes: float | None = None  # until the page ends; None: when all is answered


def protocol_of(suite: str) -> Protocol | None:
    """The protocol for the images of a suite; None where no paper has a study of them."""
    if suite not in {module.name for module in pkgutil.iter_modules(protocols.__path__)}:
        return None
    found: Protocol = importlib.import_module(f"reports.study.protocols.{suite}").PROTOCOL
    return found
