"""Claims of section 5.3, Table 4 and Figures 12 and 13."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, Untestable, pair

SECTION = "5.3 Semantic editing"
MARGIN = 0.1  # of the edit error: a tenth of the population's standard deviation

table_4 = partial(Claim, SECTION, "Table 4", "editing")
figure_12 = partial(Claim, SECTION, "Figure 12", "editing")
figure_13 = partial(Claim, SECTION, "Figure 13", "editing")


def against(row: str, metric: str, attribute: str) -> tuple[Cells, Cells]:
    return pair("mystyle", row, metric, (attribute,))


CLAIMS = (
    table_4(
        "Edits of the pose are nearer to the person than with DiffAugment's prior",
        against("diffaugment", "maps_train", "yaw"),
        "greater",
        primary=True,
    ),
    table_4(
        "They are nearer than with the domain's prior",
        against("domain_w", "maps_train", "yaw"),
        "greater",
        primary=True,
    ),
    table_4(
        "They are nearer than with the domain's prior and pivots by its encoder",
        against("domain_encoder", "maps_train", "yaw"),
        "greater",
    ),
    table_4(
        "They reach the wanted pose as well as with the domain's prior (the paper compares equal poses)",
        against("domain_w", "edit_error", "yaw"),
        "less",
        margin=-MARGIN,
    ),
    figure_12(
        "Edits of the smile keep the identity more than with the domain's prior",
        against("domain_w", "identity", "smile"),
        "greater",
    ),
    figure_12(
        "They keep it more than with DiffAugment's prior",
        against("diffaugment", "identity", "smile"),
        "greater",
    ),
    Untestable(SECTION, "Table 4", "Users prefer MyStyle", "no user study"),
    figure_13(
        "The smile that an edit gives is the person's own, more than with the domain's prior",
        against("domain_w", "own_trait", "smile"),
        "greater",
    ),
    figure_13("More than without tuning", against("untuned", "own_trait", "smile"), "greater"),
)
