"""A test of copying: are outputs nearer to the reference photos than new photos of the person are?"""

from __future__ import annotations

from scipy.stats import mannwhitneyu

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.neighbours import nearest, neighbours


def copy_p(evaluation: Evaluation) -> dict[str, float]:
    """``{"against held-out photos": p}`` of Mann and Whitney's one-sided test, the sample being the outputs.

    A small p says that outputs lie nearer to the reference photos than held-out photos do, which is more than a
    identity of the person explains. Restored photos are made from held-out ones and are tested as they are.
    """
    if len(evaluation.held_out) < 3:
        raise Inapplicable("needs three held-out photos")
    ours = neighbours(evaluation).distance
    theirs = nearest(evaluation, evaluation.held_out.images, evaluation.images("train")).distance
    return {"against held-out photos": float(mannwhitneyu(ours, theirs, alternative="less").pvalue)}


METRIC = Metric(
    name="copy_p",
    version=1,
    label="p of copying, mean",
    description="Mann-Whitney: outputs nearer to the reference photos than held-out photos are (one-sided).",
    higher_is_better=None,
    range=(0.0, 1.0),
    unit="",
    network="perceptual",
    compute=copy_p,
)
