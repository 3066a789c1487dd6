"""What a person wears: glasses, and clothes around the neck and on the shoulders."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from datasets.synthetic.geometry import EYEBALL, bell, eyeball_centre, ramp01, smoothstep
from datasets.synthetic.mesh import grid_faces, grid_normals
from datasets.synthetic.noise import hsv, noise, ramp

Values = Mapping[str, float]

FRAMES = ((0.30, 0.24, 0.14), (0.10, 0.10, 0.11), (0.006, 0.006, 0.007), (0.07, 0.024, 0.010), (0.010, 0.012, 0.03))
RIM_POINTS = 48


def wears_glasses(p: Values) -> bool:
    return p["glasses"] > 0.02


def glasses(p: Values) -> tuple[list[tuple[Tensor, float]], Tensor]:
    """Polylines [s, 3] of rims, bridge and temples in the head's frame with their half widths, and the colour [3]."""
    ex, ey, ez = eyeball_centre(p)
    square = 2.0 + 3.2 * p["glasses_shape"] ** 1.5
    wide, high = 0.185 + 0.02 * p["glasses_shape"], 0.165 - 0.035 * p["glasses_shape"]
    turn = torch.arange(RIM_POINTS + 1) / RIM_POINTS * 2 * math.pi
    c, s = torch.cos(turn), torch.sin(turn)
    r = (c.abs() ** square + s.abs() ** square) ** (-1 / square)
    u, v = wide * r * c, high * r * s
    x = ex + 0.015 + u
    y = ey - 0.015 + v * (1 + 0.10 * u / wide)
    front = ez + EYEBALL + 0.105 + 0.4 * p["brow_ridge"]

    def curved(x: Tensor) -> Tensor:
        return front - 0.22 * (x.abs() - 0.15).clamp(min=0) ** 2 + 0.03

    right = torch.stack([x, y, curved(x)], -1)
    left = right * torch.tensor([-1.0, 1.0, 1.0])
    span = torch.linspace(-1, 1, 9) * (ex + 0.018 - wide)
    bridge = torch.stack([span, 0.045 + 0.018 * torch.cos(span / span[-1] * 1.5), curved(span) + 0.012], -1)
    t = torch.linspace(0, 1, 9)
    corner = ex + wide + 0.008
    out = 0.70 * p["head_width"]
    arm = torch.stack(
        [corner + (out - corner) * (1 - (1 - t) ** 3), 0.05 + 0.01 * t, (front - 0.03) * (1 - t) - 0.06 * t], -1
    )
    thick = 0.0075 + 0.014 * p["glasses"]
    lines = [right, left, bridge, arm, arm * torch.tensor([-1.0, 1.0, 1.0])]
    return [(line, thick) for line in lines], ramp(FRAMES, p["glasses"])


def lens(rim: Tensor) -> tuple[Tensor, Tensor]:
    """A fan of triangles inside a rim [s, 3]: points [s + 1, 3] and faces."""
    s = len(rim)
    i = torch.arange(s - 1)
    return torch.cat([rim, rim.mean(0, keepdim=True)]), torch.stack([i, i + 1, torch.full_like(i, s)], 1)


def shows_chest(p: Values) -> bool:
    """Whether the neckline is low enough for bare shoulders to be drawn under the clothes."""
    return p["neckline"] < CLOSED


CLOSED = 0.40  # from here on the neck is not cut low
TORSO_ROWS, TORSO_COLUMNS = 30, 64


