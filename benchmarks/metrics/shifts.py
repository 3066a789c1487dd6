"""How far the scores of outputs are from those of real photos, whichever is higher.

A similarity to the person's photos rewards the average face: it lies nearer to all of them than they lie to each other.
So a mean above that of real photos is a defect as one below is, and so is a narrower spread. The distance between both
distributions of scores sees all three, as Wasserstein's first,

    W_1 = int |F_outputs(s) - F_photos(s)| ds

which is in the unit of the score, and 0 for other photos of the person but for how few they are.
"""

from __future__ import annotations

from torch import Tensor


def shift(outputs: Tensor, photos: Tensor) -> dict[str, float]:
    """``{"all outputs": W_1}`` of scores [n] and [m], of any two numbers."""
    from scipy.stats import wasserstein_distance

    return {"all outputs": float(wasserstein_distance(outputs.double().numpy(), photos.double().numpy()))}
