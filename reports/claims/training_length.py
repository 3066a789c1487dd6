"""Claims of section 3.1 and appendix B.2, and whether methods are compared where they have stopped to improve."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

SECTION = "3.1 Length of training"
MARGIN = 0.02  # of identity and MAPS: half of what two held-out photos of a person differ by

trained = partial(Claim, SECTION, "section 3.1, B.2", "training_length")


def twice(method: str, metric: str) -> tuple[Cells, Cells]:
    """At twice the preset's length, and at it."""
    return Cells(method, metric, ("2",)), Cells(method, metric, ("1",))


CLAIMS = (
    trained(
        "MyStyle does not overfit: samples are no less like held-out photos after twice the training",
        twice("mystyle", "maps_heldout"),
        "greater",
        margin=-MARGIN,
    ),
    trained("MyStyle is compared at its plateau", twice("mystyle", "identity"), "equal", margin=MARGIN),
    trained("DiffAugment is compared at its plateau", twice("diffaugment", "identity"), "equal", margin=MARGIN),
    trained("Ojha et al. are compared at their plateau", twice("ojha", "identity"), "equal", margin=MARGIN),
)
