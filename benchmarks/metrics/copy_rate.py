"""A test of copying: how often an output is nearer to the reference photos than a new photo of the person is.

The samples of a prior are as alike as the prior makes them, and a thousand of them are no more evidence of copying than
the prior is: a test that counts them one by one rejects anything. So a person has one number, Mann and Whitney's
statistic as a probability, which is unbiased for any number of held-out photos, be they three; and it is tested over
people whether their numbers lie about 1/2 (docs/statistics.md).
"""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.metrics.copying import copying


def copy_rate(evaluation: Evaluation) -> dict[str, float]:
    """``{"against held-out photos": P(d < d_new) + P(d = d_new) / 2}`` of distances to the nearest reference photo.

    1 says that every output is nearer than every new photo. Photos are blurred as much as the outputs are. Restored
    photos are made from held-out ones and count as they are.
    """
    found = copying(evaluation)
    ours, new = found.outputs[:, None], found.new_photos
    nearer = (ours < new).double() + (ours == new).double() / 2
    return {"against held-out photos": float(nearer.mean())}


METRIC = Metric(
    name="copy_rate",
    version=1,
    label="Copied (0.5: as new)",
    description="How often an output is nearer to the reference photos than a held-out photo, all as sharp as outputs.",
    higher_is_better=None,
    range=(0.0, 1.0),
    unit="",
    network="perceptual",
    compute=copy_rate,
    norm=0.5,
)
