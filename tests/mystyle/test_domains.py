"""Domains: what is listed without torch, weight files and their faults, roles, and fits that belong to nobody."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from tiny import write_weights

from datasets.folders import sha256
from mystyle.checkpoints import save_network
from mystyle.domains import load_domain, source
from mystyle.domains.domain import DomainError, InMemory
from mystyle.domains.synthetic import DOMAIN, ROLES, WeightFolder
from mystyle.networks.encoder import Encoder
from mystyle.plugins import DOMAINS
from mystyle.types import Unsupported


@pytest.fixture(scope="module")
def weights(tiny_domain, tmp_path_factory) -> WeightFolder:
    """The networks of the tiny domain in files."""
    return WeightFolder("tiny", write_weights(tiny_domain, tmp_path_factory.mktemp("weights")))


@pytest.fixture
def own(weights, tmp_path) -> WeightFolder:
    """A copy of the files that a test may damage."""
    for path in weights.weights().values():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return replace(weights, folder=tmp_path)


def test_sources_are_found_without_torch():
    code = (
        "import sys; from mystyle.domains import source; from mystyle.plugins import DOMAINS;"
        "[source(name).weights() for name in DOMAINS.names()]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("name", DOMAINS.names())
def test_a_source_is_named_like_its_file_and_lists_its_weights(name):
    found = source(name)
    assert found.name == name and found.resolution > 0
    assert all(path.suffix == ".safetensors" for path in found.weights().values())


def test_the_synthetic_domain_ships_its_weights_and_has_people():
    assert source("synthetic") is DOMAIN
    assert tuple(DOMAIN.weights()) == ROLES and DOMAIN.resolution == 128
    assert all(path.is_file() for path in DOMAIN.weights().values())
    assert DOMAIN.people == "datasets.synthetic.people"


def test_an_unknown_domain_is_named_with_those_that_there_are():
    for verb in (source, load_domain):
        with pytest.raises(
            DomainError, match=r"unknown domain 'syntetic', did you mean synthetic\? Known: .*synthetic"
        ):
            verb("syntetic")


def test_networks_take_their_roles_frozen_and_in_eval_mode(weights, tiny_domain):
    domain = weights.load()
    assert (domain.name, domain.resolution, domain.device) == ("tiny", 32, torch.device("cpu"))
    for role in ("generator", "discriminator", "encoder", "reader", "judge"):
        network, original = getattr(domain, role), getattr(tiny_domain, role)
        assert not network.training and not any(p.requires_grad for p in network.parameters()), role
        state = original.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items()), role
    assert domain.perceptual.network is domain.reader
    # what metrics look through shares nothing with what losses look through
    judged = {p.data_ptr() for p in domain.judge.parameters()}
    assert not judged & {p.data_ptr() for p in domain.reader.parameters()}


def test_weights_are_named_by_their_hashes_and_other_files_lie_beside_them(own):
    (own.folder / "method.safetensors").write_bytes(b"a network of a method")
    domain = own.load()
    assert domain.weights == {f"{role}.safetensors": sha256(own.folder / f"{role}.safetensors") for role in ROLES}
    assert domain.file("method.safetensors") == own.folder / "method.safetensors"
    assert domain.file("another.safetensors") is None
    assert replace(domain, folder=None).file("method.safetensors") is None


def test_all_that_is_missing_or_damaged_is_in_one_message_with_the_way_out(own):
    files = own.weights()
    files["encoder"].unlink()
    files["features"].write_bytes(files["features"].read_bytes()[:1000])
    files["discriminator"].write_bytes(files["generator"].read_bytes())
    with pytest.raises(DomainError) as error:
        own.load()
    first, *lines, last = str(error.value).splitlines()
    assert first == "the weights of domain 'tiny' cannot be used:" and "python -m mystyle.pretrain" in last
    assert len(lines) == 3
    for line, role in zip(lines, ("discriminator", "encoder", "features"), strict=True):
        assert f"{role}.safetensors" in line


def test_networks_of_different_sizes_are_no_domain(own):
    save_network(Encoder(64, 64, widths=(8, 16, 16)), own.weights()["encoder"])
    with pytest.raises(DomainError, match=r"the networks are of different resolutions: \[32, 64\] px"):
        own.load()


def test_a_role_that_a_domain_lacks_is_unsupported_by_name(tiny_domain):
    assert tiny_domain.needed("discriminator") is tiny_domain.discriminator
    with pytest.raises(Unsupported, match="domain tiny has no discriminator"):
        replace(tiny_domain, discriminator=None).needed("discriminator")


def test_a_fit_is_made_once_for_everything_that_decides_it(tiny_domain):
    made = []

    def compute() -> dict[str, torch.Tensor]:
        made.append(len(made))
        return {"x": torch.tensor(float(len(made)))}

    domain = replace(tiny_domain, fits=InMemory())
    first = domain.fitted("fit", 1, {"a": 1}, compute)
    assert domain.fitted("fit", 1, {"a": 1}, compute) is first and made == [0]
    others = (
        domain.fitted("other", 1, {"a": 1}, compute),
        domain.fitted("fit", 2, {"a": 1}, compute),
        domain.fitted("fit", 1, {"a": 2}, compute),
        replace(domain, name="another").fitted("fit", 1, {"a": 1}, compute),
        replace(domain, weights={**domain.weights, "more": "0"}).fitted("fit", 1, {"a": 1}, compute),
    )
    assert [float(other["x"]) for other in others] == [2, 3, 4, 5, 6]
    assert float(domain.fitted("fit", 1, {"a": 1}, compute)["x"]) == 1


def test_domains_keep_their_fits_apart_unless_they_are_given_a_store(weights):
    store = InMemory()
    assert weights.load(fits=store).fits is store
    a, b = weights.load(), weights.load()
    assert a.fits is not b.fits
