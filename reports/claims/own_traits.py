"""Claims of Figures 1, 9, 11 and 13: what is the person's own comes back."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

claim = partial(Claim, "5.2.1 Inpainting", "Figures 1, 9 and 11", "own_traits")
smile = partial(Claim, "5.3 Semantic editing", "Figure 13", "own_traits")
MARKS = ("marks",)

CLAIMS = (
    claim(
        "Of a hidden mark more than half is restored", (Cells("mystyle", "own_trait", MARKS),), "greater", number=0.5
    ),
    claim("More of it than without tuning", pair("mystyle", "untuned", "own_trait", MARKS), "greater"),
    claim("More of it than by CoModGAN fine-tuned", pair("mystyle", "comodgan_ft", "own_trait", MARKS), "greater"),
    claim("More of it than with DiffAugment's prior", pair("mystyle", "diffaugment", "own_trait", MARKS), "greater"),
    smile(
        "A smile that is filled in is the person's own, more than without tuning",
        pair("mystyle", "untuned", "own_trait", ("smile",)),
        "greater",
    ),
    smile("More than by CoModGAN fine-tuned", pair("mystyle", "comodgan_ft", "own_trait", ("smile",)), "greater"),
)
