"""The domain ``ffhq``: its manifest, its parts from a cache of small networks, and the way from official files."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import encoder_files
import numpy as np
import official_files
import pytest
import torch
import weight_files
from conftest import draw_face
from PIL import Image
from torch import nn

from mystyle.__main__ import main
from mystyle.checkpoints import load_generator, save_network
from mystyle.domains import load_domain
from mystyle.domains.domain import DomainError
from mystyle.domains.ffhq import DOMAIN, MANIFEST
from mystyle.networks.face_api import AgeGender, FaceExpressions, FaceLandmarks
from mystyle.networks.facenet import FaceNet
from mystyle.networks.lpips import LPIPS
from mystyle.networks.psp import WEncoder
from mystyle.networks.stylegan2 import Discriminator
from mystyle.weights import weight_file
from mystyle.weights.bring import bring

NEEDED = ("generator", "encoder", "perceptual", "judge", "landmarks", "expressions", "age")
OPTIONAL = ("discriminator", "psp", "e4e", "arcface", "inception")


def of_zeros(kind: type[nn.Module]) -> nn.Module:
    """A network that is made faster than a random one."""
    with torch.device("meta"):
        network = kind()
    network = network.to_empty(device="cpu")
    for tensor in network.state_dict().values():
        tensor.zero_()
    return network


def write_readers(folder: Path) -> None:
    """The networks of face-api's package in the cache, random."""
    for role, kind in dict(landmarks=FaceLandmarks, expressions=FaceExpressions, age=AgeGender).items():
        save_network(kind(), folder / f"{role}.safetensors")


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    """A cache with small networks of 64 px, and with the others in their own size."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "weights" / "ffhq"
    folder.mkdir(parents=True)
    networks = dict(
        generator=encoder_files.small_generator(),
        discriminator=weight_files.randomised(Discriminator(64, channel_base=512, channel_max=16)),
        encoder=encoder_files.small_encoder("e4e"),
        perceptual=of_zeros(LPIPS),
        judge=of_zeros(FaceNet),
    )
    for role, network in networks.items():
        save_network(network, folder / f"{role}.safetensors")
    write_readers(folder)
    return home


@pytest.fixture
def cache(converted, tmp_path, monkeypatch) -> Path:
    """The domain's folder in a cache of the test's own."""
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / "home"))
    shutil.copytree(converted, tmp_path / "home", copy_function=os.link)
    return tmp_path / "home" / "weights" / "ffhq"


def test_the_manifest_has_what_the_roles_need_each_file_once():
    roles = {Path(entry.file).stem: entry.required for entry in MANIFEST}
    assert roles == dict.fromkeys(NEEDED, True) | dict.fromkeys(OPTIONAL, False) and len(MANIFEST) == 12
    for entry in MANIFEST:
        assert (entry.size is None) == (entry.sha256 is None), entry.file
        assert entry.source.automatic == (entry.sha256 is not None), entry.file


def test_networks_take_their_roles_at_the_resolution_of_the_generator(cache):
    domain = load_domain("ffhq")
    assert (domain.name, domain.resolution, domain.folder) == ("ffhq", 64, cache)
    assert tuple(domain.weights) == tuple(f"{r}.safetensors" for r in ("generator", "discriminator", *NEEDED[1:]))
    assert isinstance(domain.encoder, WEncoder) and domain.discriminator.resolution == 64
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    codes = domain.encoder(images)
    assert codes.shape == (2, 16) and domain.discriminator(images).shape == (2,)
    deep = domain.judge.deep(images)
    assert domain.judge.identity_of(deep).shape == (2, 512) and domain.judge.moments == domain.reader.moments
    assert domain.judge.regress(deep).shape == (2, len(domain.reader.attributes(images)))
    # MyStyle's code compares whole images, whatever size the file was made for
    assert domain.perceptual.network.resolution == 64
    assert not any(p.requires_grad for p in domain.perceptual.parameters())


def test_without_the_discriminator_there_is_none(cache):
    (cache / "discriminator.safetensors").unlink()
    domain = DOMAIN.load()
    assert domain.discriminator is None and "discriminator.safetensors" not in domain.weights
    assert "discriminator" not in DOMAIN.weights()


def test_an_empty_cache_is_one_message_that_names_every_needed_file_with_its_way(tmp_path, monkeypatch):
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path))
    with pytest.raises(DomainError) as error:
        DOMAIN.load()
    first, *lines = str(error.value).splitlines()
    assert first == "the weights of domain 'ffhq' cannot be used:" and len(lines) == len(NEEDED)
    for role, line in zip(NEEDED, lines, strict=True):
        entry = next(entry for entry in MANIFEST if entry.file == f"{role}.safetensors")
        path = weight_file("ffhq", entry.file)
        assert all(part in line for part in (str(path), entry.publisher, entry.licence, "mystyle.weights ffhq --bring"))


def test_parts_of_different_generators_are_refused(cache):
    for name, network, message in (
        (
            "encoder",
            encoder_files.small_encoder("e4e", num_ws=12),
            "with 12 rows of 16 numbers in W+, this one has 10 of",
        ),
        ("discriminator", Discriminator(32, channel_base=512, channel_max=16), "of 64 px, the discriminator of 32"),
    ):
        (cache / f"{name}.safetensors").unlink()
        save_network(network, cache / f"{name}.safetensors")
        with pytest.raises(DomainError) as error:
            DOMAIN.load()
        assert message in str(error.value)


def tool(*arguments: object) -> int:
    return main([*map(str, arguments), "--device", "cpu"])


@pytest.mark.slow
def test_official_files_become_a_prior_that_samples_inverts_and_fills_holes(tmp_path, monkeypatch):
    """The whole way at 64 px: files of the official formats, cache, domain, and the verbs on random photos."""
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path / "home"))
    official, album = tmp_path / "official", tmp_path / "album"
    for folder in (official, album):
        folder.mkdir()
    official_files.write_official(official)
    absent = ("psp", "e4e", "inception", "landmarks", "expressions", "age")
    official_ones = [entry for entry in MANIFEST if Path(entry.file).stem not in absent]
    entries = [replace(entry, size=None, sha256=None) for entry in official_ones]
    outcomes = list(bring("ffhq", entries, official))
    assert all(outcome.made for outcome in outcomes), [outcome.message for outcome in outcomes]
    write_readers(weight_file("ffhq", "generator.safetensors").parent)
    domain = DOMAIN.load()
    original = load_generator(official / "ffhq.pkl").state_dict()
    assert all(torch.equal(original[name], tensor) for name, tensor in domain.generator.state_dict().items())

    for i in range(3):
        Image.fromarray(draw_face("alice", i, 64)).save(album / f"{i}.png")
    mask = np.full((64, 64), 255, np.uint8)
    mask[24:40, 24:40] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    prior = tmp_path / "prior"
    tune = ("tune", album, "--out", prior, "--domain", "ffhq", "--preset", "smoke", "--check_faces", "false")
    assert tool(*tune) == 0
    assert tool("sample", "--prior", prior, "--out", tmp_path / "samples", "--n", 2) == 0
    few = ("--prior", prior, "--steps", 2)
    assert tool("invert", album, "--out", tmp_path / "inverted", *few) == 0
    assert tool("inpaint", album, "--mask", tmp_path / "mask.png", "--out", tmp_path / "filled", *few) == 0
    photo, filled = (np.array(Image.open(folder / "0.png")) for folder in (album, tmp_path / "filled"))
    assert filled.shape == photo.shape and np.array_equal(filled[mask == 255], photo[mask == 255])
