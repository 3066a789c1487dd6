"""Every task keeps the contract of a task; a new file in benchmarks/tasks is tested by being there."""

from __future__ import annotations

import dataclasses
import importlib
import json
from dataclasses import replace

import pytest
from bench_toys import Toy, context_of, jobs_of, person_of

from benchmarks.api.registry import METHODS, TASKS
from benchmarks.api.task import Case, Inapplicable, Part, Problem
from benchmarks.engine.plan import content_hash
from benchmarks.engine.worker import Worker
from benchmarks.suites import inpainting
from benchmarks.tasks.editing import Editing
from benchmarks.tasks.inpainting import Inpainting
from benchmarks.tasks.inversion import Inversion
from benchmarks.tasks.super_resolution import SuperResolution
from datasets.folders import read_portraits
from mystyle import protocols
from mystyle.pivotal import PivotalTuning

SUITE = replace(inpainting.SUITE, metrics=("identity",), references=())
PARAMETERS = {  # of tasks that need some, or are slow with their own
    "editing": {
        "attribute": "smile",
        "wanted": (0.0, 0.6),
        "tuning": PivotalTuning(steps=2),
        "gallery": 5,
        "editor": "ganspace",
        "edit": "pca01",
    },
    "traversal": {"theta": 0.5},
    "tuned_inversion": {"codes": 3},
    "coordinate": {"attribute": "pca00", "editor": "ganspace"},
    "edits": {"editor": "ganspace"},
    "anchor_edits": {"editor": "ganspace"},
    "same_magnitude": {"attribute": "smile", "gallery": 3},
    "interpolation": {"space": "p-norm+", "whitening": 1000},
    "path_length": {"paths": 2},
    "cyclic_projection": {"attribute": "smile", "editor": "interfacegan"},
}
OF_RENDERED = ("sweep", "own_traits")
BOTH_WAYS = (-20.0, 20.0)  # the short inversions of a contract differ less than edits that end at a person's bound


def of_two(task, person):
    """Pairs of the person's own photos."""
    return task.cases((person,), [(person, i) for i in range(3)], "pair", 0)


CASES = {
    "synthesis": lambda task, person: task.cases(person.name, 3, 0),
    "rendering": lambda task, person: task.cases(person.name, 3, 0),
    "editing": lambda task, person: tuple(case for i in range(2) for case in task.cases(person, i, 0)),
    "traversal": lambda task, person: tuple(Case(f"to-{k}", person.train[k].file, k) for k in range(2)),
    "sweep": lambda task, person: tuple(task.case(person, 0, step, 2, 0) for step in range(3)),
    "coordinate": lambda task, person: tuple(task.case(person, i, "set", 0, dose=2 * i - 1) for i in range(2)),
    "same_magnitude": lambda task, person: tuple(task.case(person, i, "more", 0, dose=i - 0.5) for i in range(2)),
    "edits": lambda task, person: tuple(
        task.case(person, i, "pca", 0, edits=(("pca00", 2.0 * i - 1),)) for i in range(2)
    ),
    "anchor_edits": lambda task, person: tuple(task.case(person, i, "pca00", 2.0 * i - 1, 0) for i in range(2)),
    "interpolation": of_two,
    "style_mixing": of_two,
    "cyclic_projection": lambda task, person: tuple(c for i in range(2) for c in task.cases(person, i, "cycle")),
}


@pytest.fixture(scope="module")
def alice(people_root):
    return person_of(people_root / "alice")


@pytest.fixture(scope="module", params=TASKS.names())
def task(request):
    return TASKS.load(request.param)(**PARAMETERS.get(request.param, {}))


@pytest.fixture(scope="module")
def cases(task, alice):
    one_by_one = lambda task, person: tuple(task.case(person, i, 0) for i in range(2))  # noqa: E731
    return CASES.get(task.name, one_by_one)(task, alice)


def test_name_is_that_of_the_file_and_verb_is_one_of_priors(task):
    module = importlib.import_module(f"benchmarks.tasks.{task.name}")
    assert module.TASK is type(task)
    assert task.verb is None or getattr(protocols, task.verb.__name__) is task.verb
    assert isinstance(task.files, tuple) and all(isinstance(name, str) for name in task.files)


def test_parameters_are_frozen_plain_and_hashable(task):
    assert task.__dataclass_params__.frozen and hash(task) == hash(replace(task)) and task == replace(task)
    assert content_hash(task) == content_hash(replace(task))
    names = {field.name for field in dataclasses.fields(task)}
    assert not names & {"name", "verb"}, "what is the same for all is no parameter"


def test_cases_are_repeatable_and_have_names_and_seeds_of_their_own(task, cases, alice, people_root):
    assert len({case.name for case in cases}) == len(cases)
    if task.name in CASES and task.name not in ("synthesis", "rendering"):
        return  # made by their suite, or a photo's share its seed
    again = CASES.get(task.name, lambda task, person: tuple(task.case(person, i, 0) for i in range(2)))
    assert again(task, alice) == cases
    bob = again(task, person_of(people_root / "bob"))
    assert not {case.seed for case in cases} & {case.seed for case in bob}


