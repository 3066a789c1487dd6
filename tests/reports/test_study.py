"""User studies: who sees what, what pages do not tell, which answers count, and where the shares come out."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from fake_run import change_suite, write_run
from PIL import Image
from published_run import unpack
from scipy.stats import binomtest

from benchmarks.analysis.statistics import share_interval, wilson_interval
from benchmarks.api.published import Published
from benchmarks.api.registry import METHODS, SUITES
from benchmarks.engine import records
from reports import build, publish
from reports.runs import Case, read_run
from reports.study.__main__ import main
from reports.study.design import deal
from reports.study.files import Answers, Question, Study
from reports.study.pages import edit_of
from reports.study.protocol import ANSWERS, Protocol, protocol_of
from reports.study.protocols import __path__ as protocols
from reports.study.scoring import score

SUITES_ASKED = sorted(path.stem for path in Path(protocols[0]).glob("[a-z]*.py"))
PAIR = Protocol("a paper", "pair", "Which?", rows=("x", "y", "z"), ours="o", given="Input")
REAL = Protocol("a paper", "real", "Real?", rows=("x", "y"))


def cases(count: int = 8, rows: str = "oxyz", person: str = "p") -> list[Case]:
    return [Case(person, 0, str(i), outputs={row: Path(f"{row}{i}.png") for row in rows}) for i in range(count)]


def pages_of(run: Path) -> dict[str, dict]:
    """The data of each page by its rater."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((run / "study" / "pages").iterdir())}
    found = [json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1]) for text in texts.values()]
    assert [path.name for path in texts] == [f"rater-{data['rater']}.html" for data in found]
    return {data["rater"]: data for data in found}


def pixels(data: dict, index: int) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(data["images"][index].split(",")[1]))))


def saved(run: Path, folder: Path, rater: str, choose, **changes) -> Path:
    """The file of a rater who answers checks rightly, and of all else whether the row's image is chosen."""
    study = json.loads((run / "study" / "study.json").read_text())
    pair = ANSWERS[study["form"]]
    answers = {}
    for number, question in enumerate(study["raters"][rater]):
        right = not question["row"] or choose(number)
        answers[question["id"]] = question["counts"] if right else pair[1 - pair.index(question["counts"])]
    path = folder / f"answers-{rater}.json"
    path.write_text(json.dumps({"schema": 1, "study": study["study"], "rater": rater, "answers": answers} | changes))
    return path


@pytest.fixture
def run(tmp_path):
    """A run of inpainting with a study of two raters, six pairs each."""
    folder = write_run(tmp_path / "run")
    assert main(["make", str(folder), "--raters", "2", "--items", "6", "--checks", "2"]) == 0
    return folder


# Who sees what


@pytest.mark.parametrize(("count", "items"), [(8, 10), (8, 24), (7, 5), (3, 30)])
def test_pairs_are_balanced_within_a_page_and_over_raters(count, items):
    pages = deal(cases(count), PAIR, raters=2 * count, items=items, checks=0, seed=1)
    for page in pages:
        keys = [(asked.case.key, asked.row) for asked in page]
        assert len(set(keys)) == len(keys) == min(items, 3 * count), "no pair comes twice to one rater"
        rows, sides = (Counter(getattr(asked, name) for asked in page) for name in ("row", "counts"))
        assert max(rows.values()) - min(rows.values()) <= 1 and abs(sides["a"] - sides["b"]) <= 2
    asked = [one for page in pages for one in page]
    times = Counter((one.case.key, one.row) for one in asked)
    assert max(times.values()) - min(times.values()) <= 1, "every pair is asked as often"
    for pair in times:
        sides = Counter(one.counts for one in asked if (one.case.key, one.row) == pair)
        assert abs(sides["a"] - sides["b"]) <= 1, "on either side as often"


def test_the_order_is_random_and_the_seed_s():
    def order(seed):
        return [[(a.case.case, a.row, a.counts, a.check) for a in page] for page in
                deal(cases(), PAIR, raters=3, items=12, checks=2, seed=seed)]  # fmt: skip

    assert order(1) == order(1) != order(2)
    assert len({tuple(page) for page in order(1)}) == 3


@pytest.mark.parametrize("protocol", [PAIR, REAL])
def test_checks_are_strewn_and_no_one_answer_passes_them(protocol):
    for page in deal(cases(), protocol, raters=20, items=12, checks=4, seed=0, known=frozenset({"p"})):
        places = [place for place, asked in enumerate(page) if asked.check]
        assert len(page) == 16 and len(places) == 4 and places[0] <= 3 and places[-1] >= 12
        assert Counter(page[place].counts for place in places) == dict.fromkeys(ANSWERS[protocol.form], 2)


