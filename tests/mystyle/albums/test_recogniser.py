"""The recogniser of albums, with random weights; with the real ones where the user has brought them."""

from __future__ import annotations

import pytest
import torch

from datasets.synthetic.parameters import album_scores, person_scores
from datasets.synthetic.renderer import render
from mystyle.albums.recogniser import FILE, load_recogniser
from mystyle.checkpoints import save_network, sha256
from mystyle.networks.mobilefacenet import MobileFaceNet
from mystyle.weights import weight_file


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The path of the weights in an empty home."""
    monkeypatch.setenv("MYSTYLE_HOME", str(tmp_path))
    path = weight_file("faces", FILE)
    path.parent.mkdir(parents=True)
    return path


def test_embeddings_are_of_unit_norm_and_of_each_image_alone(file):
    torch.manual_seed(0)
    save_network(MobileFaceNet(width=8, embedding=16), file)
    recogniser = load_recogniser()
    assert recogniser.sha256 == sha256(file) and recogniser.name == "MobileFaceNet"
    images = torch.rand(70, 3, 64, 64) * 2 - 1  # more than a batch
    vectors = recogniser.embed(images)
    assert vectors.shape == (70, 16) and not vectors.requires_grad
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(70))
    torch.testing.assert_close(recogniser.embed(images[66:67]), vectors[66:67], atol=1e-4, rtol=0)  # order of sums


def test_a_damaged_file_is_named(file):
    file.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=FILE):
        load_recogniser()


@pytest.mark.slow
def test_people_are_told_apart_by_the_real_one():
    """Rendered people are more like themselves than like others, if less clearly than photographs are."""
    if not weight_file("faces", FILE).is_file():
        pytest.skip("no weights of faces: python -m mystyle.weights faces --bring")
    draws = torch.Generator().manual_seed(0)
    scores = torch.cat([album_scores(*person_scores(draws), 4, draws) for _ in range(8)])
    vectors = load_recogniser().embed(render(scores, 128))
    cosines, person = vectors @ vectors.T, torch.arange(32) // 4
    same = (person[:, None] == person) & ~torch.eye(32, dtype=torch.bool)
    assert cosines[same].mean() > cosines[person[:, None] != person].mean() + 0.2
