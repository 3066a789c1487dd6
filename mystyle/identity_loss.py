"""Who is in an image, for losses. No judge shares the network."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.roles import DeepFeatures
from mystyle.types import Image


@runtime_checkable
class HasRecogniser(Protocol):
    """An encoder that looks at the identity through a recogniser, which no judge is."""

    identity: DeepFeatures


def recogniser(domain: Domain) -> DeepFeatures:
    """What the domain's encoder looks at identities through, or else the network of the perceptual distance.

    The last layer of that one stands in where there is no recogniser for losses, as in the training of the encoder
    (``mystyle.pretrain.encoder``).
    """
    return domain.encoder.identity if isinstance(domain.encoder, HasRecogniser) else domain.perceptual.network


def similarity(network: DeepFeatures, images: Image, features: Tensor) -> Tensor:
    """Cosines [n] of images [n, 3, R, R] to the ``features`` [n, d] of others."""
    return F.cosine_similarity(network.deep(images), features, dim=1)
