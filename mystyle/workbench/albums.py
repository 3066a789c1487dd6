"""Raw photos in the place of aligned portraits, on domains of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mystyle import domains
from mystyle.albums.curate import Settings, curate, detector_for
from mystyle.albums.detect import Mtcnn
from mystyle.albums.filters import Filters
from mystyle.albums.folder import AlbumError
from mystyle.albums.raw import is_raw
from mystyle.albums.recogniser import load_recogniser
from mystyle.domains.domain import Domain
from mystyle.types import Portraits, to_uint8
from mystyle.workbench.portraits import unlike_faces

PERSON = "person"
"""the folder in ``--out`` of the person that was made of a raw album"""


def shows_photographs(domain: str) -> bool:
    """Whether the images of a domain are photographs, in which a detector finds faces."""
    return bool(domains.source(domain).manifest)


def raw(photos: Path, domain: str, resolution: int, device: str) -> bool:
    """Whether ``photos`` is a folder of photos that are to be curated first."""
    return shows_photographs(domain) and photos.is_dir() and is_raw(photos, resolution, Mtcnn(device=device))


def curated(album: Path, out: Path, resolution: int, least_pixels: float | None, device: str) -> Path:
    """The person of a raw album, made in ``out`` unless it is there; returns the folder of the reference photos.

    ``least_pixels`` is the side of the smallest face that is kept, the resolution by default. Raises AlbumError.
    """
    filters = Filters(least_pixels=resolution if least_pixels is None else least_pixels)
    settings = Settings(resolution=resolution, filters=filters)
    try:
        made = curate(album, out, detector_for(settings, device), load_recogniser(device=device), settings)
    except AlbumError as error:
        own = f"its flags are those of python -m datasets.curate {album} --out PERSON; then name PERSON/train here"
        raise AlbumError(f"{error}\n{own}") from error
    print(f"{out}: {made.summary}")
    return out / "train"


def without_a_face(portraits: Portraits, domain: Domain) -> Sequence[str]:
    """Names of portraits that show no face: by a detector on photographs, else by what the domain can reproduce."""
    if shows_photographs(domain.name):
        pixels = to_uint8(portraits.images).permute(0, 2, 3, 1).numpy()
        odd = [not faces for faces in Mtcnn(device=str(domain.device))(list(pixels))]
    else:
        odd = unlike_faces(portraits.images, domain).tolist()
    return [name for name, strange in zip(portraits.files, odd, strict=True) if strange]
