"""Claims of MAGEC's Table 3."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

ALL = ("interfacegan_gender", "interfacegan_smile", "ganspace_labelled_gender", "ganspace_labelled_smile")
UNSEEN = ALL[2:]  # of the editor that supervises nothing

table_3 = partial(Claim, "4.2 Edit consistency", "Table 3", "edit_consistency", paper="MAGEC")

CLAIMS = (
    table_3(
        "The MAGEC loss makes edits more consistent",
        pair("magec", "magec_off", "edit_consistency", ALL),
        "less",
        primary=True,
    ),
    table_3(
        "So it does for an editor that did not supervise it",
        pair("magec", "magec_off", "edit_consistency", UNSEEN),
        "less",
        primary=True,
    ),
    table_3(
        "Edits of MAGEC are more consistent than those of I2S++",
        pair("magec", "i2s_pp", "edit_consistency", ALL),
        "less",
        primary=True,
    ),
    table_3(
        "They lead back to nearer than one edit goes",
        (Cells("magec", "edit_consistency", ALL),),
        "less",
        number=1.0,
    ),
)
