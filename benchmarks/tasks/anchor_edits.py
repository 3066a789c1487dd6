"""Edits of a person's anchors by given strengths (MyStyle, section 3.4): the same codes in whatever generator.

Anchors are found before the tuning and are the same after it, so that rows with the untuned and with the tuned
generator differ in nothing else. Codes move along the editor's direction in W, inside the prior or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmarks.api.registry import EDITORS
from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources
from benchmarks.tasks.restoration import stem
from benchmarks.tasks.through_editor import INVERTED, ThroughEditor
from mystyle.inversion import Codes, SharedGenerator
from mystyle.protocols import Spans
from mystyle.types import Portraits


@dataclass(frozen=True)
class AnchorEdits(ThroughEditor):
    editor: str = "interfacegan"
    """a file of ``mystyle/editors``"""

    name: ClassVar[str] = "anchor_edits"
    verb: ClassVar[type | None] = Spans

    def case(self, person: Person, anchor: int, attribute: str, strength: float, seed: int) -> Case:
        """The case of an edit of a reference photo's anchor."""
        file = person.train[anchor].file
        name = f"{stem(file)}-{attribute}{strength:+g}"
        return Case(name, file, item_seed("anchor", person.name, file, seed), edits=((attribute, strength),))

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        return Problem()

    @torch.no_grad()
    def solve(self, prior: Spans, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """The edited images; the facts are what the judge reads of the attributes in the anchors' own images."""
        domain, editor = resources.domain, EDITORS.load(self.editor)
        anchors, g = prior.anchors, prior.generator
        at = [anchors.names.index(case.image) for case in cases]
        w = anchors.codes[at][:, None].expand(-1, g.num_ws, -1)
        renderer = SharedGenerator(g)
        read = domain.judge.attributes(renderer(w).clamp(-1, 1))
        images = []
        for k, case in enumerate(cases):
            ((attribute, strength),) = case.edits
            code = Codes(ws=w[k : k + 1], renderer=renderer, rows=(k,))
            images.append(editor.apply(code, attribute, [strength], domain).render().cpu())
        return MethodOutput(torch.cat(images), {INVERTED + name: values.cpu() for name, values in read.items()})


TASK = AnchorEdits
