"""``python -m benchmarks.doctor [--domain NAME] [--photos FOLDER] [--gap]``: what there is, what is missing, its cost.

A line is ok, missing (the main command does not need it) or a problem (it does), and a problem ends in the way out.
With ``--gap`` it measures how much of the people the untuned generator shows, which takes minutes.
Examines this machine only, writes nothing but ``--gap_file``, and works where packages are missing: what imports them
does so in a check.

Exit status: 0 the main command can run, 1 something that it needs is not there, 2 unusable arguments.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.api.registry import METHODS, SUITES
from benchmarks.engine import installation
from benchmarks.engine.findings import MISSING, OK, PROBLEM, Finding, problem, problems, words
from benchmarks.engine.provenance import cores
from benchmarks.engine.terminal import echo, replace_unencodable
from mystyle import domains
from mystyle.plugins import DOMAINS
from mystyle.weights import weight_file

if TYPE_CHECKING:
    from mystyle.protocols import OwnNetwork

SUITE, PRESET = "inpainting", "quick"  # of the main command
DEFAULT_DOMAIN = "synthetic"
RENDERING = 0.1  # core seconds for a photo of 128 x 128
SHOWN = 5  # problems of a person's photos
GAP_PEOPLE, GAP_PHOTOS = 13, 4  # the gap is measured on the first so many, held-out photos each

Findings = Generator[Finding]


@dataclass(frozen=True)
class Asked:
    """The command line."""

    domain: str = DEFAULT_DOMAIN
    photos: Path | None = None
    gap: bool = False
    gap_file: Path | None = None


def weights(asked: Asked) -> Findings:
    """The networks of the domain."""
    from benchmarks.engine import checks

    domain = domains.source(asked.domain)
    files = domain.weights()
    yield from checks.weights(files, domain)
    brought = {entry.file: weight_file(domain.name, entry.file) for entry in domain.manifest}
    others = {name: path for name, path in brought.items() if path not in files.values()}  # optional, and not there
    yield from checks.weights(others, domain)
    from mystyle.editors.interfacegan import FILE as DIRECTIONS  # here: it needs torch, which may be missing

    if directions := domain.files().get(DIRECTIONS):
        yield Finding("directions", OK, f"{directions.stat().st_size / 1e6:.1f} MB")
    else:
        detail = f"{DIRECTIONS} is not there; the first edit finds them, or python -m mystyle directions"
        yield Finding("directions", MISSING, detail)


def baselines(asked: Asked) -> Findings:
    """Networks of the domain that baselines have. Those of the main suite's rows are needed."""
    from benchmarks.engine import checks

    domain = domains.source(asked.domain)
    folder = next(iter(domain.weights().values())).parent
    rows = SUITES.load(SUITE).rows if domain.people else {}
    networks: dict[str, OwnNetwork] = {}
    users: dict[str, list[str]] = {}
    for name in METHODS.names():
        try:
            method = METHODS.load(name)
        except Exception as error:  # a plug-in's file may raise anything
            detail = f"cannot be imported ({words(error)}); mend or remove its file"
            yield Finding(name, PROBLEM if name in rows else MISSING, detail)
            continue
        for network in method.networks:
            networks[network.file] = network
            users.setdefault(network.file, []).append(name)
    for file, names in users.items():
        for finding in checks.networks({" and ".join(names): networks[file]}, folder):
            if finding.state != OK and not domain.people:
                yield replace(finding, state=MISSING, detail=f"{file} is not there: a dash in the tables")
                continue
            needed = finding.state == OK or set(names) & set(rows)
            yield finding if needed else replace(finding, state=MISSING)


def people(asked: Asked) -> Findings:
    """The people of a folder, or the domain's own, who may have to be rendered."""
    from benchmarks.engine import checks

    domain = domains.source(asked.domain)
    resolution, splits = domain.resolution, ("train", *SUITES.load(SUITE).splits)
    if asked.photos is not None:
        names = checks.people_in(asked.photos)
        yield Finding("people", OK, f"{len(names)} in {asked.photos}")
        for name in names:
            found = checks.photos([asked.photos / name], splits, resolution)
            yield from found[:SHOWN]
            if len(found) > SHOWN:
                yield problem(name, f"{len(found) - SHOWN} more; mend these first")
        return
    if not domain.people:
        yield Finding("people", MISSING, "the domain has none of its own; bring photos by --photos FOLDER")
        return
    from benchmarks.analysis.estimate import duration
    from benchmarks.engine.options import Options
    from benchmarks.engine.request import person_folders
    from datasets.splits import PEOPLE
    from datasets.synthetic.people import set_sizes

    sizes = {person.name: sum(set_sizes(person).values()) for person in PEOPLE[asked.domain]}
    for preset in ("smoke", PRESET, "full"):
        folders = person_folders(Options(domain=asked.domain, preset=preset), SUITES.load(SUITE))
        absent = [sizes[name] for name, folder in folders.items() if not folder.exists()]
        if absent:
            seconds = RENDERING * max(sum(absent) / cores(), *absent)
            detail = f"{len(absent)} of {len(folders)} will be rendered by the first run, about {duration(seconds)}"
            yield Finding(f"people, {preset}", MISSING, detail)
        else:
            yield Finding(f"people, {preset}", OK, f"{len(folders)} are rendered")
        if preset == PRESET:
            there = [folder for folder in folders.values() if folder.exists()]
    for folder in there:
        if found := problems(checks.photos([folder], splits, resolution)):
            detail = f"{found[0].detail} ({len(found)} problems in all); delete {folder}, it is rendered again"
            yield problem(folder.name, detail)


