"""What a portrait is made of: a table of identity parameters, fixed per person, and appearance parameters, per photo.

Identity has two parts. The *common* parameters are what all people differ in. The *distinctive* ones are asymmetries,
proportions beyond the common ranges, marks, hairlines, and a way to smile. They are ``NEUTRAL`` for everybody in
the narrow family, on which the domain's generator is trained; people of the wide family have many of them.

Every parameter has a range, a unit and a distribution. People and photos are sampled as standard normal scores g, and
``values`` maps scores to parameters by value = quantile(Phi(g)); so a population, a person's album and a neighbourhood
of a portrait are all simple sets of Gaussian vectors.

Lengths are in head units: 1 is half the height of an average head, about 112 mm. The eyes are at the origin's height.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Distribution = Literal["bell", "uniform", "rare", "early", "either"]
Family = Literal["narrow", "wide"]
EXTRA = "extra_"  # before the name of a common parameter: what a person has of it beyond the common range


@dataclass(frozen=True)
class Parameter:
    """One line of the table.

    ``bell`` is Beta(2, 2) on [low, high], ``uniform`` is flat, ``early`` is Kumaraswamy(1.5, 4), which favours the
    lower half, ``rare`` is low for most and rises to high for the ``share`` of the population that has the trait.
    ``either`` is 0 but for the ``share`` that has the trait; half of them reach down to low and half up to high.
    ``habit`` is the share of an appearance parameter's variance that a person's habits explain: 0 for what changes
    from photo to photo, near 1 for what an album hardly varies.
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


def _either(name: str, most: float, unit: str, meaning: str, share: float) -> Parameter:
    return Parameter(name, -most, most, unit, meaning, "either", share=share)


def _extra(name: str, low: float, high: float, unit: str) -> Parameter:
    return Parameter(EXTRA + name, low, high, unit, f"added to `{name}`", "either", share=0.9)


def _rare(name: str, high: float, unit: str, meaning: str, share: float) -> Parameter:
    return Parameter(name, 0.0, high, unit, meaning, "rare", share=share)


def _place(name: str, low: float, high: float, meaning: str, unit: str = "head") -> Parameter:
    return Parameter(name, low, high, unit, meaning, "uniform")


