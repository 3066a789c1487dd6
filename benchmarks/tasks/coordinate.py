"""Edits that set a code's coordinate along a direction, whatever it was (II2S, sections 4.4.1 and 4.4.2).

With the coordinates of GANSpace, 0 is the mean code and the unit one standard deviation of W. A code of W+ has as many
coordinates as layers; their mean is moved to the wanted value and differences between layers stay. II2S leaves open how
many it sets; PTI's and e4e's code measure the first layer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from benchmarks.api.task import Case
from benchmarks.tasks.through_editor import SingleEdits
from mystyle.domains.domain import Domain
from mystyle.inversion import Codes, Inversion
from mystyle.protocols import Editor


@dataclass(frozen=True)
class Coordinate(SingleEdits):
    """The wanted values are the cases' doses."""

    attribute: str
    editor: str = "interfacegan"
    name: ClassVar[str] = "coordinate"

    def attributes(self, case: Case) -> tuple[str, ...]:
        return (self.attribute,)

    def edited(self, codes: Inversion, k: int, case: Case, editor: Editor, domain: Domain) -> Codes:
        assert case.dose is not None
        free = Codes(ws=codes.ws[k : k + 1], renderer=codes.renderer, rows=codes.rows[k : k + 1])  # by no prior bounded
        w, further = editor.apply(free, self.attribute, [0.0, 1.0], domain).ws
        n = further - w  # [num_ws, w_dim], of one standard deviation
        there = ((w - domain.generator.mapping.w_avg) * n).sum() / n.square().sum()
        return editor.apply(codes, self.attribute, [case.dose - float(there)], domain)


TASK = Coordinate
