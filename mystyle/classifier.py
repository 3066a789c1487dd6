"""F, a classifier of K binary attributes, which losses of edits ask for.

MAGEC, section 3; expanded latent space, Eq. 9.

The papers train a network on CelebA's 40 labels. A domain already has a reader of attributes that no judge shares; its
readings are turned into logits, so that nothing has to be trained and gradients reach the images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mystyle.roles import AttributeReader
from mystyle.types import Image

SURE = 0.95  # the probability of "yes" where an attribute is one deviation of the population above its mean
GAIN = math.log(SURE / (1 - SURE))  # of logits over deviations


@dataclass(frozen=True)
class AttributeClassifier:
    """ "Has more of it than the mean of the population", for each of ``names``."""

    reader: AttributeReader
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises ValueError for an attribute that the reader does not read."""
        if missing := [name for name in self.names if name not in self.reader.moments]:
            raise ValueError(f"the reader knows nothing of {', '.join(missing)}")

    def logits(self, images: Image) -> Tensor:
        """[n, 3, R, R] -> [n, K], 0 at the population's mean."""
        return GAIN * deviations(images, self.reader, self.names)


def deviations(images: Image, reader: AttributeReader, names: Sequence[str]) -> Tensor:
    """What ``reader`` reads of ``images`` [n, 3, R, R], in deviations from the population's mean: [n, K]."""
    readings = reader.attributes(images)
    columns = [(readings[name] - reader.moments[name][0]) / reader.moments[name][1] for name in names]
    return torch.stack(columns, dim=1)


def targets(logits: Tensor, changes: Sequence[int] | Tensor) -> Tensor:
    """Labels [n, K] after an edit: 1 where ``changes`` has +1, 0 where it has -1, F's own share where it has 0.

    ``changes`` are [K] for all images, or [n, K].
    """
    wanted = torch.as_tensor(changes, dtype=logits.dtype, device=logits.device)
    return torch.where(wanted == 0, logits.sigmoid(), (wanted + 1) / 2)
