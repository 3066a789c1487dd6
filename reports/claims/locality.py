"""Claims of section 4.1 and Figures 3 and 5."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

SECTION = "4.1 Locality of the prior"
WITHIN = ("0.00", "0.25", "0.50", "0.75", "1.00")  # theta of codes in P_0
BEYOND = ("1.00", "1.25", "1.50", "1.75", "2.00", "2.25", "2.50")
MARGIN = 0.04  # of MAPS: a tenth of the way from other people's photos to the person's own

figure_3 = partial(Claim, SECTION, "Figure 3", "locality")
figure_5 = partial(Claim, SECTION, "Figure 5", "locality")

CLAIMS = (
    figure_5(
        "Personalization fades as a code leaves P_0 beyond an anchor",
        tuple(Cells("mystyle", "maps_train", (theta,)) for theta in BEYOND),
        "falls",
        primary=True,
    ),
    figure_5(
        "Within P_0 the tuned generator shows more of the person than the untuned one at the same codes",
        pair("mystyle", "untuned", "identity", WITHIN),
        "greater",
        primary=True,
    ),
    figure_5(
        "Identity becomes stronger from the centre to an anchor",
        (Cells("mystyle", "maps_train", ("1.00",)), Cells("mystyle", "maps_train", ("0.00",))),
        "greater",
    ),
    figure_5(
        "It does so for photos that no fit has seen, too",
        (Cells("mystyle", "maps_heldout", ("1.00",)), Cells("mystyle", "maps_heldout", ("0.00",))),
        "greater",
    ),
    figure_5(
        "In the untuned generator identity is nearly the same from the centre to θ = 1.5",
        (Cells("untuned", "maps_train", ("1.50",)), Cells("untuned", "maps_train", ("0.00",))),
        "equal",
        margin=MARGIN,
    ),
    Claim(
        "3 Method",
        "section 3.2",
        "locality",
        "Without PTI's locality regularisation more of the person reaches codes near an anchor",
        pair("mystyle", "mystyle_regularised", "identity", ("near",)),
        "greater",
    ),
    figure_3(
        "Codes of P_0 near an anchor show the person, random codes of W do not",
        (Cells("mystyle", "identity", ("near",)), Cells("mystyle", "identity", ("far",))),
        "greater",
    ),
)
