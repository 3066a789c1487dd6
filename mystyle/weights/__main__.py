"""``python -m mystyle.weights [DOMAIN]``: what weight files a domain needs, and which are there; ``--bring`` fetches.

Exit status: 0 all files that are needed are there, 1 one is missing, damaged or could not be brought, 2 unusable
arguments, 130 stopped.
"""

from __future__ import annotations

import argparse
import io
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mystyle import domains
from mystyle.files import printable
from mystyle.plugins import DOMAINS
from mystyle.progress import listening
from mystyle.weights.bring import bring, by_source, downloads
from mystyle.weights.cache import Status, home, megabytes, status
from mystyle.weights.errors import words
from mystyle.weights.manifest import Entry

if TYPE_CHECKING:
    from mystyle.domains.domain import DomainSource

DONE, FAILED, UNUSABLE, STOPPED = 0, 1, 2, 130  # exit status
WIDTH = 100  # of running text, characters
REMADE = ("damaged", "outdated")

Statuses = Mapping[Entry, Status]


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mystyle.weights",
        description="What weight files a domain needs, and which are there. Nothing is fetched without --bring.",
        epilog="They are kept in MYSTYLE_HOME (by default ~/.cache/mystyle).",
    )
    parser.add_argument("domain", nargs="?", choices=DOMAINS.names(), help="without it, all domains are listed")
    parser.add_argument("--bring", action="store_true", help="fetch, check and convert what is missing")
    parser.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="with --bring: take packages and files from there, by their names, and use no network",
    )
    parser.add_argument("--again", action="store_true", help="with --bring: also what is damaged or outdated")
    parser.add_argument("--all", action="store_true", help="with --bring: also the optional ones")
    parser.add_argument("--only", nargs="+", metavar="FILE", help="with --bring: these files of the table alone")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not fit the terminal's encoding
    parser = make_parser()
    options = parser.parse_args(arguments)
    if not options.bring and (options.folder is not None or options.again or options.all or options.only):
        parser.error("--from, --again, --all and --only are for --bring")
    if options.domain is None:
        if options.bring:
            parser.error("--bring needs a domain: " + ", ".join(DOMAINS.names()))
        show(overview())
        return DONE
    domain = domains.source(options.domain)
    if not domain.manifest:
        show([f"{domain.name}: all of its weight files ship with the project; there is nothing to bring"])
        return DONE
    if options.folder is not None and not options.folder.is_dir():
        parser.error(f"--from {options.folder}: there is no such folder")
    files = [entry.file for entry in domain.manifest]
    if unknown := [file for file in options.only or [] if file not in files]:
        parser.error(f"--only {' '.join(unknown)}: the files of {domain.name} are {', '.join(files)}")
    if not options.bring:
        found = statuses(domain)
        show([*table(domain, found), *licences(domain.manifest), *way(domain, found)])
        return exit_status(found)
    try:
        downloads()
    except OSError as error:
        parser.error(f"MYSTYLE_HOME {home()}: the cache cannot be written ({words(error)})")
    try:
        everything = options.all or options.folder is not None  # a folder may hold optional ones, which cost nothing
        asked = options.only or (files if everything else needed(domain.manifest))
        return bring_missing(domain, options.folder, options.again, asked)
    except KeyboardInterrupt:
        show(["", "stopped; what was finished is kept, the same command continues from here"], error=True)
        return STOPPED


def statuses(domain: DomainSource) -> Statuses:
    return {entry: status(domain.name, entry) for entry in domain.manifest}


def needed(manifest: Sequence[Entry]) -> list[str]:
    """The files that are required, and the others that are made of the same sources."""
    sources = [entry.source for entry in manifest if entry.required]
    return [entry.file for entry in manifest if entry.source in sources]


def bring_missing(domain: DomainSource, folder: Path | None, again: bool, only: Sequence[str]) -> int:
    """Says the licences, brings what is missing, and says what came of it."""
    states = ("missing", "optional", *(REMADE if again else ()))
    wanted = [entry for entry, found in statuses(domain).items() if entry.file in only and found.state in states]
    if folder is None:  # an optional file that no program can fetch is left alone; a needed one is told with its way
        wanted = [entry for entry in wanted if entry.source.automatic or entry.required]
    if wanted:
        show(licences(wanted))
    with showing_bytes():
        for outcome in bring(domain.name, wanted, folder):
            names = ", ".join(entry.file for entry in outcome.entries)
            show([f"{names}: {outcome.message}"], error=not outcome.made)
    found = statuses(domain)
    show(["", *faults(found), *way(domain, found)])
    return exit_status(found)


