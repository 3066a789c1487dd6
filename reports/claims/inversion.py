"""Claims of Table 1 of PTI, Tables 1 and 5 of II2S, Table 2 of ELS, and Table 1 of MAGEC."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Claim, pair

SLIGHT = 0.01  # of the perceptual distance; the paper's rows are 0.003 apart

table_1 = partial(Claim, "4.2 Reconstruction", "Table 1", "inversion", paper="MAGEC")
pti_1 = partial(Claim, "4.1 Reconstruction quality", "Table 1", "inversion", paper="PTI")
ii2s_1 = partial(Claim, "4.3 Reconstruction quality", "Table 1", "inversion", paper="II2S")
els_2 = partial(Claim, "4.3 Reconstruction", "Table 2", "inversion", paper="ELS")

CLAIMS = (
    pti_1(
        "PTI is nearer to the photo than W+",
        pair("pti", "sg2_wplus", "perceptual"),
        "less",
        primary=True,
    ),
    pti_1(
        "It shows better who is in the photo",
        pair("pti", "sg2_wplus", "identity_photo"),
        "greater",
    ),
    pti_1(
        "W+ is nearer to the photo than W",
        pair("sg2_wplus", "sg2", "perceptual"),
        "less",
    ),
    ii2s_1(
        "II2S is nearer to the photo than StyleGAN2's projector",
        pair("ii2s", "sg2", "perceptual"),
        "less",
    ),
    ii2s_1(
        "And than S2E",
        pair("ii2s", "s2e", "perceptual"),
        "less",
    ),
    ii2s_1(
        "And than PULSE",
        pair("ii2s", "pulse", "perceptual"),
        "less",
        primary=True,
    ),
    ii2s_1(
        "And than I2S",
        pair("ii2s", "i2s", "perceptual"),
        "less",
    ),
    els_2(
        "ELS is nearer to the photo than pSp",
        pair("els", "psp", "perceptual"),
        "less",
    ),
    els_2(
        "And than a descent in W+",
        pair("els", "sg2_wplus", "perceptual"),
        "less",
    ),
    els_2(
        "pSp is nearer to the photo than e4e",
        pair("psp", "e4e", "perceptual"),
        "less",
    ),
    table_1(
        "The MAGEC loss leads to a better reconstruction",
        pair("magec", "magec_off", "perceptual"),
        "less",
        primary=True,
    ),
    table_1(
        "In pixels, too",
        pair("magec", "magec_off", "mse"),
        "less",
    ),
    table_1(
        "Beside half as many steps again without it, it is on par",
        pair("magec", "magec_off_300", "perceptual"),
        "less",
        margin=-SLIGHT,
    ),
    table_1(
        "I2S++ reconstructs better",
        pair("i2s_pp", "magec", "perceptual"),
        "less",
    ),
)
