"""Plug-ins are found by their files, by name and without importing torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.api.registry import DOMAINS, EDITORS, METHODS, METRICS, SUITES, TASKS, UnknownName, require
from benchmarks.api.suite import Variant
from mystyle import plugins


def test_what_this_milestone_has():
    assert {"mystyle", "diffaugment", "mean_photo", "nearest_photo"} <= set(METHODS.names())
    assert "inpainting" in SUITES.names()
    assert {"maps_train", "maps_heldout", "identity", "hole_distance", "seam"} <= set(METRICS.names())
    assert "maps" not in METRICS.names()  # the formula they share, not a metric


@pytest.mark.parametrize("kind", [METHODS, SUITES, METRICS, TASKS, EDITORS, DOMAINS], ids=lambda kind: kind.title)
def test_every_plug_in_is_named_after_its_file(kind):
    assert kind.names()
    for name, module in kind.modules().items():
        plug_in = kind.load(name)
        assert plug_in.name == name
        assert module.endswith(f".{name}") or name == "mystyle"
        if kind not in (TASKS, DOMAINS):  # their parameters and weights are in every key themselves
            assert plug_in.version >= 1


def test_suites_are_made_of_what_there_is():
    for name in SUITES.names():
        suite = SUITES.load(name)
        fitted = {row.method if isinstance(row, Variant) else row for row in suite.methods}
        assert fitted <= set(METHODS.names()) and set(suite.metrics) <= set(METRICS.names())
        shown = {*suite.rows, *(reference.name for reference in suite.references)}
        assert suite.floors <= set(suite.rows) and all(set(table.values) <= shown for table in suite.published)
        grids = [figure.options.get("columns", []) for figure in suite.figures if figure.kind == "grid"]
        assert {name for grid in grids for name in grid} <= {*suite.rows, *(r.name for r in suite.references)}
        assert not set(METHODS.names()) & {r.name for r in suite.references}  # one name, one row


def test_a_new_file_is_a_new_method(tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "_ROOT", tmp_path)
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines/plain.py").write_text("import no_such_package\nMETHOD = 1\n")
    (tmp_path / "baselines/annotated.py").write_text("METHOD: int = 1\n")
    (tmp_path / "baselines/helper.py").write_text("def f():\n    METHOD = 1\n    return METHOD\n")
    assert METHODS.names() == ("annotated", "mystyle", "plain")


def test_an_unknown_name_gets_the_nearest_and_the_list():
    with pytest.raises(UnknownName, match=r"unknown method 'mystile', did you mean mystyle\? Known: .*mean_photo"):
        METHODS.load("mystile")
    with pytest.raises(UnknownName) as raised:
        require(["xyz", "b", "bb"], ["b"], "thing")
    assert len(str(raised.value).splitlines()) == 2  # every unknown name, in one message


def test_names_cost_no_torch():
    code = (
        "import sys; from benchmarks.api import registry as r;"
        "[k.names() for k in (r.METHODS, r.SUITES, r.METRICS, r.TASKS, r.EDITORS, r.DOMAINS)];"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
