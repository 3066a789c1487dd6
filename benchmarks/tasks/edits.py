"""Edits of inverted photos by given strengths, one or several in sequence (PTI, Table 2; II2S, section 4.4).

The same strengths for every inversion, so that what differs is what the codes allow: less change of the attribute is
less editability, and has to be read beside the identity that is kept. Nothing is tuned for the edit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from benchmarks.api.task import Case
from benchmarks.tasks.through_editor import InvertedOnce, SingleEdits
from mystyle.domains.domain import Domain
from mystyle.inversion import Codes, Inversion
from mystyle.protocols import Editor


@dataclass(frozen=True)
class Edits(SingleEdits):
    """The edits are the cases' (``Case.edits``)."""

    editor: str = "interfacegan"
    name: ClassVar[str] = "edits"

    def attributes(self, case: Case) -> tuple[str, ...]:
        return tuple(attribute for attribute, _ in case.edits)

    def each(
        self, found: InvertedOnce, cases: Sequence[Case], editor: Editor, domain: Domain
    ) -> Iterator[tuple[Codes, int]]:
        """Single edits of an attribute are made at once, of all photos and by all strengths."""
        single = dict.fromkeys(case.edits[0] for case in cases if len(case.edits) == 1)
        by = {name: [strength for other, strength in single if other == name] for name, _ in single}
        made = {name: editor.apply(found.codes, name, strengths, domain) for name, strengths in by.items()}
        for k, case in zip(found.rows, cases, strict=True):
            if len(case.edits) == 1:
                ((name, strength),) = case.edits
                yield made[name], k * len(by[name]) + by[name].index(strength)
            else:
                yield self.edited(found.codes, k, case, editor, domain), k

    def edited(self, codes: Inversion, k: int, case: Case, editor: Editor, domain: Domain) -> Codes:
        changed: Codes = codes
        for attribute, strength in case.edits:
            changed = editor.apply(changed, attribute, [strength], domain)
        return changed


TASK = Edits