COMMON: tuple[Parameter, ...] = (
    _p(
        "masculine", 0, 1, "1", "sex-typed traits: jaw, brow ridge, neck, beard and hair habits", distribution="uniform"
    ),
    _p("head_width", 0.93, 1.08, "1", "width of the skull against the average"),
    _p("head_depth", 0.93, 1.07, "1", "depth of the skull against the average"),
    _p("jaw_taper", -0.10, 0.16, "1", "how much the face narrows towards the chin"),
    _p("jaw_corner", -0.03, 0.05, "head", "how far the jaw's corners stand out"),
    _p("chin_length", -0.07, 0.08, "head", "how far the chin reaches down"),
    _p("chin_forward", -0.04, 0.07, "head", "how far the chin stands out"),
    _p("chin_width", 0.10, 0.19, "head", "pointed to broad chin"),
    _p("cheekbone", 0.00, 0.06, "head", "height of the cheekbones"),
    _p("cheek", -0.05, 0.05, "head", "hollow to full cheeks"),
    _p("forehead", -0.04, 0.05, "head", "sloping to prominent forehead"),
    _p("brow_ridge", 0.00, 0.05, "head", "height of the brow ridge"),
    _p("eye_distance", 0.250, 0.305, "head", "eye centre from the middle of the face"),
    _p("eye_width", 0.130, 0.162, "head", "half width of the eye"),
    _p("eye_height", 0.060, 0.092, "head", "height of the open upper lid above the eye's axis"),
    _p("eye_slant", -0.08, 0.20, "rad", "rise of the outer corner"),
    _p("eye_depth", 0.00, 0.07, "head", "depth of the eye socket"),
    _p("lid_crease", 0.0, 1.0, "1", "how marked the fold of the upper lid is", distribution="uniform"),
    _p("iris_hue", 0.0, 1.0, "1", "brown, hazel, green, blue, grey; brown on dark skin", distribution="uniform"),
    _p("brow_thickness", 0.016, 0.036, "head", "half thickness of the eyebrow"),
    _p("brow_height", 0.185, 0.245, "head", "eyebrow above the eye"),
    _p("brow_arch", 0.00, 0.05, "head", "arch of the eyebrow"),
    _p("brow_tilt", -0.04, 0.05, "head", "rise of the eyebrow's outer end"),
    _p("nose_length", 0.30, 0.39, "head", "tip of the nose below the eyes"),
    _p("nose_width", 0.095, 0.160, "head", "distance of the wings from the middle"),
    _p("nose_height", 0.15, 0.27, "head", "how far the tip stands out"),
    _p("nose_bridge", 0.02, 0.11, "head", "height of the bridge between the eyes"),
    _p("nose_hump", -0.020, 0.028, "head", "hollow to convex bridge"),
    _p("nose_tip", -0.05, 0.03, "head", "hanging to upturned tip"),
    _p("mouth_height", 0.550, 0.620, "head", "mouth below the eyes"),
    _p("mouth_width", 0.195, 0.265, "head", "half width of the mouth at rest"),
    _p("upper_lip", 0.022, 0.062, "head", "thickness of the upper lip"),
    _p("lower_lip", 0.040, 0.082, "head", "thickness of the lower lip"),
    _p("cupid_bow", 0.0, 1.0, "1", "smooth to marked cupid's bow"),
    _p("lip_red", 0.0, 1.0, "1", "skin-coloured to red lips", distribution="uniform"),
    _p("ear_size", 0.85, 1.18, "1", "size of the ears"),
    _p("ear_angle", 0.15, 0.75, "rad", "close to standing out"),
    _p("neck_width", 0.90, 1.12, "1", "width of the neck against the average"),
    _p("skin_tone", 0.0, 1.0, "1", "light to dark: melanin", distribution="uniform"),
    _p("skin_warmth", -1.0, 1.0, "1", "olive to rosy: blood"),
    _p("freckles", 0.0, 1.0, "1", "density of freckles", distribution="rare", share=0.25),
    _p("mole_x", -0.50, 0.50, "head", "place of the first mole", distribution="uniform"),
    _p("mole_y", -0.95, 0.55, "head", "place of the first mole", distribution="uniform"),
    _p("mole_size", 0.0, 0.026, "head", "radius of the first mole", distribution="rare", share=0.5),
    _p("hair_hue", 0.0, 1.0, "1", "black, brown, auburn, blond; dark on dark skin", distribution="uniform"),
    _p("hair_curl", 0.0, 1.0, "1", "straight, wavy, curly, coiled", distribution="uniform"),
    _p("hairline", 0.50, 0.68, "head", "height of the hairline above the eyes"),
    _p("widow_peak", -0.05, 0.07, "head", "round hairline to a peak in the middle"),
    _p("balding", 0.0, 1.0, "1", "hairline that recedes with age, scaled by masculine", distribution="uniform"),
)

