"""Hair, beard and brows: where they grow, their colour, and their strands as polylines that flow over the head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.synthetic.geometry import COLUMNS, ROWS, Head, bell, ramp01, skull, smoothstep
from datasets.synthetic.light import Light
from datasets.synthetic.noise import noise, ramp

Values = Mapping[str, float]

COLOURS = (
    (0.010, 0.008, 0.008),
    (0.022, 0.013, 0.009),
    (0.050, 0.026, 0.014),
    (0.105, 0.048, 0.020),
    (0.170, 0.062, 0.022),
    (0.230, 0.135, 0.062),
    (0.420, 0.290, 0.150),
)
GREY = (0.38, 0.37, 0.36)
WHITE = (0.56, 0.54, 0.51)  # of a lock
ROOTS = 2200  # places on the scalp where a strand may grow, the same on every head
BEARD_ROOTS = 2600
SEGMENTS = (6, 15)  # points of a strand, from the shortest hair to the longest
BEARD_SEGMENTS = 4
SHAVED = 0.012  # the length below which a head shows no strands


def hair_colour(p: Values) -> Tensor:
    """[3]; dark on dark skin; greys from 36 years on, white at 70."""
    own = ramp(COLOURS, p["hair_hue"] * (1 - 0.80 * ramp01(p["skin_tone"], 0.30, 0.70)))
    return torch.lerp(own**0.45, torch.tensor(GREY) ** 0.45, 0.95 * ramp01(p["age"], 36, 70) ** 1.5) ** (1 / 0.45)


def length(p: Values) -> float:
    """How long the hair is worn, 0 to 1: long hair is rarer among the masculine."""
    return p["hair_length"] ** (0.40 + 2.0 * p["masculine"] ** 1.5)


def growth(p: Values) -> float:
    """How much beard there is, 0 to 1."""
    return p["beard"] * ramp01(p["masculine"], 0.50, 0.68)


def _curve(t: Tensor, knots: tuple[tuple[float, float], ...]) -> Tensor:
    """A smooth curve through (t, value) knots, flat beyond the ends."""
    out = torch.full_like(t, knots[0][1])
    for (t0, v0), (t1, v1) in pairwise(knots):
        out = out + (v1 - v0) * smoothstep(t, t0, t1)
    return out


def hairline(rest: Tensor, p: Values) -> Tensor:
    """How far above the edge of the hair a rest place [..., 3] lies, head units, negative on the face."""
    x, y, z = rest.unbind(-1)
    theta = torch.atan2(x.abs(), z + 0.05) * (180 / math.pi)
    loss = p["balding"] * ramp01(p["masculine"], 0.45, 0.85) * ramp01(p["age"], 26, 62)
    top = p["hairline"] + 0.14 * loss
    temple = top - 0.10 + 0.26 * loss
    line = _curve(
        theta,
        ((0, top), (22, top + 0.01), (31, temple), (44, 0.38 + 0.1 * loss), (52, 0.20), (58, -0.08), (70, -0.16),
         (80, 0.06), (98, 0.06), (114, -0.42), (130, -0.62), (170, -0.68)),
    )  # fmt: skip
    peak = (p["widow_peak"] - 0.02) * bell(theta / 9)
    ragged = 0.020 * noise(9 * x, 9 * y + 3 * z) + 0.012 * noise(26 * x, 26 * y + 9 * z)
    above = y - line + peak + ragged
    if p["hairline_skew"]:
        above = above - p["hairline_skew"] * torch.tanh(5 * x) * smoothstep(y, 0.30, 0.50)
    bald = max(loss - 0.45, 0.0) / 0.55  # the crown thins, from the front to the back
    return torch.where(y > 0.5, torch.minimum(above, above + 2.4 * bald * (0.62 - y) - 0.35 * bald), above)


def forelock(place: Tensor, p: Values) -> Tensor:
    """1 where hair that grows at places [m, 3] is white: a lock over the forehead."""
    x, y, z = place.unbind(-1)
    wide = 0.05 + 0.13 * p["forelock"]
    return smoothstep(-(x - p["forelock_place"]).abs(), -wide - 0.02, -wide + 0.02) * (z > 0.05) * (y > 0.3)


def scalp_cover(rest: Tensor, p: Values) -> Tensor:
    """1 where the scalp grows hair, 0 on the face, with a soft hairline."""
    return smoothstep(hairline(rest, p), -0.025, 0.065)


def beard_cover(rest: Tensor, p: Values) -> Tensor:
    """1 where a beard may grow: jaw, chin, upper lip, and down to the throat."""
    x, y, z = rest.unbind(-1)
    a = x.abs()
    mouth = -p["mouth_height"]
    edge = _curve(
        a,
        (
            (0.0, mouth - 0.115),
            (0.10, mouth - 0.10),
            (0.24, mouth + 0.02),
            (0.40, mouth + 0.08),
            (0.50, mouth + 0.22),
            (0.60, mouth + 0.56),
        ),
    )
    soft = 0.020 * noise(14 * x, 14 * y)
    cheeks = smoothstep(edge - y + soft, -0.02, 0.06) * smoothstep(z, -0.02, 0.12) * smoothstep(y, -1.16, -1.02)
    nose = mouth + 0.5 * (p["mouth_height"] - p["nose_length"])
    moustache = (
        smoothstep(0.27 - a, 0.0, 0.06)
        * smoothstep(nose - 0.2 * a - y, -0.02, 0.03)
        * smoothstep(y, mouth + 0.02 - 0.6 * a, mouth + 0.05 - 0.6 * a)
    )
    goatee = (
        smoothstep(0.055 - a, 0, 0.02)
        * smoothstep(mouth - 0.085 - y, 0, 0.02)
        * smoothstep(y, mouth - 0.2, mouth - 0.15)
    )
    side = (
        smoothstep(a, 0.215, 0.25)
        * smoothstep(0.34 - a, 0, 0.05)
        * smoothstep(mouth + 0.12 - y, 0, 0.05)
        * smoothstep(y, mouth - 0.25, mouth - 0.15)
    )
    return torch.maximum(torch.maximum(cheeks, moustache * (z > 0.4)), torch.maximum(goatee, side) * (z > 0.4))


def brow_place(x: Tensor, y: Tensor, p: Values) -> tuple[Tensor, Tensor, Tensor]:
    """Where rest places lie in an eyebrow: along it in [0, 1] from the inner end, across in [-1, 1], half thickness."""
    a = x.abs()
    start, end = p["eye_distance"] - 0.165, p["eye_distance"] + 0.175
    t = (a - start) / (end - start)
    c = t.clamp(0, 1)
    height = 0.95 * p["brow_height"] + 0.8 * p["brow_raise"] - 0.035 * p["brow_knit"] * (1 - c) ** 2 + 0.012 * (1 - c)
    middle = height + (p["brow_arch"] + 0.012) * torch.sin(math.pi * c**1.5) + p["brow_tilt"] * (c - 0.3) - 0.03 * c**3
    thick = (
        p["brow_thickness"]
        * (0.72 + 0.45 * p["masculine"])
        * (1.05 - 0.62 * c**1.6)
        * (0.72 + 0.28 * smoothstep(c, 0, 0.2))
    )
    return t, (y - middle) / thick, thick


@dataclass(frozen=True)
class Strands:
    """Polylines [k, s, 3] in the head's frame with half widths [k, s], a random number and a depth in the hair [k]."""

    lines: Tensor
    width: Tensor
    chance: Tensor
    depth: Tensor  # 0 at the skin, 1 at the outside
    colour: Tensor  # [3], or [k, 1, 3] where strands differ


