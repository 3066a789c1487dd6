"""The identity gap: against a plain computation, its record, and the reports that show it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from fake_run import write_run

from benchmarks import doctor
from benchmarks.engine import identity_gap as measured
from benchmarks.engine import records
from benchmarks.engine.identity_gap import DESCENT, FILE, identity_gap, recorded_gap
from datasets.folders import read_portraits
from mystyle import domains
from mystyle.domains.synthetic import WeightFolder
from reports.build import main as build

FEW_STEPS = replace(DESCENT, steps=2)


@pytest.fixture(scope="module")
def people(people_root):
    return [
        tuple(read_portraits(people_root / name, split, 32) for split in ("train", "test")) for name in ("alice", "bob")
    ]


@pytest.fixture(scope="module")
def gap(tiny_domain, people):
    return identity_gap(tiny_domain, people, FEW_STEPS)


def test_likeness_is_the_mean_cosine_to_the_template_of_the_reference_photos(tiny_domain, people, gap):
    judge, g = tiny_domain.judge, tiny_domain.generator

    def faces(images):
        return judge.identity_of(judge.deep(images.clamp(-1, 1)))

    templates = [F.normalize(faces(train.images).mean(0), dim=0) for train, _ in people]
    alice = people[0][1]
    rendered = g.synthesis(tiny_domain.encoder(alice.images)[:, None].expand(-1, g.num_ws, -1), noise="const")
    expected = {
        "real": (faces(alice.images) @ templates[0]).mean(),
        "encoder": (faces(rendered) @ templates[0]).mean(),
        "strangers": (faces(alice.images) @ templates[1]).mean(),
    }
    for row, value in expected.items():
        torch.testing.assert_close(getattr(gap, row)[0], value, rtol=0, atol=1e-5)  # float32, other batches
    assert gap.share("encoder") == pytest.approx(float(gap.encoder.mean() / gap.real.mean()))


def test_a_record_counts_for_the_weights_that_it_was_measured_on(tmp_path, gap):
    digests = {"generator.safetensors": "1" * 64}
    assert recorded_gap(tmp_path, digests) is None
    (tmp_path / FILE).write_text(json.dumps(gap.record(digests, photos=3)))
    found = recorded_gap(tmp_path, digests | {"comodgan.safetensors": "2" * 64})
    assert found["people"] == 2 and found["photos"] == 3
    assert found["gates"]["descent"] == {"share": gap.share("descent"), "at_most": 0.75}
    assert recorded_gap(tmp_path, {"generator.safetensors": "3" * 64}) is None
    assert recorded_gap(tmp_path, {"comodgan.safetensors": "2" * 64}) is None
    (tmp_path / FILE).write_text("{")
    with pytest.raises(records.RecordError, match=FILE):
        recorded_gap(tmp_path, digests)


def test_the_page_of_a_run_shows_it(tmp_path, gap):
    run = write_run(tmp_path / "run")
    environment = run / "environment.json"
    about = json.loads(environment.read_text())
    record = gap.record({}, photos=3)
    del record["weights"]
    records.write_json(environment, about | {"identity_gap": record})
    assert build([str(run)]) == 0
    page = (run / "report" / "index.html").read_text()
    assert f"real photos have {gap.real.mean():.2f} and strangers {gap.strangers.mean():.2f}" in page
    assert "Measured on 2 people, 3 held-out photos each" in page


def test_the_doctor_writes_it(tmp_path, tiny_domain, people_root, monkeypatch, capsys):
    monkeypatch.setattr(domains, "source", lambda name: WeightFolder("tiny", tmp_path, 32))
    monkeypatch.setattr(domains, "load_domain", lambda name: tiny_domain)
    monkeypatch.setattr(measured, "identity_gap", partial(identity_gap, descent=FEW_STEPS))
    monkeypatch.setattr(doctor, "sections", lambda asked: {"Gap": [doctor.identity_gap(asked)]})
    flags = ["--photos", str(people_root), "--gap"]
    assert doctor.main([*flags, "--gap_file", str(tmp_path / FILE)]) == 0
    found = json.loads((tmp_path / FILE).read_text())
    assert found["weights"] == tiny_domain.weights and found["people"] == 2
    assert f"identity {found['identity']['real']:.3f} to the person's other photos" in capsys.readouterr().out
    for unusable in (flags[:2], flags):
        with pytest.raises(SystemExit) as ended:
            doctor.main([*unusable, "--gap_file", str(tmp_path / "absent" / FILE)])
        assert ended.value.code == 2
