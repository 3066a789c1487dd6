"""Keys: equal for equal work, different for whatever decides a result, and blind to the rest."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from functools import partial

import pytest
from bench_toys import FitSettings, Settings, Toy, jobs_of, person_of
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Part
from benchmarks.engine.plan import Job, PhotoToInvert, content_hash, fits_first, plain
from benchmarks.suites import common
from benchmarks.suites.inpainting import SUITE
from benchmarks.tasks.inversion import Inversion


@pytest.fixture(scope="module")
def job(people_root) -> Job:
    return next(job for job in jobs_of(people_root, [Toy("grey")]) if job.method == "grey" and job.person == "alice")


def test_one_job_per_row_person_and_seed(people_root):
    jobs = jobs_of(people_root, [Toy("a"), Toy("b")], seeds=(0, 1))
    rows = {(job.method, job.person, job.seed) for job in jobs}
    assert len(jobs) == len(rows) == 4 * 2 * 2 and len({job.key for job in jobs}) == len(jobs)
    assert [job.prior_key is None for job in jobs] == sorted(job.prior_key is None for job in jobs)  # fits come first


def test_keys_are_repeatable(people_root, job):
    again = next(j for j in jobs_of(people_root, [Toy("grey")]) if j.method == "grey" and j.person == "alice")
    assert again.key == job.key and again.prior_key == job.prior_key


def test_the_order_of_people_changes_no_job(people_root):
    """Other people's photos stand for what a stranger scores; who is taken must not depend on the command line."""
    people = [person_of(people_root / name) for name in ("alice", "bob")]
    people.append(dataclasses.replace(people[1], name="carol"))
    there, back = (jobs_of(people_root, [Toy("grey")], people=order) for order in (people, people[::-1]))
    assert {job.key for job in there} == {job.key for job in back}
    assert {job.key: list(job.others) for job in there} == {job.key: list(job.others) for job in back}
    one = next(job for job in there if job.others and job.person == "alice")
    assert dataclasses.replace(one, others=dict(reversed(one.others.items()))).key != one.key


def test_guests_decide_the_result_and_their_photos_are_recorded(people_root):
    """Without guests nobody else's photo is read, and a key is what it was before parts could have any."""
    people = [person_of(people_root / name) for name in ("alice", "bob")]

    def parts(person, people, settings, seed):
        (part, *_) = SUITE.parts(person, people, settings, seed)
        return (part, dataclasses.replace(part, cases=part.cases[:0], guests=("bob",))) if person == people[0] else ()

    suite = dataclasses.replace(SUITE, parts=parts, references=())
    alone, invited = jobs_of(people_root, [Toy("grey")], suite, people=people)
    assert alone.others == {} and invited.others == {"bob": {photo.file: photo.sha256 for photo in people[1].held_out}}
    assert {f"bob/{photo.file}" for photo in people[1].held_out} <= set(invited.photos)
    uninvited = dataclasses.replace(invited, part=dataclasses.replace(invited.part, guests=()))
    changed = dataclasses.replace(invited, others={"bob": {"test/000.png": "another photo"}})
    assert len({invited.key, uninvited.key, changed.key}) == 3


def test_files_of_metrics_decide_values_and_no_prior(people_root, job):
    """The identities of strangers: other ones, another threshold."""
    same, other = (
        next(j for j in jobs_of(people_root, [Toy("grey")], files=files) if j.method == "grey" and j.person == "alice")
        for files in ({"unused.safetensors": "0"}, {"strangers.safetensors": "1"})
    )
    assert same.key == job.key != other.key and other.prior_key == job.prior_key
    assert other.description["weights"]["strangers.safetensors"] == "1"


