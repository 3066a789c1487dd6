"""Lists what there is, one line each: ``python -m benchmarks.list [TOPIC]``."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.api.registry import DOMAINS, EDITORS, METHODS, METRICS, SUITES, TASKS, Kind
from benchmarks.engine import executors as jobs
from benchmarks.engine.terminal import echo, replace_unencodable
from datasets.splits import CELEBRITIES, SYNTHETIC
from mystyle.domains import load_domain

Lines = Iterator[tuple[str, str]]


def suites() -> Lines:
    for name, suite in _all(SUITES):
        source = f" ({suite.paper})" if suite.paper else ""
        rows = f"rows: {', '.join(suite.rows)}" if suite.rows else f"{len(suite.references)} rows of its own"
        yield name, f"{suite.title}{source}; {rows}"


def methods() -> Lines:
    for name, method in _all(METHODS):
        yield name, f"{method.title} (version {method.version}); does: {', '.join(method.does)}"


def metrics() -> Lines:
    for name, metric in _all(METRICS):
        better = {True: " (higher is better)", False: " (lower is better)", None: ""}[metric.higher_is_better]
        yield name, f"{metric.label}{better}. {metric.description}"


def tasks() -> Lines:
    for name, task in _all(TASKS):
        parameters = ", ".join(field.name for field in dataclasses.fields(task))
        asks = f"asks a prior for {task.verb.__name__}" if task.verb else "asks no prior"
        yield name, f"{asks}; parameters: {parameters or 'none'}"


def editors(domain: str = "") -> Lines:
    """With ``domain``, what each of them can change there, which may have to be found first."""
    loaded = load_domain(domain) if domain else None
    for name, editor in _all(EDITORS):
        changes = f"; changes: {', '.join(editor.attributes(loaded)) or 'nothing by name'}" if loaded else ""
        yield name, f"{editor.title} (version {editor.version}){changes}"


def domains() -> Lines:
    for name, domain in _all(DOMAINS):
        yield name, f"{domain.resolution} px; {'rendered people' if domain.people else 'photos of people'}"


def executors() -> Lines:
    for name in jobs.names():
        yield name, (jobs.load(name).__doc__ or "").partition("\n")[0]


def people() -> Lines:
    for rendered, real in zip(SYNTHETIC, CELEBRITIES, strict=True):
        sizes = f"{rendered.train} + {rendered.test} photos"
        yield rendered.name, f"{sizes}, rendered; takes the place of {real.name} in Table 5"


def presets() -> Lines:
    for name, suite in _all(SUITES):
        for preset, settings in suite.presets.items():
            yield f"{name} {preset}", settings.summary


TOPICS: dict[str, Callable[[], Lines]] = {
    topic.__name__: topic for topic in (suites, methods, metrics, tasks, editors, domains, executors, people, presets)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    replace_unencodable()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.list", description="Lists what there is.")
    parser.add_argument("topic", nargs="?", choices=TOPICS, help="by default all of them")
    parser.add_argument("--domain", default="", help="with editors: say what each of them can change there")
    options = parser.parse_args(arguments)
    topic = options.topic
    if options.domain and topic != "editors":
        parser.error("--domain goes with the topic editors")
    for name in [topic] if topic else TOPICS:
        try:
            lines = list(editors(options.domain) if options.domain else TOPICS[name]())
        except ValueError as error:  # no such domain, or files that it lacks
            parser.error(str(error))
        width = max((len(first) for first, _ in lines), default=0)
        try:
            echo(*([f"{name}:"] if topic is None else []), *(f"  {a:<{width}}  {b}" for a, b in lines))
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads the list, such as head, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes it once more
            return 0
    return 0


def _all(kind: Kind) -> Iterator[tuple[str, Any]]:
    """Names with their objects; what cannot be imported is reported and left out."""
    for name in kind.names():
        try:
            yield name, kind.load(name)
        except Exception as error:  # a plug-in's file may raise anything
            echo(f"{kind.title} {name} cannot be imported: {type(error).__name__}: {error}", error=True)


if __name__ == "__main__":
    sys.exit(main())
