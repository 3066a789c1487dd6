"""The edit-consistency score of MAGEC (section 4.2, Eq. 4 and 5): an edit should be undone by its inverse.

    ecs = 2 d(p, cyc) / (d(p, edit) + d(edit, cyc))

with p the image of the projection, edit that of its edited code, cyc that of the re-projected edit edited back. 0 is
best; from 1 on, undoing ends farther from the start than one of the edits went. d is the domain's perceptual distance.

Where an edit changes nothing both sides vanish: such cycles have no value here, and ``still_edits`` counts them.
"""

from __future__ import annotations

from benchmarks.api.metric import Evaluation, Metric
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.cycles import cycles


def edit_consistency(evaluation: Evaluation) -> dict[str, float]:
    """``{case that ends a cycle: ecs}``. Raises Inapplicable where no edit changed anything."""
    c = cycles(evaluation)
    if c.still.all():
        raise Inapplicable("no edit changes the image")
    ecs = 2 * c.whole / (c.edit + c.back)
    return {name: value for name, value, s in zip(c.names, ecs.tolist(), c.still.tolist(), strict=True) if not s}


METRIC = Metric(
    name="edit_consistency",
    version=1,
    label="ECS",
    description="2 d(p, cyc) / (d(p, edit) + d(edit, cyc)) of an edit and its way back, by the perceptual distance.",
    higher_is_better=False,
    range=(0.0, None),
    unit="",
    network="perceptual",
    compute=edit_consistency,
)