def identity_gap(asked: Asked) -> Findings:
    """What there is to personalise, for the first people and photos."""
    from benchmarks.engine.identity_gap import GATES, identity_gap
    from benchmarks.engine.options import Options
    from benchmarks.engine.records import write_json
    from benchmarks.engine.request import person_folders
    from datasets.folders import read_portraits
    from mystyle.memory import keep_freed_memory

    keep_freed_memory()
    domain = domains.load_domain(asked.domain)
    folders = person_folders(Options(domain=asked.domain, photos=asked.photos), SUITES.load(SUITE))
    there = {name: folder for name, folder in folders.items() if folder.exists()}
    if len(there) < 2:
        yield Finding("identity gap", MISSING, "needs two people whose photos are there")
        return
    pairs = [
        tuple(read_portraits(folder, split, domain.resolution) for split in ("train", "test"))
        for folder in list(there.values())[:GAP_PEOPLE]
    ]
    gap = identity_gap(domain, [(train, held_out[:GAP_PHOTOS]) for train, held_out in pairs])
    if asked.gap_file is not None:
        write_json(asked.gap_file, gap.record(domain.weights, GAP_PHOTOS))
    yield Finding("real photos", OK, f"identity {gap.real.mean():.3f} to the person's other photos")
    yield Finding("strangers", OK, f"identity {gap.strangers.mean():.3f}")
    for row, gate in GATES.items():
        detail = f"untuned W by {row}: identity {getattr(gap, row).mean():.3f}, {gap.share(row):.0%} of a real photo's"
        within = gap.share(row) <= gate
        yield Finding(
            row, OK if within else MISSING, f"{detail}; {'within' if within else 'above'} the gate of {gate:.0%}"
        )


def cost() -> Findings:
    """What the main command costs."""
    presets = SUITES.load(SUITE).presets
    for preset in ("smoke", PRESET):
        yield Finding(f"{SUITE}, {preset}", OK, presets[preset].summary)


def sections(asked: Asked) -> dict[str, Sequence[Findings]]:
    """What is printed, by title. The checks are generators: each is carried out when its findings are asked for."""
    return {
        "Python and packages": (installation.packages(), installation.imports()),
        "Machine": (installation.machine(), installation.gpus()),
        "Weights": (weights(asked), baselines(asked)),
        "People": (people(asked),),
        "Records": (installation.tracking(), installation.checkout()),
        "Cost": (cost(),),
        **({"Identity gap": (identity_gap(asked),)} if asked.gap else {}),
    }


def findings(checks: Sequence[Findings]) -> list[Finding]:
    """Of some checks. One that cannot be carried out is a problem like others."""
    found: list[Finding] = []
    for check in checks:
        try:
            for finding in check:
                found.append(finding)
        except Exception as error:  # what a missing or a foreign package can come up with
            way_out = "mend the other problems, or python -m pip install --editable ."
            found.append(
                problem(getattr(check, "__name__", "a check"), f"cannot be examined ({words(error)}); {way_out}")
            )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    replace_unencodable()
    about = "What is installed, what is missing, what it costs."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doctor", description=about)
    parser.add_argument(
        "--domain", choices=DOMAINS.names(), default=DEFAULT_DOMAIN, help="the networks and kind of people"
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="people of your own, as for benchmarks.run")
    parser.add_argument("--gap", action="store_true", help="measure how much of the people is known untuned (minutes)")
    parser.add_argument(
        "--gap_file",
        type=Path,
        metavar="FILE",
        help="with --gap: write it there as JSON; beside weights, runs record it",
    )
    asked = Asked(**vars(parser.parse_args(arguments)))
    if asked.gap_file is not None and not (asked.gap and asked.gap_file.parent.is_dir()):
        parser.error(f"--gap_file {asked.gap_file}: needs --gap, and a folder that is there")
    command = f"python -m benchmarks.run --suite {SUITE}"
    if asked.domain != DEFAULT_DOMAIN:
        command += f" --domain {asked.domain}"
    if asked.photos is not None:
        command += f" --photos {asked.photos}"
        if not any(train.with_name("test").is_dir() for train in asked.photos.glob("*/train")):
            parser.error(f"--photos {asked.photos}: holds no person; a person is a folder with train/ and test/ inside")
    count = 0
    for title, checks in sections(asked).items():
        found = findings(checks)
        width = max((len(finding.name) for finding in found), default=0)
        echo(title, *(f"  {finding.state:<7}  {finding.name:<{width}}  {finding.detail}" for finding in found))
        count += len(problems(found))
    if count:
        echo(f"{count} problem{'s' * (count > 1)} before this can run: {command}")
    else:
        echo(f"ready: {command}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
