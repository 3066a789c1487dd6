"""Edits that would leave P_beta: stop there, go on, or project back (section 3.4).

The paper offers the three and finds the projection useful; its released code goes on. The edits are those of
``editing``, with the same photos and wanted values, but of inversions into P+_0: those of ``editing`` use up the
dilation that its edits are allowed, so that nothing is left to an edit that stops.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, get_args

from benchmarks.api.suite import Figure, Suite, Variant
from benchmarks.api.task import Part
from benchmarks.suites import common, editing
from mystyle.editing import Policy

POLICIES: dict[Policy, str] = {"stop": "Stop at the bound", "continue": "Go on", "project": "Project back"}
assert set(POLICIES) == set(get_args(Policy))


def under(policy: Policy, settings: Any, part: Part) -> Any:
    """MyStyle with inversions into P+_0 and another policy of its edits."""
    found = common.with_beta(0.0, settings, part)
    return replace(found, edit=replace(found.edit, policy=policy))


SUITE = Suite(
    name="edit_policies",
    version=2,
    title="Edits beyond the prior",
    paper="3.4",
    methods=tuple(Variant(policy, title, "mystyle", partial(under, policy)) for policy, title in POLICIES.items()),
    metrics=editing.OF_PERSON,
    conditions=editing.TITLES,
    figures=(
        Figure(
            "strips",
            "edit_policies",
            "Pose edits under each policy: five wanted values of yaw from left to right.",
            {"condition": "yaw", "columns": "dose", "people": 3},
        ),
    ),
    presets=editing.SUITE.presets,
    parts=editing.parts,
)
