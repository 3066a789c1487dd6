"""The recipes' settings. No torch, so that ``--help`` is quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Precision = Literal["32-true", "bf16-mixed"]  # Lightning's names

ATTRIBUTES = (
    "yaw", "pitch", "smile", "mouth_open", "eye_open", "gaze_x", "light_angle", "age", "glasses", "beard",
    "hair_length", "skin_tone", "masculine",
)  # fmt: skip
TRAITS = (  # of identity: as regression targets they improve the embedding beyond the identity labels alone
    "head_width", "head_depth", "jaw_taper", "jaw_corner", "chin_length", "chin_forward", "chin_width", "cheekbone",
    "cheek", "forehead", "brow_ridge", "eye_distance", "eye_width", "eye_height", "eye_slant", "eye_depth",
    "lid_crease", "iris_hue", "brow_thickness", "brow_height", "brow_arch", "brow_tilt", "nose_length", "nose_width",
    "nose_height", "nose_bridge", "nose_hump", "nose_tip", "mouth_height", "mouth_width", "upper_lip", "lower_lip",
    "cupid_bow", "lip_red", "ear_size", "ear_angle", "neck_width", "skin_warmth", "freckles", "mole_x", "mole_y",
    "mole_size", "hair_hue", "hair_curl", "hairline", "widow_peak", "balding",
    # of people of the wide family; places and hues of marks that most people lack are left out
    "nose_bend", "mouth_shift", "mouth_slant", "eye_step", "eye_uneven", "brow_step", "jaw_skew", "cheek_skew",
    "extra_head_width", "extra_jaw_taper", "extra_jaw_corner", "extra_chin_length", "extra_cheek", "extra_eye_distance",
    "extra_eye_width", "extra_eye_slant", "extra_brow_thickness", "extra_nose_length", "extra_nose_width",
    "extra_nose_height", "extra_nose_hump", "extra_mouth_width", "extra_upper_lip", "extra_lower_lip", "extra_ear_size",
    "extra_hairline", "extra_widow_peak", "hairline_skew", "forelock", "brow_join", "iris_odd", "chin_cleft",
    "scar_size", "spot_size", "stain_size", "vitiligo", "smile_skew", "smile_width", "smile_rise", "smile_teeth",
    "smile_eyes", "dimples", "frown",
)  # fmt: skip


@dataclass(frozen=True)
class FeatureSettings:
    """Four stages leave a grid of 8 x 8 at 128 px. A fifth one sees where things are too coarsely: with it, and with
    identity weighted as much as all parameters together, seven times as many images gave twice the errors."""

    epochs: int = 9  # of 200 batches
    batch: int = 32
    rate: float = 5e-4  # AdamW, one cosine
    scale: float = 24.0  # s of CosFace
    margin: float = 0.25  # m of CosFace
    identity_weight: float = 0.1
    attribute_weight: float = 10.0
    discriminants: int = 40  # of the deep features are the final identity embedding (LDA); 0 keeps the trained one
    held_out: float = 0.08  # share of the identities kept for the figures in the card
    widths: Sequence[int] = (16, 32, 64, 128)
    attributes: Sequence[str] | None = ATTRIBUTES + TRAITS  # columns of the manifest that are there; null: all
    precision: Precision = "32-true"  # bf16-mixed where the processor has it


PERCEPTUAL = FeatureSettings(epochs=8, identity_weight=0.0, widths=(12, 24, 48, 96), attributes=None)


@dataclass(frozen=True)
class GeneratorSettings:
    start: Path | None = None  # a folder of finished weight files to go on from, in place of a warm start
    warm_epochs: Sequence[int] = (20, 20, 40)  # of 200 batches, on pairs: at a quarter of the size, half, in full
    epochs: int = 20  # of 200 batches, adversarial
    warm_batch: int = 16  # in full size; 4 and 2 times as many in the smaller ones
    warm_rate: float = 1e-2  # Adam (0.9, 0.99), one cosine
    warm_precision: Literal["float32", "bfloat16"] = "float32"  # of the layers; the latter where the processor has it
    sharp_epochs: int = 8  # of 200 batches, against critics of features, after a warm start
    sharp_rate: float = 2e-3  # Adam (0, 0.99)
    batch: int = 16
    rate: float = 6e-3  # of the discriminator, Adam (0, 0.99); the official 2e-3 is for a thousand times as many steps
    generator_rate: float = 6e-4  # with the discriminator's, a warm generator outpaces it and its loss stays at chance
    gamma: float = 0.5  # R1
    r1_every: int = 16
    path_every: int = 4
    path_weight: float = 2.0
    mixing: float = 0.9  # probability of style mixing
    pair_weight: float = 3.0  # of the pair loss on the paired half of the fakes
    settle: int = 400  # discriminator steps before the generator moves
    ema_kimg: float = 3.0  # half-life of the averaged generator
    z_dim: int = 128
    w_dim: int = 512
    channel_base: int = 1536
    channel_max: int = 256
    mapping_layers: int = 2


@dataclass(frozen=True)
class EncoderSettings:
    epochs: int = 20  # of 200 batches
    batch: int = 32  # images, and as many generated ones
    rate: float = 1e-3  # Adam, one cosine
    l1_weight: float = 1.0
    perceptual_weight: float = 1.0
    identity_weight: float = 0.5  # 1 - cosine of the perceptual network's last hidden layer
    code_weight: float = 1.0  # squared error of the codes of generated images, relative to the variance of W
    prior_weight: float = 0.02  # squared distance from w_avg, likewise: keeps anchors where W is dense
    held_out: float = 0.05  # share of the identities kept for the figures in the card
    widths: Sequence[int] = (32, 64, 128, 256, 256)
    precision: Precision = "32-true"  # of encoder and perceptual distance: bf16-mixed where the processor has it


@dataclass(frozen=True)
class StyleEncoderSettings:
    """pSp's losses in their published weights. Its 500,000 steps of 8 images are out of reach of a small computer."""

    epochs: int = 15  # of 200 batches
    batch: int = 16
    generated: float = 0.25  # share of a batch that the generator made; without photographs it is all of it
    rate: float = 1e-3  # Adam, one cosine; the published 1e-4 is for a hundred times as many steps
    mse_weight: float = 1.0
    perceptual_weight: float = 0.8
    identity_weight: float = 0.1  # 1 - cosine of the perceptual network's last hidden layer
    channels: int = 160  # of the pyramid
    groups: int = 16  # of them, averaged apart
    held_out: float = 0.05  # share of the identities kept for the figures in the card
    precision: Precision = "32-true"  # of encoder and perceptual distance: bf16-mixed where the processor has it


