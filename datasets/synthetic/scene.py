"""Everything in front of the camera, posed and lit: the meshes of a portrait in the camera's frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.synthetic import hair, wear
from datasets.synthetic.geometry import Head, blurred, ear, ear_faces, rotation, smoothstep
from datasets.synthetic.light import WRAP_CLOTH, Light
from datasets.synthetic.mesh import Mesh, ShadowMap, grid_faces, ribbons

Values = Mapping[str, float]

SKIN, CLOTH, STRAND, FRAME = range(4)  # kinds of meshes; the solid ones first
CHANNELS = (
    10  # of every mesh: rest place, diffuse light, normal, key's share; of strands and frames: light, across, seed
)
NECK_PIVOT = (0.95, 1.45)  # depths below the eyes between which the neck turns from the head's side to the body's


@dataclass(frozen=True)
class Pose:
    """Rotations [3, 3] of head and body to the camera's frame."""

    head: Tensor
    body: Tensor

    @classmethod
    def of(cls, p: Values) -> Pose:
        """The body follows the head a little."""

        def turn(*degrees: float) -> Tensor:
            return rotation(*torch.tensor(degrees)[:, None])[0]

        return cls(
            turn(p["yaw"], p["pitch"], p["tilt"]),
            turn(0.35 * p["yaw"] + p["body_turn"], 0.15 * p["pitch"], 0.3 * p["tilt"]),
        )

    def neck(self, points: Tensor, rest: Tensor) -> Tensor:
        """Turns the head's points [..., 3] with the head and the neck's with the body, with a smooth twist between."""
        follow = smoothstep(-rest[..., 1:2], *NECK_PIVOT) * smoothstep(-rest[..., 2:], -0.45, -0.25)
        return torch.lerp(points @ self.head.T, points @ self.body.T, follow)


@dataclass(frozen=True)
class Surface:
    """A posed grid of points [r, c, 3] with rest places, normals and hollows [r, c]."""

    points: Tensor
    rest: Tensor
    normals: Tensor
    hollow: Tensor
    faces: Tensor
    closed: bool = False


