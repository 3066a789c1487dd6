"""Rows change what they name, and nothing else."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from benchmarks.api.registry import METHODS
from benchmarks.api.task import Part
from benchmarks.suites.projection_terms import ROWS, SUITE
from benchmarks.tasks.inpainting import Inpainting
from mystyle.domains import source
from mystyle.projection import OFFICIAL_CODE

PART = Part(Inpainting(), (), "inpainting")


def of(row, domain="synthetic"):
    settings = source(domain).settings("paper", METHODS.load("mystyle").presets["paper"])
    return asdict(SUITE.rows[row].change(settings, PART).restore)


@pytest.mark.parametrize("domain", ["synthetic", "faces"])
@pytest.mark.parametrize("row", ROWS)
def test_a_row_differs_from_the_first_in_what_it_names_alone(row, domain):
    before, after = of("as_written", domain), of(row, domain)
    assert {name for name in before if before[name] != after[name]} == set(ROWS[row][1])
    assert before["coordinates"] == "softplus" and before["beta"] == 0.02


def test_the_last_row_is_the_released_code_but_for_beta():
    code = asdict(OFFICIAL_CODE)
    assert {name for name, value in of("code").items() if value != code[name]} == {"beta"}
