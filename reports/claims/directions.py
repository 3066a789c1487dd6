"""Claims of section 3.4 on the alignment of tuned generators."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

ATTRIBUTES = {"yaw": "the pose", "smile": "the smile", "age": "the age", "glasses": "glasses"}
MARGIN = 0.2  # of the population's standard deviation; chosen before the run, by nothing that was measured

claim = partial(Claim, "3 Method", "section 3.4", "directions")

CLAIMS = (
    *(
        claim(
            f"The domain's direction of {name} edits the tuned generator, too",
            (Cells("mystyle", "edit_change", (attribute,)),),
            "greater",
        )
        for attribute, name in ATTRIBUTES.items()
    ),
    *(
        claim(
            f"It changes {name} as far as in the domain's generator, at the same codes",
            pair("mystyle", "untuned", "edit_change", (attribute,)),
            "equal",
            margin=MARGIN,
        )
        for attribute, name in ATTRIBUTES.items()
    ),
)
