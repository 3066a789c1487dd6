"""The mirror: from a run's files alone, once, nothing personal unless asked for, and never at the run's expense."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml
from bench_toys import SUITE, Toy, context_of, jobs_of
from PIL import Image

from benchmarks.analysis.tables import rebuild
from benchmarks.engine import records
from benchmarks.engine.plan import describe
from benchmarks.engine.tracking import IMAGES, TrackingError, alias, mirror
from benchmarks.engine.worker import Worker

CHART, FACES, OLD = "inpainting_metrics", "inpainting", "of_an_older_report"  # figures; the last one is not listed
PERSONAL = ("alice", "photographs", "00000", "this method always fails", ".png")  # name, folder, files, words


@pytest.fixture(scope="module")
def original(people_root, tmp_path_factory):
    """A run of two methods on alice, one of which fails, with its tables and three figures."""
    methods = [Toy("grey"), Toy("bad", "raise")]
    context = context_of(people_root, methods, tmp_path_factory.mktemp("mirrored") / "run")
    jobs = [job for job in jobs_of(people_root, methods) if job.person == "alice" and not job.reference]
    worker = Worker(context, "cpu")
    for job in jobs:
        worker.run(job)
    records.write_suite(context.run, describe(SUITE, context.methods, context.metrics, jobs, {}))
    rebuild(context.run)
    config = {"suite": "inpainting", "photos": "/home/me/photographs", "out": "runs/alice", "people": ["alice", "p01"]}
    (context.run / "config.yaml").write_text(yaml.safe_dump(config))
    figures = context.run / "report" / "figures"
    figures.mkdir(parents=True)
    for name in (CHART, FACES, OLD):
        Image.new("L", (8, 8)).save(figures / f"{name}.png")
    listed = {CHART: {"faces": False, "names": [], "caption": "1 person (alice)."}, FACES: {"faces": True, "names": []}}
    records.write_json(figures / "figures.json", listed)
    return context.run, jobs


@pytest.fixture
def finished(original, tmp_path):
    run, jobs = original
    return Path(shutil.copytree(run, tmp_path / "Alice_2-quick")), jobs


class Wandb:
    """Takes down what it is told."""

    def __init__(self) -> None:
        self.runs: list[SimpleNamespace] = []

    def init(self, **arguments: Any) -> Any:
        told = SimpleNamespace(arguments=arguments, logged={}, summary={}, exit_codes=[])
        told.log, told.finish = told.logged.update, lambda exit_code: told.exit_codes.append(exit_code)
        self.runs.append(told)
        return told

    def Settings(self, **settings: Any) -> dict[str, Any]:
        return settings

    def Image(self, path: str, caption: str) -> dict[str, Any]:
        return {"picture": Path(path).stem, "caption": caption}  # W&B gives files names of its own

    def Html(self, text: str, inject: bool) -> dict[str, Any]:
        return {"html": text}

    @property
    def whole(self) -> Any:
        (found,) = [run for run in self.runs if run.arguments["job_type"] == "summary"]
        return found


@pytest.fixture
def wandb(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", fake := Wandb())
    return fake


def strings(value: Any) -> Iterator[str]:
    """Every text in nested data, keys too."""
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        for its in value:
            yield from strings(its)
    elif isinstance(value, str):
        yield value


def alias_of(run: Path, name: str) -> str:
    """The alias of a name in this run, whose salt is made by the first mirroring."""
    return alias(name, (run / "wandb" / "salt").read_text())


def told(run: Any) -> list[str]:
    """Every text that left for W&B; ``dir`` says where its files are and stays here."""
    arguments = {name: value for name, value in run.arguments.items() if name != "dir"}
    return list(strings([arguments, run.logged, run.summary]))


def test_offline_runs_are_whole_impersonal_and_made_once(finished, monkeypatch, capfd):
    run, jobs = finished
    monkeypatch.delenv("WANDB_DIR", raising=False)
    assert mirror(run, "offline") == 3
    folders = list((run / "wandb").glob("offline-run-*"))
    made = {folder.name.rsplit("-", 1)[1] for folder in folders}
    assert len(made) == 3 and made > {job.key for job in jobs}
    assert mirror(run, "offline") == 0
    assert len(list((run / "wandb").glob("offline-run-*"))) == 3
    assert "WANDB_DIR" not in os.environ
    out, err = capfd.readouterr()
    assert out == "" and "wandb" not in err.lower()  # quiet
    for folder in folders:
        sent = [*folder.glob("*.wandb"), *(path for path in folder.glob("files/**/*") if path.is_file())]
        assert sent and not any(
            word in path.read_bytes() for path in sent for word in (b"alice", b"photographs", bytes(run))
        )
    assert len(list((run / "wandb").glob("offline-run-*/files/media/html/*.html"))) == 1


def test_nothing_personal_is_told_unless_asked_for(finished, wandb):
    run, _ = finished
    mirror(run, "online")
    assert len(wandb.runs) == 3
    for sent in wandb.runs:
        assert not [text for text in told(sent) for word in PERSONAL if word in text.lower()]
        assert sent.arguments["group"] == f"{alias_of(run, 'alice')}_2-quick"
        assert set(sent.logged) <= {"summary", f"figures/{CHART}"}
    bad = next(sent for sent in wandb.runs if sent.arguments["job_type"] == "bad")
    assert bad.summary["reason"] == "RuntimeError" and bad.exit_codes == [1]
    assert bad.arguments["tags"] == ["inpainting", "smoke", "tiny", alias_of(run, "alice"), "failed"]


def test_a_name_cannot_be_guessed_from_its_alias(finished, wandb, tmp_path):
    """Runs have salts of their own, which stay where they are."""
    run, _ = finished
    other = Path(shutil.copytree(run, tmp_path / "Alice_2-quick again"))
    for each in (run, other):
        mirror(each, "online")
        mirror(each, "online")
    assert alias_of(run, "alice") != alias_of(other, "alice") != alias("alice", "")
    salts = [(each / "wandb" / "salt").read_text() for each in (run, other)]
    assert not any(salt in text for sent in wandb.runs for text in told(sent) for salt in salts)
    assert len({sent.arguments["id"] for sent in wandb.runs if sent.arguments["job_type"] == "summary"}) == 2


def test_everything_is_told_if_asked_for(finished, wandb):
    run, _ = finished
    mirror(run, "online")
    wandb.runs.clear()
    assert mirror(run, "online", images=True) == 3  # again, now with pictures
    assert mirror(run, "online", images=True) == 0
    bad, grey = sorted((s for s in wandb.runs if s is not wandb.whole), key=lambda sent: sent.arguments["job_type"])
    assert grey.arguments["name"] == "grey-alice-0" and 0 < len(grey.logged["outputs"]) <= IMAGES
    assert bad.summary["reason"] == "RuntimeError: this method always fails"
    assert {f"figures/{name}" for name in (CHART, FACES, OLD)} < set(wandb.whole.logged)
    assert wandb.whole.arguments["config"]["people"] == ["alice", "p01"]
    assert "photos" not in wandb.whole.arguments["config"]


def test_the_whole_has_table_results_figures_and_settings(finished, wandb):
    run, _ = finished
    mirror(run, "online")
    whole, summary = wandb.whole, (run / "summary.csv").read_text().splitlines()
    assert whole.arguments["tags"] == ["inpainting", "smoke", "tiny"] and whole.exit_codes == [0]
    html = whole.logged["summary"]["html"]
    assert re.findall(r"<th>(\w+)</th>", html) == summary[0].split(",")
    assert html.count("<tr") == len(summary)
    assert whole.logged[f"figures/{CHART}"]["caption"] == f"1 person ({alias_of(run, 'alice')})."
    table = pd.read_csv(run / "summary.csv").set_index(["method", "metric"])["mean"].dropna()
    assert whole.summary == {f"{method}/{metric}": mean for (method, metric), mean in table.items()} != {}
    assert {"suite", "people", "environment"} == set(whole.arguments["config"])
    assert whole.arguments["config"]["people"] == [
        alias_of(run, "alice"),
        alias_of(run, "p01"),
    ]  # the tiny domain has no people


def test_people_of_the_benchmark_keep_their_names(finished, wandb):
    run, jobs = finished
    for job in jobs:
        path = run / "jobs" / job.key / "record.json"
        text = path.read_text().replace('"alice"', '"p03"').replace('"domain": "tiny"', '"domain": "synthetic"')
        path.write_text(text)
    mirror(run, "online")
    assert {sent.arguments["name"] for sent in wandb.runs} == {"grey-p03-0", "bad-p03-0", "inpainting-smoke"}
    assert wandb.whole.arguments["config"]["people"] == [alias_of(run, "alice"), "p01"]


def test_paths_files_and_names_in_settings_are_withheld(finished, wandb):
    run, jobs = finished
    path = run / "jobs" / jobs[0].key / "record.json"
    settings = {"pictures": [["alice/00000.png", "d1"]], "file": "me.jpg", "space": "w+", "of": "Al ice", "rate": 0.1}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"settings": settings}))
    mirror(run, "online")
    sent = next(sent for sent in wandb.runs if sent.arguments["id"] == jobs[0].key)
    expected = {"pictures": "withheld", "file": "withheld", "space": "w+", "of": alias_of(run, "alice"), "rate": 0.1}
    assert sent.arguments["config"]["settings"] == expected


def test_a_chart_with_a_name_in_it_is_withheld(finished, wandb):
    run, _ = finished
    listed = run / "report" / "figures" / "figures.json"
    records.write_json(listed, {CHART: {"faces": False, "names": ["alice"], "caption": ""}})
    mirror(run, "online")
    assert set(wandb.whole.logged) == {"summary"}


def test_only_what_changed_is_sent_again(finished, wandb):
    run, jobs = finished
    mirror(run, "online")

    def sent() -> list[str]:
        wandb.runs.clear()
        mirror(run, "online")
        return [run.arguments["job_type"] for run in wandb.runs]

    first = wandb.whole.arguments["id"]
    assert sent() == []
    Image.new("L", (9, 9)).save(run / "report" / "figures" / f"{CHART}.png")
    assert sent() == ["summary"] and wandb.whole.arguments["id"] == first
    Image.new("L", (9, 9)).save(run / "report" / "figures" / f"{FACES}.png")
    assert sent() == []  # it is not shown
    table = run / "summary.csv"
    table.write_text(table.read_text() + table.read_text().splitlines()[-1].replace("bad", "other") + "\n")
    assert sent() == ["summary"]
    path = run / "jobs" / jobs[0].key / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"created": "2099-01-01T00:00:00+00:00"}))
    assert sent() == [jobs[0].method]


def test_disabled_leaves_nothing(finished):
    run, _ = finished
    assert mirror(run, "disabled") == 0 and not (run / "wandb").exists()


def test_a_missing_wandb_is_one_error_that_leaves_the_run_alone(finished, monkeypatch):
    run, _ = finished
    monkeypatch.setitem(sys.modules, "wandb", None)  # what an import of an absent package meets
    with pytest.raises(TrackingError, match="wandb"):
        mirror(run, "offline")
    assert len(records.read_records(run)) == 2


@pytest.mark.parametrize("damaged", ["wandb/mirrored-online.json", "report/figures/figures.json", "config.yaml"])
def test_a_damaged_file_is_one_error_that_names_it(finished, wandb, damaged):
    run, _ = finished
    (run / damaged).parent.mkdir(exist_ok=True)
    (run / damaged).write_text("{")
    with pytest.raises(TrackingError):
        mirror(run, "online")


def test_what_was_mirrored_before_a_failure_is_not_mirrored_twice(finished, wandb, monkeypatch):
    run, _ = finished
    begin = wandb.init

    def fail_second(**arguments):
        if len(wandb.runs) == 1:
            raise ConnectionError("no network")
        return begin(**arguments)

    monkeypatch.setattr(wandb, "init", fail_second)
    with pytest.raises(TrackingError, match="ConnectionError: no network"):
        mirror(run, "online")
    monkeypatch.setattr(wandb, "init", begin)
    assert mirror(run, "online") == 2
    assert len({sent.arguments["id"] for sent in wandb.runs}) == 3


def test_a_network_that_is_not_there_is_waited_for_in_seconds(finished, wandb, monkeypatch):
    run, _ = finished
    begin, limits = wandb.init, []

    def watch(**arguments):
        limits.append((arguments["settings"]["init_timeout"], float(os.environ["WANDB_LOGIN_TIMEOUT"])))
        return begin(**arguments)

    monkeypatch.setattr(wandb, "init", watch)
    mirror(run, "online")
    assert max(map(max, limits)) <= 60


def test_a_run_that_broke_off_is_finished_as_failed(finished, wandb, monkeypatch):
    run, _ = finished

    def no_table(text, inject):
        raise ValueError("no table")

    monkeypatch.setattr(wandb, "Html", no_table)
    with pytest.raises(TrackingError, match="no table"):
        mirror(run, "online")
    assert wandb.whole.exit_codes == [1]
