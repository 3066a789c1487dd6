"""What is painted on the head at its rest places: skin, its marks, lips, lids, brows, stubble; and the mouth inside.

Colours are linear reflectances. Every element is a soft-edged region painted over the previous one, at least a pixel
soft. Arrays are [m] for m samples, colours [m, 3].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from datasets.synthetic import marks
from datasets.synthetic.geometry import Eye, Head, Mouth, bell, bump, fold_line, ramp01, smoothstep
from datasets.synthetic.hair import WHITE, beard_cover, brow_place, forelock, growth, hair_colour, length, scalp_cover
from datasets.synthetic.noise import edge, noise, over
from datasets.synthetic.scene import Scene

Values = Mapping[str, float]

# Absorption: skin without pigment, per unit of melanin, per unit of blood (red, green, blue)
PALE, MELANIN, BLOOD = (0.54, 0.99, 1.30), (1.75, 2.10, 2.38), (0.07, 0.42, 0.34)
MOLES = ((1.0, 0.0, 0.0, 1.0), (-0.5, 0.15, -0.30, 0.75), (-0.7, -0.12, -0.1, 0.65))  # share of place, shift, size


def skin_colour(p: Values, melanin: Tensor | float = 0.0, blood: Tensor | float = 0.0) -> Tensor:
    """Reflectance of the person's skin with more or less pigment: [3], or [m, 3] where a tensor [m] is given."""
    m = torch.as_tensor(p["skin_tone"] ** 1.4 + melanin)[..., None]
    b = torch.as_tensor(0.25 * p["skin_warmth"] + blood)[..., None]
    absorbed = torch.tensor(PALE) + torch.tensor(MELANIN) * m + torch.tensor(BLOOD) * b
    return torch.exp(-absorbed)


def make_up(p: Values, kind: str) -> float:
    """How much of a kind of make-up is worn, 0 to 1: the feminine wear it."""
    return p[kind] * (1 - ramp01(p["masculine"], 0.35, 0.55))


@dataclass(frozen=True)
class Face:
    """The samples of a face that its shaders are given: rest places x, y, |x|, 1 in front [m], and the parameters."""

    x: Tensor
    y: Tensor
    a: Tensor
    front: Tensor
    eye: Eye
    mouth: Mouth
    pixel: float
    p: Values
    pale: float  # 1 to 0.4 from light to dark
    dark: Tensor  # the skin's colour in creases [3]


def paint(rest: Tensor, head: Head, pixel: float, p: Values) -> tuple[Tensor, Tensor]:
    """Reflectance [m, 3] and gloss [m] of the skin at rest places [m, 3]."""
    x, y, z = rest.unbind(-1)
    front = smoothstep(z, 0.05, 0.35)
    pale, dark = 1 - 0.6 * p["skin_tone"], skin_colour(p, 0.30, 0.8)
    face = Face(x, y, x.abs(), front, head.eye, head.mouth, pixel, p, pale, dark)
    colour = _complexion(face)
    gloss = 1 + 0.5 * bump(face.a, y, 0, -p["nose_length"], 0.09, 0.12) + 0.25 * bump(face.a, y, 0, 0.45, 0.30, 0.18)
    gloss = gloss - 0.35 * bump(face.a, y, 0.45, -0.4, 0.2, 0.3)
    colour = _creases(face, colour)
    colour, hairy = _short_hair(face, rest, colour)
    if p["scar_size"] > 0:
        ridge, beside = (part * front for part in marks.scar(x, y, pixel, p))
        pale_scar, red_scar = 0.12 + 0.8 * skin_colour(p, -0.3 * p["skin_tone"], 0.2), skin_colour(p, 0.30, 1.9)
        colour = over(colour, red_scar, 0.55 * beside)
        colour = over(colour, torch.lerp(pale_scar, red_scar, 0.5 + 0.5 * p["scar_tone"]), ridge)
        gloss = gloss + 0.8 * ridge
    colour, gloss = _lips(face, colour, gloss)
    colour, gloss = _lids(face, colour, gloss)
    return _nostrils(face, colour), gloss * (1 - 0.8 * hairy)


