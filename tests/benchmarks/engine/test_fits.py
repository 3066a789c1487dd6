"""Fits in files: made once, read back bit for bit, shared by whatever asks for the same thing."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from bench_toys import Settings, Toy, context_of, jobs_of, person_of
from safetensors.torch import save_file
from tiny import tiny_domain
from torch import Tensor

from benchmarks.api.suite import Strangers
from benchmarks.api.task import Part
from benchmarks.engine import plan, records
from benchmarks.engine.fits import FitStore, JobResources
from benchmarks.engine.plan import content_hash
from benchmarks.engine.worker import Worker
from benchmarks.suites import editing
from benchmarks.tasks.editing import Editing
from datasets.folders import read_portraits
from mystyle.inversion import Inversion, SharedGenerator
from mystyle.pivotal import PivotalTuning
from mystyle.roles import Generator
from mystyle.types import Image

KEY = {"fit": "numbers", "version": 1}


@pytest.fixture
def store(tmp_path) -> FitStore:
    return FitStore(tmp_path / "fits")


class Rows:
    """Computes a row of random numbers for each of several keys, and counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, rows: Sequence[int]) -> dict[str, Tensor]:
        self.asked.append(list(rows))
        batch = torch.rand(len(rows), 3, generator=torch.Generator().manual_seed(len(self.asked)))
        return {"x": batch, "row": torch.tensor(rows)}


def places(store: FitStore) -> list[Path]:
    return [path for path in store.folder.iterdir() if path.name != records.UNFINISHED]


# One fit


def test_a_fit_is_made_once_and_read_back_bit_for_bit(store):
    made = {"a": torch.randn(4, 5), "b": torch.tensor([float("nan"), 1e-40]), "n": torch.tensor([2**40])}
    calls = []

    def compute() -> dict[str, Tensor]:
        calls.append(1)
        return made

    for found in (store.get(KEY, compute), store.get(dict(reversed(KEY.items())), compute)):
        assert found.keys() == made.keys()
        assert all(found[name].numpy().tobytes() == tensor.numpy().tobytes() for name, tensor in made.items())
        assert all(found[name].dtype == tensor.dtype for name, tensor in made.items())
    assert len(calls) == 1
    store.get({**KEY, "version": 2}, compute)
    assert len(calls) == 2, "another version is another fit"


def test_slices_and_tensors_on_a_graph_are_kept_as_values(store):
    weight = torch.randn(6, 6, requires_grad=True)
    found = store.get(KEY, lambda: {"columns": (weight * 2).T[:3]})
    assert torch.equal(found["columns"], (weight * 2).T[:3]) and not found["columns"].requires_grad


@pytest.mark.parametrize("damage", ["other bytes", "half", "gone", "no about"])
def test_a_damaged_fit_is_set_aside_and_made_again(store, damage, capsys):
    made = {"a": torch.arange(6.0)}
    store.get(KEY, lambda: made)
    (place,) = places(store)
    file = place / "tensors.safetensors"
    if damage == "other bytes":
        save_file({"a": torch.zeros(6)}, file)
    elif damage == "half":
        file.write_bytes(file.read_bytes()[:-5])
    elif damage == "gone":
        file.unlink()
    else:
        (place / "about.json").unlink()
    assert torch.equal(store.get(KEY, lambda: made)["a"], made["a"])
    assert "damaged and is made again" in capsys.readouterr().out
    assert places(store) == [place]
    assert [path.suffix for path in (store.folder / records.UNFINISHED).iterdir()] == [".damaged"]


def test_what_fails_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError):
        store.get(KEY, lambda: {"a": torch.tensor(1 / 0)})
    assert not places(store)
    assert store.get(KEY, lambda: {"a": torch.ones(1)})["a"] == 1


def make_slowly(folder: Path, notes: Path, gate: Any) -> None:
    def compute():
        with notes.open("a") as file:
            file.write("made\n")
        time.sleep(0.3)  # longer than the other process takes from the gate to its claim
        return lambda place: (place / "value").write_text("7")

    gate.wait()
    place, _ = FitStore(folder).make("0" * 16, compute, {})
    assert (place / "value").read_text() == "7"


