"""Claims of appendix B.1."""

from __future__ import annotations

from functools import partial

from benchmarks.analysis.claims import Cells, Claim, pair

text = partial(Claim, "B.1 Sampling from P_0", "appendix B.1", "sampling")


def against(row: str, metric: str) -> tuple[Cells, Cells]:
    return pair(row, "b1", metric)


CLAIMS = (
    text(
        "Other ways of sampling may be superior: Dirichlet's is nearer to the reference set",
        against("sparse", "kid"),
        "less",
    ),
    text("Hit-and-run is nearer to it", against("hit_and_run", "kid"), "less"),
    text("Dirichlet's samples are more diverse", against("sparse", "diversity"), "greater"),
    text("Samples of hit-and-run are more diverse", against("hit_and_run", "diversity"), "greater"),
)
