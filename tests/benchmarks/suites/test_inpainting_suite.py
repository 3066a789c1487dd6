"""The inpainting suite: which cases there are, what a method is given, and what is done with its images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.api.task import PRESETS, OutputError, Person
from benchmarks.suites.inpainting import SUITE, pair
from benchmarks.tasks import restoration
from datasets.folders import Photo, read_portraits
from datasets.splits import CELEBRITIES

FILES = [f"test/{i:05d}.png" for i in range(13)]


def part(person="p03", files=FILES, preset="quick", seed=0):
    (only,) = SUITE.parts(person_with(person, files), (), SUITE.presets[preset], seed)
    return only


def cases(*arguments, **named):
    return part(*arguments, **named).cases


def person_with(name, files):
    return Person(name, Path(), (), tuple(Photo(Path(), file, "") for file in files))


# Cases


def test_presets_are_the_papers_people():
    assert set(SUITE.presets) == set(PRESETS)
    assert SUITE.presets["paper"].people == ("barack_obama", "lady_gaga", "jeff_bezos")  # section 5.2.1
    assert SUITE.presets["full"].people == tuple(person.name for person in CELEBRITIES)


def test_published_numbers_are_those_of_table_2():
    (table,) = SUITE.published
    assert table.source.startswith("Table 2 of MyStyle") and table.condition == ""
    assert {row: numbers["maps_train"] for row, numbers in table.values.items()} == {
        "comodgan": (0.55, 0.08),
        "comodgan_ft": (0.71, 0.08),
        "diffaugment": (0.68, 0.09),
        "mystyle": (0.72, 0.08),
    }


@given(photos=st.integers(1, 15), rules=st.integers(1, 6))
def test_every_pair_once_and_evenly_from_the_start(photos, rules):
    pairs = list(pair(photos, rules))
    assert len(set(pairs)) == len(pairs) == photos * rules
    for end in range(1, len(pairs) + 1):
        for side, n in ((0, photos), (1, rules)):
            uses = Counter(p[side] for p in pairs[:end])
            assert max(uses[i] for i in range(n)) - min(uses[i] for i in range(n)) <= 1


def test_quick_has_every_mask_on_a_photo_of_its_own():
    chosen = cases()
    assert len({case.mask for case in chosen}) == len({case.image for case in chosen}) == len(chosen) == 5


def test_full_has_every_held_out_photo_under_every_mask():
    sizes = [len(cases(p.name, [f"test/{i}.png" for i in range(p.test)], "full")) for p in CELEBRITIES]
    assert sum(sizes) == 630  # as benchmarks.list says
    assert len({case.name for case in cases(preset="full")}) == 13 * 5


def test_cases_depend_on_person_and_seed_and_nothing_else():
    assert cases() == cases()
    assert cases(seed=1) != cases() and cases("p04") != cases()
    everything = {case.name: case for case in cases(preset="full")}
    assert all(everything[case.name] == case for case in cases(preset="smoke"))  # a preset changes no case's seeds


def test_seeds_of_cases_are_their_own():
    chosen = cases(preset="full")
    assert len({case.seed for case in chosen} | {case.mask_seed for case in chosen}) == 2 * len(chosen)


# Problem and solution


class Spy:
    """A prior that keeps what it was given and makes everything white."""

    def __init__(self, answer=None):
        self.given = []
        self.answer = answer or torch.ones_like

    def restore(self, degraded, degradation, *, seeds):
        self.given.append((degraded.clone(), degradation, list(seeds)))
        return self.answer(degraded)


@pytest.fixture(scope="module")
def held_out(people_root):
    return read_portraits(people_root / "alice", "test", 32)


@pytest.fixture(scope="module")
def chosen(held_out):
    return part("alice", held_out.files, "full")


def test_what_is_hidden_from_a_method_is_hidden(held_out, chosen):
    problem = chosen.task.problem(held_out, chosen.cases)
    assert (problem.degraded * (1 - problem.mask) == 0).all()
    spy = Spy()
    chosen.task.solve(spy, problem, chosen.cases)
    given = torch.cat([degraded for degraded, _, _ in spy.given])
    assert torch.equal(given, problem.degraded)
    assert [seed for _, _, seeds in spy.given for seed in seeds] == [case.seed for case in chosen.cases]


def test_every_output_is_blended_with_the_known_pixels(held_out, chosen):
    problem = chosen.task.problem(held_out, chosen.cases)
    output = chosen.task.solve(Spy(), problem, chosen.cases).images
    known = problem.mask.bool().expand_as(output)
    assert torch.equal(output[known], problem.clean[known]) and (output[~known] == 1).all()


def test_the_batch_changes_nothing(held_out, chosen, monkeypatch):
    problem = chosen.task.problem(held_out, chosen.cases)
    whole = chosen.task.solve(Spy(lambda x: x + 0.5), problem, chosen.cases).images
    monkeypatch.setattr(restoration, "BATCH", 2)
    assert torch.equal(chosen.task.solve(Spy(lambda x: x + 0.5), problem, chosen.cases).images, whole)


@pytest.mark.parametrize(
    "answer, message",
    [(lambda x: x[:, :, :-1], "shape"), (lambda x: x[:1], "shape"), (lambda x: x * float("nan"), "not finite")],
)
def test_what_is_no_image_is_refused(held_out, chosen, answer, message):
    # NaN is refused before blending: behind known pixels it would go unseen.
    with pytest.raises(OutputError, match=message):
        chosen.task.solve(Spy(answer), chosen.task.problem(held_out, chosen.cases), chosen.cases)


def test_references(held_out, chosen, people_root):
    problem = chosen.task.problem(held_out, chosen.cases)
    others = [read_portraits(people_root / "bob", "test", 32)]
    real, other = (
        SUITE.reference(name).outputs(problem, others, chosen.cases) for name in ("real_photos", "other_people")
    )
    assert torch.equal(real, held_out.images[[case.photo for case in chosen.cases]])
    shown = Counter(next(i for i, x in enumerate(others[0].images) if torch.equal(x, image)) for image in other)
    assert sorted(shown.values()) == [5, 5, 5]  # three photos for fifteen cases, none before its turn