def test_the_problem_has_the_cases_in_their_order(task, cases, people_root):
    photos = read_portraits(people_root / "alice", "test", 32)
    if task.name in OF_RENDERED:
        with pytest.raises((KeyError, Inapplicable)):
            task.problem(photos, cases)
        return
    problem = task.problem(photos, cases)
    assert isinstance(problem, Problem)
    for name in ("clean", "mask", "degraded"):
        value = getattr(problem, name)
        assert value is None or len(value) == len(cases)
    if problem.clean is not None:
        assert all((problem.clean[i] == photos.images[case.photo]).all() for i, case in enumerate(cases))
    if problem.degraded is not None and problem.clean is not None:
        assert (problem.degradation(problem.clean) == problem.degraded).all()


@pytest.fixture(scope="module")
def solved(task, cases, people_root, tmp_path_factory):
    """Run, job and record of the task, solved with MyStyle's subspace in the generator as it is."""
    if task.verb is None:
        pytest.skip("no method takes part")
    if task.name in OF_RENDERED:
        pytest.skip("nobody was rendered here; it has tests of its own")
    method = METHODS.load("untuned")
    run = tmp_path_factory.mktemp(task.name)
    worker = Worker(context_of(people_root, [method], run, SUITE), "cpu")
    job = next(job for job in jobs_of(people_root, [method], SUITE) if job.person == "alice")
    jobs = [replace(job, part=Part(task, cases), suite_version=version) for version in (1, 2)]
    outcomes = [worker.run(job) for job in jobs]
    assert [outcome.reason for outcome in outcomes] == ["", ""]
    return run, jobs


def test_it_is_solved_image_by_image_and_alike_where_fits_are_cached(solved, cases):
    run, jobs = solved
    first, second = (run / "jobs" / job.key / "images" for job in jobs)
    for case in cases:
        assert (first / f"{case.name}.png").read_bytes() == (second / f"{case.name}.png").read_bytes()
    assert len({(first / f"{case.name}.png").read_bytes() for case in cases}) > 1


def test_parameters_and_cases_are_recorded_whole(solved, task, cases):
    run, jobs = solved
    record = json.loads((run / "jobs" / jobs[0].key / "record.json").read_text(encoding="utf-8"))
    assert record["task"] == task.name
    assert record["params"] == json.loads(json.dumps(dataclasses.asdict(task)))
    for case, recorded in zip(cases, record["cases"], strict=True):
        fields = json.loads(json.dumps(dataclasses.asdict(case)))
        del fields["photo"]  # the position of ``image`` among the photos, which are recorded
        assert recorded == {"case" if name == "name" else name: value for name, value in fields.items()}


# Keys


@pytest.fixture(scope="module")
def job(people_root):
    return jobs_of(people_root, [Toy("grey")], SUITE)[0]


def test_tasks_of_equal_parameters_have_keys_of_their_own(job):
    assert dataclasses.asdict(Inversion()) == dataclasses.asdict(Inpainting())
    keys = {replace(job, part=replace(job.part, task=task)).key for task in (Inversion(), Inpainting())}
    assert len(keys) == 2


@pytest.mark.parametrize(
    "task, changes",
    [
        (SuperResolution(8), {"factor": 4}),
        (
            Editing("yaw", (0, 15)),
            {
                "attribute": "smile",
                "wanted": (0, 30),
                "tuning": PivotalTuning(steps=3),
                "gallery": 9,
                "reach": 2.0,
                "editor": "sefa",
                "edit": "yaw:0-4",
            },
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_parameter_is_in_the_key(job, task, changes):
    assert set(changes) == {field.name for field in dataclasses.fields(task)}
    others = [replace(task, **{name: value}) for name, value in changes.items()]
    keys = {replace(job, part=replace(job.part, task=each)).key for each in (task, *others)}
    assert len(keys) == 1 + len(changes)


def test_interpolations_and_comparisons_travel_into_key_and_record(job, people_root, tmp_path):
    """A second photo, several edits, and the case that another one is compared with."""
    first = job.cases[0]
    changes = {"other": 1, "edits": (("yaw", 2.0), ("smile", -1.0)), "of": "original"}
    cases = [replace(first, name="original")]
    cases += [replace(first, name=f"with-{name}", **{name: value}) for name, value in changes.items()]
    jobs = [replace(job, part=Part(Inpainting(), (replace(case, name="same"),))) for case in cases]
    assert len({job.key for job in jobs}) == len(jobs)
    job = replace(job, part=Part(Inpainting(), tuple(cases)))
    assert Worker(context_of(people_root, [Toy("grey")], tmp_path, SUITE), "cpu").run(job).reason == ""
    record = json.loads((tmp_path / "jobs" / job.key / "record.json").read_text(encoding="utf-8"))
    plain, *others = record["cases"]
    assert (plain["other"], plain["edits"], plain["of"]) == (None, [], "")
    assert [recorded[name] for recorded, name in zip(others, changes, strict=True)] == [
        1,
        [["yaw", 2.0], ["smile", -1.0]],
        "original",
    ]
