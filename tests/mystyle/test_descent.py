"""Descent: schedules against their formulas, the loop against closed forms, and what each row is owed.

All in float64 on a quadratic, whose minimiser and whose every iterate under plain gradient descent are known.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mystyle.descent import (
    Constant,
    DescentSettings,
    Exponential,
    Phases,
    Ramps,
    Schedule,
    Triangular,
    batches,
    descend,
)
from mystyle.progress import listening

TARGET = torch.tensor([[3.0, -1.0], [0.5, 2.0], [-2.0, 0.0]], dtype=torch.float64)
CURVATURE = torch.tensor([1.0, 0.3, 0.05], dtype=torch.float64)


def variable(rows: slice = slice(None)) -> Tensor:
    return torch.zeros_like(TARGET[rows]).requires_grad_()


def quadratic(x: Tensor, rows: slice = slice(None)):
    """a / 2 ||x - target||^2 of each row, with a curvature of its own."""
    return lambda step: CURVATURE[rows] / 2 * (x - TARGET[rows]).square().sum(dim=1)


def sgd(variables) -> torch.optim.Optimizer:
    return torch.optim.SGD(variables)


# Schedules


def rates(schedule: Schedule, steps: int) -> np.ndarray:
    return np.array([schedule(step, steps) for step in range(steps)])


def test_ramps_are_those_of_the_stylegan2_projector():
    found = rates(DescentSettings().schedule, 1000)
    assert found[0] == 0
    assert found[25] == pytest.approx(0.05)
    assert found[50:750] == pytest.approx(0.1)
    assert found[875] == pytest.approx(0.05)
    assert found[-1] < 1e-5
    assert found.mean() == pytest.approx(0.085, rel=1e-3)  # 0.1 (0.7 + 0.05 / 2 + 0.25 / 2)
    t = np.arange(1000) / 1000  # as in its code, where the cosine comes first
    ramp = np.minimum(1.0, (1.0 - t) / 0.25)
    ramp = 0.5 - 0.5 * np.cos(ramp * np.pi)
    np.testing.assert_allclose(found, 0.1 * ramp * np.minimum(1.0, t / 0.05), rtol=1e-12)


def test_a_constant_is_constant():
    assert set(rates(Constant(0.1), 7)) == {0.1}


@pytest.mark.parametrize("steps", [25, 100, 1000])
def test_exponential_falls_by_a_tenth_at_every_25th_of_the_descent(steps):
    expected = [0.25 * 0.9 ** (step // (steps // 25)) for step in range(steps)]
    np.testing.assert_allclose(rates(Exponential(0.25, 0.9, 25), steps), expected, rtol=1e-12)


def test_triangular_is_that_of_pulse():
    found = rates(Triangular(0.4), 100)
    for step, rate in ((0, 0.04), (45, 0.4), (90, 0.04), (99, 0.4 * (0.1 - 0.099 * 0.9))):
        assert found[step] == pytest.approx(rate)
    x = np.arange(90)
    np.testing.assert_allclose(found[:90], 0.4 * (9 * (1 - np.abs(x / 90 - 1 / 2) * 2) + 1) / 10, rtol=1e-12)
    x = np.arange(90, 100)
    np.testing.assert_allclose(found[90:], 0.4 * (0.1 + (x - 90) / 10 * (1 / 1000 - 1 / 10)), rtol=1e-12)


def test_phases_begin_anew_and_the_last_takes_the_rest():
    phases = Phases(((0.4, Ramps(0.1)), (0.25, Constant(5.0)), (0.35, Exponential(1.0, 0.5, 2))))
    found = rates(phases, 21)  # 8 and 5 by rounding, and 8
    expected = np.concatenate([rates(Ramps(0.1), 8), rates(Constant(5.0), 5), rates(Exponential(1.0, 0.5, 2), 8)])
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="step 21 is beyond the 21 steps"):
        phases(21, 21)


@given(
    schedule=st.sampled_from(
        [
            Constant(0.3),
            Ramps(0.3),
            Exponential(0.3, 0.9, 25),
            Triangular(0.3),
            Phases(((0.5, Ramps(0.3)), (0.5, Constant(0.3)))),
        ]
    ),
    steps=st.integers(1, 300),
)
def test_every_schedule_is_between_zero_and_its_peak_at_any_length(schedule, steps):
    found = rates(schedule, steps)
    assert (found >= 0).all() and (found <= 0.3 + 1e-12).all()


# The loop


def test_gradient_descent_follows_its_closed_form():
    """x_k+1 - target = (1 - rate_k a) (x_k - target), with a rate that the schedule changes at every step."""
    settings = DescentSettings(steps=30, schedule=Ramps(0.9))
    x = variable()
    losses = descend((x,), quadratic(x), settings, optimizer=sgd)
    shrunk = np.cumprod([1 - settings.schedule(k, 30) * CURVATURE.numpy() for k in range(30)], axis=0)
    np.testing.assert_allclose(x.detach(), TARGET * (1 - torch.from_numpy(shrunk[-1])[:, None]), rtol=1e-12)
    before = np.concatenate([np.ones((1, 3)), shrunk[:-1]]).T  # the objective is that before the update
    expected = CURVATURE[:, None] / 2 * TARGET.square().sum(dim=1, keepdim=True) * torch.from_numpy(before).square()
    np.testing.assert_allclose(losses, expected, atol=1e-14)  # float64 of size one


def test_the_default_is_adam_from_its_definition():
    settings = DescentSettings(steps=12, schedule=Ramps(0.5))
    x = variable()
    descend((x,), quadratic(x), settings)
    y, m, v = (np.zeros((3, 2)) for _ in range(3))
    for k in range(12):
        g = CURVATURE.numpy()[:, None] * (y - TARGET.numpy())
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        m_hat, v_hat = m / (1 - 0.9 ** (k + 1)), v / (1 - 0.999 ** (k + 1))
        y = y - settings.schedule(k, 12) * m_hat / (np.sqrt(v_hat) + 1e-8)
    np.testing.assert_allclose(x.detach(), y, rtol=1e-10)


def test_several_variables_descend_together_and_nothing_else_gets_gradients():
    x, y = variable(), variable()
    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)
    descend(
        (x, y),
        lambda step: (weight * (x - TARGET)).square().sum(dim=1) + (y + TARGET).square().sum(dim=1),
        DescentSettings(steps=60, schedule=Constant(0.25)),
        optimizer=sgd,
    )
    np.testing.assert_allclose(x.detach(), TARGET, atol=1e-12)  # half of the way at every step
    np.testing.assert_allclose(y.detach(), -TARGET, atol=1e-12)
    assert weight.grad is None


def test_it_works_where_gradients_are_off():
    inside, outside = variable(), variable()
    settings = DescentSettings(steps=5)
    with torch.no_grad():
        descend((inside,), quadratic(inside), settings)
    descend((outside,), quadratic(outside), settings)
    assert torch.equal(inside, outside)


def test_after_step_runs_without_gradients_and_the_next_step_sees_what_it_did():
    """A descent that is clipped to a box after every step, as II2S does; the objective never sees anything beyond."""
    x, seen, steps = variable(), [], []
    inner = quadratic(x)

    def objective(step: int) -> Tensor:
        seen.append(x.detach().clone())
        return inner(step)

    def clip(step: int) -> None:
        assert not torch.is_grad_enabled()
        steps.append((step, len(seen)))
        x.clamp_(-1, 1)

    descend((x,), objective, DescentSettings(steps=80, schedule=Constant(1.0)), optimizer=sgd, after_step=clip)
    assert steps == [(step, step + 1) for step in range(80)]  # once, after the update
    assert max(float(value.abs().max()) for value in seen) == 1
    # coordinates are independent, so the clipped minimiser is the minimiser in the box
    expected = TARGET.clamp(-1, 1)
    np.testing.assert_allclose(x.detach()[:2], expected[:2], atol=1e-9)  # the third row is still on its way


def test_on_a_sphere_it_finds_the_nearest_point_of_the_sphere():
    """A return to the sphere of the initial radius after every step, as in PULSE."""
    start = torch.tensor([[0.3, 0.4], [0.0, 2.0], [-1.0, 1.0]], dtype=torch.float64)
    radius = start.norm(dim=1, keepdim=True)
    x = start.clone().requires_grad_()

    def back(_: int) -> None:
        x.mul_(radius / x.norm(dim=1, keepdim=True))

    descend(
        (x,),
        lambda step: (x - TARGET).square().sum(dim=1),
        DescentSettings(steps=300, schedule=Constant(0.1)),
        optimizer=sgd,
        after_step=back,
    )
    nearest = radius * TARGET / TARGET.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(x.detach(), nearest, atol=1e-9)


def test_on_step_is_given_the_steps_done_and_their_objective():
    x, events = variable(), []
    losses = descend(
        (x,), quadratic(x), DescentSettings(steps=4), on_step=lambda step, loss: events.append((step, loss.detach()))
    )
    assert [step for step, _ in events] == [1, 2, 3, 4]
    assert torch.equal(torch.stack([loss for _, loss in events], dim=1), losses)


def test_rows_do_not_depend_on_each_other():
    settings = DescentSettings(steps=20)
    together = variable()
    losses = descend((together,), quadratic(together), settings)
    for i in range(3):
        rows = slice(i, i + 1)
        alone = variable(rows)
        assert torch.equal(descend((alone,), quadratic(alone, rows), settings)[0], losses[i])  # the same operations
        assert torch.equal(alone[0], together[i])


@pytest.mark.parametrize(("broken_at", "found_at"), [(0, 0), (3, 25), (27, 30)])
def test_an_objective_that_is_not_finite_names_its_image(broken_at, found_at):
    x = variable()
    inner = quadratic(x)
    broken = torch.tensor([0.0, 0.0, math.nan], dtype=torch.float64)
    with pytest.raises(FloatingPointError, match=f"image 2 of its batch became nan by step {found_at}; lower the"):
        descend((x,), lambda step: inner(step) + (broken if step >= broken_at else 0), DescentSettings(steps=31))


@pytest.mark.parametrize(("n", "batch"), [(5, 2), (4, 4), (1, 16)])
def test_batches_cover_all_rows_and_count_their_steps_on(n, batch):
    events, rows = [], []
    with listening(lambda *event: events.append(event[:3])):
        for part, on_step in batches(n, DescentSettings(steps=2, batch=batch), "looking"):
            rows += range(n)[part]
            for step in (1, 2):
                on_step(step, torch.zeros(1))
    assert rows == list(range(n))
    total = 2 * math.ceil(n / batch)
    assert events == [("looking", i, total) for i in range(1, total + 1)]
