"""``python -m reports.build`` from the outside: what it writes, that it is reproducible, and how it refuses."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml
from fake_run import NASTY, SUITE, change_record, change_suite, write_run

from benchmarks.analysis.tables import rebuild
from benchmarks.engine import records
from benchmarks.engine.records import FigureRecord
from reports import publish
from reports.build import main
from reports.runs import read_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("runs") / "run one")
    assert main([str(folder)]) == 0
    return folder


class Page(HTMLParser):
    """Collects links, images without alternative text, tags left open, and the visible text."""

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
    assert not list((run / "unfinished").iterdir())


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


def test_numbers_are_those_of_the_records_whatever_tables_lie_beside_them(tmp_path):
    """Nor do times of files matter: a job's folder that comes back from a backup is older than the tables."""
    folder = write_run(tmp_path / "run")
    expected = read_run(folder).summary
    job = folder / "jobs" / "mystyle-p01"
    job.rename(tmp_path / "backup")
    rebuild(folder)  # tables without that job
    (tmp_path / "backup").rename(job)
    for path in (job, *job.iterdir()):
        os.utime(path, (0, 0))
    pd.testing.assert_frame_equal(read_run(folder).summary, expected)
    (folder / "results.csv").write_text("not a table")
    assert read_run(folder).failures("diffaugment", "maps") == (1, 6)


def test_methods_and_people_called_na_or_null_keep_their_numbers(tmp_path):
    folder = write_run(tmp_path / "run")
    names = {"mystyle": "NA", "diffaugment": "null"}
    for path in folder.glob("jobs/*/record.json"):
        method, person = path.parent.name.split("-")
        if method in names:
            who = {"p01": "nan", "p02": "None"}[person]
            change_record(path, method=names[method], person=who, metrics_sha256=None)
            table = path.with_name("metrics.csv")
            table.write_text(table.read_text().replace(f",{method},{person},", f",{names[method]},{who},"))
    rows = [replace(row, name=names.get(row.name, row.name)) for row in SUITE.methods]
    change_suite(folder, methods=tuple(rows))
    assert main([str(folder)]) == 0
    long = pd.read_csv(folder / "report/tables/inpainting_long.csv", keep_default_na=False).set_index(
        ["method", "metric"]
    )
    assert long.loc[("NA", "maps"), "n_images"] == "6" and long.loc[("null", "maps"), "n_failed"] == 1
    assert (
        "2 people (None, nan)" not in read_run(folder).caption and "(None, nan, p01, p02)" in read_run(folder).caption
    )


def test_paths_of_the_machine_do_not_leave_it(tmp_path):
    folder = write_run(tmp_path / "run")
    secret = "OSError: /home/Jane Doe/photos/me.png cannot be read"
    change_record(folder / "jobs/mystyle-p01/record.json", status="failed", reason=secret, traceback=secret)
    table = folder / "jobs/mystyle-p01/metrics.csv"
    lines = table.read_text().splitlines()
    cells = [",".join([*line.split(",")[:6], "", "failed", secret]) for line in lines[1:]]
    table.write_text("\n".join([lines[0], *cells]) + "\n")
    change_record(folder / "jobs/mystyle-p01/record.json", metrics_sha256=None)
    config = {"photos": "/home/Jane Doe/" + "a b " * 40, "methods": ["external:x=/home/Jane Doe/x", "mystyle"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))  # which folds long lines
    assert main([str(folder)]) == 0 and publish.main([str(folder), "--out", str(tmp_path / "out")]) == 0
    place = tmp_path / "out" / "inpainting"
    packed = [gzip.decompress((place / "results.csv.gz").read_bytes())]
    packed += [lzma.decompress((place / records.ARCHIVE).read_bytes())]
    texts = [
        path.read_bytes() for path in [*place.rglob("*.*"), *(folder / "report/tables").iterdir()] if path.is_file()
    ]
    assert not any(b"Jane" in text or b"/home" in text for text in (*texts, *packed))
    assert (place / "config.yaml").read_text() == "methods:\n- external:x\n- mystyle\n"
    assert b"OSError: me.png cannot be read" in packed[0] and b"OSError: me.png" in packed[1]


