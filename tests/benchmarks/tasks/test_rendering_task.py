"""Fresh photos of rendered people: who is in them, that they are new, and that nobody else can be rendered."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.api.task import Inapplicable
from benchmarks.suites import common
from benchmarks.tasks.rendering import Rendering
from datasets.folders import read_portraits
from datasets.synthetic.parameters import IDENTITY, NAMES, values
from datasets.synthetic.people import write_person
from mystyle.types import to_uint8

TASK = Rendering()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return read_portraits(write_person("s0007", tmp_path_factory.mktemp("people"), 32), "test", 32)


def test_they_are_other_photos_of_the_same_person(photos):
    problem = TASK.problem(photos, TASK.cases("s0007", 20, 0))
    assert problem.scores.shape == (20, len(NAMES)) and problem.clean is None
    drawn = values(problem.scores)
    for p in IDENTITY:  # manifests have six digits
        torch.testing.assert_close(drawn[p.name], photos.parameters[p.name].expand(20), rtol=1e-4, atol=1e-5)
    assert drawn["yaw"].unique().numel() == 20 and photos.parameters["yaw"] not in drawn["yaw"]


def test_a_photo_does_not_depend_on_how_many_there_are(photos):
    few, many = (TASK.problem(photos, TASK.cases("s0007", n, 0)).scores for n in (2, 5))
    assert torch.equal(few, many[:2])
    other = TASK.problem(photos, TASK.cases("s0007", 2, 1)).scores
    assert not torch.equal(few, other), "another seed, other photos"


def test_they_are_rendered_in_batches_of_the_photos_size(photos):
    cases = TASK.cases("s0007", 3, 0)
    batches = list(common.fresh_photos(TASK.problem(photos, cases), (), cases))
    assert to_uint8(torch.cat(batches)).shape == (3, 3, 32, 32)


def test_of_real_people_and_of_others_of_that_name_there_are_none(photos, people_root):
    alice = read_portraits(people_root / "alice", "test", 32)
    for strange in (alice, replace(photos, person="s0008")):
        cases = TASK.cases(strange.person, 2, 0)
        with pytest.raises(Inapplicable, match="rendered people alone"):
            common.fresh_photos(TASK.problem(strange, cases), (), cases)