@lru_cache(maxsize=8)
def _roots(kind: str, count: int) -> tuple[Tensor, Tensor]:
    """Grid places [count, 2] (row, column), even over an average head's surface, and random numbers [count, 4]."""
    average = {
        "head_width": 1.0,
        "head_depth": 1.0,
        "neck_width": 1.0,
        "masculine": 0.5,
        "age": 30.0,
        "mouth_height": 0.585,
    }
    surface = skull(
        {**dict.fromkeys(("jaw_taper", "jaw_corner", "chin_forward", "chin_length", "forehead"), 0.0), **average}
    )
    down, across = surface.diff(dim=0)[:, :-1], surface.diff(dim=1)[:-1]
    area = torch.linalg.cross(down, across).norm(dim=-1)
    y, z = surface[:-1, :-1, 1:].unbind(-1)
    scalp = (y > -0.75 + 1.2 * smoothstep(z, -0.1, 0.55)) & ~((z > 0.48) & (y < 0.35))
    area = area * (scalp if kind == "scalp" else (y < -0.05) & (y > -1.2) & (z > -0.05)).float()
    total = area.flatten().cumsum(0)
    generator = torch.Generator().manual_seed(5)
    chance = torch.rand(count, 6, generator=generator)
    cell = torch.searchsorted(total, (torch.arange(count) + chance[:, 4]) / count * total[-1]).clamp(
        max=area.numel() - 1
    )
    place = torch.stack([cell // area.shape[1], cell % area.shape[1]], 1) + chance[:, 4:6]
    return place, chance[:, :4]


def _on_grid(grid: Tensor, place: Tensor) -> Tensor:
    """Bilinear samples [k, c] of a grid [ROWS, COLUMNS, c] at fractional places [k, 2]."""
    i, j = place.floor().long().unbind(-1)
    i, j = i.clamp(0, ROWS - 2), j.clamp(0, COLUMNS - 2)
    t = place - torch.stack([i, j], 1)
    u, v = t[:, :1], t[:, 1:]
    return (1 - u) * ((1 - v) * grid[i, j] + v * grid[i, j + 1]) + u * (
        (1 - v) * grid[i + 1, j] + v * grid[i + 1, j + 1]
    )


def scalp_strands(head: Head, p: Values) -> Strands | None:
    """The hair of the head: every strand leaves its root and is led by comb, gravity and curl around the head."""
    place, chance = _roots("scalp", ROOTS)
    keep = scalp_cover(_on_grid(head.rest, place), p) > 0.15 + 0.8 * chance[:, 0]
    place, chance = place[keep], chance[keep]
    if not len(place) or length(p) < SHAVED:
        return None
    root, normal = _on_grid(head.points, place), F.normalize(_on_grid(head.normals, place), dim=-1)
    worn, curl, volume, tied = (
        length(p),
        p["hair_curl"],
        p["hair_volume"],
        ramp01(p["hair_tied"], 0.0, 0.25) * (length(p) > 0.35),
    )
    coiled = ramp01(curl, 0.68, 0.92)
    x, y, z = root.unbind(-1)
    c1, c2, c3 = chance[:, 1], chance[:, 2], chance[:, 3]

    # the comb: away from the parting to the sides, and to the front or to the back
    parted = torch.tanh((x - p["parting"] * smoothstep(z, -0.6, 0.2)) / 0.07)
    forward = (0.55 - 1.9 * p["hair_sweep"] ** 0.8) * smoothstep(z, -0.5, 0.3) * smoothstep(y, 0.35, 0.7)
    lateral = parted * (1.0 - 0.45 * p["hair_sweep"]) * smoothstep(y, 0.2, 0.8)
    comb = torch.stack([lateral, -0.25 - 0.9 * smoothstep(-y, -0.55, 0.1), forward], -1)
    short = 1 - ramp01(worn, 0.10, 0.30)
    crop = torch.stack([0.3 * parted, 0.10 - smoothstep(-y, -0.5, 0.0), 0.6 - 1.2 * p["hair_sweep"] + 0 * x], -1)
    comb = torch.lerp(comb, crop, 0.8 * short)
    total = (0.05 + 0.45 * worn + 1.9 * worn**2.2) * (0.80 + 0.35 * c1)
    total = total * (1 - 0.55 * smoothstep(-y, -0.35, 0.15) * (1 - ramp01(worn, 0.25, 0.5)))  # short sides

    total = total * (1 - 0.6 * short * smoothstep(-y, 0.0, 0.25))
    total = total * (1 - coiled) + coiled * total.clamp(max=0.06 + 0.20 * worn + 0.8 * volume)
    fringe = (
        (z > 0.28) & (x.abs() < 0.50) & (c2 < 0.4 + 1.2 * p["fringe"])
        if p["fringe"] > 0 and not tied
        else torch.zeros_like(z, dtype=torch.bool)
    )
    falls = torch.stack(
        [
            0.9 * (x - 0.6 * p["parting"]) + 0.5 * torch.sign(torch.tensor(p["parting"])) * (x.abs() < 0.4),
            -0.55 + 0 * x,
            1.1 + 0 * x,
        ],
        -1,
    )
    comb = torch.where(fringe[:, None], falls, comb)
    reach = (y - (0.42 - 0.10 * p["fringe"]) + 0.06 * c3 + 0.5 * (x.abs() - 0.30).clamp(min=0)).clamp(min=0.10)
    total = torch.where(fringe, torch.minimum(reach, total.clamp(min=0.15)), total)
    knot = torch.tensor([0.0, 0.10, -1.02])
    if tied:
        total = (knot - root).norm(dim=-1) * 1.25

    comb = comb - (comb * normal).sum(-1, keepdim=True) * normal
    loose = 0.16 + (2.2 - 1.4 * short) * volume + 0.14 * short + 1.6 * coiled
    lift = torch.where(fringe, 0.35 + volume, loose)[:, None] * (0.25 if tied else 1.0)
    direction = F.normalize(F.normalize(comb, dim=-1, eps=1e-3) + lift * normal, dim=-1)
    layer = 0.012 + (volume * (0.30 + 0.70 * ramp01(worn, 0.10, 0.45)) * (1 - 0.75 * tied)) * c3**0.7
    layer = layer * (1 - 0.5 * short * smoothstep(-y, -0.75, -0.35))
    layer = torch.where(fringe, 0.035 + 0.35 * layer, layer)
    segments = round(SEGMENTS[0] + (SEGMENTS[1] - SEGMENTS[0]) * max(ramp01(float(total.max()), 0.15, 1.4), coiled))
    step = (total / (segments - 1))[:, None]
    weight = (0.05 + 0.75 * ramp01(worn, 0.25, 0.6)) * (1 - coiled) + 0.02
    centre = torch.tensor([0.0, 0.30, -0.045])
    axes = torch.tensor([0.735 * p["head_width"], 0.765, 0.875 + 0.7 * max(p["forehead"], 0.0)]) * torch.tensor(
        [1.0, 1.0, p["head_depth"]]
    )
    points = [root - 0.01 * normal]
    for i in range(1, segments):
        position = points[-1] + step * direction
        e = (position - centre) / (axes + layer[:, None])
        e = torch.stack([e[:, 0], torch.where(e[:, 1] < 0, 0.35 * e[:, 1], e[:, 1]), e[:, 2]], -1)
        r = e.norm(dim=-1, keepdim=True)
        low = (position[:, 1:2] < -0.55) | (y[:, None] < -0.08)  # the neck is narrower than the skull
        out = torch.where((r < 1) & ~low, (position - centre) / r.clamp_min(0.3) + centre, position)
        position = torch.cat(
            [out[:, :1], torch.where(r < 1, torch.lerp(position, out, 0.5), position)[:, 1:2], out[:, 2:]], 1
        )
        position = _off_the_face(position, fringe, 0.5 * layer + 0.05 * c2, step[:, 0])
        direction = F.normalize(position - points[-1], dim=-1)
        away = F.normalize((position - centre) / axes, dim=-1)
        rising = (direction * away).sum(-1, keepdim=True).clamp(min=0)
        direction = (
            direction - (0.60 * (1 - coiled)) * smoothstep(position[:, 1:2], 0.0, 0.5).clamp(min=short) * rising * away
        )
        if tied:
            pull = F.normalize(knot - position, dim=-1)
            direction = F.normalize(direction + (0.25 + 1.5 * i / segments) * pull, dim=-1)
        else:
            pull = torch.stack(
                [0.10 * parted * (position[:, 1] > 0), torch.full_like(x, -1.0), -0.12 * (1 - 2.0 * fringe.float())], -1
            )
            direction = F.normalize(direction + (weight + 0.35 * fringe[:, None] * (1 - coiled)) * pull * 0.6, dim=-1)
        points.append(position)
    lines = torch.stack(points, 1)

    # curl: locks wave together, single strands a little on their own
    t = torch.linspace(0, 1, segments) * total[:, None]
    phase = 5.0 * noise(4.5 * x + 7, 4.5 * z + 4.5 * y) + 1.2 * c1
    turns = (4 + 8 * curl) * (1 - coiled) + coiled * 11 / total.mean()
    size = (0.055 * ramp01(curl, 0.15, 0.75) * min(1.0, float(total.mean()) / 0.5) + 0.004 + 0.028 * coiled) * (
        1 - 0.7 * tied
    )
    ease = (t / (0.25 + t)) * 1.25 * size
    wave = torch.stack(
        [
            torch.sin(turns * t + phase[:, None]),
            0.5 * torch.sin(turns * t + 2 * phase[:, None]),
            torch.cos(turns * t + phase[:, None]),
        ],
        -1,
    )
    frizz = (
        torch.stack([c1 - 0.5, c2 - 0.5, chance[:, 0] - 0.5], -1)[:, None]
        * (0.05 + 0.05 * curl)
        * (t / (0.5 + t))[..., None]
    )
    lines = lines + ease[..., None] * wave + frizz * (1 - 0.6 * tied)
    thick = 0.0092 + 0.0048 * ramp01(worn, 0.05, 0.5)
    along = torch.linspace(0, 1, segments)
    taper = (1 - 0.8 * along**2.5) * (0.45 + 0.55 * (4 * along).clamp(max=1)) * (0.7 + 0.6 * chance[:, :1])
    seen = 1 - smoothstep(_face_edge(lines) - 0.04 - lines[..., 0].abs(), 0.0, 0.05)  # what is left before the face
    taper = thick * torch.where(fringe[:, None], 1.5, seen) * taper
    lock = 0.45 * chance[:, 0] + 0.275 * (1 + noise(8 * x + 3, 8 * z + 5 * y))  # neighbours have a tone in common
    colour = hair_colour(p)
    if p["forelock"] > 0:
        colour = torch.lerp(colour.expand_as(root), torch.tensor(WHITE), forelock(root, p)[:, None])[:, None]
    return Strands(lines, taper, lock, c3, colour)


def _face_edge(position: Tensor) -> Tensor:
    """|x| beyond which hair beside the face hangs, 0 above the forehead and behind the temples."""
    return 0.58 * smoothstep(-position[..., 1], -0.66, -0.30) * smoothstep(position[..., 2], 0.05, 0.25)


def _off_the_face(position: Tensor, fringe: Tensor, beyond: Tensor, step: Tensor) -> Tensor:
    """Leads strands past the temples, by a part of their ``step`` at most: only a fringe hangs before the face."""
    x, y, z = position.unbind(-1)
    missing = (_face_edge(position) + beyond - x.abs()).clamp(min=0) * (_face_edge(position) > 0.02)
    aside = x + torch.where(x >= 0, 1.0, -1.0) * torch.minimum(missing, 0.7 * step)
    back = torch.where(y > 0.45, z, torch.minimum(z, 0.55 - 0.25 * smoothstep(-y, -0.3, 0.6)))
    led = torch.stack([aside, y, back], -1)
    return torch.where(fringe[:, None], position, led)


def beard_strands(head: Head, p: Values) -> Strands | None:
    """The beard beyond stubble."""
    grown = ramp01(growth(p), 0.30, 1.0)
    if grown <= 0:
        return None
    place, chance = _roots("beard", BEARD_ROOTS)
    rest = _on_grid(head.rest, place)
    keep = beard_cover(rest, p) > 0.25 + 0.7 * chance[:, 0]
    place, chance, rest = place[keep], chance[keep], rest[keep]
    root, normal = _on_grid(head.points, place), F.normalize(_on_grid(head.normals, place), dim=-1)
    x, y = rest[:, 0], rest[:, 1]
    lip = y > -p["mouth_height"]
    total = (0.045 + 0.10 * grown**1.5 * (1 + 1.2 * smoothstep(-y, 0.75, 1.0))) * (0.75 + 0.5 * chance[:, 1])
    total = torch.where(lip, torch.minimum(total, 0.03 + 1.0 * (y + p["mouth_height"])), total)
    comb = torch.stack(
        [
            torch.where(lip, 2.2 * x.sign() * smoothstep(x.abs(), 0, 0.06), 0.35 * x.sign()),
            torch.full_like(x, -1.0),
            0.25 + 0 * x,
        ],
        -1,
    )
    comb = F.normalize(comb - (comb * normal).sum(-1, keepdim=True) * normal, dim=-1)
    t = torch.linspace(0, 1, BEARD_SEGMENTS)[:, None] * total[:, None, None]
    jitter = (chance[:, 1:4] - 0.5)[:, None] * 0.5
    direction = comb[:, None] + jitter + 0.30 * normal[:, None]
    lines = root[:, None] + t * direction + torch.tensor([0.0, -1.2, 0.0]) * t**2 / 0.5
    width = 0.0065 * (1 - 0.7 * torch.linspace(0, 1, BEARD_SEGMENTS)).expand(len(root), -1)
    return Strands(lines, width, chance[:, 0], 0.4 + 0.6 * chance[:, 3], hair_colour(p) * 0.9)


def shade_strands(lines: Tensor, strands: Strands, centre: Tensor, shadow: Tensor, light: Light) -> Tensor:
    """Light [k, s, 3] from strands at camera-frame ``lines``: a cylinder's light and two highlights."""
    tangent = torch.cat([lines[:, 1:] - lines[:, :-1], lines[:, -1:] - lines[:, -2:-1]], 1)
    tangent = F.normalize(tangent, dim=-1, eps=1e-6)
    round_ = F.normalize(lines - centre, dim=-1)
    tip = torch.linspace(0, 1, lines.shape[1])
    hidden = 0.30 + 0.70 * (strands.depth[:, None] * 0.75 + 0.25 * tip)
    body = light.irradiance(round_.reshape(-1, 3), shadow.flatten(), hidden.flatten(), (0.35, 0.35, 0.35)).reshape(
        lines.shape
    )
    along = (tangent @ light.key).clamp(-1, 1)
    body = body * (0.55 + 0.45 * (1 - along.square()).clamp_min(0).sqrt())[..., None] * hidden[..., None]
    tone = 0.72 + 0.56 * strands.chance[:, None, None]
    colour = strands.colour * tone * body * 1.25
    half = F.normalize(light.key + torch.tensor([0.0, 0.0, 1.0]), dim=0)
    facing = ((round_ @ half + 0.2) / 1.2).clamp(min=0) * shadow * hidden
    wobble = 0.16 * (strands.chance[:, None] - 0.5)
    first = (1 - (tangent @ half + wobble - 0.08).square()).clamp(0, 1) ** 45
    second = (1 - (tangent @ half + wobble + 0.14).square()).clamp(0, 1) ** 14
    gleam = 0.055 * first[..., None] + 0.55 * second[..., None] * strands.colour * tone
    rim = ((round_ @ light.rim).clamp(min=0) * 0.5 * hidden)[..., None] * light.rim_colour * (strands.colour + 0.04)
    return colour + gleam * facing[..., None] * light.key_colour + rim


def texture(across: Tensor, seed: Tensor, pixel: float) -> Tensor:
    """Single hairs in a strand and its round edges: a factor [m] at ``across`` in [-1, 1] its width."""
    return 1.06 - 0.14 * across.square() + 0.40 * noise(2.2 * across + 7 * seed, 3 * seed, 150 * pixel)
