"""Editors that find what they need to know of a domain from few codes and in few steps, for speed."""

from __future__ import annotations

from functools import partialmethod
from typing import Any

import pytest

from mystyle.editors.advstyle import AdvStyle
from mystyle.editors.directions import DirectionEditor
from mystyle.editors.labelled import Labelled
from mystyle.editors.mapper import Mapper
from mystyle.plugins import EDITORS

FEW = 400  # codes that directions are found from


def few_codes(patch: pytest.MonkeyPatch) -> None:
    """Until ``patch`` is undone."""

    def preset(kind: type, verb: str, **arguments: Any) -> None:
        patch.setattr(kind, verb, partialmethod(getattr(kind, verb), **arguments))

    for kind in {type(editor) for editor in map(EDITORS.load, EDITORS.names()) if isinstance(editor, DirectionEditor)}:
        preset(kind, "find", samples=FEW)
    preset(Labelled, "find", codes=2)
    preset(Mapper, "fit", steps=3)
    preset(AdvStyle, "pool", samples=60)
    preset(AdvStyle, "fit", steps=3)
