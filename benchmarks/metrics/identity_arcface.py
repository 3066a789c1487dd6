"""Identity similarity by ArcFace's IR-SE50, where its file is there: another judge of photographs, in no loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.metrics.identity import by_another_judge

if TYPE_CHECKING:
    from mystyle.chips import Template
    from mystyle.networks.irse import ArcFace


def load() -> tuple[type[ArcFace], Template]:
    from mystyle.chips import ARCFACE
    from mystyle.networks.irse import ArcFace

    return ArcFace, ARCFACE


METRIC = by_another_judge("arcface", "ArcFace", "ArcFace's IR-SE50", load)
