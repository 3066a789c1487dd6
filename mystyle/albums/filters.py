"""Which faces make good portraits: size, visibility, pose, blur.

MyStyle (appendix A) collected faces of 1024 x 1024 pixels and had people on Mechanical Turk remove other identities,
occluded faces, images of low resolution and images with watermarks. What of this a program can judge, it judges here:

- resolution: the side of FFHQ's square in the photo, and the blur effect (Crete et al. 2007) of the face;
- occlusion: only as far as the detector is in doubt, or the face reaches out of the photo. A hand before the mouth
  does not lower its probability (0.9999 on such photos); neither that nor a watermark is found. Contact sheets show it;
- pose: an addition of ours, because the five points fix the alignment of a profile badly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from mystyle.albums.align import Crop
from mystyle.albums.detect import Face, Pixels, Points

NOSE_YAW, NOSE_PITCH = 1.7, 2.4
"""eye distance, and distance of eyes and mouth, over the height of the tip of the nose above their plane.

Fitted to MTCNN's points in 160 rendered portraits: the correlation with the true yaw is 0.99, with the true pitch 0.68.
"""
NOSE_LEVEL = 0.55  # where the nose of a level face is, from the eyes' line to the mouth's: the median of LFW
BLUR_SIDE, BLUR_WIDTH = 128, 9  # pixels of the portrait whose blur is measured, and of the box that blurs it once more
FACE_ROWS, FACE_COLUMNS = (0.25, 0.85), (0.2, 0.8)  # part of the portrait: brows to chin, without the background
GREY = 2.0  # levels by which the channels of a grey photo differ at most, on average


@dataclass(frozen=True)
class Filters:
    """Limits beyond which a face is rejected.

    ``most_blur``: of 262 photos of LFW 99 % are below 0.60, and half of them exceed 0.62 once they are blurred by a
    Gaussian of 3 pixels at 256 x 256. ``least_probability``: the lowest of the clearly visible faces there had 0.994.
    """

    least_pixels: float = 256  # side of the square in the photo
    least_probability: float = 0.97  # the detector's
    most_outside: float = 0.25  # share of the square outside the photo
    most_yaw: float = 45  # degrees
    most_pitch: float = 40  # degrees
    most_blur: float = 0.6  # 0 sharp, 1 blurred
    keep_grey: bool = True

    def __post_init__(self) -> None:
        for name in ("least_pixels", "most_yaw", "most_pitch"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"--{name} {getattr(self, name)}: must be at least 0 and finite")
        for name in ("least_probability", "most_outside", "most_blur"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"--{name} {getattr(self, name)}: must be from 0 to 1")


@dataclass(frozen=True)
class Geometry:
    """What is known of a face before its portrait is made, in the units of ``Filters``.

    ``yaw`` is positive where the nose points to the right of the photo, ``pitch`` where it points up.
    """

    side: float
    probability: float
    outside: float
    yaw: float
    pitch: float


@dataclass(frozen=True)
class Look:
    """What is known of a portrait."""

    blur: float
    grey: bool


def geometry_of(face: Face, crop: Crop, width: int, height: int) -> Geometry:
    """Of a face in a photo of this size."""
    yaw, pitch = pose_of(face.points, crop)
    return Geometry(crop.side, face.probability, crop.outside(width, height), yaw, pitch)


def pose_of(points: Points, crop: Crop) -> tuple[float, float]:
    """Yaw and pitch in degrees, from where the nose is between eyes and mouth. Roll is that of the crop.

    For a nose that stands out by h from the plane of eyes and mouth, it moves by h tan(angle) times the
    foreshortened distances, whatever the scale.
    """
    left_eye, right_eye, nose, left_mouth, right_mouth = points
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    along, down = crop.right / np.hypot(*crop.right), crop.down / np.hypot(*crop.down)
    width, height = float((right_eye - left_eye) @ along), float((mouth - eyes) @ down)
    across = float((nose - (eyes + mouth) / 2) @ along) * NOSE_YAW
    level = (NOSE_LEVEL * height - float((nose - eyes) @ down)) * NOSE_PITCH
    return float(np.degrees(np.arctan2(across, abs(width)))), float(np.degrees(np.arctan2(level, abs(height))))


def look_of(portrait: Pixels) -> Look:
    """Of a portrait [R, R, 3]."""
    channels = portrait.astype(np.int16)
    spread = float((channels.max(axis=2) - channels.min(axis=2)).mean())
    return Look(blur_of(portrait), spread <= GREY)


def blur_of(portrait: Pixels) -> float:
    """The blur effect of Crete et al. (2007) of the face, 0 sharp to 1 blurred, at 128 pixels for every resolution.

    What is sharp loses much of its neighbours' differences when it is blurred once more, what is blurred loses little.
    """
    size = (BLUR_SIDE, BLUR_SIDE)
    image = PIL.Image.fromarray(portrait).convert("L").convert("F")  # rounding again would look like sharp steps
    grey = np.asarray(image.resize(size, PIL.Image.Resampling.LANCZOS), np.float64)
    rows, columns = (slice(*(round(BLUR_SIDE * edge) for edge in edges)) for edges in (FACE_ROWS, FACE_COLUMNS))
    face = grey[rows, columns]
    return max(blur_along(face), blur_along(face.T))


def blur_along(grey: NDArray[np.float64]) -> float:
    """The share of the differences of neighbours in a column that stays when the columns are blurred."""
    from scipy.ndimage import uniform_filter1d

    before = np.abs(np.diff(grey, axis=0))
    after = np.abs(np.diff(uniform_filter1d(grey, BLUR_WIDTH, axis=0, mode="reflect"), axis=0))
    total = float(before.sum())
    return 1 - float(np.maximum(before - after, 0).sum()) / total if total else 1.0


def geometric_fault(found: Geometry, filters: Filters) -> str:
    """Why no portrait is made of a face; "" if one is."""
    if found.outside > filters.most_outside:
        return f"cut off: {found.outside:.0%} of the portrait lies outside the photo"
    if found.side < filters.least_pixels:
        return f"too small: {found.side:.0f} pixels, {filters.least_pixels:.0f} wanted"
    if found.probability < filters.least_probability:
        return f"hardly a face, or a hidden one: probability {found.probability:.3f}"
    if abs(found.yaw) > filters.most_yaw:
        return f"turned away: yaw {found.yaw:.0f} degrees"
    if abs(found.pitch) > filters.most_pitch:
        return f"turned up or down: pitch {found.pitch:.0f} degrees"
    return ""


def visible_fault(look: Look, filters: Filters) -> str:
    """Why a portrait is rejected by its pixels; "" if it is not."""
    if look.blur > filters.most_blur:
        return f"blurred: {look.blur:.2f}"
    if look.grey and not filters.keep_grey:
        return "grey"
    return ""
