"""Networks on crops of faces: padding, sizes, gradients, files, and their building blocks by hand."""

import pytest
import torch
import torch.nn.functional as F

from mystyle.checkpoints import load_network, save_network
from mystyle.networks.dlib_resnet import DlibResNet, Residual
from mystyle.networks.face_api import AgeGender, FaceExpressions, FaceLandmarks, Reduction, Summing
from mystyle.networks.mobilefacenet import MobileFaceNet
from mystyle.networks.same_padding import SameConv2d, same_padding

SHAPES = {DlibResNet: (5,), MobileFaceNet: (5,), FaceLandmarks: (68, 2), FaceExpressions: (7,), AgeGender: ()}
RECOGNISERS = (DlibResNet, MobileFaceNet)


@pytest.fixture(params=SHAPES, ids=lambda kind: kind.__name__)
def network(request):
    torch.manual_seed(0)
    more = {"embedding": 5} if request.param in RECOGNISERS else {}
    return request.param(width=4, **more).eval()


def first(output):
    return output[0] if isinstance(output, tuple) else output


def test_outputs_and_gradients(network):
    chips = torch.rand(2, 3, network.size, network.size).mul(2).sub(1).requires_grad_()
    output = first(network(chips))
    assert output.shape == (2, *SHAPES[type(network)])
    # each image by itself; float32 sums in another order
    assert torch.allclose(output[1:], first(network(chips[1:])), atol=1e-5)
    output.sum().backward()
    assert chips.grad.isfinite().all() and chips.grad.abs().sum() > 0


def test_other_sizes_are_refused(network):
    with pytest.raises(ValueError, match=f"must be {network.size} px square, got \\(64, 64\\)"):
        network(torch.zeros(1, 3, 64, 64))


def test_files(tmp_path, network):
    save_network(network, tmp_path / "network.safetensors")
    found = load_network(type(network), tmp_path / "network.safetensors")
    chips = torch.rand(1, 3, network.size, network.size)
    assert torch.equal(first(found(chips)), first(network(chips)))
    assert not any(p.requires_grad for p in found.parameters())


@pytest.mark.parametrize("size", [1, 2, 5, 7, 8, 112])
@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding(size, kernel, stride):
    """TensorFlow's definition: ceil(size / stride) outputs, as little padding as that takes, the odd one behind."""
    before, after = same_padding(size, kernel, stride)
    outputs = -(-size // stride)
    assert (before + size + after - kernel) // stride + 1 == outputs
    assert after - before in (0, 1)
    assert before + after == 0 or (before + size + after - 1 - kernel) // stride + 1 < outputs


@pytest.mark.parametrize("stride", [1, 2])
def test_same_convolution(stride):
    layer = SameConv2d(2, 3, 3, stride)
    x = torch.randn(1, 2, 8, 7)
    rows, columns = same_padding(8, 3, stride), same_padding(7, 3, stride)
    expected = F.conv2d(F.pad(x, (*columns, *rows)), layer.weight, layer.bias, stride)
    assert torch.allclose(layer(x), expected, atol=1e-6)  # float32 sums of 18 products


def test_halving_block_fills_with_zeros():
    """8 px: the convolution leaves 3, the pool 4; 4 channels against 6. Both are filled up behind."""
    block = Residual(4, 6, halves=True)
    x = torch.randn(1, 4, 8, 8)
    y = torch.zeros(1, 6, 4, 4)
    y[:, :, :3, :3] += block.conv2(F.relu(block.conv1(x)))
    y[:, :4] += F.avg_pool2d(x, 2)
    assert torch.allclose(block(x), F.relu(y), atol=1e-6)  # float32 sums of 54 products


def test_summing_block():
    """x1 = relu(c0 x), x2 = c1 x1, x3 = c2 relu(x1 + x2), x4 = c3 relu(x1 + x2 + x3), relu of the sum."""
    block = Summing(3, 4, first=True)
    a = F.relu(block.conv0(torch.randn(1, 3, 8, 8, generator=torch.manual_seed(0))))
    b = block.conv1(a)
    c = block.conv2(F.relu(a + b))
    d = block.conv3(F.relu(a + b + c))
    found = block(torch.randn(1, 3, 8, 8, generator=torch.manual_seed(0)))
    assert torch.allclose(found, F.relu(a + b + c + d), atol=1e-6)  # float32 sums in another order


def test_reduction_pools_with_nothing_at_the_edge():
    """Where all activations are negative, padding by zeros would show."""
    block = Reduction(2, 2)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.constant_(block.separable_conv1.pointwise.bias, -3)
    assert torch.equal(block(torch.randn(1, 2, 8, 8)), torch.full((1, 2, 4, 4), -3.0))
