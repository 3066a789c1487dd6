"""The project files agree with the source and with each other."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import yaml

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


def test_every_import_is_a_declared_dependency():
    optional = names([name for extra in PROJECT["optional-dependencies"].values() for name in extra])
    declared = names(PROJECT["dependencies"]) | optional
    known = set(sys.stdlib_module_names) | set(PACKAGES)
    found = {name for package in PACKAGES for path in (ROOT / package).rglob("*.py") for name in imports(path)} - known
    missing = {name for name in found if DISTRIBUTIONS.get(name, name).lower().replace("_", "-") not in declared}
    assert not missing


def test_every_folder_of_modules_is_a_package_that_the_wheel_will_hold():
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_datasets_is_ours_and_not_the_other_package_of_that_name():
    assert Path(find_spec("datasets").origin).parent == ROOT / "datasets"


def test_citation_has_the_version_and_the_licence_of_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:2] == ["Apache", "License"]
