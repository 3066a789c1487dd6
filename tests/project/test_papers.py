"""The page on the papers names what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.api.registry import EDITORS, METHODS, METRICS, SUITES, TASKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")
KINDS = {"method": METHODS, "editor": EDITORS, "suite": SUITES, "task": TASKS, "metric": METRICS}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_is_named_is_there(kind):
    lists = re.findall(rf"\b{kind}s? ((?:`\w+`(?:, | and )?)+)", PAGE)
    named = {name for text in lists for name in re.findall(r"`(\w+)`", text)}
    assert named and named <= set(KINDS[kind].names())


def test_files_that_are_named_are_there():
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+)`", PAGE)
    assert len(named) > 15 and [path for path in named if not (ROOT / path).exists()] == []


def test_every_method_and_editor_of_a_paper_is_named():
    """Floors and what is ours alone are in no paper."""
    ours = {"lanczos", "mean_photo", "nearest_photo", "mystyle", "mystyle_code", "domain_encoder", "vector"}
    missing = {name for kind in (METHODS, EDITORS) for name in kind.names() if f"`{name}`" not in PAGE}
    assert missing <= ours
