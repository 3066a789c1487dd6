"""The pieces of adversarial training against their definitions."""

import math

import numpy as np
import pytest
import torch

from mystyle.adversarial import (
    lazy_adam,
    logistic_d,
    logistic_g,
    mixed_codes,
    path_lengths,
    path_penalty,
    r1_penalty,
    update_average,
)
from mystyle.networks.stylegan2 import Generator


def test_logistic_losses_equal_their_formulas():
    real, fake = torch.tensor([1.0, -2.0, 0.3]), torch.tensor([0.5, 4.0, -1.0])
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    expected = -np.log(sigmoid(real.numpy())).mean() - np.log(1 - sigmoid(fake.numpy())).mean()
    assert float(logistic_d(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert float(logistic_g(fake)) == pytest.approx(-np.log(sigmoid(fake.numpy())).mean(), rel=1e-5)


def test_r1_of_a_quadratic_is_known():
    """D(x) = a ||x||^2 / 2 has the gradient a x: the penalty is a^2 E ||x||^2, its gradient in a 2 a E ||x||^2."""
    a = torch.tensor(1.5, requires_grad=True)
    x = torch.randn(4, 3, 5, 5)
    penalty = r1_penalty(lambda y: a * y.square().sum(dim=(1, 2, 3)) / 2, x)
    size = x.square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(penalty, 2.25 * size)
    (gradient,) = torch.autograd.grad(penalty, a)
    torch.testing.assert_close(gradient, 3 * size)


class Linear(torch.nn.Module):
    """A generator whose image is J w summed over layers, so that |J^T y| is known."""

    num_ws, z_dim = 3, 4

    def __init__(self):
        super().__init__()
        self.j = torch.nn.Parameter(torch.randn(3 * 8 * 8, 4))

    def synthesis(self, ws, noise):
        return (ws.sum(dim=1) @ self.j.T).reshape(-1, 3, 8, 8)


def test_path_lengths_of_a_linear_generator_are_known():
    g = Linear()
    ws = torch.randn(2, 3, 4, requires_grad=True)
    noise = torch.randn(2, 3, 8, 8)
    y = noise.flatten(1) / math.sqrt(64)
    expected = (y @ g.j).square().sum(dim=1).sqrt()  # the same for each layer, hence for their mean
    torch.testing.assert_close(path_lengths(g, ws, noise), expected)


def test_the_path_penalty_is_of_the_mean_that_has_moved():
    g, ws, mean = Linear(), torch.randn(2, 3, 4, requires_grad=True), torch.tensor(2.0)
    g.resolution = 8
    torch.manual_seed(3)
    found = path_penalty(g, ws, mean)
    torch.manual_seed(3)
    y = torch.randn(2, 3, 8, 8).flatten(1) / math.sqrt(64)
    lengths = (y @ g.j).square().sum(dim=1).sqrt().detach()
    assert float(mean) == pytest.approx(2.0 + 0.01 * (float(lengths.mean()) - 2.0))
    torch.testing.assert_close(found.detach(), (lengths - mean).square().mean())


def test_mixing_cuts_the_layers_in_two():
    torch.manual_seed(0)
    g = Generator(32, 8, 16, channel_base=256, channel_max=16, mapping_layers=2)
    z = torch.randn(3, 8)
    plain = g.mapping(z)
    assert torch.equal(mixed_codes(g, z, 0.0), plain)
    for _ in range(5):
        mixed = mixed_codes(g, z, 1.0)
        same = (mixed == plain).all(dim=(0, 2))
        cut = int(same.sum())
        assert 1 <= cut < g.num_ws and same[:cut].all()


def test_lazy_adam_scales_rate_and_memory():
    group = lazy_adam([torch.nn.Parameter(torch.zeros(1))], rate=0.002, every=16).param_groups[0]
    assert group["lr"] == pytest.approx(0.002 * 16 / 17)
    assert group["betas"] == (0.0, pytest.approx(0.99 ** (16 / 17)))


def test_the_average_moves_by_one_minus_beta():
    average, network = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    expected = 0.75 * average.weight.detach() + 0.25 * network.weight.detach()
    update_average(average, network, 0.75)
    torch.testing.assert_close(average.weight.detach(), expected)
