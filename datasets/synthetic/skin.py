"""The colours of the head at (u, v): skin, hair, eyes, brows, lips, beard, glasses, and the marks of a person.

Every element is a soft-edged region painted over the previous one; ``soft`` is the width of an edge in uv, one pixel.
Arrays are [n, m] for n heads and m directions; colours are [n, m, 3] in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from datasets.synthetic.geometry import bump, hair_cover, smoothstep

Values = Mapping[str, Tensor]

SKIN = ((0.96, 0.80, 0.71), (0.88, 0.67, 0.53), (0.72, 0.50, 0.36), (0.52, 0.34, 0.24), (0.33, 0.21, 0.15))
HAIR = (
    (0.05, 0.04, 0.05),
    (0.13, 0.08, 0.06),
    (0.25, 0.15, 0.09),
    (0.40, 0.22, 0.11),
    (0.50, 0.24, 0.10),
    (0.78, 0.60, 0.34),
)
IRIS = ((0.25, 0.13, 0.06), (0.42, 0.27, 0.12), (0.35, 0.42, 0.20), (0.25, 0.45, 0.65), (0.45, 0.52, 0.56))


def ramp(stops: tuple[tuple[float, float, float], ...], t: Tensor) -> Tensor:
    """Piecewise linear colour at t in [0, 1]: [...] -> [..., 3]."""
    table = torch.tensor(stops)
    x = t.clamp(0, 1) * (len(stops) - 1)
    i = x.floor().long().clamp(max=len(stops) - 2)
    return torch.lerp(table[i], table[i + 1], (x - i)[..., None])


def hsv(hue: Tensor, saturation: Tensor | float, value: Tensor) -> Tensor:
    """[...] -> [..., 3]."""
    k = (torch.tensor([5.0, 3.0, 1.0]) + 6 * hue[..., None]) % 6
    s = torch.as_tensor(saturation)
    s = s[..., None] if s.ndim else s
    return value[..., None] * (1 - s * torch.minimum(k, 4 - k).clamp(0, 1))


def edge(x: Tensor, soft: Tensor | float) -> Tensor:
    """Coverage of x > 0, one pixel wide."""
    return (x / soft + 0.5).clamp(0, 1)


def over(base: Tensor, paint: Tensor, alpha: Tensor) -> Tensor:
    return torch.lerp(base, paint.expand_as(base), alpha[..., None])


def skin_colour(p: Values) -> Tensor:
    """[n, 1, 3]."""
    c = ramp(SKIN, p["skin_tone"])
    warm = p["skin_warmth"][..., None]
    return (c * (1 + warm * torch.tensor([-0.03, 0.02, -0.05]))).clamp(0, 1)


def hair_colour(p: Values) -> Tensor:
    """[n, 1, 3]; greys from 52 years on."""
    grey = 0.85 * ((p["age"] - 52) / 22).clamp(0, 1)
    return torch.lerp(
        ramp(HAIR, p["hair_hue"]), torch.tensor([0.72, 0.71, 0.70]).expand(*grey.shape, 3), grey[..., None]
    )


def mottle(u: Tensor, v: Tensor, p: Values) -> Tensor:
    """Freckles: a fixed pattern of spots that depends on the person (through the mole's place)."""
    a, b = 9 * p["mole_u"], 9 * p["mole_v"]
    spots = torch.sin(61 * u + 13 * torch.sin(17 * v + a) + a) * torch.sin(67 * v + 11 * torch.sin(19 * u + b) + b)
    return smoothstep(spots, 0.35, 0.75) * (
        bump(u.abs(), v, 0.17, -0.08, 0.16, 0.10) + 0.4 * bump(u, v, 0, 0.2, 0.3, 0.15)
    )


def paint(u: Tensor, v: Tensor, p: Values, soft: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Albedo [n, m, 3], gloss [n, m] and how much the pixel is hair [n, m]."""
    a, side = u.abs(), torch.sign(u)
    skin, hair = skin_colour(p), hair_colour(p)
    dark = skin * torch.tensor([0.55, 0.42, 0.40])
    old = ((p["age"] - 32) / 40).clamp(0, 1)
    eye, tip, mouth = p["eye_distance"], p["nose_length"], p["mouth_height"]
    smile, opened = p["smile"], p["mouth_open"]

    # skin: blush, shadows under the eyes, folds with age, freckles and moles
    c = skin.expand(*torch.broadcast_shapes(u.shape, p["age"].shape), 3)
    red = skin * torch.tensor([1.06, 0.86, 0.84])
    c = over(c, red, 0.55 * bump(a, v, 0.24, -0.13, 0.11, 0.08) + 0.5 * bump(u, v, 0, tip, 0.06, 0.04))
    c = over(c, dark, (0.16 + 0.18 * old) * bump(a, v, eye, -0.055, 0.06, 0.025))
    fold = a - (p["nose_width"] + 0.03 + 0.42 * (tip - v).clamp(min=0) + 0.02 * smile)
    within = smoothstep(v, mouth - 0.05, mouth + 0.02) * smoothstep(-v, -tip - 0.02, -tip + 0.03)
    c = over(c, dark, (0.10 + 0.45 * old + 0.25 * smile.clamp(min=0)) * torch.exp(-((fold / 0.013) ** 2)) * within)
    lines = torch.exp(-((torch.sin(70 * (v - 0.20) + 4 * u * u) - 1) ** 2) / 0.12) * bump(u, v, 0, 0.24, 0.22, 0.07)
    c = over(c, dark, 0.40 * old * lines)
    c = over(c, dark, 0.55 * p["freckles"] * mottle(u, v, p))
    for scale, du, dv in ((1.0, 0.0, 0.0), (0.8, 0.23, -0.17), (0.7, -0.27, 0.11)):
        r = torch.hypot(u - p["mole_u"] - du * (p["mole_u"].sign() * -1), v - p["mole_v"] - dv)
        present = (p["mole_size"] > 0.004).float()
        c = over(c, dark * 0.55, 0.9 * present * edge(scale * (p["mole_size"] + 0.006) - r, soft))

    # beard and moustache: stubble to full, on the lower face around the mouth
    face = smoothstep(-(v + 0.16 - 1.1 * (a - 0.25).clamp(min=0)), 0.0, 0.09) * smoothstep(a, 0.05, 0.16)
    below = smoothstep(-(v - mouth + 0.085), 0.0, 0.03)
    moustache = bump(a, v, 0.05, mouth + 0.040, 0.075, 0.016)
    grain = 0.85 + 0.15 * torch.sin(140 * u + 3 * torch.sin(90 * v)) * torch.sin(150 * v)
    growth = p["beard"] * smoothstep(p["masculine"], 0.45, 0.65)
    c = over(c, 0.8 * hair, (growth * grain * torch.maximum(torch.maximum(face, below), moustache)).clamp(0, 0.92))

    # mouth: lips around a line that a smile bends, teeth and dark inside when open
    w = p["mouth_width"] * (1 + 0.22 * smile.clamp(min=0) - 0.12 * opened)
    x = u / w
    lips = (1 - x.square()).clamp(min=0)
    line = mouth + (0.055 * smile) * (x.square() - 0.35)
    gap = 0.034 * opened * lips + 0.010 * (smile - 0.45).clamp(min=0) * lips
    upper = line + gap * 0.35 + p["upper_lip"] * lips.sqrt() * (1 - 0.25 * torch.exp(-((x / 0.18) ** 2)))
    lower = line - gap - p["lower_lip"] * lips.sqrt()
    inside_u, inside_l = line + 0.35 * gap, line - gap
    rouge = torch.lerp(
        skin * torch.tensor([0.92, 0.68, 0.66]), skin * torch.tensor([0.92, 0.48, 0.48]), p["lip_red"][..., None]
    )
    rouge = torch.lerp(rouge, torch.tensor([0.70, 0.10, 0.16]).expand_as(rouge), 0.75 * p["lipstick"][..., None])
    on_lips = edge(upper - v, soft) * edge(v - lower, soft) * edge(1 - x.abs(), soft / w)
    c = over(c, rouge, on_lips)
    c = over(c, rouge * 0.85, on_lips * edge(v - line, soft))
    in_mouth = (
        edge(inside_u - v, soft) * edge(v - inside_l, soft) * edge(1 - x.abs(), soft / w) * (gap / soft).clamp(0, 1)
    )
    teeth = edge(v - (inside_u - 0.030), soft)
    inner = over(torch.tensor([0.18, 0.05, 0.05]).expand_as(c), torch.tensor([0.93, 0.91, 0.86]), teeth)
    c = torch.lerp(c, inner, in_mouth[..., None])
    c = over(
        c,
        dark * 0.6,
        0.8 * torch.exp(-(((v - line) / (0.004 + 0.5 * soft)) ** 2)) * edge(1.04 - x.abs(), soft / w) * (1 - in_mouth),
    )

    # nostrils and the shadow under the nose
    c = over(c, dark * 0.45, 0.9 * bump(a, v, 0.55 * p["nose_width"], tip - 0.030, 0.016, 0.009))
    c = over(c, dark, 0.35 * bump(u, v, 0, tip - 0.036, p["nose_width"], 0.012))

    # eyes: an almond with a sclera, an iris that follows the gaze, lashes and a lid crease
    xe = (a - eye) / p["eye_width"]
    tilt = p["eye_slant"] * (a - eye)
    almond = (1 - xe.square()).clamp(min=0)
    h = p["eye_height"] * p["eye_open"] * (1 - 0.25 * smile.clamp(min=0))
    top, bottom = tilt + h * almond, tilt - 0.75 * h * almond.sqrt() * almond.sqrt()
    opening = edge(top - v, soft) * edge(v - bottom, soft) * edge(1 - xe.abs(), soft / p["eye_width"])
    gx = u - side * eye - p["gaze_x"] * 0.045
    gy = v - tilt - 0.002 - p["gaze_y"] * 0.025
    rho = torch.hypot(gx, gy)
    r_iris = 0.0285
    ball = torch.tensor([0.93, 0.92, 0.90]).expand_as(c) * (1 - 0.35 * xe.square().clamp(max=1))[..., None]
    iris = ramp(IRIS, p["iris_hue"]) * (0.75 + 0.5 * (rho / r_iris).clamp(max=1))[..., None]
    ball = torch.lerp(ball, iris.expand_as(ball), edge(r_iris - rho, soft)[..., None])
    ball = over(ball, torch.tensor([0.03, 0.03, 0.03]), edge(0.0125 - rho, soft))
    ball = over(ball, torch.tensor([1.0, 1.0, 1.0]), 0.9 * edge(0.0075 - torch.hypot(gx + 0.010, gy - 0.010), soft))
    ball = ball * (1 - 0.45 * smoothstep(v, top - 0.014, top))[..., None]
    c = torch.lerp(c, ball, opening[..., None])
    within = edge(1.08 - xe.abs(), soft / p["eye_width"])
    lash = torch.exp(-(((v - top) / (0.0055 + 0.4 * soft)) ** 2)) * within
    c = over(c, torch.tensor([0.08, 0.06, 0.05]), (0.85 - 0.25 * p["masculine"]) * lash)
    c = over(c, dark, 0.35 * torch.exp(-(((v - bottom) / (0.005 + 0.4 * soft)) ** 2)) * within)
    crease = top + 0.016 + 0.010 * almond
    c = over(c, dark, 0.55 * p["lid_crease"] * torch.exp(-(((v - crease) / (0.005 + 0.3 * soft)) ** 2)) * within)

    # brows
    xb = (a - eye - 0.005) / 0.092
    middle = p["brow_height"] + p["brow_raise"] + p["brow_arch"] * (1 - xb.square()) + p["brow_tilt"] * 0.06 * xb
    thick = (
        p["brow_thickness"]
        * (0.75 + 0.5 * p["masculine"])
        * (1 - 0.55 * ((xb + 0.2).clamp(min=0)))
        * (1 - (xb.abs() / 1.05) ** 6).clamp(min=0)
    )
    strands = 0.88 + 0.12 * torch.sin(210 * u + 60 * v)
    c = over(c, 0.75 * hair, 0.92 * strands * edge(thick - (v - middle).abs(), 0.010 + soft) * edge(1 - xb.abs(), 0.15))

    # hair, with streaks along the strands
    cover = hair_cover(u, v, p)
    angle = torch.atan2(u - 0.8 * p["parting"], v.clamp(min=-2) + 0.4)
    streak = 0.07 * torch.sin(55 * angle + 4 * torch.sin(7 * v)) + 0.06 * torch.sin(131 * angle + 3 * p["hair_hue"])
    streak = streak + 0.10 * p["hair_curl"] * torch.sin(30 * v + 6 * torch.sin(21 * u))
    c = torch.lerp(c, hair * (1 + streak)[..., None], cover[..., None])

    # glasses: rims and bridge in front of the eyes
    worn = smoothstep(p["glasses"], 0.02, 0.12)
    style = (p["glasses"] - 0.12).clamp(min=0)
    rx, ry = 0.098 + 0.02 * style, 0.066 + 0.035 * style
    ring = (((a - eye - 0.005).abs() / rx) ** 3 + ((v + 0.008).abs() / ry) ** 3 + 1e-9) ** (1 / 3)
    rim = edge(0.0075 + 0.5 * soft - (ring - 1).abs() * ry, soft)
    bridge = edge(0.007 + 0.3 * soft - (v - 0.025).abs(), soft) * edge(eye - rx + 0.01 - a, soft)
    arm = (
        edge(0.008 + 0.3 * soft - (v - 0.03).abs(), soft)
        * smoothstep(a, eye + rx, eye + rx + 0.02)
        * edge(0.95 - a, soft)
    )
    frame = torch.maximum(torch.maximum(rim, bridge), arm) * worn
    c = over(c, hsv(p["glasses"] * 3 % 1, 0.5, 0.10 + 0.15 * p["glasses"]), frame)

    gloss = (0.24 * (1 - 0.5 * cover) + 0.5 * on_lips * p["lipstick"] + 0.9 * opening) * (1 - 0.6 * growth * below)
    return c.clamp(0, 1), gloss, cover
