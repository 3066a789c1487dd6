"""Laws of distances with learned weights of channels, on a small trunk of their own."""

import numpy as np
import pytest
import torch
from torch import nn

from mystyle.networks.calibrated import CalibratedDistance, CalibratedNetwork, resized


class Trunk(CalibratedNetwork):
    def __init__(self):
        super().__init__(16, (4, 6))
        self.stages = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, stride=2, padding=1)])

    def maps(self, images):
        first = self.stages[0](images).relu()
        return first, self.stages[1](first).relu()


@pytest.fixture(scope="module")
def distance():
    torch.manual_seed(0)
    network = Trunk()
    for w in network.weights:
        nn.init.uniform_(w)
    return CalibratedDistance(network.eval().requires_grad_(False))


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 5, 3, 16, 16, generator=generator) * 2 - 1


def test_distance_equals_its_formula_in_numpy(distance, images):
    """sum_l mean_hw sum_c w_lc (a_lc - b_lc)^2, activations divided by their norm over channels."""
    expected = np.zeros(5)
    for x, y, w in zip(*map(distance.network.maps, images), distance.network.weights, strict=True):
        x, y = (v.numpy().astype(np.float64) for v in (x, y))
        x, y = (v / np.linalg.norm(v, axis=1, keepdims=True).clip(min=1e-30) for v in (x, y))
        expected += ((x - y) ** 2 * w.numpy()[:, None, None]).sum(1).mean((1, 2))
    # float32 activations against float64 arithmetic
    np.testing.assert_allclose(distance(*images).numpy(), expected, rtol=1e-4)


def test_distance_is_zero_to_itself_symmetric_and_without_order(distance, images):
    a, b = images
    assert distance(a, a).abs().max() == 0
    assert torch.equal(distance(a, b), distance(b, a))
    order = torch.tensor([3, 0, 4, 1, 2])
    # float32 sums in another order
    torch.testing.assert_close(distance(a[order], b[order]), distance(a, b)[order], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(distance.of_many(a, b, batch=2), distance(a, b), rtol=1e-5, atol=1e-6)


def test_the_form_for_losses_has_a_gradient_for_the_images_alone(distance, images):
    x, y = (image.clone().requires_grad_() for image in images)
    found = distance.to_target(x, distance.features(y))
    assert torch.equal(found, distance(*images))
    found.sum().backward()
    assert (x.grad.flatten(1).norm(dim=1) > 0).all()
    assert y.grad is None and all(p.grad is None for p in distance.parameters())


def test_blank_images_have_finite_gradients(distance):
    x = torch.zeros(1, 3, 16, 16, requires_grad=True)
    network = Trunk()
    for stage in network.stages:
        nn.init.zeros_(stage.bias)  # so that all activations are zero
    blank = CalibratedDistance(network)
    blank.to_target(x, blank.features(torch.ones(1, 3, 16, 16))).sum().backward()
    assert x.grad.isfinite().all()


def test_squared_distances_of_embeddings_are_the_distances(distance, images):
    a, b = map(distance.embedding, images)
    # float32 sums over all pixels in another order
    torch.testing.assert_close((a - b).square().sum(1), distance(*images), rtol=1e-4, atol=1e-6)


def test_the_mean_of_the_map_is_the_distance(distance, images):
    found = distance.map(*images)
    assert found.shape == (5, 1, 16, 16)
    # bilinear enlargement from 8 to 16 px keeps the mean except at the border
    torch.testing.assert_close(found.mean(dim=(1, 2, 3)), distance(*images), rtol=0.05, atol=0)


def test_deep_features_are_the_means_of_the_last_stage(distance, images):
    a = images[0]
    torch.testing.assert_close(distance.network.deep(a), distance.network.maps(a)[-1].flatten(2).mean(2))


def test_larger_images_are_reduced_by_area_and_smaller_ones_enlarged(distance, images):
    a, b = images
    large = [x.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3) for x in (a, b)]
    # means of nine equal numbers
    torch.testing.assert_close(distance(*large), distance(a, b), rtol=1e-5, atol=1e-6)
    small = torch.rand(1, 3, 8, 8)
    assert torch.equal(resized(small, 16), nn.functional.interpolate(small, (16, 16), mode="bilinear"))
    assert distance(small, resized(small, 16)) == 0
