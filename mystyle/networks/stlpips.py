"""ST-LPIPS, the shift-tolerant perceptual metric of Ghildyal and Liu (ECCV 2022), on its AlexNet.

The metric is LPIPS with a trunk that reduces by blurring (Zhang, 2019): the first convolution has stride 1 and a blur
of stride 2 before its ReLU, and each max pooling has stride 1 and a blur of stride 2 behind it. The blur is [1, 2, 1]
in both directions over two pixels of reflection. Of the two published trunks this is the one that costs less. Its
values are not LPIPS's. The paper compares images at their own size, here at ``size``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.networks.calibrated import CalibratedDistance, CalibratedNetwork
from mystyle.types import Image

KERNEL = 11  # px, of the first convolution
MARGIN = 2  # px of zeros around the image, and of reflection before each blur
SMALLEST = 32  # px; the last stages need some pixels to reflect
BINOMIAL = (0.25, 0.5, 0.25)
LAST_TWO = (0.5, 0.5)


class BlurredConvolution(nn.Module):
    """An 11 x 11 convolution over two pixels of zeros, then the blur of stride 2 over two pixels of reflection, as one.

    Images of even size s give s / 2 - 2 pixels. Inside, both together are a convolution of 13 x 13 and stride 2, a
    quarter of the work. Reflection makes the first row and column equal the second, and the last the mean of the last
    two of the inner convolution: kernels of 12 taps, which have these pixels to themselves. So nothing is approximated.
    """

    def __init__(self, channels: int):
        super().__init__()
        taps = KERNEL + 2
        self.inside = nn.Parameter(torch.zeros(channels, 3, taps, taps))
        self.right = nn.Parameter(torch.zeros(channels, 3, taps, taps - 1))
        self.bottom = nn.Parameter(torch.zeros(channels, 3, taps - 1, taps))
        self.corner = nn.Parameter(torch.zeros(channels, 3, taps - 1, taps - 1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, images: Tensor) -> Tensor:
        """[n, 3, s, s] to [n, channels, s / 2 - 2, s / 2 - 2], before the ReLU."""
        x = F.pad(images, (MARGIN,) * 4)
        end = -(KERNEL + 1)
        top = F.conv2d(x, self.inside, self.bias, 2), F.conv2d(x[..., end:], self.right, self.bias, 2)
        x = x[..., end:, :]
        last = F.conv2d(x, self.bottom, self.bias, 2), F.conv2d(x[..., end:], self.corner, self.bias, 2)
        rows = torch.cat([torch.cat(top, dim=3), torch.cat(last, dim=3)], dim=2)
        return F.pad(rows, (1, 0, 1, 0), mode="replicate")

    @staticmethod
    def folded(weight: Tensor) -> dict[str, Tensor]:
        """The four kernels from that [channels, 3, 11, 11] of the convolution without its blur."""
        return {
            "inside": spread(weight, BINOMIAL, BINOMIAL),
            "right": spread(weight, BINOMIAL, LAST_TWO),
            "bottom": spread(weight, LAST_TWO, BINOMIAL),
            "corner": spread(weight, LAST_TWO, LAST_TWO),
        }


def spread(weight: Tensor, rows: Sequence[float], columns: Sequence[float]) -> Tensor:
    """The kernel of ``weight`` followed by the filter ``rows`` x ``columns``."""
    height, width = weight.shape[-2:]
    kernel = weight.new_zeros(*weight.shape[:2], height + len(rows) - 1, width + len(columns) - 1)
    for i, a in enumerate(rows):
        for j, b in enumerate(columns):
            kernel[..., i : i + height, j : j + width] += a * b * weight
    return kernel


class ShiftTolerantAlexNet(CalibratedNetwork):
    """The trunk of ST-LPIPS and the weights of its channels; its activations mean nothing until they are loaded.

    ``size`` is that of the images in px, even; ``widths`` are the channels of the five stages.
    """

    blur: Tensor

    def __init__(self, size: int, widths: Sequence[int]):
        super().__init__(size, widths)
        if size % 2 or size < SMALLEST:
            raise ValueError(f"the size must be even and at least {SMALLEST} px, got {size}")
        self.shift, self.scale = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.ones(3))
        self.first = BlurredConvolution(widths[0])
        kernels = (5, 3, 3, 3)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2)
            for n_in, n_out, kernel in zip(widths[:-1], widths[1:], kernels, strict=True)
        )
        blur = torch.tensor(BINOMIAL)
        self.register_buffer("blur", blur[:, None] * blur, persistent=False)

    def maps(self, images: Image) -> tuple[Tensor, ...]:
        """The activations of the five stages, after their ReLU. Raises ValueError on another size."""
        if images.shape[-2:] != (self.resolution, self.resolution):
            raise ValueError(f"images must be {self.resolution} px square, got {tuple(images.shape[-2:])}")
        x = (images - self.shift[:, None, None]) / self.scale[:, None, None]
        x = F.relu(self.first(x.contiguous(memory_format=torch.channels_last)))  # a third faster than channels apart
        result = [x]
        for stage, convolution in enumerate(self.convolutions):
            x = F.relu(convolution(self.pool(x) if stage < 2 else x))
            result.append(x)
        return tuple(result)

    def pool(self, x: Tensor) -> Tensor:
        """The maximum of 3 x 3, then the blur of stride 2."""
        x = F.pad(F.max_pool2d(x, 3, 1), (MARGIN,) * 4, mode="reflect")
        channels = x.shape[1]
        return F.conv2d(x, self.blur.expand(channels, 1, 3, 3), stride=2, groups=channels)


class STLPIPS(CalibratedDistance):
    """ST-LPIPS of images that are resized to ``size`` px; a ``roles.PerceptualDistance``."""

    def __init__(self, size: int = 128, widths: Sequence[int] = (64, 192, 384, 256, 256)):
        super().__init__(ShiftTolerantAlexNet(size, widths))
        self.config = dict(size=size, widths=list(widths))
