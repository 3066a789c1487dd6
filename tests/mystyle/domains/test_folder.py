"""Domains whose networks lie in files: what is read, what may be missing, and one message for everything wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from datasets.folders import sha256
from mystyle.checkpoints import load_network, save_network
from mystyle.domains.domain import DomainError
from mystyle.domains.folder import Part, brought, brought_files, one_resolution, read_parts
from mystyle.networks.encoder import Encoder
from mystyle.weights import Entry, Url

READ = partial(load_network, Encoder)


def part(path: Path, **settings) -> Part:
    return Part(path, READ, missing="bring it", damaged="bring it again", **settings)


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    """Two networks of one resolution."""
    for name in ("a", "b"):
        save_network(Encoder(32, 8, widths=(4, 4)), tmp_path / f"{name}.safetensors")
    return {name: tmp_path / f"{name}.safetensors" for name in ("a", "b", "absent")}


def test_networks_are_read_in_order_frozen_and_named_by_their_hashes(files):
    read = read_parts("toy", {name: part(files[name]) for name in ("b", "a")}, "cpu", one_resolution)
    assert tuple(read.networks) == ("b", "a")
    assert not any(p.requires_grad for network in read.networks.values() for p in network.parameters())
    assert read.weights == {f"{name}.safetensors": sha256(files[name]) for name in ("b", "a")}


def test_what_is_not_required_may_be_missing_but_not_damaged(files):
    parts = {"a": part(files["a"]), "absent": part(files["absent"], required=False)}
    read = read_parts("toy", parts, "cpu")
    assert tuple(read.networks) == ("a",) and tuple(read.weights) == ("a.safetensors",)
    files["absent"].write_bytes(b"half a file")
    with pytest.raises(DomainError, match=r"absent\.safetensors.*; bring it again"):
        read_parts("toy", parts, "cpu")


def test_everything_wrong_is_in_one_message_each_line_with_its_way_out(files):
    files["b"].write_bytes(files["b"].read_bytes()[:100])
    with pytest.raises(DomainError) as error:
        read_parts("toy", {name: part(path) for name, path in files.items()}, "cpu", way_out="or give up")
    first, *lines, last = str(error.value).splitlines()
    assert first == "the weights of domain 'toy' cannot be used:" and last == "or give up"
    assert [line.rpartition("; ")[2] for line in lines] == ["bring it again", "bring it"]
    assert [str(files[name]) in line for name, line in zip(("b", "absent"), lines, strict=True)] == [True, True]


def test_networks_that_do_not_belong_together_are_refused_after_their_files(files):
    save_network(Encoder(64, 8, widths=(4, 4)), files["b"])
    parts = {name: part(files[name]) for name in ("a", "b")}
    with pytest.raises(DomainError, match=r"the networks are of different resolutions: \[32, 64\] px"):
        read_parts("toy", parts, "cpu", one_resolution)
    assert len(read_parts("toy", parts, "cpu").networks) == 2


def test_a_manifest_gives_parts_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path))
    origin = dict(role="a role", publisher="somebody", licence="none.", source=Url("https://example.org/networks.bin"))
    unknown = dict(size=None, sha256=None, read=lambda files: torch.nn.Identity())
    names = {"needed": True, "wanted": False}
    entries = [Entry(f"{name}.safetensors", **origin, **unknown, required=required) for name, required in names.items()]
    folder = tmp_path / "weights" / "toy"
    assert brought_files("toy", entries) == {"needed": folder / "needed.safetensors"}
    parts = brought("toy", entries, {"needed": READ, "wanted": READ})
    assert {role: (p.path, p.required) for role, p in parts.items()} == {
        "needed": (folder / "needed.safetensors", True),
        "wanted": (folder / "wanted.safetensors", False),
    }
    assert "networks.bin" in parts["needed"].missing and "somebody" in parts["needed"].missing
    assert parts["needed"].missing.endswith("python -m mystyle.weights toy --bring")
    assert parts["needed"].damaged.endswith("--bring --again")
    folder.mkdir(parents=True)
    save_network(Encoder(32, 8, widths=(4, 4)), folder / "wanted.safetensors")
    assert tuple(brought_files("toy", entries)) == ("needed", "wanted")
