"""``python -m datasets.lfw --out PEOPLE``: the people of Labeled Faces in the Wild with many photos, curated and split.

LFW (Huang, Ramesh, Berg and Learned-Miller 2007) has 13,233 photographs of 250 x 250 pixels of public figures, in a
folder for each person. They come by scikit-learn's downloader, or from a folder laid out like its
``lfw_home/lfw_funneled``. A face's square has about 170 of the 250 pixels, so that portraits of 256 are enlarged: the
limit of size is lower here, and sharpness cannot be judged on them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.splits import LFW_TEST
from mystyle.image_files import list_images
from mystyle.memory import prepare_device
from mystyle.progress import status_of

if TYPE_CHECKING:
    from mystyle.albums.people import Recogniser

LEAST_PIXELS = 128
ORIGIN = """The photos are from Labeled Faces in the Wild (Huang et al., University of Massachusetts, Technical Report
07-49, 2007), photographs of public figures from the news. The database is offered for research; the rights to the
photographs are their owners', and the people were not asked: do not publish the photos or likenesses made of them."""
BY_HAND = "take lfw-funneled.tgz from another copy of the database, unpack it, and name its folder by --from"


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status, see ``mystyle.progress.status_of``."""
    options = parser().parse_args(arguments)
    return status_of("lfw", lambda: run(options), "nothing was written")


def parser() -> argparse.ArgumentParser:
    """The options."""
    flags = argparse.ArgumentParser("python -m datasets.lfw", description=f"{(__doc__ or '').splitlines()[0]} {ORIGIN}")
    flags.add_argument("--out", type=Path, required=True, help="folder to write, a folder for each person inside")
    flags.add_argument("--from", dest="source", type=Path, help="folder with a folder of photos for each person")
    flags.add_argument("--people", nargs="+", help="names of their folders (default: all with enough photos)")
    flags.add_argument("--least", type=int, default=30, help="photos that a person has at least (default: 30)")
    flags.add_argument("--least_pixels", type=float, default=LEAST_PIXELS, help="see datasets.curate (default: 128)")
    flags.add_argument("--resolution", type=int, default=256, help="pixels a side of a portrait (default: 256)")
    flags.add_argument("--test", type=float, default=LFW_TEST, help=f"photos to hold out (default: {LFW_TEST})")
    flags.add_argument("--seed", type=int, default=0, help="random seed of the splits (default: 0)")
    flags.add_argument("--domain", default="faces", help="whose weights hold the recogniser (default: faces)")
    flags.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    return flags


def run(options: argparse.Namespace) -> None:
    """Curates everybody who is asked for; one who cannot be is reported at the end. Raises ValueError, OSError."""
    from mystyle.albums.recogniser import load_recogniser

    if options.least < 2:
        raise ValueError(f"--least {options.least}: must be at least 2")
    device = prepare_device(options.device)
    recogniser = load_recogniser(options.domain, device)
    source = options.source if options.source is not None else downloaded()
    folders = people_of(source, options.people, options.least)
    write_people(folders, options, recogniser, device)


def write_people(folders: Sequence[Path], options: argparse.Namespace, recogniser: Recogniser, device: str) -> None:
    """Curates the people of these folders. Raises ValueError with everybody who could not be, when all are done."""
    from mystyle.albums.curate import Settings, curate, detector_for
    from mystyle.albums.filters import Filters
    from mystyle.progress import showing

    filters = Filters(least_pixels=options.least_pixels)
    settings = Settings(options.resolution, filters, test=options.test, seed=options.seed)
    detect, problems = detector_for(settings, device), list[str]()
    for folder in folders:
        try:
            with showing():
                made = curate(folder, options.out / name_of(folder), detect, recogniser, settings, origin=ORIGIN)
            print(f"{made.folder}: {made.summary}")
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))


def name_of(folder: Path) -> str:
    """The person's name in the benchmark, by the folder's."""
    return folder.name.lower()


def people_of(source: Path, people: Sequence[str] | None, least: int) -> list[Path]:
    """The folders of the ``people``, or of all with at least ``least`` photos, by name. Raises ValueError."""
    if not source.is_dir():
        raise ValueError(f"--from {source}: there is no such folder; it holds a folder of photos for each person")
    folders = {name_of(path): path for path in sorted(source.iterdir()) if path.is_dir()}
    if people is not None:
        if unknown := [name for name in people if name.lower() not in folders]:
            raise ValueError(f"--people {' '.join(unknown)}: no such folder in {source}")
        return [folders[name.lower()] for name in people]
    many = [path for path in folders.values() if len(list_images(path)) >= least]
    if not many:
        raise ValueError(f"{source}: nobody has {least} photos; it should hold a folder of photos for each person")
    return many


def downloaded() -> Path:
    """The folder of scikit-learn's copy, brought by its downloader where it is missing. Raises OSError, ValueError."""
    from sklearn.datasets import fetch_lfw_people, get_data_home

    folder = Path(get_data_home()) / "lfw_home" / "lfw_funneled"
    if not folder.is_dir():
        print(f"bringing LFW (233 MB) to {folder.parent} by scikit-learn's downloader")
        try:
            fetch_lfw_people(min_faces_per_person=500)  # which also reads the photos: of one person, to be quick
        except OSError as error:
            raise ValueError(f"LFW could not be brought ({error}); {BY_HAND}") from error
    return folder


if __name__ == "__main__":
    sys.exit(main())
