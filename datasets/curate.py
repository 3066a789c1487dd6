"""``python -m datasets.curate ALBUM --out PERSON``: a folder of photos becomes a person's folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from mystyle.memory import prepare_device
from mystyle.progress import status_of

Device = Literal["auto", "cpu", "cuda"]
DESCRIPTION = """Finds the person in the photos of ALBUM, aligns and filters the faces, and splits them into train and
test. Use photographs of a person only with the person's consent, or where their licence and the law allow it without.
The album is left as it is; what was kept, and what was not and why, is in OUT, on two contact sheets and in
manifest.json. HEIC is read where the package pillow-heif is installed."""


def curate(
    album: Path,
    out: Path = Path("person"),
    example: Path | None = None,
    domain: str = "faces",
    resolution: int = 256,
    least_pixels: float | None = None,
    least_probability: float = 0.97,
    most_outside: float = 0.25,
    most_yaw: float = 45,
    most_pitch: float = 40,
    most_blur: float = 0.6,
    keep_grey: bool = True,
    duplicate: float = 0.9,
    event: float = 0.8,
    event_minutes: float = 30,
    test: float = 8,
    seed: int = 0,
    device: Device = "auto",
) -> None:
    """Makes the person's folder ``out`` of the photos in ``album``; see ``DESCRIPTION``.

    Args:
        album: folder of photos (JPEG, PNG, WebP, HEIC); folders in it are not searched
        out: folder for the person; not there yet, or empty
        example: photo of the person; without it, the person is who is in most photos
        domain: whose weights hold the recogniser (python -m mystyle.weights DOMAIN --bring)
        resolution: pixels a side of a portrait, those of the domain
        least_pixels: side of the face's square in the photo, at least; without it, the resolution
        least_probability: the detector's, at least; hidden faces have less
        most_outside: share of the square that may lie outside the photo
        most_yaw: degrees that the head may be turned aside
        most_pitch: degrees that the head may be turned up or down
        most_blur: blur effect of the face, from 0 (sharp) to 1, at most
        keep_grey: keep photos without colours
        duplicate: correlation of 16-pixel portraits from which on the less sharp one is dropped
        event: correlation from which on two photos are of one event, which is never split
        event_minutes: photos taken at most so long after each other are of one event
        test: photos to hold out, or a share of them below 1; at most a third is held out
        seed: random seed of the split
        device: where to compute; auto takes the GPU if there is one
    """
    from mystyle.albums.curate import Settings, detector_for
    from mystyle.albums.curate import curate as curate_album
    from mystyle.albums.filters import Filters
    from mystyle.albums.recogniser import load_recogniser
    from mystyle.progress import showing

    filters = Filters(
        resolution if least_pixels is None else least_pixels,
        least_probability,
        most_outside,
        most_yaw,
        most_pitch,
        most_blur,
        keep_grey,
    )
    settings = Settings(resolution, filters, duplicate, event, event_minutes, test, seed)
    where = prepare_device(device)
    recogniser = load_recogniser(domain, where)
    with showing():
        made = curate_album(album, out, detector_for(settings, where), recogniser, settings, example)
    print(f"{out}: {'' if made.made_now else 'was curated already; '}{made.summary}")


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status, see ``mystyle.progress.status_of``."""
    from jsonargparse import auto_cli

    prog = "python -m datasets.curate"
    return status_of(
        "curate", lambda: auto_cli(curate, args=arguments, prog=prog, description=DESCRIPTION), "nothing was written"
    )


if __name__ == "__main__":
    sys.exit(main())