CHANGES = {
    "suite_version": 2,
    "method": "other",
    "fitted_by": "other",
    "method_version": 2,
    "settings": Settings(noise=0.2),
    "person": "carol",
    "seed": 1,
    "domain": "ffhq",
    "metrics": {"seam": 2},
    "weights": {"generator.safetensors": "retrained"},
    "train": {"train/000.png": "another photo"},
    "held_out": {"test/000.png": "another photo"},
    "others": {"bob": {"test/000.png": "another photo"}},
    "files": {"directions.safetensors": "other"},
    "subject": {"train/000.png": "another photo"},
    "part": Part(Inversion(), ()),
    "personal": False,
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_decides_the_result_changes_the_key(job, name):
    assert dataclasses.replace(job, **{name: CHANGES[name]}).key != job.key


@pytest.mark.parametrize(
    "change", [{"preset": "full"}, {"together": (PhotoToInvert("bob", "test/000.png", "0" * 64, 1),)}]
)
def test_the_name_of_the_preset_and_what_is_inverted_at_once_do_not(job, change):
    assert dataclasses.replace(job, **change).key == job.key


def test_every_field_of_a_job_is_considered():
    assert {field.name for field in dataclasses.fields(Job)} == {*CHANGES, "preset", "suite", "reference", "together"}


@pytest.mark.parametrize(
    "name, shared",
    [
        ("settings", True),  # the same fit, restored otherwise
        ("metrics", True),
        ("part", True),
        ("subject", True),
        ("files", True),
        ("held_out", True),
        ("suite_version", True),
        ("seed", False),
        ("person", False),
        ("train", False),
        ("weights", False),
        ("domain", False),
        ("method", True),  # a variant shares the prior of what it is a variant of
        ("fitted_by", False),
        ("method_version", False),
        ("personal", False),
    ],
)
def test_priors_are_shared_exactly_where_the_fit_is_the_same(job, name, shared):
    assert (dataclasses.replace(job, **{name: CHANGES[name]}).prior_key == job.prior_key) is shared


def test_another_fit_is_another_prior_and_no_fit_is_none(job):
    refitted = dataclasses.replace(job, settings=Settings(FitSettings(grey=0.5)))
    assert refitted.prior_key != job.prior_key and refitted.key != job.key
    assert dataclasses.replace(job, settings=Settings(fit=None)).prior_key is None


def test_fits_that_are_still_to_be_done_come_first(people_root, tmp_path):
    jobs = list(reversed(jobs_of(people_root, [Toy("grey")])))
    *references, bob, alice = jobs
    assert bob.prior_key and alice.prior_key and all(job.prior_key is None for job in references)
    few = dataclasses.replace(bob, train=dict(list(bob.train.items())[:2]))
    assert fits_first([*references, few, alice], tmp_path) == [alice, few, *references], "more photos take longer"
    again = dataclasses.replace(alice, suite_version=2)
    assert again.prior_key == alice.prior_key
    assert fits_first([*references, few, alice, again], tmp_path)[:2] == [alice, few], "a prior is fitted once"
    assert fits_first([*references, few, alice, again], tmp_path)[2:] == [*references, again]
    (tmp_path / alice.prior_key).mkdir()
    assert fits_first([*references, few, alice], tmp_path) == [few, *references, alice], "the rest stays in its order"


def test_the_first_part_of_a_row_and_person_comes_before_the_others(people_root):
    """The others find its inversions, and would wait for them if they came beside it."""
    settings = common.PhotoSettings((), 1, "")
    parts = partial(common.photo_parts, common.RESTORATIONS)
    suite = dataclasses.replace(SUITE, parts=parts, references=(), presets={"smoke": settings})
    jobs = jobs_of(people_root, [Toy(name, settings=Settings(fit=None)) for name in ("one", "two")], suite)
    seen = [(job.method, job.person) for job in jobs]
    assert len(set(seen[:4])) == 4 and len(seen) == 12
    assert [job.part.condition for job in jobs[:4]] == ["inversion"] * 4


def test_the_floor_alone_depends_on_the_other_people(people_root):
    both = {(job.method, job.person): job.key for job in jobs_of(people_root, [Toy("grey")])}
    photos = {job.method: job.photos for job in jobs_of(people_root, [Toy("grey")]) if job.person == "alice"}
    assert any(name.startswith("bob/test/") for name in photos["other_people"])
    assert all(name.startswith("alice/") for name in photos["grey"])
    alone = jobs_of(people_root, [Toy("grey")], people=[person_of(people_root / "alice")])
    for job in alone:
        assert (job.key == both[job.method, "alice"]) is (job.method != "other_people")


# The hash


@given(st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), st.text(max_size=3), st.booleans()), max_size=4))
def test_the_order_of_a_mapping_does_not_matter(content):
    assert content_hash(content) == content_hash(dict(reversed(content.items())))


def test_hashes_are_the_same_in_another_process():
    code = "from benchmarks.engine.plan import content_hash as h; print(h({'b': [1, 2.5], 'a': 'x'}))"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONHASHSEED": "7"})
    assert theirs.stdout.strip() == content_hash({"a": "x", "b": (1, 2.5)})


def test_what_has_no_stable_text_is_refused():
    with pytest.raises(TypeError, match="not plain data"):
        content_hash({"f": object()})


def test_settings_as_json():
    assert plain(Settings()) == {"fit": {"grey": 0.25}, "noise": 0.1}
    assert plain(None) is None


# Seeds


def test_item_seeds_are_apart_and_in_range():
    seeds = {item_seed("mask", person, n) for person in ("p1", "p2") for n in range(500)}
    assert len(seeds) == 1000  # a collision among 1000 of 2^31 has probability 0.0002, and this draw has none
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert item_seed("a", "bc") != item_seed("ab", "c")


def test_a_seed_belongs_to_the_item(people_root):
    few, many = (jobs_of(people_root, [Toy("grey")], preset=preset)[0].cases for preset in ("smoke", "full"))
    assert set(few) <= set(many) and len(many) == 3 * len(SUITE.presets["full"].rules)
