"""MyStyle without its tuning: the domain's generator G_d at the person's anchors (the dashed line of Figure 5).

Subspace, projection and edits are MyStyle's, so that what the tuning itself brings can be told from what the
anchors do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mystyle.domains.domain import Domain
from mystyle.prior import MyStyle, MyStylePrior, Settings
from mystyle.types import Portraits


class Untuned(MyStyle):
    name = "untuned"
    version = 2
    title = "MyStyle, not tuned"
    presets: Mapping[str, Settings] = {name: replace(settings, fit=None) for name, settings in MyStyle.presets.items()}

    def load(self, folder: Path, person: Portraits, domain: Domain, *, settings: Settings) -> MyStylePrior:
        return self.fit(person, domain, seed=0, settings=settings)


METHOD = Untuned()
