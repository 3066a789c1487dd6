"""``python -m reports.publish RUN [RUN ...] --out FOLDER``: what of a run can be kept with a paper or in a repository.

Everything but the pictures of the cases: suite, settings, environment, all records and values (compressed), the
summary, the tables and the figures. ``FOLDER/SUITE`` is written for each run, replacing an older one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.runs import Run

COPIED = ("suite.json", "environment.json", "summary.csv")
PLACES = ("out:", "photos:", "priors:", "ray_address:")  # lines of config.yaml that mean nothing elsewhere
LARGE = 300_000  # bytes of a PNG, above which a figure is kept as JPEG: those are made of pictures
QUALITY = 87


def publish(run: Run, folder: Path) -> Path:
    """Writes ``folder/SUITE`` and returns it. Raises OSError if the run has no report."""
    place = folder / run.suite["suite"]
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in COPIED:
        if (run.folder / name).is_file():
            shutil.copyfile(run.folder / name, partial / name)
    if (config := run.folder / "config.yaml").is_file():
        lines = config.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = "".join(line for line in lines if not line.startswith(PLACES))
        (partial / "config.yaml").write_text(kept, encoding="utf-8", newline="\n")
    with gzip.GzipFile(partial / "results.csv.gz", "wb", mtime=0) as file:
        file.write((run.folder / "results.csv").read_bytes())
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in run.records)
    (partial / "records.jsonl.xz").write_bytes(lzma.compress(lines.encode()))  # its window spans many records
    shutil.copytree(run.folder / "report" / "tables", partial / "tables", ignore=shutil.ignore_patterns("*.csv"))
    (partial / "figures").mkdir()
    for path in sorted((run.folder / "report" / "figures").glob("*.png")):
        _figure(path, partial / "figures")
    shutil.rmtree(place, ignore_errors=True)
    partial.rename(place)
    return place


def _figure(path: Path, folder: Path) -> None:
    """A figure of lines as it is, one of pictures as JPEG."""
    if path.stat().st_size <= LARGE:
        shutil.copyfile(path, folder / path.name)
        return
    from mystyle.image_files import decode, open_image

    with open_image(path) as image:
        decode(image).save(folder / f"{path.stem}.jpg", quality=QUALITY, optimize=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reports.publish", description=__doc__.split(":")[-1].strip())
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run with its report")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where a folder per suite is written")
    parsed = parser.parse_args(arguments)

    from benchmarks.engine.records import RecordError
    from reports.runs import read_run

    try:
        runs = [read_run(folder) for folder in parsed.runs]
        for run in runs:
            print(publish(run, parsed.out))
    except (RecordError, OSError) as error:
        print(f"reports.publish: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