def test_only_cases_that_both_have_are_asked():
    some = cases(2, "ox") + cases(1, "x", "q") + cases(1, "o", "r")
    (page,) = deal(some, PAIR, raters=1, items=9, checks=0, seed=0)
    assert {(a.case.person, a.row) for a in page} == {("p", "x")} and len(page) == 2
    with pytest.raises(records.RecordError, match="no images of x, y, z beside o under dark"):
        deal(some, replace(PAIR, conditions=("dark",)), raters=1, items=9, checks=0, seed=0)


# What pages show, and what they do not tell


def test_the_images_of_a_page_are_those_of_the_key(run):
    key, cases = json.loads((run / "study" / "study.json").read_text()), read_run(run).cases
    found = {(case.person, case.seed, case.case): case for case in cases}
    for rater, data in pages_of(run).items():
        for asked, hidden in zip(data["questions"], key["raters"][rater], strict=True):
            assert asked["id"] == hidden["id"]
            shown = dict(zip(data["answers"], (pixels(data, index) for index in asked["shown"]), strict=True))
            other = shown.pop(hidden["counts"])
            (ours,) = shown.values()
            if not hidden["row"]:
                assert not np.array_equal(other, ours)
                continue
            case = found[hidden["person"], hidden["seed"], hidden["case"]]
            assert np.array_equal(other, np.array(Image.open(case.outputs[hidden["row"]])))
            assert np.array_equal(ours, np.array(Image.open(case.outputs["mystyle"])))
            assert np.array_equal(pixels(data, asked["given"][0]), np.array(Image.open(case.input)))


def test_a_page_names_no_method_and_needs_no_network(run):
    suite = read_run(run).suite
    for path in (run / "study" / "pages").iterdir():
        text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text(encoding="utf-8"))
        for row in suite.methods:
            assert row.name not in text and row.title not in text
        assert str(run) not in text and "case" not in json.dumps(pages_of(run)["1"]["questions"])
        assert not re.search(r"https?://|src=\"(?!data:)|<link|@import|fetch\(|XMLHttp|sendBeacon|WebSocket", text)
        assert "default-src 'none'" in text
    for data in pages_of(run).values():
        assert all(re.fullmatch(r"[0-9a-f]{12}", question["id"]) for question in data["questions"])
        digests = [hashlib.sha256(base64.b64decode(uri.split(",")[1])).hexdigest() for uri in data["images"]]
        assert digests == sorted(digests), "their order tells nothing"
        assert len({frozenset(question) for question in data["questions"]}) == 1, "checks look like the others"
        assert len({uri.split(",")[0] for uri in data["images"]}) == 1, "one format for all"


def test_large_images_are_all_jpeg(tmp_path):
    folder = write_run(tmp_path / "run")
    for path in folder.glob("jobs/*/images/*.png"):
        Image.open(path).resize((300, 300)).save(path)
    assert main(["make", str(folder), "--raters", "1", "--items", "2"]) == 0
    assert {uri.split(",")[0] for uri in pages_of(folder)["1"]["images"]} == {"data:image/jpeg;base64"}


def test_the_same_command_gives_the_same_bytes_and_another_is_refused(run, tmp_path, capsys):
    again = write_run(tmp_path / "again")
    command = ["--raters", "2", "--items", "6", "--checks", "2"]
    assert main(["make", str(again), *command]) == 0
    for path in (run / "study").rglob("*.*"):
        assert path.read_bytes() == (again / path.relative_to(run)).read_bytes()
    (run / "study" / "answers.json").touch()
    assert main(["make", str(run), *command]) == 0 and (run / "study" / "answers.json").exists()
    assert main(["make", str(run), *command, "--seed", "1"]) == 2
    assert "holds another study; move it away first" in capsys.readouterr().err


