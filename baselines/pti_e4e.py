"""PTI at the codes of e4e, as its authors have it where an editor was trained on those (StyleCLIP's mappers, Figure 7).

The generator is tuned as ``pti`` tunes it. Whole photos alone: e4e knows no degradations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from baselines.common.embedding import Embedding
from baselines.common.style_encoder import StyleEncoderPrior
from baselines.e4e import METHOD as E4E
from baselines.pti import METHOD as PTI
from baselines.pti import PtiPrior, Settings
from mystyle.domains.domain import Domain
from mystyle.inversion import Inversion
from mystyle.types import Degradation, Image, WPlus


@dataclass(frozen=True)
class AtCodes(PtiPrior):
    """``PtiPrior`` whose pivots are an encoder's."""

    encoder: StyleEncoderPrior

    def pivots(self, degraded: Image, phi: Degradation, seeds: Sequence[int]) -> tuple[WPlus, Tensor]:
        """[n, num_ws, w_dim], and no objective."""
        ws = self.encoder.codes(degraded)
        return ws, ws.new_empty(len(ws), 0)


@dataclass(frozen=True)
class PtiE4ePrior:
    tuning: AtCodes

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        return self.tuning.invert(images, seeds=seeds)

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return self.tuning.inversion(tensors)

    def save(self, folder: Path) -> None:
        """Nothing: ``load`` is given the domain."""


def prior(domain: Domain, settings: Settings) -> PtiE4ePrior:
    """Raises Unsupported where the domain lacks e4e's network."""
    return PtiE4ePrior(AtCodes(domain, settings, E4E.prior(domain, E4E.presets["paper"])))


METHOD = Embedding(
    "pti_e4e",
    "PTI, e4e pivots",
    prior,
    {name: replace(settings, start="encoder") for name, settings in PTI.presets.items()},
    does=("invert",),
    networks=E4E.networks,
)
