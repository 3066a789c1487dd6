"""Who is in the benchmark: the thirteen people of Table 5 (appendix A) and their counterparts. No torch.

The synthetic people ``p01`` .. ``p13`` have the set sizes of the table's rows in the table's order, so ``p03`` stands
where Barack Obama does. On photographs the counterparts are the thirteen people with the most photos in Labeled Faces
in the Wild (Huang et al. 2007), of whom ``datasets.lfw`` makes folders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A person of the benchmark and the sizes of the two sets."""

    name: str  # folder name and command-line name, e.g. "barack_obama"
    title: str  # as printed
    train: int  # photos in the reference set
    test: int  # photos held out


CELEBRITIES = (
    Person("adele", "Adele", 109, 8),
    Person("angela_merkel", "Angela Merkel", 145, 10),
    Person("barack_obama", "Barack Obama", 192, 13),
    Person("dwayne_johnson", "Dwayne Johnson", 97, 11),
    Person("emilia_clarke", "Emilia Clarke", 258, 11),
    Person("jeff_bezos", "Jeff Bezos", 114, 3),
    Person("joe_biden", "Joe Biden", 206, 13),
    Person("kamala_harris", "Kamala Harris", 110, 7),
    Person("lady_gaga", "Lady Gaga", 133, 6),
    Person("michelle_obama", "Michelle Obama", 279, 9),
    Person("oprah_winfrey", "Oprah Winfrey", 135, 9),
    Person("taylor_swift", "Taylor Swift", 158, 11),
    Person("xi_jinping", "Xi Jinping", 92, 15),
)
SYNTHETIC = tuple(
    Person(f"p{position:02d}", f"Person {position}", row.train, row.test)
    for position, row in enumerate(CELEBRITIES, start=1)
)
LFW_TEST = 8  # photos of each person that are held out
LFW_PHOTOS = {
    "George W Bush": 530,
    "Colin Powell": 236,
    "Tony Blair": 144,
    "Donald Rumsfeld": 121,
    "Gerhard Schroeder": 109,
    "Ariel Sharon": 77,
    "Hugo Chavez": 71,
    "Junichiro Koizumi": 60,
    "Jean Chretien": 55,
    "John Ashcroft": 53,
    "Jacques Chirac": 52,
    "Serena Williams": 52,
    "Vladimir Putin": 49,
    "Luiz Inacio Lula da Silva": 48,
    "Gloria Macapagal Arroyo": 44,
    "Arnold Schwarzenegger": 42,
    "Jennifer Capriati": 42,
    "Laura Bush": 41,
    "Lleyton Hewitt": 41,
    "Alejandro Toledo": 39,
    "Hans Blix": 39,
    "Nestor Kirchner": 37,
    "Andre Agassi": 36,
    "Alvaro Uribe": 35,
    "Megawati Sukarnoputri": 33,
    "Silvio Berlusconi": 33,
    "Tom Ridge": 33,
    "Kofi Annan": 32,
    "Roh Moo-hyun": 32,
    "Vicente Fox": 32,
    "David Beckham": 31,
    "John Negroponte": 31,
    "Guillermo Coria": 30,
    "Recep Tayyip Erdogan": 30,
}
"""All 34 people of LFW with at least 30 photos, and how many there are, before any is rejected."""
LFW = tuple(
    Person(title.lower().replace(" ", "_"), title, photos - LFW_TEST, LFW_TEST) for title, photos in LFW_PHOTOS.items()
)
"""Of these sizes curation keeps what is neither rejected nor a near-duplicate; which are held out, its seed decides."""

PEOPLE = {"synthetic": SYNTHETIC, "ffhq": CELEBRITIES, "faces": LFW}  # by domain, in table order, LFW's most first


def is_stranger(name: str) -> bool:
    """Whether a rendered person has this name who has one photo, and no reference photos."""
    return re.fullmatch(r"s\d{4}", name) is not None


def is_development(name: str) -> bool:
    """Whether a rendered person has this name on whom settings are chosen, outside the benchmark."""
    return re.fullmatch(r"d\d{2}", name) is not None


def counterpart(celebrity: str, domain: str) -> str:
    """Who holds in ``domain`` the row of Table 5 that ``celebrity`` holds among the real people."""
    row = next(i for i, person in enumerate(CELEBRITIES) if person.name == celebrity)
    return PEOPLE[domain][row].name
