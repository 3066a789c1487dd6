"""Whether every suite still gives every value that an earlier commit gave: ``python tests/parity.py --before COMMIT``.

Runs the suites here and in a worktree of the earlier commit, with the same preset, and compares results.csv of both
value by value, to the last digit. Both are resumable: finished jobs are not repeated. Exit status 1 if a value differs.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEY = ("method", "person", "case", "seed", "metric")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--before", required=True, metavar="COMMIT", help="what to compare with")
    parser.add_argument("--suites", nargs="+", default=["all"], metavar="NAME", help="which suites, all by default")
    parser.add_argument("--preset", default="smoke")
    parser.add_argument("--out", type=Path, default=Path("runs/parity"), help="where both runs are kept")
    asked = parser.parse_args(arguments)
    out = asked.out.resolve()
    checkout = out / f"checkout-{asked.before}"
    if not checkout.is_dir():
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(checkout), asked.before)
    lost = 0
    for suite in asked.suites:
        runs = {
            "before": run(checkout, suite, asked.preset, out / f"{asked.preset}-before" / suite),
            "after": run(ROOT, suite, asked.preset, out / f"{asked.preset}-after" / suite),
        }
        for before in sorted(runs["before"].rglob("results.csv")):
            lost += compare(before, runs["after"] / before.relative_to(runs["before"]))
    print("every value is the same" if not lost else f"{lost} values differ")
    return 1 if lost else 0


def run(checkout: Path, suite: str, preset: str, folder: Path) -> Path:
    """The folder of the run, which is done where it is not done yet."""
    command = ["-m", "benchmarks.run", "--suite", suite, "--preset", preset, "--wandb", "disabled", "--out", folder]
    subprocess.run([sys.executable, *map(str, command)], cwd=checkout, check=True)
    return folder


def compare(before: Path, after: Path) -> int:
    """How many rows of ``before`` are not in ``after``, with the same value and status."""
    known, now = rows(before), rows(after)
    different = [key for key, row in known.items() if now.get(key) != row]
    print(f"{before.parent.name}: {len(known)} rows, {len(different)} differ")
    for key in different[:10]:
        print(f"  {' '.join(key)}: {known[key]} before, {now.get(key)} now")
    return len(different)


def rows(table: Path) -> dict[tuple[str, ...], tuple[str, str]]:
    """Value and status of every row, as written."""
    with table.open(newline="", encoding="utf-8") as file:
        return {tuple(row[name] for name in KEY): (row["value"], row["status"]) for row in csv.DictReader(file)}


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
