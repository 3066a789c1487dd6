"""Claims of section 5.2.2, Table 3 and Figure 10, over all factors: here two stand for the paper's one task."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, Untestable, pair

SECTION = "5.2.2 Super-resolution"
FACTORS = ("x4", "x8", "x16", "x32")
MARGIN = 0.02  # of the perceptual distance: a tenth of that of a restored photo

table_3 = partial(Claim, SECTION, "Table 3", "super_resolution")


def against(row: str, metric: str) -> tuple[Cells, Cells]:
    return pair("mystyle", row, metric, FACTORS)


CLAIMS = (
    table_3(
        "MyStyle is nearer to the person than GPEN fine-tuned on the reference photos",
        against("gpen_ft", "maps_train"),
        "greater",
        primary=True,
    ),
    table_3("It is nearer than GPEN", against("gpen", "maps_train"), "greater"),
    table_3("It is nearer than DiffAugment's prior", against("diffaugment", "maps_train"), "greater"),
    table_3("It keeps the identity more than GPEN + FT", against("gpen_ft", "identity"), "greater"),
    table_3("Its fidelity is no worse than GPEN + FT's", against("gpen_ft", "perceptual"), "less", margin=-MARGIN),
    Untestable(SECTION, "Table 3", "Users prefer MyStyle", "no user study"),
)
