"""MAPS and identity against NumPy, and against what they must be for known images."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from evaluations import evaluation_of, noise, rows, with_outputs
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.maps import maps
from datasets.folders import read_portraits

NETWORK_METRICS = ("maps_train", "maps_heldout", "identity")
ROUNDING = 1e-5  # of float32 features of unit size


def evaluate(name, evaluation):
    return METRICS.load(name).compute(evaluation)


@pytest.fixture(scope="module")
def evaluation(tiny_domain, people_root):
    """The outputs are the held-out photos themselves, as in the ceiling row."""
    train, test = (read_portraits(people_root / "alice", split, 32) for split in ("train", "test"))
    mask = torch.ones(1, 1, 32, 32)
    mask[..., 8:16, 8:24] = 0
    facts = {"dilation": torch.tensor([0.0, 0.01, 0.02]), "bound": torch.full((3,), 0.02)}
    return evaluation_of(test.images, test.images, mask, train=train, held_out=test, domain=tiny_domain, facts=facts)


@given(seed=st.integers(0, 1000), n=st.integers(1, 4), m=st.integers(1, 5))
def test_maps_is_the_largest_cosine(seed, n, m):
    f, r = np.random.default_rng(seed).normal(size=(2, 6, 7))
    f, r = f[:n], r[:m]
    cosine = (f @ r.T) / np.linalg.norm(f, axis=1)[:, None] / np.linalg.norm(r, axis=1)
    ours = maps(torch.from_numpy(f), torch.from_numpy(r)).numpy()
    assert ours == pytest.approx(cosine.max(axis=1), abs=1e-9)


def test_maps_ignores_length_and_order():
    f, r = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(maps(f, r), maps(3 * f, 0.1 * r.flip(0)), atol=ROUNDING)


def test_a_reference_photo_scores_one(evaluation):
    # Table 1's "real images" row: each training photo finds itself.
    score = evaluate("maps_train", with_outputs(evaluation, evaluation.train.images[:3]))
    assert torch.allclose(score, torch.ones(3), atol=ROUNDING)


def test_maps_heldout_leaves_the_own_source_out(evaluation, tiny_domain):
    # Pixels as features: those of a random network are too alike for the source to stand out.
    pixels = SimpleNamespace(device=tiny_domain.device, judge=SimpleNamespace(deep=lambda x: x.flatten(1)))
    evaluation = with_outputs(evaluation, evaluation.outputs, domain=pixels)
    x = evaluation.held_out.images.flatten(1)
    cosine = torch.nn.functional.cosine_similarity(x[:, None], x[None], dim=-1).fill_diagonal_(-2)
    score = evaluate("maps_heldout", evaluation)
    assert torch.allclose(score, cosine.max(dim=1).values, atol=ROUNDING)
    assert (score < 0.999).all() and (evaluate("maps_train", evaluation) < 0.999).all()
    copied = with_outputs(evaluation, evaluation.outputs[[1, 2, 0]])  # another held-out photo is there to be found
    assert torch.allclose(evaluate("maps_heldout", copied), torch.ones(3), atol=ROUNDING)


def test_maps_heldout_needs_a_second_photo(evaluation):
    one = replace(rows(evaluation, slice(1)), held_out=evaluation.held_out[:1])
    with pytest.raises(Inapplicable, match="two held-out photos"):
        evaluate("maps_heldout", one)


def test_identity_is_the_cosine_to_the_normalised_mean(evaluation, tiny_domain):
    judge = tiny_domain.judge
    e, x = (judge.identity_of(judge.deep(i)).double().numpy() for i in (evaluation.train.images, evaluation.outputs))
    template = e.mean(axis=0) / np.linalg.norm(e.mean(axis=0))
    score = evaluate("identity", evaluation).double().numpy()
    assert score == pytest.approx(x @ template, abs=ROUNDING)
    # and ranks like the mean cosine, from which it differs by one factor for the person
    ratio = (x @ e.T).mean(axis=1) / score
    assert ratio == pytest.approx(np.full(3, np.linalg.norm(e.mean(axis=0))), abs=1e-4)


@pytest.mark.parametrize("name", NETWORK_METRICS)
def test_each_image_is_scored_by_itself(evaluation, name):
    # The batch changes nothing but rounding, so a number does not depend on how many cases a preset has.
    whole = evaluate(name, evaluation)
    for i in range(3):
        one = rows(evaluation, slice(i, i + 1))
        assert evaluate(name, one).item() == pytest.approx(whole[i].item(), abs=ROUNDING)


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_keeps_to_its_declared_range(evaluation, name):
    metric = METRICS.load(name)
    low, high = (
        default if bound is None else bound for bound, default in zip(metric.range, (-np.inf, np.inf), strict=True)
    )
    for outputs in (evaluation.outputs, noise(3), -evaluation.outputs):
        try:
            values = metric.compute(with_outputs(evaluation, outputs))
        except Inapplicable:
            continue  # tested where it applies
        if isinstance(values, dict):
            assert all(isinstance(item, str) for item in values)
            values = torch.tensor(list(values.values()))
        else:
            assert values.shape == (3,)
        assert values.isfinite().all()
        assert (values >= low - ROUNDING).all() and (values <= high + ROUNDING).all()


@pytest.mark.parametrize("name", ["hole_distance", "seam"])  # the others ask a network that has to know faces
def test_the_photo_itself_is_no_worse_than_noise(evaluation, name):
    metric = METRICS.load(name)
    hole = 1 - evaluation.mask
    filled = with_outputs(evaluation, evaluation.clean * evaluation.mask + noise(3) * hole)
    sign = 1 if metric.higher_is_better else -1
    assert (sign * metric.compute(evaluation) > sign * metric.compute(filled)).all()
