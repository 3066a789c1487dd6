"""The networks' layers, fast and plain, against loops written from the StyleGAN2 paper, and the laws they must obey."""

import math

import pytest
import torch
import torch.nn.functional as F

from mystyle.networks import plain
from mystyle.networks.stylegan2 import (
    Conv,
    Discriminator,
    Generator,
    StyledConv,
    ToRGB,
    channels,
    fir_kernel,
    minibatch_std,
    upsample_rgb,
)

# float64, so that only a wrong formula can exceed it; sums have a few thousand terms
EXACT = dict(rtol=1e-9, atol=1e-9)


def looped_filter(x, kernel, up=1, pad=(0, 0)):
    """Zero insertion after every sample, padding, correlation with the flipped kernel, written with loops over taps."""
    n, c, h, w = x.shape
    wide = x.new_zeros(n, c, h * up, w * up)
    wide[:, :, ::up, ::up] = x
    wide = F.pad(wide, (pad[0], pad[1], pad[0], pad[1]))
    k = len(kernel)
    size_h, size_w = wide.shape[2] - k + 1, wide.shape[3] - k + 1
    out = x.new_zeros(n, c, size_h, size_w)
    for i in range(k):
        for j in range(k):
            out += kernel[k - 1 - i, k - 1 - j] * wide[:, :, i : i + size_h, j : j + size_w]
    return out


