"""Weight files: round trips, and what happens to files that are missing, damaged or of another network."""

import errno
import json
import pickle
import subprocess
import sys

import pytest
import torch
import weight_files as files
from safetensors import SafetensorError
from safetensors.torch import save_file

from mystyle.checkpoints import (
    CheckpointError,
    load_discriminator,
    load_generator,
    load_network,
    read_weights,
    save_discriminator,
    save_generator,
    save_network,
    sha256,
)
from mystyle.checkpoints.__main__ import main
from mystyle.networks.encoder import Encoder
from mystyle.networks.features import FeatureNetwork
from mystyle.networks.stylegan2 import Discriminator, Generator


@pytest.mark.parametrize("role", ["generator", "discriminator", "encoder", "judge"])
def test_every_network_comes_back_as_it_was(role, tiny_domain, tmp_path):
    network = getattr(tiny_domain, role)
    save_network(network, tmp_path / "file.safetensors")
    again = load_network(type(network), tmp_path / "file.safetensors")
    assert again.config == network.config and not again.training
    assert not any(p.requires_grad for p in again.parameters())
    state = network.state_dict()
    assert again.state_dict().keys() == state.keys()
    assert all(torch.equal(again.state_dict()[name], state[name]) for name in state)


def test_a_network_that_reads_two_hundred_attributes_comes_back(tmp_path):
    attributes = {f"a_parameter_with_a_long_name_{i}": (0.1 + i / 3, 1 / 7) for i in range(200)}
    network = FeatureNetwork(32, (4,), deep=4, embedding=2, attributes=attributes, norm=False)
    save_network(network, tmp_path / "reader.safetensors")
    assert load_network(FeatureNetwork, tmp_path / "reader.safetensors").config == network.config


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
    with pytest.raises(CheckpointError, match=r"d\.safetensors: holds Discriminator, expected Encoder"):
        load_network(Encoder, tmp_path / "d.safetensors")
    save_network(tiny_domain.encoder, tmp_path / "e.safetensors")
    with pytest.raises(CheckpointError, match=r"e\.safetensors: holds Encoder, expected Generator"):
        load_generator(tmp_path / "e.safetensors")


