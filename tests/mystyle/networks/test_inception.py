"""Inception: what differs from torchvision's network, against plain arithmetic, and a file of the published form."""

import numpy as np
import pytest
import torch
from torchvision.models import Inception3

from mystyle.checkpoints import load_network, save_network
from mystyle.checkpoints.state_dicts import read_inception
from mystyle.networks.inception import Inception, maximum, mean, resized
from mystyle.types import from_uint8


def test_images_are_resized_as_tensorflow_1_did():
    image = np.random.default_rng(0).uniform(0, 255, (5, 7))
    found = resized(torch.from_numpy(image)[None, None])[0, 0].numpy()
    assert found.shape == (299, 299)
    for i, j in [(0, 0), (298, 298), *np.random.default_rng(1).integers(0, 299, (50, 2))]:
        (y, v), (x, u) = (divmod(k * n / 299, 1) for k, n in zip((i, j), image.shape, strict=True))
        rows, columns = ([int(p), min(int(p) + 1, n - 1)] for p, n in zip((y, x), image.shape, strict=True))
        expected = np.array([1 - v, v]) @ image[np.ix_(rows, columns)] @ np.array([1 - u, u])
        assert found[i, j] == pytest.approx(expected, abs=1e-9)  # float64


def test_poolings_leave_the_border_out():
    x = torch.arange(9.0).view(1, 1, 3, 3) - 20
    assert mean(x)[0, 0, 0, 0] == x[0, 0, :2, :2].mean() and mean(x)[0, 0, 1, 1] == x.mean()
    assert maximum(x)[0, 0, 0, 0] == x[0, 0, :2, :2].max()


def test_images_must_be_bytes():
    with torch.device("meta"), pytest.raises(ValueError, match="must be uint8"):
        Inception()(torch.zeros(1, 3, 8, 8))


@pytest.mark.slow
def test_the_file_is_read_and_its_features_serve_the_frechet_distance(tmp_path):
    from torchmetrics.image.fid import FrechetInceptionDistance

    torch.manual_seed(0)
    official = Inception3(num_classes=1008, aux_logits=False, init_weights=False).eval()
    file = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    torch.save(official.state_dict(), file)
    network = read_inception({file.name: file})
    save_network(network, tmp_path / "inception.safetensors")
    network = load_network(Inception, tmp_path / "inception.safetensors")
    found = network.network["Mixed_6c"].block.branch7x7_2.conv.weight
    assert torch.equal(found, official.Mixed_6c.branch7x7_2.conv.weight)
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    features = network(images)
    assert features.shape == (3, 2048) and torch.equal(network.deep(from_uint8(images)), features)
    distance = FrechetInceptionDistance(network, input_img_size=(3, 16, 16))
    distance.update(images, real=True)
    torch.testing.assert_close(distance.real_features_sum, features.double().sum(0))
