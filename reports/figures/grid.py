"""A row of images per case, a column per method: the layout of Figures 6, 9, 10 and 15.

Options: ``columns``, methods and references from left to right; ``conditions``, if not all are wanted; ``people``, how
many at most; ``companion``, the name of an image that is kept beside the outputs and its title, shown beside the input;
``extremes``, a metric by whose highest and lowest value the rows are chosen, two for each condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine.records import RowRecord
from reports.figures import Drawing
from reports.figures.style import sheet
from reports.runs import Case, Run

FACES = True
MIN_ROWS = 5  # with fewer people than this, a person has several rows
MAX_ROWS = 13  # the people of Table 5
CHOICE = (
    "Cases are chosen by rule and never by score: people in turn, each time the person's first case "
    "under the mask or condition that was shown least."
)


def draw(run: Run, options: Mapping[str, Any]) -> Drawing | None:
    if options.get("extremes"):
        rows, labels, rule = _extremes(run, options["extremes"])
    else:
        wanted = options.get("conditions")
        first = list(dict.fromkeys(case.person for case in run.cases))[: options.get("people")]
        cases = [case for case in run.cases if wanted is None or case.condition in wanted]
        rows, rule = choose([case for case in cases if case.person in first]), CHOICE
        labels = [f"{case.person}\n{run.label(case)}" for case in rows]
    if not rows:
        return None
    columns = columns_of(run, rows, options.get("columns", ()))
    beside, title = options.get("companion", ("", ""))
    given = [[case.input, *([companion_of(case, beside)] if beside else [])] for case in rows]
    titles = ["Input", *([title] if beside else []), *(method.title for method in columns)]
    figure = sheet(
        [
            [*images, *(case.outputs.get(method.name) for method in columns)]
            for case, images in zip(rows, given, strict=True)
        ],
        titles=titles,
        labels=labels,
    )
    shown, people = ", ".join(titles), ", ".join(dict.fromkeys(case.person for case in rows))
    return Drawing(
        figure,
        f"Left to right: {shown}. {rule}",
        f"Grid of face images: a row per case of {people}; the columns are {shown}.",
    )


def companion_of(case: Case, name: str) -> Path | None:
    """The image of that name beside the first output that has one; methods do not decide it."""
    found = (case.companion(method, name) for method in case.outputs)
    return next((path for path in found if path), None)


def choose(cases: Sequence[Case]) -> list[Case]:
    """The rows of the figure: people in turn; a turn takes the rule that the person, then the figure, had least.

    The rule is the mask's, or else the condition. Ties go to the earlier rule, and under a rule to the earlier case;
    only the lowest seed is used. Scores and failures play no part: a method without an image leaves its place empty.
    """
    cases = [case for case in cases if case.seed == min(c.seed for c in cases)]
    people = list(dict.fromkeys(case.person for case in cases))
    rules = list(dict.fromkeys(case.rule for case in cases))
    left = {person: [case for case in cases if case.person == person] for person in people}
    chosen: list[Case] = []

    def shown(case: Case) -> tuple[int, int, int]:
        same_rule = [other for other in chosen if other.rule == case.rule]
        return sum(o.person == case.person for o in same_rule), len(same_rule), rules.index(case.rule)

    for turn in range(min(MAX_ROWS, max(MIN_ROWS, len(people)))):
        if remaining := left[people[turn % len(people)]]:
            chosen.append(min(remaining, key=shown))
            remaining.remove(chosen[-1])
    return sorted(chosen, key=lambda case: people.index(case.person))


def columns_of(run: Run, rows: Sequence[Case], wanted: Sequence[str]) -> list[RowRecord]:
    """The wanted columns that have an image in some row; methods that are not named come before those that are."""
    shown = {name for case in rows for name in case.outputs}
    methods = {method.name: method for method in run.methods if method.name in shown}
    listed = [name for name in wanted if name in methods]
    others = [name for name, method in methods.items() if method.kind == "method" and name not in listed]
    first = next((i for i, name in enumerate(listed) if methods[name].kind == "method"), len(listed))
    return [methods[name] for name in listed[:first] + others + listed[first:]]


def _extremes(run: Run, metric: str) -> tuple[list[Case], list[str], str]:
    """For each condition the cases with the highest and the lowest value of ``metric``."""
    scored = run.scored[run.scored["metric"] == metric]
    values = scored.groupby(["person", "seed", "case"])["value"].first()
    rows, labels = [], []
    for condition in run.suite.conditions:
        cases = [case for case in run.cases if case.condition == condition.name and case.key in values.index]
        if cases:
            for word, pick in (("most", max), ("least", min)):
                case = pick(cases, key=lambda case: values[case.key])
                rows.append(case)
                labels.append(f"{case.person}, {word} typical\n{condition.title}")
    return rows, labels, ""
