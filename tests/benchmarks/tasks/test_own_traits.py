"""Hidden traits of rendered people: what is hidden, and how much of it an image shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from bench_toys import context_of, jobs_of, person_of

from benchmarks.api.metric import Evaluation
from benchmarks.api.registry import METHODS
from benchmarks.api.task import Inapplicable, Part, Person
from benchmarks.engine import records
from benchmarks.engine.worker import Worker
from benchmarks.metrics.own_trait import METRIC
from benchmarks.suites.inpainting import SUITE as INPAINTING
from benchmarks.suites.own_traits import SUITE, has_trait
from benchmarks.tasks.editing import Editing
from benchmarks.tasks.inversion import Inversion
from benchmarks.tasks.own_traits import SEEN, OwnTraits, hole
from datasets.folders import Photo
from datasets.synthetic.parameters import NAMES, values
from datasets.synthetic.people import fresh_scores
from datasets.synthetic.renderer import render, render_values
from datasets.synthetic.traits import GROUPS, without
from mystyle.types import Portraits, from_uint8, to_uint8

R = 64
FILES = ("test/0.png", "test/1.png")


@pytest.fixture(scope="module")
def photos():
    """Two photos of somebody with a large mole: one that smiles, and one that does not."""
    scores = fresh_scores("s0007", 2, seed=1)
    column = {name: i for i, name in enumerate(NAMES)}
    for name, score in {"spot_size": 3.0, "spot_x": 0.0, "spot_y": 0.6, "yaw": 0.0, "hair_length": -2.0}.items():
        scores[:, column[name]] = score
    scores[:, column["smile"]] = torch.tensor([2.0, -0.5])
    scores[:, column["smile_width"]] = 2.5
    images = from_uint8(to_uint8(render(scores, R)))
    return Portraits("s0007", images, FILES, FILES, values(scores))


@pytest.fixture(scope="module")
def person(photos):
    table = [{name: float(photos.parameters[name][i]) for name in NAMES} for i in range(2)]
    return Person("s0007", Path(), (), tuple(Photo(Path(), f, "", p) for f, p in zip(FILES, table, strict=True)))


def evaluated(task, photos, problem, cases, outputs):
    found = METRIC.compute(Evaluation(to_uint8(outputs), task, problem, cases, photos, photos, photos, domain=None))
    assert tuple(found) == tuple(case.name for case in cases)
    return torch.tensor(list(found.values()))


def test_without_a_group_nothing_else_changes(photos):
    plain = without(photos.parameters, "marks", R)
    bare = {**photos.parameters, **dict.fromkeys(GROUPS["marks"], torch.zeros(2))}
    torch.testing.assert_close(plain, without(bare, "marks", R), rtol=0, atol=2 / 255)  # scores through float32
    assert (plain - photos.images).abs().amax() > 0.2, "the mole is gone"


def test_only_smiles_have_a_smile_of_one_s_own(photos):
    difference = (photos.images - without(photos.parameters, "smile", R)).abs().amax(dim=(1, 2, 3))
    assert difference[0] > 2 * SEEN and difference[1] < difference[0]


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_the_hole_hides_the_trait(photos, person, group):
    task = OwnTraits(group)
    cases = tuple(task.case(person, i, 0) for i in range(2))
    problem = task.problem(photos, cases)
    seen = (photos.images - without(photos.parameters, group, R)).abs() > SEEN
    assert not (seen & (problem.mask > 0)).any() and 0 < problem.mask[0].mean() < 1
    torch.testing.assert_close(problem.degraded, photos.images * problem.mask)


def test_the_hole_is_a_margin_wider_than_the_difference():
    difference = torch.zeros(1, 3, R, R)
    difference[0, 1, 20, 30] = 2 * SEEN
    difference[0, :, 50, 50] = SEEN / 2
    assert hole(difference / 10).sum() == 9 * 9, "the largest, where none is seen"
    expected = torch.zeros(1, 1, R, R)
    expected[..., 16:25, 26:35] = 1
    assert torch.equal(hole(difference), expected)


def test_the_photo_shows_its_trait_and_the_portrait_without_it_none(photos, person):
    task = OwnTraits("marks")
    cases = tuple(task.case(person, i, 0) for i in (1, 0))
    problem = task.problem(photos, cases)
    clean, plain = problem.clean, without(photos[[1, 0]].parameters, "marks", R)
    for share in (0.0, 0.5, 1.0):
        shown = evaluated(task, photos, problem, cases, plain.lerp(clean, share))
        torch.testing.assert_close(shown, torch.full((2,), share), rtol=0, atol=0.03)  # of 8 bits
    moved = torch.where(problem.mask > 0, clean, plain)  # outside the hole: no part of the trait
    torch.testing.assert_close(evaluated(task, photos, problem, cases, moved), torch.zeros(2), rtol=0, atol=0.03)


def test_what_does_not_show_has_no_value(photos, person):
    """Somebody without marks; the hole is one all the same."""
    plain = replace(photos, images=without(photos.parameters, "marks", R))
    task = OwnTraits("marks")
    cases = (task.case(person, 0, 0),)
    plain.parameters.update(dict.fromkeys(GROUPS["marks"], torch.zeros(2)))
    problem = task.problem(plain, cases)
    assert 0 < problem.mask.mean() < 1
    with pytest.raises(Inapplicable, match="no portrait shows"):
        evaluated(task, plain, problem, cases, plain.images[:1])
    plain.images[0, :, 9, 9] += 1.0  # one pixel is no mark
    with pytest.raises(Inapplicable, match="no portrait shows"):
        evaluated(task, plain, task.problem(plain, cases), cases, plain.images[:1])


def test_of_people_that_nobody_rendered_it_is_a_dash(photos, person):
    task = OwnTraits("marks")
    cases = (task.case(person, 0, 0),)
    with pytest.raises(Inapplicable, match="only of rendered people"):
        task.problem(replace(photos, parameters={}), cases)
    with pytest.raises(Inapplicable, match="about no trait"):
        evaluated(Inversion(), photos, None, cases, photos.images[:1])


@pytest.mark.parametrize("wanted", [-0.2, 0.9])
def test_an_edited_smile_is_beside_the_persons_own_and_the_common_one(photos, person, wanted):
    """By the smile that the edit has, whatever was wanted; who does not smile has no smile of one's own."""
    task = Editing("smile", (wanted, wanted))
    cases = task.cases(person, 0, 0)
    read = torch.tensor([-0.2, 0.8])
    smiling = {**photos[[0, 0]].parameters, "smile": read}
    own, common = render_values(smiling, R), without(smiling, "smile", R)
    moments = {"smile": (0.3, 0.2)}

    class Judged(Evaluation):
        def attributes(self, of):
            return {"smile": (read - moments["smile"][0]) / moments["smile"][1]}

    domain = SimpleNamespace(judge=SimpleNamespace(moments=moments))
    for share in (0.0, 1.0):
        outputs = to_uint8(common.lerp(own, share))
        found = METRIC.compute(Judged(outputs, task, None, cases, photos, photos, photos, domain=domain))
        assert found == {cases[1].name: pytest.approx(share, abs=0.03)}


