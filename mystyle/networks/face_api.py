"""The small networks of face-api.js: 68 points of a face, seven expressions, age and gender.

Architectures and weights of face-api.js (Vincent Mühler, 2018; MIT), published by its fork ``@vladmandic/face-api``:
depthwise separable convolutions on crops of 112 px, in a trunk whose blocks sum all of their layers for points and
expressions, and in a small Xception (Chollet, 2017) for age and gender.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.networks.same_padding import SameConv2d, pad_same
from mystyle.types import Image

SIZE = 112  # px
MEAN = (122.782, 117.001, 104.298)  # of RGB in [0, 255]
POINTS = 68
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")


class Separable(nn.Module):
    """A depthwise 3 x 3 convolution and a 1 x 1 one, with padding SAME."""

    def __init__(self, n_in: int, n_out: int, stride: int = 1):
        super().__init__()
        self.depthwise = SameConv2d(n_in, n_in, 3, stride, groups=n_in, bias=False)
        self.pointwise = SameConv2d(n_in, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(self.depthwise(x))
        return y


class FaceApiNetwork(nn.Module):
    """What the networks share: crops of 112 px, and their mean."""

    size = SIZE
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).div(255)[:, None, None], persistent=False)

    def normalised(self, crops: Image) -> Tensor:
        """[-1, 1] to what the networks were trained on. Raises ValueError on another size."""
        if crops.shape[-2:] != (SIZE, SIZE):
            raise ValueError(f"crops must be {SIZE} px square, got {tuple(crops.shape[-2:])}")
        x = crops.contiguous(memory_format=torch.channels_last)  # depthwise layers are twice as fast so
        return (x + 1) / 2 - self.mean


class Summing(nn.Module):
    """Four layers; each is given the ReLU of the sum of all before it. The first halves the resolution."""

    def __init__(self, n_in: int, n_out: int, first: bool):
        super().__init__()
        self.conv0 = SameConv2d(n_in, n_out, 3, 2) if first else Separable(n_in, n_out, 2)
        self.conv1, self.conv2, self.conv3 = (Separable(n_out, n_out) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        total = F.relu(self.conv0(x))
        for layer in (self.conv1, self.conv2, self.conv3):
            total = total + layer(F.relu(total))
        return F.relu(total)


class SummingNetwork(FaceApiNetwork):
    """Four blocks of ``width`` to 8 ``width`` channels, a mean over 7 x 7 cells and a linear layer."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.config = dict(width=width)
        widths = (3, width, 2 * width, 4 * width, 8 * width)
        for i in range(4):
            self.add_module(f"dense{i}", Summing(widths[i], widths[i + 1], first=i == 0))
        self.fc = nn.Linear(widths[-1], outputs)

    def outputs(self, crops: Image) -> Tensor:
        x = self.normalised(crops)
        for i in range(4):
            x = self.get_submodule(f"dense{i}")(x)
        y: Tensor = self.fc(x.mean(dim=(2, 3)))
        return y


class FaceLandmarks(SummingNetwork):
    """Crops [n, 3, 112, 112] of a face to its 68 points (iBUG's order) in shares of the crop."""

    def __init__(self, width: int = 32):
        super().__init__(width, 2 * POINTS)

    def forward(self, crops: Image) -> Tensor:
        """[n, 68, 2], x and y, 0 to 1 from the left and from the top edge of the crop."""
        points: Tensor = self.outputs(crops).unflatten(1, (POINTS, 2))
        return points


class FaceExpressions(SummingNetwork):
    """Crops [n, 3, 112, 112] of a face to scores of ``EXPRESSIONS``, whose softmax are their probabilities."""

    def __init__(self, width: int = 32):
        super().__init__(width, len(EXPRESSIONS))

    def forward(self, crops: Image) -> Tensor:
        """[n, 7], logits."""
        return self.outputs(crops)


class Reduction(nn.Module):
    """Two separable layers and a max pool beside a 1 x 1 convolution, both halving the resolution."""

    def __init__(self, n_in: int, n_out: int, activates: bool = True):
        super().__init__()
        self.activates = activates
        self.separable_conv0, self.separable_conv1 = Separable(n_in, n_out), Separable(n_out, n_out)
        self.expansion_conv = SameConv2d(n_in, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.separable_conv0(F.relu(x) if self.activates else x)
        y = self.separable_conv1(F.relu(y))
        y = F.max_pool2d(pad_same(y, 3, 2, float("-inf")), 3, 2)
        # not by its stride: torch 2.14 crashes in the weight gradient of 1 x 1 with stride 2 on few channels
        z: Tensor = y + self.expansion_conv(x[..., ::2, ::2])
        return z


class Main(nn.Module):
    """Three separable layers with a skip."""

    def __init__(self, channels: int):
        super().__init__()
        self.separable_conv0, self.separable_conv1, self.separable_conv2 = (
            Separable(channels, channels) for _ in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in (self.separable_conv0, self.separable_conv1, self.separable_conv2):
            y = layer(F.relu(y))
        return y + x


class AgeGender(FaceApiNetwork):
    """Crops [n, 3, 112, 112] of a face to age and gender: a small Xception."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.config = dict(width=width)
        self.entry_flow = nn.Sequential(
            OrderedDict(
                conv_in=SameConv2d(3, width, 3, 2),
                relu=nn.ReLU(),
                reduction_block_0=Reduction(width, 2 * width, activates=False),
                reduction_block_1=Reduction(2 * width, 4 * width),
            )
        )
        self.middle_flow = nn.Sequential(OrderedDict(main_block_0=Main(4 * width), main_block_1=Main(4 * width)))
        self.exit_flow = nn.Sequential(
            OrderedDict(
                reduction_block=Reduction(4 * width, 8 * width), separable_conv=Separable(8 * width, 16 * width)
            )
        )
        self.fc = nn.ModuleDict(dict(age=nn.Linear(16 * width, 1), gender=nn.Linear(16 * width, 2)))

    def forward(self, crops: Image) -> tuple[Tensor, Tensor]:
        """Age [n] in years, and the probability [n] that the face is a man's, as the network was taught the two."""
        x = self.exit_flow(self.middle_flow(self.entry_flow(self.normalised(crops))))
        x = F.relu(x).mean(dim=(2, 3))
        return self.fc["age"](x)[:, 0], F.softmax(self.fc["gender"](x), dim=1)[:, 0]
