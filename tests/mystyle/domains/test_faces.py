"""The domain ``faces``: its manifest, its parts from a cache of random networks, and its settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mystyle.checkpoints import save_network
from mystyle.domains import load_domain, source
from mystyle.domains.domain import DomainError, changed
from mystyle.domains.faces import DOMAIN
from mystyle.domains.published import MOMENTS
from mystyle.networks.dlib_resnet import DlibResNet
from mystyle.networks.face_api import AgeGender, FaceExpressions, FaceLandmarks
from mystyle.networks.mobilefacenet import MobileFaceNet
from mystyle.networks.mobilestylegan import MobileGenerator
from mystyle.networks.stlpips import STLPIPS
from mystyle.networks.stylegan2 import Discriminator
from mystyle.plugins import EDITORS
from mystyle.prior import METHOD
from mystyle.projection import ProjectionSettings
from mystyle.tuning import TuningSettings

KINDS = dict(
    generator=lambda: MobileGenerator(256, channels=[512, 16, 16, 16, 16, 16]),
    perceptual=STLPIPS,
    judge=MobileFaceNet,
    identity=DlibResNet,
    landmarks=FaceLandmarks,
    expressions=FaceExpressions,
    age=AgeGender,
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """A cache with random networks; the generator is narrow."""
    home = tmp_path_factory.mktemp("home")
    (folder := home / "weights" / "faces").mkdir(parents=True)
    for role, kind in KINDS.items():
        torch.manual_seed(0)
        save_network(kind(), folder / f"{role}.safetensors")
    return home


@pytest.fixture
def domain(cache, monkeypatch):
    monkeypatch.setenv("MYSTYLE_HOME", str(cache))
    return load_domain("faces")


def test_every_file_of_the_manifest_has_a_role_and_says_where_it_is_from():
    files = [Path(entry.file).stem for entry in DOMAIN.manifest if not entry.for_metrics]
    assert sorted(files) == sorted(KINDS)
    assert all(entry.sha256 and entry.size and entry.licence and entry.publisher for entry in DOMAIN.manifest)
    assert [source(name).resolution for name in ("faces", "faces512", "faces1024")] == [256, 512, 1024]


def test_missing_files_are_named_in_one_message_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path))
    with pytest.raises(DomainError) as error:
        load_domain("faces")
    for role in KINDS:
        assert f"{role}.safetensors" in str(error.value)
    assert "python -m mystyle.weights faces --bring" in str(error.value)


def test_the_parts_take_their_roles(domain):
    assert (domain.name, domain.resolution, domain.discriminator) == ("faces", 256, None)
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(0)).mul(2).sub(1)
    start = domain.encoder.encoder(images)
    assert start.shape == (2, domain.generator.w_dim)
    deep = domain.judge.deep(images)
    assert domain.judge.identity_of(deep).norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)  # float32
    assert domain.judge.regress(deep).shape == (2, len(MOMENTS))
    assert set(domain.reader.attributes(images)) == set(MOMENTS)
    assert domain.perceptual(images, images).abs().max() < 1e-6  # float32
    assert domain.perceptual.network is not domain.judge.recognizer.network


def test_codes_are_refined_and_gradients_stay_out_of_the_networks(domain):
    images = domain.generator(torch.randn(1, 512, generator=torch.Generator().manual_seed(1))).clamp(-1, 1)
    domain.encoder.settings = replace(domain.encoder.settings, steps=2)
    assert domain.encoder(images).shape == (1, 512)
    assert not any(p.requires_grad or p.grad is not None for p in domain.generator.parameters())


def test_a_discriminator_is_used_where_one_was_trained(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path))
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "faces").symlink_to(cache / "weights" / "faces")
    trained = folder / "faces" / "discriminator.safetensors"
    save_network(Discriminator(256, 256, 16), trained)
    try:
        assert load_domain("faces").discriminator.resolution == 256
        assert trained in DOMAIN.weights().values()
    finally:
        trained.unlink()


def test_directions_are_marked_with_w_and_not_with_a_file(domain):
    assert domain.w_name != domain.weights["generator.safetensors"]
    assert EDITORS.load("interfacegan").files == ("directions.safetensors",)


def test_settings_follow_the_preset():
    paper, quick = (DOMAIN.settings(preset, METHOD.presets[preset]) for preset in ("paper", "quick"))
    assert paper == METHOD.presets["paper"]
    assert quick.fit.precision == "bfloat16" and quick.restore.coordinates == "softmax"
    assert (quick.edit, quick.sample) == (METHOD.presets["quick"].edit, METHOD.presets["quick"].sample)


def test_changes_reach_nested_settings_of_their_type_alone():
    settings = METHOD.presets["quick"]
    found = changed(settings, {TuningSettings: {"epochs": 3}, ProjectionSettings: {"steps": 7}})
    assert (found.fit.epochs, found.restore.steps) == (3, 7)
    assert replace(found, fit=settings.fit, restore=settings.restore) == settings
    assert changed(None, {TuningSettings: {"epochs": 3}}) is None
