"""Claims of section 3.1 and appendix B.2, and whether methods are compared where they have stopped to improve."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

SECTION = "3.1 Length of training"
MARGIN = 0.02  # of identity and MAPS: half of what two held-out photos of a person differ by

trained = partial(Claim, SECTION, "section 3.1, B.2", "training_length")


def against_half(method: str, metric: str) -> tuple[Cells, Cells]:
    """At the preset's length, and at half of it."""
    return Cells(method, metric, ("1",)), Cells(method, metric, ("0.5",))


CLAIMS = (
    trained(
        "MyStyle does not overfit: samples are no less like held-out photos after twice the training",
        against_half("mystyle", "maps_heldout"),
        "greater",
        margin=-MARGIN,
    ),
    trained("MyStyle is compared at its plateau", against_half("mystyle", "identity"), "equal", margin=MARGIN),
    trained("DiffAugment is compared at its plateau", against_half("diffaugment", "identity"), "equal", margin=MARGIN),
    trained("Ojha et al. are compared at their plateau", against_half("ojha", "identity"), "equal", margin=MARGIN),
)
