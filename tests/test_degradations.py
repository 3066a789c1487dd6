"""Laws of the degradations."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from mystyle.degradations import Identity, Inpainting
from mystyle.types import Degradation


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def inpainting() -> Inpainting:
    return Inpainting((torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1)) > 0.4).float())


def test_masking_twice_is_masking_once(images, inpainting):
    once = inpainting(images)
    assert torch.equal(inpainting(once), once)


def test_hidden_pixels_become_mid_grey(images, inpainting):
    hidden = (inpainting.mask == 0).expand_as(images)
    assert (inpainting(images)[hidden] == 0).all()
    assert torch.equal(inpainting(images)[~hidden], images[~hidden])


def test_composite_takes_known_pixels_from_the_input_and_the_rest_from_the_output(images, inpainting):
    output = torch.randn_like(images)
    picture = inpainting.composite(output, inpainting(images))
    known = (inpainting.mask == 1).expand_as(images)
    assert torch.equal(picture[known], images[known])  # exactly: multiplied by 1, plus 0
    assert torch.equal(picture[~known], output[~known])
    assert torch.equal(inpainting(picture), inpainting(images))  # consistent with the input


def test_slicing_commutes_with_degrading(images, inpainting):
    assert torch.equal(inpainting[1:](images[1:]), inpainting(images)[1:])


def test_degrading_is_linear_and_self_adjoint(images, inpainting):
    other = torch.randn_like(images)
    assert_close((inpainting(images) * other).sum(), (images * inpainting(other)).sum())


def test_identity_leaves_images_and_outputs_alone(images):
    phi = Identity()
    assert phi(images) is images
    assert phi[1:2](images) is images
    assert phi.composite(images, torch.zeros_like(images)) is images


def test_both_are_degradations(inpainting):
    assert isinstance(inpainting, Degradation)
    assert isinstance(Identity(), Degradation)


@pytest.mark.parametrize("mask", [torch.ones(2, 8, 8), torch.ones(2, 3, 8, 8), torch.full((2, 1, 8, 8), 0.5)])
def test_a_mask_that_is_none_is_refused(mask):
    with pytest.raises(ValueError, match="zeros and ones"):
        Inpainting(mask)
