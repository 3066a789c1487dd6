"""Terms of the projection, Eq. 7 to 10 of the paper, and where its released code differs.

The paper gives every constant of them (section 3.3, appendix B.2) and removes none. Here they are changed one by one:
the bound of Eq. 7 made softer, or replaced by a softmax; the penalty of the sum, Eq. 8, removed, or that of the code;
the penalty of the offsets, Eq. 9, removed; and all that the code has together. At 128 px Eq. 9 regularises the offsets
of every layer, as at 1024 px it does those up to 128 px. Under a softmax the sum is always one, and Eq. 9 looks at the
coordinates before it.

Inpainting within beta = 0.02 and super-resolution within 0.05, as in section 5; no claim of the paper is about them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part
from benchmarks.suites import common
from benchmarks.suites.latent_spaces import SUITE as SPACES
from benchmarks.suites.latent_spaces import TASKS, personal
from mystyle.projection import OFFICIAL_CODE

CODE = {
    "sum_weight": OFFICIAL_CODE.sum_weight,
    "sum_of": OFFICIAL_CODE.sum_of,
    "schedule": OFFICIAL_CODE.schedule,
}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "as_written": ("P+_β", {}),
    "soft_bound": ("s = 10 (Eq. 7)", {"sharpness": 10.0}),
    "softmax": ("Softmax for Eq. 7", {"coordinates": "softmax"}),
    "no_sum": ("Without Eq. 8", {"sum_weight": 0.0}),
    "code_sum": ("Eq. 8 as the code", {name: CODE[name] for name in ("sum_weight", "sum_of")}),
    "no_offsets": ("Without Eq. 9", {"offset_weight": 0.0}),
    "code": ("Eq. 8 and rate as the code", CODE),
}


def changed(fields: dict[str, Any], settings: Any, part: Part) -> Any:
    """Projection into P+_beta by Eq. 7, whatever the domain has in its place, with some settings changed."""
    found = personal("alpha+", settings, part)
    return replace(found, restore=replace(found.restore, **{"coordinates": "softplus", **fields}))


SUITE = Suite(
    name="projection_terms",
    version=1,
    title="Terms of the projection",
    paper="Eq. 7 to 10",
    methods=tuple(Variant(name, title, "mystyle", partial(changed, fields)) for name, (title, fields) in ROWS.items()),
    metrics=SPACES.metrics,
    conditions=SPACES.conditions,
    figures=(
        Figure("grid", "projection_terms", "Projections with one term changed."),
        Figure(
            "tradeoff",
            "projection_terms_tradeoff",
            "Fidelity and identity.",
            {"x": "perceptual", "y": "identity", "joined": False},
        ),
    ),
    presets={
        "smoke": common.PhotoSettings(common.SHORT[1:], 1, "2 people, 1 photo each, 2 tasks, 7 rows: the plumbing"),
        "quick": common.PhotoSettings(
            common.SHORT, 1, "3 people, 1 photo each, 2 tasks, 7 rows: eight minutes on two cores"
        ),
        "full": common.PhotoSettings(common.EVERYBODY, None, "all 13 people, every held-out photo: for a GPU"),
        "paper": common.PhotoSettings(common.SHORT, None, "the 3 people of Table 2, every held-out photo: for a GPU"),
    },
    parts=partial(common.photo_parts, TASKS),
)
