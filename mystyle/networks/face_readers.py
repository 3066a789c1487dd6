"""Yaw, smile, age and glasses of faces on photographs, read by the networks of face-api and by geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.chips import FACE_API, Region, chips
from mystyle.networks.face_api import EXPRESSIONS, POINTS, AgeGender, FaceExpressions, FaceLandmarks
from mystyle.types import Image

NOSE = 1.55
"""distance of the eyes over the depth of the tip of the nose before the plane of eyes and corners of the mouth: 40 mm
on an adult. When a head turns, the distance of the eyes shrinks as cos and the nose moves as sin; so both lie on an
ellipse, whose axes have this ratio on 2,648 photographs of LFW (1.48 to 1.59, by points of MTCNN and of face-api)"""

SOFTNESS = 8.0
"""of the smile: the network is sure of most faces, and differences of its scores order them further"""

BAR, BAR_SOFTNESS = 0.02, 0.006
"""of the glasses: a bar on the bridge of the nose that is so much darker than above and below, in shares of white"""

RESOLUTION = 256
"""px of a portrait on which the bar is looked for"""

ATTRIBUTES = ("yaw", "smile", "age", "glasses")

MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""which of the 68 points of a mirrored face is which of the face"""


class PortraitReader(nn.Module):
    """The role ``AttributeReader`` on portraits of any resolution. Everything is read from both mirror images.

    ``yaw``      degrees, the turn of the head, positive to the viewer's right
    ``smile``    share, the sigmoid of the score of "happy" against all other expressions, over 8
    ``age``      years
    ``glasses``  share: a frame's bar on the bridge of the nose; rimless glasses are missed, shadows can deceive it

    ``moments`` has the mean and the standard deviation of those that are to be read. Gradients reach the portraits.
    """

    def __init__(
        self,
        landmarks: FaceLandmarks,
        expressions: FaceExpressions,
        age: AgeGender,
        moments: Mapping[str, Sequence[float]],
    ):
        """Raises ValueError if ``moments`` names another attribute."""
        super().__init__()
        if unknown := moments.keys() - set(ATTRIBUTES):
            raise ValueError(f"attributes are {', '.join(ATTRIBUTES)}, not {', '.join(sorted(unknown))}")
        self.landmarks, self.expressions, self.age = landmarks, expressions, age
        self._moments = {name: tuple(values) for name, values in moments.items()}

    @property
    def moments(self) -> Mapping[str, Sequence[float]]:
        return self._moments

    def attributes(self, images: Image) -> dict[str, Tensor]:
        """[n, 3, R, R] -> ``{name: [n]}`` in their units, in batches of 32."""
        parts = [self.read(part) for part in images.split(32)]
        return {name: torch.cat([part[name] for part in parts]) for name in self.moments}

    def read(self, images: Image) -> dict[str, Tensor]:
        """``attributes`` of one batch."""
        crops = chips(images, FACE_API, FaceLandmarks.size)
        found = {}
        if self.moments.keys() & {"yaw", "glasses"}:
            points = self.points_of(crops)
            found["yaw"] = yaw_of_points(five_of(points))
            found["glasses"] = glasses(images, points)
        if "smile" in self.moments:
            found["smile"] = smile((self.expressions(crops) + self.expressions(crops.flip(3))) / 2)
        if "age" in self.moments:
            found["age"] = (self.age(crops)[0] + self.age(crops.flip(3))[0]) / 2
        return {name: found[name] for name in self.moments}

    def points(self, images: Image) -> Tensor:
        """[n, 3, R, R] portraits to their 68 points [n, 68, 2], x and y in shares of the portrait."""
        return self.points_of(chips(images, FACE_API, FaceLandmarks.size))

    def points_of(self, crops: Image) -> Tensor:
        """``points`` of portraits with these crops."""
        found, mirrored = self.landmarks(crops), self.landmarks(crops.flip(3))[:, MIRROR]
        x = (found[..., 0] + 1 - mirrored[..., 0]) / 2
        y = (found[..., 1] + mirrored[..., 1]) / 2
        return torch.stack([FACE_API.left + FACE_API.side * x, FACE_API.top + FACE_API.side * y], dim=2)


def five_of(points: Tensor) -> Tensor:
    """Of 68 points [n, 68, 2] the five [n, 5, 2] that detectors give: eyes, tip of the nose, corners of the mouth."""
    if points.shape[1:] != (POINTS, 2):
        raise ValueError(f"points must be [n, {POINTS}, 2], got {list(points.shape)}")
    eyes = [points[:, 36:42].mean(dim=1), points[:, 42:48].mean(dim=1)]
    return torch.stack([*eyes, points[:, 30], points[:, 48], points[:, 54]], dim=1)


def yaw_of_points(points: Tensor) -> Tensor:
    """[n, 5, 2] in pixels or shares -> [n] degrees, positive to the viewer's right, from any detector's five points.

    With u the tip of the nose beside the middle of the face and v the distance of the eyes, both along the face's own
    horizontal (FFHQ's: eyes and mouth), tan yaw = ``NOSE`` u / v. Place, size, tilt and nod of the head cancel.
    """
    left, right, nose, mouth_left, mouth_right = points.unbind(1)
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    down = mouth - eyes
    across = right - left + torch.stack([down[:, 1], -down[:, 0]], dim=1)
    u = ((nose - (eyes + mouth) / 2) * across).sum(dim=1)
    v = ((right - left) * across).sum(dim=1)
    return torch.rad2deg(torch.atan2(NOSE * u, v))


def smile(scores: Tensor) -> Tensor:
    """Logits [n, 7] of expressions to [n] in (0, 1)."""
    happy = EXPRESSIONS.index("happy")
    others = [i for i in range(len(EXPRESSIONS)) if i != happy]
    return torch.sigmoid((scores[:, happy] - scores[:, others].logsumexp(dim=1)) / SOFTNESS)


def glasses(images: Image, points: Tensor) -> Tensor:
    """Portraits and their 68 points to [n] in (0, 1).

    The profile of lightness down the bridge of the nose, between the inner corners of the eyes, is searched for the
    row that is darkest against those 2 px (of 256) above and below.
    """
    light = (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1, keepdim=True).add(1).div(2)
    light = F.avg_pool2d(chips(light, Region(0.0, 0.0, 1.0), RESOLUTION), 3, 1, 1)
    rows = (torch.arange(20, device=images.device) - 9.5) / RESOLUTION + 0.01
    columns = (torch.arange(6, device=images.device) - 2.5) / 120
    offsets = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    places = (points[:, 39] + points[:, 42])[:, None, None] / 2 + offsets
    profile = F.grid_sample(light, 2 * places - 1, align_corners=False).mean(dim=3)[:, 0]
    above, here, below = profile[:, :-4], profile[:, 2:-2], profile[:, 4:]
    bar = (torch.minimum(above, below) - here).amax(dim=1)
    return torch.sigmoid((bar - BAR) / BAR_SOFTNESS)
