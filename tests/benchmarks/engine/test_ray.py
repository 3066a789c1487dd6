"""The Ray executor on a local cluster: the same table as without it, also when a worker is killed on the way."""

from __future__ import annotations

import re

import pytest
from test_faults import finish, start, undisturbed, whole  # noqa: F401  (fixtures)

from benchmarks.engine.executors import ExecutorOptions, ray

pytest.importorskip("ray", reason="the extra [ray] is not installed")


@pytest.mark.faults
def test_the_smoke_suite_on_two_workers_of_which_one_is_killed(people_root, tmp_path, undisturbed):  # noqa: F811
    out = tmp_path / "run"
    options = {"executor": "ray", "workers": 2, "retries": 1}
    status, output = finish(start(people_root, out, options, {"flaky": "die once"}))
    assert status == 0, output + (out / "workers.log").read_text()
    assert output.count("it will be tried again") == 1 and "WorkerDied" in output, output
    rows = [line for line in (out / "results.csv").read_text().splitlines() if line.split(",")[1] != "flaky"]
    assert rows == undisturbed.decode().splitlines(), "bit for bit"


@pytest.mark.slow
def test_a_job_that_hangs_or_raises_costs_itself_and_is_logged(people_root, tmp_path):
    out = tmp_path / "run"
    options = {"executor": "ray", "workers": 2, "timeout": 10, "seeds": [0]}
    status, output = finish(start(people_root, out, options, {"asleep": "sleep", "bad": "raise"}))
    assert status == 1 and "4 of 12 jobs failed" in output, output
    assert len(re.findall(r"asleep · \w+: FAILED, TimedOut", output)) == 2
    assert len(re.findall(r"bad · \w+: FAILED, RuntimeError", output)) == 2
    assert (out / "workers.log").exists()


def test_without_ray_the_way_out_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (problem,) = map(str, ray.check(ExecutorOptions()))
    assert "--executor ray" in problem and "[ray]" in problem
