"""Pivotal tuning inversion (Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images", 2021).

For every image by itself: a pivot in W by descent, then the domain's generator is tuned until it renders the image from
the pivot. The first row of MyStyle's Table 4. Nothing is learned of the person, so the reference photos are not used.
Other degradations than none, which the paper does not treat, enter both losses as in MyStyle's Eq. 5.

Settings are what else the paper has: locality regularisation (section 3.3), one generator for several images (Eq. 3),
and the pivots of its ablation (Figure 16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from baselines.common.embedding import Embedding, EmbeddingPrior
from mystyle.degradations import Identity
from mystyle.descent import Ramps
from mystyle.digests import digest
from mystyle.inversion import ByProjection, Inversion, OwnGenerators
from mystyle.locality import Locality
from mystyle.pivotal import PivotalTuning, tune_at_pivots
from mystyle.pivots import PTI
from mystyle.progress import report
from mystyle.projection import LatentProjectionSettings
from mystyle.types import Degradation, Image, Unsupported, WPlus

VERSION = 1  # of the pivots: raise it whenever they may change


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted"""
    pivot: LatentProjectionSettings = PTI
    """decides the pivots where ``start`` is the descent; in W+, Figure 16 (B)"""
    start: Literal["descent", "encoder", "mean", "random"] = "descent"
    """where tuning begins: there, at the encoder's code, the mean code (C) or a random one (D)"""
    pivot_rate: float = 0.0
    """of Adam on the pivots during tuning, which the paper does not give (E and F); 0: they stay"""
    tuning: PivotalTuning = field(default_factory=PivotalTuning)
    """decides the generators"""
    locality: Locality | None = None
    """regularises them; off in PTI's code"""
    together: Literal[False, "mean", "in turn"] = False
    """one generator for all images that are given at a time, rather than one for each (Eq. 2): tuned to their mean (Eq.
    3), or to one after the other and without an early stop, as in the released code"""


@dataclass(frozen=True, kw_only=True)
class TunedInversion(Inversion):
    steps: Tensor
    """of tuning that were made, [n]"""

    @property
    def facts(self) -> Mapping[str, Tensor]:
        return {"tuning_steps": self.steps.cpu()}

    def tensors(self) -> dict[str, Tensor]:
        return {**super().tensors(), "steps": self.steps}


class PtiPrior(EmbeddingPrior[Settings], ByProjection):
    def project(self, degraded: Image, degradation: Degradation, *, seeds: Sequence[int] | None = None) -> Inversion:
        """Pivots of all images at once, then tuning; the images are the tuned generators'.

        ``seeds[i]`` decides the exploration noise, a random pivot and the codes of the regularisation of image i.
        """
        s, d, n = self.settings, self.domain, len(degraded)
        seeds = range(n) if seeds is None else seeds
        pivots, losses = self.pivots(degraded, degradation, seeds)
        generators, ws, steps = [], [], []
        for part in [slice(0, n)] if s.together else [slice(i, i + 1) for i in range(n)]:
            one = pivots[part], degraded[part].to(pivots), degradation[part]
            tuned, w, made = tune_at_pivots(
                d.generator,
                *one,
                d.perceptual,
                s.tuning,
                s.locality,
                s.pivot_rate,
                seeds[part],
                in_turn=s.together == "in turn",
            )
            generators += [tuned] * len(w)
            ws.append(w.expand(-1, d.generator.num_ws, -1))
            steps += [made] * len(w)
            report("pivotal tuning", len(generators), n)
        renderer, rows = OwnGenerators(tuple(generators)), tuple(range(n))
        codes = torch.cat(ws)
        return TunedInversion(
            ws=codes,
            renderer=renderer,
            rows=rows,
            images=renderer(codes, rows),
            losses=losses,
            steps=torch.tensor(steps).to(codes),
        )

    def pivots(self, degraded: Image, phi: Degradation, seeds: Sequence[int]) -> tuple[WPlus, Tensor]:
        """[n, 1 or num_ws, w_dim], and the objective of the descent [n, steps], without steps where there is none."""
        s, mean, g = self.settings, self.statistics.mean, self.domain.generator
        if s.start == "descent":

            def descend() -> dict[str, Tensor]:
                found = self.by_descent(degraded, phi, s.pivot, seeds)
                return {"ws": found.ws, "losses": found.losses}

            key = {"images": [digest(image) for image in degraded], "seeds": list(seeds), "settings": repr(s.pivot)}
            whole = isinstance(phi, Identity)  # kept, whatever is tuned at them
            pivots = self.domain.fitted("pivots", VERSION, key, descend) if whole else descend()
            return pivots["ws"].to(mean), pivots["losses"].to(mean)
        if s.start == "mean":
            w = mean.repeat(len(degraded), 1)
        elif s.start == "random":
            draws = [torch.Generator().manual_seed(seed) for seed in seeds]
            z = torch.cat([torch.randn(1, g.z_dim, generator=draw) for draw in draws])
            w = g.mapping.w(z.to(mean)).detach()
        elif isinstance(phi, Identity):
            with torch.no_grad():
                w = torch.cat([self.domain.encoder(photo.to(mean)) for photo in degraded.split(1)])
        else:
            raise Unsupported("pivots by the encoder are those of whole photos")
        return w[:, None], w.new_empty(len(w), 0)

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return TunedInversion(**vars(super().inversion(tensors)), steps=tensors["steps"])


METHOD = Embedding(
    "pti",
    "PTI",
    PtiPrior,
    {
        "smoke": Settings(pivot=replace(PTI, steps=10), tuning=PivotalTuning(steps=5)),
        "quick": Settings(pivot=replace(PTI, steps=150, schedule=Ramps(0.05)), tuning=PivotalTuning(100, 1e-3)),
        "full": Settings(),
        "paper": Settings(),
    },
)
