"""StyleCLIP's latent mapper (Patashnik et al., 2021): a change of each layer's code, by the third it belongs to."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.types import WPlus

GROUPS = (4, 8)  # where the middle and the fine layers begin, of the 18 of 1024 px
DEPTH = 4


class LatentMapper(nn.Module):
    """M: three perceptrons of four layers each, on coarse, middle and fine layers."""

    def __init__(self, w_dim: int = 512, num_ws: int = 18):
        super().__init__()
        self.config: dict[str, Any] = dict(w_dim=w_dim, num_ws=num_ws)
        first, second = (round(begin * num_ws / 18) for begin in GROUPS)
        self.sizes = (first, second - first, num_ws - second)
        self.parts = nn.ModuleList(nn.ModuleList(nn.Linear(w_dim, w_dim) for _ in range(DEPTH)) for _ in self.sizes)
        for parameter in self.parameters():
            nn.init.zeros_(parameter) if parameter.ndim == 1 else nn.init.normal_(parameter, std=w_dim**-0.5)

    def forward(self, ws: WPlus) -> WPlus:
        """[n, num_ws, w_dim] twice. Codes are divided by their root mean square first."""
        x = ws * (ws.square().mean(dim=-1, keepdim=True) + 1e-8).rsqrt()
        return torch.cat([self.of_group(*pair) for pair in zip(x.split(self.sizes, dim=1), self.parts, strict=True)], 1)

    @staticmethod
    def of_group(x: Tensor, layers: nn.Module) -> Tensor:
        """Linear layers, each with a leaky ReLU that keeps the variance."""
        for layer in layers.children():
            x = F.leaky_relu(layer(x), 0.2) * math.sqrt(2)
        return x