def test_a_missing_file_is_named(tmp_path):
    for load in (load_generator, lambda path: load_network(Encoder, path)):
        with pytest.raises(CheckpointError, match=r"nowhere\.safetensors: no such weight file"):
            load(tmp_path / "nowhere.safetensors")
        with pytest.raises(CheckpointError, match="no such weight file"):
            load(tmp_path)


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
    with pytest.raises(CheckpointError, match=r"g\.safetensors: "):
        load_generator(path)
    with pytest.raises(CheckpointError, match=r"g\.safetensors: not a readable safetensors file"):
        load_network(Generator, path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("fault", ["missing", "shape", "config", "widths", "clamp", "json", "type", "nothing"])
def test_files_that_do_not_fit_are_refused(fault, tiny_domain, tmp_path):
    d = tiny_domain.discriminator
    tensors, config = dict(d.state_dict()), json.dumps(d.config)
    if fault == "missing":
        tensors.pop("b4.out.weight")
    elif fault == "shape":
        tensors["b4.out.weight"] = torch.zeros(2, 3)
    elif fault == "config":
        config = json.dumps({"size": 3})
    elif fault == "widths":
        config = json.dumps(d.config | {"channel_base": 512})
    elif fault == "clamp":
        config = json.dumps(d.config | {"conv_clamp": -1})
    elif fault == "json":
        config = "[" * 100_000
    elif fault == "type":
        tensors["b4.out.weight"] = tensors["b4.out.weight"].int()
    metadata = {} if fault == "nothing" else {"network": "Discriminator", "config": config}
    save_file(tensors, tmp_path / "d.safetensors", metadata=metadata)
    messages = {"nothing": "holds no named network", "json": "its metadata are damaged"}
    message = messages.get(fault, "does not fit a Discriminator")
    with pytest.raises(CheckpointError, match=rf"d\.safetensors: {message}"):
        load_discriminator(tmp_path / "d.safetensors")
    with pytest.raises(CheckpointError, match=rf"d\.safetensors: {message}"):
        load_network(Discriminator, tmp_path / "d.safetensors")


@pytest.mark.parametrize(
    "claim", [{"mapping_layers": 10**12}, {"resolution": 0}, {"channel_max": 10**9}, {"w_dim": -1}]
)
def test_metadata_that_promise_a_giant_are_refused_at_once(claim, tiny_domain, tmp_path):
    g = tiny_domain.generator
    metadata = {"network": "Generator", "config": json.dumps(g.config | claim)}
    save_file(g.state_dict(), tmp_path / "g.safetensors", metadata=metadata)
    for load in (load_generator, lambda path: load_network(Generator, path)):
        with pytest.raises(CheckpointError, match="does not fit a Generator"):
            load(tmp_path / "g.safetensors")
    e = tiny_domain.encoder
    metadata = {"network": "Encoder", "config": json.dumps(e.config | {"widths": [10**6, 10**6, 10**6]})}
    save_file(e.state_dict(), tmp_path / "e.safetensors", metadata=metadata)
    with pytest.raises(CheckpointError, match="does not fit a Encoder"):
        load_network(Encoder, tmp_path / "e.safetensors")


def test_a_failed_write_leaves_the_old_file(tiny_domain, tmp_path, monkeypatch):
    path = tmp_path / "g.safetensors"
    save_generator(tiny_domain.generator, path)
    before = path.read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mystyle.checkpoints.native.save_file", full)
    with pytest.raises(OSError, match="No space"):
        save_generator(tiny_domain.generator, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_has_the_number_of_the_system(tiny_domain, tmp_path, monkeypatch):
    """Not that of a damaged file: whoever writes stops there. safetensors has it in the text of its own error."""

    def full(*_args, **_kwargs):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("mystyle.checkpoints.native.save_file", full)
    with pytest.raises(OSError, match="No space left") as caught:
        save_generator(tiny_domain.generator, tmp_path / "g.safetensors")
    assert caught.value.errno == errno.ENOSPC and not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="No such file"):
        monkeypatch.undo()
        save_generator(tiny_domain.generator, tmp_path / "nowhere" / "g.safetensors")


def test_files_written_before_a_setting_existed_have_its_default(tiny_domain, tmp_path):
    d = tiny_domain.discriminator
    config = {key: d.config[key] for key in ("resolution", "channel_base", "channel_max")}
    metadata = {"network": "Discriminator", "config": json.dumps(config)}
    save_file(d.state_dict(), tmp_path / "d.safetensors", metadata=metadata)
    assert load_discriminator(tmp_path / "d.safetensors").config == d.config
    assert load_network(Discriminator, tmp_path / "d.safetensors").config == d.config


def test_conversion(tiny_domain, tmp_path, capsys):
    """From a pickle with all three networks to safetensors, in either precision; and what is told of it."""
    g, d = tiny_domain.generator, tiny_domain.discriminator
    content = files.dumps(files.nvidia_pickle(files.nvidia_module(g), files.nvidia_module(d)))
    path, out = files.write(tmp_path / "ffhq.pkl", content), tmp_path / "g.safetensors"
    assert main([str(path)]) == 0 and list(tmp_path.iterdir()) == [path]
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert told["format"] == "NVIDIA pickle (stylegan2-ada-pytorch)" and told["network"] == "Generator"
    assert told["resolution"] == "32 px" and told["num_ws"] == str(g.num_ws)
    assert told["SHA-256"] == sha256(path) and told["bytes"] == f"{len(content):,}"
    assert told["parameters"] == f"{sum(p.numel() for p in g.parameters()):,}"

    assert main([str(path), str(out)]) == 0
    assert sha256(out) in capsys.readouterr().out
    assert all(torch.equal(t, g.state_dict()[name]) for name, t in load_generator(out).state_dict().items())
    assert main([str(path), str(out), "--network", "discriminator"]) == 2
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert main([str(path), str(out), "--network", "discriminator", "--half", "--overwrite"]) == 0
    halves = {name: t.half().float() for name, t in d.state_dict().items()}
    assert all(torch.equal(t, halves[name]) for name, t in load_discriminator(out).state_dict().items())
    assert main([str(path), "--key", "nothing"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_conversion_refuses_what_would_be_useless(tiny_domain, tmp_path, capsys):
    state = {name: t.clone() for name, t in tiny_domain.generator.state_dict().items()}
    out = tmp_path / "g.safetensors"
    state["synthesis.b4.const"][0] = 1e6
    path = files.write(tmp_path / "g.pt", files.torch_save(state))
    assert main([str(path), str(out), "--half"]) == 2 and "float16 cannot hold" in capsys.readouterr().err
    state["synthesis.b4.const"][0] = torch.nan
    path = files.write(tmp_path / "g.pt", files.torch_save(state))
    assert main([str(path)]) == 0 and "not finite: synthesis.b4.const" in capsys.readouterr().out
    assert main([str(path), str(out)]) == 2 and "NaN" in capsys.readouterr().err
    assert main([str(path), str(tmp_path / "nowhere" / "g.safetensors")]) == 2
    assert not out.exists()


def test_the_command_is_a_module(tmp_path):
    path = files.write(tmp_path / "g.pkl", pickle.dumps(Bomb()))
    done = subprocess.run(
        [sys.executable, "-m", "mystyle.checkpoints", str(path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2 and not done.stdout and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"mystyle.checkpoints: {path}: its pickle refers to")


def test_native_files_are_read_as_weights(tiny_domain, tmp_path):
    save_discriminator(tiny_domain.discriminator, tmp_path / "d.safetensors")
    weights = read_weights(tmp_path / "d.safetensors")
    assert (weights.format, weights.network, weights.notes) == ("safetensors", "Discriminator", ())
    assert weights.config == tiny_domain.discriminator.config
    with pytest.raises(CheckpointError, match="has no G"):
        read_weights(tmp_path / "d.safetensors", key="G")


def test_networks_refuse_images_of_another_size():
    with pytest.raises(ValueError, match="32 px square"):
        Encoder(32, 16, (8, 8))(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match="32 px square"):
        FeatureNetwork(32, (8, 8)).deep(torch.zeros(1, 3, 64, 64))
