"""The declared claims exist in their suites; the committed page is what the command makes of the committed files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.analysis.claims import Cells, Claim, pair
from benchmarks.analysis.verdicts import Verdict
from benchmarks.api.registry import METRICS, SUITES
from benchmarks.engine.records import MetricRecord
from reports import verdicts
from reports.claims import PAPERS, declared

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "reports" / "RESULTS.md"
RESULTS = ROOT / "reports" / "results"
CLAIMS = declared()


def known(suite_name):
    """Rows, metrics and conditions of a suite."""
    suite = SUITES.load(suite_name)
    rows = {*suite.rows, *(reference.name for reference in suite.references)}
    return rows, set(suite.metrics), set(suite.conditions) or {""}


@pytest.mark.parametrize("claim", [c for c in CLAIMS if isinstance(c, Claim)], ids=lambda claim: claim.statement)
def test_claims_are_about_what_their_suites_have(claim):
    rows, metrics, conditions = known(claim.suite)
    for cells in claim.cells:
        assert cells.row in rows and cells.metric in metrics and set(cells.conditions) <= conditions


@pytest.mark.parametrize(("metric", "margin", "here"), [("perceptual", 0.1, False), ("perceptual", 0.0, True),
                                                        ("identity", 0.1, True)])  # fmt: skip
def test_a_margin_in_another_domain_s_unit_decides_nothing(metric, margin, here):
    """The perceptual distance has another unit on every domain, which no claim's margin is stated for but one's."""
    claim = Claim("1 A", "Table 1", "inversion", "It is", pair("pti", "sg2", metric), "less", margin)
    suite = SimpleNamespace(metrics=[records(name) for name in ("perceptual", "identity")])
    run = SimpleNamespace(suite=suite)
    assert verdicts.ResultSet("faces", {"inversion": run}).decides(claim) is here
    assert verdicts.ResultSet("synthetic", {"inversion": run}).decides(claim)
    assert verdicts.ResultSet("faces", {"tuning_locality": run}).decides(claim), "where nothing was run, that is why"


def test_a_correlation_is_written_as_one():
    claim = Claim("1 A", "text", "typical_photos", "It is", pair("beta_0", "beta_0", "dilation"), "anticorrelated")
    text = verdicts._compared(replace(claim, cells=(Cells("a", "x"), Cells("a", "y"))), [])
    assert text == "a: rank correlation of x and y < 0"
    found = Verdict(claim, "supported", (0.195, 0.9466), -0.4321, (-0.6, -0.26), 0.008, 8)
    run = SimpleNamespace(tied=lambda cells: False)
    (words, people) = verdicts._numbers(found, verdicts.ResultSet("synthetic", {"typical_photos": run}))
    assert words.text == "0.195 and 0.947; rank correlation -0.43 (-0.60, -0.26), p 0.008" and people.text == "8"


def records(name: str) -> MetricRecord:
    """As a run has it (``benchmarks.engine.plan``)."""
    shares = METRICS.load(name).network == "perceptual"
    return MetricRecord(name=name, higher_is_better=None, shares_network_with_loss=shares)


def test_claims_are_declared_once_and_each_suite_has_few_primary_ones():
    assert len({(claim.paper, claim.section, claim.statement, claim.source) for claim in CLAIMS}) == len(CLAIMS)
    primary = [claim.suite for claim in CLAIMS if isinstance(claim, Claim) and claim.primary]
    assert max(map(primary.count, primary)) <= 3  # each one more costs all others power
    for path in (ROOT / "reports" / "claims").glob("[!_]*.py"):
        assert path.stem in SUITES.names()


def test_comments_belong_to_sections_and_name_what_there_is():
    sections = {f"{claim.paper}-{claim.section.split()[0]}" for claim in CLAIMS} | {"introduction", *PAPERS}
    for path in verdicts.COMMENTS.iterdir():
        assert path.name == f"{path.stem}.md" and path.stem in sections
        text = path.read_text(encoding="utf-8")
        found = verdicts.PLACEHOLDER.findall(text)
        assert text.count("{{") == text.count("}}") == len(found)
        for _, suite, condition, row, metric in found:
            rows, metrics, conditions = known(suite)
            assert row in rows and metric in metrics and condition in conditions


def test_the_committed_page_is_up_to_date(monkeypatch):
    """Made again by the command that it names, which is what to run where this fails."""
    monkeypatch.chdir(ROOT)
    text = PAGE.read_text(encoding="utf-8")
    command = re.search(r"`python -m reports\.verdicts (.*) --out (.*)`", text)
    assert command and command[2] == "reports/RESULTS.md"
    assert verdicts.page([verdicts.read_set(Path(name)) for name in command[1].split()], command[0].strip("`")) == text


@pytest.fixture
def inpainting(tmp_path):
    """A folder with one published suite."""
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "inpainting").symlink_to(RESULTS / "v0.2" / "inpainting")
    return folder


def test_the_command_writes_the_page(inpainting, tmp_path, capsys):
    out = tmp_path / "page.md"
    assert verdicts.main([str(inpainting), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    text = out.read_text(encoding="utf-8")
    assert "0.892 and 0.885 †; difference +0.007" in text  # as summary.csv has it: five images of each person
    assert "| not testable here | the suite was not run | – |" in text


def test_conditions_that_are_numbers_are_names():
    summary = verdicts.read_set(RESULTS / "faces").runs["dataset_size"].summary
    assert all(isinstance(condition, str) for condition in summary.index.get_level_values("condition"))


def test_sets_stand_beside_each_other_and_texts_never_change_a_verdict(inpainting, monkeypatch, tmp_path):
    ours = verdicts.read_set(inpainting)
    other = verdicts.ResultSet("faces", {})
    monkeypatch.setattr(verdicts, "COMMENTS", tmp_path)
    text = "Supported! {{synthetic/inpainting//comodgan_ft/maps_train}}, {{faces/inpainting//mystyle/maps_train}}\n"
    (tmp_path / "MyStyle-5.2.1.md").write_text(text, encoding="utf-8")
    page = verdicts.page([ours, other], "command")
    assert "| claim | compared | synthetic | numbers | people | faces | numbers | people |" in page
    assert "\n\nSupported! 0.885 †, –\n\n" in page
    assert "| underpowered | 0.892 and 0.885 †" in page and "| supported |" not in page.split("## ", 1)[1]


@pytest.mark.parametrize("problem", ["empty", "twice", "damaged"])
def test_folders_that_cannot_be_used_are_named(problem, inpainting, tmp_path, capsys):
    folders = [inpainting]
    if problem == "empty":
        folders = [tmp_path / "empty"]
    if problem == "twice":
        folders *= 2
    if problem == "damaged":
        copy = tmp_path / "copy" / "inpainting"
        copy.mkdir(parents=True)
        for path in (RESULTS / "v0.2" / "inpainting").iterdir():
            if path.is_file():
                (copy / path.name).write_bytes(path.read_bytes())
        (copy / "results.csv.gz").write_bytes((RESULTS / "v0.2" / "editing" / "results.csv.gz").read_bytes())
        folders = [copy.parent]
    out = tmp_path / "page.md"
    assert verdicts.main([*map(str, folders), "--out", str(out)]) == 2 and not out.exists()
    assert capsys.readouterr().err.startswith("reports.verdicts: ")
