"""The eyeball between the lids: sclera, iris, pupil and the highlights of a wet sphere."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.synthetic.geometry import EYEBALL, bell, eyeball_centre
from datasets.synthetic.mesh import CAMERA
from datasets.synthetic.noise import edge, noise, over, ramp
from datasets.synthetic.scene import Scene

IRIS = (
    (0.030, 0.012, 0.006),
    (0.085, 0.036, 0.014),
    (0.15, 0.085, 0.03),
    (0.10, 0.13, 0.06),
    (0.09, 0.17, 0.27),
    (0.20, 0.26, 0.29),
)
SCLERA = (0.47, 0.435, 0.41)
IRIS_RADIUS = 0.53  # of the eyeball's
PUPIL_RADIUS = 0.20


def iris_colours(p: Mapping[str, float]) -> Tensor:
    """Of the left and the right eye [2, 3]; the darker the skin, the browner both."""
    hue = p["iris_hue"] * (1 - 0.85 * min(max((p["skin_tone"] - 0.3) / 0.4, 0.0), 1.0))
    return torch.stack([ramp(IRIS, hue), ramp(IRIS, hue + p["iris_odd"])])


def gaze(p: Mapping[str, float]) -> Tensor:
    """Where both eyes look, in the camera's frame: near the camera, as far as the eyes turn in the head."""

    def angle(turn: float, wish: float, most: float) -> float:
        return math.radians(turn + most * math.tanh((wish - turn) / most))

    a, b = angle(p["yaw"], p["gaze_x"], 32.0), angle(p["pitch"], p["gaze_y"], 20.0)
    return torch.tensor([math.sin(a) * math.cos(b), math.sin(b), math.cos(a) * math.cos(b)])


def shade_eyes(rest: Tensor, xy: Tensor, shadow: Tensor, scene: Scene, pixel: float) -> Tensor:
    """Light [m, 3] from the eyeballs at samples with rest places [m, 3] on the lids' opening, image plane ``xy``."""
    p, head, turn, light = scene.p, scene.head, scene.pose.head, scene.light
    x, y = rest[:, 0].abs(), rest[:, 1]
    side = torch.sign(rest[:, 0])
    cx, cy, cz = eyeball_centre(p)
    which = (side > 0).long()
    centre = torch.stack([side * cx, torch.full_like(side, cy), torch.full_like(side, cz)], -1)
    centre = (centre + head.eye_shift[which]) @ turn.T
    d = xy * ((CAMERA - centre[:, 2:]) / CAMERA) - centre[:, :2]
    d = d / EYEBALL
    normal = F.normalize(torch.cat([d, (1 - d.square().sum(-1, keepdim=True)).clamp_min(0.04).sqrt()], -1), dim=-1)
    look = gaze(p)
    off = normal - look
    rho = off.norm(dim=-1)
    soft = 1.2 * pixel / EYEBALL

    s = head.eye.along(x)
    colour = torch.tensor(SCLERA).expand(len(x), 3)
    colour = over(colour, torch.tensor([0.50, 0.27, 0.23]), (0.75 * s.abs() ** 5 + 0.12).clamp(max=0.8))
    colour = over(colour, torch.tensor([0.42, 0.16, 0.13]), 0.8 * edge(-0.84 - s, 0.08))
    angle = torch.atan2(off[:, 1], off[:, 0])
    fibres = noise(angle * 7, rho * 9, 9 * soft)
    iris = iris_colours(p)[which] * (0.70 + 0.5 * smooth(rho, IRIS_RADIUS, 0.2) + 0.35 * fibres)[:, None]
    iris = over(iris, torch.tensor([0.012, 0.009, 0.008]), 0.8 * edge(rho - 0.86 * IRIS_RADIUS, 0.10 + soft))
    colour = over(colour, iris, edge(IRIS_RADIUS - rho, 0.05 + soft))
    colour = over(colour, torch.tensor([0.004, 0.004, 0.004]), edge(PUPIL_RADIUS - rho, 0.03 + soft))

    top, bottom = head.eye.lids(x)
    under_lid = (
        1 - 0.72 * torch.exp(-((top - y) / 0.026).clamp(min=0)) - 0.25 * torch.exp(-((y - bottom) / 0.014).clamp(min=0))
    )
    lit = light.irradiance(normal, shadow, under_lid.clamp(min=0.1), (0.35, 0.3, 0.28))
    result = colour * lit * under_lid.clamp(min=0.12)[:, None]
    cornea = F.normalize(normal + 0.55 * off * edge(IRIS_RADIUS - rho, 0.1)[:, None], dim=-1)
    half = F.normalize(light.key + torch.tensor([0.0, 0.15, 1.6]), dim=0)
    window = edge(0.085 + 0.10 * soft - (cornea - half).norm(dim=-1), 0.06 + soft)
    second = edge(
        0.09 - (cornea - F.normalize(light.fill + torch.tensor([0.0, -0.1, 1.8]), dim=0)).norm(dim=-1), 0.14 + soft
    )
    result = result + (window[:, None] * light.key_colour * 1.1 + 0.10 * second[:, None] * light.fill_colour)
    wet = bell((y - bottom - 0.006) / 0.006) * 0.10
    return result + wet[:, None] * light.key_colour * shadow[:, None]


def smooth(x: Tensor, high: float, low: float) -> Tensor:
    """1 at ``low`` falling to 0 at ``high``."""
    return ((high - x) / (high - low)).clamp(0, 1)