def _complexion(f: Face) -> Tensor:
    """Pigment: flushed cheeks, nose and chin, shadows under the eyes, blotches, pores, freckles and moles."""
    x, y, a, front, pixel, p, ex = f.x, f.y, f.a, f.front, f.pixel, f.p, f.p["eye_distance"]
    tip, wing, old = -p["nose_length"], p["nose_width"], ramp01(p["age"], 28, 75)
    seed_u, seed_v = 40 * p["mole_x"], 40 * p["mole_y"]  # a pattern of one's own
    blood = 0.38 * bump(a, y, 0.40, -0.28, 0.22, 0.20) + 0.60 * bump(a, y, 0, tip - 0.01, 0.12, 0.08)
    blood = blood + 0.30 * bump(a, y, wing + 0.02, tip - 0.02, 0.05, 0.06) + 0.30 * bump(a, y, 0, -0.88, 0.14, 0.10)
    blood = blood + 0.25 * bump(a, y, ex, -0.09, 0.13, 0.04)
    blood = blood * front * (0.8 + 0.4 * f.pale) + 0.16 * noise(5 * x + seed_u, 5 * y + seed_v)
    blood = blood + 0.65 * make_up(p, "blush") * bump(a, y, 0.44, -0.26, 0.15, 0.13) * front
    melanin = (0.10 + 0.08 * old) * bump(a, y, ex - 0.02, -0.125, 0.12, 0.045) * front
    melanin = melanin + 0.015 * bump(a, y, ex, 0.10, 0.14, 0.05) * front - 0.02 * bump(a, y, 0.1, 0.45, 0.3, 0.2)
    melanin = melanin + 0.022 * noise(11 * x + seed_v, 11 * y, 11 * pixel)
    melanin = melanin + 0.030 * noise(70 * x, 70 * y + seed_u, 70 * pixel) + 0.02 * noise(160 * x, 160 * y, 160 * pixel)
    if p["freckles"] > 0:
        where = bump(a, y, 0.24, -0.20, 0.30, 0.20) + 0.5 * bump(a, y, 0, 0.40, 0.45, 0.25)
        spots = smoothstep(noise(34 * x + seed_u, 34 * y + seed_v), 0.40, 0.75)
        spots = spots + smoothstep(noise(57 * x + seed_v, 57 * y + seed_u), 0.55, 0.85)
        melanin = melanin + 0.28 * p["freckles"] * spots * where * front
    if old > 0:
        spots = smoothstep(noise(14 * x + seed_v, 14 * y + seed_u), 0.45, 0.8)
        melanin = melanin + 0.10 * max(old - 0.5, 0) * spots
        blood = blood + 0.25 * old * noise(8 * x, 8 * y + seed_u)
    if p["stain_size"] > 0:
        stain = marks.stain(x, y, p) * front
        melanin = melanin + (0.12 + 0.55 * p["stain_hue"]) * stain
        blood = blood + 2.6 * (1 - p["stain_hue"]) * stain
    if p["vitiligo"] > 0:
        melanin = melanin - 0.85 * p["skin_tone"] ** 1.4 * marks.patches(x, y, p)
    colour = skin_colour(p, melanin, blood)
    if p["spot_size"] > 0:
        colour = over(colour, skin_colour(p, 0.8, 0.5), 0.92 * marks.spot(x, y, pixel, p) * front)
    if p["mole_size"] > 0.003:
        for share, dx, dy, size in MOLES:
            r = torch.hypot(x - share * p["mole_x"] - dx, y - share * p["mole_y"] - dy)
            spot = edge(size * (p["mole_size"] + 0.006) - r, 0.010 + pixel)
            colour = over(colour, skin_colour(p, 0.75, 0.4), 0.85 * spot * front)
    return colour


