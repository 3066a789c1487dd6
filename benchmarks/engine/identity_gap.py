"""The identity gap of a domain: how much of a person its generator shows without having been tuned to them.

A benchmark of personalisation means something only where this is little. Held-out photos are inverted into W of the
domain's generator, by its encoder and by a descent, and compared with the person's *other* photos, through the judge.
What ``benchmarks.doctor --gap --gap_file`` measured lies beside the weights, and enters the records of runs on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.engine.records import RESTORE, read_json
from mystyle import weights as weights_package
from mystyle.degradations import Identity
from mystyle.descent import Ramps
from mystyle.domains.domain import Domain
from mystyle.identity import identities_of, template_of
from mystyle.latents.statistics import latent_statistics
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.types import Image, Portraits

FILE = "identity_gap.json"
SHIPPED = Path(weights_package.__file__).parent
"""has a folder for each domain that the project ships something of"""
DESCENT = LatentProjectionSettings(steps=150, schedule=Ramps(0.1), space="w", batch=8)
GATES = {"encoder": 0.60, "descent": 0.75}
"""the largest shares of a real photo's identity with which a domain leaves something to personalise"""


@dataclass(frozen=True)
class Gap:
    """Identity to the person's reference photos: the mean over held-out photos of each person, [people] each."""

    real: Tensor
    """of the photos themselves"""
    encoder: Tensor
    descent: Tensor
    strangers: Tensor
    """of other people's held-out photos"""

    def share(self, row: str) -> float:
        """The mean of ``encoder`` or ``descent`` as a share of a real photo's."""
        return float(getattr(self, row).mean() / self.real.mean())

    def record(self, weights: Mapping[str, str], photos: int) -> dict[str, Any]:
        """As JSON data: means over people, shares and gates, with the hashes of the ``weights``."""
        rows = {row: {"share": self.share(row), "at_most": gate} for row, gate in GATES.items()}
        means = {row: float(getattr(self, row).mean()) for row in ("real", *GATES, "strangers")}
        return {"weights": dict(weights), "people": len(self.real), "photos": photos, "identity": means, "gates": rows}


def recorded_gap(folder: Path, weights: Mapping[str, str]) -> dict[str, Any] | None:
    """What was measured on weight files of these hashes, as ``Gap.record``, from ``folder``; None if it was not.

    Raises RecordError if what is there cannot be read.
    """
    path = folder / FILE
    found = read_json(path, RESTORE) if path.is_file() else {}
    measured = found.pop("weights", {})
    return found if measured and measured.items() <= weights.items() else None


@torch.no_grad()
def identity_gap(
    domain: Domain,
    people: Sequence[tuple[Portraits, Portraits]],
    descent: LatentProjectionSettings = DESCENT,
) -> Gap:
    """Of people with (reference, held-out) photos each; at least two people."""
    g = domain.generator
    statistics = latent_statistics(g)

    def encoded(x: Image) -> Image:
        return g.synthesis(domain.encoder(x)[:, None].expand(-1, g.num_ws, -1), noise="const")

    def descended(x: Image) -> Image:
        return project_latent(x, Identity(), g, domain.perceptual, statistics, descent).images

    templates = torch.stack([template_of(identities_of(domain, train.images)) for train, _ in people])
    photos = [held_out.images.to(domain.device) for _, held_out in people]

    def likeness(render: Callable[[Image], Image]) -> Tensor:
        """[people, people]: of what is made of one person's photos to another person."""
        return torch.stack([(identities_of(domain, render(x)) @ templates.T).mean(dim=0) for x in photos])

    real = likeness(lambda x: x)
    others = ~torch.eye(len(people), dtype=torch.bool)
    return Gap(
        real=real.diag(),
        encoder=likeness(encoded).diag(),
        descent=likeness(descended).diag(),
        strangers=real[others].view(len(people), -1).mean(dim=1),
    )
