"""Batched portraits: ``render(scores, resolution) -> Image``, framed as FFHQ frames faces.

A ray per sub-pixel meets the head, two ears, a neck, the shoulders and the hair behind. Key, fill and ambient light
shade what is hit. The same scores give the same picture at any resolution, up to sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.synthetic.geometry import Head, cast, cast_ellipsoid, rotation, stereographic, surface_point
from datasets.synthetic.parameters import values
from datasets.synthetic.skin import hair_colour, hsv, paint, skin_colour
from mystyle.types import Image

SUPERSAMPLING = 2
BATCH = 16  # portraits rendered at a time; bounds the memory of the ray buffers


@dataclass(frozen=True)
class Layer:
    """One surface along every ray: depth, unit normal, albedo, gloss, cavity and coverage."""

    depth: Tensor
    normal: Tensor
    albedo: Tensor
    gloss: Tensor | float
    cavity: Tensor | float
    alpha: Tensor


def frame(head: Head, turn: Tensor, p: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """FFHQ's crop from the projected eyes and mouth: centre [n, 2] and half side [n, 1].

    half side = max(2.0 |eye to eye|, 1.8 |eye to mouth|), centre = eyes + 0.1 (mouth - eyes).
    """
    eye, mouth = p["eye_distance"], p["mouth_height"]
    u = torch.cat([-eye, eye, torch.zeros_like(eye)], dim=1)
    v = torch.cat([torch.zeros_like(eye), torch.zeros_like(eye), mouth], dim=1)
    left, right, lips = (surface_point(head, u, v) @ turn.transpose(1, 2))[..., :2].unbind(1)
    eyes = (left + right) / 2
    down = lips - eyes
    half = torch.maximum(2.0 * (right - left).norm(dim=1), 1.8 * down.norm(dim=1))
    return eyes + 0.1 * down, half[:, None]


def light(p: Mapping[str, Tensor]) -> Tensor:
    """Unit vector [n, 1, 3] towards the key light."""
    a, h = torch.deg2rad(p["light_angle"]), torch.deg2rad(p["light_height"])
    return torch.stack([torch.sin(a) * torch.cos(h), torch.sin(h), torch.cos(a) * torch.cos(h)], dim=-1)


def shade(layer: Layer, shadow: Tensor | float, p: Mapping[str, Tensor]) -> Tensor:
    """Wrapped diffuse light with a warm terminator, a highlight, fill and ambient: colour [n, m, 3]."""
    key = light(p)
    cos = (layer.normal * key).sum(-1)
    fill = (layer.normal * key * torch.tensor([-1.0, 0.3, 1.0])).sum(-1).clamp(min=0)
    lit = ((cos + 0.25) / 1.25).clamp(min=0)[..., None] ** torch.tensor([0.85, 1.0, 1.08]) * (
        shadow[..., None] if isinstance(shadow, Tensor) else shadow
    )
    strength = p["light_strength"][..., None]
    colour = 1 + p["light_warmth"][..., None] * torch.tensor([0.08, 0.0, -0.10])
    occlusion = 1 - 1.6 * layer.cavity.clamp(0, 0.25) if isinstance(layer.cavity, Tensor) else torch.ones_like(cos)
    ambient = (0.30 + 0.10 * layer.normal[..., 1]) * occlusion
    irradiance = colour * strength * lit + (0.28 * fill + ambient)[..., None] * (1.35 - 0.5 * strength)
    half = F.normalize(key + torch.tensor([0.0, 0.0, 1.0]), dim=-1)
    highlight = layer.gloss * (layer.normal * half).sum(-1).clamp(min=0) ** 24 * strength[..., 0]
    return layer.albedo * irradiance + highlight[..., None] * 0.55


def background(x: Tensor, y: Tensor, p: Mapping[str, Tensor]) -> Tensor:
    """A blurred backdrop over screen coordinates in [-1, 1]: [n, m, 3]."""
    base = hsv(p["background_hue"], 0.30, p["background_value"])
    blob = torch.exp(-((x - p["background_blob"]).square() + (y - 0.4).square()) / 0.35)
    other = hsv((p["background_hue"] + 0.35) % 1, 0.35, (1.1 - p["background_value"]).clamp(0.1, 0.9))
    mixed = torch.lerp(base.expand(*blob.shape, 3), other.expand(*blob.shape, 3), 0.55 * blob[..., None])
    return (mixed * (1 + (p["background_slope"] * y)[..., None])).clamp(0, 1)


def head_layer(
    head: Head, origin: Tensor, turn: Tensor, pixel: Tensor, p: Mapping[str, Tensor]
) -> tuple[Layer, Tensor]:
    """The head along rays from origin [n, m, 3] (camera frame), and the shadow that its own relief casts."""
    o = origin @ turn  # camera to head frame: R^T o, written for row vectors
    d = (torch.tensor([0.0, 0.0, -1.0]) @ turn)[:, None]
    t, f = cast(head, o, d)
    x, y, z = (o + t[..., None] * d).unbind(-1)
    h = 0.02
    centre = head.field(x, y, z)
    gradient = [head.field(x + h, y, z) - centre, head.field(x, y + h, z) - centre, head.field(x, y, z + h) - centre]
    normal = F.normalize(torch.stack(gradient, dim=-1), dim=-1)
    norm = (x * x + y * y + z * z).sqrt()
    u, v = stereographic(x, y, z, norm)
    # one pixel in uv: the screen pixel over |dp/d(u, v)| = 2 R / (1 + u^2 + v^2), stretched at grazing angles
    facing = -(normal * d).sum(-1)
    soft = pixel * (1 + u * u + v * v) / (2 * norm) / facing.clamp(0.35, 1)
    albedo, gloss, cover = paint(u, v, p, soft)
    cavity = head.lookup(u, v, slice(1, 2))[:, 0]
    lx, ly, lz = (light(p) @ turn).unbind(-1)
    reach = torch.stack([head.field(x + s * lx, y + s * ly, z + s * lz) / s for s in (0.10, 0.22)])
    shadow = (1 + reach.amin(dim=0) / 0.30).clamp(0.35, 1)
    alpha = (1 - f / (1.5 * pixel)).clamp(0, 1)
    normal = normal @ turn.transpose(1, 2)
    return Layer(t, normal, albedo, gloss, cavity * (1 - cover), alpha), shadow


def ellipsoid_layer(
    origin: Tensor,
    centre: Tensor,
    axes: Tensor,
    albedo: Tensor,
    gloss: float,
    pixel: Tensor,
    turn: Tensor | None = None,
) -> Layer:
    """An ellipsoid in the camera's frame, or in the head's where ``turn`` is given."""
    d = torch.tensor([0.0, 0.0, -1.0]).expand(len(origin), 3)
    if turn is not None:
        origin, d = origin @ turn, (d[:, None] @ turn)[:, 0]
    t, normal, margin = cast_ellipsoid(origin, d[:, None], centre, axes)
    if turn is not None:
        normal = normal @ turn.transpose(1, 2)
    alpha = (margin / (2 * pixel * axes.amin(dim=1, keepdim=True)) + 0.5).clamp(0, 1)
    return Layer(t, normal, albedo.expand_as(normal), gloss, 0.0, alpha)


def draw(head: Head, origin: Tensor, turn: Tensor, pixel: Tensor, backdrop: Tensor, p: Mapping[str, Tensor]) -> Tensor:
    """Paints what a ray meets from back to front, [n, m, 3]: hair behind, shoulders, neck, head, ears.

    The order is the order of depth, but for the far ear: ears are painted last, where they are in front of the head.
    """
    skin, hair, length = skin_colour(p), hair_colour(p), p["hair_length"]

    def vector(*xyz: Tensor | float) -> Tensor:
        return torch.cat([c if isinstance(c, Tensor) else torch.full_like(length, c) for c in xyz], dim=1)

    def over(colour: Tensor, layer: Layer, shadow: Tensor | float) -> Tensor:
        return torch.lerp(colour, shade(layer, shadow, p), layer.alpha[..., None])

    centre = vector(0.0, 0.10 - 0.55 * length, -0.32)
    axes = vector(p["head_width"] + p["hair_volume"] * (0.4 + 0.7 * length) - 0.05, 0.72 + 0.72 * length, 0.50)
    colour = over(backdrop, ellipsoid_layer(origin, centre, axes, hair * 0.8, 0.15, pixel, turn), 0.75)
    centre, axes = vector(0.0, -2.02, -0.35), vector(1.20 + 0.25 * p["masculine"], 0.86, 0.52)
    clothes = hsv(p["clothes_hue"], 0.55, p["clothes_value"])
    colour = over(colour, ellipsoid_layer(origin, centre, axes, clothes, 0.0, pixel), 0.9)
    centre, axes = vector(0.0, -1.05, -0.18), vector(0.33 + 0.10 * p["masculine"], 0.75, 0.34)
    colour = over(colour, ellipsoid_layer(origin, centre, axes, skin * 0.92, 0.1, pixel), 0.62)
    face, shadow = head_layer(head, origin, turn, pixel, p)
    colour = over(colour, face, shadow)
    size, out = p["ear_size"], 0.02 + 0.06 * p["ear_angle"]
    size = size * torch.where(length > 0.55, 0.4, 1.0)  # long hair falls over the ears
    for side in (-1.0, 1.0):
        centre, axes = (
            vector(side * (p["head_width"] - 0.03 + out), -0.06, -0.06),
            vector(0.035 + out, 0.17 * size, 0.10 * size),
        )
        ear = ellipsoid_layer(origin, centre, axes, skin * torch.tensor([1.0, 0.90, 0.88]), 0.1, pixel, turn)
        in_front = ((face.depth - ear.depth) / 0.03 + 0.5).clamp(0, 1)
        visible = torch.where(face.alpha > 0.5, in_front, 1.0)
        colour = over(colour, replace(ear, alpha=ear.alpha * visible), 0.85)
    return colour


@torch.no_grad()
def render_batch(scores: Tensor, resolution: int) -> Image:
    p = {name: column[:, None] for name, column in values(scores).items()}
    head = Head.bake(p)
    turn = rotation(p["yaw"][:, 0], p["pitch"][:, 0], p["tilt"][:, 0])
    centre, half = frame(head, turn, p)
    side = resolution * SUPERSAMPLING
    line = (torch.arange(side) + 0.5) / side * 2 - 1
    sy, sx = torch.meshgrid(-line, line, indexing="ij")
    sx, sy = sx.reshape(1, -1), sy.reshape(1, -1)
    x, y = centre[:, :1] + half * sx, centre[:, 1:] + half * sy
    origin = torch.stack([x, y, torch.zeros_like(x)], dim=-1)
    pixel = 2 * half / resolution
    colour = draw(head, origin, turn, pixel, background(sx, sy, p), p)
    colour = (colour * p["exposure"][..., None]).clamp(min=0)
    colour = 1 - torch.exp(-1.6 * colour)  # a film curve, so that highlights do not clip
    image = colour.transpose(1, 2).reshape(-1, 3, side, side)
    return (F.avg_pool2d(image, SUPERSAMPLING) * 2.05 - 1).clamp(-1, 1)


def render(scores: Tensor, resolution: int) -> Image:
    """Portraits from standard normal scores [n, len(PARAMETERS)]: [n, 3, resolution, resolution] in [-1, 1]."""
    return torch.cat([render_batch(part, resolution) for part in scores.split(BATCH)])
