"""Edits that change an attribute by the same amount, whatever strength that takes (PTI, Table 2, last rows).

The strength is searched on what the domain's judge reads, against the inversion before the edit: the nearest of a
range of strengths, then the nearest of as many between its two neighbours. PTI does not say how it searches. An
inversion that cannot be changed so much gives its nearest image, and ``yaw_change`` shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmarks.api.task import Case, Inapplicable
from benchmarks.tasks.through_editor import SingleEdits
from mystyle.domains.domain import Domain
from mystyle.inversion import Codes, Inversion
from mystyle.protocols import Editor

BATCH = 32  # images read at once


@dataclass(frozen=True)
class SameMagnitude(SingleEdits):
    """The wanted changes, in the attribute's unit, are the cases' doses."""

    attribute: str
    gallery: int = 17
    """strengths tried in each round"""
    reach: float = 4.0
    """the largest strength; for directions in standard deviations of codes"""
    editor: str = "interfacegan"
    name: ClassVar[str] = "same_magnitude"

    def attributes(self, case: Case) -> tuple[str, ...]:
        return (self.attribute,)

    def edited(self, codes: Inversion, k: int, case: Case, editor: Editor, domain: Domain) -> Codes:
        if self.attribute not in domain.judge.moments:
            raise Inapplicable(f"the judge of domain {domain.name} does not read {self.attribute}")
        assert case.dose is not None
        before = domain.judge.attributes(codes.images[k : k + 1].clamp(-1, 1))[self.attribute]
        low, high = -self.reach, self.reach
        for _ in range(2):
            strengths = torch.linspace(low, high, self.gallery)
            found = self.read(editor.apply(codes, self.attribute, strengths.tolist(), domain), k, domain)
            nearest = int((found - before - case.dose).abs().argmin())
            low, high = (float(strengths[i]) for i in (max(nearest - 1, 0), min(nearest + 1, self.gallery - 1)))
        return editor.apply(codes, self.attribute, [float(strengths[nearest])], domain)

    def read(self, edits: Codes, k: int, domain: Domain) -> Tensor:
        """The attribute [gallery] in the images of code ``k``'s edits."""
        own = slice(k * self.gallery, (k + 1) * self.gallery)
        images = edits.renderer(edits.ws[own], edits.rows[own]).clamp(-1, 1)
        return torch.cat([domain.judge.attributes(part)[self.attribute] for part in images.split(BATCH)])


TASK = SameMagnitude