DISTINCTIVE: tuple[Parameter, ...] = (
    # asymmetry; right is the viewer's
    _either("nose_bend", 0.094, "head", "tip of the nose to the right of the bridge", 0.8),
    _either("mouth_shift", 0.062, "head", "mouth to the right", 0.7),
    _either("mouth_slant", 0.250, "rad", "rise of the mouth to the right", 0.7),
    _either("eye_step", 0.050, "head", "right eye above the left, half of the way each", 0.7),
    _either("eye_uneven", 0.625, "1", "right eye wider, left eye narrower open", 0.8),
    _either("brow_step", 0.050, "head", "right eyebrow up, left down", 0.7),
    _either("jaw_skew", 0.125, "head", "chin to the right", 0.7),
    _either("cheek_skew", 0.075, "head", "right cheek fuller, or the left where negative", 0.6),
    # proportions: what is added to the common parameter of the name, and moves along with it (geometry.anatomy)
    _extra("head_width", -0.112, 0.125, "1"),
    _extra("jaw_taper", -0.150, 0.163, "1"),
    _extra("jaw_corner", -0.037, 0.075, "head"),
    _extra("chin_length", -0.050, 0.125, "head"),
    _extra("cheek", -0.062, 0.075, "head"),
    _extra("eye_distance", -0.037, 0.062, "head"),
    _extra("eye_width", -0.033, 0.020, "head"),
    _extra("eye_slant", -0.225, 0.200, "rad"),
    _extra("brow_thickness", -0.013, 0.030, "head"),
    _extra("nose_length", -0.088, 0.112, "head"),
    _extra("nose_width", -0.031, 0.062, "head"),
    _extra("nose_height", -0.062, 0.125, "head"),
    _extra("nose_hump", -0.037, 0.056, "head"),
    _extra("mouth_width", -0.062, 0.075, "head"),
    _extra("upper_lip", -0.015, 0.033, "head"),
    _extra("lower_lip", -0.022, 0.043, "head"),
    _extra("ear_size", -0.250, 0.438, "1"),
    _extra("hairline", -0.112, 0.150, "head"),
    _extra("widow_peak", -0.075, 0.163, "head"),
    # hair and shapes that nobody in the narrow family has
    _either("hairline_skew", 0.138, "head", "hairline higher to the right", 0.7),
    _rare("forelock", 1, "1", "white lock of hair", 0.3),
    _place("forelock_place", -0.40, 0.40, "where the white lock grows"),
    _rare("brow_join", 1, "1", "eyebrows that meet in the middle", 0.4),
    _either("iris_odd", 0.8, "1", "hue of the right iris beyond the left one's", 0.35),
    _rare("chin_cleft", 1, "1", "furrow in the chin", 0.45),
    # marks
    _rare("scar_size", 0.30, "head", "half length of a scar", 0.65),
    _place("scar_x", -0.40, 0.40, "place of the scar"),
    _place("scar_y", -0.85, 0.45, "place of the scar"),
    _place("scar_angle", -1.57, 1.57, "direction of the scar, 0 level", "rad"),
    _place("scar_tone", -1, 1, "pale to dark red scar", "1"),
    _rare("spot_size", 0.066, "head", "radius of a large dark mole", 0.65),
    _place("spot_x", -0.45, 0.45, "place of the large mole"),
    _place("spot_y", -0.90, 0.45, "place of the large mole"),
    _rare("stain_size", 0.36, "head", "radius of a birthmark", 0.55),
    _place("stain_x", -0.50, 0.50, "place of the birthmark"),
    _place("stain_y", -0.90, 0.50, "place of the birthmark"),
    _place("stain_hue", 0, 1, "port-wine to brown birthmark", "1"),
    _rare("vitiligo", 1, "1", "patches without pigment", 0.35),
    # the person's own smile and frown: how the face answers to the parameter smile
    _either("smile_skew", 1, "1", "right corner of the mouth rises more, left less", 0.9),
    _either("smile_width", 1, "1", "corners go farther to the sides", 0.8),
    _either("smile_rise", 1, "1", "flat to deeply curved smile", 0.8),
    _either("smile_teeth", 1, "1", "lips that stay closed, or part up to the gums", 0.9),
    _either("smile_eyes", 1, "1", "eyes that stay open, or close", 0.8),
    _rare("dimples", 1, "1", "dimples beside a smile", 0.5),
    _rare("frown", 1, "1", "corners that go far down where smile is negative", 0.65),
)

