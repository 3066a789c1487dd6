"""MAGEC's metrics: realism, improved target, edit consistency."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from evaluations import evaluation_of, noise, rounded

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Case, Inapplicable
from benchmarks.metrics import realism
from benchmarks.metrics.realism import scores
from benchmarks.tasks.edits import Edits
from mystyle.domains.domain import InMemory
from mystyle.types import Portraits


def compute(name, evaluation):
    return METRICS.load(name).compute(evaluation)


# Realism


def test_realism_is_the_best_ratio_of_radius_and_distance_over_the_smaller_balls():
    """By hand in NumPy; true distances, and as many balls kept as there are up to the median."""
    points, real = (np.random.default_rng(seed).normal(size=(n, 4)) for seed, n in ((0, 5), (1, 21)))
    apart = np.linalg.norm(real[:, None] - real[None], axis=2)
    radius = np.sort(apart, axis=1)[:, 3]
    kept = radius <= np.quantile(radius, 0.5)
    assert kept.sum() == 11
    expected = (radius[kept] / np.linalg.norm(points[:, None] - real[None, kept], axis=2)).max(axis=1)
    found = scores(torch.from_numpy(points), torch.from_numpy(real))
    torch.testing.assert_close(found, torch.from_numpy(expected).float())


def test_on_the_edge_of_a_ball_realism_is_one_and_halves_with_twice_the_distance():
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0], [100.0], [300.0]])  # radii 3, 2, 2, 3, 99, 298
    assert scores(torch.tensor([[-3.0], [-6.0]]), real).tolist() == [1.0, 0.5]
    assert scores(torch.tensor([[150.0]]), real)[0] < 0.03  # the wide balls there are not asked


def test_realism_is_beside_rendered_strangers_fitted_once(tiny_domain, monkeypatch):
    monkeypatch.setattr(realism, "COUNT", 5)
    monkeypatch.setattr(realism, "render", lambda drawn, size: noise(len(drawn), size))
    domain = replace(tiny_domain, fits=InMemory())
    nobody = Portraits("s0001", noise(1), ("test/0.png",), ("0",), {"yaw": torch.zeros(1)})
    evaluation = evaluation_of(noise(3, seed=1), domain=domain, held_out=nobody)
    found = compute("realism", evaluation)
    assert found.shape == (3,) and (found > 0).all() and found.isfinite().all()
    monkeypatch.setattr(realism, "render", lambda *_: pytest.fail("rendered again"))
    assert torch.equal(compute("realism", replace(evaluation, memory={})), found)
    with pytest.raises(Inapplicable, match="rendered"):
        compute("realism", replace(evaluation, held_out=replace(nobody, parameters={})))


# Improved target


def edits_of(domain, edits, **facts):
    outputs = rounded(noise(len(edits)))
    cases = tuple(Case(f"{k}", "photo", 0, photo=0, edits=edit) for k, edit in enumerate(edits))
    given = {f"inverted_{name}": torch.tensor(values) for name, values in facts.items()}
    return replace(evaluation_of(outputs, domain=domain, task=Edits(), facts=given), cases=cases)


def test_the_improved_target_is_the_gain_in_probability_of_what_was_wanted(tiny_domain):
    more, less = ("smile", 1.0), ("smile", -1.0)
    evaluation = edits_of(tiny_domain, [(more,), (less,), (("yaw", 1.0),), (more, less)], smile=[0.3, 0.7, 0.3, 0.3])
    mean, std = tiny_domain.judge.moments["smile"]
    with torch.inference_mode():
        after = (tiny_domain.judge.attributes(evaluation.outputs)["smile"] - mean) / std

    def p(z):
        return 1 / (1 + math.exp(-math.log(19) * float(z)))

    found = compute("improved_target", evaluation)
    assert found == {
        "smile of 0": pytest.approx(p(after[0]) - p((0.3 - mean) / std), abs=1e-5),
        "smile of 1": pytest.approx(p((0.7 - mean) / std) - p(after[1]), abs=1e-5),
    }  # nothing is known of the yaw before, and what was undone is wanted no more


def test_without_an_edit_or_what_was_before_there_is_no_target(tiny_domain):
    for evaluation in (edits_of(tiny_domain, [()], smile=[0.3]), edits_of(tiny_domain, [(("smile", 1.0),)])):
        with pytest.raises(Inapplicable, match="no attribute"):
            compute("improved_target", evaluation)


# Edit consistency


def cycle_of(domain, *triples):
    """An evaluation whose cases are projection, edit and cyclic image of each triple."""
    cases, images = [], []
    for k, triple in enumerate(triples):
        names = [f"{k}-{kind}" for kind in ("projection", "edit", "cycle")]
        cases += [Case(name, "photo", 0, photo=0, of=of) for name, of in zip(names, ("", *names), strict=False)]
        images += list(triple)
    return replace(evaluation_of(torch.stack(images), domain=domain), cases=tuple(cases))


def test_ecs_is_equation_4_on_images_as_written(tiny_domain):
    p, edit, cyc = noise(3)
    d = tiny_domain.perceptual
    pairs = ((p, cyc), (p, edit), (edit, cyc))
    with torch.no_grad():
        whole, there, back = (float(d(*(rounded(x[None]) for x in pair))) for pair in pairs)
    found = compute("edit_consistency", cycle_of(tiny_domain, (p, edit, cyc)))
    assert found == {"0-cycle": pytest.approx(2 * whole / (there + back), rel=1e-4)}


def test_ecs_is_zero_where_the_way_back_ends_at_the_start_and_two_where_the_edit_did_nothing(tiny_domain):
    a, b = noise(2)
    found = compute("edit_consistency", cycle_of(tiny_domain, (a, b, a), (a, a, b)))
    assert found == {"0-cycle": pytest.approx(0, abs=1e-5), "1-cycle": pytest.approx(2, rel=1e-4)}


def test_edits_that_change_nothing_have_no_value_and_are_counted(tiny_domain):
    a, b = noise(2)
    mixed = cycle_of(tiny_domain, (a, a, a), (a, b, a))
    assert list(compute("edit_consistency", mixed)) == ["1-cycle"]
    assert compute("still_edits", mixed) == {"0-cycle": 1.0, "1-cycle": 0.0}
    with pytest.raises(Inapplicable, match="no edit"):
        compute("edit_consistency", cycle_of(tiny_domain, (a, a, a)))
    for name in ("edit_consistency", "still_edits"):
        with pytest.raises(Inapplicable, match="no cycle"):
            compute(name, evaluation_of(noise(2), domain=tiny_domain))