def torso(p: Values, skin: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Shoulders around the neck in the body's frame, bare or clothed: points, normals [r, c, 3] and hollows [r, c].

    The rows lead from the rim at the neck outwards and down.
    """
    man = p["masculine"] - 0.5
    angle = torch.arange(TORSO_COLUMNS) / TORSO_COLUMNS * 2 * math.pi - math.pi
    t = torch.linspace(0, 1, TORSO_ROWS)[:, None]
    c, s = torch.cos(angle)[None], torch.sin(angle)[None]
    ahead = c.clamp(min=0)
    style = -1.0 if skin else p["neckline"]
    opened = 1 - ramp01(style, 0.10, CLOSED)  # how low the neck is cut
    rolled = ramp01(style, 0.82, 0.90)
    shirt = ramp01(style, 0.52, 0.58) * (1 - rolled)
    neck = p["neck_width"] * (1 + 0.26 * man)
    grow = t**1.25
    gap = 0.0 if skin else 0.035 + 0.30 * opened * (1 - rolled)
    inner_x, inner_z = 0.405 * neck + gap, 0.37 + 0.6 * gap
    x = s * (inner_x + (1.62 + 0.35 * man) * grow)
    z = -0.19 + c * (inner_z + (0.42 + 0.1 * man) * grow) + 0.05 * ahead
    high = -1.09 - 0.02 * man + (0.02 if not skin else -0.09)
    rim = (
        high
        - 0.17 * ahead
        - 0.36 * opened * ahead**1.5
        - 0.10 * opened * s.abs() * (not skin)
        + 0.06 * (-c).clamp(min=0)
    )
    slope = 0.34 * t + 0.62 * t**2.2
    y = rim - slope * s.square() - (0.25 * t + 1.5 * t**1.5) * ahead.square() - 0.9 * t * (-c).clamp(min=0)
    if not skin:
        collar = (1 - smoothstep(t, 0.0, 0.10)) * (rolled + shirt * (0.75 - 0.25 * ahead))
        y = y + 0.17 * collar
        x, z = x - s * 0.015 * collar, z + 0.02 * collar * c
        flap = shirt * smoothstep(t, 0.02, 0.09) * (1 - smoothstep(t, 0.12, 0.16)) * smoothstep(c, -0.2, 0.5)
        x, z, y = x + 0.05 * flap * s, z + 0.09 * flap * c, y - 0.03 * flap
        v = shirt * ahead**6 * (1 - smoothstep(t, 0.0, 0.16))
        y = y - 0.17 * v
        fold = noise(3.2 * angle[None] + 11 + 0 * t, 6 * t + 2 * s) + 0.5 * noise(
            7 * angle[None] + 0 * t, 5 * t + 4 * s
        )
        bulge = 0.025 * fold * smoothstep(t, 0.10, 0.35)
        hem = 0.018 * torch.sin(math.pi * (t / 0.07).clamp(0, 1)) * (1 - shirt)
        x, z, y = x + s * hem, z + c * hem + bulge * 0.5, y + bulge
    points = torch.stack([x, y, z], -1)
    return points, grid_normals(points, wrap=True), 0.02 * (1 - t).expand(TORSO_ROWS, TORSO_COLUMNS)


def torso_faces() -> Tensor:
    return grid_faces(TORSO_ROWS, TORSO_COLUMNS, wrap=True)


def cloth(rest: Tensor, pixel: float, p: Values) -> Tensor:
    """Reflectance [m, 3] of the clothes at body places [m, 3]: plain, striped or knitted."""
    vivid = 0.06 + 0.40 * abs(math.sin(9 * p["clothes_hue"] + 2)) ** 2
    base = hsv(p["clothes_hue"], vivid, 0.75 * p["clothes_value"])
    x, y, z = rest.unbind(-1)
    weave = 1 + 0.10 * noise(60 * x, 60 * (y + z), 60 * pixel) + 0.05 * noise(9 * x, 9 * y)
    stripes = smoothstep(torch.sin(26 * (y + 0.2 * x.abs())), 0.1, 0.5) * (math.sin(31 * p["clothes_hue"]) > 0.55)
    colour = base * weave[:, None]
    other = hsv((p["clothes_hue"] + 0.08) % 1, 0.25, 1 - 0.75 * p["clothes_value"])
    return colour + (other - colour) * (0.8 * stripes)[:, None]


def frame_shade(normal_across: Tensor, lit: Tensor, colour: Tensor) -> Tensor:
    """Light from a round frame: ``normal_across`` in [-1, 1] over its width, ``lit`` [m, 3] the light it gets."""
    curve = 0.55 + 0.45 * (1 - normal_across.square()).clamp_min(0)
    shine = bell((normal_across + 0.35) / 0.28) * 0.10
    return (colour * curve[:, None] + shine[:, None]) * lit
