"""What is shown of a run: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import dataclasses
import io

import pytest
from bench_toys import Toy, jobs_of
from rich.console import Console

from benchmarks.engine import display
from benchmarks.engine.display import LiveDisplay, PlainDisplay, make_display
from benchmarks.engine.worker import Outcome


@pytest.fixture
def jobs(people_root):
    return [job for job in jobs_of(people_root, [Toy("grey")]) if job.method == "grey"]


def act(shown, jobs, reason="ValueError: [odd] text\nmore"):
    """Two jobs: one done, one failed."""
    for job in jobs:
        shown.started(job)
    shown.progress(jobs[0], "tuning", 3, 8)
    shown.tick()
    shown.finished(jobs[0], Outcome(jobs[0].key, "done", "", 1.25))
    shown.finished(jobs[1], Outcome(jobs[1].key, "failed", reason, 0.5))
    shown.close()


def test_plain_lines(jobs, monkeypatch):
    monkeypatch.setattr(display, "INTERVAL", -1.0)  # speak at every tick
    stream = io.StringIO()
    shown = make_display(2, stream)
    assert isinstance(shown, PlainDisplay)
    act(shown, jobs)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3 and "\x1b" not in stream.getvalue()
    assert lines[0].startswith("[0/2 jobs") and "grey · alice: tuning 3/8; grey · bob: starting" in lines[0]
    assert lines[1].startswith("[1/2 jobs") and lines[1].endswith("grey · alice: done in 1.2 s")
    assert lines[2].startswith("[2/2 jobs") and lines[2].endswith("grey · bob: FAILED, ValueError: [odd] text")


def test_plain_lines_are_not_too_many(jobs):
    stream = io.StringIO()
    shown = PlainDisplay(2, Console(file=stream))
    shown.started(jobs[0])
    for step in range(100):
        shown.progress(jobs[0], "tuning", step, 100)
        shown.tick()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("make", [PlainDisplay, LiveDisplay])
def test_names_and_reasons_cannot_control_the_terminal(jobs, make, monkeypatch):
    monkeypatch.setattr(display, "INTERVAL", -1.0)  # a line at every tick
    stream = io.StringIO()
    hostile = [dataclasses.replace(job, person="al\x1b]0;ice\x07[/]") for job in jobs]
    act(make(2, Console(file=stream, force_terminal=make is LiveDisplay, width=200)), hostile, "Error: \x1b]0;b")
    text = stream.getvalue()
    assert r"al\x1b]0;ice\x07[/]" in text and r"FAILED, Error: \x1b]0;b" in text
    assert "\x1b]0" not in text and "\x07" not in text


def test_live_bars(jobs):
    stream = io.StringIO()
    act(LiveDisplay(2, Console(file=stream, force_terminal=True, width=100)), jobs)
    text = stream.getvalue()
    assert "all jobs" in text and "2/2" in text and "ValueError: [odd] text" in text
