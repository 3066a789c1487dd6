"""Portraits: ``render(scores, resolution) -> Image``, framed as FFHQ frames faces.

A portrait is a few meshes (head, ears, shoulders, clothes, glasses) and thousands of strands, lit at their points,
rasterised with a z-buffer at two to three times the resolution, and shaded sample by sample. Portraits are rendered one
after the other on the CPU: parameters are plain numbers, arrays fit the cache, and an image cannot depend on its
neighbours in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.synthetic import skin, wear
from datasets.synthetic.background import background
from datasets.synthetic.eyes import shade_eyes
from datasets.synthetic.geometry import anatomy, frame, smoothstep
from datasets.synthetic.hair import texture
from datasets.synthetic.light import film
from datasets.synthetic.mesh import Fragments, at, interpolate, merged, project, rasterise
from datasets.synthetic.parameters import values
from datasets.synthetic.scene import CLOTH, FRAME, SKIN, STRAND, Scene
from mystyle.types import Image

Values = Mapping[str, float]

SUPERSAMPLING = (3, 2)  # samples a side of a pixel: in small images, where strands are thin, and in others
SMALL = 96
BATCH = 16  # portraits between two rounds of writing


class Camera:
    """A scene in a square image of ``size`` samples a side, ``fine`` samples a side of a pixel."""

    def __init__(self, scene: Scene, size: int, fine: int):
        self.scene, self.size = scene, size
        self.centre, self.half = frame(scene.head, scene.pose.head, scene.p)
        self.pixel = 2 * self.half / size * fine  # a pixel's side in head units

    def samples(self, points: Tensor) -> Tensor:
        """Camera-frame points [v, 3] in samples: x right, y down."""
        flat = (project(points) - self.centre) / self.half
        return (flat * torch.tensor([1.0, -1.0]) + 1) * (self.size / 2)

    def places(self, sample: Tensor) -> Tensor:
        """Samples by index [m] in the image plane, head units: [m, 2]."""
        x = (sample % self.size + 0.5) / self.size * 2 - 1
        y = 1 - (torch.div(sample, self.size, rounding_mode="floor") + 0.5) / self.size * 2
        return torch.stack([x, y], -1) * self.half + self.centre

    def photograph(self, backdrop: Tensor) -> Tensor:
        """Linear light [size, size, 3] over ``backdrop``."""
        image = backdrop.reshape(-1, 3).clone()
        found, kinds, attributes = self._visible()
        for kind, shade in ((SKIN, self._skin), (CLOTH, self._cloth), (STRAND, self._strand), (FRAME, self._rim)):
            chosen = (kinds == kind).nonzero()[:, 0]
            if len(chosen):
                sample = at(found.sample, chosen)
                image[sample] = shade(at(attributes, chosen), sample)
        for rim in self.scene.rims:
            self._glaze(image, found, rim)
        return image.reshape(backdrop.shape)

    def _visible(self) -> tuple[Fragments, Tensor, Tensor]:
        """What every sample shows, its kind, and its attributes: first what is solid, then what is not hidden by it."""
        meshes, size = self.scene.meshes, self.size
        offsets = torch.tensor([0] + [len(m.points) for m in meshes]).cumsum(0).tolist()
        points = torch.cat([m.points for m in meshes])
        faces = torch.cat([m.faces + o for m, o in zip(meshes, offsets, strict=False)])
        kinds = torch.cat([torch.full((len(m.faces),), m.kind) for m in meshes])
        closed = torch.cat([torch.full((len(m.faces),), m.closed) for m in meshes])
        xy, depth = self.samples(points), points[:, 2]
        solid = int((kinds < STRAND).sum())
        back = rasterise(xy, depth, faces[:solid], size, closed[:solid])
        nearest = torch.full((size * size,), -torch.inf).scatter(0, back.sample, back.depth)
        place = xy.clamp(0, size - 1).long()
        free = depth >= at(nearest, place[:, 1] * size + place[:, 0])
        thin = solid + at(free, faces[solid:].flatten()).view(-1, 3).any(1).nonzero()[:, 0]
        found = merged(back, rasterise(xy, depth, at(faces, thin), size).of(thin), nearest)
        attributes = torch.cat([m.attributes for m in meshes])
        return found, at(kinds, found.face), interpolate(attributes, at(faces, found.face), found.weights)

    def _skin(self, a: Tensor, sample: Tensor) -> Tensor:
        scene, p = self.scene, self.scene.p
        rest, lit, normal, shadow = a[:, :3], a[:, 3:6], F.normalize(a[:, 6:9], dim=-1), a[:, 9].clamp(0, 1)
        albedo, gloss = skin.paint(rest, scene.head, self.pixel, p)
        sheen = 0.034 * scene.light.highlight(normal, shadow, 8) + 0.030 * scene.light.highlight(normal, shadow, 36)
        grazing = 0.05 * (1 - normal[:, 2].clamp(0, 1)) ** 4 * shadow
        gloss = gloss * (1 - 0.35 * p["skin_tone"])
        colour = albedo * lit + gloss[:, None] * (sheen + grazing[:, None] * scene.light.sky)
        for opening, shade in (
            (skin.eye_opening(rest, scene.head, self.pixel), shade_eyes),
            (skin.mouth_opening(rest, scene.head, self.pixel), skin.shade_mouth),
        ):
            seen = (opening > 0).nonzero()[:, 0]
            if len(seen):
                behind = shade(rest[seen], self.places(sample[seen]), shadow[seen], scene, self.pixel)
                colour[seen] = torch.lerp(colour[seen], behind, opening[seen][:, None])
        return colour

    def _cloth(self, a: Tensor, sample: Tensor) -> Tensor:
        return wear.cloth(a[:, :3], self.pixel, self.scene.p) * a[:, 3:6]

    def _strand(self, a: Tensor, sample: Tensor) -> Tensor:
        return a[:, :3] * texture(a[:, 3], a[:, 4], self.pixel)[:, None]

    def _rim(self, a: Tensor, sample: Tensor) -> Tensor:
        return wear.frame_shade(a[:, 3], a[:, :3], self.scene.frame_colour)

    def _glaze(self, image: Tensor, found: Fragments, rim: Tensor) -> None:
        """Lays a lens over what is behind it: a little darker, with the sky mirrored in its upper part."""
        points, faces = wear.lens(rim)
        glass = rasterise(self.samples(points), points[:, 2], faces, self.size)
        depth = torch.full((self.size**2,), -torch.inf).scatter(0, found.sample, found.depth)
        sample = glass.sample[glass.depth > depth[glass.sample]]
        outline = project(rim)
        u, v = ((self.places(sample) - outline.mean(0)) / outline.std(0)).unbind(-1)
        key = self.scene.light
        streak = 0.05 * smoothstep(v + 0.55 * u * key.key[0].sign(), 0.35, 1.5)
        image[sample] = image[sample] * 0.93 + streak[:, None] * key.key_colour


def render_portrait(p: Values, resolution: int) -> Tensor:
    """One portrait from the values of an ``anatomy``, on the display's scale [0, 1]: [3, resolution, resolution]."""
    fine = SUPERSAMPLING[resolution >= SMALL]
    size = resolution * fine
    backdrop = background(p, size)
    scene = Scene(p, backdrop.mean((0, 1)))
    light = Camera(scene, size, fine).photograph(backdrop)
    light = F.avg_pool2d(light.clamp(max=6).permute(2, 0, 1)[None], fine)[0]
    return film(light, p["exposure"])


@torch.no_grad()
def render(scores: Tensor, resolution: int) -> Image:
    """Portraits from standard normal scores [n, len(PARAMETERS)]: [n, 3, resolution, resolution] in [-1, 1]."""
    return render_values(values(scores), resolution)


@torch.no_grad()
def render_values(parameters: Mapping[str, Tensor], resolution: int) -> Image:
    """The same from parameters ``{name: [n]}`` in their units, which may lie outside their ranges."""
    n = len(next(iter(parameters.values())))
    portraits = ({name: float(column[i]) for name, column in parameters.items()} for i in range(n))
    return torch.stack([render_portrait(anatomy(p), resolution) for p in portraits]) * 2 - 1
