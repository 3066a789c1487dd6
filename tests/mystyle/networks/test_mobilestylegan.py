"""MobileStyleGAN against its formulas, one image at a time; the laws of its parts; its files."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from mystyle.checkpoints import CheckpointError, load_discriminator, load_generator, save_generator
from mystyle.checkpoints.__main__ import main
from mystyle.latents.anchors import Anchors
from mystyle.losses import reconstruction
from mystyle.networks.mobilestylegan import (
    CHANNELS,
    FromBands,
    MobileGenerator,
    Scaled,
    SeparableConv,
    assign,
    assignable,
    from_bands,
    to_bands,
)
from mystyle.networks.rgb_heads import RGBHeads, with_head
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Unsupported

EXACT = dict(rtol=1e-9, atol=1e-9)  # float64, so that only a wrong formula can exceed it
TINY = dict(resolution=32, z_dim=6, w_dim=10, channels=(16, 12, 8), mapping_layers=2)


def make_generator(**settings) -> MobileGenerator:
    """With every tensor random and no constant of its own equal to 1."""
    torch.manual_seed(0)
    g = MobileGenerator(**TINY | settings)
    for module in g.modules():
        if isinstance(module, Scaled):
            module.values.data.normal_()
            module.scale.mul_(0.5 + torch.rand([]))
    g.mapping.w_avg.normal_()
    return g.eval()


# The oracle


def inverse_haar(x):
    """Bands [c, 4, h, w] of one image, each by its own 2x2 pattern: [c, 2h, 2w]."""
    signs = torch.tensor([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]).to(x) / 2
    c, _, h, w = x.shape
    return torch.einsum("cbhw,bij->chiwj", x, signs.view(4, 2, 2)).reshape(c, 2 * h, 2 * w)


def styles(affine, w):
    return affine.weight.tensor() @ w + affine.bias.tensor()


def conv_of_one(layer, x, w, noise):
    """[n_in, r, r] -> [n_out, r, r]: the weights are modulated, not the activations."""
    s = styles(layer.affine, w)
    if isinstance(layer, SeparableConv):
        y = F.conv2d(x[None], layer.depthwise.tensor() * s[:, None, None, None], padding=1, groups=len(x))
        y = torch.einsum("oi,ihw->ohw", layer.pointwise.tensor(), y[0])
    else:
        y = F.conv2d(x[None], layer.weight.tensor() * s[None, :, None, None], padding=1)[0]
    y = y + layer.bias.tensor()[:, None, None]
    if noise is not None:
        y = y + noise * layer.noise_strength.tensor()
    return torch.where(y > 0, y, 0.2 * y)


def image_of_one(g, ws, noise):
    """[num_ws, w_dim] and a map [r, r] for each convolution, or none -> [3, R, R]."""
    maps = iter(noise or [None] * len(g.synthesis.noise_shapes))
    b = g.synthesis.b4
    x = conv_of_one(b.conv1, b.const.tensor(), ws[0], next(maps))
    for level, r in enumerate(g.synthesis.resolutions[1:]):
        b = g.synthesis.get_submodule(f"b{r}")
        x = x * styles(b.affine, ws[2 * level + 1])[:, None, None]
        x = inverse_haar(x.unflatten(0, (4, -1)).transpose(0, 1))
        x = conv_of_one(b.conv0, x, ws[2 * level + 1], next(maps))
        x = conv_of_one(b.conv1, x, ws[2 * level + 2], next(maps))
    layer = g.synthesis.torgb
    x = x * styles(layer.affine, ws[-1])[:, None, None]
    x = torch.einsum("oi,ihw->ohw", layer.weight.tensor(), x) + layer.bias.tensor()[:, None, None]
    return inverse_haar(x.unflatten(0, (4, 3)).transpose(0, 1))


def oracle(g, ws, noise="const"):
    if isinstance(noise, str):
        maps = [[layer.noise_const for layer in g.synthesis.styled_convolutions()]] * len(ws)
        maps = maps if noise == "const" else [None] * len(ws)
    else:
        maps = [[m[min(k, len(m) - 1), 0] for m in noise] for k in range(len(ws))]
    return torch.stack([image_of_one(g, w, each) for w, each in zip(ws, maps, strict=True)])


@pytest.fixture(params=["as it chooses", "into weights", "into activations"])
def folding(request, monkeypatch):
    """Where styles go."""
    if request.param != "as it chooses":
        monkeypatch.setattr(SeparableConv, "folds", lambda layer, x: request.param == "into weights")


@pytest.mark.usefixtures("folding")
@pytest.mark.parametrize("trained", [False, True], ids=["frozen", "trained"])
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("noise", ["const", "none", "maps for all", "maps per image"])
def test_images_and_gradients_are_those_of_the_formulas(noise, n, trained):
    g = make_generator().double().requires_grad_(trained)
    ws = torch.randn(n, g.num_ws, g.w_dim).double().requires_grad_()
    inputs = [ws, *(g.synthesis.parameters() if trained else ())]
    if noise.startswith("maps"):
        count = 1 if noise == "maps for all" else n
        noise = [torch.randn(count, *shape[1:]).double().requires_grad_() for shape in g.synthesis.noise_shapes]
        inputs += noise
    results = []
    for synthesis in (g.synthesis, lambda ws, noise: oracle(g, ws, noise)):
        image = synthesis(ws, noise)
        gradients = torch.autograd.grad(image.square().mean(), inputs, allow_unused=noise == "none")
        results.append([image, *(x for x in gradients if x is not None)])
    assert len(results[0]) == len(results[1]) and results[0][0].abs().max() > 0.1
    for fast, plain in zip(*results, strict=True):
        torch.testing.assert_close(fast, plain, **EXACT)
    with torch.no_grad():
        torch.testing.assert_close(g.synthesis(ws, noise), results[1][0], **EXACT)


# Its parts


def test_the_haar_transform_is_orthonormal_but_for_a_factor_of_2():
    x = torch.randn(2, 3, 6, 8).double()
    bands = to_bands(x)
    assert bands.shape == (2, 12, 3, 4) and from_bands(bands).shape == x.shape
    torch.testing.assert_close(from_bands(bands), 4 * x, **EXACT)
    torch.testing.assert_close(bands.square().sum(), 4 * x.square().sum(), **EXACT)
    torch.testing.assert_close(from_bands(bands)[1], 2 * inverse_haar(bands[1].unflatten(0, (4, 3)).transpose(0, 1)))
    assert torch.autograd.gradcheck(FromBands.apply, bands.requires_grad_())
    assert torch.autograd.gradgradcheck(FromBands.apply, bands)


def test_a_scaled_tensor_is_of_unit_rms_and_keeps_its_value_but_for_rounding():
    for size in (1e-6, 1.0, 1e4):
        scaled, tensor = Scaled(50, 3), size * torch.randn(50, 3)
        scaled.assign(tensor)
        torch.testing.assert_close(scaled.values.square().mean(), torch.tensor(1.0))
        torch.testing.assert_close(scaled.tensor(), tensor, rtol=2.5e-7, atol=0)  # two roundings of 2^-24 each
    scaled.assign(torch.zeros(50, 3))
    assert scaled.tensor().abs().max() == 0 and scaled.scale > 0


def test_one_rate_moves_every_tensor_by_that_share_of_its_size():
    g = make_generator().double()
    for module in g.modules():
        if isinstance(module, Scaled):
            module.assign(10 ** (4 * torch.rand([]) - 3) * torch.randn_like(module.values))
    before = tensors_of(g)
    adam = torch.optim.Adam(g.synthesis.parameters(), 0.003, eps=1e-100)  # gradients are of any size here
    g.synthesis(torch.randn(2, g.num_ws, g.w_dim).double()).square().mean().backward()
    adam.step()
    for name, tensor in tensors_of(g).items():
        moved = (tensor - before[name]).square().mean().sqrt() / before[name].square().mean().sqrt()
        assert moved == pytest.approx(0.003, rel=1e-6), name  # the first step of Adam is the rate times a sign


def tensors_of(g):
    return {name: m.tensor().detach() for name, m in g.named_modules() if isinstance(m, Scaled)}


@pytest.mark.parametrize("resolution", [256, 512, 1024])
def test_the_published_sizes(resolution):
    with torch.device("meta"):
        g = MobileGenerator(resolution)
    assert g.num_ws == 2 * resolution.bit_length() - 6  # two rows less than StyleGAN2: 12, 14, 16
    assert g.config["channels"] == list(CHANNELS[: g.num_ws // 2])
    assert [shape[-1] for shape in g.synthesis.noise_shapes][-1] == resolution // 2
    if resolution == 1024:
        assert sum(p.numel() for p in g.synthesis.parameters()) == 7_306_395
    assert [layer.style_map.shape[1] for layer in g.synthesis.styled_convolutions()] == [512] * (g.num_ws - 1)


@pytest.mark.parametrize(
    "settings",
    [{"resolution": 48}, {"resolution": 4}, {"resolution": 64}, {"channels": (16, 12)}, {"channels": (16, 12, 6)},
     {"channels": (16, 12, 0)}],
)  # fmt: skip
def test_sizes_and_channels_that_do_not_fit_are_refused(settings):
    with pytest.raises(ValueError, match=r"resolution must be|channels must be"):
        MobileGenerator(**TINY | settings)


@torch.no_grad()
def test_a_layer_s_code_reaches_only_its_layer_and_later_ones():
    g = make_generator()
    ws = torch.randn(1, g.num_ws, g.w_dim)

    def layers(ws):
        seen = []
        hooks = [m.register_forward_hook(lambda m, i, out: seen.append(out)) for m in g.synthesis.styled_convolutions()]
        seen.append(g.synthesis(ws))
        for hook in hooks:
            hook.remove()
        return seen

    before = layers(ws)
    assert len(before) == g.num_ws
    for row in range(g.num_ws):
        changed = ws.clone()
        changed[:, row] += 1
        same = [torch.equal(a, b) for a, b in zip(before, layers(changed), strict=True)]
        assert same == [True] * row + [False] * (g.num_ws - row)


@torch.no_grad()
def test_noise_modes_and_truncation():
    g = make_generator()
    z = torch.randn(2, g.z_dim)
    ws = g.mapping(z)
    assert torch.equal(g(z), g.synthesis(ws, noise="const"))
    assert torch.equal(g.synthesis(ws, g.synthesis.noise_maps()), g.synthesis(ws))
    assert not torch.equal(g.synthesis(ws, noise="random"), g.synthesis(ws, noise="random"))
    torch.testing.assert_close(g.mapping(z, 0.0), g.mapping.w_avg.expand(2, g.num_ws, -1))
    for noise in ("loud", g.synthesis.noise_maps()[1:], [m[..., 1:] for m in g.synthesis.noise_maps()]):
        with pytest.raises(ValueError, match="noise"):
            g.synthesis(ws, noise)
    with pytest.raises(ValueError, match="ws must be"):
        g.synthesis(ws[:, 1:])


@torch.no_grad()
def test_taps_read_and_inject_features():
    g = make_generator()
    ws, others = torch.randn(2, 2, g.num_ws, g.w_dim)
    read = {}
    image = g.synthesis(ws, taps={r: lambda x, r=r: read.setdefault(r, x) for r in g.synthesis.resolutions})
    assert torch.equal(image, g.synthesis(ws))
    assert {r: tuple(x.shape) for r, x in read.items()} == {4: (2, 16, 4, 4), 8: (2, 12, 8, 8), 16: (2, 8, 16, 16)}
    late = torch.cat([others[:, :3], ws[:, 3:]], dim=1)  # rows 0 to 2 are those of 4 and 8 px
    torch.testing.assert_close(g.synthesis(late, taps={8: lambda x: read[8]}), image, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match=r"taps must be at resolutions of \[4, 8, 16\]"):
        g.synthesis(ws, taps={32: lambda x: x})
    with pytest.raises(ValueError, match="features at 8 px must be"):
        g.synthesis(ws, taps={8: lambda x: x[:1]})


@pytest.mark.parametrize("noise", ["const", "random"])
def test_checkpointing_changes_memory_only(noise):
    results = []
    for on in (False, True):
        g = make_generator().set_checkpointing(on)
        torch.manual_seed(1)
        image = g.synthesis(g.mapping(torch.randn(2, g.z_dim)), noise)
        image.square().mean().backward()
        results.append([image, *(p.grad for p in g.synthesis.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_half_precision_is_near_and_leaves_weights_and_images_float32():
    g = make_generator()
    ws = torch.randn(2, g.num_ws, g.w_dim)
    exact = g.synthesis(ws)
    seen = {}
    image = g.set_precision(torch.bfloat16).synthesis(
        ws, taps={r: lambda x, r=r: seen.setdefault(r, x) for r in g.synthesis.resolutions}
    )
    assert {r: x.dtype for r, x in seen.items()} == {4: torch.float32, 8: torch.bfloat16, 16: torch.bfloat16}
    # 2^-8 of rounding a value, over about sixteen operations that follow each other
    assert 0 < (image - exact).abs().max() < 2**-8 * 16 * exact.abs().max()
    image.square().mean().backward()
    assert {x.dtype for p in g.synthesis.parameters() for x in (p, p.grad)} == {torch.float32} == {image.dtype}
    assert torch.equal(g.set_precision(torch.float32).synthesis(ws), exact)
    for dtype in (torch.float16, torch.float64):
        with pytest.raises(ValueError, match="precision must be float32 or bfloat16"):
            g.set_precision(dtype)


# Heads for smaller images


@torch.no_grad()
def test_a_head_ends_the_network_at_its_size():
    g = make_generator().requires_grad_(False)
    heads = RGBHeads(g.w_dim, {"16": 12}, {"16": 0.01}).requires_grad_(False)
    small = with_head(g, heads, 16)
    assert (small.resolution, small.num_ws, small.config["channels"]) == (16, 4, [16, 12])
    ws, read = torch.randn(2, g.num_ws, g.w_dim), {}
    g.synthesis(ws, taps={8: lambda x: read.setdefault(8, x)})
    expected = heads.head(16)(read[8], ws[:, 3])
    torch.testing.assert_close(small.synthesis(ws[:, :4]), expected, rtol=1e-6, atol=1e-6)
    small.synthesis.b4.const.values.fill_(0)
    assert g.synthesis.b4.const.values.abs().max() > 0  # memory of its own
    for size in (8, 32):
        with pytest.raises(ValueError, match=rf"resolution {size}: a generator of 32 px has heads for \[16\] px"):
            with_head(g, heads, size)
    with pytest.raises(ValueError, match="the head for 16 px does not fit the generator"):
        with_head(g, RGBHeads(g.w_dim, {"16": 8}, {"16": 0.01}), 16)


# Files and tuning


@dataclass(frozen=True)
class SavedGenerator:
    generator: MobileGenerator
    path: object


@pytest.fixture
def saved(tmp_path):
    g = make_generator()
    save_generator(g, tmp_path / "g.safetensors")
    return SavedGenerator(g, tmp_path / "g.safetensors")


def test_a_saved_generator_is_loaded_as_what_it_is(saved, tmp_path):
    g = load_generator(saved.path)
    assert isinstance(g, MobileGenerator) and g.config == saved.generator.config
    assert not g.training and not any(p.requires_grad for p in g.parameters())
    state = saved.generator.state_dict()
    assert g.state_dict().keys() == state.keys()
    assert all(torch.equal(t, state[name]) for name, t in g.state_dict().items())
    with pytest.raises(CheckpointError, match=r"g\.safetensors: holds MobileGenerator, expected Discriminator"):
        load_discriminator(saved.path)
    with pytest.raises(CheckpointError, match="has no G: a safetensors file holds one network"):
        load_generator(saved.path, key="G")
    with pytest.raises(Unsupported, match="a Linear cannot be saved"):
        save_generator(torch.nn.Linear(1, 1), tmp_path / "l.safetensors")


def test_a_file_is_described_and_converted(saved, tmp_path, capsys):
    assert main([str(saved.path), str(tmp_path / "half.safetensors"), "--half"]) == 0
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert told["network"] == "MobileGenerator" and told["channels"] == "16 at 4, 12 at 8, 8 at 16"
    assert told["num_ws"] == "6" and told["mapping"] == "2 layers, z 6, w 10"
    assert told["parameters"] == f"{sum(p.numel() for p in saved.generator.parameters()):,}"
    z, half = torch.randn(2, 6), load_generator(tmp_path / "half.safetensors")
    with torch.no_grad():  # 11 bits of every weight, a few layers one after the other
        torch.testing.assert_close(half(z), saved.generator(z), rtol=0.05, atol=0.05 * saved.generator(z).abs().max())


@pytest.mark.parametrize("fault", ["missing", "shape", "type", "config", "giant", "resolution", "nan"])
def test_files_that_do_not_fit_are_refused(fault, saved):
    content, config = load_file(saved.path), dict(saved.generator.config)
    name = "synthesis.b8.conv0.pointwise.values"
    if fault == "missing":
        content.pop(name)
    elif fault == "shape":
        content[name] = content[name][1:].clone()
    elif fault == "type":
        content[name] = content[name].int()
    elif fault == "nan":
        content[name][0, 0] = float("nan")
    config |= {"config": {"size": 3}, "giant": {"w_dim": 10**12}, "resolution": {"resolution": 64}}.get(fault, {})
    save_file(content, saved.path, metadata={"network": "MobileGenerator", "config": json.dumps(config)})
    message = "has NaN or infinite weights" if fault == "nan" else "does not fit a MobileGenerator"
    with pytest.raises(CheckpointError, match=rf"g\.safetensors: {message}"):
        load_generator(saved.path)


def test_assigned_tensors_must_be_those_of_the_network():
    g, source = make_generator(), make_generator()
    for module in source.modules():
        if isinstance(module, Scaled):
            module.values.data.add_(1)
    wanted = {name: t.clone() for name, t in assignable(source).items()} | tensors_of(source)
    assign(g, wanted)
    for name, tensor in tensors_of(g).items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-6, atol=1e-6)
    for change, message in (
        ({"mapping.w_avg": None}, r"mapping\.w_avg is missing"),
        ({"mapping.w_avg": torch.zeros(3)}, r"mapping\.w_avg has shape \[3\], expected \[10\]"),
        ({"other": torch.zeros(3)}, "other is no tensor of this network"),
    ):
        changed = {name: t for name, t in (wanted | change).items() if t is not None}
        with pytest.raises(ValueError, match=message):
            assign(g, changed)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_tuning_with_one_rate_lowers_the_loss_and_changes_every_tensor(precision, tiny_domain):
    g = make_generator().requires_grad_(False)
    draw = torch.Generator().manual_seed(1)
    photos = 0.3 + 0.1 * torch.rand(3, 3, 32, 32, generator=draw)
    anchors = Anchors(torch.randn(3, g.w_dim, generator=draw), ("a", "b", "c"))
    settings = TuningSettings(epochs=20, batch=3, learning_rate=1e-2, precision=precision)

    def loss(generator):
        with torch.no_grad():
            images = generator.synthesis(anchors.codes[:, None].expand(-1, g.num_ws, -1))
            features = tiny_domain.perceptual.features(photos)
            return reconstruction(tiny_domain.perceptual, images, photos, features).mean()

    tuned = tune(g, anchors, photos, tiny_domain.perceptual, settings, seed=0)
    assert loss(tuned) < 0.8 * loss(g)
    assert {block.precision for block in tuned.synthesis.children() if hasattr(block, "precision")} == {None}
    for name, p in tuned.synthesis.named_parameters():
        assert not torch.equal(p, g.synthesis.get_parameter(name)), name
        assert not p.requires_grad
