"""The figure's rows are chosen by a rule that no score can move, and its columns follow the suite."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from fake_run import NASTY, write_run
from PIL import Image

from reports import figures
from reports.figures import draw
from reports.figures.grid import MAX_ROWS, MIN_ROWS, choose
from reports.figures.style import CELL, GAP, SIDE
from reports.runs import Case, read_run


def cases(people: int, photos: int, masks: tuple[str, ...], seeds: tuple[int, ...] = (0,)) -> list[Case]:
    return [
        Case(f"p{person:02}", seed, f"{photo:03}", masks[photo % len(masks)], None, {})
        for person in range(people)
        for seed in seeds
        for photo in range(photos)
    ]


def test_a_few_people_have_several_rows_and_all_rules_are_shown():
    rows = choose(cases(3, 10, ("eyes", "mouth", "half", "centre", "strokes")))
    assert [row.person for row in rows] == ["p00", "p00", "p01", "p01", "p02"]
    assert {row.mask for row in rows} == {"eyes", "mouth", "half", "centre", "strokes"}


def test_rules_do_not_repeat_for_a_person_while_another_is_left():
    rows = choose(cases(2, 6, ("eyes", "mouth")))
    assert len(rows) == MIN_ROWS
    assert [row.mask for row in rows if row.person == "p01"] == ["mouth", "eyes"]


@pytest.mark.parametrize("people", [1, 5, 13, 40])
def test_rows_are_distinct_and_bounded(people):
    rows = choose(cases(people, 4, ("eyes", "mouth"), seeds=(3, 1)))
    assert len({(row.person, row.case) for row in rows}) == len(rows) == min(MAX_ROWS, max(people, 4))
    assert {row.seed for row in rows} == {1}


def test_the_choice_does_not_depend_on_who_failed():
    full = cases(2, 4, ("eyes", "mouth"))
    partial = [Case(c.person, c.seed, c.case, c.mask, Path("x"), {"mystyle": Path("y")}) for c in full]
    assert [(c.person, c.case) for c in choose(full)] == [(c.person, c.case) for c in choose(partial)]


def test_the_grid_has_a_picture_for_every_row_and_column(tmp_path):
    run = read_run(write_run(tmp_path / "run"))
    grid, metrics = draw(run, tmp_path)
    assert grid.caption.count(NASTY) == 1
    assert f"Left to right: Input, {NASTY}, DiffAugment, MyStyle, Held-out photos." in grid.caption
    for picture in (grid, metrics):
        assert picture.path.with_name(picture.path.name + ".pdf").read_bytes().startswith(b"%PDF")
    image = np.asarray(Image.open(f"{grid.path}.png").convert("RGB"))
    top = image.shape[0] - MIN_ROWS * (CELL + GAP)
    assert image.shape[1] == SIDE + 5 * (CELL + GAP)
    for row, case in enumerate(choose(run.cases)):
        for column, path in enumerate([case.input, case.outputs["mean_photo"], case.outputs["diffaugment"]]):
            y, x = top + row * (CELL + GAP), SIDE + column * (CELL + GAP)
            expected = Image.open(path).resize(
                (CELL, CELL), Image.Resampling.NEAREST
            )  # so few pixels are shown as such
            assert np.array_equal(image[y : y + CELL, x : x + CELL], np.asarray(expected))


def test_a_method_of_ones_own_has_a_column_and_a_missing_picture_leaves_a_gap(tmp_path):
    folder = write_run(tmp_path / "run")
    suite = json.loads((folder / "suite.json").read_text())
    suite["figures"][0]["columns"] = ["mean_photo", "mystyle"]  # diffaugment plays a method of the user's own
    (folder / "suite.json").write_text(json.dumps(suite))
    (folder / "jobs" / "mystyle-p01" / "images" / "000.png").unlink()
    grid, _ = draw(read_run(folder), tmp_path)
    assert f"Left to right: Input, {NASTY}, DiffAugment, MyStyle." in grid.caption


KINDS = sorted({path.stem for path in Path(figures.__file__).parent.glob("*.py")} - {"__init__", "style"})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_whether_it_shows_faces(kind):
    module = importlib.import_module(f"reports.figures.{kind}")
    source = Path(module.__file__).read_text(encoding="utf-8")
    assert module.FACES is bool(re.search(r"\b(sheet|show|strips)\(", source)), "what draws pictures of the cases"


def test_a_figure_knows_whose_names_are_written_in_it(tmp_path):
    folder = write_run(tmp_path / "run")
    suite = json.loads((folder / "suite.json").read_text())
    suite["figures"] = [{"kind": "scatter", "name": "dots", "caption": "", "label": "size"}]
    suite["figures"][0] |= {"metric": "maps", "colour": "hole"}
    (folder / "suite.json").write_text(json.dumps(suite))
    for path in folder.glob("jobs/*/record.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"level": 5.0}))
    dots, metrics = draw(read_run(folder), tmp_path)
    assert (dots.faces, dots.names) == (False, ("p01", "p02"))  # its legend
    assert (metrics.faces, metrics.names) == (False, ())
