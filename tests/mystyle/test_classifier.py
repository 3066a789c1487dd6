"""The classifier of binary attributes that editing losses look through."""

import pytest
import torch

from mystyle.classifier import AttributeClassifier, targets


class Reader:
    def __init__(self):
        self.moments = {"smile": (0.5, 0.25), "age": (40.0, 10.0)}

    def attributes(self, images):
        brightness = images.mean(dim=(1, 2, 3))
        return {"smile": brightness, "age": 40 + 10 * brightness}


def test_logits_are_zero_at_the_mean_and_sure_one_deviation_above():
    images = torch.tensor([0.5, 0.75, 0.25])[:, None, None, None].expand(3, 3, 2, 2).clone().requires_grad_()
    logits = AttributeClassifier(Reader(), ("smile",)).logits(images)
    torch.testing.assert_close(logits.sigmoid()[:, 0], torch.tensor([0.5, 0.95, 0.05]))
    logits.sum().backward()
    assert images.grad.abs().min() > 0


def test_columns_are_in_the_order_of_the_names():
    images = torch.ones(1, 3, 2, 2)
    both = AttributeClassifier(Reader(), ("age", "smile")).logits(images)
    apart = [AttributeClassifier(Reader(), (name,)).logits(images) for name in ("age", "smile")]
    assert torch.equal(both, torch.cat(apart, dim=1))


def test_unknown_attributes_are_named():
    with pytest.raises(ValueError, match="beard"):
        AttributeClassifier(Reader(), ("smile", "beard"))


def test_targets_change_only_what_is_edited():
    logits = torch.tensor([[2.0, -2.0, 0.0]])
    assert targets(logits, [1, -1, 0]).tolist() == [[1.0, 0.0, 0.5]]
    assert torch.equal(targets(logits, [0, 0, 0]), logits.sigmoid())
