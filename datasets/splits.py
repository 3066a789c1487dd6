"""Who is in the benchmark: the thirteen people of Table 5 (appendix A) and their rendered counterparts. No torch.

The synthetic people ``p01`` .. ``p13`` have the set sizes of the table's rows in the table's order, so ``p03`` stands
where Barack Obama does.
"""

from __future__ import annotations

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
PEOPLE = {"synthetic": SYNTHETIC, "ffhq": CELEBRITIES}  # by domain, in table order


def counterpart(celebrity: str, domain: str) -> str:
    """Who holds in ``domain`` the row of Table 5 that ``celebrity`` holds among the real people."""
    row = next(i for i, person in enumerate(CELEBRITIES) if person.name == celebrity)
    return PEOPLE[domain][row].name
