"""RGB layers with which a MobileStyleGAN ends at less than its full size, so that its last levels need not run.

The features of half the size of the smaller image are turned into it as the last layer does: a modulated 1x1
convolution to wavelet coefficients, by the style of the row after theirs. ``mystyle.pretrain.heads`` fits them to the
reduced images of the whole network; those for the published network ship.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from mystyle.networks.mobilestylegan import MobileGenerator, ToRGB


class RGBHeads(nn.Module):
    """RGB layers by the size of their images.

    ``channels`` has the number of features by size, ``errors`` the mean squared error of the images on [-1, 1] to the
    reduced ones of the whole network, on samples that nothing was fitted to.
    """

    def __init__(self, w_dim: int, channels: Mapping[str, int], errors: Mapping[str, float]):
        super().__init__()
        self.config = dict(w_dim=w_dim, channels=dict(channels), errors=dict(errors))
        self.sizes = sorted(map(int, channels))
        for size in self.sizes:
            self.add_module(f"px{size}", ToRGB(channels[str(size)], w_dim))

    def head(self, size: int) -> ToRGB:
        layer: ToRGB = self.get_submodule(f"px{size}")  # type: ignore[assignment]
        return layer


def with_head(body: MobileGenerator, heads: RGBHeads, resolution: int) -> MobileGenerator:
    """The levels of ``body`` below ``resolution`` / 2 px and at it, and the head of that size, frozen.

    Raises ValueError if there is no head of this size or it takes other features.
    """
    if resolution not in heads.sizes or resolution >= body.resolution:
        sizes = [size for size in heads.sizes if size < body.resolution]
        raise ValueError(f"resolution {resolution}: a generator of {body.resolution} px has heads for {sizes} px")
    channels = body.config["channels"][: resolution.bit_length() - 3]
    config = body.config | {"resolution": resolution, "channels": channels}
    head = {f"synthesis.torgb.{name}": t for name, t in heads.head(resolution).state_dict().items()}
    with torch.device("meta"):
        network = MobileGenerator(**config)
    whole = body.state_dict() | head
    try:
        network.load_state_dict({name: whole[name].clone() for name in network.state_dict()}, assign=True)
    except RuntimeError as error:
        raise ValueError(f"the head for {resolution} px does not fit the generator ({error})") from error
    return network.eval().requires_grad_(False)
