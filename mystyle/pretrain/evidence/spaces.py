"""How like a normal sample codes are in a space (Zhu et al., "Improved StyleGAN Embedding", section 3)."""

from __future__ import annotations

import numpy as np
from scipy.stats import kurtosis, skew
from torch import Tensor

WIDE = 2.0  # deviations; 4.6 % of a normal sample are beyond


def shape(codes: Tensor) -> dict[str, float]:
    """Means over the coordinates of codes [n, d], and over their pairs; a normal sample has 0, 0, 0 and 0.046."""
    x = codes.detach().double().cpu().numpy()
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    pairs = np.corrcoef(x, rowvar=False)[np.triu_indices(x.shape[1], k=1)]
    return {
        "skewness": float(np.abs(skew(x, axis=0)).mean()),
        "excess_kurtosis": float(kurtosis(x, axis=0).mean()),
        "correlation": float(np.abs(pairs).mean()),
        "outliers": float((np.abs(z) > WIDE).mean()),
    }
