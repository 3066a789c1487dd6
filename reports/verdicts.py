"""``python -m reports.verdicts RESULTS [RESULTS ...] --out FILE``: the page of the papers' claims.

``RESULTS`` is a folder that ``reports.publish`` filled, with one domain; several stand beside each other as columns.
The claims are those of ``reports/claims``, the verdicts those of ``benchmarks/analysis/verdicts.py``.

Below the table of MyStyle's section 5.1 stands ``reports/comments/MyStyle-5.1.md``, if there is one, word for word,
below the paper's name ``MyStyle.md``, and at the top ``introduction.md``; but
``{{DOMAIN/SUITE/CONDITION/ROW/METRIC}}`` becomes the mean of that cell in summary.csv, with its dagger. The same files
give the same bytes.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import pandas as pd

from benchmarks.analysis.changes import superseded
from benchmarks.analysis.claims import CORRELATIONS, TRENDS, Cells, Claim, Untestable
from benchmarks.analysis.statistics import ENOUGH_PEOPLE
from benchmarks.analysis.verdicts import NOT_TESTABLE, WORDS, Verdict, verdicts
from benchmarks.engine import records
from benchmarks.engine.records import Record, RecordError, SuiteRecord
from mystyle.files import printable
from reports.claims import PAPERS, declared
from reports.table import DASH, TIE, Cell, Row, Table, row_title

COMMENTS = Path(__file__).with_name("comments")
PLACEHOLDER = re.compile(r"\{\{([^{}/]*)/([^{}/]*)/([^{}/]*)/([^{}/]*)/([^{}/]*)\}\}")
MARGINS_OF = "synthetic"  # the domain for which claims state their margins
SIGNS = {"greater": ">", "less": "<", "equal": "="}
LEGEND = f"""\
Bold claims are primary: corrected for together; the others are corrected for with those of their suite. A verdict
follows from the numbers beside it by [a written rule](../docs/statistics.md#verdicts); it needs {ENOUGH_PEOPLE} people.
Numbers are means over people, who weigh alike (in tables and texts images do); in brackets is the 95 % interval of the
difference, or of a trend's change from the first level to the last, for other people of this kind. {TIE} marks a row
that `summary.csv` marks, under any of the conditions: not significantly different from the best of its column. The text
below a table comments, and decides nothing. How many claims have which verdict, and in brackets how many of those are
primary:"""


@dataclass(frozen=True)
class Published:
    """What is published of one run."""

    suite: SuiteRecord
    records: tuple[Record, ...]
    results: pd.DataFrame
    summary: pd.DataFrame  # indexed by condition, method, metric
    commit: str

    def tied(self, cells: Cells) -> bool:
        """Whether the summary has a dagger at one of the cells."""
        keys = [(condition, cells.row, cells.metric) for condition in cells.conditions]
        return any(bool(self.summary.at[key, "tied_with_best"]) for key in keys if key in self.summary.index)


@dataclass(frozen=True)
class ResultSet:
    """All published runs of one domain, by suite."""

    domain: str
    runs: Mapping[str, Published]

    @cached_property
    def verdicts(self) -> Mapping[Claim, Verdict]:
        """The verdict on every claim that can be tested at all."""
        claims = [claim for claim in declared() if isinstance(claim, Claim)]
        found = verdicts([c for c in claims if self.decides(c)], {name: run.results for name, run in self.runs.items()})
        other = f"its margin is in the unit of domain {MARGINS_OF}'s network"
        elsewhere = [Verdict(c, NOT_TESTABLE, reason=other) for c in claims if not self.decides(c)]
        return {verdict.claim: verdict for verdict in (*found, *elsewhere)}

    def decides(self, claim: Claim) -> bool:
        """Whether the claim's margin means something here: a domain's perceptual network has a unit of its own."""
        if not claim.margin or self.domain == MARGINS_OF or claim.suite not in self.runs:
            return True
        metrics = self.runs[claim.suite].suite.metrics
        own = {metric.name for metric in metrics if metric.shares_network_with_loss}
        return not any(cells.metric in own for cells in claim.cells)

    def word(self, claim: Claim | Untestable) -> str:
        return NOT_TESTABLE if isinstance(claim, Untestable) else self.verdicts[claim].word


def read_set(folder: Path) -> ResultSet:
    """The published runs in ``folder``.

    Raises RecordError if there is none, if one cannot be used, or if they are of several domains.
    """
    runs = {path.parent.name: _read(path.parent) for path in sorted(folder.glob(f"*/{records.ARCHIVE}"))}
    domains = {record.domain for run in runs.values() for record in run.records}
    if len(domains) != 1:
        raise RecordError(f"{folder}: holds {len(domains)} domains, not one; name a folder of reports.publish")
    return ResultSet(domains.pop(), runs)


def _read(folder: Path) -> Published:
    suite, found, results = records.read_published(folder)
    path = folder / "summary.csv"
    try:
        texts = dict.fromkeys(("condition", "method", "metric"), str)  # a condition can be a number
        summary = pd.read_csv(path, keep_default_na=False, na_values={"mean": [""]}, dtype=texts)
        summary = summary.set_index(["condition", "method", "metric"])
        summary["tied_with_best"] = summary["tied_with_best"].astype(str) == "True"
    except (OSError, ValueError, KeyError) as error:
        raise RecordError(f"{path}: cannot be read ({error}); {records.RESTORE}") from error
    environment = folder / "environment.json"
    about = records.read_json(environment, records.RESTORE) if environment.is_file() else {}
    commit = str(about.get("commit") or "")[:10] + " with local changes" * bool(about.get("dirty"))
    return Published(suite, found, results, summary, commit)


def page(sets: Sequence[ResultSet], command: str) -> str:
    """The whole page as Markdown."""
    sources = "published records, the claims in `reports/claims` and the texts in `reports/comments`"
    lead = f"Made by `{command}`\nfrom {sources}."
    blocks = ["# The papers' claims", lead, _comment("introduction", sets), LEGEND, _counts(sets)]
    for paper, stated in groupby(declared(), key=lambda claim: claim.paper):
        blocks += [f"## {paper}", _comment(paper, sets)]
        for section, claims in groupby(stated, key=lambda claim: claim.section):
            number = section.split()[0]
            blocks += [f"### {section}", _section(list(claims), sets), _comment(f"{paper}-{number}", sets)]
    blocks += ["## What was run", _runs(sets)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _comment(name: str, sets: Sequence[ResultSet]) -> str:
    """The text of a section, empty if there is none, with the numbers that it asks for."""
    path = COMMENTS / f"{name}.md"
    if not path.is_file():
        return ""
    by_domain = {each.domain: each for each in sets}

    def number(match: re.Match[str]) -> str:
        domain, suite, *cell = match.groups()
        run = by_domain[domain].runs.get(suite) if domain in by_domain else None
        row = tuple(cell)
        if run is None or row not in run.summary.index or pd.isna(run.summary.at[row, "mean"]):
            return DASH
        mean = float(run.summary.at[row, "mean"])
        return f"{mean:z.{min(3, _decimals(mean))}f}" + f" {TIE}" * bool(run.summary.at[row, "tied_with_best"])

    return PLACEHOLDER.sub(number, path.read_text(encoding="utf-8").strip())


def _table(columns: Sequence[str], rows: Sequence[Row], text: int) -> str:
    """A Markdown table without caption and notes."""
    table = Table("", "", tuple(map(Cell, columns)), (tuple(rows),), (), pd.DataFrame(), text)
    return table.markdown().strip()


def _counts(sets: Sequence[ResultSet]) -> str:
    """How many claims of each paper have which verdict; in brackets, how many of these are primary."""
    rows = []
    for each in sets:
        for paper in PAPERS:
            stated = [claim for claim in declared() if claim.paper == paper]
            cells = [Cell(paper), Cell(each.domain)]
            for word in WORDS:
                those = [claim for claim in stated if each.word(claim) == word]
                primary = sum(map(_is_primary, those))
                cells.append(Cell(f"{len(those)} ({primary})" if primary else f"{len(those)}"))
            rows.append(tuple(cells))
    return _table(("claims of", "domain", *WORDS), rows, 2)


def _section(claims: Sequence[Claim | Untestable], sets: Sequence[ResultSet]) -> str:
    columns = ["claim", "compared"]
    for each in sets:
        columns += [each.domain, "numbers", "people"]
    rows = []
    for claim in claims:
        compared = _compared(claim, sets) if isinstance(claim, Claim) else DASH
        cells = [Cell(f"{claim.statement} ({claim.source})", bold=_is_primary(claim)), Cell(compared)]
        for each in sets:
            cells.append(Cell(each.word(claim)))
            cells += _numbers(each.verdicts[claim], each) if isinstance(claim, Claim) else _without(claim.reason)
        rows.append(tuple(cells))
    return _table(columns, rows, len(columns))


def _is_primary(claim: Claim | Untestable) -> bool:
    return isinstance(claim, Claim) and claim.primary


def _compared(claim: Claim, sets: Sequence[ResultSet]) -> str:
    """What is compared, in the titles of the suite: what the cells share first, then what each has of its own."""
    run = next((each.runs[claim.suite] for each in sets if claim.suite in each.runs), None)
    titles: dict[str, dict[str, str]] = {"metric": {}, "row": {}, "condition": {}}
    if run is not None:
        titles["metric"] = {metric.name: metric.label for metric in run.suite.metrics}
        titles["row"] = {row.name: row_title(row) for row in run.suite.methods}
        titles["condition"] = {condition.name: condition.title for condition in run.suite.conditions}
    parts = [
        (
            titles["metric"].get(cells.metric, cells.metric),
            titles["row"].get(cells.row, cells.row),
            ", ".join(titles["condition"].get(name, name) for name in cells.conditions),
        )
        for cells in claim.cells
    ]
    differs = [len(set(kind)) > 1 for kind in zip(*parts, strict=True)]
    shared = ", ".join(part for part, own in zip(parts[0], differs, strict=True) if part and not own)
    names = [", ".join(part for part, own in zip(each, differs, strict=True) if own) for each in parts]
    published = [number for cells in claim.cells for number in _published(run, cells)]
    return f"{shared}: {_relation(claim, names)}" + f" (published {', '.join(published)})" * bool(published)


def _relation(claim: Claim, names: Sequence[str]) -> str:
    if claim.relation in TRENDS:
        return f"{claim.relation} over {', '.join(names)}"
    if claim.relation in CORRELATIONS:
        return f"rank correlation of {names[0]} and {names[1]} {'>' if claim.relation == 'correlated' else '<'} 0"
    first, second = names[0], names[1] if len(names) > 1 else f"{claim.number:g}"
    if claim.relation == "equal":
        second += f" ± {claim.margin:g}"
    elif claim.margin:
        up = (claim.margin > 0) == (claim.relation == "greater")
        second += f" {'+' if up else '-'} {abs(claim.margin):g}"
    return f"{first} {SIGNS[claim.relation]} {second}".strip()


def _published(run: Published | None, cells: Cells) -> Iterator[str]:
    """What the paper reports for the cells."""
    if run is not None:
        for condition in cells.conditions:
            numbers = run.suite.published_numbers(cells.row, cells.metric, condition)
            yield from (str(number).partition(" ")[0] for number in numbers.values())  # without its deviation


def _numbers(verdict: Verdict, results: ResultSet) -> Row:
    """The means, the difference with its interval, the test; and how many people."""
    claim = verdict.claim
    if verdict.word == NOT_TESTABLE:
        return _without(verdict.reason)
    run = results.runs[claim.suite]
    decimals = _decimals(max(map(abs, verdict.means)))

    def text(value: float) -> str:
        return f"{value:z.{decimals}f}"

    means = [text(mean) + f" {TIE}" * run.tied(cells) for mean, cells in zip(verdict.means, claim.cells, strict=True)]
    shown = " → ".join((means[0], means[-1])) if claim.relation in TRENDS else " and ".join(means)
    number = "change" if claim.relation in TRENDS else "difference"
    if claim.relation in CORRELATIONS:
        number, decimals = "rank correlation", 2
    words = f"{shown}; {number} {verdict.difference:+z.{decimals}f}"
    if len(claim.cells) == 1:
        words = f"{shown}; {verdict.difference:+z.{decimals}f} from {claim.number:g}"
    if not math.isnan(verdict.interval[0]):
        words += f" ({', '.join(map(text, verdict.interval))})"
    if not math.isnan(verdict.p_value):
        words += ", p < 0.001" if verdict.p_value < 0.001 else f", p {verdict.p_value:.3f}"
    return Cell(words), Cell(str(verdict.people))


def _without(reason: str) -> Row:
    return Cell(reason), Cell(DASH)


def _decimals(largest: float) -> int:
    """Decimals that leave three significant digits."""
    return 3 if largest == 0 or math.isnan(largest) else min(6, max(0, 2 - math.floor(math.log10(abs(largest)))))


def _runs(sets: Sequence[ResultSet]) -> str:
    """Preset, people, seeds and commit of every run, and what has another version since."""
    rows = []
    for each in sets:
        for name, run in each.runs.items():
            presets, people, seeds = (
                ", ".join(map(str, sorted({getattr(record, field) for record in run.records})))
                for field in ("preset", "person", "seed")
            )
            since = ", ".join(sorted(superseded(run.suite, run.records))) or DASH
            cells = (each.domain, name, presets, people, seeds, run.commit or DASH, since)
            rows.append(tuple(map(Cell, cells)))
    return _table(("domain", "suite", "preset", "people", "seeds", "commit", "of a later version now"), rows, 7)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    about = "The paper's claims with verdicts, from published records."
    parser = argparse.ArgumentParser(prog="python -m reports.verdicts", description=about)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folder of reports.publish")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page, in Markdown")
    parsed = parser.parse_args(arguments)
    try:
        sets = [read_set(folder) for folder in parsed.results]
        if len({each.domain for each in sets}) < len(sets):
            raise RecordError("two folders hold the same domain; name one for each")
        names = " ".join(folder.as_posix() for folder in parsed.results)
        command = f"python -m reports.verdicts {names} --out {parsed.out.as_posix()}"
        records.write_text(parsed.out, page(sets, command))
    except (RecordError, OSError) as error:
        print(f"reports.verdicts: {printable(str(error))}", file=sys.stderr)
        return 2
    print(printable(str(parsed.out)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
