"""Plug-ins found in their folders: adding one is adding a file.

A file that assigns the kind's attribute at module level is a plug-in, and its name is the plug-in's name. Names are
read from the source without importing it, so that listing them costs no torch; ``load`` imports the one that is used.
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]


class UnknownName(ValueError):
    """A name that nothing answers to; the message has the nearest ones and the whole list."""


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in: the package whose folder holds its files, and the attribute that makes a file one."""

    title: str  # singular, for messages
    package: str
    attribute: str
    extra: tuple[tuple[str, str], ...] = ()  # (name, module) of those that live elsewhere

    def modules(self) -> dict[str, str]:
        """Name to module, sorted by name."""
        folder = _ROOT.joinpath(*self.package.split("."))
        files = {path.stem: path for path in sorted(folder.glob("*.py"))}
        found = {
            name: f"{self.package}.{name}"
            for name, path in files.items()
            if self.attribute in _assigned(path, path.stat().st_mtime_ns)
        }
        return dict(sorted((found | dict(self.extra)).items()))

    def names(self) -> tuple[str, ...]:
        return tuple(self.modules())

    def load(self, name: str) -> Any:
        """The object of that name. Raises UnknownName."""
        require([name], self.names(), self.title)
        return getattr(importlib.import_module(self.modules()[name]), self.attribute)


DOMAINS = Kind("domain", "mystyle.domains", "DOMAIN")
EDITORS = Kind("editor", "mystyle.editors", "EDITOR")


def require(wanted: Sequence[str], known: Sequence[str], title: str) -> None:
    """Raises UnknownName unless every wanted name is known; all unknown ones are in one message."""
    lines = []
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f", did you mean {near[0]}?" if near else "."
            lines.append(f"unknown {title} {name!r}{hint} Known: {', '.join(known) or 'none'}")
    if lines:
        raise UnknownName("\n".join(lines))


@functools.cache
def _assigned(path: Path, modified: int) -> frozenset[str]:
    """The names that the file, as of the time ``modified``, assigns at module level."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    targets = [node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)] for node in nodes]
    return frozenset(target.id for each in targets for target in each if isinstance(target, ast.Name))
