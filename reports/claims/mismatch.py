"""Claims of section 6 and Figure 14."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim

SECTION = "6 Limitations"

figure_14 = partial(Claim, SECTION, "Figure 14", "mismatch")

CLAIMS = (
    figure_14(
        "By another person's prior a photo loses its person, compared with one's own",
        (Cells("mystyle", "identity_subject", ("another",)), Cells("mystyle", "identity_subject", ("own",))),
        "less",
        primary=True,
    ),
    figure_14(
        "It does not become the person of the prior either",
        (Cells("mystyle", "identity", ("another",)), Cells("mystyle", "identity", ("own",))),
        "less",
    ),
)
