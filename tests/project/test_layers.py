"""The import arrows of the design, read from the source: no circle of files, no torch where it must be quick."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import datasets

ROOT = Path(__file__).resolve().parents[2]
OURS = ("mystyle", "baselines", "datasets", "benchmarks", "reports")
ALLOWED = {  # package: prefixes of our modules that it may import besides its own
    "mystyle": (),
    "baselines": ("mystyle",),
    "datasets": (
        "mystyle.types",
        "mystyle.memory",
        "mystyle.albums",  # no torch at import, nor in what follows
        "mystyle.files",
        "mystyle.image_files",
        "mystyle.progress",
    ),
    "benchmarks": ("mystyle", "baselines", "datasets"),
    "reports": ("benchmarks.engine.records", "benchmarks.analysis", "mystyle.files", "mystyle.image_files"),
}
FILES = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]


@cache
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


MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}


def imported_files(module: str) -> set[Path]:
    """Our files that an import anywhere in a module names, under ``TYPE_CHECKING`` and in functions too.

    ``from package import name`` names the module ``package.name`` if there is one, else the package's ``__init__``. The
    ``__init__`` files that run on the way to a module are among them, except those of the packages that one is in.
    """
    found = set()
    for name in imports(MODULES[module]):
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        if name:
            found.add(MODULES[name])
        while name := name.rpartition(".")[0]:
            if not within(module, name):
                found.add(MODULES[name])
    return found - {MODULES[module]}


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(f"{prefix}.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows(path):
    package = path.relative_to(ROOT).parts[0]
    for module in imports(path):
        if module.split(".")[0] in OURS:
            assert any(within(module, prefix) for prefix in (package, *ALLOWED[package])), f"{path} imports {module}"


def test_no_circle_of_files():
    graph = {path: imported_files(module) for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(str(path.relative_to(ROOT)) for path in reversed(error.args[1])))


def importers(module: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in FILES if any(within(name, module) for name in imports(path))}


def test_wandb_has_one_importer():
    assert importers("wandb") == {"benchmarks/engine/tracking.py"}


@pytest.mark.parametrize("package", ["reports", "benchmarks.api"])
def test_no_torch_at_import(package):
    """All modules of the package in a fresh interpreter, since this one has torch."""
    modules = ", ".join(module for module in MODULES if within(module, package))
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_reports_use_no_torch():
    assert not any(path.startswith("reports/") for path in importers("torch"))


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
