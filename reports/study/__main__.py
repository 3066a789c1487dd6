"""``python -m reports.study make RUN`` and ``python -m reports.study score RUN ANSWERS ...``: user studies.

``make`` writes RUN/study: pages/rater-*.html, one for each rater, and study.json, the key to them, which raters do not
get. ``score`` reads the files that raters hand back and writes RUN/study/scores.json, from which
``python -m reports.build RUN`` fills the column "User %" of the run's table.
Exit status 0, or 2 where an argument cannot be used, with a line for each reason; nothing is written then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.runs import Run
    from reports.study.files import Answers
    from reports.study.protocol import Protocol


def make(parsed: argparse.Namespace) -> int:
    """Writes the study of a run. Raises RecordError if there is another one, or the run has not what is wanted."""
    from benchmarks.engine import records
    from mystyle.files import printable
    from reports.runs import read_run
    from reports.study.design import deal
    from reports.study.files import FOLDER, read_study
    from reports.study.pages import pages, photos_of

    run = read_run(parsed.run)
    protocol = _protocol(run, parsed)
    cases = [case for case in run.cases if not parsed.people or case.person in parsed.people]
    people = sorted({case.person for case in cases}) if parsed.photos and protocol.people else []
    known = photos_of(run, parsed.photos, people, parsed.seed) if people else {}
    size = {"raters": protocol.raters, "items": protocol.items, "checks": parsed.checks, "seed": parsed.seed}
    dealt = deal(cases, protocol, **size, known=frozenset(known))
    study, texts = pages(run, protocol, dealt, known, parsed.seed)
    place = parsed.run / FOLDER
    if place.exists():
        if not (place / "study.json").is_file() or read_study(parsed.run).study != study.study:
            raise records.RecordError(f"{place}: holds another study; move it away first")
    else:
        with records.whole_folder(place) as partial:
            (partial / "pages").mkdir()
            records.write_json(partial / "study.json", asdict(study))
            for rater, text in texts.items():
                (partial / "pages" / f"rater-{rater}.html").write_text(text, encoding="utf-8", newline="\n")
    print(f"{printable(str(place / 'pages'))}: a page for each of {len(texts)} raters, {len(dealt[0])} questions each")
    print(f"{printable(str(place / 'study.json'))}: the key, not for raters")
    return 0


def score(parsed: argparse.Namespace) -> int:
    """Writes the scores of the run's study and prints their table. Raises RecordError, after naming bad files."""
    from benchmarks.engine import records
    from mystyle.files import printable
    from reports.runs import read_run
    from reports.study.files import FOLDER, read_answers, read_study
    from reports.study.scoring import score
    from reports.study.table import table

    run, study = read_run(parsed.run), read_study(parsed.run)
    read: dict[str, tuple[Path, Answers]] = {}
    wrong = []
    for path in parsed.answers:
        try:
            found = read_answers(path, study)
            if found.rater in read:
                raise records.RecordError(f"{path}: rater {found.rater} has answered in {read[found.rater][0]}, too")
            read[found.rater] = path, found
        except records.RecordError as error:
            wrong.append(str(error))
    if wrong:
        raise records.RecordError("\n".join(wrong))
    scores = score(study, [found for _, found in read.values()])
    records.write_json(parsed.run / FOLDER / "scores.json", asdict(scores))
    print(table(replace(run, study=scores)).markdown())
    print(f"Into the run's table: python -m reports.build {printable(str(parsed.run))}")
    return 0


def _protocol(run: Run, parsed: argparse.Namespace) -> Protocol:
    """The protocol of the run's suite with what the command line changes of it."""
    from benchmarks.engine.records import RecordError
    from reports.study.protocol import protocol_of

    protocol = protocol_of(run.suite.name)
    if protocol is None:
        raise RecordError(f"{run.folder}: no paper has a user study of suite {run.suite.name}; use a run of another")
    changes = {name: getattr(parsed, name) for name in ("ours", "raters", "items", "minutes")}
    changes = {name: value for name, value in changes.items() if value is not None}
    protocol = replace(protocol, **changes)
    shown = {name for case in run.cases for name in case.outputs}
    methods = [row.name for row in run.methods if row.kind == "method"]
    rows = parsed.rows or [row for row in protocol.rows if row in shown] or methods
    protocol = replace(protocol, rows=tuple(row for row in rows if row != protocol.ours))
    protocol = replace(protocol, conditions=tuple(parsed.conditions or protocol.conditions))
    known = {"--rows": [row.name for row in run.methods], "--conditions": [c.name for c in run.conditions]}
    known |= {"--people": sorted({case.person for case in run.cases}), "--ours": known["--rows"]}
    wanted = {"--rows": protocol.rows, "--conditions": protocol.conditions, "--people": parsed.people or ()}
    wanted |= {"--ours": [protocol.ours] if protocol.ours else []}
    for flag, names in wanted.items():
        if unknown := set(names) - set(known[flag]):
            raise RecordError(f"{run.folder}: has no {min(unknown)!a:.80}; {flag} takes {', '.join(known[flag])}")
    return protocol


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m reports.study", description="User studies on the images of a run.")
    commands = parser.add_subparsers(required=True, metavar="make|score")
    one = commands.add_parser("make", help="a page for each rater, and the key to them")
    one.set_defaults(command=make)
    one.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    one.add_argument("--raters", type=_at_least(1), metavar="N", help="pages; by default as many as in the paper")
    one.add_argument("--items", type=_at_least(1), metavar="N", help="questions for each rater, checks not counted")
    one.add_argument("--minutes", type=float, metavar="M", help="time limit; by default the paper's")
    one.add_argument("--checks", type=_at_least(0), default=4, metavar="N", help="attention checks on a page (4)")
    one.add_argument("--seed", type=_at_least(0), default=0, metavar="S", help="of the order and the sides (0)")
    one.add_argument("--rows", nargs="+", metavar="ROW", help="rows of the table whose images are shown")
    one.add_argument("--ours", metavar="ROW", help="of pairs: the row that every other one is compared with")
    one.add_argument("--conditions", nargs="+", metavar="NAME", help="conditions of the suite")
    one.add_argument("--people", nargs="+", metavar="NAME", help="people of the run, by default all")
    about = "folder of the run's people, whose reference photos are shown to raters who do not know them"
    one.add_argument("--photos", type=Path, metavar="FOLDER", help=about)
    two = commands.add_parser("score", help="the answers as shares with intervals")
    two.set_defaults(command=score)
    two.add_argument("run", type=Path, metavar="RUN", help="folder of the run whose study it is")
    two.add_argument("answers", nargs="+", type=Path, metavar="ANSWERS", help="files that raters saved")
    parsed = parser.parse_args(arguments)

    from benchmarks.engine.records import RecordError
    from mystyle.files import printable

    if getattr(parsed, "minutes", None) is not None and not 0 < parsed.minutes < float("inf"):
        parser.error("argument --minutes: has to be above 0")
    try:
        status: int = parsed.command(parsed)
    except (RecordError, OSError) as error:
        for line in str(error).splitlines():
            print(f"reports.study: {printable(line)}", file=sys.stderr)
        return 2
    return status


def _at_least(least: int) -> Callable[[str], int]:
    """A type of argparse for whole numbers."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"has to be {least} or more")
        return int(text)

    return number


if __name__ == "__main__":
    sys.exit(main())
