"""Published runs of older schemas are read, rendered and published again, and their tables come out byte for byte."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest
from published_run import RESULTS, unpack

from benchmarks.engine import records
from reports import publish
from reports.build import main
from reports.runs import read_run
from reports.tables import tables

ALWAYS = ("calibration", "editing")  # sweeps; conditions and published numbers
EARLIER = RESULTS / "v0.2"
PLACES = [
    pytest.param(
        path.parent,
        id=str(path.parent.relative_to(RESULTS)),
        marks=() if path.parent.name in ALWAYS else pytest.mark.slow,
    )
    for path in sorted(
        found for folder in (RESULTS, EARLIER, RESULTS / "faces") for found in folder.glob("*/suite.json")
    )
]


@pytest.mark.parametrize("place", PLACES)
def test_tables_of_published_runs_come_out_the_same(place, tmp_path):
    run = read_run(unpack(place, tmp_path / "run"))
    for table in tables(run):
        assert table.markdown() == (place / "tables" / f"{table.name}.md").read_text(encoding="utf-8")
        assert table.latex() == (place / "tables" / f"{table.name}.tex").read_text(encoding="utf-8")
    assert records.csv_text(run.summary) == (place / "summary.csv").read_text(encoding="utf-8")
    results = records.csv_text(run.results[list(records.COLUMNS)])
    assert results.encode() == gzip.decompress((place / "results.csv.gz").read_bytes())
    suite, found, values = records.read_published(place)
    assert suite == run.suite and sorted(found, key=key) == sorted(run.records, key=key)
    pd.testing.assert_frame_equal(values, run.results)


def test_a_published_run_is_published_again_as_of_this_version(tmp_path):
    place = EARLIER / "inpainting"
    for source in (place, tmp_path / "out" / "inpainting"):  # what was published again serves as well
        run = unpack(source, tmp_path / f"run of {source.parent.name}")
        assert main([str(run)]) == 0 and publish.main([str(run), "--out", str(tmp_path / "out")]) == 0
        again = tmp_path / "out" / "inpainting"
        for path in [*(place / "tables").iterdir(), place / "summary.csv", place / "config.yaml"]:
            assert path.read_bytes() == (again / path.relative_to(place)).read_bytes()
        assert records.read_suite(again) == records.read_suite(place)
        found = list(records.read_archive(again / records.ARCHIVE))
        assert sorted(found, key=key) == sorted(records.read_archive(place / records.ARCHIVE), key=key)


def test_a_report_of_other_results_is_not_published(tmp_path, capsys):
    run = unpack(EARLIER / "inpainting", tmp_path / "run")
    assert main([str(run)]) == 0
    (table,) = (run / "report" / "tables").glob("inpainting.md")
    table.write_text(table.read_text(encoding="utf-8").replace("0.8", "0.9"), encoding="utf-8")
    assert publish.main([str(run), "--out", str(tmp_path / "out")]) == 2
    assert "made of other results" in capsys.readouterr().err and not (tmp_path / "out" / "inpainting").exists()


def key(record):
    return record.key
