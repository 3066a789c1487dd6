"""What a study leaves in RUN/study: the key to its pages, and the scores. Answers come back from raters as files.

study.json      what was shown where; whoever has it can tell the methods apart, so raters do not get it
pages/*.html    a page for each rater
scores.json     the shares, which the run's report reads; no rater and no image is named in it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import records
from benchmarks.engine.records import RecordError, SuiteRecord
from mystyle.files import require_regular
from reports.study.protocol import ANSWERS

FOLDER = "study"  # of a run
LARGEST = 4_000_000  # bytes of a file of answers; those of a page have a few thousand


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question of a page, and what the rater does not see."""

    id: str
    counts: str  # the answer that counts for the row; of an attention check, the right one
    row: str = ""  # the compared method, or whose image is shown; "" of a check
    condition: str = ""
    person: str = ""
    case: str = ""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Study:
    """study.json: who was asked what."""

    study: str  # the hash of all that raters see
    suite: str
    paper: str
    form: str  # of ``protocol.ANSWERS``
    question: str
    ours: str
    minutes: float | None
    seed: int
    jobs: tuple[str, ...]  # whose images are shown
    raters: Mapping[str, tuple[Question, ...]]  # in the order of the page


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a page has its rater save."""

    study: str
    rater: str
    answers: Mapping[str, str]  # by id of the question


@dataclass(frozen=True, kw_only=True)
class Share:
    """How often a row was preferred to ours, or taken for real."""

    condition: str
    row: str
    chosen: int
    answers: int
    raters: int
    share: float
    wilson: tuple[float, float]  # 95 %, as if all answers were independent
    interval: tuple[float, float]  # 95 %, where a rater's answers may be alike


@dataclass(frozen=True, kw_only=True)
class Scores:
    """scores.json: the shares of one study."""

    study: str
    suite: str
    form: str
    ours: str
    raters: int  # who count
    left_out: int  # for attention checks
    jobs: tuple[str, ...]
    shares: tuple[Share, ...]


def read_study(run: Path) -> Study:
    """The key of the run's study. Raises RecordError."""
    path, way_out = run / FOLDER / "study.json", "make the study with python -m reports.study make"
    study = records.parse(Study, records.read_json(path, way_out), path, way_out)
    if study.form not in ANSWERS:
        raise RecordError(f"{path}: missing or wrong: form; {way_out}")
    return study


def read_answers(path: Path, study: Study) -> Answers:
    """A rater's answers, which belong to the study and leave nothing out. Raises RecordError.

    Where the time was limited, questions after the last answer may be open.
    """
    way_out = "ask the rater to save it again from the page"
    try:
        require_regular(path)
        if path.stat().st_size > LARGEST:
            raise RecordError(f"{path}: too large for a file of answers; {way_out}")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror}); {way_out}") from error
    found = records.parse(Answers, records.read_json(path, way_out), path, way_out)
    if found.study != study.study:
        raise RecordError(f"{path}: answers of another study ({found.study!a:.40}); leave it out")
    if found.rater not in study.raters:
        raise RecordError(f"{path}: the study has no rater {found.rater!a:.40}; leave it out")
    questions = [question.id for question in study.raters[found.rater]]
    if strange := set(found.answers) - set(questions):
        raise RecordError(f"{path}: the page of rater {found.rater} has no question {min(strange)!a:.40}; {way_out}")
    if wrong := set(found.answers.values()) - set(ANSWERS[study.form]):
        raise RecordError(f"{path}: {min(wrong)!a:.40} is no answer of this study; {way_out}")
    answered = [name in found.answers for name in questions]
    wanted = len(found.answers) if study.minutes else len(questions)
    if not wanted or not all(answered[:wanted]):
        missing = answered.index(False) + 1
        raise RecordError(f"{path}: question {missing} of {len(questions)} has no answer; {way_out}")
    return found


def read_scores(run: Path, suite: SuiteRecord) -> Scores | None:
    """The scores of the run's study; None where there are none. Raises RecordError."""
    path, way_out = run / FOLDER / "scores.json", "score the study again, or delete the file"
    if not path.is_file():
        return None
    scores = records.parse(Scores, records.read_json(path, way_out), path, way_out)
    rows = {row.name for row in suite.methods}
    if scores.suite != suite.name or scores.form not in ANSWERS or {share.row for share in scores.shares} - rows:
        raise RecordError(f"{path}: scores of another run; {way_out}")
    return scores
