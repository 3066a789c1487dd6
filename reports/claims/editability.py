"""Claims of PTI's Table 2, II2S's section 4.4 and Tables 2 to 5, MAGEC's Table 2, and Tables 1 and 3 of ELS."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

DEGREE = 1.0  # of yaw: a fifteenth of what one edit turns
COST = 0.05  # of the cosine to the photo

table_2 = partial(Claim, "4.2 Editing quality", "Table 2", "editability", paper="PTI")
figure_11 = partial(Claim, "4.2 Editing quality", "Figures 3 and 11", "editability", paper="PTI")
figure_16 = partial(Claim, "4.4 Ablation", "section 4.4, Figure 16", "editability", paper="PTI")
tables_3_4 = partial(Claim, "4.4 Editing quality", "Tables 3 and 4", "editability", paper="II2S")
table_5 = partial(Claim, "5 How to derive II2S", "Table 5", "editability", paper="II2S")
magec_2 = partial(Claim, "4.2 Editability", "Table 2", "editability", paper="MAGEC")
els_1 = partial(Claim, "4.2 Face editing", "Table 1", "editability", paper="ELS")
els_3 = partial(Claim, "4.4 Ablation", "Table 3", "editability", paper="ELS")

CLAIMS = (
    table_2(
        "The same edit changes more in W than in W+",
        pair("domain_w", "domain_wplus", "yaw_change", ("single",)),
        "greater",
        primary=True,
    ),
    table_2(
        "PTI keeps the identity in edits better than W",
        pair("pti", "domain_w", "identity_photo", ("single", "sequential")),
        "greater",
        primary=True,
    ),
    table_2(
        "It keeps it better than W+ in edits of the same magnitude",
        pair("pti", "domain_wplus", "identity_photo", ("turn5", "turn10")),
        "greater",
    ),
    table_2(
        "The same edit changes no less than in W",
        pair("pti", "domain_w", "yaw_change", ("single",)),
        "greater",
        margin=-DEGREE,
    ),
    table_2(
        "At the same magnitude, W+ keeps the identity better than W",
        pair("domain_wplus", "domain_w", "identity_photo", ("turn5", "turn10")),
        "greater",
    ),
    figure_11(
        "One generator tuned to several people keeps the identity in edits better than W",
        pair("pti_together", "domain_w", "identity_photo", ("single",)),
        "greater",
    ),
    figure_11(
        "The same edit of theirs changes no less than in W",
        pair("pti_together", "domain_w", "yaw_change", ("single",)),
        "greater",
        margin=-DEGREE,
    ),
    figure_16(
        "The same edit changes less at a pivot in W+",
        pair("pti_wplus", "pti", "yaw_change", ("single",)),
        "less",
    ),
    tables_3_4(
        "Poses of II2S's codes span more than those of W",
        pair("ii2s", "domain_w", "yaw_range", ("pose",)),
        "greater",
    ),
    tables_3_4(
        "Images change more per small step from II2S's codes than from those of W",
        pair("ii2s", "domain_w", "path_length", ("inverted",)),
        "greater",
    ),
    tables_3_4(
        "Gender is changed more often than in W",
        pair("ii2s", "domain_w", "attribute_accuracy", ("gender",)),
        "greater",
    ),
    table_5(
        "Clipping makes poses span more",
        pair("ii2s", "ii2s_unclipped", "yaw_range", ("pose",)),
        "greater",
        primary=True,
    ),
    table_5(
        "It costs little of the identity of the inversion",
        pair("ii2s", "ii2s_unclipped", "identity_photo", ("inverted",)),
        "greater",
        margin=-COST,
    ),
    table_5(
        "After edits of the same magnitude more of the identity is left than without clipping",
        pair("ii2s", "ii2s_unclipped", "identity_photo", ("turn10",)),
        "greater",
    ),
    magec_2(
        "Edits of MAGEC are more realistic than those of I2S++",
        pair("magec", "i2s_pp", "realism", ("interfacegan", "styleflow", "ganspace_labelled")),
        "greater",
    ),
    magec_2(
        "Its interpolations, too",
        pair("magec", "i2s_pp", "realism", ("interpolation_w",)),
        "greater",
    ),
    magec_2(
        "With the MAGEC loss edits give more of their attribute",
        pair("magec", "magec_off", "improved_target", ("interfacegan", "styleflow")),
        "greater",
    ),
    els_1(
        "Refined edits keep the identity better than those of an encoder's codes by InterFaceGAN",
        (Cells("els", "identity_photo", ("expanded",)), Cells("e4e", "identity_photo", ("interfacegan",))),
        "greater",
    ),
    els_1(
        "Sparse directions alone keep it better than InterFaceGAN's, too",
        (Cells("els_edit", "identity_photo", ("expanded",)), Cells("e4e", "identity_photo", ("interfacegan",))),
        "greater",
    ),
    els_1(
        "Refined edits are nearer to the photo than those of the styles alone",
        pair("els", "els_edit", "perceptual", ("expanded",)),
        "less",
    ),
    els_3(
        "Sparsity keeps the identity in edits",
        pair("els_edit", "els_no_sparsity", "identity_photo", ("expanded",)),
        "greater",
    ),
    els_3(
        "Alignment keeps it better in refined edits",
        pair("els", "els_no_alignment", "identity_photo", ("expanded",)),
        "greater",
    ),
    els_3(
        "With alignment refined edits are nearer to the photo",
        pair("els", "els_no_alignment", "mse", ("expanded",)),
        "less",
    ),
)
