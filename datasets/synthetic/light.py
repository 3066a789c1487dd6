"""Key, fill, rim and sky light, in the camera's frame and in linear units, and the film curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

WRAP_SKIN = (0.42, 0.20, 0.13)  # light that travels under the skin reaches past the terminator, red the farthest
WRAP_CLOTH = (0.15, 0.15, 0.15)


@dataclass(frozen=True)
class Light:
    """Directions [3] towards the lamps and their colours [3]."""

    key: Tensor
    key_colour: Tensor
    fill: Tensor
    fill_colour: Tensor
    rim: Tensor
    rim_colour: Tensor
    sky: Tensor
    ground: Tensor

    @classmethod
    def of(cls, p: Mapping[str, float], surroundings: Tensor) -> Light:
        """``surroundings`` is the background's mean colour [3], which tints what is not lit by a lamp."""
        a, h = torch.deg2rad(torch.tensor([p["light_angle"], p["light_height"]]))
        key = torch.stack([torch.sin(a) * torch.cos(h), torch.sin(h), torch.cos(a) * torch.cos(h)])
        key = F.normalize(key + torch.tensor([0.0, 0.0, 0.22]), dim=0)
        tint = torch.tensor([1 + 0.14 * p["light_warmth"], 1.0, 1 - 0.20 * p["light_warmth"]])
        strength = p["light_strength"]
        around = 0.75 + 0.25 * surroundings / surroundings.mean().clamp_min(0.02)
        ambient = (0.46 - 0.22 * strength) * around
        return cls(
            key,
            tint * (0.85 + 0.85 * strength),
            F.normalize(key * torch.tensor([-1.0, 0.25, 0.6]) + torch.tensor([0.0, 0.1, 0.3]), dim=0),
            around * (0.40 - 0.20 * strength),
            F.normalize(torch.stack([-key[0].sign() * 0.8, torch.tensor(0.35), torch.tensor(-0.55)]), dim=0),
            (2 - tint) * 1.3 * p["rim_light"],
            ambient * torch.tensor([0.97, 1.0, 1.04]),
            0.55 * ambient * torch.tensor([1.06, 1.0, 0.92]),
        )

    def irradiance(
        self, normals: Tensor, shadow: Tensor, open_sky: Tensor, wrap: tuple[float, float, float] = WRAP_SKIN
    ) -> Tensor:
        """Diffuse light [m, 3] at normals [m, 3]; ``shadow`` [m] is the key's share, ``open_sky`` [m] the ambient's."""
        w = torch.tensor(wrap)
        lit = ((normals @ self.key)[:, None] + w) / (1 + w)
        # a penumbra reddens as the terminator does: the share of each colour rises at its own pace
        reach = shadow[:, None] ** (1 - w)
        filled = ((normals @ self.fill + 0.4) / 1.4).clamp(min=0) * open_sky
        behind = (normals @ self.rim).clamp(min=0)
        up = (0.5 + 0.5 * normals[:, 1]) * open_sky
        down = (0.5 - 0.5 * normals[:, 1]) * open_sky
        return (
            lit.clamp(min=0) * reach * self.key_colour
            + filled[:, None] * self.fill_colour
            + behind[:, None] * self.rim_colour
            + up[:, None] * self.sky
            + down[:, None] * self.ground
        )

    def highlight(self, normals: Tensor, shadow: Tensor, power: float) -> Tensor:
        """Mirror-like light [m, 3] of a surface whose highlights are as small as ``power`` is large."""
        total = torch.zeros_like(normals)
        for direction, colour, seen in (
            (self.key, self.key_colour, shadow),
            (self.fill, self.fill_colour, 1.0),
            (self.rim, self.rim_colour, 1.0),
        ):
            half = F.normalize(direction + torch.tensor([0.0, 0.0, 1.0]), dim=0)
            glint = (normals @ half).clamp(min=0) ** power * seen
            total = total + glint[:, None] * colour
        return total * (power + 8) / 25


def film(light: Tensor, exposure: float) -> Tensor:
    """Linear light to the display's scale [0, 1], with a shoulder instead of clipped highlights."""
    x = light.clamp(min=0) * (0.52 * exposure)
    x = x * (2.51 * x + 0.30) / (x * (2.43 * x + 0.75) + 0.14)
    return torch.where(x < 0.0031308, 12.92 * x, 1.055 * x.clamp_min(1e-6) ** (1 / 2.4) - 0.055).clamp(0, 1)
