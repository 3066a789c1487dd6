"""Distances of LPIPS's form (Zhang et al., 2018, Eq. 1) whose weights of the channels were learned from judgements.

d(a, b) = sum_l mean_hw sum_c w_lc (a_lc - b_lc)^2 over channel-normalised activations of the stages l. The network has
the weights w beside its own. ``PerceptualDistance`` is the same form with one weight for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.networks.features import PerceptualDistance
from mystyle.types import Image

EPS = 1e-10
"""added to squared norms over channels, which are above 1e-4 on photographs: bounds the gradient of blank images"""


class CalibratedNetwork(nn.Module, ABC):
    """A trunk with the weights w [c] of its stages' channels in ``weights``, ones until they are loaded.

    Images have ``resolution`` px.
    """

    def __init__(self, resolution: int, widths: Sequence[int]):
        super().__init__()
        self.resolution = resolution
        self.weights = nn.ParameterList(torch.ones(channels) for channels in widths)

    @abstractmethod
    def maps(self, images: Image) -> tuple[Tensor, ...]:
        """The activations [n, widths[l], h, w] of every stage l, fine to coarse."""

    def deep_of(self, maps: Sequence[Tensor]) -> Tensor:
        """The means [n, widths[-1]] of the last stage's activations."""
        return maps[-1].mean(dim=(2, 3))

    def deep(self, images: Image) -> Tensor:
        """``deep_of`` the images' ``maps``."""
        return self.deep_of(self.maps(images))


class CalibratedDistance(PerceptualDistance):
    """The distance on a ``CalibratedNetwork``, for images of any size, which are resized to the network's."""

    network: CalibratedNetwork

    def __init__(self, network: CalibratedNetwork):
        super().__init__(network, EPS)

    def maps(self, images: Image) -> tuple[Tensor, ...]:
        """The network's activations. Larger images are reduced by area, others enlarged (bilinear)."""
        return self.network.maps(resized(images, self.network.resolution))

    def gains(self) -> tuple[Tensor, ...]:
        """(2 L w)^(1/2) for each of the L stages, which makes the base's mean of halves the sum of the formula."""
        weights = tuple(self.network.weights)
        return tuple((2 * len(weights) * w).sqrt() for w in weights)

    def features_of(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """``features`` of the images with these ``maps`` of the network: normalised, and times their gains."""
        normalised = super().features_of(maps)
        return tuple(x * gain[:, None, None] for x, gain in zip(normalised, self.gains(), strict=True))

    def to_target(self, images: Image, target: Sequence[Tensor]) -> Tensor:
        """The distance [n] of ``images`` from the ``features`` of a fixed target; gradients go to the images alone."""
        return self.between(self.features(images), [x.detach() for x in target])


def resized(images: Image, size: int) -> Image:
    """[n, 3, size, size]: by area where no side is shorter than ``size``, else bilinear; gradients pass."""
    if images.shape[-2:] == (size, size):
        return images
    if min(images.shape[-2:]) >= size:
        return F.interpolate(images, (size, size), mode="area")
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False)
