"""The nearest point of a convex hull, exactly and for many points at once: the quadratic program of section 3.4.

For vertices v_1..v_N and a point y we want

    u = argmin || sum_i u_i v_i - y ||^2   subject to   u_i >= 0, sum_i u_i = 1.

With p_i = v_i - y and any kappa > 0 let x solve the linear complementarity problem

    H x - 1 >= 0,   x >= 0,   x_i (H x - 1)_i = 0,   H_ij = p_i . p_j + kappa.

Then u = x / sum(x): divided by sum(x), the three lines are the optimality conditions of u, whose multiplier is
1 / sum(x) - kappa. What is left has no equality constraint and, where the vertices are affinely independent, a positive
definite matrix. It is solved by block principal pivoting (Portugal, Judice and Vicente, 1994): guess which x_i are
positive, solve for them, move every index that contradicts the guess. Some ten rounds suffice, each is one batched
linear solve, and the result is exact as an active set is: what is zero is zero. Dependent vertices, which are rare,
have no such matrix; there the same problem is one of non-negative least squares, || [p; 1^T] x - [0; 1] || with kappa
= 1, and SciPy solves it point by point.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

TOLERANCE = 1e-11  # of signs, relative to the numbers compared; rounding is some 1e-14
PATIENCE = 3  # rounds without fewer contradictions before single pivots, which cannot cycle
ROUNDS = 2000  # a hundred vertices take about ten
ELEMENTS = 2**25  # of H at a time: 256 MB


@torch.no_grad()
def nearest_in_hull(vertices: Tensor, points: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Weights [n, N], float64, of the points of the hull of ``vertices`` [N, k] that are nearest to ``points`` [n, k].

    ``allowed`` [n, N] says which vertices a point may use. Where vertices are affinely dependent the weights are not
    unique. Raises ArithmeticError if the pivoting does not end, which only rounding could cause.
    """
    centre = vertices.double().mean(dim=0)
    v, y = vertices.double() - centre, points.double() - centre
    size = torch.cat([v, 1e-6 * y]).square().sum(dim=1).max().sqrt()  # of the hull, unless points are very far from it
    size = torch.where(size > 0, size, 1)
    v, y = v / size, y / size
    if allowed is None:
        allowed = torch.ones(len(y), len(v), dtype=torch.bool, device=v.device)
    gram = v @ v.T
    if dependent(gram):
        x = [least_squares(v - point, may) for point, may in zip(y, allowed, strict=True)]
    else:
        rows = max(1, ELEMENTS // len(v) ** 2)
        parts = zip(y.split(rows), allowed.split(rows), strict=True)
        x = [solution for some, may in parts for solution in complementary(gram_from(gram, v, some), may)]
    weights = torch.stack(x) if x else y.new_zeros(0, len(v))
    return weights / weights.sum(dim=1, keepdim=True)


def dependent(gram: Tensor) -> bool:
    """Whether centred vertices with this Gram matrix [N, N] span fewer than N - 1 dimensions, to about 1e-5."""
    eigenvalues = torch.linalg.eigvalsh(gram)  # ascending; the first is zero, because the vertices are centred
    return len(gram) > 1 and bool(eigenvalues[1] <= 1e-10 * eigenvalues[-1])


def gram_from(gram: Tensor, v: Tensor, y: Tensor) -> Tensor:
    """H [n, N, N] for points y [n, k], with kappa = 1 in units of the hull's size."""
    inner = y @ v.T
    return gram - inner[:, :, None] - inner[:, None, :] + y.square().sum(dim=1)[:, None, None] + 1


def complementary(h: Tensor, allowed: Tensor) -> Tensor:
    """x >= 0 with H x >= 1 and x . (H x - 1) = 0 over the ``allowed`` indices, zero elsewhere: [n, N, N] to [n, N]."""
    n, count = allowed.shape
    result = h.new_zeros(n, count)
    rows = torch.arange(n, device=h.device)  # not yet solved
    positive, least = allowed.clone(), torch.full((n,), count + 1, device=h.device)
    patience = torch.full((n,), PATIENCE, device=h.device)
    diagonal = torch.eye(count, dtype=torch.bool, device=h.device)
    for _ in range(ROUNDS):
        if len(rows) == 0:
            return result
        matrix, guess = h[rows], positive[rows]
        block = torch.where(guess[:, :, None] & guess[:, None, :], matrix, diagonal.to(h.dtype))
        x = torch.linalg.solve(block, guess.to(h.dtype))
        slack = (matrix @ x[:, :, None])[:, :, 0] - 1
        contradicts = torch.where(
            guess, x < -TOLERANCE * x.amax(dim=1, keepdim=True), allowed[rows] & (slack < -TOLERANCE)
        )
        wrong = contradicts.sum(dim=1)
        solved = wrong == 0
        result[rows[solved]] = x[solved].clamp_min(0)

        fewer = wrong < least[rows]
        patience[rows] = torch.where(fewer, PATIENCE, patience[rows] - 1)
        least[rows] = torch.where(fewer, wrong, least[rows])
        last = count - 1 - contradicts.flip(1).to(torch.uint8).argmax(dim=1)  # Murty's rule: always the last index
        moved = torch.where((patience[rows] > 0)[:, None], contradicts, contradicts & diagonal[last])
        positive[rows] = guess ^ moved
        rows = rows[~solved]
    raise ArithmeticError(f"no nearest point of a hull of {count} vertices after {ROUNDS} rounds")


def least_squares(p: Tensor, allowed: Tensor) -> Tensor:
    """The x [N] of one point, from its p [N, k], by Lawson and Hanson's algorithm."""
    from scipy.optimize import nnls

    matrix = torch.cat([p, torch.ones_like(p[:, :1])], dim=1)[allowed].T
    x = torch.zeros_like(p[:, 0])
    solution, _ = nnls(matrix.cpu().numpy(), np.eye(len(matrix))[-1], maxiter=100 * len(p))
    x[allowed] = torch.from_numpy(solution).to(x)
    return x
