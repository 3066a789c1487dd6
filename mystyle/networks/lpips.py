"""LPIPS (Zhang et al., 2018) by its authors' package: trunk, weights and constants are those of ``lpips.LPIPS``."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import torch

from mystyle.networks.calibrated import CalibratedDistance, CalibratedNetwork
from mystyle.types import Image

Trunk = Literal["alex", "vgg"]


class LPIPSNetwork(CalibratedNetwork):
    """The package's network. Its tensors are zero until they are loaded; nothing is downloaded."""

    def __init__(self, trunk: Trunk, size: int):
        package = empty_package(trunk)
        super().__init__(size, package.chns)
        self.scaling, self.trunk = package.scaling_layer, package.net

    def maps(self, images: Image) -> tuple[torch.Tensor, ...]:
        """The activations of the trunk's five stages, of images of any size that its pooling leaves something of."""
        return tuple(self.trunk(self.scaling(images.contiguous(memory_format=torch.channels_last))))


class LPIPS(CalibratedDistance):
    """LPIPS v0.1 of images that are resized to ``size`` px; a ``roles.PerceptualDistance``."""

    def __init__(self, trunk: Trunk = "alex", size: int = 256):
        super().__init__(LPIPSNetwork(trunk, size))
        self.config = dict(trunk=trunk, size=size)


def empty_package(trunk: Trunk) -> Any:
    """An ``lpips.LPIPS`` whose trunk is zero.

    It makes a whole classifier of torchvision first, which would cost half a gigabyte and random numbers for all of it:
    hence without memory.
    """
    import lpips

    with torch.device("meta"), warnings.catch_warnings(action="ignore", category=UserWarning):  # torchvision's renamed
        package = lpips.LPIPS(net=trunk, pretrained=False, pnet_rand=True, verbose=False)
    package.net.to_empty(device=torch.get_default_device())
    for parameter in package.net.parameters():
        parameter.data.zero_()
    return package