def test_two_processes_make_a_fit_once(store, tmp_path):
    context = multiprocessing.get_context("fork")  # of spawned ones, starting takes longer than the fit
    gate = context.Barrier(2)
    both = [context.Process(target=make_slowly, args=(store.folder, tmp_path / "notes", gate)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert (tmp_path / "notes").read_text() == "made\n"


# Fits of images


def test_images_are_computed_together_and_found_one_by_one(store):
    rows = Rows()
    whole = store.images(["a", "b", "c"], rows)
    assert rows.asked == [[0, 1, 2]] and whole["row"].tolist() == [0, 1, 2]
    again = store.images(["a", "b", "c"], rows)
    some = store.images(["c", "a"], rows)
    assert rows.asked == [[0, 1, 2]]
    assert torch.equal(again["x"], whole["x"]) and torch.equal(some["x"], whole["x"][[2, 0]])


def test_of_a_partial_overlap_only_the_missing_rows_are_computed(store):
    rows = Rows()
    first = store.images(["a", "b"], rows)
    second = store.images(["b", "c", "a", "d"], rows)
    assert rows.asked == [[0, 1], [1, 3]]
    assert torch.equal(second["x"][[2, 0]], first["x"]) and second["row"].tolist() == [1, 1, 0, 3]
    assert torch.equal(store.images(["d", "c"], rows)["x"], second["x"][[3, 1]]) and len(rows.asked) == 2


def test_a_batch_that_was_stopped_is_made_as_a_whole(store):
    rows = Rows()

    def stopped(_: Sequence[int]) -> dict[str, Tensor]:
        raise KeyboardInterrupt

    store.images(["a"], rows)
    with pytest.raises(KeyboardInterrupt):
        store.images(["a", "b", "c"], stopped)
    store.images(["a", "b", "c"], rows)
    assert rows.asked == [[0], [1, 2]], "the same rows as if it had not been stopped"


def test_images_whose_fit_was_damaged_are_computed_again(store):
    rows = Rows()
    store.images(["a", "b"], rows)
    (place,) = places(store)
    (place / "tensors.safetensors").write_bytes(b"")
    assert len(store.images(["b", "c"], rows)["x"]) == 2 and rows.asked[1:] == [[0, 1]], "no damaged row is read"
    store.images(["a", "b"], rows)
    assert rows.asked[2:] == [[0, 1]], "made again in the batch that it was made in, and so to the same numbers"


# Fits of a domain


def test_fits_of_a_domain_have_neither_a_person_nor_photos_in_their_keys(tmp_path):
    class Spy:
        keys: list[Mapping[str, Any]] = []  # noqa: RUF012

        def get(self, key, compute):
            self.keys.append(key)
            return compute()

    domain = replace(tiny_domain(), fits=Spy())
    domain.fitted("centre", 3, {"samples": 5}, lambda: {"w": torch.zeros(2)})
    (key,) = Spy.keys
    assert set(key) == {"fit", "version", "settings", "domain", "weights"} and content_hash(key)


def test_fits_of_a_domain_are_shared_through_the_store_and_depend_on_its_weights(store):
    calls = []

    def compute() -> dict[str, Tensor]:
        calls.append(1)
        return {"w": torch.full((2,), float(len(calls)))}

    first, second, other = (replace(tiny_domain(seed), fits=FitStore(store.folder)) for seed in (0, 0, 1))
    assert all(torch.equal(d.fitted("centre", 1, {}, compute)["w"], torch.ones(2)) for d in (first, second, first))
    assert other.fitted("centre", 1, {}, compute)["w"].tolist() == [2, 2]
    assert first.fitted("centre", 1, {"samples": 5}, compute)["w"].tolist() == [3, 3]


# Inversions and priors of jobs

CALLS: list[tuple[str, int]] = []  # (verb, images) of every method below


@dataclass(frozen=True)
class SpyPrior:
    generator: Generator

    def invert(self, images: Image, *, seeds: Sequence[int]) -> Inversion:
        CALLS.append(("invert", len(images)))
        z = torch.stack([torch.randn(16, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        ws, renderer = self.generator.mapping(z), SharedGenerator(self.generator)
        return Inversion.of(renderer, ws, renderer(ws), torch.zeros(len(ws), 1))

    def inversion(self, tensors: Mapping[str, Tensor]) -> Inversion:
        return Inversion.read(SharedGenerator(self.generator), tensors)

    def save(self, folder: Path) -> None:
        (folder / "nothing").touch()


@dataclass(frozen=True)
class Spied(Toy):
    def fit(self, person, domain, *, seed, settings):
        CALLS.append(("fit", len(person)))
        return SpyPrior(domain.generator)

    def load(self, folder, person, domain, *, settings):
        return SpyPrior(domain.generator)


@dataclass(frozen=True)
class TwoPhotos:
    photos: int = 2
    people: Any = ("alice", "bob")
    tuning: PivotalTuning = field(default_factory=lambda: PivotalTuning(steps=1))
    gallery: int = 3


def edited(person, people, settings, seed):
    """Both attributes, by the components of an editor that is quickly fitted."""
    parts = editing.parts(person, people, settings, seed)
    return tuple(replace(part, task=replace(part.task, editor="ganspace", edit="pca00")) for part in parts)


SUITE = replace(editing.SUITE, metrics=("edit_reach",), references=(), presets={"smoke": TwoPhotos()}, parts=edited)


@pytest.fixture
def calls():
    CALLS.clear()
    return CALLS


def run_all(people_root, method, run, suite, jobs=None):
    worker = Worker(context_of(people_root, [method], run, suite), "cpu")
    for job in jobs or jobs_of(people_root, [method], suite):
        assert worker.run(job).status == "done", records.read_record(run, job.key).traceback
        assert (records.read_rows(run, job.key)["status"] == "done").all()


def test_a_photo_is_inverted_once_for_all_attributes_editors_and_suites(people_root, tmp_path, calls):
    method = Spied("spied")
    run_all(people_root, method, tmp_path, SUITE)
    once = [("fit", 5), ("invert", 2)] * 2  # alice's and bob's
    assert sorted(calls) == sorted(once)

    def through_sefa(person, people, settings, seed):
        parts = editing.parts(person, people, settings, seed)
        return tuple(replace(part, task=replace(part.task, editor="sefa", edit="sefa01:0-3")) for part in parts)

    run_all(people_root, method, tmp_path, replace(SUITE, name="other", version=4, parts=through_sefa))
    assert sorted(calls) == sorted(once), "neither another editor nor another suite inverts again"
    run_all(people_root, replace(method, version=2), tmp_path, SUITE)
    assert sorted(calls) == sorted(once * 2), "another version of the method does"


def test_more_photos_invert_the_new_ones_alone(people_root, tmp_path, calls):
    method = Spied("spied")
    run_all(people_root, method, tmp_path, SUITE)
    run_all(people_root, method, tmp_path, replace(SUITE, presets={"smoke": TwoPhotos(photos=3)}))
    assert sorted(calls) == sorted([("fit", 5), ("invert", 2), ("invert", 1)] * 2)


def test_an_inversion_depends_on_photo_seed_prior_and_settings(people_root, tmp_path, calls, tiny_domain):
    jobs = {job.person: job for job in jobs_of(people_root, [Spied("spied")], SUITE)}
    photos = read_portraits(people_root / "alice", "test", 32).images
    store, prior = FitStore(tmp_path), SpyPrior(tiny_domain.generator)
    job = jobs["alice"]

    def inverted(job=job, photos=photos[:1], seeds=(5,)):
        return JobResources(tiny_domain, store, job).invert(prior, photos, seeds)

    first = inverted()
    assert calls == [("invert", 1)] and torch.equal(inverted().ws, first.ws)
    assert torch.equal(inverted().render(), first.images), "what was found renders what was inverted"
    settings = replace(job.settings, noise=0.7)
    for change in ({"photos": photos[1:2]}, {"seeds": (6,)}, {"job": jobs["bob"]}):
        inverted(**change)
    inverted(replace(job, settings=settings))
    assert len(calls) == 5
    inverted(replace(job, suite="other", metrics={}, preset="full", part=Part(Editing("yaw", (0.0,)), ())))
    assert len(calls) == 5


@dataclass(frozen=True)
class OneGenerator(Settings):
    together: str = "mean"


def test_photos_that_decide_each_other_are_kept_together(people_root, tmp_path, calls, tiny_domain):
    job = jobs_of(people_root, [Spied("spied")], SUITE)[0]
    photos = read_portraits(people_root / job.person, "test", 32).images[:2]
    for settings, expected in ((Settings(), [2]), (OneGenerator(), [2, 1])):
        calls.clear()
        resources = JobResources(tiny_domain, FitStore(tmp_path), replace(job, settings=settings))
        for n in (2, 1):
            resources.invert(SpyPrior(tiny_domain.generator), photos[:n], [0, 1][:n])
        assert [n for _, n in calls] == expected


def test_photos_of_strangers_are_inverted_at_once(people_root, tmp_path, calls, monkeypatch):
    strangers = replace(SUITE, presets={"smoke": TwoPhotos(people=Strangers(2), photos=2)})
    method = Spied("spied", personal=False)
    jobs = jobs_of(people_root, [method], strangers)
    run_all(people_root, method, tmp_path / "at once", strangers, jobs)
    assert [call for call in calls if call[0] == "invert"] == [("invert", 4)]
    apart = [replace(job, together=()) for job in jobs]
    assert [job.key for job in apart] == [job.key for job in jobs]
    run_all(people_root, method, tmp_path / "apart", strangers, apart)
    assert [call for call in calls if call[0] == "invert"][1:] == [("invert", 2)] * 2
    for job in jobs:  # the spy's noise is of a seed for each image
        one, other = (records.read_rows(tmp_path / run, job.key) for run in ("at once", "apart"))
        assert one["value"].tolist() == pytest.approx(other["value"].tolist(), abs=1e-5, nan_ok=True)
    personal = Spied("spied")
    calls.clear()
    run_all(people_root, personal, tmp_path / "personal", strangers)
    assert sorted(calls) == [("fit", 5)] * 2 + [("invert", 2)] * 2, "priors of two people"
    monkeypatch.setattr(plan, "TOGETHER", 3)
    alice, bob = ({job.together for job in jobs_of(people_root, [method], strangers) if job.person == who}
                  for who in ("alice", "bob"))  # fmt: skip
    assert [len(group) for group in alice] == [3] and [len(group) for group in bob] == [4]  # bob's are of two groups


def test_photos_that_decide_each_other_are_one_inversion_of_the_whole_group(people_root, tmp_path, calls):
    strangers = replace(SUITE, presets={"smoke": TwoPhotos(people=Strangers(2), photos=2)})

    method = Spied("spied", personal=False, settings=OneGenerator(fit=None))
    jobs = jobs_of(people_root, [method], strangers)
    run_all(people_root, method, tmp_path, strangers, jobs)
    assert [call for call in calls if call[0] == "invert"] == [("invert", 4)]
    fewer = [replace(job, together=job.together[:3]) for job in jobs]
    assert not {job.key for job in fewer} & {job.key for job in jobs}, "who else is there decides the images"


def test_the_first_of_each_group_begins_and_the_rest_comes_row_by_row(people_root):
    """So no worker waits for an inversion that another one is at, as long as there is anything else."""
    strangers = replace(SUITE, presets={"smoke": TwoPhotos(people=Strangers(2), photos=2)})
    methods = [Spied(name, personal=False, settings=Settings(fit=None)) for name in ("a", "b")]
    order = [(job.method, job.person) for job in jobs_of(people_root, methods, strangers)]
    assert order[:2] == [("a", "alice"), ("b", "alice")]
    assert [method for method, _ in order[2:]] == ["a"] * 3 + ["b"] * 3


def test_a_method_that_looks_at_no_photo_shares_its_fit_between_people(people_root, tmp_path, calls):
    method = Spied("spied", personal=False)
    jobs = jobs_of(people_root, [method], SUITE)
    assert len({job.prior_key for job in jobs}) == 1 and len({job.fit_seed for job in jobs}) == 1
    assert len({job.prior_key for job in jobs_of(people_root, [Spied("spied")], SUITE)}) == 2
    run_all(people_root, method, tmp_path, SUITE, jobs)
    assert [verb for verb, _ in calls].count("fit") == 1
    cached = [records.read_record(tmp_path, job.key).prior.cached for job in jobs]
    assert cached == [False, True, True, True]
    others = jobs_of(people_root, [method], SUITE, people=[replace(person_of(people_root / "bob"), train=())])
    assert {job.prior_key for job in others} == {jobs[0].prior_key}, "nor does it need reference photos"
