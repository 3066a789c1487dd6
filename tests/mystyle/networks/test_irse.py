"""IR-SE50: the names of the official file, its function by the formulas, and the file's reader."""

from __future__ import annotations

import encoder_files as files
import pytest
import torch
import weight_files
from irse_by_formula import NORM, norm, official_names, trunk_by_formula

from mystyle.checkpoints import CheckpointError, load_network, save_network
from mystyle.checkpoints.encoders import read_irse
from mystyle.networks.irse import ArcFace


@pytest.fixture(scope="module")
def network() -> ArcFace:
    return files.small_arcface()


def test_the_names_and_shapes_are_those_of_the_official_file():
    with torch.device("meta"):
        state = ArcFace().state_dict()
    head = {
        "output_layer.3.weight",
        "output_layer.3.bias",
        *(f"output_layer.{i}.{key}" for i in (0, 4) for key in NORM),
    }
    assert state.keys() == official_names() | head
    assert state["output_layer.3.weight"].shape == (512, 512 * 7 * 7)
    assert state["body.0.res_layer.5.fc1.weight"].shape == (4, 64, 1, 1)
    floats = [t for t in state.values() if t.is_floating_point()]
    # the published file has 175,367,323 bytes: all its numbers in float32, its counters and about 86 kB of names
    assert 0 < 175_367_323 - 4 * sum(t.numel() for t in floats) < 200_000


@torch.no_grad()
def test_the_embedding_is_the_formulas(network):
    chips = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    state = network.state_dict()
    x = norm(state, "output_layer.0", trunk_by_formula(state, files.TRUNK["depths"], chips)[-1]).flatten(1)
    x = x @ state["output_layer.3.weight"].double().T + state["output_layer.3.bias"].double()
    expected = norm(state, "output_layer.4", x)
    torch.testing.assert_close(network(chips).double(), expected, rtol=1e-4, atol=1e-5)  # float32's rounding


def test_gradients_reach_the_chips_alone(network):
    chips = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1), requires_grad=True)
    network(chips).sum().backward()
    assert chips.grad is not None and chips.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in network.parameters())


def test_another_size_is_refused(network):
    with pytest.raises(ValueError, match=r"chips must be 32 px square, got \(33, 32\)"):
        network(torch.zeros(1, 3, 33, 32))


@pytest.mark.parametrize("archive", [True, False])
def test_the_file_becomes_the_network_bit_for_bit_and_is_kept_as_safetensors(archive, network, tmp_path):
    content = weight_files.torch_save(files.official_tensors(network), archive=archive)
    path = weight_files.write(tmp_path / "model_ir_se50.pth", content)
    found = read_irse({path.name: path})
    save_network(found, tmp_path / "arcface.safetensors")
    for read in (found, load_network(ArcFace, tmp_path / "arcface.safetensors")):
        assert read.config == network.config and not read.training
        state = read.state_dict()
        assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())


def test_what_is_no_such_file_is_refused_by_name(network, tmp_path):
    tensors = files.official_tensors(network)
    wrong = {
        r"lacks output_layer\.3\.weight": {n: t for n, t in tensors.items() if not n.startswith("output_layer")},
        r"its blocks are not numbered from 0 on": {n: t for n, t in tensors.items() if not n.startswith("body.2.")},
        r"NaN or infinite weights: output_layer\.3\.bias": tensors
        | {"output_layer.3.bias": torch.full((16,), torch.nan)},
        r"does not fit a ArcFace": tensors | {"output_layer.3.bias": torch.zeros(3)},
        r"which is no square map of 16 channels": tensors | {"output_layer.3.weight": torch.zeros(16, 47)},
        r"holds a list, not a network": [1, 2],
    }
    for i, (message, content) in enumerate(wrong.items()):
        path = weight_files.write(tmp_path / f"{i}.pth", weight_files.torch_save(content))
        with pytest.raises(CheckpointError, match=message) as error:
            read_irse({path.name: path})
        assert str(path) in str(error.value)