def looped_styled_conv(layer: StyledConv, x, w, noise):
    """Modulate and demodulate the weights of each sample (StyleGAN2, Eq. 1 and 3), one image at a time."""
    s = w @ (layer.affine.weight / math.sqrt(w.shape[1])).T + layer.affine.bias
    outs = []
    for x_n, s_n in zip(x, s, strict=True):
        weight = layer.weight * s_n[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if layer.up:
            wide = x_n.new_zeros(1, len(weight), 2 * x_n.shape[1] + 1, 2 * x_n.shape[2] + 1)
            for i in range(x_n.shape[1]):  # a transposed convolution, spelled out: every pixel stamps the kernel
                for j in range(x_n.shape[2]):
                    wide[0, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += torch.einsum(
                        "i,oikl->okl", x_n[:, i, j], weight
                    )
            y = looped_filter(wide, 4 * fir_kernel().double(), pad=(1, 1))
        else:
            y = F.conv2d(x_n[None], weight, padding=1)
        outs.append(y)
    y = torch.cat(outs)
    if noise == "const":
        y = y + layer.noise_const * layer.noise_strength
    y = y + layer.bias[None, :, None, None]
    return torch.where(y > 0, y, 0.2 * y) * math.sqrt(2)


@pytest.mark.parametrize("apply", [StyledConv.__call__, plain.styled_conv], ids=["fast", "plain"])
@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("noise", ["const", "none"])
@torch.no_grad()
def test_styled_convolution_modulates_and_demodulates(apply, up, noise):
    torch.manual_seed(0)
    layer = StyledConv(5, 4, 8, 12 if up else 6, up=up).double()
    layer.noise_strength.fill_(0.3)
    layer.bias.normal_()
    x, w = torch.randn(3, 5, 6, 6).double(), torch.randn(3, 8).double()
    torch.testing.assert_close(apply(layer, x, w, noise), looped_styled_conv(layer, x, w, noise), **EXACT)


@pytest.mark.parametrize("apply", [ToRGB.__call__, plain.to_rgb], ids=["fast", "plain"])
@torch.no_grad()
def test_to_rgb_scales_the_style_and_does_not_demodulate(apply):
    torch.manual_seed(0)
    layer = ToRGB(6, 8).double()
    x, w = torch.randn(2, 6, 4, 4).double(), torch.randn(2, 8).double()
    s = (w @ (layer.affine.weight / math.sqrt(8)).T + layer.affine.bias) / math.sqrt(6)
    expected = torch.einsum("ni,oi,nihw->nohw", s, layer.weight[:, :, 0, 0], x) + layer.bias[:, None, None]
    torch.testing.assert_close(apply(layer, x, w), expected, **EXACT)


@pytest.mark.parametrize(
    "apply", [upsample_rgb, lambda x, f: plain.filtered(x, f, (2, 1), up=2, gain=4)], ids=["fast", "plain"]
)
@torch.no_grad()
def test_rgb_upsampling_is_zero_insertion_and_low_pass_with_gain_4(apply):
    x = torch.randn(2, 3, 5, 5).double()
    f = fir_kernel().double()
    torch.testing.assert_close(apply(x, f), looped_filter(x, 4 * f, up=2, pad=(2, 1)), **EXACT)


@torch.no_grad()
def test_upsampling_keeps_a_constant_inside():
    y = upsample_rgb(torch.ones(1, 3, 8, 8), fir_kernel())
    torch.testing.assert_close(y[:, :, 2:-2, 2:-2], torch.ones(1, 3, 12, 12))


@pytest.mark.parametrize("apply", [Conv.__call__, plain.conv], ids=["fast", "plain"])
@pytest.mark.parametrize("kernel", [1, 3])
@torch.no_grad()
def test_discriminator_downsampling_is_low_pass_then_stride_2(apply, kernel):
    torch.manual_seed(0)
    layer = Conv(4, 5, kernel, down=True, activate=kernel == 3).double()
    x = torch.randn(2, 4, 8, 8).double()
    weight = layer.weight / math.sqrt(4 * kernel**2)
    padding = (kernel // 2 + 1,) * 2
    y = F.conv2d(looped_filter(x, fir_kernel().double(), pad=padding), weight, stride=2)
    if kernel == 3:
        y = y + layer.bias[None, :, None, None]
        y = torch.where(y > 0, y, 0.2 * y) * math.sqrt(2)
    torch.testing.assert_close(apply(layer, x), y, **EXACT)
    torch.testing.assert_close(apply(layer, x, 0.3), 0.3 * y, **EXACT)
    assert y.shape == (2, 5, 4, 4)


def test_minibatch_std_of_equal_images_is_zero_and_of_known_ones_known():
    same = minibatch_std(torch.ones(4, 2, 3, 3))
    assert same.shape == (4, 3, 3, 3)
    assert same[:, 2].abs().max() < 1e-3  # sqrt(1e-8) where the variance is 0
    x = torch.stack([torch.full((1, 2, 2), v) for v in (1.0, 3.0, 1.0, 3.0)])
    torch.testing.assert_close(minibatch_std(x)[:, 1], torch.ones(4, 2, 2))
    pairs = minibatch_std(x, group=2)[:, 1]  # groups are strided: images 0 and 2, 1 and 3, each of equal ones
    assert pairs.abs().max() < 1e-3
    torch.testing.assert_close(minibatch_std(x[:3], group=None)[:, 1], torch.full((3, 2, 2), math.sqrt(8 / 9)))


@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_shapes_names_and_number_of_codes(resolution):
    g = Generator(resolution, 8, 16, channel_base=256, channel_max=16, mapping_layers=3)
    assert g.num_ws == 2 * math.log2(resolution) - 2
    assert g.mapping(torch.randn(2, 8)).shape == (2, g.num_ws, 16)
    assert g(torch.randn(2, 8)).shape == (2, 3, resolution, resolution)
    names = dict(g.named_parameters())
    assert names["synthesis.b4.const"].shape == (16, 4, 4)
    top = channels(resolution, 256, 16)
    assert names[f"synthesis.b{resolution}.conv0.weight"].shape == (top, channels(resolution // 2, 256, 16), 3, 3)
    assert "synthesis.b4.conv0.weight" not in names
    assert {"mapping.fc2.weight", "synthesis.b8.torgb.affine.bias", "synthesis.b8.conv1.noise_strength"} <= names.keys()
    assert {"mapping.w_avg", "synthesis.b8.conv0.noise_const"} <= dict(g.named_buffers()).keys()
    d = Discriminator(resolution, channel_base=256, channel_max=16)
    assert d(torch.randn(4, 3, resolution, resolution)).shape == (4,)
    assert f"b{resolution}.fromrgb.weight" in dict(d.named_parameters())


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    g = Generator(32, 8, 16, channel_base=256, channel_max=16, mapping_layers=2).eval()
    for module in g.modules():
        if isinstance(module, StyledConv):
            torch.nn.init.constant_(module.noise_strength, 0.2)
    return g


@torch.no_grad()
def test_a_batch_equals_its_images_one_by_one(generator):
    z = torch.randn(5, 8)
    # float32 sums in another order
    torch.testing.assert_close(generator(z), torch.cat([generator(one) for one in z.split(1)]), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_noise_modes(generator):
    ws = generator.mapping(torch.randn(2, 8))
    assert torch.equal(generator.synthesis(ws), generator.synthesis(ws, noise="const"))
    assert not torch.equal(generator.synthesis(ws, noise="random"), generator.synthesis(ws, noise="random"))
    assert not torch.equal(generator.synthesis(ws, noise="none"), generator.synthesis(ws))


@torch.no_grad()
def test_truncation_moves_codes_to_the_mean(generator):
    z = torch.randn(3, 8)
    generator.mapping.w_avg.normal_()
    full, none, half = (generator.mapping(z, psi) for psi in (1.0, 0.0, 0.5))
    torch.testing.assert_close(none, generator.mapping.w_avg.expand_as(none))
    torch.testing.assert_close(half, (full + none) / 2)
    cut = generator.mapping(z, 0.5, cutoff=3)
    assert torch.equal(cut[:, :3], half[:, :3]) and torch.equal(cut[:, 3:], full[:, 3:])


@torch.no_grad()
def test_mapping_sees_only_the_direction_of_z(generator):
    z = torch.randn(3, 8)
    torch.testing.assert_close(generator.mapping(z), generator.mapping(7 * z), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_layer_s_code_reaches_only_its_layer_and_later_ones(generator):
    """Changing the last code changes the last RGB only, which is added to everything before it."""
    ws = generator.mapping(torch.randn(1, 8)).clone()
    changed = ws.clone()
    changed[:, -1] += 1
    difference = generator.synthesis(changed) - generator.synthesis(ws)
    assert difference.abs().max() > 0
    blocks = generator.synthesis
    x_of = {}
    handle = blocks.b32.conv1.register_forward_hook(lambda _m, _i, out: x_of.setdefault(len(x_of), out))
    generator.synthesis(ws), generator.synthesis(changed)
    handle.remove()
    assert torch.equal(x_of[0], x_of[1])


@torch.no_grad()
def test_a_code_can_be_changed_in_one_layer_alone(generator):
    for truncation in (1.0, 0.5):
        ws = generator.mapping(torch.randn(1, 8), truncation)
        before = ws.clone()
        ws[:, 3] += 1
        assert torch.equal(ws[:, 4:], before[:, 4:]) and torch.equal(ws[:, :3], before[:, :3])


@torch.no_grad()
def test_without_mapping_layers_w_is_z():
    g = Generator(32, 16, 16, channel_base=256, channel_max=8, mapping_layers=0)
    z = 5 * torch.randn(2, 16)
    assert torch.equal(g.mapping(z), z[:, None].expand(-1, g.num_ws, -1))


def test_unknown_noise_is_refused(generator):
    with pytest.raises(ValueError, match="const, random, none, got 'Random'"):
        generator(torch.randn(1, 8), noise="Random")


def test_wrong_number_of_codes_is_refused(generator):
    with pytest.raises(ValueError, match=r"\[n, 8, w_dim\]"):
        generator.synthesis(torch.zeros(1, 10, 16))
