"""Claims of section 5.1, Table 1 and Figure 8."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Claim, Untestable, pair

SECTION = "5.1 Image synthesis"

table_1 = partial(Claim, SECTION, "Table 1", "synthesis")


against = partial(pair, "mystyle")

CLAIMS = (
    table_1(
        "Samples of MyStyle are nearer to the person than DiffAugment's",
        against("diffaugment", "maps_train"),
        "greater",
        primary=True,
    ),
    table_1("They are nearer than those of Ojha et al.", against("ojha", "maps_train"), "greater"),
    table_1(
        "They are more diverse than DiffAugment's",
        against("diffaugment", "diversity_x10"),
        "greater",
        primary=True,
    ),
    table_1("They are more diverse than those of Ojha et al.", against("ojha", "diversity_x10"), "greater"),
    table_1("They keep more of the identity than DiffAugment's", against("diffaugment", "identity"), "greater"),
    table_1(
        "Their distribution is nearer to that of the reference set than DiffAugment's",
        against("diffaugment", "kid"),
        "less",
    ),
    Untestable(SECTION, "Table 1", "Users take them for real photos of the person more often", "no user study"),
)
