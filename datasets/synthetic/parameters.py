"""What a portrait is made of: a table of identity parameters, fixed per person, and appearance parameters, per photo.

Every parameter has a range, a unit and a distribution. People and photos are drawn as standard normal scores g, and
``values`` maps scores to parameters by value = quantile(Phi(g)); so a population, a person's album and a neighbourhood
of a portrait are all simple sets of Gaussian vectors.

Lengths are in head units: 1 is the distance from the middle of the head to its top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Distribution = Literal["bell", "uniform", "rare"]


@dataclass(frozen=True)
class Parameter:
    """One line of the table.

    ``bell`` is Beta(2, 2) on [low, high], ``uniform`` is flat, ``rare`` is low for most and rises to high for the
    ``share`` of the population that has the trait. ``habit`` is the share of an appearance parameter's variance that
    a person's habits explain: 0 for what changes from photo to photo, near 1 for what an album hardly varies.
    """

    name: str
    low: float
    high: float
    unit: str
    meaning: str
    distribution: Distribution = "bell"
    habit: float = 0.0
    share: float = 0.3


def _p(name: str, low: float, high: float, unit: str, meaning: str, **more: object) -> Parameter:
    return Parameter(name, low, high, unit, meaning, **more)  # type: ignore[arg-type]


IDENTITY: tuple[Parameter, ...] = (
    _p("masculine", 0, 1, "1", "sex-typed traits: brow ridge, jaw, beard growth", distribution="uniform"),
    _p("head_width", 0.66, 0.80, "head", "half width of the skull"),
    _p("head_depth", 0.80, 0.95, "head", "half depth of the skull"),
    _p("jaw_taper", 0.06, 0.34, "1", "how much the face narrows towards the chin"),
    _p("jaw_corner", -0.03, 0.08, "head", "jaw angle"),
    _p("chin_length", -0.05, 0.09, "head", "how far the chin reaches down"),
    _p("chin_forward", -0.02, 0.08, "head", "how far the chin stands out"),
    _p("cheekbone", 0.00, 0.08, "head", "height of the cheekbones"),
    _p("cheek", -0.05, 0.06, "head", "hollow to full cheeks"),
    _p("forehead", -0.04, 0.05, "head", "sloping to prominent forehead"),
    _p("brow_ridge", 0.00, 0.05, "head", "height of the brow ridge"),
    _p("eye_distance", 0.165, 0.215, "uv", "eye centre from the middle of the face"),
    _p("eye_width", 0.056, 0.082, "uv", "half width of the eye"),
    _p("eye_height", 0.020, 0.036, "uv", "half height of the open eye"),
    _p("eye_slant", -0.22, 0.26, "rad", "rise of the outer corner"),
    _p("eye_depth", 0.02, 0.09, "head", "depth of the eye socket"),
    _p("lid_crease", 0.0, 1.0, "1", "how marked the fold of the upper lid is", distribution="uniform"),
    _p("iris_hue", 0.0, 1.0, "1", "brown, hazel, green, blue, grey", distribution="uniform"),
    _p("brow_thickness", 0.010, 0.028, "uv", "half thickness of the eyebrow"),
    _p("brow_height", 0.085, 0.130, "uv", "eyebrow above the eye"),
    _p("brow_arch", -0.015, 0.030, "uv", "arch of the eyebrow"),
    _p("brow_tilt", -0.20, 0.20, "1", "slope of the eyebrow"),
    _p("nose_length", -0.16, -0.095, "uv", "height of the tip, eyes at 0"),
    _p("nose_width", 0.032, 0.066, "uv", "distance of the wings from the middle"),
    _p("nose_height", 0.09, 0.22, "head", "how far the tip stands out"),
    _p("nose_bridge", 0.01, 0.10, "head", "height of the bridge"),
    _p("mouth_height", -0.315, -0.260, "uv", "height of the mouth, eyes at 0"),
    _p("mouth_width", 0.075, 0.125, "uv", "half width of the mouth at rest"),
    _p("upper_lip", 0.008, 0.026, "uv", "thickness of the upper lip"),
    _p("lower_lip", 0.012, 0.034, "uv", "thickness of the lower lip"),
    _p("lip_red", 0.0, 1.0, "1", "skin-coloured to red lips", distribution="uniform"),
    _p("ear_size", 0.75, 1.25, "1", "size of the ears"),
    _p("ear_angle", 0.0, 1.0, "1", "close to standing out"),
    _p("skin_tone", 0.0, 1.0, "1", "light to dark", distribution="uniform"),
    _p("skin_warmth", -1.0, 1.0, "1", "rosy to olive"),
    _p("freckles", 0.0, 1.0, "1", "density of freckles", distribution="rare", share=0.25),
    _p("mole_u", -0.30, 0.30, "uv", "place of the first mole", distribution="uniform"),
    _p("mole_v", -0.42, 0.20, "uv", "place of the first mole", distribution="uniform"),
    _p("mole_size", 0.0, 0.020, "uv", "radius of the first mole", distribution="rare", share=0.5),
    _p("hair_hue", 0.0, 1.0, "1", "black, brown, auburn, blond", distribution="uniform"),
    _p("hair_curl", 0.0, 1.0, "1", "straight to curly", distribution="uniform"),
    _p("hairline", 0.30, 0.52, "uv", "height of the hairline"),
    _p("widow_peak", -0.06, 0.08, "uv", "round hairline to a peak in the middle"),
)

APPEARANCE: tuple[Parameter, ...] = (
    _p("yaw", -38, 38, "degree", "turn of the head, positive to the viewer's right"),
    _p("pitch", -14, 14, "degree", "nod of the head, positive up"),
    _p("tilt", -4, 4, "degree", "roll that is left after alignment"),
    _p("smile", -0.3, 1.0, "1", "corners of the mouth down to up", distribution="uniform"),
    _p("mouth_open", 0.0, 1.0, "1", "closed to open", distribution="rare", share=0.5),
    _p("eye_open", 0.55, 1.12, "1", "eyelids"),
    _p("gaze_x", -0.5, 0.5, "eye", "gaze to the viewer's right"),
    _p("gaze_y", -0.3, 0.3, "eye", "gaze up"),
    _p("brow_raise", -0.018, 0.024, "uv", "raised eyebrows"),
    _p("light_angle", -75, 75, "degree", "key light from the left to the right", distribution="uniform"),
    _p("light_height", 5, 55, "degree", "key light above the horizon"),
    _p("light_strength", 0.45, 0.95, "1", "key against fill light"),
    _p("light_warmth", -1.0, 1.0, "1", "cold to warm light"),
    _p("exposure", 0.85, 1.15, "1", "overall brightness"),
    _p("hair_length", 0.0, 1.0, "1", "cropped to below the shoulders", distribution="uniform", habit=0.75),
    _p("hair_volume", 0.04, 0.22, "head", "thickness of the hair", habit=0.5),
    _p("fringe", 0.0, 1.0, "1", "hair over the forehead", distribution="rare", share=0.35, habit=0.6),
    _p("parting", -0.25, 0.25, "1", "side of the parting", distribution="uniform", habit=0.8),
    _p("beard", 0.0, 1.0, "1", "shaved to full beard, scaled by masculine", distribution="rare", share=0.6, habit=0.7),
    _p("glasses", 0.0, 1.0, "1", "without to with", distribution="rare", share=0.22, habit=0.6),
    _p("lipstick", 0.0, 1.0, "1", "without to strong", distribution="rare", share=0.3, habit=0.5),
    _p("age", 18, 75, "year", "grey hair, wrinkles", distribution="uniform", habit=0.98),
    _p("clothes_hue", 0.0, 1.0, "1", "colour of the clothes", distribution="uniform"),
    _p("clothes_value", 0.1, 0.95, "1", "dark to light clothes", distribution="uniform"),
    _p("background_hue", 0.0, 1.0, "1", "colour of the background", distribution="uniform"),
    _p("background_value", 0.12, 0.92, "1", "dark to light background", distribution="uniform"),
    _p("background_slope", -0.35, 0.35, "1", "gradient of the background"),
    _p("background_blob", -1.0, 1.0, "1", "place of a blurred light or shape", distribution="uniform"),
)

PARAMETERS: tuple[Parameter, ...] = IDENTITY + APPEARANCE
NAMES: tuple[str, ...] = tuple(p.name for p in PARAMETERS)


def quantile(p: Parameter, u: Tensor) -> Tensor:
    """The value below which a share ``u`` of the population lies; Beta(2, 2) has the closed form used for ``bell``."""
    if p.distribution == "uniform":
        t = u
    elif p.distribution == "bell":
        t = 0.5 - torch.sin(torch.asin(1 - 2 * u) / 3)
    else:
        t = ((u - (1 - p.share)) / p.share).clamp(0, 1).sqrt()
    return p.low + (p.high - p.low) * t


def values(scores: Tensor) -> dict[str, Tensor]:
    """Standard normal scores [n, len(PARAMETERS)] to parameters ``{name: [n]}`` in their units."""
    u = torch.special.ndtr(scores.double()).clamp(1e-6, 1 - 1e-6)
    return {p.name: quantile(p, u[:, i]).float() for i, p in enumerate(PARAMETERS)}


def person_scores(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One person: identity scores [len(IDENTITY)] and habit scores [len(APPEARANCE)]."""
    g = torch.randn(len(PARAMETERS), generator=generator)
    return g[: len(IDENTITY)], g[len(IDENTITY) :]


def album_scores(identity: Tensor, habits: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Scores [n, len(PARAMETERS)] of n photos: g = sqrt(h) g_habit + sqrt(1 - h) g_photo, identity repeated.

    Each appearance parameter keeps its population distribution; h is the parameter's ``habit``.
    """
    h = torch.tensor([p.habit for p in APPEARANCE])
    photo = torch.randn(n, len(APPEARANCE), generator=generator)
    return torch.cat([identity.expand(n, -1), h.sqrt() * habits + (1 - h).sqrt() * photo], dim=1)