def _creases(f: Face, colour: Tensor) -> Tensor:
    """Lines of age and expression: forehead, between the brows, crow's feet, beside the mouth."""
    x, y, a, p, eye, mouth, ex = f.x, f.y, f.a, f.p, f.eye, f.mouth, f.p["eye_distance"]
    tip, wing, grin, old = -p["nose_length"], p["nose_width"], max(p["smile"], 0.0), ramp01(p["age"], 28, 75)
    seed_u = 40 * p["mole_x"]
    fold = a - fold_line(y, p, wing, mouth)
    within = smoothstep(y, mouth.height - 0.08, mouth.height + 0.06) * smoothstep(-y, -tip - 0.03, -tip + 0.05)
    crease = (0.06 + 0.38 * old + 0.22 * grin) * bell(fold / 0.016) * within
    if old > 0.05:
        wave = y + 0.035 * torch.cos(5 * x) + 0.012 * noise(6 * x, 3 * y + seed_u)
        lines = bell((torch.sin(52 * (wave - 0.40)) - 1) / 0.38)
        crease = crease + old * 0.55 * lines * bump(a, y, 0, 0.47, 0.36, 0.13) * (0.7 + 10 * max(p["brow_raise"], 0))
        angle = torch.atan2(y - 0.005, a - ex - eye.width)
        crow = bell((torch.sin(9.0 * angle + 1.2) - 1) / 0.45) * bump(a, y, ex + 0.20, 0.0, 0.055, 0.085)
        crease = crease + (0.42 * old + 0.25 * grin * old) * crow
        crease = crease + 0.35 * old * bell((y + 0.085 + 0.35 * (a - ex) ** 2 * 9) / 0.010) * edge(
            0.13 - (a - ex).abs(), 0.05
        )
        marionette = bell((a - mouth.width - 0.03 - 0.12 * (mouth.height - y)) / 0.014)
        crease = crease + 0.30 * old**2 * marionette * smoothstep(-y, -mouth.height, -mouth.height + 0.05) * smoothstep(
            y, mouth.height - 0.22, mouth.height - 0.1
        )
    frown = bell((a - 0.045 + 0.10 * (0.2 - y)) / 0.010) * bump(a, y, 0.05, 0.19, 0.08, 0.06)
    crease = crease + (0.25 * old + 0.55 * p["brow_knit"]) * frown
    if p["dimples"] * grin > 0:
        crease = crease + 0.75 * p["dimples"] * grin * bump(
            a, y, mouth.width + 0.095, mouth.height + 0.055, 0.020 + 0.3 * f.pixel, 0.060
        )
    return over(colour, f.dark, (crease * f.front).clamp(0, 0.8))


def _short_hair(f: Face, rest: Tensor, colour: Tensor) -> tuple[Tensor, Tensor]:
    """Hair that is too short for strands, the ground under strands, and brows; and where there is hair [m]."""
    x, y, pixel, p, man = f.x, f.y, f.pixel, f.p, f.p["masculine"]
    hair = hair_colour(p)
    grain = 0.78 + 0.30 * noise(90 * x, 60 * y, 60 * pixel) + 0.2 * noise(45 * x, 30 * y)
    shaved = beard_cover(rest, p) * growth(p) ** 0.7
    shadow_of_shave = 0.16 * max(man - 0.45, 0) * beard_cover(rest, p) * (1 - 0.5 * ramp01(p["skin_tone"], 0.4, 1))
    stubble = (shadow_of_shave + (1.5 * shaved * grain).clamp(max=0.72 + 0.22 * growth(p))).clamp(0, 0.94)
    colour = over(colour, hair * 0.9 + 0.1 * skin_colour(p), stubble)
    scalp = scalp_cover(rest, p)
    ground = hair * 0.75
    if p["forelock"] > 0:
        ground = torch.lerp(ground.expand_as(rest), torch.tensor(WHITE) * 0.75, forelock(rest, p)[:, None])
    rooted = (scalp * (0.86 + 0.14 * grain) * (0.35 + 0.65 * ramp01(length(p), 0, 0.04))).clamp(0, 0.93)
    colour = over(colour, ground, rooted)
    along, across, thick = brow_place(x, y, p)
    strokes = 0.95 + 0.45 * noise(60 * along + 14 * across, 2.6 * across + 9 * along, 60 * pixel * 2)
    body = edge(1.05 - across.abs(), 0.75 + pixel / thick) * edge(along, 0.16) * edge(1 - along, 0.22)
    brow = (body * strokes * (0.72 + 0.28 * man)).clamp(0, 1) * f.front
    if p["brow_join"] > 0:
        between = bump(x, y, 0, 0.95 * p["brow_height"] + 0.8 * p["brow_raise"] - 0.02, 0.13, 0.032 + 0.4 * pixel)
        brow = torch.maximum(brow, 0.85 * p["brow_join"] * between * grain * f.front).clamp(0, 1)
    colour = over(colour, 0.55 * hair + 0.02 * skin_colour(p), 0.95 * brow)
    return colour, torch.maximum(torch.maximum(scalp, stubble), brow)


