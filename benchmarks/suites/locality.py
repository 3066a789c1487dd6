"""Locality of the prior: Figures 3 and 5 of the paper (section 4.1).

From the centre c of P to an anchor and beyond, x = theta w_i + (1 - theta) c. Within P_0 (theta up to 1) the
images of the tuned generator should stay the person, and lose it as the way goes on; those of the untuned
generator, at the same codes, should not know the person at all. Beside the traversals: codes of P_0 near an anchor,
and codes of the whole of W sampled through the mapping network, as Figure 3 shows them.

PTI's locality regularisation keeps a tuning from reaching other codes, and MyStyle leaves it out on purpose (section
3.2): a row has it.

Where the paper is silent, we choose the number of anchors and, by seed, which they are. MAPS at theta = 1 is that
of a training photo's reconstruction to the photo itself; MAPS to held-out photos has no such advantage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.api.seeds import item_seed
from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Case, Part, Person
from benchmarks.suites import common
from benchmarks.tasks.restoration import stem
from benchmarks.tasks.traversal import Traversal

THETAS = tuple(i / 4 for i in range(11))
NEAR = 0.75  # weight of the anchor in a code near it; the rest is a sample of P_0


@dataclass(frozen=True)
class Settings:
    """One preset of the suite."""

    people: tuple[str, ...]  # rows of Table 5
    anchors: int  # traversals per person
    codes: int  # near an anchor, and of the whole of W
    summary: str
    thetas: tuple[float, ...] = THETAS


def parts(person: Person, people: Sequence[Person], settings: Settings, seed: int) -> tuple[Part, ...]:
    """A part for each theta, one near the first anchor, one of random codes."""
    files = [person.train[i].file for i in common.anchors_in_order(person, seed, settings.anchors)]
    traversals = [
        Part(
            Traversal(theta),
            tuple(Case(f"{stem(file)}-{theta:.2f}", file, 0, dose=theta) for file in files),
            condition=f"{theta:.2f}",
            level=theta,
        )
        for theta in settings.thetas
    ]
    seeds = [item_seed("code", person.name, i, seed) for i in range(settings.codes)]
    near = tuple(Case(f"near-{i:02d}", files[0], s) for i, s in enumerate(seeds))
    far = tuple(Case(f"far-{i:02d}", f"code {i:02d}", s) for i, s in enumerate(seeds))
    return (*traversals, Part(Traversal(NEAR, from_sample=True), near, "near"), Part(Traversal(None), far, "far"))


def regularised(settings: Any, part: Part) -> Any:
    """MyStyle with the weight of PTI's Eq. 7."""
    return replace(settings, fit=replace(settings.fit, locality_weight=0.1))


SUITE = Suite(
    name="locality",
    version=2,
    title="Locality",
    paper="Figures 3 and 5",
    methods=("untuned", "mystyle", Variant("mystyle_regularised", "MyStyle, tuned as PTI", "mystyle", regularised)),
    metrics=(*common.OF_PERSON, "identity_shift", "dilation"),
    conditions={f"{theta:.2f}": f"θ = {theta:g}" for theta in THETAS}
    | {"near": "Near an anchor", "far": "Random codes of W"},
    figures=(
        Figure(
            "curves",
            "locality",
            "From the centre (θ = 0) to an anchor (θ = 1) and beyond, as in Figure 5; thin lines are single anchors.",
            {"label": "θ", "mark": 1.0, "lines": True},
        ),
        Figure(
            "strips",
            "locality_strips",
            "The traversals, θ from left to right.",
            {"columns": "level", "rows": 2, "people": 3},
        ),
        Figure(
            "neighbourhood",
            "locality_neighbourhood",
            "An anchor, codes of P_0 near it, and random codes of W in the tuned generator, laid out as Figure 3.",
            {"method": "mystyle", "centre": "1.00", "inner": "near", "outer": "far"},
        ),
    ),
    presets={
        "smoke": Settings(common.SHORT[1:], 2, 4, "2 people, 2 anchors each, 3 thetas", (0.0, 1.0, 2.0)),
        "quick": Settings(common.SHORT, 5, 12, "3 people, 5 anchors each, 11 thetas: 4 minutes on two cores"),
        "full": Settings(common.EVERYBODY, 20, 50, "all 13 people, 20 anchors each: for a GPU"),
        "paper": Settings(("kamala_harris",), 10, 50, "the person of Figure 3, 10 anchors: for a GPU"),
    },
    parts=parts,
)