class Scene:
    """The head, its pose, the light, and the meshes; ``rims`` are the glasses' [s, 3], where they are worn."""

    def __init__(self, p: Values, surroundings: Tensor):
        self.p = p
        self.head = Head.build(p)
        self.pose = Pose.of(p)
        self.light = Light.of(p, surroundings)
        self.meshes: list[Mesh] = []
        grown = (hair.scalp_strands(self.head, p), hair.beard_strands(self.head, p))
        strands = [(s, self.pose.neck(s.lines, s.lines)) for s in grown if s is not None]
        frames, self.frame_colour = wear.glasses(p) if wear.wears_glasses(p) else ([], torch.zeros(3))
        frames = [(line @ self.pose.head.T, width) for line, width in frames]
        self.rims = [line for line, _ in frames[:2]]
        skin = [self._head(), *(self._ear(side) for side in (-1.0, 1.0))]
        self.shadows = self._cast(skin, strands, frames)
        if wear.shows_chest(p):
            skin.append(self._chest())
        for surface in skin:
            self._add_skin(surface)
        self._add_clothes()
        for s, posed in strands:
            self._add_strands(s, posed)
        for line, width in frames:
            self._add_frame(line, width)

    def _head(self) -> Surface:
        head = self.head
        normals = F.normalize(self.pose.neck(head.normals, head.rest), dim=-1)
        return Surface(self.pose.neck(head.points, head.rest), head.rest, normals, head.hollow, head.faces, closed=True)

    def _ear(self, side: float) -> Surface:
        points, normals, hollow = ear(self.p, self.head, side)
        rest = points * torch.tensor([1.0, 1.0, 0.0]) + torch.tensor([0.0, -0.1, -0.02])  # where nothing is painted
        return Surface(points @ self.pose.head.T, rest, normals @ self.pose.head.T, hollow, ear_faces())

    def _chest(self) -> Surface:
        points, normals, hollow = wear.torso(self.p, skin=True)
        rest = points * torch.tensor([1.0, 1.0, 0.0]) + torch.tensor([0.0, -0.4, -0.3])  # where nothing is painted
        return Surface(points @ self.pose.body.T, rest, normals @ self.pose.body.T, hollow, wear.torso_faces())

    def _cast(
        self, skin: list[Surface], strands: list[tuple[hair.Strands, Tensor]], frames: list[tuple[Tensor, float]]
    ) -> ShadowMap:
        """What casts shadows of the key light: head, ears, frames, and a third of the strands, three times as wide."""
        casters = []
        for surface in skin:
            coarse = surface.points[::2, ::2]
            casters.append((coarse, grid_faces(*coarse.shape[:2], wrap=True)))
        casters += [ribbons(posed[::3, ::3], 2.4 * s.width[::3, ::3], self.light.key) for s, posed in strands]
        casters += [ribbons(line[None], torch.full((1, len(line)), width), self.light.key) for line, width in frames]
        return ShadowMap(casters, self.light.key)

    def _add(self, kind: int, points: Tensor, faces: Tensor, attributes: list[Tensor], closed: bool = False) -> None:
        points = points.reshape(-1, 3)
        columns = torch.cat([a.reshape(len(points), -1) for a in attributes], 1)
        self.meshes.append(Mesh(kind, points, faces, F.pad(columns, (0, CHANNELS - columns.shape[1])), closed))

    def _add_skin(self, s: Surface) -> None:
        """Lights a surface of skin; the light is spread a little over the neighbours, red the farthest."""
        points, n = s.points.reshape(-1, 3), s.normals.reshape(-1, 3)
        shadow = self.shadows.light_at(points + 0.015 * n, self.p["light_size"], 0.03)
        shadow = torch.minimum(shadow, ((n @ self.light.key + 0.25) * 6).clamp(0, 1))
        open_sky = torch.exp(-16 * s.hollow.flatten().clamp(min=-0.01)) * self._open(points)
        lit = self.light.irradiance(n, shadow, open_sky.clamp(max=1.15)) * open_sky.clamp(max=1.05)[:, None] ** 0.35
        grid = lit.reshape(*s.hollow.shape, 3)
        near, far = blurred(grid, 3), blurred(grid[..., :1], 5)
        spread = torch.cat(
            [0.3 * grid[..., :1] + 0.7 * far, 0.6 * grid[..., 1:2] + 0.4 * near[..., 1:2], grid[..., 2:]], -1
        )
        self._add(SKIN, points, s.faces, [s.rest, spread, n, shadow * open_sky.clamp(max=1)], s.closed)

    def _open(self, points: Tensor) -> Tensor:
        """The share of ambient light that is not lost under the chin and beside the neck: [m]."""
        local = points @ self.pose.head
        return 1 - 0.45 * smoothstep(-local[:, 1], 0.55, 1.02) * smoothstep(-local[:, 2], -0.70, -0.25)

    def _add_clothes(self) -> None:
        rest, normals, _ = wear.torso(self.p, skin=False)
        points, n = (rest @ self.pose.body.T).reshape(-1, 3), (normals @ self.pose.body.T).reshape(-1, 3)
        shadow = self.shadows.light_at(points + 0.02 * n, self.p["light_size"], 0.05)
        lit = self.light.irradiance(n, shadow, self._open(points), WRAP_CLOTH)
        self._add(CLOTH, points, wear.torso_faces(), [rest, lit, n, shadow])

    def _add_strands(self, s: hair.Strands, posed: Tensor) -> None:
        middle = torch.tensor([0.0, 0.2, -0.1]) @ self.pose.head.T
        shadow = self.shadows.light_at(posed.reshape(-1, 3), 0.04, 0.05).reshape(posed.shape[:2])
        light = hair.shade_strands(posed, s, middle, shadow, self.light)
        points, faces = ribbons(posed, s.width)
        across = torch.tensor([-1.0, 1.0]).expand(points.shape[:3])
        seed = (40 * s.chance[:, None, None]).expand(points.shape[:3])
        self._add(STRAND, points, faces, [light[:, :, None].expand(points.shape), across, seed])

    def _add_frame(self, line: Tensor, width: float) -> None:
        points, faces = ribbons(line[None], torch.full((1, len(line)), width))
        normal = torch.tensor([0.0, 0.35, 0.93]).expand(len(line), 3)
        light = self.light.irradiance(normal, self.shadows.light_at(line, 0.03, 0.06), torch.ones(len(line)))
        across = torch.tensor([-1.0, 1.0]).expand(points.shape[:3])
        self._add(FRAME, points, faces, [light[None, :, None].expand(points.shape), across])
