"""Checks of weight files that a manifest names: what is missing is told with whose it is and what brings it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import weight_sources
from weight_sources import entry, toy_bytes

from benchmarks import doctor
from benchmarks.doctor import Asked
from benchmarks.engine import checks
from benchmarks.engine.findings import MISSING, OK, PROBLEM
from mystyle import domains
from mystyle.weights import Url, weight_file
from mystyle.weights.bring import bring

DATA = toy_bytes(1, 2)
NEEDED = entry(Url("http://127.0.0.1:9/a.bin"), DATA, "generator.safetensors")
OPTIONAL = entry(Url("http://127.0.0.1:9/b.bin"), DATA, "judge.safetensors", required=False)


@pytest.fixture
def domain(tmp_path, monkeypatch):
    """A domain whose one required file is among its weights, with a folder for ``bring``."""
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / "home"))
    (tmp_path / "a.bin").write_bytes(DATA)
    domain = weight_sources.made_up(NEEDED, OPTIONAL)
    domain.weights = lambda: {"generator": weight_file("made_up", NEEDED.file)}
    monkeypatch.setattr(domains, "source", lambda name: domain)
    return domain


def test_missing_there_damaged_outdated(domain, tmp_path):
    (found,) = checks.weights(domain.weights(), domain)
    assert (found.name, found.state) == ("generator", PROBLEM)
    for part in (f"{domain.weights()['generator']} is missing", "published by Some Body", "licence: CC0, for tests."):
        assert part in found.detail
    assert found.detail.endswith("Bring it: python -m mystyle.weights made_up --bring")
    assert all(outcome.made for outcome in bring("made_up", [NEEDED], tmp_path))
    (found,) = checks.weights(domain.weights(), domain)
    assert (found.state, found.detail) == (OK, "0.0 MB")
    domain.manifest = (replace(NEEDED, version=2), OPTIONAL)
    (found,) = checks.weights(domain.weights(), domain)
    assert found.state == PROBLEM and "is outdated (made by another version of the reader)" in found.detail
    domain.weights()["generator"].write_bytes(b"text")
    (found,) = checks.weights(domain.weights(), domain)
    assert found.state == PROBLEM and "is damaged (" in found.detail and found.detail.endswith("--bring --again")


def test_the_doctor_lists_optional_files_too(domain):
    found = {finding.name: finding for finding in doctor.weights(Asked("made_up"))}
    assert found["generator"].state == PROBLEM and found["judge.safetensors"].state == MISSING
    assert "--bring" in found["judge.safetensors"].detail and found["directions"].state == MISSING
