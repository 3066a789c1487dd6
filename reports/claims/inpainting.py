"""Claims of section 5.2.1, Table 2 and Figures 9 and 11."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Claim, Untestable, pair

SECTION = "5.2.1 Inpainting"

table_2 = partial(Claim, SECTION, "Table 2", "inpainting")


against = partial(pair, "mystyle")

CLAIMS = (
    table_2(
        "MyStyle is nearer to the person than CoModGAN fine-tuned on the reference photos",
        against("comodgan_ft", "maps_train"),
        "greater",
        primary=True,
    ),
    table_2("It is nearer than CoModGAN", against("comodgan", "maps_train"), "greater"),
    table_2("It is nearer than DiffAugment's prior", against("diffaugment", "maps_train"), "greater"),
    table_2(
        "Fine-tuning brings CoModGAN nearer to the person",
        pair("comodgan_ft", "comodgan", "maps_train"),
        "greater",
    ),
    table_2("MyStyle keeps the identity more than CoModGAN + FT", against("comodgan_ft", "identity"), "greater"),
    table_2("It fills the hole more faithfully than CoModGAN + FT", against("comodgan_ft", "hole_distance"), "less"),
    Untestable(SECTION, "Table 2", "Users prefer MyStyle", "no user study"),
    Untestable(
        SECTION,
        "Figures 1, 9 and 11",
        "Asymmetries such as a drooping lid are restored",
        "without them the whole portrait is framed otherwise; marks are in own_traits",
    ),
)