def _lips(f: Face, colour: Tensor, gloss: Tensor) -> tuple[Tensor, Tensor]:
    """Lips with or without lipstick, and the dark seam between them."""
    x, y, a, front, pixel, p, mouth, lipstick = f.x, f.y, f.a, f.front, f.pixel, f.p, f.mouth, make_up(f.p, "lipstick")
    outer_top, outer_low = mouth.outline(x)
    soft = 0.012 + pixel
    on_lips = edge(outer_top - y, soft) * edge(y - outer_low, soft) * edge(1.02 * mouth.width - a, 0.02 + pixel) * front
    rosy = skin_colour(p, 0.13, 1.25 + 1.1 * p["lip_red"] * f.pale)
    made_up = torch.lerp(rosy, torch.tensor([0.42, 0.030, 0.050]) * (0.45 + 0.55 * f.pale), 0.80 * lipstick)
    lip = made_up * (1 + 0.10 * noise(60 * x, 9 * y, 60 * pixel))[:, None]
    lip = torch.where((y > mouth.line(x))[:, None], 0.82 * lip, lip)
    colour = over(colour, lip, (0.75 + 0.15 * p["lip_red"] + 0.1 * lipstick) * on_lips)
    seam = bell((y - mouth.line(x)) / (0.007 + 0.35 * pixel)) * edge(1.10 * mouth.width - a, 0.05) * front
    colour = over(colour, 0.16 * f.dark, 0.85 * seam * (0.012 / (0.012 + 0.35 * pixel)) ** 0.5)
    return colour, (gloss + on_lips * (0.9 + 1.6 * lipstick)) * (1 - 0.8 * seam)


def _lids(f: Face, colour: Tensor, gloss: Tensor) -> tuple[Tensor, Tensor]:
    """The fold of the upper lid, eye shadow, and lashes as dark lines along both lids."""
    y, a, front, pixel, p, eye, man = f.y, f.a, f.front, f.pixel, f.p, f.eye, f.p["masculine"]
    eye_shadow = make_up(p, "eye_shadow")
    top, bottom = eye.lids(a)
    s = eye.along(a)
    lidded = edge(1.12 - s.abs(), 0.16)
    above = smoothstep(y, top - 0.01, top + 0.005) * (1 - smoothstep(y, top + 0.035, top + 0.115)) * lidded * front
    if eye_shadow > 0:
        tint = torch.lerp(f.dark, torch.tensor([0.10, 0.055, 0.06]) * (0.4 + f.pale), 0.7)
        colour = over(colour, tint, 0.75 * eye_shadow * above)
    fold_y = top + 0.020 + 0.016 * (1 - s.square()).clamp(min=0)
    crease = bell((y - fold_y) / (0.008 + 0.25 * pixel)) * lidded * front
    colour = over(colour, 0.55 * f.dark, (0.28 + 0.45 * p["lid_crease"]) * crease)
    lash = (0.012 + 0.008 * eye_shadow + 0.006 * (1 - man)) * (0.75 + 0.45 * (s + 1) / 2)
    wing_out = edge(1.10 + 0.10 * eye_shadow - s.abs(), 0.10)
    line = bell((y - top - 0.25 * lash - 0.02 * (s - 0.9).clamp(min=0)) / (lash + 0.25 * pixel)) * wing_out * front
    colour = over(colour, torch.tensor([0.010, 0.008, 0.007]), (0.90 + 0.1 * eye_shadow) * line)
    lower = bell((y - bottom + 0.004) / (0.007 + 0.3 * pixel)) * lidded * front
    colour = over(colour, f.dark * 0.45, (0.35 + 0.40 * eye_shadow) * lower)
    return colour, gloss * (1 - 0.95 * line)


