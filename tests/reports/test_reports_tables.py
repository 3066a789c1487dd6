"""The tables show the run's numbers, mark the best and the ties, count failures, and escape whatever a title holds."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from fake_run import LEVEL, NASTY, SUITE, change_record, change_suite, summary_of, write_run

from benchmarks.analysis.tables import rebuild
from benchmarks.api.published import Published
from reports.runs import read_run
from reports.table import escape_latex, escape_markdown
from reports.tables import tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def made(folder):
    return dict(zip(("wide", "long", "cost"), tables(made_up(folder)), strict=True))


def made_up(folder):
    """The run with a summary that has ties and p values."""
    run = read_run(folder)
    return replace(run, summary=summary_of(run.results))


def rows_of(markdown: str) -> dict[str, list[str]]:
    """The first cell of each Markdown row to the others, split at pipes that are not escaped."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in markdown.splitlines() if line.startswith("|")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_every_number_is_the_mean_and_deviation_of_results_csv(folder, made):
    results = read_run(folder).results
    rows = rows_of(made["wide"].markdown())
    for method, title in (("diffaugment", "DiffAugment"), ("mystyle", "MyStyle")):
        for metric, cell in (("maps", rows[title][0]), ("hole", rows[title][2])):
            values = results.loc[(results["method"] == method) & (results["metric"] == metric), "value"].dropna()
            assert f"{values.mean():.3f} ± {values.std():.3f}" in cell


def test_csv_files_hold_the_same_numbers_unrounded(folder, made, tmp_path):
    results = read_run(folder).results
    (tmp_path / "long.csv").write_text(made["long"].csv())
    long = pd.read_csv(tmp_path / "long.csv").set_index(["method", "metric"])
    expected = results.groupby(["method", "metric"])["value"].agg(["mean", "count"])
    for cell, row in expected.iterrows():
        assert long.loc[cell, "mean"] == pytest.approx(row["mean"], rel=1e-12)  # both are float64 sums of six numbers
        assert long.loc[cell, "n_images"] == row["count"]
    (tmp_path / "wide.csv").write_text(made["wide"].csv())
    wide = pd.read_csv(tmp_path / "wide.csv").set_index("method")
    assert list(wide.index) == [method.name for method in SUITE.methods]
    assert wide.loc["mystyle", "maps_mean"] == long.loc[("mystyle", "maps"), "mean"]


def test_best_is_bold_among_methods_only_and_ties_are_marked(made):
    rows = rows_of(made["wide"].markdown())
    assert [cell.startswith("**") for cell in rows["MyStyle"]] == [True, False, True, False]
    floor = rows[escape_markdown(f"{NASTY} (floor)")]
    assert floor[0] > rows["MyStyle"][0].strip("*"), "the made-up floor scores higher and is still not bold"
    assert not any("**" in cell for cell in floor + rows["DiffAugment"])
    assert rows["DiffAugment"][2].endswith("<sup>†</sup>")
    assert "†" not in rows["DiffAugment"][0]


def test_methods_come_in_the_order_of_the_suite_and_references_are_set_apart(made):
    methods, references = made["wide"].groups
    assert [row[0].text for row in methods] == ["CoModGAN", "DiffAugment", "MyStyle"]
    assert [row[0].text for row in references] == [f"{NASTY} (floor)", "Held-out photos (ceiling)"]
    assert [cell.text for cell in made["wide"].columns] == [
        *("Method", "MAPS ↑", "published", "Hole distance ↓", "images / people")
    ]


def test_published_numbers_stand_beside_ours_and_a_row_that_was_not_run_says_so(made):
    rows = rows_of(made["wide"].markdown())
    assert rows["MyStyle"][1] == "0.72 ± 0.08"
    assert rows["CoModGAN"][:2] == ["–<sup>a</sup>", "0.55 ± 0.08"]
    assert ("a", "Published number only; this method was not run.") in made["wide"].notes


def test_failed_cells_are_counted_and_the_images_are_those_that_have_a_number(made):
    rows = rows_of(made["wide"].markdown())
    assert "(1 of 6 failed)" in rows["DiffAugment"][0]
    assert rows["DiffAugment"][3] == "5–6 / 2"
    assert not any("failed" in cell for cell in rows["MyStyle"])


def test_a_cell_without_any_number_says_how_many_failed_and_why(tmp_path):
    run = made_up(write_run(tmp_path / "run"))
    results, summary = run.results.copy(), run.summary
    gone = (results["method"] == "mystyle") & (results["metric"] == "maps")
    results.loc[gone, ["value", "status", "reason"]] = [float("nan"), "failed", "out of memory"]
    left = summary[~((summary["method"] == "mystyle") & (summary["metric"] == "maps"))]
    table = tables(replace(run, results=results, summary=left))[0]
    rows = rows_of(table.markdown())
    assert rows["MyStyle"][0].startswith("6 of 6 failed")
    assert "out of memory" in [text for _, text in table.notes]
    assert "**" not in rows["DiffAugment"][0], "alone it is not the best of anything"


def test_a_metric_that_is_also_a_loss_has_a_footnote(made):
    assert "MAPS ↑<sup>‡</sup>" in made["wide"].markdown()
    assert any(mark == "‡" and "training loss" in text for mark, text in made["wide"].notes)


