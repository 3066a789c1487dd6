"""The figure's rows are chosen by a rule that no score can move, and its columns follow the suite."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from fake_run import NASTY, SUITE, change_record, change_suite, write_run
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from benchmarks.api.published import Published
from benchmarks.engine.records import ConditionRecord, FigureRecord, MetricRecord, RowRecord
from reports import figures
from reports.figures import draw
from reports.figures.grid import MAX_ROWS, MIN_ROWS, choose
from reports.figures.style import CELL, GAP, SIDE, line, log_ticks
from reports.figures.tradeoff import _label
from reports.runs import Case, read_run

OURS = RowRecord(name="ours", title="Ours", kind="method")


def cases(people: int, photos: int, masks: tuple[str, ...], seeds: tuple[int, ...] = (0,)) -> list[Case]:
    return [
        Case(f"p{person:02}", seed, f"{photo:03}", masks[photo % len(masks)])
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
    partial = [replace(c, input=Path("x"), outputs={"mystyle": Path("y")}) for c in full]
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
    columns = ["mean_photo", "mystyle"]  # diffaugment stands for a method of the user's own
    change_suite(folder, figures=(replace(SUITE.figures[0], options={"columns": columns}),))
    (folder / "jobs" / "mystyle-p01" / "images" / "000.png").unlink()
    grid, _ = draw(read_run(folder), tmp_path)
    assert f"Left to right: Input, {NASTY}, DiffAugment, MyStyle." in grid.caption


def test_a_dollar_sign_in_a_name_is_one(tmp_path):
    """matplotlib takes what stands between two for mathematics, and refuses most of it."""
    folder = write_run(tmp_path / "run")
    change_suite(folder, methods=tuple(replace(row, title=rf"$\no{{{row.name}$ $") for row in SUITE.methods))
    grid, _ = draw(read_run(folder), tmp_path)
    assert r"$\no{mystyle$ $" in grid.caption


def test_several_sources_have_markers_of_their_own(tmp_path):
    folder = write_run(tmp_path / "run")
    other = Published("Table 9 of another paper", {"mystyle": {"maps": 0.3}})
    change_suite(folder, published=(*SUITE.published, other))
    _, metrics = draw(read_run(folder), tmp_path)
    named = "diamond: Table 2 of the MyStyle paper; square: Table 9 of another paper"
    assert f"Open markers: published ({named})." in metrics.caption


KINDS = sorted({path.stem for path in Path(figures.__file__).parent.glob("*.py")} - {"__init__", "style"})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_whether_it_shows_faces(kind):
    module = importlib.import_module(f"reports.figures.{kind}")
    source = Path(module.__file__).read_text(encoding="utf-8")
    assert module.FACES is bool(re.search(r"\b(sheet|show|strips)\(", source)), "what draws pictures of the cases"


def test_a_figure_knows_whose_names_are_written_in_it(tmp_path):
    folder = write_run(tmp_path / "run")
    options = {"label": "size", "metric": "maps", "colour": "hole"}
    change_suite(folder, figures=(FigureRecord(kind="scatter", name="dots", options=options),))
    for path in folder.glob("jobs/*/record.json"):
        change_record(path, level=5.0)
    dots, metrics = draw(read_run(folder), tmp_path)
    assert (dots.faces, dots.names) == (False, ("p01", "p02"))  # its legend
    assert (metrics.faces, metrics.names) == (False, ())


def test_sets_of_all_photos_are_one_place_of_a_curve_whatever_their_sizes():
    rows = [
        {"method": "ours", "metric": "error", "person": person, "image": f"{i}", "condition": condition}
        | {"level": level, "value": value + i}
        for person, whole in (("p03", 192.0), ("p06", 114.0))
        for condition, level, value in (("10", 10.0, 4.0), ("200", whole, whole))
        for i in (0, 2)
    ]
    run = SimpleNamespace(
        scored=pd.DataFrame(rows),
        suite=SimpleNamespace(metrics=[MetricRecord(name="error", label="Error", higher_is_better=False)]),
        methods=[OURS],
    )
    (panel,) = importlib.import_module("reports.figures.curves").draw(run, {"label": "photos", "log": True}).figure.axes
    (line,) = panel.get_lines()
    assert line.get_xydata().tolist() == [[10, 5], [153, 154]], "means over people, of sizes and of errors"
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["10", "153"]


@pytest.fixture
def png(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "image.png")
    return tmp_path / "image.png"


def test_strips_have_a_column_per_condition(png):
    shown = [
        Case(person, 0, f"a-{condition}", condition=condition, level=level, image="a")
        for person, whole in (("p03", 192), ("p06", 114))
        for condition, level in (("10", 10), ("200", whole), ("random", None))
    ]
    shown[0].outputs[OURS.name] = png
    run = SimpleNamespace(
        cases=shown,
        conditions=[ConditionRecord(name="10", title="10 photos"), ConditionRecord(name="200", title="all")],
        methods=[OURS, RowRecord(name="dash", title="Without an image", kind="method")],
    )
    drawing = importlib.import_module("reports.figures.strips").draw(run, {"columns": "level"})
    assert drawing.alt.startswith("Strips of face images, level from 10 photos to all")
    assert len(drawing.figure.axes) == 2 * 2, "two people, two columns, and none of what has no level"


def test_strips_have_a_column_per_edit(png):
    wanted = [(person, name) for person in ("p03", "p06") for name in ("smile", "yaw")]
    shown = [Case(who, 0, f"{who}-{name}", condition="single", image="a", edits=((name, 1.0),)) for who, name in wanted]
    other = RowRecord(name="other", title="Other", kind="method")
    for case in shown:
        case.outputs.update({OURS.name: png, other.name: png})
    run = SimpleNamespace(cases=[*shown, Case("p03", 0, "none", image="a")], conditions=[], methods=[OURS, other])
    drawing = importlib.import_module("reports.figures.strips").draw(run, {"columns": "edits", "methods": (OURS.name,)})
    assert drawing.alt.startswith("Strips of face images, edits from smile to yaw")
    assert len(drawing.figure.axes) == 2 * 2, "two people of one method, two edits"


def test_numbers_of_an_axis_do_not_lie_on_each_other():
    panel = Figure(figsize=(3.4, 2.5)).subplots()
    log_ticks(panel, [10, 10, 50, 50, 100, 100, 114, 133, 192])
    assert sorted(t.get_text() for t in panel.get_xticklabels() if t.get_text()) == ["10", "100", "192", "50"]
    assert len(panel.get_xticks()) == 6


def test_labels_of_dots_do_not_lie_on_each_other():
    dots = [("a", (1.0, 1.0)), ("b", (1.01, 1.001)), ("c", (1.02, 1.002)), ("d", (2.0, 2.0))]
    figure = Figure(figsize=(3, 2.5))
    panel = figure.subplots()
    panel.plot([x for _, (x, _) in dots], [y for _, (_, y) in dots])
    figure.draw_without_rendering()
    _label(panel, dots)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in panel.texts]  # without the lines that lead to the dots
    assert len(boxes) == 4 and not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("rows", [4, 17])
def test_dots_have_titles_beside_them_or_in_a_legend_where_they_are_many(rows):
    methods = [RowRecord(name=f"m{i}", title=f"Row {i}", kind="method") for i in range(rows)]
    values = [(m.name, metric, float(i)) for i, m in enumerate(methods[:-1]) for metric in ("kid", "identity")]
    summary = pd.DataFrame([{"condition": "", "method": m, "metric": k, "mean": v} for m, k, v in values])
    metrics = [MetricRecord(name=name, label=name, higher_is_better=True) for name in ("kid", "identity")]
    conditions = (ConditionRecord(name="", title=""),)
    suite = SimpleNamespace(metrics=metrics, conditions=conditions)
    run = SimpleNamespace(suite=suite, summary=summary, methods=methods)
    figure = importlib.import_module("reports.figures.tradeoff").draw(run, {"x": "kid", "y": "identity"}).figure
    titles = [m.title for m in methods[:-1]]  # the last one has no values
    if rows <= 10:
        assert [text.get_text() for text in figure.axes[0].texts] == titles and not figure.legends
    else:
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == titles and not figure.axes[0].texts
        looks = [(line.get_color(), line.get_marker()) for line in figure.axes[0].lines if line.get_marker() != "None"]
        assert len(set(looks)) == len(titles)


def test_no_two_of_sixteen_lines_look_alike():
    assert len({tuple(line(i).values()) for i in range(16)}) == 16
