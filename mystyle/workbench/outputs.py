"""The folder that a command writes into: it replaces nothing there but what the same command wrote before."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mystyle.files import require_regular, write_whole

LISTING = "outputs.json"  # in the folder: {"command": ..., "files": [...]}
LONGEST = 230  # bytes of a name; file systems take 255, of which temporary names need some


def claim(out: Path, command: str, files: Iterable[str], images: Path | None = None) -> None:
    """Makes the folder ``out`` and lists in it the ``files`` that ``command`` is about to write there.

    Raises ValueError before anything is written if ``out`` is the folder of ``images`` (one, or a folder of them) or
    inside it, if it holds a file that is not listed or the results of another command, if two results would have one
    name or one too long, or if nothing can be written there.
    """
    files = list(files)
    folded = Counter(name.casefold() for name in files)  # on some file systems A and a are one name
    if twice := [name for name in files if folded[name.casefold()] > 1]:
        raise ValueError(f"--out {out}: two results would be called {twice[0]}; rename the image of that name")
    if long := [name for name in files if len(os.fsencode(name)) > LONGEST]:
        raise ValueError(f"--out {out}: the name {long[0][:40]}... is too long; rename the image")
    if images is not None:
        place, source = Path(os.path.realpath(out)), Path(os.path.realpath(images))
        if place == source.parent or place.is_relative_to(source):
            raise ValueError(f"--out {out}: is in the folder of the images, {images}; choose another folder")
    try:
        found = set(os.listdir(out)) if out.is_dir() else set()
        found = {name for name in found if name in files or not name.startswith(".")}
        listed = {"command": command, "files": []}
        if LISTING in found:
            listed = read_json(out / LISTING, {"command": str, "files": list})
        if listed["command"] != command:
            raise ValueError(f"--out {out}: holds the results of {listed['command']}; choose another folder")
        ours = set(map(str, listed["files"]))
        if foreign := sorted(found - ours - {LISTING}):
            raise ValueError(f"--out {out}: holds {foreign[0]}, which {command} did not write; choose another folder")
        out.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"command": command, "files": sorted(ours.union(files))}, indent=2) + "\n"
        write_whole(out / LISTING, lambda path: path.write_text(content, encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"--out {out}: cannot be used as a folder ({error.strerror})") from error


def read_json(path: Path, fields: dict[str, type]) -> dict[str, Any]:
    """A JSON object with at least these ``fields`` of these types. Raises ValueError naming the file, or OSError."""
    try:
        require_regular(path)
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is damaged ({error})") from error
    if not isinstance(content, dict) or any(not isinstance(content.get(key), kind) for key, kind in fields.items()):
        raise ValueError(f"{path}: is damaged ({', '.join(fields)} are expected)")
    return content
