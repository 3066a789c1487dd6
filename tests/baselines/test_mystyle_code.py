"""MyStyle by its released code: where its preset ``paper`` differs from the paper's text, and in nothing else."""

from __future__ import annotations

from dataclasses import asdict

from baselines.mystyle_code import METHOD
from mystyle.prior import METHOD as MYSTYLE

CODE = {
    "beta": 0.03,  # project.py
    "sum_weight": 10.0,  # hyperparams.py, sum_1_reg_weight
    "sum_of": "raw",  # alpha_projector.py
    "schedule": {"rate": 5e-3},  # hyperparams.py, projection_lr
}


def test_paper_is_the_released_code_in_every_field():
    text, code = (asdict(method.presets["paper"]) for method in (MYSTYLE, METHOD))
    assert code["restore"] == text["restore"] | CODE
    assert code["edit"] == text["edit"] | {"policy": "continue"}  # edit.py
    assert (code["fit"], code["sample"]) == (text["fit"], text["sample"])


def test_shorter_presets_have_the_lengths_of_mystyle():
    for name in ("smoke", "quick", "full"):
        ours, code = MYSTYLE.presets[name], METHOD.presets[name]
        assert code.fit == ours.fit and code.restore.steps == ours.restore.steps
