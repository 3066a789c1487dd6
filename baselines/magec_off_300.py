"""MAGEC without its loss and with half as many steps again, 300 in all: the third row of its Table 1.

The text does not say which phase they belong to; here it is the second, whose business reconstruction is. The rate
goes on falling every 25 steps.
"""

from __future__ import annotations

from dataclasses import replace

from baselines.common.embedding import Embedding
from baselines.magec import FEW, MANY, MagecPrior, Settings
from baselines.magec_off import METHOD as OFF
from mystyle.descent import Exponential, Phases


def longer(settings: Settings) -> Settings:
    s = settings.invert
    phases = Phases(((1 / 3, FEW), (2 / 3, MANY)))
    return replace(
        settings,
        invert=replace(s, steps=s.steps * 3 // 2, schedule=Exponential(0.07, 0.8, 12), pixel_weight=phases),
    )


METHOD = Embedding(
    "magec_off_300",
    "MAGEC without its loss, 300 steps",
    MagecPrior,
    {name: longer(settings) for name, settings in OFF.presets.items()},
    does=("invert",),
)