def _nostrils(f: Face, colour: Tensor) -> Tensor:
    """Nostrils, and the crease around the wings."""
    y, a, front, p, tip, wing = f.y, f.a, f.front, f.p, -f.p["nose_length"], f.p["nose_width"]
    round_wing = torch.hypot((a - wing + 0.030) / 0.052, (y - tip + 0.030) / 0.060)
    around = bell((round_wing - 1) / 0.17) * smoothstep(a, wing - 0.02, wing + 0.015) * front
    colour = over(colour, f.dark, 0.34 * around)
    hole = bump(a, y, 0.50 * wing, tip - 0.080 + 0.25 * p["nose_tip"] + 0.10 * (a - 0.5 * wing), 0.030, 0.015)
    return over(colour, 0.10 * f.dark, (1.25 * smoothstep(hole, 0.18, 0.80)).clamp(max=0.80) * front)


def eye_opening(rest: Tensor, head: Head, pixel: float) -> Tensor:
    """Coverage [m] of the space between the lids."""
    a, y = rest[:, 0].abs(), rest[:, 1]
    top, bottom = head.eye.lids(a)
    inside = torch.minimum(top - y, y - bottom)
    return edge(inside, 0.6 * pixel) * (head.eye.along(a).abs() < 1) * (rest[:, 2] > 0.3)


def mouth_opening(rest: Tensor, head: Head, pixel: float) -> Tensor:
    """Coverage [m] of the space between the lips."""
    x, y = rest[:, 0], rest[:, 1]
    top, bottom = head.mouth.opening(x)
    inside = torch.minimum(top - y, y - bottom)
    return edge(inside - 0.003, 0.006 + 0.6 * pixel) * (head.mouth.along(x) < 1) * (rest[:, 2] > 0.3)


def shade_mouth(rest: Tensor, xy: Tensor, shadow: Tensor, scene: Scene, pixel: float) -> Tensor:
    """Light [m, 3] from teeth, tongue and the dark behind them, a little deeper than the lips."""
    p, turn, light, mouth = scene.p, scene.pose.head, scene.light, scene.head.mouth
    x, y = rest[:, 0], rest[:, 1]
    deep = 0.06
    view = turn.T @ torch.tensor([0.0, 0.0, 1.0])
    u, v = x - deep * view[0] / view[2], y - deep * view[1] / view[2]
    top, bottom = mouth.opening(x)
    middle, _ = mouth.opening(torch.zeros_like(x))
    edge_y = (
        middle
        - 0.024
        - 0.044 * max(p["smile"], 0.0)
        - 0.030 * mouth.gums
        - 0.25 * u.square()
        + 0.55 * (mouth.line(x) - mouth.line(torch.zeros_like(x)))
    )
    width = 0.055
    tooth = (u.abs() / width) % 1
    gaps = bell(((tooth - 0.5).abs() - 0.5) / (0.05 + 0.35 * pixel / width))
    round_edge = 0.005 * (2 * tooth - 1) ** 2
    bite = edge(v - edge_y - round_edge, 0.008 + pixel)
    arch = (1 - (u.abs() / (1.05 * mouth.width)) ** 2.5).clamp(min=0.05)
    enamel = torch.tensor([0.70, 0.65, 0.56]) * (arch * (1 - 0.28 * gaps))[:, None]
    tongue = smoothstep(-(v - bottom), -0.075, -0.02) * edge(0.6 * mouth.width - u.abs(), 0.06)
    inner = over(torch.tensor([0.030, 0.008, 0.007]).expand(len(x), 3), torch.tensor([0.26, 0.075, 0.07]), 0.7 * tongue)
    colour = over(inner, enamel, bite)
    if mouth.gums > 0:
        colour = over(colour, torch.tensor([0.40, 0.145, 0.13]), edge(v - edge_y - 0.052 + round_edge, 0.010 + pixel))
    shade = (
        1 - 0.65 * torch.exp(-((top - y) / 0.020).clamp(min=0)) - 0.15 * torch.exp(-((y - bottom) / 0.02).clamp(min=0))
    )
    normal = (
        torch.stack([torch.sin(1.6 * u / mouth.width), torch.zeros_like(u), torch.cos(1.6 * u / mouth.width)], -1)
        @ turn.T
    )
    lit = light.irradiance(normal, 0.3 + 0.7 * shadow, shade, (0.4, 0.4, 0.4))
    return colour * lit * shade[:, None] * 0.80
