"""Fits cached in files at three levels: of a domain, of a person (a prior), of images (their inversions).

A fit is a folder under the hash of everything that decides it, written whole or not at all, with the hashes of its
files in ``about.json``. What was made is always read back from the files, so that a job that finds a fit and the job
that made it compute with the same numbers. A fit that was damaged on disk is set aside and made again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engine import records
from benchmarks.engine.plan import Job, content_hash, plain
from datasets.folders import sha256
from mystyle.digests import digest

if TYPE_CHECKING:
    from torch import Tensor

    from mystyle.domains.domain import Domain
    from mystyle.inversion import Inversion
    from mystyle.protocols import Inverts
    from mystyle.types import Image

ABOUT = "about.json"
TENSORS = "tensors.safetensors"

Save = Callable[[Path], None]


@dataclass(frozen=True)
class FitStore:
    """The fits in a folder, which several runs and processes may share."""

    folder: Path

    def make(self, key: str, compute: Callable[[], Save], about: Mapping[str, Any]) -> tuple[Path, dict[str, Any]]:
        """The folder of a fit, and what became of it: ``cached``, ``seconds``, ``megabytes``, ``damaged`` if it was.

        Where it is not there whole, ``compute`` makes it and returns what writes it into an empty folder. ``about`` is
        kept beside its files. Raises Unwritable if nothing can be written.
        """
        place = self.folder / key
        now: dict[str, Any] = {"cached": True}
        with contextlib.ExitStack() as stack:
            with records.writing(self.folder):
                stack.enter_context(records.claim(place))  # another process may be making it
                if place.exists() and (damage := damage_of(place)):
                    print(f"the fit in {place} is damaged and is made again: {damage}")
                    records.set_aside(place)
                    now["damaged"] = damage
            if not place.exists():
                began = time.perf_counter()
                save = compute()
                self._write(place, save, {**about, "seconds": time.perf_counter() - began})
                now["cached"] = False
        noted = records.read_json(place / ABOUT, f"delete {place} to fit again")
        return place, {**now, "seconds": noted["seconds"], "megabytes": noted.get("megabytes")}

    def get(self, key: Mapping[str, Any], compute: Callable[[], dict[str, Tensor]]) -> Mapping[str, Tensor]:
        """A fit of a domain (``mystyle.domains.domain.Fits``)."""
        place, _ = self.make(content_hash(key), lambda: _saves(compute()), {"fit": key["fit"]})
        return _read(place)

    def images(self, keys: Sequence[str], compute: Callable[[Sequence[int]], dict[str, Tensor]]) -> dict[str, Tensor]:
        """Fits of images, a row of every tensor for each of ``keys``; ``compute`` makes the rows that are not there.

        What is computed together is written together, so that a run that was stopped in between goes on with the same
        batches, and so to the same numbers.
        """
        import torch

        whole = content_hash(list(keys))
        if not (self.folder / whole).exists():
            known = self._rows(keys)
            missing = [i for i, key in enumerate(keys) if key not in known]
            if len(missing) < len(keys):
                if missing:
                    new = [keys[i] for i in missing]
                    place = self._make_images(new, lambda: compute(missing))
                    known |= {key: (place, row) for row, key in enumerate(new)}
                rows = [_read(*known[key]) for key in keys]
                return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
        return dict(_read(self._make_images(keys, lambda: compute(range(len(keys))))))

    def knows(self, keys: Sequence[str]) -> bool:
        """Whether fits of all these images are there whole."""
        return len(self._rows(keys)) == len(set(keys))

    def _make_images(self, keys: Sequence[str], compute: Callable[[], dict[str, Tensor]]) -> Path:
        place, _ = self.make(content_hash(list(keys)), lambda: _saves(compute()), {"images": list(keys)})
        return place

    def _rows(self, keys: Sequence[str]) -> dict[str, tuple[Path, int]]:
        """Where the fits of ``keys`` are that are there whole: folder and row. Other fits are not hashed."""
        found: dict[str, tuple[Path, int]] = {}
        for path in self.folder.glob(f"*/{ABOUT}"):
            with contextlib.suppress(records.RecordError):
                images = records.read_json(path, "").get("images", ())
                rows = {key: (path.parent, row) for row, key in enumerate(images) if key in keys}
                if rows and not damage_of(path.parent):
                    found |= rows
        return found

    def _write(self, place: Path, save: Save, about: Mapping[str, Any]) -> None:
        with records.writing(self.folder), records.whole_folder(place) as folder:
            save(folder)
            files = {path: path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
            size = {"megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 3)}
            hashes = {"files": {name: sha256(path) for path, name in files.items()}}
            records.write_json(folder / ABOUT, {**about, **size, **hashes})


@dataclass(frozen=True)
class JobResources:
    """What a task of a job may use besides the prior (``benchmarks.api.task.Resources``)."""

    domain: Domain
    store: FitStore
    job: Job
    read_group: Callable[[], Image] | None = None
    """the photos of ``job.together``, [n, 3, R, R]"""

    def invert(self, prior: Inverts, images: Image, seeds: Sequence[int]) -> Inversion:
        """A photo that is not there yet, or that the others decide, too, is inverted together with all of its group."""
        keys = _inversion_keys(images, seeds)
        if self.read_group and (self.job.joint or not self.store.knows(self._hashed(keys))):
            group, group_seeds = self.read_group().to(images), [photo.seed for photo in self.job.together]
            group_keys = _inversion_keys(group, group_seeds)
            if all(key in group_keys for key in keys):  # and not an edited image, say
                rows = [group_keys.index(key) for key in keys]
                found = self._inverted(prior, group, group_seeds)
                return prior.inversion({name: tensor[rows] for name, tensor in found.items()})
        return prior.inversion(self._inverted(prior, images, seeds))

    def _inverted(self, prior: Inverts, images: Image, seeds: Sequence[int]) -> dict[str, Tensor]:
        keys = _inversion_keys(images, seeds, self.job.joint)
        return self.cached(keys, lambda rows: prior.invert(images[rows], seeds=[seeds[i] for i in rows]).tensors())

    def cached(
        self, keys: Sequence[Mapping[str, Any]], compute: Callable[[Sequence[int]], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        found = self.store.images(self._hashed(keys), lambda rows: compute(list(rows)))
        return {name: tensor.to(self.domain.device) for name, tensor in found.items()}

    def _hashed(self, keys: Sequence[Mapping[str, Any]]) -> list[str]:
        mine = {"prior": self.job.prior_identity, "settings": plain(self.job.settings)}
        return [content_hash({**mine, **key}) for key in keys]


def _inversion_keys(images: Image, seeds: Sequence[int], joint: bool = False) -> list[dict[str, Any]]:
    """What a photo's inversion is kept under; ``joint``: all of them decide each."""
    hashes = [digest(image) for image in images]
    beside = {"together": hashes} if joint else {}
    pairs = zip(hashes, seeds, strict=True)
    return [{"fit": "inversion", "image": image, "seed": seed, **beside} for image, seed in pairs]


def damage_of(place: Path) -> str | None:
    """How a saved fit differs from what was saved; None if it does not, or is older than the notes of hashes."""
    try:
        about = records.read_json(place / ABOUT, "it cannot be used")
        files = about.get("files", {})
        if not isinstance(about.get("seconds"), int | float) or not isinstance(files, dict):
            return f"not as saved: {ABOUT}"
        changed = [name for name, digest in files.items() if sha256(place / name) != digest]
    except (records.RecordError, OSError) as error:
        return str(error)
    return f"not as saved: {', '.join(changed)}" if changed else None


def _saves(tensors: Mapping[str, Tensor]) -> Save:
    from safetensors.torch import save_file

    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return lambda folder: save_file(whole, folder / TENSORS)


def _read(place: Path, row: int | None = None) -> dict[str, Tensor]:
    """The tensors of a fit, or one row of each, as [1, ...]."""
    from safetensors import safe_open

    with safe_open(place / TENSORS, framework="pt") as file:
        found = {
            name: file.get_tensor(name) if row is None else file.get_slice(name)[row : row + 1]
            for name in file.keys()  # noqa: SIM118  (no mapping)
        }
    return {name: tensor.clone() for name, tensor in found.items()}  # aligned as when computed: kernels round by it
