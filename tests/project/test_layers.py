"""The import arrows of the design, read from the source; and that our ``datasets`` is the one found."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import datasets

ROOT = Path(__file__).resolve().parents[2]
OURS = ("mystyle", "baselines", "datasets", "benchmarks", "reports")
ALLOWED = {  # package: prefixes of our modules that it may import besides its own
    "mystyle": (),
    "baselines": ("mystyle",),
    "datasets": ("mystyle.types", "mystyle.memory", "mystyle.files", "mystyle.image_files"),  # no torch in the last two
    "benchmarks": ("mystyle", "baselines", "datasets"),
    "reports": ("benchmarks.engine.records", "benchmarks.analysis.statistics", "mystyle.image_files"),
}
FILES = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """Every module that the file names in an import, at any depth, as ``package.module[.name]``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(f"{prefix}.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path):
    package = path.relative_to(ROOT).parts[0]
    for module in imports(path):
        if module.split(".")[0] in OURS:
            assert any(within(module, prefix) for prefix in (package, *ALLOWED[package])), f"{path} imports {module}"


def importers(module: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in FILES if any(within(name, module) for name in imports(path))}


def test_wandb_has_one_importer():
    assert importers("wandb") == {"benchmarks/engine/tracking.py"}


def test_reports_need_no_torch():
    assert not any(path.startswith("reports/") for path in importers("torch"))
    code = "import sys, reports.build, reports.tables, reports.figures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_nothing_is_unpickled():
    assert not importers("pickle") and not importers("cloudpickle") and not importers("dill")


def test_images_are_opened_in_one_place():
    """By ``open_image`` with its list of formats: by content alone Pillow may choose a reader that runs a program."""
    opened = {
        str(path.relative_to(ROOT))
        for path in FILES
        if re.search(r"\b(Image|Pillow\w*)\.open\(", path.read_text("utf-8"))
    }
    assert opened == {"mystyle/image_files.py"}


def test_no_utils():
    assert not [path for path in FILES if path.stem in ("utils", "util", "helpers", "misc")]


def test_our_datasets_is_the_one_found():
    assert Path(datasets.__file__).parent == ROOT / "datasets"
