"""``python -m reports.build`` from the outside: what it writes, that it is reproducible, and how it refuses."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from fake_run import NASTY, write_run

from benchmarks.engine import records
from reports import publish
from reports.build import main
from reports.runs import is_stale, read_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("runs") / "run one")
    assert main([str(folder)]) == 0
    return folder


class Page(HTMLParser):
    """Collects links, pictures without alternative text, tags left open, and the visible text."""

    VOID = frozenset({"meta", "img", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.without_alt: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.add(tag)
        self.links += [values[name] for name in ("href", "src") if name in values]
        if tag == "img" and not values.get("alt"):
            self.without_alt.append(values["src"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_everything_that_the_design_names_is_written(run):
    report = run / "report"
    for name in ("inpainting", "inpainting_long", "inpainting_cost"):
        assert all((report / "tables" / f"{name}.{suffix}").stat().st_size for suffix in ("md", "tex", "csv"))
    for name in ("inpainting", "inpainting_metrics"):
        assert all((report / "figures" / f"{name}.{suffix}").stat().st_size for suffix in ("png", "pdf"))
    listed = json.loads((report / "figures" / "figures.json").read_text(encoding="utf-8"))
    assert {name: about["faces"] for name, about in listed.items()} == {"inpainting": True, "inpainting_metrics": False}
    assert listed["inpainting"]["names"] == ["p01", "p02"] and listed["inpainting_metrics"]["names"] == []
    assert all(about["caption"] and about["alt"] for about in listed.values())
    assert (report / "index.html").is_file()
    assert not (run / "report.partial").exists()


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    again = write_run(tmp_path / "run one")
    (again / "report").mkdir()
    (again / "report" / "left over.md").touch()  # a report is replaced, not added to
    assert main([str(again)]) == 0
    files = sorted(path.relative_to(run) for path in (run / "report").rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in (again / "report").rglob("*") if path.is_file())
    assert [f for f in files if (run / f).read_bytes() != (again / f).read_bytes()] == []


def test_page_is_well_formed_accessible_and_every_link_leads_somewhere(run):
    page = Page((run / "report" / "index.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert page.without_alt == []
    assert {"main", "nav", "h1", "caption", "figcaption", "title"} <= page.tags
    assert not page.tags & {"script", "b"}, "a title is text and not markup"
    local = [link for link in page.links if not link.startswith(("data:", "#"))]
    assert len(local) > 40
    assert all((run / "report" / unquote(link)).is_file() for link in local)
    assert not any("://" in link for link in page.links), "the page needs no network"
    for words in (NASTY, "no <face> found", "domain synthetic", "0123456789abcdef", "suite: inpainting"):
        assert words in page.text


def test_derived_files_are_rebuilt_where_a_record_is_newer(tmp_path, monkeypatch):
    folder = write_run(tmp_path / "run")
    assert not is_stale(folder)
    record = next(folder.glob("jobs/*/record.json"))
    later = (folder / "results.csv").stat().st_mtime + 10
    os.utime(record, (later, later))
    assert is_stale(folder)
    rebuilt = []
    monkeypatch.setattr(records, "rebuild", rebuilt.append)
    read_run(folder)
    assert rebuilt == [folder]


def test_derived_files_that_are_missing_come_back_from_the_records(tmp_path):
    folder = write_run(tmp_path / "run")
    expected = pd.read_csv(folder / "summary.csv").set_index(["method", "metric"])
    for name in ("results.csv", "summary.csv"):
        (folder / name).unlink()
    run = read_run(folder)
    found = run.summary.set_index(["method", "metric"])
    for cell in expected.index:
        for column in ("mean", "n_images", "n_people"):
            assert found.loc[cell, column] == pytest.approx(expected.loc[cell, column], rel=1e-12)
    assert run.failures("diffaugment", "maps") == (1, 6)


@pytest.mark.parametrize("damage", ["absent", "no suite", "broken suite", "no job"])
def test_what_is_not_a_run_is_refused_with_one_message_and_status_2(damage, run, tmp_path, capsys):
    folder = tmp_path / "broken"
    if damage != "absent":
        write_run(folder)
    if damage == "no suite":
        (folder / "suite.json").unlink()
    if damage == "broken suite":
        (folder / "suite.json").write_text("{")
    if damage == "no job":
        (folder / "jobs").rename(tmp_path / "elsewhere")
    good = write_run(tmp_path / "good")
    assert main([str(good), str(folder)]) == 2
    assert not (good / "report").exists(), "nothing is written before all arguments are known to be usable"
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert str(folder) in message


def test_no_argument_is_refused_with_status_2():
    with pytest.raises(SystemExit) as refusal:
        main([])
    assert refusal.value.code == 2


def test_a_report_needs_no_torch(tmp_path):
    folder = write_run(tmp_path / "run")
    code = (
        "import sys; from reports.build import main; status = main(sys.argv[1:]); "
        "ours = {m for m in sys.modules if m.startswith('mystyle.')} - {'mystyle.files', 'mystyle.image_files'}; "
        "sys.exit(status or sorted(set(sys.modules) & {'torch', 'wandb', 'baselines', 'datasets'} | ours) or 0)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_publishing_keeps_everything_but_the_pictures(run, tmp_path, capsys):
    assert publish.main([str(run), "--out", str(tmp_path)]) == 0
    place = tmp_path / "inpainting"
    assert capsys.readouterr().out.strip() == str(place)
    assert not list(place.rglob("images")) and {path.name for path in (place / "tables").iterdir()} == {
        f"{name}.{suffix}" for name in ("inpainting", "inpainting_long", "inpainting_cost") for suffix in ("md", "tex")
    }
    assert gzip.decompress((place / "results.csv.gz").read_bytes()) == (run / "results.csv").read_bytes()
    kept = [json.loads(line) for line in lzma.decompress((place / "records.jsonl.xz").read_bytes()).splitlines()]
    assert kept == list(read_run(run).records)
    assert {path.stem for path in (place / "figures").iterdir()} == {"inpainting", "inpainting_metrics"}
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert publish.main([str(run), "--out", str(tmp_path)]) == 0  # again: the same bytes
    assert before == {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert publish.main([str(tmp_path / "no run"), "--out", str(tmp_path)]) == 2


def test_an_index_leads_to_the_runs_that_can_be_read(run, tmp_path, capsys):
    page = tmp_path / "index.html"
    assert main([str(run), str(tmp_path / "no run"), "--index", str(page)]) == 0
    links = [unquote(link) for link in Page(page.read_text(encoding="utf-8")).links]
    assert all((tmp_path / link).resolve().is_file() for link in links) and len(links) >= 2
    assert "left out" in capsys.readouterr().err
