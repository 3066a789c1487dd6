"""The shape of a head: a lofted skull and neck, a face sculpted on it, ears, and where FFHQ's crop puts it.

The skull is a stack of rings, from the crown to the base of the neck, through three profiles: front, side and back.
Every point keeps its *rest place* on the smooth skull. Features (nose, lids, lips) push points away from there, and
paint is a function of the rest place; so lips stay on lips whatever the jaw does. Features are symmetric on the skull;
what makes a face asymmetric pushes them aside.

The head's frame: x to the viewer's right, y up from the eyes' height, z to the viewer; 1 is 112 mm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy.interpolate import CubicSpline
from torch import Tensor

from datasets.synthetic.mesh import grid_faces, grid_normals, project
from datasets.synthetic.parameters import EXTRA

Values = Mapping[str, float]

# Rings from the crown down: front (y, z), side (y, x, z), back (y, z), exponent of the front's superellipse, and how
# many rows of points follow until the next ring.
RINGS = (
    (1.060, -0.02, 1.060, 0.02, -0.06, 1.060, -0.10, 2.00, 5),
    (1.025, 0.24, 1.020, 0.28, -0.06, 1.010, -0.37, 2.00, 6),
    (0.910, 0.52, 0.870, 0.49, -0.06, 0.840, -0.65, 2.00, 7),
    (0.700, 0.715, 0.630, 0.62, -0.06, 0.560, -0.83, 2.10, 8),
    (0.450, 0.825, 0.360, 0.665, -0.05, 0.280, -0.90, 2.15, 12),
    (0.200, 0.855, 0.120, 0.652, -0.03, 0.040, -0.88, 2.20, 18),
    (0.000, 0.815, -0.040, 0.635, 0.00, -0.140, -0.80, 2.35, 22),
    (-0.200, 0.800, -0.180, 0.620, 0.02, -0.280, -0.70, 2.20, 24),
    (-0.450, 0.830, -0.330, 0.585, 0.03, -0.400, -0.62, 2.25, 20),
    (-0.620, 0.838, -0.450, 0.550, 0.03, -0.520, -0.57, 2.20, 18),
    (-0.800, 0.795, -0.560, 0.515, 0.02, -0.620, -0.54, 2.10, 12),
    (-0.925, 0.765, -0.660, 0.470, 0.00, -0.720, -0.52, 2.00, 8),
    (-1.010, 0.660, -0.740, 0.430, -0.04, -0.800, -0.52, 1.95, 6),
    (-1.035, 0.450, -0.830, 0.405, -0.10, -0.900, -0.53, 1.95, 6),
    (-1.085, 0.290, -0.950, 0.395, -0.14, -1.000, -0.55, 2.00, 6),
    (-1.280, 0.220, -1.150, 0.400, -0.16, -1.150, -0.57, 2.00, 6),
    (-1.700, 0.180, -1.600, 0.460, -0.18, -1.600, -0.60, 2.00, 1),
)
COLUMNS = 128  # points around a ring, most of them in front
FRONT_SHARE = 0.30  # spacing in front against an even spacing
ROWS = sum(ring[-1] for ring in RINGS)
EYEBALL = 0.112  # radius
LID = 0.013  # thickness of the lids over the eyeball


def bell(x: Tensor) -> Tensor:
    """exp(-x^2), cut at a value of e^-80, because an exponential that underflows takes ten times as long."""
    return torch.exp(-x.square().clamp(max=80))


def bump(x: Tensor, y: Tensor, x0: float, y0: Tensor | float, sx: float, sy: float) -> Tensor:
    """exp(-((x - x0) / sx)^2 - ((y - y0) / sy)^2)."""
    return torch.exp(-(((x - x0) / sx).square() + ((y - y0) / sy).square()).clamp(max=80))


def smoothstep(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def ramp01(x: float, low: float, high: float) -> float:
    """The share of the way from ``low`` to ``high``, within [0, 1]."""
    return min(max((x - low) / (high - low), 0.0), 1.0)


def rotation(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Head to camera rotation [n, 3, 3] = Rz(roll) Rx(-pitch) Ry(yaw), angles in degrees [n]."""

    def about(axis: int, degrees: Tensor) -> Tensor:
        c, s = torch.cos(torch.deg2rad(degrees)), torch.sin(torch.deg2rad(degrees))
        m = torch.zeros(len(degrees), 3, 3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        m[:, axis, axis] = 1
        m[:, i, i], m[:, j, j], m[:, i, j], m[:, j, i] = c, c, -s, s
        return m

    return about(2, roll) @ about(0, -pitch) @ about(1, yaw)


def anatomy(p: Values) -> dict[str, float]:
    """The values with a person's extra proportions added, and what moves along: the rest of the face makes room."""
    longer, fuller = p["extra_nose_length"], max(p["extra_upper_lip"], 0.0)
    moved = {"mouth_height": 0.9 * longer + 0.5 * fuller, "chin_length": 0.6 * longer}
    return {name: value + p.get(EXTRA + name, 0.0) + moved.get(name, 0.0) for name, value in p.items()}


@lru_cache(maxsize=1)
def _loft() -> tuple[Tensor, Tensor]:
    """Weights [ROWS, rings] of the cubic spline through the rings, and the angle of every column, 0 in front."""
    rings = len(RINGS)
    rows = np.concatenate([i + np.arange(ring[-1]) / ring[-1] for i, ring in enumerate(RINGS)])
    weights = CubicSpline(np.arange(rings), np.eye(rings), bc_type="natural")(np.minimum(rows, rings - 1))
    s = np.arange(COLUMNS) / COLUMNS * 2 - 1
    angle = np.pi * (FRONT_SHARE * s + (1 - FRONT_SHARE) * s**3)
    return torch.from_numpy(weights).float(), torch.from_numpy(angle).float()


def skull(p: Values) -> Tensor:
    """The smooth head without features, rings from the crown down: [ROWS, COLUMNS, 3]."""
    weights, angle = _loft()
    rings = torch.tensor(RINGS)[:, :8].clone()
    front, side, back = rings[:, 0:2], rings[:, 2:5], rings[:, 5:7]
    level = rings[:, 0].clone()
    man, old = p["masculine"] - 0.5, ramp01(p["age"], 35, 80)
    lower = smoothstep(-level, 0.10, 0.95) * (level > -1.2)
    face = (level > -1.09).float()
    taper = 1 - (p["jaw_taper"] - 0.10 * man) * lower
    widen = torch.where(level > -1.09, 1.05 * p["head_width"] * taper, p["neck_width"] * (1 + 0.26 * man))
    side[:, 1] *= widen
    side[:, 1] += (p["jaw_corner"] + 0.05 * man + 0.02 * old) * bell((level + 0.78) / 0.22)
    chin = bell((level + 0.97) / 0.2)
    front[:, 1] += (p["chin_forward"] + 0.02 * man) * chin
    front[:, 0] -= (p["chin_length"] + 0.04 * man + 0.5 * (p["mouth_height"] - 0.605)) * lower * face
    front[:, 1] += p["forehead"] * bell((level - 0.52) / 0.28)
    front[:, 1] += 0.05 * man * (level < -1.09)
    back[:, 1] *= torch.where(level > -0.3, p["head_depth"], 1.0)
    rows = weights @ rings
    yf, zf, ys, xs, zs, yb, zb, exponent = (rows[:, i, None] for i in range(8))
    xs = xs.clamp_min(0.01)
    s, c = torch.sin(angle)[None], torch.cos(angle)[None]
    ahead = c > 0
    e = torch.where(ahead, exponent, 2.0)
    reach = torch.where(ahead, zf - zs, zs - zb).clamp_min(0.01)
    r = ((s.abs() / xs) ** e + (c.abs() / reach) ** e) ** (-1 / e)
    depth = r * c
    end = torch.where(ahead, yf, yb)
    y = ys + (end - ys) * (1 - (1 - (depth.abs() / reach).clamp(max=1)) ** 1.45)
    return torch.stack([r * s, y, zs + depth], -1)


@dataclass(frozen=True)
class Mouth:
    """The curves of the mouth over x: the corners and how much of the opening shows."""

    height: float
    width: float
    smile: float
    bow: float
    gap: float
    lift: float  # share of the gap that is the upper lip's
    gums: float  # how much of them shows, 0 to 1
    curve: float  # of a smile or a frown
    upper: float
    lower: float

    @classmethod
    def of(cls, p: Values) -> Mouth:
        grin = max(p["smile"], 0.0)
        opened, bared = p["mouth_open"], max(p["smile_teeth"], 0.0)
        parted = (0.100 + 0.095 * p["smile_teeth"]) * max(p["smile"] - 0.40 + 0.15 * bared, 0.0)
        return cls(
            -p["mouth_height"],
            p["mouth_width"] * (1 + (0.24 + 0.15 * p["smile_width"]) * grin - 0.08 * opened * (1 - grin)),
            p["smile"],
            p["cupid_bow"],
            0.115 * opened + parted,
            0.30 + 0.30 * bared * grin,
            bared * grin,
            0.085 * (1 + (0.65 * p["smile_rise"] if p["smile"] > 0 else 3.5 * p["frown"])),
            p["upper_lip"] * (1 - 0.22 * grin),
            p["lower_lip"] * (1 - 0.12 * grin),
        )

    def along(self, x: Tensor) -> Tensor:
        """0 in the middle, 1 at the corners."""
        return (x.abs() / self.width).clamp(max=1.3)

    def line(self, x: Tensor) -> Tensor:
        s = self.along(x)
        return (
            self.height
            + self.smile * (self.curve * s.square() - 0.035)
            + 0.007 * (1 - abs(self.smile)) * (torch.cos(7 * s) - 0.2) * (1 - s).clamp(min=0)
        )

    def opening(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The edges of the lips towards the opening: upper and lower."""
        shape = (1 - self.along(x).square()).clamp(min=0)
        line = self.line(x)
        return line + self.lift * self.gap * shape, line - (1 - self.lift) * self.gap * shape

    def outline(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The outer edges of the lips: upper, with the cupid's bow, and lower."""
        s = self.along(x)
        top, bottom = self.opening(x)
        full = (1 - s.square()).clamp(min=0)
        bow = 1 + 0.16 * self.bow * (bell((s - 0.24) / 0.16) - 2.2 * bell(s / 0.13))
        return top + self.upper * full**0.75 * bow, bottom - self.lower * full**0.62 * (1 - 0.06 * bell(s / 0.2))


@dataclass(frozen=True)
class Eye:
    """The curves of the lids around the right eye of the image, over x; the other eye is its mirror image."""

    x: float
    width: float
    slant: float
    upper: float
    lower: float

    @classmethod
    def of(cls, p: Values) -> Eye:
        grin = max(p["smile"], 0.0)
        droop = ramp01(p["age"], 45, 85)
        upper = p["eye_height"] * (p["eye_open"] - (0.10 + 0.20 * p["smile_eyes"]) * grin - 0.12 * droop) - 0.004
        lower = 0.040 * (1 - 0.35 * grin) * (0.6 + 0.4 * p["eye_open"])
        return cls(p["eye_distance"], p["eye_width"], p["eye_slant"], upper, lower)

    def along(self, x: Tensor) -> Tensor:
        """-1 at the inner corner, 1 at the outer."""
        return (x - self.x) / self.width

    def lids(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The edges of the upper and the lower lid."""
        s = self.along(x)
        axis = self.slant * (x - self.x) - 0.010
        arch = (1 - s.square()).clamp(min=0)
        top = axis + self.upper * arch**0.62 * (1 - 0.16 * s) + 0.006 * s
        return top, axis - self.lower * arch**0.8 * (1 + 0.22 * s)


def face_relief(rest: Tensor, p: Values, eye: Eye, mouth: Mouth) -> Tensor:
    """How far features push points of the face [..., 3] from their rest places [..., 3]."""
    x, y, z = rest.unbind(-1)
    a, man = x.abs(), p["masculine"] - 0.5
    ahead, up = _nose(a, y, p)
    forward, out = _bones(a, y, p)
    forward = forward + ahead + _muzzle(x, y, p, mouth)
    forward = forward + _lid_relief(a, y, z, z + forward, p, eye)
    drop = 0.11 * p["mouth_open"] * smoothstep(-y, -mouth.height - 0.01, 0.80) * smoothstep(-y, -2.0, 1.02)
    drop = drop * smoothstep(z, 0.05, 0.55) * (1 - smoothstep(-y, 1.05, 1.20))
    front = smoothstep(z, 0.10, 0.40)
    neck = 0.040 * (1 + man) * bump(a, y, 0.16, -1.30, 0.07, 0.25) * smoothstep(z, 0.0, 0.1)
    return torch.stack([x.sign() * out * front, up * front - drop, forward * front + neck - 0.3 * drop], -1)


def asymmetry(rest: Tensor, p: Values, mouth: Mouth) -> Tensor:
    """How far a face's lack of symmetry, at rest and in its smile, pushes points [..., 3] from there."""
    x, y, z = rest.unbind(-1)
    a, side, front = x.abs(), torch.tanh(x / 0.08), smoothstep(z, 0.05, 0.40)
    tip, grin, ex = -p["nose_length"], max(p["smile"], 0.0), p["eye_distance"]
    bridge = ((0.05 - y) / (0.05 - tip)).clamp(0, 1) * smoothstep(y, tip - 0.20, tip - 0.08) * bell(x / 0.22)
    lips = bell((x / 0.42).square()) * bell(((y - mouth.height) / 0.22).square())
    jaw = smoothstep(-y, 0.35, 1.0) * (1 - smoothstep(-y, 1.05, 1.35))
    right = p["nose_bend"] * bridge + p["mouth_shift"] * lips + p["jaw_skew"] * jaw
    eyes, brows = bump(a, y, ex, 0.0, 0.24, 0.13), bump(a, y, ex, 0.22, 0.26, 0.080)
    corners = bump(a, y, mouth.width, mouth.height + 0.03, 0.15, 0.13)
    up = side * ((0.5 * p["eye_step"] + p["eye_uneven"] * (y + 0.01)) * eyes + p["brow_step"] * brows)
    up = up + p["mouth_slant"] * x * lips + 0.060 * p["smile_skew"] * grin * side * corners
    full = (p["cheek_skew"] * side).clamp(min=0) * bump(a, y, 0.42, -0.45, 0.20, 0.22)
    return torch.stack([right + x.sign() * full, up, full], -1) * front[..., None]


def _nose(a: Tensor, y: Tensor, p: Values) -> tuple[Tensor, Tensor]:
    """A ridge that widens towards the tip, a ball, wings and nostrils: how far forward, and how far up the tip."""
    man, old, grin = p["masculine"] - 0.5, ramp01(p["age"], 38, 80), max(p["smile"], 0.0)
    tip, wing, height = -p["nose_length"], p["nose_width"] * (1 + 0.10 * grin), p["nose_height"] + 0.02 * man
    s = ((0.03 - y) / (0.03 - tip)).clamp(0, 1)
    profile = p["nose_bridge"] * (1 - s) * smoothstep(y, 0.21, 0.03) + 0.74 * height * s**1.3
    profile = profile + p["nose_hump"] * torch.sin(math.pi * s.clamp(0, 1)) ** 2
    under = smoothstep(y, tip - 0.105, tip - 0.005)
    ridge = 0.052 + 0.052 * s**2 + 0.15 * (wing - 0.095)
    forward = profile * under * torch.exp(-((a / ridge) ** 2).clamp(max=30)) * (y < 0.30)
    forward = forward + 0.22 * height * bump(a, y, 0, tip, 0.066, 0.058)
    forward = forward + 0.12 * height * bump(a, y, 0, tip - 0.05, 0.06, 0.06) * under
    forward = forward + 0.46 * height * bump(a, y, wing - 0.026, tip - 0.034, 0.042, 0.050)
    forward = forward + 0.16 * height * smoothstep(-y, 0.05, -tip) * bump(a, y, 0, tip, 1.2 * wing, 0.16)
    forward = forward - 0.030 * bump(a, y, wing + 0.036, tip - 0.02, 0.022, 0.06)
    forward = forward - 0.045 * bump(a, y, 0.50 * wing, tip - 0.074, 0.024, 0.016)
    return forward, (p["nose_tip"] - 0.02 * old) * bump(a, y, 0, tip - 0.02, 0.11, 0.09)


def _bones(a: Tensor, y: Tensor, p: Values) -> tuple[Tensor, Tensor]:
    """Brow, sockets, cheekbones, cheeks, temples and jowls: how far forward and to the side."""
    man, old, grin, raised = p["masculine"] - 0.5, ramp01(p["age"], 38, 80), max(p["smile"], 0.0), p["brow_raise"]
    forward = (p["brow_ridge"] + 0.030 * (man + 0.2)) * bump(a, y, 0.20, 0.185 + raised, 0.19, 0.085)
    forward = forward - (0.050 + p["eye_depth"]) * bump(a, y, p["eye_distance"] + 0.01, 0.010, 0.160, 0.100)
    forward = forward - 0.014 * bump(a, y, 0.12, 0.02, 0.06, 0.08)
    forward = forward + (p["cheekbone"] + 0.020) * bump(a, y, 0.42, -0.19, 0.16, 0.11)
    out = 0.6 * p["cheekbone"] * bump(a, y, 0.56, -0.14, 0.16, 0.14)
    full = p["cheek"] - 0.025 * old - 0.004
    forward = forward + full * bump(a, y, 0.36, -0.42, 0.17, 0.19)
    out = out + full * bump(a, y, 0.50, -0.50, 0.17, 0.22) - 0.02 * bump(a, y, 0.62, 0.22, 0.12, 0.16)
    forward = forward + 0.060 * grin * bump(a, y, 0.36, -0.27, 0.12, 0.11)
    out = out + 0.040 * grin * bump(a, y, 0.44, -0.40, 0.15, 0.16)
    return forward, out + 0.030 * old * bump(a, y, 0.36, -0.82, 0.14, 0.10)


def _muzzle(x: Tensor, y: Tensor, p: Values, mouth: Mouth) -> Tensor:
    """Nasolabial folds, philtrum, lips and chin: how far forward."""
    a, old, grin = x.abs(), ramp01(p["age"], 38, 80), max(p["smile"], 0.0)
    tip, wing = -p["nose_length"], p["nose_width"] * (1 + 0.10 * grin)
    forward = 0.045 * bump(a, y, 0, mouth.height + 0.02, 0.24, 0.17)
    fold = a - fold_line(y, p, wing, mouth)
    depth = 0.008 + 0.022 * old + 0.026 * grin
    within = smoothstep(y, mouth.height - 0.10, mouth.height + 0.06) * smoothstep(-y, -tip - 0.03, -tip + 0.05)
    forward = forward - depth * within * (bell(fold / 0.030) - 0.8 * bell((fold - 0.06) / 0.05))
    philtrum = bump(a, y, 0.034, mouth.height + 0.12, 0.018, 0.06) - bump(a, y, 0, mouth.height + 0.12, 0.018, 0.06)
    forward = forward + 0.006 * philtrum
    inner_top, inner_low = mouth.opening(x)
    outer_top, outer_low = mouth.outline(x)
    thick_u, thick_l = outer_top - inner_top, inner_low - outer_low
    fade = (1 - mouth.along(x) ** 3).clamp(min=0)
    upper = bell((y - inner_top - 0.45 * thick_u) / (0.75 * thick_u + 0.010))
    lower = bell((y - inner_low + 0.48 * thick_l) / (0.72 * thick_l + 0.010))
    forward = forward + fade * (
        0.034 * (0.5 + 10 * p["upper_lip"]) * upper + 0.040 * (0.5 + 8 * p["lower_lip"]) * lower
    )
    forward = forward - 0.016 * bell((y - mouth.line(x)) / 0.014) * (mouth.along(x) < 1.12)
    forward = forward - 0.018 * bump(a, y, mouth.width + 0.015, mouth.line(a * 0 + mouth.width), 0.035, 0.04)
    sulcus = mouth.height - 0.5 * mouth.gap - p["lower_lip"] - 0.055
    forward = forward - 0.030 * bump(a, y, 0, sulcus, 0.13, 0.036)
    chin = -0.90 - p["chin_length"]
    forward = forward + 0.035 * bump(a, y, 0, chin, p["chin_width"], 0.085)
    forward = forward - 0.035 * p["chin_cleft"] * bump(a, y, 0, chin, 0.026, 0.075)
    return forward - 0.04 * bump(a, y, 0.24, chin + 0.02, 0.09, 0.10) * (0.19 - p["chin_width"]) / 0.09


def _lid_relief(a: Tensor, y: Tensor, z: Tensor, surface: Tensor, p: Values, eye: Eye) -> Tensor:
    """How far lids that lie on the eyeball stand before the ``surface`` of the face so far, with fold and bag."""
    old, grin = ramp01(p["age"], 38, 80), max(p["smile"], 0.0)
    centre = eyeball_centre(p)
    over = (EYEBALL + LID) ** 2 - (a - p["eye_distance"]).square() - (y - centre[1]).square()
    ball = centre[2] + over.clamp_min(0).sqrt()
    top = eye.lids(a)[0]
    near = smoothstep(over, 0.0, 0.006) * (z > 0.3)
    forward = (ball - surface).clamp(min=0) * near
    fold_y = top + 0.020 + 0.016 * (1 - eye.along(a).square()).clamp(min=0)
    forward = forward - 0.014 * (0.4 + p["lid_crease"]) * bell((y - fold_y) / 0.012) * (eye.along(a).abs() < 1.15)
    bag = bump(a, y, p["eye_distance"], -0.105, 0.10, 0.022) - bump(a, y, p["eye_distance"], -0.145, 0.12, 0.022)
    return forward + (0.004 + 0.016 * old + 0.008 * grin) * bag


def fold_line(y: Tensor, p: Values, wing: float, mouth: Mouth) -> Tensor:
    """|x| of the nasolabial fold, from the wing of the nose to beside the corner of the mouth."""
    t = ((-p["nose_length"] - y) / (p["mouth_height"] - p["nose_length"])).clamp(-0.3, 1.4)
    return wing + 0.035 + (mouth.width + 0.055 - wing) * t.clamp(min=0) ** 1.2 + 0.04 * t.clamp(max=0)


def eyeball_centre(p: Values) -> tuple[float, float, float]:
    """The middle of the right eyeball of the image: behind the skull's surface by the socket's depth."""
    x = p["eye_distance"]
    wide = 0.68 * p["head_width"]
    surface = 0.81 * (1 - (x / wide) ** 2.35) ** (1 / 2.35)
    return x, -0.004, surface - 0.036 - 0.75 * p["eye_depth"] - EYEBALL


@dataclass(frozen=True)
class Head:
    """The head of a portrait in its own frame: rest places and points [ROWS, COLUMNS, 3], normals, hollows."""

    rest: Tensor
    points: Tensor
    normals: Tensor
    hollow: Tensor  # mean curvature below the surroundings, positive in creases, head units
    eye_shift: Tensor  # of the left and the right eye from their symmetric places [2, 3]
    eye: Eye
    mouth: Mouth

    @classmethod
    def build(cls, p: Values) -> Head:
        eye, mouth = Eye.of(p), Mouth.of(p)
        rest = skull(p)
        points = rest + face_relief(rest, p, eye, mouth) + asymmetry(rest, p, mouth)
        x, y, z = eyeball_centre(p)
        eye_shift = asymmetry(torch.tensor([[-x, y, z + EYEBALL], [x, y, z + EYEBALL]]), p, mouth)
        normals = grid_normals(points, wrap=True)
        hollow = ((blurred(points, 7) - points) * normals).sum(-1)
        return cls(rest, points, normals, hollow, eye_shift, eye, mouth)

    @property
    def faces(self) -> Tensor:
        return grid_faces(ROWS, COLUMNS, wrap=True)


def blurred(grid: Tensor, size: int) -> Tensor:
    """The mean of a grid [r, c, k] over ``size`` x ``size`` neighbours, wrapped around the columns."""
    half = size // 2
    x = torch.cat([grid[:, -half:], grid, grid[:, :half]], dim=1).permute(2, 0, 1)[None]
    x = F.avg_pool2d(F.pad(x, (0, 0, half, half), mode="replicate"), size, stride=1)
    return x[0].permute(1, 2, 0)


EAR_ROWS, EAR_COLUMNS = 15, 44  # from the middle of the ear to its rim, and around


def ear(p: Values, head: Head, side: float) -> tuple[Tensor, Tensor, Tensor]:
    """An ear on one ``side``: points [EAR_ROWS, EAR_COLUMNS, 3], normals and hollows.

    A disc in the plane of the ear, its outline that of an ear, with a relief of rim, inner ridge, bowl and lobe.
    """
    radius, turn = torch.meshgrid(
        torch.linspace(0, 1, EAR_ROWS), torch.arange(EAR_COLUMNS) / EAR_COLUMNS * 2 * math.pi, indexing="ij"
    )
    c, s = torch.cos(turn), torch.sin(turn)  # c backwards, s up
    outline = (
        1
        + 0.10 * s
        + 0.16 * c.clamp(min=0) * s.clamp(min=0)
        - 0.16 * (-c).clamp(min=0)
        - 0.10 * bump(turn, turn, 5.3, 5.3, 0.4, 9)
    )
    u, v = 0.165 * radius * c * outline, 0.275 * radius * s * outline
    lobe = smoothstep(-s, 0.45, 0.95)
    behind = smoothstep(c, -0.75, -0.25) * (1 - 0.9 * lobe)
    rim = bell((radius - 0.90) / 0.085) * (behind + 0.3 * lobe)
    groove = bell((radius - 0.74) / 0.09) * behind
    ridge = bell((radius - 0.56 - 0.06 * s) / 0.10) * behind
    bowl = bump(u, v, -0.02, -0.045, 0.065, 0.095)
    tragus = bump(u, v, -0.100, -0.03, 0.030, 0.045)
    relief = 0.030 * rim - 0.016 * groove + 0.020 * ridge - 0.055 * bowl + 0.035 * tragus
    relief = relief - 0.040 * smoothstep(radius, 0.93, 1.0)
    size = p["ear_size"] * (1 + 0.05 * (p["masculine"] - 0.5))
    flare = 0.30 + p["ear_angle"]  # the ear's plane against the side of the head
    lean = 0.16
    back, up = size * (u * math.cos(lean) - v * math.sin(lean)), size * (v * math.cos(lean) + u * math.sin(lean))
    back = back + 0.10 * size
    out = back * math.sin(flare) + relief * math.cos(flare)
    beside = (head.points[..., 1] + 0.12).square() + (head.points[..., 2] + 0.02).square()
    x0 = float(head.points[..., 0].flatten()[beside.argmin()].abs())
    points = torch.stack(
        [side * (x0 - 0.03 + out), up - 0.15, -0.03 - back * math.cos(flare) + relief * math.sin(flare)], -1
    )
    normals = grid_normals(points, wrap=True) * side
    normals = torch.cat([normals[1:2].mean(1, keepdim=True).expand(1, EAR_COLUMNS, 3), normals[1:]])
    return points, F.normalize(normals, dim=-1), 0.055 * bowl + 0.03 * groove - 0.02 * rim


def ear_faces() -> Tensor:
    return grid_faces(EAR_ROWS, EAR_COLUMNS, wrap=True)


def frame(head: Head, turn: Tensor, p: Values) -> tuple[Tensor, float]:
    """FFHQ's crop from the projected eyes and mouth: centre [2] and half side.

    half side = max(2.0 |eye to eye|, 1.8 |eye to mouth|), centre = eyes + 0.1 (mouth - eyes).
    """
    left, right, lips = project(landmarks(head, p) @ turn.T)
    eyes = (left + right) / 2
    down = lips - eyes
    return eyes + 0.1 * down, max(2.0 * float((right - left).norm()), 1.8 * float(down.norm()))


def landmarks(head: Head, p: Values) -> Tensor:
    """The two eyes and the mouth, points of the surface in the head's frame: [3, 3], the image's left eye first."""
    x, y, z = eyeball_centre(p)
    front = head.points[:, COLUMNS // 2]
    mouth = front[int((head.rest[:, COLUMNS // 2, 1] + p["mouth_height"]).abs().argmin())]
    eyes = torch.tensor([[-x, y, z + EYEBALL], [x, y, z + EYEBALL]]) + head.eye_shift
    return torch.cat([eyes, mouth[None]])
