"""Answers to shares.

An attention check has one right answer. Who got one wrong is left out, and so is who saw none because the time ended
before: the shares are those of the others, and how many were left out is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.analysis.statistics import share_interval, wilson_interval
from benchmarks.engine.records import RecordError
from reports.study.files import Answers, Question, Scores, Share, Study


def score(study: Study, answers: Sequence[Answers]) -> Scores:
    """The shares of all rows, in the order in which pages have them. Raises RecordError where no rater is left."""
    counted = [one for one in answers if is_attentive(study.raters[one.rater], one)]
    if not counted:
        raise RecordError(f"none of {len(answers)} raters passed the attention checks; there is nothing to score")
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for one in counted:
        for question in study.raters[one.rater]:
            if question.row and question.id in one.answers:
                chosen = one.answers[question.id] == question.counts
                found.setdefault((question.condition, question.row), []).append((one.rater, chosen))
    return Scores(
        study=study.study,
        suite=study.suite,
        form=study.form,
        ours=study.ours,
        raters=len(counted),
        left_out=len(answers) - len(counted),
        jobs=study.jobs,
        shares=tuple(_share(*cell, found[cell]) for cell in sorted(found)),
    )


def is_attentive(questions: Sequence[Question], given: Answers) -> bool:
    """Whether the rater saw an attention check, if there is one, and answered all that were seen rightly."""
    checks = [question for question in questions if not question.row]
    seen = [question for question in checks if question.id in given.answers]
    return all(given.answers[question.id] == question.counts for question in seen) and bool(seen or not checks)


def _share(condition: str, row: str, answers: Sequence[tuple[str, bool]]) -> Share:
    raters, chosen = zip(*answers, strict=True)
    return Share(
        condition=condition,
        row=row,
        chosen=sum(chosen),
        answers=len(chosen),
        raters=len(set(raters)),
        share=sum(chosen) / len(chosen),
        wilson=wilson_interval(sum(chosen) / len(chosen), len(chosen)),
        interval=share_interval(chosen, raters),
    )