def test_intervals_of_the_long_form(folder, made):
    row = made_up(folder).summary.set_index(["method", "metric"]).loc[("mystyle", "maps")]
    assert f"({row.ci_low:.3f}, {row.ci_high:.3f})" in made["long"].markdown()


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (("people", "people"), "paired test over 2 people"),
        (("photos", "photos"), "paired test over the photos of 2 people"),
        (("people", "photos"), "paired test over the photos of 2 people or over 2 people"),
    ],
)
def test_notes_say_what_the_paired_tests_go_over(tmp_path, units, words):
    run = made_up(write_run(tmp_path / "run"))
    compared = run.summary["method"].isin(["diffaugment", "mystyle"])
    unit = run.summary["metric"].map(dict(zip(("maps", "hole"), units, strict=True))).where(compared, "")
    wide, long, _ = tables(replace(run, summary=run.summary.assign(unit=unit)))
    test = f"by a {words} (corrected for all pairs, 5 %)"
    assert ("†", f"not significantly different from the best {test}") in wide.notes
    assert ("", f"p: {words} against the best method; corrected for all pairs, step-down.") in long.notes
    assert not any(text.startswith("p:") for _, text in wide.notes), "it has no p values"
    assert set(long.data["unit"].dropna()) - {""} == set(units)


def test_each_source_has_a_column_and_a_missing_deviation_is_not_shown(tmp_path):
    folder = write_run(tmp_path / "run")
    other = Published("Table 9 of another paper", {"mystyle": {"maps": 0.31, "hole": (1, 0.5)}})
    change_suite(folder, published=(*SUITE.published, other))
    wide, long, _ = tables(read_run(folder))
    assert [cell.text for cell in wide.columns] == [
        *("Method", "MAPS ↑", "published", "published", "Hole distance ↓", "published", "images / people")
    ]
    assert [cell.marks for cell in wide.columns] == ["", "‡", "a", "b", "", "b", ""]
    rows = rows_of(wide.markdown())
    assert rows["MyStyle"][1:3] == ["0.72 ± 0.08", "0.31"] and rows["MyStyle"][4] == "1.00 ± 0.50"
    assert rows["DiffAugment"][1:3] == ["0.68 ± 0.09", "–"]
    assert (
        "b",
        "Published: Table 9 of another paper; other people and photos, so only the order can be compared.",
    ) in (wide.notes)
    assert [cell.text for cell in long.groups[2][0]][-2:] == ["0.72 ± 0.08", "0.31"]
    data = wide.data.set_index("method")
    assert data.loc["mystyle", "maps_published_2_mean"] == 0.31 and data.loc["mystyle", "hole_published_2_std"] == 0.5
    assert "0.72 ± 0.08; 0.31" in read_run(folder).summary["published"].tolist()


def test_no_cell_of_a_csv_file_is_a_formula(tmp_path):
    folder = write_run(tmp_path / "run")
    rows = tuple(replace(row, name="=1+1") if row.name == "mystyle" else row for row in SUITE.methods)
    for path in folder.glob("jobs/mystyle*/record.json"):
        change_record(path, method="=1+1", metrics_sha256=None)
        table = path.with_name("metrics.csv")
        table.write_text(table.read_text().replace(",mystyle,", ",=1+1,"))
    change_suite(folder, methods=rows)
    rebuild(folder)
    texts = [table.csv() for table in tables(read_run(folder))]
    texts += [(folder / name).read_text() for name in ("results.csv", "summary.csv")]
    assert all("'=1+1" in text and not re.search(r"(^|,)=", text, re.MULTILINE) for text in texts)


def test_cost_is_per_person_for_the_fit_and_per_image_for_the_rest(made):
    rows = rows_of(made["cost"].markdown())
    assert rows["MyStyle"] == [
        "2 of 2",
        "12.5",
        "2.00",
        "0.17",
        "801",
        "3.5",
    ]  # fit 12 and 13 s; 6 s for 3 images; 800 and 801
    assert set(made["cost"].data["method"]) == set(LEVEL)


def test_caption_names_domain_preset_people_seeds_and_commit(made):
    for words in ("domain synthetic", "preset smoke", "2 people (p01, p02)", "seed 0", "commit 0123456789 with local"):
        assert words in made["wide"].caption


def test_latex_and_markdown_escape_every_special_character(made):
    assert escape_latex(NASTY) == (
        r"Mean \& 100\% of photo\_\#1 | \textless{}b\textgreater{}"
        r"\textasciicircum{}\textasciitilde{}\{\$\}\textbackslash{}"
    )
    assert escape_markdown(NASTY) == r"Mean & 100% of photo\_#1 \| \<b\>^~{$}" + "\\\\"
    for table in made.values():
        assert NASTY not in table.markdown() + table.latex()
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in table.markdown().splitlines() if line.startswith("|")}
        assert widths == {len(table.columns) + 2}
        body = table.latex().split(r"\toprule")[1].split(r"\bottomrule")[0]
        counts = {len(re.split(r"(?<!\\)&", line)) for line in body.splitlines() if line.endswith(r"\\")}
        assert counts == {len(table.columns)}
        assert r"\begin{tabular}" in table.latex()
        assert table.latex().isascii()


def test_a_metric_without_direction_has_no_best(tmp_path):
    folder = write_run(tmp_path / "run")
    change_suite(folder, metrics=(replace(SUITE.metrics[0], higher_is_better=None), SUITE.metrics[1]))
    table = tables(read_run(folder))[0]
    assert table.columns[1].text == "MAPS"
    assert not any(row[1].bold for group in table.groups for row in group)
