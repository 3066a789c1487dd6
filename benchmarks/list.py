"""What there is, one line each: ``python -m benchmarks.list [suites|methods|metrics|people|presets]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from benchmarks.api.registry import METHODS, METRICS, SUITES, Kind
from datasets.splits import CELEBRITIES, SYNTHETIC

Lines = Iterator[tuple[str, str]]


def suites() -> Lines:
    for name, suite in _all(SUITES):
        source = f" ({suite.paper} of the paper)" if suite.paper else ""
        rows = f"rows: {', '.join(suite.rows)}" if suite.rows else f"{len(suite.references)} rows of its own"
        yield name, f"{suite.title}{source}; {rows}"


def methods() -> Lines:
    for name, method in _all(METHODS):
        yield name, f"{method.title} (version {method.version}); does: {', '.join(method.does)}"


def metrics() -> Lines:
    for name, metric in _all(METRICS):
        better = {True: " (higher is better)", False: " (lower is better)", None: ""}[metric.higher_is_better]
        yield name, f"{metric.label}{better}. {metric.description}"


def people() -> Lines:
    for drawn, real in zip(SYNTHETIC, CELEBRITIES, strict=True):
        yield drawn.name, f"{drawn.train} + {drawn.test} photos, drawn; has the place of {real.name} in Table 5"


def presets() -> Lines:
    for name, suite in _all(SUITES):
        for preset, settings in suite.presets.items():
            yield f"{name} {preset}", settings.summary


TOPICS: dict[str, Callable[[], Lines]] = {f.__name__: f for f in (suites, methods, metrics, people, presets)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.list", description=__doc__.split(":")[0] + ".")
    parser.add_argument("topic", nargs="?", choices=TOPICS, help="everything unless given")
    topic = parser.parse_args(arguments).topic
    for name in [topic] if topic else TOPICS:
        lines = list(TOPICS[name]())
        width = max((len(first) for first, _ in lines), default=0)
        print(*([f"{name}:"] if topic is None else []), *(f"  {a:<{width}}  {b}" for a, b in lines), sep="\n")
    return 0


def _all(kind: Kind) -> Iterator[tuple[str, object]]:
    """Names with their objects; what cannot be imported is told and left out."""
    for name in kind.names():
        try:
            yield name, kind.load(name)
        except Exception as error:  # a plug-in's file may raise anything
            print(f"{kind.title} {name} cannot be imported: {type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
