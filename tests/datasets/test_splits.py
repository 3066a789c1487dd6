"""Table 5 against its own text, and the synthetic people against Table 5."""

from __future__ import annotations

import subprocess
import sys

import pytest

from datasets.splits import CELEBRITIES, LFW, LFW_PHOTOS, LFW_TEST, PEOPLE, SYNTHETIC, counterpart

# Typed from the paper's table a second time, in its own form.
TABLE_5 = """
Adele 109 8 | Angela Merkel 145 10 | Barack Obama 192 13 | Dwayne Johnson 97 11 | Emilia Clarke 258 11
| Jeff Bezos 114 3 | Joe Biden 206 13 | Kamala Harris 110 7 | Lady Gaga 133 6 | Michelle Obama 279 9
| Oprah Winfrey 135 9 | Taylor Swift 158 11 | Xi Jinping 92 15
"""


def test_the_celebrities_are_those_of_table_5():
    rows = [row.rsplit(maxsplit=2) for row in TABLE_5.replace("\n", " ").split("|")]
    assert [(p.title, p.train, p.test) for p in CELEBRITIES] == [(t.strip(), int(a), int(b)) for t, a, b in rows]
    assert [p.name for p in CELEBRITIES] == [p.title.lower().replace(" ", "_") for p in CELEBRITIES]


def test_the_synthetic_people_have_the_same_sizes_in_the_same_order():
    assert [p.name for p in SYNTHETIC] == [f"p{i:02d}" for i in range(1, 14)]
    assert [(p.train, p.test) for p in SYNTHETIC] == [(p.train, p.test) for p in CELEBRITIES]


@pytest.mark.parametrize(
    "celebrity, rendered", [("barack_obama", "p03"), ("lady_gaga", "p09"), ("jeff_bezos", "p06"), ("adele", "p01")]
)
def test_counterparts(celebrity, rendered):
    assert counterpart(celebrity, "synthetic") == rendered
    assert counterpart(celebrity, "ffhq") == celebrity


def test_names_are_unique_within_a_domain():
    for domain, people in PEOPLE.items():
        assert len({person.name for person in people}) == len(people) == (34 if domain == "faces" else 13)


def test_the_people_of_lfw():
    """34 people have 30 photos or more, 2,370 together: what scikit-learn loads with ``min_faces_per_person=30``."""
    assert len(LFW) == 34 and sum(LFW_PHOTOS.values()) == 2370 and min(LFW_PHOTOS.values()) == 30
    assert list(LFW_PHOTOS.values()) == sorted(LFW_PHOTOS.values(), reverse=True)
    assert [p.train + p.test for p in LFW] == list(LFW_PHOTOS.values()) and {p.test for p in LFW} == {LFW_TEST}
    assert [p.name for p in LFW][2:8:5] == ["tony_blair", "junichiro_koizumi"]
    assert counterpart("xi_jinping", "faces") == "vladimir_putin"


def test_no_torch_is_imported():
    code = "import sys, datasets.splits, datasets.folders; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