def test_other_edits_and_photographs_have_no_smile_of_their_own(photos, person):
    for task, of, reason in (
        (Editing("yaw", (10.0,)), photos, "no trait of the person's own"),
        (Editing("smile", (0.9,)), replace(photos, parameters={}), "only of rendered people"),
    ):
        with pytest.raises(Inapplicable, match=reason):
            task.with_and_without(of, task.cases(person, 0, 0), lambda name: torch.tensor([0.9]))


def test_the_suite_takes_photos_that_may_show_a_trait(person):
    parts = {p.condition: p for p in SUITE.parts(person, (), SUITE.presets["full"], 0)}
    assert len(parts["marks"].cases) == 2 and [case.photo for case in parts["smile"].cases] == [0]
    assert has_trait({}, "marks") and has_trait({"yaw": 0.0}, "smile"), "of photographs nobody knows"
    nothing = {**person.held_out[0].parameters, **dict.fromkeys(GROUPS["marks"], 0.0)}
    assert not has_trait(nothing, "marks")


def test_a_job_of_theirs_is_dashes_and_no_failure(people_root, tmp_path):
    """The problem itself says so, before a method is asked."""
    method, alice = METHODS.load("mean_photo"), person_of(people_root / "alice")
    worker = Worker(context_of(people_root, [method], tmp_path, INPAINTING), "cpu")
    job = next(j for j in jobs_of(people_root, [method], INPAINTING) if j.person == "alice")
    task = OwnTraits("marks")
    job = replace(job, part=Part(task, (task.case(alice, 0, 0),)))
    assert worker.run(job).reason == ""
    rows = records.read_rows(tmp_path, job.key)
    assert (rows["status"] == "inapplicable").all() and rows["reason"].str.contains("only of rendered people").all()
