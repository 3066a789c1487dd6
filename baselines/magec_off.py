"""MAGEC without its loss: the ablation of its Tables 1 to 3, Eq. 3 without the last term."""

from __future__ import annotations

from dataclasses import replace

from baselines.common.embedding import Embedding
from baselines.magec import METHOD as MAGEC
from baselines.magec import MagecPrior

METHOD = Embedding(
    "magec_off",
    "MAGEC without its loss",
    MagecPrior,
    {name: replace(s, invert=replace(s.invert, magec_weight=0.0)) for name, s in MAGEC.presets.items()},
    does=("invert",),
)
