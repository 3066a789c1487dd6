"""The nearest point of a hull against general solvers, and B.3, which asks for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from mystyle.latents.anchors import (
    Anchors,
    from_the_others,
    outer_half,
    read_anchors,
    with_midpoints,
    without_inner,
)
from mystyle.latents.hull import nearest_in_hull
from mystyle.latents.subspace import project_to_dilated_hull, to_w


def cloud(seed: int, n: int, k: int, spread: float = 1.0) -> torch.Tensor:
    """Points whose coordinates differ in size by a factor of ten, as those of W do; away from the origin."""
    sizes = torch.logspace(0, -1, k, dtype=torch.float64)
    return 2 + spread * sizes * torch.randn(n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def general_qp(vertices: np.ndarray, y: np.ndarray, beta: float) -> np.ndarray:
    """argmin ||M alpha - y||^2, sum alpha = 1, alpha >= -beta, by sequential least squares programming."""
    n = len(vertices)
    result = minimize(
        lambda a: 0.5 * np.sum((a @ vertices - y) ** 2),
        np.full(n, 1 / n),
        jac=lambda a: vertices @ (a @ vertices - y),
        bounds=[(-beta, None)] * n,
        constraints=[LinearConstraint(np.ones((1, n)), 1, 1)],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 2000},
    )
    return result.x


@pytest.mark.parametrize("beta", [0.0, 0.02, 0.3])
@pytest.mark.parametrize(("count", "dim"), [(8, 20), (30, 40), (5, 4)])
def test_projection_equals_a_general_solver(count, dim, beta):
    codes = cloud(0, count, dim)
    w = cloud(1, 6, dim, spread=1.5)
    anchors = Anchors(codes, tuple(map(str, range(count))))
    alpha = project_to_dilated_hull(w, anchors, beta)
    expected = np.stack([general_qp(codes.numpy(), y, beta) for y in w.numpy()])
    # the other solver stops where its steps no longer help, at about 1e-7
    np.testing.assert_allclose(alpha, expected, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 25), dim=st.integers(1, 30), beta=st.floats(0, 0.2))
def test_optimality_conditions_hold_also_with_more_anchors_than_dimensions(seed, count, dim, beta):
    """KKT of the quadratic program: no feasible direction leads nearer. Weights need not be unique; the point is."""
    codes, w = cloud(seed, count, dim), cloud(seed + 1, 4, dim, spread=2)
    anchors = Anchors(codes, tuple(map(str, range(count))))
    alpha = project_to_dilated_hull(w, anchors, beta)
    np.testing.assert_allclose(alpha.sum(dim=1), 1, atol=1e-9)
    assert (alpha >= -beta - 1e-9).all()
    gradient = (to_w(alpha, anchors) - w) @ codes.T  # of half the squared distance
    best = gradient.amin(dim=1) * (1 + count * beta) - beta * gradient.sum(dim=1)  # over A_beta, a linear program
    gap = (gradient * alpha).sum(dim=1) - best  # Frank and Wolfe: bounds the excess over the least value
    scale = w.square().sum(dim=1) + codes.square().sum()
    assert (gap <= 1e-9 * scale).all()  # float64; measured 1e-12


def test_a_point_inside_is_itself_and_a_vertex_is_one_hot():
    codes = cloud(2, 9, 30)
    weights = torch.distributions.Dirichlet(torch.ones(9, dtype=torch.float64)).sample((5,))
    torch.testing.assert_close(nearest_in_hull(codes, weights @ codes), weights, atol=1e-9, rtol=0)
    torch.testing.assert_close(nearest_in_hull(codes, codes), torch.eye(9, dtype=torch.float64), atol=1e-9, rtol=0)


def test_weights_that_are_zero_are_exactly_zero():
    weights = nearest_in_hull(cloud(3, 40, 60), cloud(4, 20, 60, spread=3))
    assert ((weights == 0) | (weights > 1e-12)).all()
    assert 0.05 < (weights == 0).double().mean() < 0.95


def test_rows_do_not_depend_on_each_other():
    codes, points = cloud(5, 20, 25), cloud(6, 7, 25, spread=2)
    together = nearest_in_hull(codes, points)
    for i in range(7):
        torch.testing.assert_close(nearest_in_hull(codes, points[i : i + 1])[0], together[i], atol=1e-10, rtol=0)


def test_only_allowed_vertices_are_used():
    codes = cloud(7, 10, 12)
    allowed = ~torch.eye(10, dtype=torch.bool)
    weights = nearest_in_hull(codes, codes, allowed)
    assert (weights.diagonal() == 0).all()
    fewer = torch.stack([nearest_in_hull(codes[row], codes[i : i + 1])[0] for i, row in enumerate(allowed)])
    torch.testing.assert_close(weights[allowed].view(10, 9), fewer, atol=1e-9, rtol=0)


def test_without_a_bound_it_is_the_affine_projection():
    codes, w = cloud(8, 6, 20).float(), cloud(9, 3, 20).float()
    anchors = Anchors(codes, tuple("abcdef"))
    alpha = project_to_dilated_hull(w[:, None], anchors, None)
    assert alpha.shape == (3, 1, 6)
    np.testing.assert_allclose(alpha.sum(dim=-1), 1, atol=1e-5)
    residual = w - to_w(alpha, anchors)[:, 0]
    np.testing.assert_allclose(residual @ (codes[1:] - codes[0]).T, 0, atol=1e-3)  # perpendicular, float32 of size 100


def test_projection_of_what_is_inside_changes_nothing():
    codes = cloud(10, 12, 30)
    anchors = Anchors(codes, tuple(map(str, range(12))))
    alpha = (1 + 12 * 0.1) * torch.distributions.Dirichlet(torch.ones(12, dtype=torch.float64)).sample((4, 3)) - 0.1
    torch.testing.assert_close(project_to_dilated_hull(to_w(alpha, anchors), anchors, 0.1), alpha, atol=1e-9, rtol=0)


# B.3


def named(codes: torch.Tensor) -> Anchors:
    return Anchors(codes.float(), tuple(f"{i}.png" for i in range(len(codes))))


def test_rank_and_condition_are_those_of_numpy():
    anchors = named(cloud(11, 8, 20))
    assert anchors.rank == np.linalg.matrix_rank(anchors.codes.numpy()) == 8
    assert anchors.condition == pytest.approx(np.linalg.cond(anchors.codes.double().numpy()), rel=1e-6)
    dependent = named(torch.cat([cloud(11, 8, 20), cloud(11, 8, 20)[:1]]))
    assert dependent.rank == 8 and dependent.condition == math.inf


def test_anchors_inside_the_hull_and_repetitions_are_dropped():
    corners = cloud(12, 6, 9)
    inner = corners[[0, 1]].mean(dim=0, keepdim=True), corners.mean(dim=0, keepdim=True)
    anchors = named(torch.cat([corners[:3], inner[0], corners[3:], inner[1], corners[:1]]))
    left = without_inner(anchors)
    assert left.names == ("0.png", "1.png", "2.png", "4.png", "5.png", "6.png")
    assert torch.equal(left.codes, corners.float())


def test_the_corners_of_a_square_stay_although_they_are_dependent():
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert len(without_inner(named(square))) == 4
    assert len(without_inner(named(torch.cat([square, torch.full((3, 2), 0.5)])))) == 4


def test_what_is_left_has_the_same_hull_with_more_anchors_than_dimensions():
    anchors = named(cloud(13, 60, 3))
    left = without_inner(anchors)
    assert 4 <= len(left) < 60
    nearest = nearest_in_hull(left.codes, anchors.codes) @ left.codes.double()
    np.testing.assert_allclose(nearest, anchors.codes, atol=2e-6)  # float32 codes of size 2, tolerance 1e-6


def test_midpoints_are_dependent_and_dropping_them_gives_the_anchors_back():
    anchors = named(cloud(16, 7, 12))
    more = with_midpoints(anchors)
    assert len(more) == 14 and more.rank == anchors.rank == 7
    torch.testing.assert_close(more.codes[13], (anchors.codes[6] + anchors.codes[0]) / 2)
    left = without_inner(more)
    assert left.names == anchors.names and torch.equal(left.codes, anchors.codes)


def test_the_outer_half_is_that_farthest_from_the_others_in_order():
    square = torch.tensor([[0.0, 0.0], [0.5, 0.1], [4.0, 0.0], [0.4, 3.0], [1.0, 1.0]])
    anchors = named(square)
    # (1, 1) is inside; (0.5, 0.1) is not far from being so
    apart = from_the_others(anchors)
    assert apart[4] == pytest.approx(0, abs=1e-9) and apart[2] > apart[3] > apart[0] > 0
    assert outer_half(anchors).names == ("0.png", "2.png", "3.png")


def test_few_anchors_are_left_alone():
    assert without_inner(named(cloud(14, 1, 4))).names == ("0.png",)
    assert len(without_inner(named(cloud(14, 2, 4)))) == 2


def test_codes_made_elsewhere_are_read_in_the_order_of_the_photos(tmp_path):
    from safetensors.torch import save_file

    a, b, c = cloud(15, 3, 8).float()
    torch.save(a.expand(1, 18, 8), tmp_path / "a.pt")
    np.save(tmp_path / "b.npy", b.numpy())
    save_file({"w": c}, tmp_path / "c.safetensors")
    anchors = read_anchors(tmp_path, ("c.jpg", "a.png", "b.png"), 8)
    assert torch.equal(anchors.codes, torch.stack([c, a, b]))
    assert anchors.names == ("c.jpg", "a.png", "b.png")


def test_codes_that_are_missing_double_or_vary_by_layer_are_all_named(tmp_path):
    torch.save(torch.randn(1, 18, 8), tmp_path / "a.pt")
    torch.save(torch.randn(8), tmp_path / "b.pt")
    np.save(tmp_path / "b.npy", np.zeros(8, dtype=np.float32))
    torch.save(torch.randn(9), tmp_path / "d.pt")
    with pytest.raises(ValueError) as error:
        read_anchors(tmp_path, ("a.png", "b.png", "c.png", "d.png"), 8)
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    assert "expected one finite vector of 8 numbers, found shape (1, 18, 8)" in lines[0]
    assert "2 files of codes for b.png" in lines[1] and "0 files of codes for c.png" in lines[2]
