"""Claims of MAGEC's Table 1."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Claim, pair

SLIGHT = 0.01  # of the perceptual distance; the paper's rows are 0.003 apart

table_1 = partial(Claim, "MAGEC 4.2 Reconstruction", "Table 1 of MAGEC", "inversion")

CLAIMS = (
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
