"""Which images of a run are shown to whom, in which order and on which side.

Questions are dealt like cards: the cases of each row are shuffled, rows take turns, and every rater takes the next ones
of that deck, which begins anew when it ends. So all questions are asked as often as can be, and of all rows alike. A
pair changes sides along the deck and from one round to the next: over raters each row's image is on either side equally
often, and so, but for one, is it within a page. Then a page is shuffled, and the attention checks are strewn over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from benchmarks.engine.records import RecordError
from reports.runs import Case
from reports.study.protocol import ANSWERS, Protocol


@dataclass(frozen=True)
class Asked:
    """A question as it is dealt: of a case, about a row's image; and the answer that counts for the row."""

    case: Case
    row: str
    counts: str
    check: bool = False  # the right answer is ``counts``, and is obvious


def deal(
    cases: Sequence[Case],
    protocol: Protocol,
    *,
    raters: int,
    items: int,
    checks: int,
    seed: int,
    known: frozenset[str] = frozenset(),
) -> list[list[Asked]]:
    """The pages of all raters: at most ``items`` questions each, none twice, and ``checks`` of attention.

    ``known`` are the people of whom the page shows photos: one of them again is a real one, in studies that ask.
    Raises RecordError if there are no images for the protocol.
    """
    deck = _deck(cases, protocol, seed)
    answers = ANSWERS[protocol.form]
    size = min(items, len(deck))
    if not deck:
        wanted = f"images of {', '.join(protocol.rows) or 'other rows'}"
        where = f" beside {protocol.ours}" * bool(protocol.ours)
        where += f" under {', '.join(protocol.conditions)}" * bool(protocol.conditions)
        raise RecordError(f"the run has no {wanted}{where}; see --rows, --ours, --conditions and --people")
    pages = []
    for rater in range(raters):
        rng = np.random.default_rng([seed, rater])
        page = []
        for place in range(rater * size, (rater + 1) * size):
            lap, card = divmod(place, len(deck))
            case, row, parity = deck[card]
            page.append(Asked(case, row, answers[(parity + lap) % 2] if protocol.form == "pair" else answers[0]))
        page = [page[i] for i in rng.permutation(len(page))]
        pages.append(_with_checks(page, protocol, checks, known, rng))
    return pages


def _deck(cases: Sequence[Case], protocol: Protocol, seed: int) -> list[tuple[Case, str, int]]:
    """(case, row, parity): rows in turns, each with its cases in an order of its own; parities alternate in a row."""
    rng = np.random.default_rng(seed)
    columns = []
    for number, row in enumerate(protocol.rows):
        needed = {row, protocol.ours} - {""}
        mine = [case for case in cases if needed <= case.outputs.keys()]
        mine = [case for case in mine if not protocol.conditions or case.condition in protocol.conditions]
        columns.append([(mine[k], row, number + i) for i, k in enumerate(rng.permutation(len(mine)))])
    return [card for turn in zip_longest(*columns) for card in turn if card is not None]


def _with_checks(
    page: list[Asked], protocol: Protocol, checks: int, known: frozenset[str], rng: np.random.Generator
) -> list[Asked]:
    """The page with checks of its own images, each at a random place of its own part of the page."""
    answers, found = ANSWERS[protocol.form], list(page)
    first = int(rng.integers(2))
    ends = np.linspace(0, len(page), checks + 1).astype(int)
    for number in reversed(range(checks)):
        source = page[int(rng.integers(len(page)))]
        if protocol.form == "pair":
            right = answers[(first + number) % 2]
        else:  # noise is not real; a photo that the page shows as the person's is
            right = answers[0] if number % 2 and source.case.person in known else answers[1]
        found.insert(int(rng.integers(ends[number], ends[number + 1] + 1)), Asked(source.case, source.row, right, True))
    return found
