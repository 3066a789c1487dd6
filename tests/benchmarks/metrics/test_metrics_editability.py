"""Metrics of edited inversions: changes of the pose, accuracy, sets against the photos that they were made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from evaluations import evaluation_of, noise, rounded
from scipy.linalg import sqrtm

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Case, Inapplicable
from benchmarks.tasks.coordinate import Coordinate
from benchmarks.tasks.edits import Edits
from benchmarks.tasks.same_magnitude import SameMagnitude
from datasets.folders import read_portraits

ROUNDING = 1e-4  # of attributes in float32, in their units


def compute(name, evaluation):
    return METRICS.load(name).compute(evaluation)


@pytest.fixture(scope="module")
def held_out(people_root):
    return read_portraits(people_root / "alice", "test", 32)


def edits_of(domain, doses, task, **more):
    outputs = rounded(noise(len(doses)))
    cases = tuple(Case(f"{k}", f"photo {k % 2}", 0, photo=k % 2, dose=dose) for k, dose in enumerate(doses))
    return replace(evaluation_of(outputs, domain=domain, task=task, **more), cases=cases)


def yaw_of(domain, images):
    with torch.inference_mode():
        return domain.judge.attributes(images)["yaw"]


def test_the_change_of_yaw_is_against_the_inversion(tiny_domain):
    facts = {"inverted_yaw": torch.tensor([3.0, -2.0, 1.0])}
    evaluation = edits_of(tiny_domain, [None] * 3, Edits(), facts=facts)
    turned = ((("smile", 1.0),), (("yaw", 1.0),), (("smile", 1.0), ("yaw", 1.0)))
    cases = tuple(replace(case, edits=edits) for case, edits in zip(evaluation.cases, turned, strict=True))
    found = compute("yaw_change", replace(evaluation, cases=cases))
    expected = (yaw_of(tiny_domain, evaluation.outputs) - facts["inverted_yaw"]).abs().tolist()
    assert found == {f"yaw of {k}": pytest.approx(expected[k], abs=ROUNDING) for k in (1, 2)}
    searched = edits_of(tiny_domain, [5.0] * 3, SameMagnitude("yaw"), facts=facts)
    assert list(compute("yaw_change", searched).values()) == pytest.approx(expected, abs=ROUNDING)
    for other in (replace(evaluation, facts={}), evaluation, replace(searched, task=Coordinate("yaw"))):
        with pytest.raises(Inapplicable, match="no yaw"):
            compute("yaw_change", other)


def test_the_change_of_an_edit_is_the_way_that_it_should_go(tiny_domain):
    facts = {"inverted_smile": torch.tensor([0.1, 0.2, 0.3, 0.4])}
    evaluation = edits_of(tiny_domain, [None] * 4, Edits(), facts=facts)
    edits = ((("smile", 2.0),), (("smile", -1.0),), (("smile", 1.0), ("yaw", 1.0)), (("nose", 1.0),))
    cases = tuple(replace(case, edits=each) for case, each in zip(evaluation.cases, edits, strict=True))
    with torch.inference_mode():
        smile = tiny_domain.judge.attributes(evaluation.outputs)["smile"]
    _, std = tiny_domain.judge.moments["smile"]
    expected = {
        "smile of 0": float((smile[0] - 0.1) / std),
        "smile of 1": -float((smile[1] - 0.2) / std),
    }
    assert compute("edit_change", replace(evaluation, cases=cases)) == pytest.approx(expected, abs=ROUNDING)
    with pytest.raises(Inapplicable, match="no single attribute"):
        compute("edit_change", replace(evaluation, cases=cases[2:]))


def test_the_range_of_yaw_is_of_each_photo_s_edits(tiny_domain):
    evaluation = edits_of(tiny_domain, [-2.0, -2.0, 0.0, 0.0, 2.0, 2.0], Coordinate("yaw"))
    yaw = yaw_of(tiny_domain, evaluation.outputs)
    expected = {f"edits of photo {i}": pytest.approx(float(np.ptp(yaw[i::2].numpy())), abs=ROUNDING) for i in (0, 1)}
    assert compute("yaw_range", evaluation) == expected
    for task, doses in ((Coordinate("smile"), [0.0, 1.0]), (Coordinate("yaw"), [1.0, 1.0]), (Edits(), [0.0, 1.0])):
        with pytest.raises(Inapplicable, match="several values"):
            compute("yaw_range", edits_of(tiny_domain, doses, task))


def test_accuracy_is_which_side_of_the_mean_is_read(tiny_domain):
    evaluation = edits_of(tiny_domain, [-1.0, 1.0, 2.0, -2.0], Coordinate("smile"))
    mean, _ = tiny_domain.judge.moments["smile"]
    with torch.inference_mode():
        more = tiny_domain.judge.attributes(evaluation.outputs)["smile"] > mean
    assert compute("attribute_accuracy", evaluation).tolist() == (more == torch.tensor([0, 1, 1, 0]).bool()).tolist()
    with pytest.raises(Inapplicable, match="without a side"):
        compute("attribute_accuracy", edits_of(tiny_domain, [0.0, 1.0], Coordinate("smile")))
    with pytest.raises(Inapplicable, match="without a side"):  # of a change, which starts anywhere
        compute("attribute_accuracy", edits_of(tiny_domain, [-1.0, 1.0], SameMagnitude("smile")))
    with pytest.raises(Inapplicable, match="no attribute"):
        compute("attribute_accuracy", edits_of(tiny_domain, [1.0, 1.0], Coordinate("masculine")))


@pytest.mark.parametrize("name", ["path_length", "path_length_all"])
def test_path_lengths_are_what_the_task_measured(tiny_domain, name):
    evaluation = evaluation_of(rounded(noise(2)), domain=tiny_domain, facts={name: torch.tensor([1.0, 2.0])})
    assert compute(name, evaluation).tolist() == [1, 2]
    with pytest.raises(Inapplicable, match="no paths"):
        compute(name, replace(evaluation, facts={}))


def of_pairs(domain, held_out, outputs, pairs):
    cases = tuple(Case(f"{k}", "", 0, photo=a, other=b) for k, (a, b) in enumerate(pairs))
    return replace(evaluation_of(outputs, domain=domain, held_out=held_out), cases=cases)


def test_sets_are_compared_with_the_photos_that_were_used_each_once(tiny_domain, held_out):
    outputs = rounded(noise(4))
    evaluation = of_pairs(tiny_domain, held_out, outputs, [(0, 2), (0, 2), (2, 0), (2, 0)])
    judge = tiny_domain.judge
    with torch.inference_mode():
        x, y = (judge.deep(images).double().numpy() for images in (outputs, held_out.images[[0, 2]]))
    cov = [np.cov(each, rowvar=False) for each in (x, y)]
    root = sqrtm(cov[0] @ cov[1] + 1e-12 * np.eye(len(cov[0]))).real
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(cov[0] + cov[1] - 2 * root)
    # the root of a singular matrix, which the metric avoids, and the shift that makes it regular
    assert compute("fid_inputs", evaluation)["all outputs"] == pytest.approx(expected, rel=1e-2, abs=1e-4)

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    groups = compute("kid_inputs", evaluation)
    for g, value in enumerate(groups.values()):
        f = x[g::2]  # of both pairs, the same place on the way
        within = (kernel(a, a)[0, 1] for a in (f, y))
        assert value == pytest.approx(sum(within) - 2 * kernel(f, y).mean(), abs=1e-4)  # float32 features
    assert len(groups) == 2


def test_the_photos_themselves_have_no_distance(tiny_domain, held_out):
    evaluation = of_pairs(tiny_domain, held_out, held_out.images, [(0, 1), (1, 2), (2, 0)])
    assert compute("fid_inputs", evaluation)["all outputs"] == pytest.approx(0, abs=1e-4)  # float32 features


@pytest.mark.parametrize("name", ["fid_inputs", "kid_inputs"])
def test_sets_need_photos(tiny_domain, held_out, name):
    with pytest.raises(Inapplicable, match=r"photo|two images"):
        compute(name, of_pairs(tiny_domain, held_out, rounded(noise(2)), [(None, None)] * 2))
    with pytest.raises(Inapplicable, match="two images"):
        compute(name, of_pairs(tiny_domain, held_out, rounded(noise(2)), [(1, None)] * 2))
