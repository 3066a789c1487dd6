"""The roles of identity and of the judge on portraits, with small networks of random weights."""

import pytest
import torch
from torch import nn

from mystyle.chips import ARCFACE, chips, region_of
from mystyle.networks.mobilefacenet import MobileFaceNet
from mystyle.networks.recognition import PortraitRecognizer, RecognizerJudge


class MeanReader:
    """Reads the mean of the red and of the blue channel, in units of its own."""

    def __init__(self):
        self.moments = {"red": (10.0, 4.0), "blue": (-1.0, 0.5)}

    def attributes(self, images):
        red, _, blue = images.mean(dim=(2, 3)).unbind(1)
        return {"red": 100 * red, "blue": blue}


@pytest.fixture(scope="module")
def recognizer():
    torch.manual_seed(0)
    return PortraitRecognizer(MobileFaceNet(width=4, embedding=6).eval().requires_grad_(False), ARCFACE)


@pytest.fixture(scope="module")
def portraits():
    return torch.rand(3, 3, 128, 128, generator=torch.manual_seed(1)) * 2 - 1


def test_deep_is_the_network_on_the_fixed_chip(recognizer, portraits):
    expected = recognizer.network(chips(portraits, region_of(ARCFACE), 112))
    assert torch.equal(recognizer.deep(portraits), expected)
    assert torch.allclose(recognizer.identity_of(expected).norm(dim=1), torch.ones(3))


def test_gradients_reach_the_portraits(recognizer, portraits):
    images = portraits.clone().requires_grad_()
    recognizer.deep(images).square().sum().backward()
    assert images.grad.isfinite().all() and images.grad.abs().sum() > 0


def test_the_judge_has_both_in_its_features(recognizer, portraits):
    reader = MeanReader()
    judge = RecognizerJudge(recognizer, reader)
    deep = judge.deep(portraits.clone().requires_grad_())
    assert not deep.requires_grad and judge.moments == reader.moments
    assert torch.allclose(judge.identity_of(deep), recognizer.identity_of(recognizer.deep(portraits)))
    read = reader.attributes(portraits)
    assert judge.attributes(portraits).keys() == read.keys()
    standard = torch.stack([(read["red"] - 10) / 4, (read["blue"] + 1) / 0.5], dim=1)
    assert torch.allclose(judge.regress(deep), standard, rtol=1e-5)  # scaled down and up again in float32


def test_attributes_do_not_count_in_the_features_of_the_judge(recognizer, portraits):
    """MAPS is a cosine of deep features: it is that of the embeddings, whose norm is above 0.1 here."""
    deep = RecognizerJudge(recognizer, MeanReader()).deep(portraits)
    embeddings = recognizer.deep(portraits)
    assert embeddings.norm(dim=1).min() > 0.1
    cosine = nn.functional.cosine_similarity
    assert torch.allclose(cosine(deep[:1], deep[1:]), cosine(embeddings[:1], embeddings[1:]), atol=1e-4)
