"""The feature network and the LPIPS-form distance on it."""

import copy

import numpy as np
import pytest
import torch

from mystyle.networks.features import FeatureNetwork, PerceptualDistance, StageDistance


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 5, 3, 32, 32, generator=generator) * 2 - 1


@torch.no_grad()
def test_distance_equals_its_formula_in_numpy(tiny_domain, images):
    """mean_l mean_hw ||a_l - b_l||^2 / 2, activations divided by their norm over channels."""
    a, b = images
    stages = []
    network = tiny_domain.perceptual.network
    for x, y in zip(network.maps(a), network.maps(b), strict=True):
        x, y = x.numpy().astype(np.float64), y.numpy().astype(np.float64)
        x = x / np.sqrt((x**2).sum(1, keepdims=True) + 1e-8)
        y = y / np.sqrt((y**2).sum(1, keepdims=True) + 1e-8)
        stages.append(((x - y) ** 2).sum(1).mean((1, 2)) / 2)
    # float32 activations against float64 arithmetic
    np.testing.assert_allclose(tiny_domain.perceptual(a, b).numpy(), np.mean(stages, axis=0), rtol=1e-4)


@torch.no_grad()
def test_distance_is_zero_to_itself_symmetric_and_bounded(tiny_domain, images):
    a, b = images
    d = tiny_domain.perceptual
    assert d(a, a).abs().max() == 0
    torch.testing.assert_close(d(a, b), d(b, a))
    assert (d(a, b) > 0).all() and (d(a, b) <= 1).all()


@torch.no_grad()
def test_features_of_a_target_can_be_kept(tiny_domain, images):
    a, b = images
    d = tiny_domain.perceptual
    assert torch.equal(d.between(d.features(a), d.features(b)), d(a, b))


def test_the_form_for_losses_is_the_distance_and_its_gradient(tiny_domain, images):
    a, b = (x.double() for x in images)
    d = PerceptualDistance(copy.deepcopy(tiny_domain.perceptual.network).double())
    target = d.features(b)
    x, y = a.clone().requires_grad_(), a.clone().requires_grad_()
    ours, plain = d.to_target(x, target), d.between(d.features(y), target)
    weights = torch.arange(1.0, 6.0)  # so that images that are mixed up show
    torch.testing.assert_close(ours, plain, rtol=1e-10, atol=1e-12)  # float64
    (ours @ weights.double()).backward()
    (plain @ weights.double()).backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-8, atol=1e-12)


def test_a_stage_of_the_form_for_losses_has_the_gradient_of_its_value():
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 2, 2, generator=draws, dtype=torch.float64, requires_grad=True)
    t = torch.randn(2, 3, 2, 2, generator=draws, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v: StageDistance.apply(v, t, 0.1), x)  # eps large enough to matter


@torch.no_grad()
def test_rows_do_not_depend_on_the_batch(tiny_domain, images):
    a = images[0]
    judge = tiny_domain.judge
    for verb in (judge.deep, lambda x: judge.identity_of(judge.deep(x))):
        # float32 sums in another order
        torch.testing.assert_close(verb(a), torch.cat([verb(x) for x in a.split(1)]), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_embeddings_have_unit_norm_and_attributes_their_names(tiny_domain, images):
    judge = tiny_domain.judge
    deep = judge.deep(images[0])
    assert (deep >= 0).all()
    torch.testing.assert_close(judge.identity_of(deep).norm(dim=1), torch.ones(5))
    attributes = judge.attributes(images[0])
    assert set(attributes) == {"yaw", "smile"} and all(x.shape == (5,) for x in attributes.values())


def test_folding_the_batch_norms_changes_nothing_but_rounding(images):
    torch.manual_seed(0)
    network = FeatureNetwork(32, (8, 16), deep=24, embedding=8, attributes={"yaw": (1.0, 15.0)})
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):  # statistics and scales that differ from those it starts with
            for x in (layer.weight, layer.running_var):
                torch.nn.init.uniform_(x, 0.3, 3.0)
            for x in (layer.bias, layer.running_mean):
                torch.nn.init.normal_(x)
    network.eval()
    folded = network.folded()
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())
    with torch.no_grad():
        for x, y in zip(network.maps(images[0]), folded.maps(images[0]), strict=True):
            torch.testing.assert_close(y, x, rtol=1e-4, atol=1e-4)  # float32, two orders of multiplication
        torch.testing.assert_close(folded.heads(images[0]), network.heads(images[0]), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="no batch norm"):
        folded.folded()
