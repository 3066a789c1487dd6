"""LPIPS by its package, with a trunk of torchvision's form and random numbers."""

from pathlib import Path

import lpips
import pytest
import torch
from torchvision import models

from mystyle.checkpoints import CheckpointError, load_network, save_network
from mystyle.checkpoints.state_dicts import read_lpips, read_tensors
from mystyle.networks.lpips import LPIPS

FILES = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth"}
TRUNKS = {"alex": models.alexnet, "vgg": models.vgg16}


def published(trunk):
    """Random tensors under the names of torchvision's file; the classifier's are small, as they are not used."""
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in TRUNKS[trunk]().state_dict().items()}
    state = {name: torch.randn(shape) for name, shape in shapes.items() if name.startswith("features.")}
    for name, value in state.items():
        value.mul_(0.1 if name.endswith("bias") else (2 / value[0].numel()) ** 0.5)
    return state | {name: torch.zeros(2) for name in shapes if name.startswith("classifier.")}


def written(folder, trunk, state):
    path = folder / FILES[trunk]
    torch.save(state, path)
    return {path.name: path}


def check_against_the_package(folder, trunk):
    state = published(trunk)
    distance = read_lpips(written(folder, trunk, state))
    assert distance.config == {"trunk": trunk, "size": 256}
    with torch.device("meta"):
        package = lpips.LPIPS(net=trunk, pretrained=False, pnet_rand=True, verbose=False)
    package.to_empty(device="cpu")
    package.scaling_layer = lpips.ScalingLayer()
    package.net.load_state_dict({name: state["features." + name.split(".", 1)[1]] for name in package.net.state_dict()})
    heads = torch.load(f"{lpips.__path__[0]}/weights/v0.1/{trunk}.pth", map_location="cpu", weights_only=True)
    package.load_state_dict(heads, strict=False)
    package.requires_grad_(False)

    small = LPIPS(trunk, 64)
    small.load_state_dict(distance.state_dict())
    small.requires_grad_(False)
    draws = torch.Generator().manual_seed(1)
    a, b = torch.rand(2, 2, 3, 64, 64, generator=draws) * 2 - 1
    x, y = a.clone().requires_grad_(), a.clone().requires_grad_()
    ours, theirs = small.to_target(x, small.features(b)), package(y, b).flatten()
    # float32 in two layouts of memory
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=0)
    ours.sum().backward()
    theirs.sum().backward()
    assert (x.grad - y.grad).norm() < 1e-2 * y.grad.norm()  # a maximum of nearly equal numbers may be another
    assert all(p.grad is None for p in small.parameters())
    return distance


@pytest.mark.filterwarnings("ignore:.*pretrained:UserWarning", "ignore:.*weight enum:UserWarning")
def test_with_alexnet_it_is_the_package_s_distance(tmp_path):
    distance = check_against_the_package(tmp_path, "alex")
    save_network(distance, tmp_path / "perceptual.safetensors")
    again = load_network(LPIPS, tmp_path / "perceptual.safetensors")
    for name, value in distance.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    with pytest.raises(CheckpointError, match="holds LPIPS, expected"):
        load_network(torch.nn.Linear, tmp_path / "perceptual.safetensors")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*pretrained:UserWarning", "ignore:.*weight enum:UserWarning")
def test_with_vgg_it_is_the_package_s_distance(tmp_path):
    check_against_the_package(tmp_path, "vgg")


def test_making_it_downloads_nothing_and_takes_no_random_numbers(monkeypatch):
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *arguments, **named: pytest.fail("a download"))
    before = torch.get_rng_state()
    network = LPIPS().network
    assert torch.equal(torch.get_rng_state(), before)
    assert {p.device.type for p in network.parameters()} == {"cpu"}
    assert not any(p.any() for p in network.trunk.parameters())


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda state: state.pop("features.0.weight"), "neither torchvision's AlexNet nor its VGG16"),
        (lambda state: state.pop("features.3.bias"), r"lacks features\.3\.bias"),
        (lambda state: state.update({"features.3.bias": torch.zeros(5)}), "does not fit a LPIPS"),
    ],
)
def test_other_files_are_refused_with_their_name(tmp_path, change, message):
    state = published("alex")
    change(state)
    with pytest.raises(CheckpointError, match=f"alexnet-owt-7be5be79.pth: .*{message}"):
        read_lpips(written(tmp_path, "alex", state))


def test_the_weights_in_the_package_are_of_python_2_and_read_without_running_anything():
    for trunk in FILES:
        path = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{trunk}.pth"
        expected = torch.load(path, map_location="cpu", weights_only=True)
        found = read_tensors(path)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], value) for name, value in expected.items())
