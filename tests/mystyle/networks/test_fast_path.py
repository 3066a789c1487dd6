"""The fast networks equal the plain ones: images, gradients, gradients of gradients, in every configuration."""

import copy

import pytest
import torch

from mystyle.networks import plain
from mystyle.networks.stylegan2 import (
    Conv,
    Discriminator,
    DiscriminatorBlock,
    Generator,
    LowPass,
    StyledConv,
    SynthesisBlock,
    ToRGB,
    fir_kernel,
    set_precision,
)

# float64 rounds at 1e-16; a dozen layers of sums of a few hundred terms in another order stay far below this
EXACT = dict(rtol=1e-9, atol=1e-9)


def lively(network):
    """Gives a fresh network noise and biases, which start at zero, so that a test sees them."""
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(parameter, 0.3)
        elif name.endswith("bias") and "affine" not in name:
            torch.nn.init.normal_(parameter)
    return network.eval()


def make_generator(resolution=32, **config):
    torch.manual_seed(0)
    defaults = dict(channel_base=256, channel_max=12, mapping_layers=2)
    return lively(Generator(resolution, 6, 10, **{**defaults, **config}))


def make_discriminator(resolution=32, **config):
    torch.manual_seed(0)
    return lively(Discriminator(resolution, **{**dict(channel_base=256, channel_max=12), **config}))


def images_one_by_one(g):
    """Makes every layer treat its images one by one, as the large ones do."""
    for layer in g.modules():
        if isinstance(layer, StyledConv):
            layer.large = True
    return g


CONFIGS = {
    "plain": dict(),
    "deep mapping": dict(mapping_layers=5),
    "narrow": dict(channel_base=64, channel_max=5),
    "clamped": dict(conv_clamp=0.7),  # low enough to clamp many values
    "64 px": dict(resolution=64),
}


@pytest.mark.parametrize("one_by_one", [False, True], ids=["shared", "one by one"])
@pytest.mark.parametrize("noise", ["const", "none"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_images_and_gradients(config, noise, one_by_one):
    g = make_generator(**config).double()
    if one_by_one:
        images_one_by_one(g)
    ws = g.mapping(torch.randn(3, 6).double()).detach() + 0.1 * torch.randn(3, g.num_ws, 10).double()
    results = []
    for synthesis in (g.synthesis, lambda ws, noise: plain.synthesis(g, ws, noise)):
        codes = ws.clone().requires_grad_()
        image = synthesis(codes, noise)
        weights = dict(g.synthesis.named_parameters())
        gradients = torch.autograd.grad(image.square().mean(), [codes, *weights.values()], allow_unused=True)
        results.append([image, *gradients])
    for name, fast, slow in zip(["image", "codes", *weights], *results, strict=True):
        if noise == "none" and name.endswith("noise_strength"):
            assert fast is None and slow is None
        else:
            torch.testing.assert_close(fast, slow, **EXACT, msg=lambda m, name=name: f"{name}: {m}")


@torch.no_grad()
def test_mapping():
    g = make_generator(mapping_layers=3).double()
    z = torch.randn(4, 6).double()
    torch.testing.assert_close(g.mapping.w(z), plain.mapping(g, z), **EXACT)


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize(
    "config", [{}, {"conv_clamp": 0.5}, {"mbstd_group": None}, {"mbstd_group": 8}, {"mbstd_group": 1}], ids=str
)
def test_discriminator(config, n):
    d = make_discriminator(**config).double()
    images = torch.randn(n, 3, 32, 32).double()
    results = []
    for judge in (d, lambda x: plain.discriminator(d, x)):
        x = images.clone().requires_grad_()
        logits = judge(x)
        (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)  # R1 differentiates this once more
        weights = list(d.parameters())
        second = torch.autograd.grad(gradient.square().sum(), weights, allow_unused=True, materialize_grads=True)
        results.append([logits, gradient, *second])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, **EXACT)


def test_path_length_gradients():
    """The gradient of the image by the codes is differentiated once more by path length regularisation."""
    g = make_generator().double()
    ws = g.mapping(torch.randn(2, 6).double()).detach()
    y = torch.randn(2, 3, 32, 32).double()
    results = []
    for synthesis in (g.synthesis, images_one_by_one(copy.deepcopy(g)).synthesis, None):
        codes = ws.clone().requires_grad_()
        image = plain.synthesis(g, codes) if synthesis is None else synthesis(codes)
        (j,) = torch.autograd.grad((image * y).sum(), codes, create_graph=True)
        owner = g.synthesis if synthesis is None else synthesis
        results.append(torch.autograd.grad(j.square().sum(), owner.b16.conv0.weight)[0])
    torch.testing.assert_close(results[0], results[2], **EXACT)
    torch.testing.assert_close(results[1], results[2], **EXACT)


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("up", [False, True])
def test_gradcheck_of_a_styled_convolution(up, one_by_one):
    torch.manual_seed(0)
    layer = lively(StyledConv(2, 3, 3, 4, up=up).double())
    layer.large = one_by_one
    x = torch.randn(1 if one_by_one else 2, 2, *[2 if up else 4] * 2, dtype=torch.double, requires_grad=True)
    w = torch.randn(len(x), 3, dtype=torch.double, requires_grad=True)

    def apply(x, w, weight, bias, strength):
        parameters = {"weight": weight, "bias": bias, "noise_strength": strength}
        return torch.func.functional_call(layer, parameters, (x, w))

    inputs = (x, w, layer.weight, layer.bias, layer.noise_strength)
    assert torch.autograd.gradcheck(apply, inputs)
    assert torch.autograd.gradgradcheck(apply, inputs)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv(2, 3, 3), (2, 2, 4, 4)),
        (Conv(2, 3, 3, down=True), (1, 2, 4, 4)),
        (Conv(2, 3, 1, down=True, activate=False), (1, 2, 4, 4)),
    ],
    ids=["3x3", "3x3 down", "1x1 down"],
)
def test_gradcheck_of_the_discriminator_s_convolutions(layer, shape):
    torch.manual_seed(0)
    layer = layer.double()
    x = torch.randn(shape, dtype=torch.double, requires_grad=True)

    def apply(x, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    assert torch.autograd.gradcheck(apply, (x, layer.weight))
    assert torch.autograd.gradgradcheck(apply, (x, layer.weight))


def test_gradcheck_of_to_rgb_and_the_low_pass():
    torch.manual_seed(0)
    layer = ToRGB(2, 3).double()
    x = torch.randn(2, 2, 3, 3, dtype=torch.double, requires_grad=True)
    w = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x, w))
    for padding in (1, 2):
        f = fir_kernel().double()
        assert torch.autograd.gradgradcheck(lambda x, p=padding, f=f: LowPass.apply(x, f, p), x)


