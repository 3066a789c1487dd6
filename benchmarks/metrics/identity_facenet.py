"""Identity similarity by FaceNet, where its file is there: another judge of photographs, in no loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.metrics.identity import by_another_judge

if TYPE_CHECKING:
    from mystyle.chips import Template
    from mystyle.networks.facenet import FaceNet


def load() -> tuple[type[FaceNet], Template]:
    from mystyle.chips import FACENET
    from mystyle.networks.facenet import FaceNet

    return FaceNet, FACENET


METRIC = by_another_judge("facenet", "FaceNet", "FaceNet", load)
