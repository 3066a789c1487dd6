"""Mirrors a run into Weights & Biases. The only importer of wandb.

The mirror can be made again from the files of a run: one W&B run per job, its id the job's key, and one for the whole
with the table and the figures, all of them in one group. Mirroring happens once, after the jobs, because it then costs
a tenth of a second per job and no worker waits for it. What has been mirrored is noted beside it and is not sent twice.

Unless images are asked for, nothing personal is sent: no image, no figure that shows faces, no name of a person but
the benchmark's own, no path, no name of a photo, and of a failure no more than its type. Aliases of names are salted
hashes, and the salt stays in the run's folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from benchmarks.engine import records
from benchmarks.engine.plan import content_hash
from datasets.folders import sha256

Mode = Literal["offline", "online", "disabled"]
PROJECT = "mystyle-bench"
IMAGES = 8  # per job
WHOLE = "summary"  # the job type of the run as a whole, and its line in the note
FIELDS = ("suite", "suite_version", "method", "method_version", "person", "prior_of", "condition", "seed")
LOCAL = ("photos", "out", "priors", "ray_address", "shard")  # in config.yaml: where it was made, not what was made
LIMITS = {"init_timeout": 30, "finish_timeout": 600, "finish_timeout_raises": True}  # s; without a network it gives up
LOGIN_LIMIT = 30  # seconds that W&B waits for somebody to log in
WITHHELD = "withheld"


class TrackingError(RuntimeError):
    """Mirroring failed; the run itself is not touched by it."""


def mirror(run: Path, mode: Mode, *, images: bool = False) -> int:
    """Mirrors what changed of the run since the last time, as W&B runs; returns how many.

    Everything goes to ``run/wandb``; "offline" can be uploaded later by ``wandb sync``. With ``images``, images and
    people's names are mirrored, too. Raises TrackingError.
    """
    if mode == "disabled":
        return 0
    folder = run / "wandb"
    noted = folder / f"mirrored-{mode}.json"
    try:
        mirrored = records.read_json(noted, "delete it") if noted.is_file() else {}
        folder.mkdir(exist_ok=True)
        new = [part for part in _parts(run, images) if mirrored.get(part.name) != part.state]
        if not new:
            return 0
        try:
            with _own_settings(folder):
                import wandb

                for part in new:
                    part.send(wandb, mode)
                    mirrored[part.name] = part.state
        finally:
            records.write_json(noted, mirrored)
    except Exception as error:  # whatever a network or a foreign package can come up with
        words = " ".join(str(error).split())
        raise TrackingError(f"W&B mirror: {type(error).__name__}: {words}") from error
    return len(new)


@dataclass(frozen=True)
class _Part:
    """What becomes one W&B run; ``state`` changes when it has to be sent again."""

    name: str
    state: str
    send: Callable[[Any, Mode], None]


def _parts(run: Path, images: bool) -> Iterator[_Part]:
    found = records.read_records(run)
    if not found:
        return
    config = _read_yaml(run / "config.yaml")
    people = {who for record in found for who in (record.person, record.prior_of)}.union(config.get("people") or ())
    terms = _Terms(run.resolve().name, found[0].domain, frozenset(people), images, _salt(run / "wandb" / "salt"))
    for record in found:
        state = record.created + " with images" * images
        yield _Part(record.key, state, partial(_send_job, run, record, terms))
    if (table := run / "summary.csv").is_file():
        figures = _figures(run / "report" / "figures", terms)
        shown = {name: sha256(path) for name, (path, _) in figures.items()}
        state = content_hash([sha256(table), shown, images])
        yield _Part(WHOLE, state, partial(_send_whole, run, found[0], config, figures, terms))


# What may be sent


@dataclass(frozen=True)
class _Terms:
    """What may be sent of a run: everything with ``images``, else nothing personal."""

    run: str  # the name of its folder
    domain: str
    people: frozenset[str]
    images: bool
    salt: str

    @cached_property
    def private_names(self) -> frozenset[str]:
        """People whose names are not sent: all but the benchmark's own."""
        from datasets.splits import PEOPLE

        own = {person.name for person in PEOPLE.get(self.domain, ())}
        return frozenset() if self.images else self.people - own

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """The names in a text, however written; a short one as a word only, because "me" is also in "mean photo"."""
        words = []
        for name in sorted(self.private_names, key=lambda name: (-len(_letters(name)), name)):
            if letters := _letters(name):
                word = r"[\W_]*".join(letters)
                words.append(word if len(letters) > 3 else rf"(?<![^\W_]){word}(?![^\W_])")
        return re.compile("|".join(words), re.IGNORECASE) if words else None

    def text(self, text: str) -> str:
        """The text with an alias in the place of every private name."""
        if text in self.private_names:
            return alias(text, self.salt)
        if self._pattern is None:
            return text
        whole = {_letters(name): name for name in sorted(self.private_names)}
        return self._pattern.sub(lambda found: alias(whole.get(_letters(found[0]), found[0]), self.salt), text)

    @property
    def group(self) -> str:
        return self.text(self.run)

    def data(self, value: Any) -> Any:
        """Plain data without names, paths and files."""
        if isinstance(value, Mapping):
            return {name: self.data(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            sent = [self.data(inner) for inner in value]
            return WITHHELD if WITHHELD in sent else sent
        if isinstance(value, str) and not self.images:
            text = self.text(value)
            return WITHHELD if re.search(r"[/\\]|\.[A-Za-z]\w{1,4}$", text) else text
        return value

    def reason(self, reason: str) -> str:
        """Why a job failed: the type of the error, because its message can hold anything."""
        kind = reason.partition(":")[0]
        return records.without_paths(reason) if self.images or not reason else kind if kind.isidentifier() else WITHHELD

    def shows(self, figure: Mapping[str, Any]) -> bool:
        """Whether a figure may be sent, by its entry in figures.json; one without an entry may show anything."""
        return self.images or not (figure.get("faces", True) or self.private_names & {*figure.get("names", ())})


def alias(name: str, salt: str) -> str:
    """What is sent for a person's name: without the salt nobody can test a guess."""
    return f"person-{hashlib.sha256((salt + name).encode()).hexdigest()[:6]}"


def _salt(file: Path) -> str:
    """The run's random salt, made when it is first asked for."""
    if not file.is_file():
        records.write_text(file, secrets.token_hex(16))
    return file.read_text(encoding="utf-8")


def _letters(name: str) -> str:
    """A name without case and what separates its words, which differ between folders."""
    return re.sub(r"[\W_]", "", name).lower()


def _figures(folder: Path, terms: _Terms) -> dict[str, tuple[Path, str]]:
    """The figures that may be sent, by name: file and caption."""
    listed = folder / "figures.json"
    about = records.read_json(listed, "make the report again") if listed.is_file() else {}
    entries = {path.stem: (path, about.get(path.stem, {})) for path in sorted(folder.glob("*.png"))}
    return {
        name: (path, terms.text(entry.get("caption", "")))
        for name, (path, entry) in entries.items()
        if terms.shows(entry)
    }


# How it is sent


def _send_job(run: Path, record: records.Record, terms: _Terms, wandb: Any, mode: Mode) -> None:
    rows = records.read_rows(run, record.key)
    means = rows[rows["status"] == "done"].groupby("metric")["value"].mean()
    fields = {name: getattr(record, name) for name in FIELDS}
    sent = {name: terms.text(value) if isinstance(value, str) else value for name, value in fields.items()}
    sent |= {"preset": record.preset, "domain": record.domain}
    sent |= {"settings": terms.data(record.settings), "params": terms.data(record.params)}
    with _opened(
        wandb,
        run,
        mode,
        exit_code=0 if record.status == "done" else 1,
        id=record.key,
        name=f"{sent['method']}-{sent['person']}-{record.seed}",
        group=terms.group,
        job_type=sent["method"],
        tags=[record.suite, record.preset, record.domain, sent["person"], record.status],
        config=sent | {"environment": record.environment},
    ) as tracked:
        images = [(case.case, run / "jobs" / record.key / "images" / f"{case.case}.png") for case in record.cases]
        images = [(case, path) for case, path in images if path.is_file()][: IMAGES * terms.images]
        if images:
            tracked.log({"outputs": [wandb.Image(str(path), caption=case) for case, path in images]})
        tracked.summary.update(
            {"status": record.status, "reason": terms.reason(record.reason), "peak_memory_mb": record.peak_memory_mb}
            | {f"seconds/{stage}": seconds for stage, seconds in record.seconds.items()}
            | {f"metrics/{name}": mean for name, mean in means.items()}
        )


def _send_whole(
    run: Path,
    record: records.Record,
    config: Mapping[str, Any],
    figures: Mapping[str, tuple[Path, str]],
    terms: _Terms,
    wandb: Any,
    mode: Mode,
) -> None:
    """The run of the suite: table, figures, and the results by method. ``record`` is of one of its jobs."""
    import pandas as pd

    suite, preset, domain = record.suite, record.preset, record.domain
    about = run / "environment.json"
    environment = records.read_json(about, "run the suite again") if about.is_file() else record.environment
    texts = ("condition", "method")
    table = pd.read_csv(run / "summary.csv", dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=[""])
    table = table.assign(**{name: table[name].fillna("").map(terms.text) for name in texts if name in table})
    named = table[[name for name in (*texts, "metric") if name in table]]
    means = dict(zip(named.agg(lambda row: "/".join(filter(None, row)), axis="columns"), table["mean"], strict=True))
    with _opened(
        wandb,
        run,
        mode,
        exit_code=0,
        id=content_hash([terms.salt, terms.run, suite, preset, domain]),
        name=f"{suite}-{preset}",
        group=terms.group,
        job_type=WHOLE,
        tags=[suite, preset, domain],
        config=terms.data({name: value for name, value in config.items() if name not in LOCAL})
        | {"environment": environment},
    ) as tracked:
        shown = {f"figures/{name}": wandb.Image(str(path), caption=words) for name, (path, words) in figures.items()}
        html = table.to_html(index=False, na_rep="", float_format="{:.6g}".format)
        tracked.log({WHOLE: wandb.Html(html, inject=False)} | shown)  # a Table would hold the path of this folder
        tracked.summary.update({key: mean for key, mean in means.items() if pd.notna(mean)})


@contextlib.contextmanager
def _opened(wandb: Any, run: Path, mode: Mode, *, exit_code: int, **about: Any) -> Iterator[Any]:
    """A W&B run that is finished when the block ends, with exit code 1 if by an exception."""
    tracked = wandb.init(
        project=PROJECT,
        dir=str(run),
        mode=mode,
        resume="allow",  # the same job again is the same run, not another one
        settings=wandb.Settings(
            silent=True,
            console="off",
            save_code=False,
            disable_git=True,
            host="",  # the name of a machine can be its owner's
            x_disable_stats=True,
            x_disable_meta=True,
            **LIMITS,
        ),
        **about,
    )
    code = 1
    try:
        yield tracked
        code = exit_code
    finally:
        tracked.finish(exit_code=code)


@contextlib.contextmanager
def _own_settings(folder: Path) -> Iterator[None]:
    """W&B reads its folders and its verbosity from the environment; they are ours inside the block only."""
    ours = {"WANDB_DIR": str(folder.parent), "WANDB_SILENT": "true", "WANDB_CACHE_DIR": str(folder / "cache")}
    ours |= {"WANDB_DATA_DIR": str(folder / "data"), "WANDB_LOGIN_TIMEOUT": str(LOGIN_LIMIT)}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _read_yaml(path: Path) -> Mapping[str, Any]:
    """A mapping; empty where there is no file."""
    import yaml

    return (yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None) or {}