@pytest.mark.parametrize("grad", [False, True], ids=["without gradients", "with gradients"])
def test_a_batch_equals_its_images_in_large_networks(grad):
    """32 channels at 256 px are above the floor from which a CPU takes images one by one."""
    g = make_generator(256, channel_base=8192, channel_max=32)
    assert g.synthesis.b256.conv1.large and not g.synthesis.b32.conv1.large
    z = torch.randn(3, 6)
    with torch.set_grad_enabled(grad):
        together, alone = g(z), torch.cat([g(one) for one in z.split(1)])
    # float32 sums in another order, relative to the largest value
    assert (together - alone).abs().max() < 1e-4 * alone.abs().max()


def test_large_layers_share_their_weights_where_only_the_codes_are_trained():
    layer = StyledConv(32, 32, 8, 256, up=False)
    assert layer.large and layer.one_by_one
    layer.requires_grad_(False)
    assert not layer.one_by_one
    with torch.no_grad():
        assert layer.one_by_one


@torch.no_grad()
def test_float32_differs_from_plain_by_rounding():
    """The official widths of 128 px: the promise is 1e-4 of the largest value."""
    torch.manual_seed(0)
    g = lively(Generator(128, channel_base=16384))
    ws = g.mapping(torch.randn(2, 512))
    slow = plain.synthesis(g, ws)
    assert (g.synthesis(ws) - slow).abs().max() < 1e-4 * slow.abs().max()
    d = lively(Discriminator(128, channel_base=16384))
    images = slow / slow.abs().max()
    logits = plain.discriminator(d, images)
    assert (d(images) - logits).abs().max() < 1e-4 * logits.abs().max().clamp(min=1)


# relative step of the type, times a handful for the layers that follow one another
HALVES = {torch.float16: 2**-10 * 16, torch.bfloat16: 2**-7 * 16}


@pytest.mark.parametrize("one_by_one", [False, True], ids=["shared", "one by one"])
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@torch.no_grad()
def test_half_precision(dtype, one_by_one):
    g = make_generator(64, num_fp16_res=3, conv_clamp=256)
    if one_by_one:
        images_one_by_one(g)
    ws = g.mapping(torch.randn(2, 6))
    exact = g.synthesis(ws)
    set_precision(g, dtype)
    fast, slow = g.synthesis(ws), plain.synthesis(g, ws)
    assert fast.dtype == slow.dtype == torch.float32
    scale = exact.abs().max()
    assert 0 < (fast - exact).abs().max() < HALVES[dtype] * scale
    assert (fast - slow).abs().max() < HALVES[dtype] * scale
    d = make_discriminator(64, num_fp16_res=3, conv_clamp=256)
    logits = d(exact / scale)
    set_precision(d, dtype)
    torch.testing.assert_close(d(exact / scale), logits, rtol=HALVES[dtype], atol=HALVES[dtype])
    set_precision(g, torch.float32)
    assert torch.equal(g.synthesis(ws), exact)


