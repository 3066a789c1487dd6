"""Metrics on networks of their own files: against the networks by themselves, and a dash without the file."""

from __future__ import annotations

from dataclasses import replace

import encoder_files
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from evaluations import evaluation_of, noise, rounded

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Inapplicable
from datasets.folders import read_portraits
from mystyle.checkpoints import save_network
from mystyle.chips import ARCFACE, FACENET
from mystyle.networks.facenet import FaceNet
from mystyle.networks.inception import Inception
from mystyle.networks.lpips import LPIPS
from mystyle.networks.recognition import PortraitRecognizer

STRANGERS = "strangers.safetensors"  # identities, and no network
NAMES = [name for name in METRICS.names() if set(METRICS.load(name).files) - {STRANGERS}]
ROUNDING = 1e-5  # of float32 features, in other batches


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    return {
        "facenet": encoder_files.lively(FaceNet()),
        "arcface": encoder_files.small_arcface(),
        "inception": encoder_files.lively(Inception()),
        "lpips": LPIPS().eval().requires_grad_(False),  # as initialised: its weights of channels are not negative
    }


@pytest.fixture(scope="module")
def evaluation(tiny_domain, people_root, tmp_path_factory, networks):
    """Four outputs near alice's held-out photos, on a domain with the files of all these metrics."""
    folder = tmp_path_factory.mktemp("files")
    for name, network in networks.items():
        save_network(network, folder / f"{name}.safetensors", torch.float32)
    train, test = (read_portraits(people_root / "alice", split, 32) for split in ("train", "test"))
    clean = test.images[[0, 1, 2, 0]]
    outputs = rounded(clean + 0.2 * noise(4))
    domain = replace(tiny_domain, folder=folder)
    return evaluation_of(outputs, clean, sources=[0, 1, 2, 0], train=train, held_out=test, domain=domain)


def test_there_are_such_metrics():
    assert NAMES == ["fid_inception", "identity_arcface", "identity_facenet", "lpips"]


@pytest.mark.parametrize("name", NAMES)
def test_without_its_file_a_metric_does_not_apply(name, evaluation, tmp_path):
    elsewhere = replace(evaluation, domain=replace(evaluation.domain, folder=tmp_path), memory={})
    with pytest.raises(Inapplicable, match=METRICS.load(name).files[0]):
        METRICS.load(name).compute(elsewhere)


@pytest.mark.parametrize("name, template", [("facenet", FACENET), ("arcface", ARCFACE)])
def test_identity_by_another_judge_is_the_cosine_to_the_template(name, template, evaluation, networks):
    judge = PortraitRecognizer(networks[name], template)
    outputs, photos = (F.normalize(judge.deep(x), dim=1) for x in (evaluation.outputs, evaluation.train.images))
    expected = outputs @ F.normalize(photos.mean(dim=0), dim=0)
    found = METRICS.load(f"identity_{name}").compute(evaluation)
    torch.testing.assert_close(found, expected, atol=ROUNDING, rtol=0)


def test_lpips_is_that_of_the_images(evaluation, networks):
    expected = networks["lpips"](evaluation.outputs, evaluation.clean)
    torch.testing.assert_close(METRICS.load("lpips").compute(evaluation), expected, atol=ROUNDING, rtol=1e-4)


def test_fid_on_inception_is_that_of_its_features(evaluation, networks):
    a, b = (networks["inception"].deep(x).double().numpy() for x in (evaluation.outputs, evaluation.train.images))
    x, y = ((f - f.mean(0)) / np.sqrt(len(f) - 1) for f in (a, b))
    # tr (C_a C_b)^(1/2) of C_a = x'x and C_b = y'y is the sum of the singular values of x y'
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.square(x).sum() + np.square(y).sum()
    expected -= 2 * np.linalg.svd(x @ y.T, compute_uv=False).sum()
    found = METRICS.load("fid_inception").compute(evaluation)["all outputs"]
    # torchmetrics takes square roots of eigenvalues, 2,044 of which are zero up to the rounding of float64
    assert found == pytest.approx(expected, rel=1e-3)
