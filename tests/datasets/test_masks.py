"""Masks: their values, what decides them, and that they hide what they are named after."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.masks import EYE_LINE, EYE_OFFSET, FACE, MOUTH, RULES, mask

rules = pytest.mark.parametrize("rule", RULES)
SEEDS = range(20)


def known_at(m: torch.Tensor, x: float, y: float) -> float:
    n = m.shape[-1]
    return m[0, 0, int(y * n), int(x * n)].item()


@rules
@pytest.mark.parametrize("resolution", [16, 64, 128])
def test_values_and_shape(rule, resolution):
    for seed in SEEDS:
        m = mask(rule, resolution, seed)
        assert m.shape == (1, 1, resolution, resolution) and m.dtype == torch.float32
        assert set(m.unique().tolist()) == {0.0, 1.0}  # never all known, never all hidden


@settings(max_examples=30, deadline=None)
@given(rule=st.sampled_from(sorted(RULES)), seed=st.integers(0, 2**31 - 1))
def test_rule_resolution_and_seed_decide_alone(rule, seed):
    first = mask(rule, 32, seed)
    np.random.seed(1)  # noqa: NPY002 - the global state is what must not matter
    torch.manual_seed(1)
    assert torch.equal(mask(rule, 32, seed), first)


@rules
def test_the_seed_moves_the_hole(rule):
    assert len({mask(rule, 64, seed).numpy().tobytes() for seed in SEEDS}) > 10


@rules
def test_the_same_hole_at_every_resolution(rule):
    # A pixel of 32 covers 4 x 4 of 128; the two can differ only where a border passes, along lines: 8 % of the pixels.
    for seed in SEEDS:
        coarse, fine = mask(rule, 32, seed), F.avg_pool2d(mask(rule, 128, seed), 4)
        assert (coarse - fine.round()).abs().mean() < 0.08


@rules
def test_a_hole_is_neither_a_speck_nor_the_whole_image(rule):
    share = [1 - mask(rule, 64, seed).mean().item() for seed in SEEDS]
    assert min(share) > 0.02 and max(share) < 0.4


def test_each_rule_hides_what_it_says():
    for seed in SEEDS:
        eyes, mouth, centre = (mask(rule, 64, seed) for rule in ("eyes", "mouth", "centre"))
        for side in (-1, 1):
            assert known_at(eyes, 0.5 + side * EYE_OFFSET, EYE_LINE) == 0
            assert known_at(mouth, 0.5 + side * EYE_OFFSET, EYE_LINE) == 1
        assert known_at(eyes, *MOUTH) == 1 and known_at(mouth, *MOUTH) == 0
        assert known_at(centre, *FACE) == 0
        for m in (eyes, mouth, centre):  # hair and background stay
            assert m[..., 0, :].all() and m[..., :, 0].all() and m[..., -1, :].all() and m[..., :, -1].all()


def test_half_hides_one_side_of_the_face_and_the_seed_says_which():
    hidden = []
    for seed in SEEDS:
        m = mask("half", 64, seed)
        left, right = known_at(m, 0.5 - EYE_OFFSET, EYE_LINE), known_at(m, 0.5 + EYE_OFFSET, EYE_LINE)
        assert left != right
        hidden.append(left)
    assert set(hidden) == {0.0, 1.0}


def test_strokes_are_as_wide_at_every_resolution():
    # The hidden share of a stroke depends on its width, so a width in pixels instead of fractions would show here.
    shares = torch.tensor([[1 - mask("strokes", n, seed).mean() for n in (64, 256)] for seed in SEEDS])
    assert (shares[:, 0] - shares[:, 1]).abs().max() < 0.02  # a border of half a pixel at 64


def test_unknown_rule():
    with pytest.raises(ValueError, match=r"unknown mask 'nose'; there are eyes, mouth"):
        mask("nose", 64, 0)
