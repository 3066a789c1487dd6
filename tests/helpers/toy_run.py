"""A run of the inpainting suite with toy methods in a process of its own, as ``benchmarks.run`` carries it out.

python toy_run.py PEOPLE OUT [JSON of further fields of Options] [JSON of mishap by toy]
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from bench_toys import SUITE, Settings, Toy, without_report
from tiny import load_tiny_domain

from benchmarks import run
from benchmarks.api.registry import METRICS
from benchmarks.engine.options import Options
from benchmarks.engine.records import Unwritable
from benchmarks.engine.request import Request


def request_of(people: Path, toys: list[Toy], seeds: tuple[int, ...]) -> Request:
    """Checked and resolved; the weight file that enters the keys is one of the people's photos."""
    weights = people / "alice" / "train" / "000.png"
    return Request(
        suite=SUITE,
        preset="smoke",
        methods={toy.name: toy for toy in toys},
        metrics={name: METRICS.load(name) for name in SUITE.metrics},
        folders={name: people / name for name in ("alice", "bob")},
        seeds=seeds,
        domain="tiny",
        resolution=32,
        weights={"features": weights},
    )


def main(people: str, out: str, options: str = "{}", mishaps: str = "{}") -> int:
    """The exit status of the run, as the command would give it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal; a background shell has it ignored
    run.build_report = without_report
    toys = [Toy("grey"), Toy("plain", settings=Settings(fit=None))]
    toys += [Toy(name, mishap) for name, mishap in json.loads(mishaps).items()]
    given = {"photos": Path(people), "out": Path(out), "device": "cpu", "wandb": "disabled", "seeds": (0, 1)}
    asked = Options(**given | json.loads(options))
    asked.folder.mkdir(parents=True, exist_ok=True)
    try:
        return run.do_jobs(request_of(Path(people), toys, tuple(asked.seeds)), asked, load_tiny_domain)()
    except Unwritable as error:
        print(f"unwritable: {error}", file=sys.stderr)
        return run.FAILED
    except KeyboardInterrupt:
        return run.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