APPEARANCE: tuple[Parameter, ...] = (
    _p("yaw", -38, 38, "degree", "turn of the head, positive to the viewer's right"),
    _p("pitch", -14, 14, "degree", "nod of the head, positive up"),
    _p("tilt", -4, 4, "degree", "roll that is left after alignment"),
    _p("body_turn", -25, 25, "degree", "turn of the shoulders"),
    _p("smile", -0.3, 1.0, "1", "corners of the mouth down to up", distribution="uniform"),
    _p("mouth_open", 0.0, 1.0, "1", "closed to open", distribution="rare", share=0.5),
    _p("eye_open", 0.55, 1.15, "1", "eyelids"),
    _p("gaze_x", -16, 16, "degree", "gaze to the viewer's right, against the camera"),
    _p("gaze_y", -10, 10, "degree", "gaze up, against the camera"),
    _p("brow_raise", -0.035, 0.045, "head", "raised eyebrows"),
    _p("brow_knit", 0.0, 1.0, "1", "inner brows drawn together", distribution="rare", share=0.3),
    _p("light_angle", -75, 75, "degree", "key light from the left to the right", distribution="uniform"),
    _p("light_height", 5, 60, "degree", "key light above the horizon"),
    _p("light_strength", 0.25, 1.0, "1", "key against fill light"),
    _p("light_size", 0.02, 0.14, "head", "hard to soft shadows"),
    _p("light_warmth", -1.0, 1.0, "1", "cold to warm light"),
    _p("rim_light", 0.0, 1.0, "1", "light from behind", distribution="rare", share=0.5),
    _p("exposure", 0.82, 1.18, "1", "overall brightness"),
    _p("hair_length", 0.0, 1.0, "1", "cropped to below the shoulders", distribution="uniform", habit=0.75),
    _p("hair_volume", 0.03, 0.16, "head", "thickness of the hair", habit=0.5),
    _p("hair_sweep", 0.0, 1.0, "1", "hair falls to the front or is swept back", distribution="uniform", habit=0.7),
    _p("hair_tied", 0.0, 1.0, "1", "loose, or tied behind to a bun", distribution="rare", share=0.25, habit=0.4),
    _p("fringe", 0.0, 1.0, "1", "hair over the forehead", distribution="rare", share=0.3, habit=0.7),
    _p("parting", -0.30, 0.30, "head", "side of the parting", distribution="uniform", habit=0.8),
    _p("beard", 0.0, 1.0, "1", "shaved to full beard, scaled by masculine", distribution="rare", share=0.5, habit=0.7),
    _p("glasses", 0.0, 1.0, "1", "without; thin to thick frames", distribution="rare", share=0.25, habit=0.6),
    _p("glasses_shape", 0.0, 1.0, "1", "round to square frames", distribution="uniform", habit=0.9),
    _p(
        "lipstick",
        0.0,
        1.0,
        "1",
        "without to strong, scaled by 1 - masculine",
        distribution="rare",
        share=0.45,
        habit=0.5,
    ),
    _p(
        "eye_shadow",
        0.0,
        1.0,
        "1",
        "without to strong, and lashes, scaled likewise",
        distribution="rare",
        share=0.45,
        habit=0.5,
    ),
    _p("blush", 0.0, 1.0, "1", "rouge on the cheeks, scaled likewise", distribution="rare", share=0.4, habit=0.4),
    _p("age", 18, 78, "year", "grey hair, wrinkles, soft jaw", distribution="early", habit=0.98),
    _p("clothes_hue", 0.0, 1.0, "1", "colour of the clothes", distribution="uniform"),
    _p("clothes_value", 0.08, 0.90, "1", "dark to light clothes", distribution="uniform"),
    _p("neckline", 0.0, 1.0, "1", "open neck, round neck, shirt collar, rolled collar", distribution="uniform"),
    _p("background_hue", 0.0, 1.0, "1", "colour of the background", distribution="uniform"),
    _p("background_value", 0.10, 0.90, "1", "dark to light background", distribution="uniform"),
    _p("background_slope", -0.5, 0.5, "1", "gradient of the background"),
    _p("background_scene", 0.0, 1.0, "1", "plain wall to shapes to points of light", distribution="uniform"),
    _p("background_place", 0.0, 1.0, "1", "where the background's shapes are", distribution="uniform"),
)

IDENTITY: tuple[Parameter, ...] = COMMON + DISTINCTIVE
PARAMETERS: tuple[Parameter, ...] = IDENTITY + APPEARANCE
FAMILIES: Mapping[Family, tuple[Parameter, ...]] = {"narrow": COMMON + APPEARANCE, "wide": PARAMETERS}
"""What people of a family differ in; the other parameters are neutral."""
NAMES: tuple[str, ...] = tuple(p.name for p in PARAMETERS)


def quantile(p: Parameter, u: Tensor) -> Tensor:
    """The value below which a share ``u`` of the population lies; Beta(2, 2) has the closed form used for ``bell``."""
    if p.distribution == "uniform":
        t = u
    elif p.distribution == "bell":
        t = 0.5 - torch.sin(torch.asin(1 - 2 * u) / 3)
    elif p.distribution == "early":
        t = (1 - (1 - u) ** (1 / 4)) ** (1 / 1.5)
    elif p.distribution == "either":
        beyond = (((u - 0.5).abs() - 0.5 * (1 - p.share)) / (0.5 * p.share)).clamp(0, 1).sqrt()
        return beyond * torch.where(u < 0.5, p.low, p.high) + 0.0  # no negative zeros
    else:
        t = ((u - (1 - p.share)) / p.share).clamp(0, 1).sqrt()
    return p.low + (p.high - p.low) * t


def position(p: Parameter, scores: Tensor) -> Tensor:
    """Where the value of a standard normal score lies in the parameter's range, in [0, 1]: same shape, float64."""
    u = torch.special.ndtr(scores.double()).clamp(1e-6, 1 - 1e-6)
    return (quantile(p, u) - p.low) / (p.high - p.low)


