"""Pages of user studies in Chromium: answered by mouse, keys and touch, closed in the middle, saved and scored."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_run import write_run

from reports.study.__main__ import main

playwright = pytest.importorskip("playwright.sync_api", reason="the extra [browser] is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install one or name it in $CHROMIUM"),
]
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
PAUSE = 260  # ms, a little more than the page's, in which a second tap is no answer


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def run(tmp_path):
    folder = write_run(tmp_path / "run")
    command = ["make", str(folder), "--raters", "2", "--items", "4", "--checks", "2"]
    assert main(command) == 0
    return folder


def opened(context, run: Path, rater: str = "1"):
    """The page of a rater, which fails on whatever it wants from a network or throws."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or pytest.fail(request.url))
    page.goto((run / "study" / "pages" / f"rater-{rater}.html").as_uri())
    return page


def rightly(run: Path, rater: str = "1") -> list[str]:
    """The answers that count for the row, or are right, in the order of the page."""
    return [q["counts"] for q in json.loads((run / "study/study.json").read_text())["raters"][rater]]


def place(page) -> str:
    return page.locator("#place").inner_text()


def test_answered_closed_in_the_middle_saved_and_scored(browser, run, tmp_path, capsys):
    context = browser.new_context(accept_downloads=True)
    page = opened(context, run)
    page.get_by_role("button", name="Begin").click()
    counts = rightly(run)
    for number in range(3):
        assert place(page) == f"Question {number + 1} of 6"
        assert page.evaluate("document.activeElement.id") == "question", "where a screen reader goes on"
        page.wait_for_timeout(PAUSE)
        page.keyboard.press({"a": "ArrowLeft", "b": "ArrowRight"}[counts[number]])
    page.close()
    page = opened(context, run)  # of the same browser, which has kept the answers
    page.get_by_role("button", name="Go on (3 of 6 answered)").click()
    assert place(page) == "Question 4 of 6"
    page.get_by_role("button", name="Back").click()
    assert page.locator(f"[data-answer={counts[2]}]").get_attribute("aria-pressed") == "true"
    for number in (2, 3, 4, 5):
        page.wait_for_timeout(PAUSE)
        page.get_by_role("button", name=f"Image {counts[number].upper()}").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the answers").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert json.loads(page.locator("#text").input_value()) == json.loads(file.read_text())
    assert main(["score", str(run), str(file)]) == 0
    assert "| DiffAugment | 100.0 |" in capsys.readouterr().out
    context.close()


def test_on_a_phone_nothing_overflows_and_taps_answer(browser, run):
    context = browser.new_context(**PHONE)
    page = opened(context, run)
    for step in ("start", *range(6), "end"):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), step
        small = page.evaluate(
            "[...document.querySelectorAll('button')].filter(b => b.offsetParent && b.offsetHeight < 44).length"
        )
        assert small == 0, "a thumb needs 44 px"
        if step == "start":
            page.get_by_role("button", name="Begin").tap()
        elif step != "end":
            bottom = page.locator("#choices").bounding_box()
            assert bottom["y"] + bottom["height"] <= 640, "a question is seen whole"
            page.wait_for_timeout(PAUSE)
            page.locator("[data-answer=a]").tap()
    assert page.get_by_role("button", name="Save the answers").is_visible()
    context.close()


def test_a_double_click_answers_one_question(browser, run):
    context = browser.new_context()
    page = opened(context, run)
    page.get_by_role("button", name="Begin").click()
    page.wait_for_timeout(PAUSE)
    page.locator("[data-answer=a]").dblclick()
    assert place(page) == "Question 2 of 6"
    context.close()


def test_images_have_alternatives_that_tell_nothing(browser, run):
    context = browser.new_context()
    page = opened(context, run)
    page.get_by_role("button", name="Begin").click()
    alternatives = page.eval_on_selector_all("img", "images => images.map(image => image.alt)")
    assert alternatives == ["Input", "Image A", "Image B"]
    assert page.eval_on_selector_all("img", "images => images.every(image => image.naturalWidth > 0)")
    context.close()


def test_the_time_goes_on_while_the_page_is_closed_and_ends(browser, tmp_path):
    run = write_run(tmp_path / "run")
    assert main(["make", str(run), "--raters", "1", "--items", "6", "--checks", "2", "--minutes", "5"]) == 0
    context = browser.new_context()
    page = opened(context, run)
    page.get_by_role("button", name="Begin").click()
    page.wait_for_timeout(PAUSE)
    page.locator("[data-answer=a]").click()
    earlier = """seconds => { const [name] = Object.keys(localStorage), kept = JSON.parse(localStorage[name]);
        localStorage[name] = JSON.stringify({ ...kept, began: Date.now() - 1000 * seconds }); }"""
    page.evaluate(earlier, 298)
    page.close()
    page = opened(context, run)
    page.get_by_role("button", name="Go on (1 of 8 answered)").click()
    page.get_by_text("The time is over: 1 of 8 questions are answered.").wait_for()
    assert not page.get_by_role("button", name="Back to the questions").is_visible()
    page.close()
    page = opened(context, run)
    assert page.get_by_text("The time is over").is_visible(), "nor does it begin anew"
    context.close()


def test_without_storage_the_page_works(browser, run):
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } })")
    page = opened(context, run)
    page.get_by_role("button", name="Begin").click()
    for _ in range(6):
        page.wait_for_timeout(PAUSE)
        page.locator("[data-answer=b]").click()
    assert page.get_by_text("6 of 6 questions are answered").is_visible()
    context.close()
