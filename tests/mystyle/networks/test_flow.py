"""The flow against what defines it: its way back, its tangents, and the change of variables."""

from __future__ import annotations

import math

import pytest
import torch

from mystyle.networks.flow import Flow, MovingBatchNorm

D, K, N = 3, 2, 4


@pytest.fixture(scope="module")
def flow() -> Flow:
    """With weights and moments far from those of the start, in double precision."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        flow = Flow(D, ("yaw", "age"), hidden=(8, 8)).double()
        for norm in (flow.first, flow.last):
            norm.mean.normal_()
            norm.variance.uniform_(0.5, 2)
            torch.nn.init.normal_(norm.log_gain, std=0.3)
            torch.nn.init.normal_(norm.bias)
        for layer in flow.layers:
            torch.nn.init.normal_(layer.linear.weight, std=0.8)
    return flow.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(1)
    return torch.randn(N, D, generator=draws).double(), torch.randn(N, K, generator=draws).double()


def test_the_way_back_gives_the_code(flow, drawn):
    w, c = drawn
    z = flow(w, c)
    assert not torch.allclose(z, w, atol=0.1)
    torch.testing.assert_close(flow.inverse(z, c), w, atol=1e-3, rtol=0)  # a hundred steps of the solver's 1e-5
    torch.testing.assert_close(flow.inverse(flow(w, c, 1e-9), c, 1e-9), w, atol=1e-7, rtol=0)


def test_other_conditions_give_another_code(flow, drawn):
    w, c = drawn
    other = flow.inverse(flow(w, c), c + torch.tensor([1.0, 0.0]))
    assert (other - w).abs().amax(dim=1).min() > 0.01


def test_tangents_are_those_of_autograd(flow, drawn):
    (x, c), t = drawn, torch.tensor(0.3).double()
    e = torch.randn(5, N, D, generator=torch.Generator().manual_seed(2)).double()
    v, along = flow.velocity_along(x, e, c, t)
    assert torch.equal(v, flow.velocity(x, c, t))
    for each, found in zip(e, along, strict=True):
        _, wanted = torch.autograd.functional.jvp(lambda x: flow.velocity(x, c, t), x, each)
        torch.testing.assert_close(found, wanted)


def test_a_layer_is_gated_and_shifted_by_time_and_conditions(flow, drawn):
    layer, (x, c) = flow.layers[0], drawn
    tc = torch.cat([torch.full((N, 1), 0.3).double(), c], dim=1)
    a, b, shift = layer.linear, layer.gate, layer.shift
    by_hand = (x @ a.weight.T + a.bias) / (1 + (-(tc @ b.weight.T + b.bias)).exp()) + tc @ shift.weight.T
    torch.testing.assert_close(layer(x, x[None][:0], tc)[0], by_hand)


def test_the_density_is_that_of_the_change_of_variables(flow, drawn):
    """log p(w | c) = log N(z) + log |det dz/dw|, the determinant by autograd."""
    w, c = drawn
    unit = math.sqrt(D) * torch.eye(D).double()[:, None].expand(-1, N, -1)
    found = flow.log_density(w, c, unit)
    for i in range(N):
        z = flow(w[i : i + 1], c[i : i + 1], 1e-9)
        jacobian = torch.autograd.functional.jacobian(lambda x, i=i: flow(x[None], c[i : i + 1], 1e-9)[0], w[i])
        normal = torch.distributions.Normal(0, 1).log_prob(z).sum()
        # the solver's tolerance of 1e-5, over some ten steps
        torch.testing.assert_close(found[i], normal + jacobian.slogdet().logabsdet, atol=1e-3, rtol=0)


def test_random_probes_estimate_the_same(flow, drawn):
    w, c = drawn
    unit = math.sqrt(D) * torch.eye(D).double()[:, None].expand(-1, N, -1)
    probes = torch.randn(2000, N, D, generator=torch.Generator().manual_seed(3)).double()
    # the deviation of a mean over 2000 is a few hundredths of a trace of size one
    torch.testing.assert_close(flow.log_density(w, c, probes), flow.log_density(w, c, unit), atol=0.2, rtol=0)


def test_gradients_of_the_density_reach_all_parameters(drawn):
    w, c = (x.float() for x in drawn)
    flow = Flow(D, ("yaw", "age"), hidden=(8, 8))
    flow.log_density(w, c, torch.randn(1, N, D)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in flow.parameters())


def test_moving_batch_norm_standardises_what_it_has_seen_and_can_be_undone():
    norm, draws = MovingBatchNorm(2), torch.Generator().manual_seed(4)
    x = torch.randn(64, 2, generator=draws) * torch.tensor([3.0, 0.1]) + torch.tensor([5.0, -1.0])
    for _ in range(1500):
        norm(x)
    norm.eval()
    before = norm.mean.clone()
    y, log_determinant = norm(x)
    assert torch.equal(norm.mean, before)
    torch.testing.assert_close(y.mean(dim=0), torch.zeros(2), atol=1e-3, rtol=0)  # 0.99^1500 is 3e-7; float32
    # eps of 1e-4 beside a variance of 0.01
    torch.testing.assert_close(y.var(dim=0, correction=0), torch.ones(2), atol=0.02, rtol=0)
    jacobian = torch.autograd.functional.jacobian(lambda x: norm(x[None])[0][0], x[0])
    torch.testing.assert_close(log_determinant, jacobian.slogdet().logabsdet)
    torch.testing.assert_close(norm.inverse(y), x)
