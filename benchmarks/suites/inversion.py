"""Inversion of strangers' photos: Table 1 of PTI, Tables 1 and 5 of II2S, Table 2 of ELS, Table 1 of MAGEC.

ELS is the expanded latent space (Yin et al., 2022).

One photo of each person, whole; how near the inversion is, and whether it is who is in the photo. There are no
reference photos, so that methods which are fitted to a person are dashes. How far a code can be edited afterwards is
another suite's question: here the nearest to the photo wins, wherever its code lies.

Where a paper cannot be followed, we choose:

- *photos*. CelebA-HQ's test set and faces from the web; here the domain's strangers.
- *SG2* and *SG2 W+* are rendered with the noise maps that descended with the code, as by the projector that was
  published with StyleGAN2. PTI's code, on which its Table 1 probably rests, throws the maps away. ``domain_w`` and
  ``domain_wplus`` have none, and the losses by which all other priors of the benchmark are projected.
- *I2S* has W+ and no regulariser, so that the unregularised row of II2S's Table 5 (ten photos) is its, too. The other
  rows of that table clip, as do ``ii2s`` and ``ii2s_direct``.
- *MS SSIM* of PTI is marked as better where it is lower: 1 - MS-SSIM. The range of MSE and the network of LPIPS are not
  stated; II2S's numbers are of images in [0, 1] (its RMSE is).
- *pSp* and *e4e* are the official networks on the domain ``ffhq`` alone, elsewhere small heads on the domain's own
  encoder, whose codes in W are a row, too.
- *ELS* is trained on samples of the generator unless photos are given, and its encoder is the domain's own. Without its
  network the row is a dash. Its paper does not say which range its L2 has; its PSNR fits neither [0, 1] nor [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.api.published import Published
from benchmarks.api.suite import Figure, Strangers, Suite
from benchmarks.api.task import Part, Person
from benchmarks.suites import common
from benchmarks.tasks.inversion import Inversion

METHODS = (
    *("domain_encoder", "psp", "e4e", "domain_w", "domain_wplus", "sg2", "sg2_wplus"),
    *("i2s", "i2s_pp", "pulse", "s2e", "ii2s", "ii2s_direct", "pti", "els"),
    *("magec", "magec_off", "magec_off_300"),
)
METRICS = ("perceptual", "lpips", "mse", "ms_ssim", "ssim", "psnr", "identity_photo")


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    summary: str
    people: Strangers = field(default_factory=lambda: Strangers(2))
    photos: int | None = 1  # per person


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    task = Inversion()
    order = common.photos_in_order(person, seed, settings.photos)
    return (Part(task, tuple(task.case(person, i, seed) for i in order)),)


SUITE = Suite(
    name="inversion",
    version=1,
    title="Inversion",
    paper="Table 1 of PTI, Tables 1 and 5 of II2S, Table 2 of ELS, Table 1 of MAGEC",
    methods=METHODS,
    metrics=METRICS,
    figures=(
        Figure(
            "grid",
            "inversion",
            "A photo of each person and its inversions.",
            {"columns": list(METHODS)},
        ),
    ),
    published=(
        Published(
            "Table 1 of PTI (Roich et al., 2021)",
            {
                "e4e": {"lpips": 0.40, "mse": 0.05, "ms_ssim": 0.38, "identity_photo": 0.75},
                "sg2": {"lpips": 0.40, "mse": 0.08, "ms_ssim": 0.38, "identity_photo": 0.80},
                "sg2_wplus": {"lpips": 0.34, "mse": 0.043, "ms_ssim": 0.30, "identity_photo": 0.85},
                "pti": {"lpips": 0.09, "mse": 0.014, "ms_ssim": 0.21, "identity_photo": 0.90},
            },
        ),
        Published(
            "Table 1 of II2S (Zhu et al., 2020)",
            {
                "sg2": {"ssim": 0.80, "psnr": 18.73, "lpips": 0.21},
                "i2s": {"ssim": 0.85, "psnr": 23.30, "lpips": 0.20},
                "pulse": {"ssim": 0.83, "psnr": 21.04, "lpips": 0.37},
                "s2e": {"ssim": 0.85, "psnr": 21.46, "lpips": 0.33},
                "ii2s": {"ssim": 0.86, "psnr": 23.80, "lpips": 0.16},
            },
        ),
        Published(
            "Table 5 of II2S, ten photos",
            {
                "i2s": {"ssim": 0.83, "psnr": 24.43, "lpips": 0.14},
                "ii2s": {"ssim": 0.79, "psnr": 22.53, "lpips": 0.21},
                "ii2s_direct": {"ssim": 0.78, "psnr": 21.98, "lpips": 0.23},
            },
        ),
        Published(
            "Table 2 of ELS (Yin et al., 2022), all in W+",
            {
                "sg2_wplus": {"lpips": 0.31, "mse": 0.038, "psnr": 19.03, "ssim": 0.558},
                "psp": {"lpips": 0.16, "mse": 0.036, "psnr": 16.42, "ssim": 0.513},
                "e4e": {"lpips": 0.19, "mse": 0.048, "psnr": 15.13, "ssim": 0.490},
                "els": {"lpips": 0.07, "mse": 0.014, "psnr": 20.41, "ssim": 0.834},
            },
        ),
        Published(
            "Table 1 of MAGEC (Grechka et al., 2021)",
            {
                "i2s_pp": {"mse": 0.0012, "lpips": 0.018},
                "magec": {"mse": 0.0040, "lpips": 0.053},
                "magec_off": {"mse": 0.0094, "lpips": 0.062},
                "magec_off_300": {"mse": 0.0078, "lpips": 0.050},
            },
        ),
    ),
    presets={
        "smoke": Settings("2 people: the plumbing"),
        "quick": Settings("8 people, 18 rows: nine minutes on two cores", Strangers(8)),
        "full": Settings("100 people: for a GPU", Strangers(100)),
        "paper": Settings("100 people: for a GPU", Strangers(100)),
    },
    parts=parts,
)
