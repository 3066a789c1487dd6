"""MyStyle as its released code projects and edits, where that is not what the paper's text says (google/mystyle).

Projection has a constant, small rate and a strong penalty on the sum of the raw coordinates; edits go on beyond the
dilation. Tuning is MyStyle's, whose preset ``paper`` follows the released code. That preset is the code in every field,
the shorter ones have MyStyle's lengths. Each tunes a generator of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mystyle import editing, projection
from mystyle.prior import MyStyle, Settings


class MyStyleCode(MyStyle):
    name = "mystyle_code"
    version = 1
    title = "MyStyle (released code)"
    presets: Mapping[str, Settings] = {
        name: replace(
            settings,
            restore=replace(projection.OFFICIAL_CODE, steps=settings.restore.steps),
            edit=editing.OFFICIAL_CODE,
        )
        for name, settings in MyStyle.presets.items()
    }


METHOD = MyStyleCode()