def score_at(p: Parameter, t: Tensor | float) -> Tensor:
    """The standard normal score whose value lies at ``t`` in [0, 1] of the parameter's range: same shape, float32.

    A trait that is absent (rare at t = 0, either at the value 0) has many such scores; it gets the one in their middle.
    """
    t = torch.as_tensor(t, dtype=torch.float64)
    if p.distribution == "uniform":
        share = t
    elif p.distribution == "bell":
        share = 3 * t**2 - 2 * t**3
    elif p.distribution == "early":
        share = 1 - (1 - t**1.5) ** 4
    elif p.distribution == "either":
        zero = -p.low / (p.high - p.low)
        side = torch.where(t < zero, (t - zero) / zero, (t - zero) / (1 - zero))  # in [-1, 1]
        share = 0.5 + 0.5 * side.sign() * (1 - p.share + p.share * side**2)
    else:
        share = torch.where(t > 0, 1 - p.share + p.share * t**2, 0.5 * (1 - p.share))
    return torch.special.ndtri(share.clamp(1e-6, 1 - 1e-6)).float()


def markdown() -> str:
    """The parameters as Markdown tables, identity first."""
    lines = []
    for title, table in (
        ("Identity: fixed per person", COMMON),
        ("Distinctive: fixed per person, neutral in the narrow family", DISTINCTIVE),
        ("Appearance: per photo", APPEARANCE),
    ):
        lines += [
            f"### {title} ({len(table)})",
            "",
            "| name | range | unit | distribution | meaning |",
            "|---|---|---|---|---|",
        ]
        for p in table:
            sparse = p.distribution in ("rare", "either")
            shape = f"{p.distribution} ({100 * p.share:.0f} % have it)" if sparse else p.distribution
            habit = f", habit {p.habit:g}" if p.habit else ""
            lines.append(f"| `{p.name}` | {p.low:g} to {p.high:g} | {p.unit} | {shape}{habit} | {p.meaning} |")
        lines.append("")
    return "\n".join(lines)


def values(scores: Tensor) -> dict[str, Tensor]:
    """Standard normal scores [n, len(PARAMETERS)] to parameters ``{name: [n]}`` in their units."""
    u = torch.special.ndtr(scores.double()).clamp(1e-6, 1 - 1e-6)
    return {p.name: quantile(p, u[:, i]).float() for i, p in enumerate(PARAMETERS)}


def scores_of(parameters: Mapping[str, Tensor]) -> Tensor:
    """The inverse of ``values``: parameters ``{name: [n]}`` to scores [n, len(PARAMETERS)]; KeyError if one lacks."""
    shares = {p.name: (parameters[p.name].double() - p.low) / (p.high - p.low) for p in PARAMETERS}
    return torch.stack([score_at(p, shares[p.name].clamp(0, 1)) for p in PARAMETERS], dim=1)


NEUTRAL = torch.tensor([float(score_at(p, 0.0)) if p.distribution == "rare" else 0.0 for p in DISTINCTIVE])
"""The distinctive scores of whoever has none of the traits: in the middle of those without."""


def person_scores(generator: torch.Generator, distinctive: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """One person: identity scores [len(IDENTITY)] and habit scores [len(APPEARANCE)].

    The narrow family's without a generator of the ``distinctive`` scores. That is another one than the common scores'
    and the photos', so that people of both families from the same seed differ in nothing else.
    """
    g = torch.randn(len(COMMON) + len(APPEARANCE), generator=generator)
    own = torch.randn(len(DISTINCTIVE), generator=distinctive) if distinctive else NEUTRAL
    return torch.cat([g[: len(COMMON)], own]), g[len(COMMON) :]


def album_scores(identity: Tensor, habits: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Scores [n, len(PARAMETERS)] of n photos: g = sqrt(h) g_habit + sqrt(1 - h) g_photo, identity repeated.

    Each appearance parameter keeps its population distribution; h is the parameter's ``habit``.
    """
    h = torch.tensor([p.habit for p in APPEARANCE])
    photo = torch.randn(n, len(APPEARANCE), generator=generator)
    return torch.cat([identity.expand(n, -1), h.sqrt() * habits + (1 - h).sqrt() * photo], dim=1)