def test_an_unknown_kind_of_figure_is_refused(tmp_path, capsys):
    folder = write_run(tmp_path / "run")
    for kind in ("../build", "style", "", "no_such"):
        change_suite(folder, figures=(FigureRecord(kind=kind, name="x"),))
        assert main([str(folder)]) == 2 and "unknown kind" in capsys.readouterr().err
    change_suite(folder, figures=(FigureRecord(kind="strips", name="x", options={"rows": "many"}),))
    assert main([str(folder)]) == 2 and "figure x cannot be made" in capsys.readouterr().err
    assert not (folder / "report").exists() and not list((folder / "unfinished").iterdir())


def test_reports_of_one_run_can_be_made_at_the_same_time(tmp_path):
    folder = write_run(tmp_path / "run")
    command = [sys.executable, "-m", "reports.build", str(folder)]
    root = Path(__file__).resolve().parents[2]
    started = [subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert (folder / "report" / "index.html").is_file() and not list((folder / "unfinished").iterdir())


def test_nothing_but_a_published_run_is_replaced(tmp_path, capsys):
    folder = write_run(tmp_path / "run")
    assert main([str(folder)]) == 0
    (tmp_path / "out" / "inpainting").mkdir(parents=True)
    (tmp_path / "out" / "inpainting" / "photo.png").touch()
    assert publish.main([str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "was not published by this command" in capsys.readouterr().err
    assert (tmp_path / "out" / "inpainting" / "photo.png").exists()


def test_jobs_of_other_settings_are_told_of(tmp_path):
    folder = write_run(tmp_path / "run")
    change_suite(folder, jobs=tuple(key for key in read_run(folder).suite.jobs if key != "mystyle-p01"))
    assert main([str(folder)]) == 0
    page = Page((folder / "report" / "index.html").read_text(encoding="utf-8"))
    assert "1 job in this folder is of other settings and not part of this plan" in " ".join(page.text.split())


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


def test_publishing_keeps_everything_but_the_images(run, tmp_path, capsys):
    assert publish.main([str(run), "--out", str(tmp_path)]) == 0
    place = tmp_path / "inpainting"
    assert capsys.readouterr().out.strip() == str(place)
    assert not list(place.rglob("images")) and {path.name for path in (place / "tables").iterdir()} == {
        f"{name}.{suffix}" for name in ("inpainting", "inpainting_long", "inpainting_cost") for suffix in ("md", "tex")
    }
    rebuild(run)
    assert gzip.decompress((place / "results.csv.gz").read_bytes()) == (run / "results.csv").read_bytes()
    assert tuple(records.read_archive(place / records.ARCHIVE)) == read_run(run).records
    assert {path.stem for path in (place / "figures").iterdir()} == {"inpainting", "inpainting_metrics"}
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert publish.main([str(run), "--out", str(tmp_path)]) == 0  # again: the same bytes
    assert before == {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert publish.main([str(tmp_path / "no run"), "--out", str(tmp_path)]) == 2


def test_no_face_of_a_user_s_photographs_is_published(run, tmp_path):
    rebuild(run)
    config = run / "config.yaml"
    before = config.read_text()
    try:
        config.write_text(before + "photos: /somewhere/people\n")
        assert publish.main([str(run), "--out", str(tmp_path)]) == 0
    finally:
        config.write_text(before)
    place = tmp_path / "inpainting"
    assert {path.stem for path in (place / "figures").iterdir()} == {"inpainting_metrics"}
    assert "somewhere" not in (place / "config.yaml").read_text()


def test_an_index_leads_to_the_runs_that_can_be_read(run, tmp_path, capsys):
    page = tmp_path / "index.html"
    assert main([str(run), str(tmp_path / "no run"), "--index", str(page)]) == 0
    links = [unquote(link) for link in Page(page.read_text(encoding="utf-8")).links]
    assert all((tmp_path / link).resolve().is_file() for link in links) and len(links) >= 2
    assert "left out" in capsys.readouterr().err
