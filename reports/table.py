"""A table as plain text, and how it is written.

A ``Table`` holds no markup; Markdown, LaTeX (booktabs) and HTML escape it when they are written. Its ``data`` holds the
same numbers unrounded and becomes the CSV file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from benchmarks.engine.records import RowRecord, csv_text

DASH = "–"
TIE = "†"
SHARED = "‡"
INTERVAL = "95 % intervals by the jackknife over people (over photos where there is one person), with Student's t."
_KINDS = {"floor": " (floor)", "ceiling": " (ceiling)"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "ρ": r"$\rho$",
    "θ": r"$\theta$",
    DASH: "--",
    TIE: r"$\dagger$",
    SHARED: r"$\ddagger$",
}


def escape_latex(text: str) -> str:
    """Plain text as LaTeX text; one pass over the characters, so that nothing is escaped twice."""
    return "".join(_LATEX.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    """Plain text as Markdown that renders as that text, inside a table cell as well as outside."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text).replace("\n", " ")


@dataclass(frozen=True)
class Cell:
    """Plain text of one cell, whether it is the best of its column, and the marks of the notes that it points to."""

    text: str
    bold: bool = False
    marks: str = ""

    def markdown(self) -> str:
        text = escape_markdown(self.text)
        return (f"**{text}**" if self.bold else text) + (f"<sup>{self.marks}</sup>" if self.marks else "")

    def latex(self) -> str:
        text = escape_latex(self.text)
        marks = rf"\textsuperscript{{{escape_latex(self.marks)}}}" if self.marks else ""
        return (rf"{{\bfseries\boldmath {text}}}" if self.bold else text) + marks


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Header, groups of rows set apart by a rule, notes by mark, and the unrounded numbers."""

    name: str  # file name without suffix, e.g. "inpainting_cost"
    caption: str
    columns: tuple[Cell, ...]
    groups: tuple[tuple[Row, ...], ...]
    notes: tuple[tuple[str, str], ...]  # (mark, text); a mark of "" is a general remark
    data: pd.DataFrame
    text: int = 1  # columns that are set to the left

    def markdown(self) -> str:
        def line(cells: Iterable[str]) -> str:
            return "| " + " | ".join(cells) + " |"

        lines = [escape_markdown(self.caption), "", line(cell.markdown() for cell in self.columns)]
        lines.append(line([":---"] * self.text + ["---:"] * (len(self.columns) - self.text)))
        for index, group in enumerate(self.groups):
            if index:  # Markdown has no rule inside a table; an empty row sets the group apart
                lines.append(line([" "] * len(self.columns)))
            lines += [line(cell.markdown() for cell in row) for row in group]
        for mark, text in self.notes:
            lines += ["", (f"<sup>{mark}</sup> " if mark else "") + escape_markdown(text)]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        lines = [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}[t]",
            r"\centering",
            rf"\caption{{{escape_latex(self.caption)}}}",
            rf"\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', self.name)}}}",
            rf"\begin{{tabular}}{{{'l' * self.text}{'r' * (len(self.columns) - self.text)}}}",
            r"\toprule",
            " & ".join(cell.latex() for cell in self.columns) + r" \\",
        ]
        for group in self.groups:
            lines.append(r"\midrule")
            lines += [" & ".join(cell.latex() for cell in row) + r" \\" for row in group]
        lines += [r"\bottomrule", r"\end{tabular}"]
        for mark, text in self.notes:
            sign = rf"\textsuperscript{{{escape_latex(mark)}}} " if mark else ""
            lines.append(rf"\par\smallskip{{\footnotesize {sign}{escape_latex(text)}}}")
        return "\n".join([*lines, r"\end{table}"]) + "\n"

    def csv(self) -> str:
        return csv_text(self.data)


def row_title(method: RowRecord) -> str:
    """The title of a row of suite.json in a table."""
    return method.title + _KINDS.get(method.kind, "")