@torch.no_grad()
def test_float16_survives_styles_beyond_its_range():
    """65504 is the largest float16; modulated activations must not reach it, whatever the style."""
    g = make_generator(32, num_fp16_res=2)
    for layer in g.modules():
        if isinstance(layer, StyledConv):
            layer.affine.bias.mul_(1e6)  # undone by the demodulation
    ws = g.mapping(torch.randn(2, 6))
    exact = g.synthesis(ws)
    set_precision(g, torch.float16)
    assert torch.isfinite(g.synthesis(ws)).all()
    assert (g.synthesis(ws) - exact).abs().max() < HALVES[torch.float16] * exact.abs().max()


@pytest.mark.parametrize(
    ("dtype", "asked", "trained", "expected"),
    [
        (torch.float16, None, 4, [128, 256, 512, 1024]),  # the official 1024 px configuration
        (torch.float16, 2, 4, [512, 1024]),
        (torch.float16, 20, 0, [8, 16, 32, 64, 128, 256, 512, 1024]),  # never 4 px
        (torch.bfloat16, None, 0, [8, 16, 32, 64, 128, 256, 512, 1024]),
        (torch.float32, None, 4, []),
    ],
)
@pytest.mark.parametrize(("kind", "block"), [(Generator, SynthesisBlock), (Discriminator, DiscriminatorBlock)])
def test_which_resolutions_are_half(kind, block, dtype, asked, trained, expected):
    network = kind(1024, channel_base=1024, channel_max=2, num_fp16_res=trained)
    set_precision(network, dtype, asked)
    half = [int(n.split("b")[-1]) for n, m in network.named_modules() if isinstance(m, block) and m.precision == dtype]
    assert sorted(half) == expected


def test_precisions_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="float64"):
        set_precision(make_generator(), torch.float64)
    with pytest.raises(ValueError, match="not trained in float16"):
        set_precision(make_generator(), torch.float16)