def test_reference_photos_are_those_of_the_run(tmp_path, capsys):
    folder, people = write_run(tmp_path / "run"), tmp_path / "people"
    photos = {}
    for person in ("p01", "p02"):
        (people / person / "train").mkdir(parents=True)
        for i in range(5):
            path = people / person / "train" / f"{i}.png"
            Image.fromarray(np.full((20, 20, 3), 40 * i, np.uint8)).save(path)
            photos[f"{person}/train/{i}.png"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in folder.glob("jobs/*/record.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"photos": photos}))
    moved = [people / "p02" / "train" / f"{i}.png" for i in (2, 3)]  # of five photos four are shown
    for path in moved:
        path.rename(tmp_path / path.name)
    command = ["make", str(folder), "--raters", "1", "--photos", str(people)]
    assert main(command) == 2 and "is not the photo of the run" in capsys.readouterr().err
    for path in moved:
        (tmp_path / path.name).rename(path)
    assert main(command) == 0
    data = pages_of(folder)["1"]
    assert all(len(question["people"]) == 4 and not question["person"] for question in data["questions"])
    assert {pixels(data, i).shape for question in data["questions"] for i in question["people"]} == {(8, 8, 3)}
    assert "Please take part only if" not in (folder / "study/pages/rater-1.html").read_text()


def test_without_them_raters_are_told_whom_they_have_to_know(run):
    assert "these people look like: <strong>p01, p02" in (run / "study/pages/rater-1.html").read_text()
    assert {question["person"] for question in pages_of(run)["1"]["questions"]} == {"p01", "p02"}


def test_what_was_asked_in_words():
    assert edit_of(Case("p", 0, "c", edits=(("smile", 1.0), ("age", -2.0)))) == "more smile, then less age"
    assert edit_of(Case("p", 0, "c", condition="yaw", dose=-15.0)) == "yaw: -15"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rows", "nobody"], "has no 'nobody'; --rows takes"),
        (["--ours", "nobody"], "has no 'nobody'; --ours takes"),
        (["--people", "p03"], "has no 'p03'; --people takes p01, p02"),
        (["--conditions", "dark"], "has no 'dark'; --conditions takes"),
        (["--photos", "nowhere"], "the run has no reference photos of p01"),
        (["--rows", "comodgan"], "the run has no images of comodgan beside mystyle"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(flags, message, tmp_path, capsys):
    folder = write_run(tmp_path / "run")
    assert main(["make", str(folder), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (folder / "study").exists()


def test_a_suite_without_a_study_is_refused(tmp_path, capsys):
    folder = write_run(tmp_path / "run")
    change_suite(folder, name="dilation")
    assert main(["make", str(folder)]) == 2 and "no paper has a user study" in capsys.readouterr().err
    for flags in (["--raters", "0"], ["--minutes", "nan"], ["--items", "many"]):
        with pytest.raises(SystemExit) as refusal:
            main(["make", str(folder), *flags])
        assert refusal.value.code == 2


# Answers


def test_shares_of_a_made_up_study(run, tmp_path, capsys):
    first = saved(run, tmp_path, "1", lambda number: True)
    second = saved(run, tmp_path, "2", lambda number: False)
    assert main(["score", str(run), str(first), str(second)]) == 0
    assert "| DiffAugment | 50.0 |" in capsys.readouterr().out
    (share,) = read_run(run).study.shares
    assert (share.row, share.chosen, share.answers, share.raters) == ("diffaugment", 6, 12, 2)
    assert share.wilson == pytest.approx(binomtest(6, 12).proportion_ci(method="wilson"))
    assert share.interval == pytest.approx(binomtest(1, 2).proportion_ci(method="wilson")), "two alike answers are one"


def test_who_fails_a_check_is_left_out(run, tmp_path, capsys):
    study = json.loads((run / "study" / "study.json").read_text())
    good, bad = saved(run, tmp_path, "1", bool), saved(run, tmp_path, "2", bool)
    content = json.loads(bad.read_text())
    check = next(question for question in study["raters"]["2"] if not question["row"])
    content["answers"][check["id"]] = {"a": "b", "b": "a"}[check["counts"]]
    bad.write_text(json.dumps(content))
    assert main(["score", str(run), str(good), str(bad)]) == 0
    assert "6 answers of 1 rater, 1 more left out" in capsys.readouterr().out
    assert main(["score", str(run), str(bad)]) == 2 and "none of 1 raters passed" in capsys.readouterr().err


def test_a_limited_time_may_leave_the_end_open(tmp_path, capsys):
    folder = write_run(tmp_path / "run")
    assert main(["make", str(folder), "--raters", "1", "--items", "6", "--checks", "3", "--minutes", "5"]) == 0
    path = saved(folder, tmp_path, "1", bool)
    content = json.loads(path.read_text())
    ids = list(content["answers"])
    for kept, status in ((ids[:5], 0), (ids[1:], 2), ([], 2)):
        path.write_text(json.dumps(content | {"answers": {name: content["answers"][name] for name in kept}}))
        assert main(["score", str(folder), str(path)]) == status
    assert "question 1 of 9 has no answer" in capsys.readouterr().err


def test_who_saw_no_check_does_not_count():
    questions = (Question(id="0", counts="a", row="x"), Question(id="1", counts="b"))
    about = {
        "study": "s",
        "suite": "t",
        "paper": "",
        "form": "pair",
        "question": "",
        "ours": "o",
        "seed": 0,
        "jobs": (),
    }
    study = Study(**about, minutes=5.0, raters={"1": questions, "2": questions})
    early, late = (
        Answers(study="s", rater="1", answers={"0": "a"}),
        Answers(study="s", rater="2", answers={"0": "b", "1": "b"}),
    )
    found = score(study, [early, late])
    assert (found.raters, found.left_out, found.shares[0].chosen) == (1, 1, 0)


BROKEN = {
    "no file": (None, "cannot be read"),
    "no JSON": (b"\x89PNG", "cannot be read"),
    "a list": (b"[]", "not a JSON object"),
    "deep": (b'{"a":' * 5000, "cannot be read"),
    "large": (b" " * 4_000_001, "too large"),
    "half": (b'{"study": "', "cannot be read"),
    "a number": (b'{"study": 1e999, "rater": "1", "answers": {}}', "cannot be read"),
    "a field": (b'{"rater": "1", "answers": {}}', "missing or wrong: study"),
    "a type": (b'{"study": "s", "rater": "1", "answers": {"q": 1}}', "missing or wrong: answers"),
    "another study": (b'{"study": "\\u001b[31m", "rater": "1", "answers": {}}', "answers of another study"),
    "a folder": ("folder", "cannot be read"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=list(BROKEN))
def test_a_file_that_is_no_answer_is_named(content, message, run, tmp_path, capsys):
    path = tmp_path / "broken.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    good = saved(run, tmp_path, "1", bool)
    assert main(["score", str(run), str(good), str(path)]) == 2
    error = capsys.readouterr().err
    assert message in error and str(path) in error and error.count("\n") == 1 and "\x1b" not in error
    assert not (run / "study" / "scores.json").exists()


def test_answers_that_do_not_fit_the_page_are_named(run, tmp_path, capsys):
    good = saved(run, tmp_path, "1", bool)
    content = json.loads(good.read_text())
    first, *others = content["answers"]
    wrong = {
        "unknown rater": (content | {"rater": "9"}, "no rater '9'"),
        "open question": (content | {"answers": dict.fromkeys(others, "a")}, "question 1 of 8 has no answer"),
        "unknown question": (content | {"answers": content["answers"] | {"x": "a"}}, "no question 'x'"),
        "unknown answer": (content | {"answers": content["answers"] | {first: "c"}}, "'c' is no answer"),
        "twice": (content, "rater 1 has answered in"),
    }
    paths = [tmp_path / f"{name}.json" for name in wrong]
    for path, (text, _) in zip(paths, wrong.values(), strict=True):
        path.write_text(json.dumps(text))
    assert main(["score", str(run), str(good), *map(str, paths)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(wrong)
    for line, path, (_, message) in zip(lines, paths, wrong.values(), strict=True):
        assert str(path) in line and message in line


# Intervals


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 10), (10, 10), (250, 1000)])
def test_wilson_is_scipy_s(k, n):
    assert wilson_interval(k / n, n) == pytest.approx(binomtest(k, n).proportion_ci(method="wilson"), abs=1e-12)


def test_a_share_s_interval_is_wilson_s_for_independent_answers():
    values = np.arange(40) % 3 == 0
    expected = pytest.approx(wilson_interval(values.mean(), 40))
    assert share_interval(values, list(map(str, range(40)))) == expected, "one answer of each rater"
    assert share_interval(values, ["1"] * 40) == expected, "a single rater"


def test_a_share_s_interval_covers_where_raters_differ():
    """10 raters, 10 answers each, whose own shares are Beta with correlation 0.2: Wilson's covers too seldom.

    600 studies: three standard errors of 95 % are 0.027.
    """
    rng = np.random.default_rng(0)
    raters = list(map(str, np.repeat(np.arange(10), 10)))
    own = rng.beta(0.3 * 4, 0.7 * 4, (600, 10))
    answers = (rng.random((600, 10, 10)) < own[..., None]).reshape(600, 100)
    covered = [low <= 0.3 <= high for low, high in (share_interval(row, raters) for row in answers)]
    naive = [low <= 0.3 <= high for low, high in (wilson_interval(row.mean(), 100) for row in answers)]
    assert np.mean(covered) > 0.95 - 0.027 and np.mean(naive) < 0.8


# The run's table


def test_the_column_stands_beside_the_published_shares(run, tmp_path):
    source = Published("A paper", {"diffaugment": {"user_percent": 9.3}, "mystyle": {"maps": 0.7}})
    change_suite(run, published=(source,))
    assert build.main([str(run)]) == 0
    before = (run / "report/tables/inpainting.md").read_text()
    assert "| Method | User % | published |" in before and "| – <sup>" not in before
    assert "DiffAugment | –<sup>" in before and "9.3" in before and "No user study was made of this run." in before
    files = [saved(run, tmp_path, rater, lambda number: number % 4 == 0) for rater in "12"]
    assert main(["score", str(run), *map(str, files)]) == 0 and build.main([str(run)]) == 0
    (share,) = read_run(run).study.shares
    cell = f"{100 * share.share:.1f} ({100 * share.interval[0]:.1f}, {100 * share.interval[1]:.1f})"
    row = next(line for line in (run / "report/tables/inpainting.md").read_text().splitlines() if "DiffAugment" in line)
    assert row.split(" | ")[1:3] == [cell, "9.3"] and row.endswith("| 5–6 / 2 |"), "answers are no images"
    text = (run / "report/tables/inpainting.md").read_text()
    assert "preferred to MyStyle. 12 answers of 2 raters" in text
    assert "The row that the others were compared with." in text
    assert "user_percent" in (run / "report/tables/inpainting_long.csv").read_text()
    assert publish.main([str(run), "--out", str(tmp_path / "out")]) == 0
    again = unpack(tmp_path / "out" / "inpainting", tmp_path / "again")
    assert read_run(again).study == read_run(run).study
    assert not list((tmp_path / "out").rglob("study.json")) and not list((tmp_path / "out").rglob("*.html"))


def test_scores_of_other_images_are_not_shown(run, tmp_path):
    assert main(["score", str(run), str(saved(run, tmp_path, "1", bool))]) == 0
    keys = tuple(key for key in read_run(run).suite.jobs if key != "mystyle-p01")
    change_suite(run, jobs=keys)
    assert build.main([str(run)]) == 0
    assert "The user study is of other settings than the run." in (run / "report/tables/inpainting.md").read_text()


def test_scores_of_another_run_are_refused(run, tmp_path, capsys):
    assert main(["score", str(run), str(saved(run, tmp_path, "1", bool))]) == 0
    path = run / "study" / "scores.json"
    for change in ({"suite": "editing"}, {"form": "both"}, {"shares": None}):
        path.write_text(json.dumps(asdict(read_run(write_run(tmp_path / str(len(str(change))))).suite) | change))
        assert build.main([str(run)]) == 2 and "scores.json" in capsys.readouterr().err


def test_a_run_without_study_and_published_shares_has_no_column(tmp_path):
    folder = write_run(tmp_path / "run")
    assert build.main([str(folder)]) == 0
    assert "User" not in (folder / "report/tables/inpainting.md").read_text()


# The protocols


@pytest.mark.parametrize("name", SUITES_ASKED)
def test_protocols_ask_for_rows_of_their_suite(name):
    protocol = protocol_of(name)
    assert protocol.form in ANSWERS and protocol.rows and (protocol.form == "pair") == bool(protocol.ours)
    if name not in SUITES.names():
        return  # a suite that is still to come
    suite = SUITES.load(name)
    rows = {*suite.rows, *(reference.name for reference in suite.references), *METHODS.names()}
    shares = {row for source in suite.published for row, numbers in source.values.items() if "user_percent" in numbers}
    assert shares <= rows and set(protocol.conditions) <= set(suite.conditions)
    assert shares <= set(protocol.rows), "the paper's shares are those of the study's rows"
    assert all(source.condition in (protocol.conditions or ("",)) for source in suite.published if shares)


def test_the_five_studies_are_there():
    papers = {protocol_of(name).paper for name in SUITES_ASKED}
    assert papers == {*(f"Table {n} of MyStyle (Nitzan et al., 2022)" for n in (1, 2, 3, 4)), "Figure 5 of MAGEC"}
    assert (protocol_of("synthesis").raters, protocol_of("edit_consistency").minutes) == (45, 5)
