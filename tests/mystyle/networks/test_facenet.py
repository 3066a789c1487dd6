"""FaceNet from a file of the published form with random numbers."""

import pytest
import torch
from facenet_pytorch import InceptionResnetV1, fixed_image_standardization

from mystyle.checkpoints import CheckpointError, load_network, save_network
from mystyle.checkpoints.state_dicts import read_facenet
from mystyle.networks.facenet import FaceNet

FILE = "20180402-114759-vggface2.pt"


@pytest.fixture(scope="module")
def package():
    torch.manual_seed(0)
    return InceptionResnetV1(classify=True, num_classes=3).eval().requires_grad_(False)


def test_the_file_gives_the_package_s_embedding_and_survives_conversion(tmp_path, package):
    torch.save(package.state_dict(), tmp_path / FILE)
    network = read_facenet({FILE: tmp_path / FILE})
    save_network(network, tmp_path / "judge.safetensors")
    network = load_network(FaceNet, tmp_path / "judge.safetensors")
    pixels = torch.randint(0, 256, (2, 3, 160, 160), generator=torch.Generator().manual_seed(1))
    chips = (pixels / 127.5 - 1).requires_grad_()
    embeddings = network(chips)
    package.classify = False
    # float32, standardised in two ways
    torch.testing.assert_close(embeddings, package(fixed_image_standardization(pixels.float())), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(network.similarity(embeddings, embeddings).diagonal(), torch.ones(2))
    embeddings[:, 0].sum().backward()
    assert chips.grad.any() and all(p.grad is None for p in network.parameters())


def test_other_files_and_sizes_are_refused(tmp_path, package):
    state = {name: value for name, value in package.state_dict().items() if not name.startswith("block8.")}
    torch.save({name: value for name, value in state.items() if value.numel() < 1000}, tmp_path / FILE)
    with pytest.raises(CheckpointError, match=f"{FILE}: .*does not fit a FaceNet"):
        read_facenet({FILE: tmp_path / FILE})
    with torch.device("meta"), pytest.raises(ValueError, match="chips must be 160 px square"):
        FaceNet()(torch.zeros(1, 3, 112, 112))