@dataclass(frozen=True)
class E4eSettings(StyleEncoderSettings):
    delta_weight: float = 2e-4  # of sum_i ||Delta_i||_2
    adversarial_weight: float = 0.1
    discriminator_rate: float = 2e-5  # Adam
    gamma: float = 10.0  # R1
    r1_every: int = 16
    pool: int = 50  # codes
    first_delta: float = 0.1  # share of the training after which Delta_1 opens: 20,000 of 200,000 steps
    next_delta: float = 0.01  # and one more after every 2,000


@dataclass(frozen=True)
class SampleEncoderSettings:
    samples: int = 16_000  # rendered once
    size: int = 128  # px that the encoder looks at
    least_truncation: float = 0.6  # psi of a sample is uniform from here to 1
    epochs: int = 30  # of 200 batches
    batch: int = 32
    rate: float = 2e-3  # AdamW, one cosine
    widths: Sequence[int] = (32, 64, 128, 256, 256)
    precision: Precision = "32-true"  # of rendering and encoder: bf16-mixed where the processor has it


@dataclass(frozen=True)
class DiscriminatorSettings:
    epochs: int = 5  # of 200 batches
    batch: int = 8  # photographs, and as many samples
    rate: float = 2e-3  # Adam (0, 0.99)
    gamma: float = 1.0  # R1
    r1_every: int = 16
    held_out: float = 0.05  # share of the people kept for the figures
    precision: Literal["float32", "bfloat16"] = "float32"  # of both networks; the latter where the processor has it
    channel_base: int = 4096
    channel_max: int = 256


@dataclass(frozen=True)
class HeadSettings:
    sizes: Sequence[int] = (256, 512)  # px of the smaller images
    samples: int = 3000  # rendered once; their moments take 1 GB
    held_out: int = 100  # of them, for the figures
    steps: int = 4000
    batch: int = 64  # samples
    rate: float = 1e-2  # Adam (0.9, 0.99), one cycle
    decay: float = 3e-4  # of the share of codes in styles


@dataclass(frozen=True)
class StrangerSettings:
    count: int = 2000  # people: two of them are above the threshold at 0.1 % false accepts


@dataclass(frozen=True)
class StyleFlowSettings:
    samples: int = 10_000  # codes, rendered and read once
    epochs: int = 15  # of 200 batches: six passes over the codes; three are published
    batch: int = 20  # five are published, which take four times as long for each pass
    rate: float = 1e-3  # Adam, one cosine
    hidden: Sequence[int] = (512, 512, 512)  # five are published
    held_out: int = 500  # codes kept for the figures


@dataclass(frozen=True)
class ExpandedSettings:
    """The weights are the paper's but for those of sparsity and alignment (``mystyle.pretrain.expanded``)."""

    attributes: Sequence[str] = ("glasses", "age", "smile", "masculine", "hair_length", "mouth_open")
    samples: int = 8000  # of the generator, where there are no photographs
    style_epochs: int = 3  # of 200 batches
    content_epochs: int = 8  # of 200 batches
    batch: int = 16
    style_rate: float = 5e-3  # Adam, one cosine
    content_rate: float = 2e-3  # likewise
    edited: float = 1 / 3  # share of the s_k that are not 0
    l2_weight: float = 0.01  # lambda_1 to lambda_8
    perceptual_weight: float = 0.8
    identity_weight: float = 1.0
    class_weight: float = 10.0
    sparsity_weight: float = 2e-3
    refined_l2_weight: float = 0.01
    refined_class_weight: float = 10.0
    alignment_weight: float = 100.0
    width: int = 64  # of the extractor and of queries, at most
    layers: int = 2  # of the extractor
    held_out: float = 0.05  # share of the identities kept for the figures
    precision: Precision = "32-true"  # of activations: bf16-mixed where the processor has it
