"""MyStyle with its anchors trained together with the generator (appendix C.3), which resembles GLO.

GLO is Bojanowski et al., "Optimizing the Latent Space of Generative Networks", 2018. C.3 names neither the anchors'
learning rate nor their start nor the sampling. We start at the encoder's codes, give them to the optimiser of Eq. 2,
and sample and project as MyStyle does, so that the anchors' freedom is all that differs. GLO's unit ball has no
counterpart in W and is left out.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from mystyle.domains.domain import Domain
from mystyle.latents.anchors import Anchors, encode_anchors
from mystyle.prior import MyStyle, MyStylePrior
from mystyle.prior import Settings as MyStyleSettings
from mystyle.tuning import Tuning, TuningSettings, minimise
from mystyle.types import Image, Portraits


@dataclass(frozen=True)
class GloSettings(TuningSettings):
    anchor_rate: float = 1e-2
    """learning rate of the anchors"""


class GloTuning(Tuning):
    """Eq. 2 minimised over theta and the w_i: batches of (position of the photo [n], photo [n, 3, R, R])."""

    settings: GloSettings

    def __init__(self, codes: Tensor, *arguments: Any):
        super().__init__(*arguments)
        self.codes = nn.Parameter(codes.clone())

    def training_step(self, batch: tuple[Tensor, Image], index: int) -> Tensor:
        positions, x = batch
        return super().training_step((self.codes[positions], x), index)

    def groups(self) -> list[dict[str, Any]]:
        return [*super().groups(), {"params": [self.codes], "lr": self.settings.anchor_rate}]


class Glo(MyStyle):
    name = "glo"
    version = 1
    title = "GLO (anchors trained)"
    presets: Mapping[str, MyStyleSettings] = {
        name: replace(settings, fit=GloSettings(**vars(settings.fit))) for name, settings in MyStyle.presets.items()
    }

    def fit(self, person: Portraits, domain: Domain, *, seed: int, settings: MyStyleSettings) -> MyStylePrior:
        photos = person.images.to(domain.device)
        start = encode_anchors(replace(person, images=photos), domain.encoder)
        personal = copy.deepcopy(domain.generator).requires_grad_(False)
        module = GloTuning(start.codes, personal, domain.generator, domain.perceptual, settings.fit, seed)
        minimise(module, personal, torch.arange(len(photos)), photos, checkpoint=None)
        anchors = Anchors(module.codes.detach(), person.files)
        return MyStylePrior(personal, anchors, domain.perceptual, settings)


METHOD = Glo()
