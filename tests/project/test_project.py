"""The project files agree with the source and with each other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import mystyle

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("baselines", "benchmarks", "datasets", "mystyle", "reports")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = {"PIL": "pillow", "yaml": "pyyaml", "sklearn": "scikit-learn"}  # where the two names differ


def imports(path: Path) -> Iterator[str]:
    """Top-level names that a file imports anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("packages", [("mystyle",), PACKAGES], ids=["wheel", "checkout"])
def test_every_import_is_a_declared_dependency(packages):
    """The wheel's package has those of ``pip install mystyle-bench``; the checkout has the extras' too."""
    extras = [text for texts in PROJECT["optional-dependencies"].values() for text in texts]
    declared = names(PROJECT["dependencies"] + (extras if packages == PACKAGES else []))
    known = set(sys.stdlib_module_names) | set(PACKAGES)
    found = {name for package in packages for path in (ROOT / package).rglob("*.py") for name in imports(path)} - known
    missing = {name for name in found if DISTRIBUTIONS.get(name, name).lower().replace("_", "-") not in declared}
    assert not missing


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_version_and_licence_are_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == mystyle.__version__ == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:2] == ["Apache", "License"]


def test_public_names_are_imported_when_they_are_used():
    """In a fresh interpreter, since this one has torch; the names' modules are checked by mypy, too."""
    code = "import sys, mystyle; print('torch' in sys.modules); from mystyle import *; print(load_generator.__module__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "mystyle.checkpoints"]
    assert all(hasattr(mystyle, name) for name in mystyle.__all__) and set(mystyle.__all__) <= set(dir(mystyle))
    with pytest.raises(AttributeError, match="no attribute 'tuen'"):
        mystyle.tuen  # noqa: B018
