"""The figure of the best and the worst cycle of each method."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from reports.figures import extremes
from reports.runs import Case


@pytest.fixture
def run(tmp_path):
    """Two people with a cycle each, by two methods; the second method has no score."""
    cases = []
    for person in ("s0001", "s0002"):
        before = ""
        for kind in ("projection", "edit", "cycle"):
            name = f"0-smile-{kind}"
            path = tmp_path / f"{person}-{name}.png"
            Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(path)
            outputs = {"magec": path, "pti": path}
            cases.append(Case(person, 0, name, condition="smile", of=before, input=path, outputs=outputs))
            before = name
    item = "0-smile-cycle | 0-smile-projection"
    rows = [("magec", "s0001", item, 0.25, "edit_consistency"), ("magec", "s0002", item, 1.5, "edit_consistency")]
    rows += [("pti", "s0001", item, 0.1, "still_edits")]
    scored = pd.DataFrame(rows, columns=["method", "person", "case", "value", "metric"]).assign(seed=0)
    methods = [SimpleNamespace(name=name, title=title) for name, title in (("magec", "MAGEC"), ("pti", "PTI"))]
    return SimpleNamespace(cases=tuple(cases), scored=scored, methods=methods, label=lambda case: "Smile")


def test_each_scored_method_has_its_best_and_its_worst_cycle(run):
    drawing = extremes.draw(run, {"metric": "edit_consistency"})
    words = [text.get_text() for text in drawing.figure.texts]
    assert [word for word in words if word in ("0.25", "1.50")] == ["0.25", "1.50"]
    assert sum("best" in word for word in words) == sum("worst" in word for word in words) == 1
    assert len(drawing.figure.axes) == 2 * 4 and "MAGEC" in drawing.alt and "PTI" not in drawing.alt


def test_a_cycle_is_followed_back_to_its_projection(run):
    cases = {case.key: case for case in run.cases}
    chain = extremes.cycle_of(cases["s0002", 0, "0-smile-cycle"], cases)
    assert [case.case for case in chain] == ["0-smile-projection", "0-smile-edit", "0-smile-cycle"]


def test_without_scores_there_is_no_figure(run):
    assert extremes.draw(run, {"metric": "realism"}) is None