def exit_status(found: Statuses) -> int:
    return DONE if all(state.state == "there" for entry, state in found.items() if entry.required) else FAILED


def overview() -> Iterator[str]:
    """A line for each domain."""
    width = max(map(len, DOMAINS.names()))
    for name in DOMAINS.names():
        manifest = domains.source(name).manifest
        there = sum(status(name, entry).state == "there" for entry in manifest)
        what = f"{there} of {len(manifest)} files are there" if manifest else "ships with the project"
        yield f"{name:<{width}}  {what}" + f"; python -m mystyle.weights {name}" * bool(manifest)


def table(domain: DomainSource, found: Statuses) -> Iterator[str]:
    """The files of a domain, and beneath them what is wrong with some."""
    yield f"{domain.name}: weight files in {home() / 'weights' / domain.name}"
    yield ""
    rows = [("state", "file", "fetched", "role", "from")]
    rows += [
        (state.state, entry.file, megabytes(entry.size), entry.role, entry.source.title)
        for entry, state in found.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield from faults(found)


def faults(found: Statuses) -> Iterator[str]:
    """What is wrong with files that are there."""
    for entry, state in found.items():
        if state.state in REMADE:
            yield f"{entry.file} is {state.state} ({state.detail}); --bring --again makes it again"


def licences(entries: Sequence[Entry]) -> Iterator[str]:
    """Publisher, licence and hash of each source."""
    for first, *others in by_source(entries):
        yield f"{', '.join(entry.file for entry in (first, *others))}"
        yield from indented(f"{first.source.title}, published by {first.publisher}: {first.source.address}")
        for licence in dict.fromkeys(entry.licence for entry in (first, *others)):
            yield from indented(f"licence: {licence}")
        yield f"    SHA-256 {first.sha256 or 'not known to us; what is found will be said and recorded'}"
    yield ""


def way(domain: DomainSource, found: Statuses) -> Iterator[str]:
    """How many files are there, and what brings the others."""
    counts = {}
    for kind, required in (("needed", True), ("optional", False)):
        states = [state.state for entry, state in found.items() if entry.required is required]
        counts[kind] = f"{states.count('there')} of {len(states)} {kind} ones" if states else ""
    yield f"there: {', '.join(filter(None, counts.values()))}"
    absent = [entry for entry, state in found.items() if state.state in ("missing", "optional")]
    fetched = [entry for entry in absent if entry.source.automatic]
    usual = needed(domain.manifest)
    for flag, files in (
        ("--bring", [entry for entry in fetched if entry.file in usual]),
        ("--bring --all", [entry for entry in fetched if entry.file not in usual]),
    ):
        if files:
            sizes = [group[0].size for group in by_source(files)]
            size = megabytes(sum(filter(None, sizes))) if any(sizes) else "of unknown size"
            more = " and what has no known size" if any(sizes) and None in sizes else ""
            yield f"to fetch {len(files)} ({size}{more}): python -m mystyle.weights {domain.name} {flag}"
    for group in by_source([entry for entry in absent if not entry.source.automatic]):
        yield from indented(f"by hand: {group[0].source.by_hand}", first="")
    if absent:
        yield f"from a folder of yours: python -m mystyle.weights {domain.name} --bring --from FOLDER"


def indented(text: str, first: str = "    ") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def show(lines: Sequence[str] | Iterator[str], error: bool = False) -> None:
    for line in lines:
        for part in line.split("\n"):
            print(printable(part), file=sys.stderr if error else sys.stdout, flush=True)


@contextmanager
def showing_bytes() -> Iterator[None]:
    """A bar for each file that is fetched or converted inside the block; nothing where the errors go to a file."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(stage: str, done: int, total: int, loss: float | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=None)  # it pulses while its length is not known
            bars.update(tasks[stage], completed=done, total=total or None, visible=not total or done < total)

        with listening(advance):
            yield


if __name__ == "__main__":
    sys.exit(main())