@pytest.mark.parametrize("noise", ["const", "random"])
def test_checkpointing_changes_memory_only(noise):
    results = []
    for on in (False, True):
        g = make_generator().set_checkpointing(on)
        torch.manual_seed(1)
        image = g.synthesis(g.mapping(torch.randn(2, 6)), noise)
        image.square().mean().backward()
        results.append([image, *(p.grad for p in g.synthesis.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def maps_for(g, n):
    return [torch.randn(n, *shape[1:], dtype=torch.double) for shape in g.synthesis.noise_shapes]


@torch.no_grad()
def test_the_constant_maps_given_explicitly_are_the_constant_noise():
    for g in (make_generator(), images_one_by_one(make_generator())):
        ws = g.mapping(torch.randn(3, 6))
        for noise in (g.synthesis.noise_maps(), [m.repeat(3, 1, 1, 1) for m in g.synthesis.noise_maps()]):
            assert torch.equal(g.synthesis(ws, noise), g.synthesis(ws, "const"))


@pytest.mark.parametrize("one_by_one", [False, True], ids=["shared", "one by one"])
@pytest.mark.parametrize("shared_maps", [False, True], ids=["maps per image", "maps for all"])
def test_noise_maps_and_their_gradients_are_those_of_the_oracle_and_of_single_images(shared_maps, one_by_one):
    g = make_generator().double()
    if one_by_one:
        images_one_by_one(g)
    ws = g.mapping(torch.randn(3, 6).double()).detach()
    maps = [m.requires_grad_() for m in maps_for(g, 1 if shared_maps else 3)]
    results = []
    for synthesis in (
        g.synthesis,
        lambda ws, noise: plain.synthesis(g, ws, noise),
        lambda ws, noise: torch.cat([
            g.synthesis(ws[i : i + 1], [m if len(m) == 1 else m[i : i + 1] for m in noise]) for i in range(len(ws))
        ]),
    ):  # fmt: skip
        image = synthesis(ws, maps)
        results.append([image, *torch.autograd.grad(image.square().mean(), maps)])
    for fast, oracle, alone in zip(*results, strict=True):
        assert fast.abs().max() > 0
        torch.testing.assert_close(fast, oracle, **EXACT)
        torch.testing.assert_close(fast, alone, **EXACT)


@pytest.mark.parametrize(
    "change", [lambda m: m[:-1], lambda m: [*m[:-1], m[-1][..., 1:]], lambda m: [m[0][:2], *m[1:]]]
)
def test_noise_maps_of_another_number_or_shape_are_refused(change):
    g = make_generator()
    with pytest.raises(ValueError, match=r"\(1, 1, 4, 4\), \(1, 1, 8, 8\), .* with 1 or 3 in front, got"):
        g.synthesis(g.mapping(torch.randn(3, 6)), change(maps_for(g, 3)))


@pytest.mark.parametrize("one_by_one", [False, True], ids=["shared", "one by one"])
@torch.no_grad()
def test_taps_read_the_features_of_the_oracle(one_by_one):
    g = make_generator().double()
    if one_by_one:
        images_one_by_one(g)
    ws = g.mapping(torch.randn(3, 6).double())
    read = [{}, {}]
    fast, slow = (
        synthesis(ws, taps={r: lambda x, r=r, into=into: into.setdefault(r, x) for r in g.synthesis.resolutions})
        for synthesis, into in zip((g.synthesis, lambda ws, taps: plain.synthesis(g, ws, taps=taps)), read, strict=True)
    )
    torch.testing.assert_close(fast, slow, **EXACT)
    torch.testing.assert_close(*read, **EXACT)
    assert [x.shape[0] for x in read[0].values()] == [3] * len(g.synthesis.resolutions)


@pytest.mark.parametrize("one_by_one", [False, True], ids=["shared", "one by one"])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("r", [4, 16, 32])
def test_injected_features_are_what_the_rest_of_the_network_starts_from(r, checkpointing, one_by_one):
    g = make_generator().double().set_checkpointing(checkpointing)
    if one_by_one:
        images_one_by_one(g)
    ws, others = g.mapping(torch.randn(6, 6).double()).detach().split(3)
    read = {}
    g.synthesis(others, taps={r: lambda x: read.setdefault(r, x.detach())})
    results = []
    for synthesis in (g.synthesis, lambda ws, taps: plain.synthesis(g, ws, taps=taps)):
        features = read[r].clone().requires_grad_()
        calls = []
        image = synthesis(ws, taps={r: lambda x, features=features, calls=calls: calls.append(x) or features})
        results.append([image, *torch.autograd.grad(image.square().mean(), [features, g.synthesis.b32.torgb.weight])])
        assert len(calls) == 1  # not again where a block is recomputed
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow, **EXACT)
    assert not torch.allclose(results[0][0], g.synthesis(ws))
    if r == 4:  # no RGB lies below it, so that the first layer's code does the same
        mixed = torch.cat([others[:, :1], ws[:, 1:]], dim=1)
        torch.testing.assert_close(results[0][0], g.synthesis(mixed), **EXACT)


@torch.no_grad()
def test_taps_in_half_precision_keep_it():
    g = make_generator(64)
    ws = g.mapping(torch.randn(2, 6))
    set_precision(g, torch.bfloat16)
    seen = {}
    image = g.synthesis(ws, taps={16: lambda x: seen.setdefault("x", x).float()})
    assert seen["x"].dtype == torch.bfloat16
    assert torch.equal(image, g.synthesis(ws))


@torch.no_grad()
def test_taps_do_not_change_what_they_only_read_and_large_images_above_them_stay_one_by_one():
    g = make_generator(256, channel_base=8192, channel_max=32)
    ws = g.mapping(torch.randn(2, 6))
    batches = []
    g.synthesis.b256.conv1.register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    assert torch.equal(g.synthesis(ws, taps={32: lambda x: x}), g.synthesis(ws))
    assert batches == [1] * 4
    g.synthesis(ws, taps={256: lambda x: x})
    assert batches[4:] == [2]


def test_taps_elsewhere_and_features_of_another_shape_are_refused():
    g = make_generator()
    ws = g.mapping(torch.randn(2, 6))
    with pytest.raises(ValueError, match=r"\[4, 8, 16, 32\], got \[64\]"):
        g.synthesis(ws, taps={64: lambda x: x})
    with pytest.raises(ValueError, match=r"features at 8 px must be \(2, 12, 8, 8\), got \(1, 12, 8, 8\)"):
        g.synthesis(ws, taps={8: lambda x: x[:1]})


def test_functional_gradients():
    g = make_generator().double()
    ws = g.mapping(torch.randn(2, 6).double()).detach()
    gradient = torch.func.grad(lambda ws: g.synthesis(ws).square().mean())(ws)
    codes = ws.clone().requires_grad_()
    g.synthesis(codes).square().mean().backward()
    torch.testing.assert_close(gradient, codes.grad, **EXACT)
