"""Weight files: round trips, and what happens to files that are missing, damaged or of another network."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from mystyle.checkpoints import (
    CheckpointError,
    load_discriminator,
    load_generator,
    load_network,
    save_discriminator,
    save_generator,
    save_network,
)
from mystyle.encoder import Encoder
from mystyle.perceptual import FeatureNetwork


@pytest.mark.parametrize("role", ["generator", "discriminator", "encoder", "features"])
def test_every_network_comes_back_as_it_was(role, tiny_domain, tmp_path):
    network = getattr(tiny_domain, role)
    save_network(network, tmp_path / "file.safetensors")
    again = load_network(type(network), tmp_path / "file.safetensors")
    assert again.config == network.config and not again.training
    assert not any(p.requires_grad for p in again.parameters())
    state = network.state_dict()
    assert again.state_dict().keys() == state.keys()
    assert all(torch.equal(again.state_dict()[name], state[name]) for name in state)


def test_half_precision_files_load_as_float32(tiny_domain, tmp_path):
    save_generator(tiny_domain.generator, tmp_path / "g.safetensors", torch.float16)
    g = load_generator(tmp_path / "g.safetensors")
    assert {p.dtype for p in g.parameters()} == {torch.float32}
    z = torch.randn(2, g.z_dim, generator=torch.Generator().manual_seed(0))
    # float16 keeps 11 bits of each weight; a few layers add up to about a percent of the range
    torch.testing.assert_close(g(z), tiny_domain.generator(z), rtol=0.02, atol=0.02)


def test_another_network_is_refused_by_name(tiny_domain, tmp_path):
    save_discriminator(tiny_domain.discriminator, tmp_path / "d.safetensors")
    with pytest.raises(CheckpointError, match=r"d\.safetensors: holds Discriminator, expected Generator"):
        load_generator(tmp_path / "d.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors: no such weight file"):
        load_generator(tmp_path / "nowhere.safetensors")


class Bomb:
    def __reduce__(self):
        return (open, ("ran", "w"))


@pytest.mark.parametrize("damage", ["truncated", "empty", "pickle", "text"])
def test_damaged_files_are_refused_and_run_nothing(damage, tiny_domain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "g.safetensors"
    save_generator(tiny_domain.generator, path)
    content = {
        "truncated": path.read_bytes()[: path.stat().st_size // 2],
        "empty": b"",
        "pickle": pickle.dumps(Bomb()),
        "text": b"these are no weights",
    }[damage]
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"g\.safetensors: not a readable safetensors file"):
        load_generator(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("fault", ["missing", "shape", "config", "nothing"])
def test_files_that_do_not_fit_are_refused(fault, tiny_domain, tmp_path):
    d = tiny_domain.discriminator
    tensors, config = dict(d.state_dict()), json.dumps(d.config)
    if fault == "missing":
        tensors.pop("b4.out.weight")
    elif fault == "shape":
        tensors["b4.out.weight"] = torch.zeros(2, 3)
    elif fault == "config":
        config = json.dumps({"size": 3})
    metadata = {} if fault == "nothing" else {"network": "Discriminator", "config": config}
    save_file(tensors, tmp_path / "d.safetensors", metadata=metadata)
    with pytest.raises(CheckpointError, match=r"d\.safetensors: (does not fit a Discriminator|holds no named network)"):
        load_discriminator(tmp_path / "d.safetensors")


def test_a_failed_write_leaves_the_old_file(tiny_domain, tmp_path, monkeypatch):
    path = tmp_path / "g.safetensors"
    save_generator(tiny_domain.generator, path)
    before = path.read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mystyle.checkpoints.save_file", full)
    with pytest.raises(OSError, match="No space"):
        save_generator(tiny_domain.generator, path)
    assert path.read_bytes() == before


def test_networks_refuse_pictures_of_another_size():
    with pytest.raises(ValueError, match="32 px square"):
        Encoder(32, 16, (8, 8))(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match="32 px square"):
        FeatureNetwork(32, (8, 8)).deep(torch.zeros(1, 3, 64, 64))
