"""The encoders of pSp, e4e and HyperStyle: names, function, the code of W that stands for an image, their files."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping

import encoder_files as files
import pytest
import torch
import torch.nn.functional as F
import weight_files
from irse_by_formula import official_names, trunk_by_formula
from torch import Tensor

from mystyle.checkpoints import CheckpointError, load_generator, load_network, save_network
from mystyle.checkpoints.encoders import read_encoder
from mystyle.networks.psp import StyleEncoder, WEncoder
from mystyle.networks.stylegan2 import Generator

KINDS = ("psp", "e4e", "w")
PUBLISHED = {"e4e": 1_201_649_680, "w": 257_850_531}  # bytes of e4e_ffhq_encode.pt and faces_w_encoder.pt


def head_names(kind: str, num_ws: int = 18, size: int = 256) -> set[str]:
    if kind == "w":
        return {"linear.weight", "linear.bias"}
    names = {f"latlayer{i}.{key}" for i in (1, 2) for key in ("weight", "bias")}
    for row in range(num_ws):
        halvings = int(math.log2(size // (16 if row < 3 else 8 if row < 7 else 4)))
        layers = [f"convs.{2 * i}" for i in range(halvings)] + ["linear"]
        names |= {f"styles.{row}.{layer}.{key}" for layer in layers for key in ("weight", "bias")}
    return names


def code_by_formula(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """map2style in float64: halved by strided convolutions to one pixel, then an equalised linear layer."""
    layer = 0
    while x.shape[-1] > 1:
        weight, bias = (state[f"{name}.convs.{2 * layer}.{key}"].double() for key in ("weight", "bias"))
        x = F.conv2d(F.pad(x, (1, 1, 1, 1)), weight, bias)[:, :, ::2, ::2]
        x, layer = torch.maximum(x, 0.01 * x), layer + 1
    return linear_by_formula(state, f"{name}.linear", x[:, :, 0, 0])


def linear_by_formula(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    weight = state[f"{name}.weight"].double()
    return x @ weight.T / math.sqrt(weight.shape[1]) + state[f"{name}.bias"].double()


def corners(n: int, m: int) -> Tensor:
    """The matrix [m, n] of linear interpolation from n to m points, the outermost of both at the same places."""
    at = torch.arange(m, dtype=torch.float64) * (n - 1) / (m - 1)
    return (1 - (at[:, None] - torch.arange(n)).abs()).clamp_min(0)


def codes_by_formula(encoder: StyleEncoder, images: Tensor) -> Tensor:
    """W+ in float64 from the state dict, row by row as the papers have it."""
    state = encoder.state_dict()
    *_, fine, middle, coarse = trunk_by_formula(state, files.TRUNK["depths"], images)
    average = state["latent_avg"].double()
    if encoder.kind == "w":
        w = linear_by_formula(state, "linear", coarse.mean(dim=(2, 3)))
        return torch.stack([w + average] * encoder.num_ws, dim=1)
    levels = [coarse]
    for lateral, name in ((middle, "latlayer1"), (fine, "latlayer2")):
        up = corners(levels[-1].shape[-1], lateral.shape[-1])
        weight, bias = (state[f"{name}.{key}"].double() for key in ("weight", "bias"))
        levels.append(up @ levels[-1] @ up.T + F.conv2d(lateral, weight, bias))
    rows = []
    for row in range(encoder.num_ws):
        code = code_by_formula(state, f"styles.{row}", levels[0 if row < 3 else 1 if row < 7 else 2])
        rows.append(code + rows[0] if row and encoder.kind == "e4e" else code)
    return torch.stack(rows, dim=1) + average


@pytest.fixture(scope="module")
def encoders() -> dict[str, StyleEncoder]:
    return {kind: files.small_encoder(kind) for kind in KINDS}


def images_for(encoder: StyleEncoder, n: int = 2) -> Tensor:
    return torch.rand(n, 3, encoder.size, encoder.size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_names_are_those_of_the_official_files(kind):
    with torch.device("meta"):
        state, decoder = StyleEncoder(kind).state_dict(), Generator(1024).state_dict()
    assert state.keys() == official_names() | head_names(kind) | {"latent_avg"}
    if kind in PUBLISHED:  # all numbers of encoder and decoder in float32 and, below a thousandth, all else
        numbers = sum(t.numel() for part in (state, decoder) for t in part.values())
        assert 0 < PUBLISHED[kind] - 4 * numbers < 1_000_000


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_codes_are_the_formulas(kind, encoders):
    encoder = encoders[kind]
    images = images_for(encoder)
    codes = encoder(images)
    assert codes.shape == (2, 10, 16)
    torch.testing.assert_close(codes.double(), codes_by_formula(encoder, images), rtol=1e-4, atol=1e-5)  # rounding


@torch.no_grad()
def test_the_code_of_w_is_the_base_row_or_the_nearest_point(encoders):
    for kind in ("e4e", "w"):
        images = images_for(encoders[kind])
        torch.testing.assert_close(encoders[kind].w(images), encoders[kind](images)[:, 0])
    images = images_for(encoders["psp"])
    rows, w = encoders["psp"](images).double(), encoders["psp"].w(images).double()
    torch.testing.assert_close((rows - w[:, None]).sum(dim=1), torch.zeros(2, 16).double(), rtol=0, atol=1e-5)


@torch.no_grad()
def test_in_its_role_it_takes_images_of_any_size_one_by_one(encoders):
    network = encoders["e4e"]
    encoder = WEncoder(network)
    images = torch.rand(10, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2.2 - 1.1
    codes = encoder(images)
    small = F.interpolate(images, 32, mode="bicubic").clamp(-1, 1)
    torch.testing.assert_close(codes, network(small)[:, 0], rtol=1e-4, atol=1e-5)  # sums in another order
    torch.testing.assert_close(encoder(images[8:9]), codes[8:9], rtol=1e-4, atol=1e-5)
    assert torch.equal(encoder(small), encoder(small * 1.0))
    with pytest.raises(ValueError, match=r"images must be square, got \(64, 32\)"):
        encoder(torch.zeros(1, 3, 64, 32))


def test_gradients_reach_the_images_alone(encoders):
    images = images_for(encoders["e4e"], 1).requires_grad_()
    WEncoder(encoders["e4e"])(images).sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in encoders["e4e"].parameters())


def test_settings_that_no_encoder_has_are_refused():
    with pytest.raises(ValueError, match="kind is 'pssp'"):
        StyleEncoder("pssp")
    for size in (16, 48, 1 << 40):
        with pytest.raises(ValueError, match=f"size is {size}; a power of two"):
            StyleEncoder(size=size)
    with pytest.raises(ValueError, match="num_ws is 1000000000; at most 32"):
        StyleEncoder(num_ws=10**9)
    with pytest.raises(ValueError, match="1000000000 blocks are more than"):
        StyleEncoder(depths=(10**9,))


@pytest.fixture(scope="module")
def decoder() -> Generator:
    return files.small_generator()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("namespace", [False, True])
def test_a_file_becomes_the_network_with_its_decoders_mean_code(kind, namespace, encoders, decoder, tmp_path):
    content = files.encoder_checkpoint(encoders[kind], decoder)
    if namespace:
        content["opts"] = argparse.Namespace(**content["opts"])
    path = weight_files.write(tmp_path / "encode.pt", weight_files.torch_save(content, archive=namespace))
    found = read_encoder({path.name: path})
    save_network(found, tmp_path / "encoder.safetensors")
    expected = encoders[kind].state_dict() | {"latent_avg": decoder.mapping.w_avg}
    for read in (found, load_network(StyleEncoder, tmp_path / "encoder.safetensors")):
        assert read.config == encoders[kind].config and not read.training
        assert all(torch.equal(read.state_dict()[name], tensor) for name, tensor in expected.items())
    assert load_generator(path).num_ws == found.num_ws


def test_codes_that_are_no_offsets_stay_as_they_are(encoders, decoder, tmp_path):
    content = files.encoder_checkpoint(encoders["psp"], decoder, start_from_latent_avg=False)
    path = weight_files.write(tmp_path / "encode.pt", weight_files.torch_save(content))
    assert not read_encoder({path.name: path}).latent_avg.any()


def test_what_is_no_such_file_is_refused_by_name(encoders, decoder, tmp_path):
    good = files.encoder_checkpoint(encoders["e4e"], decoder)
    tensors = good["state_dict"]
    six = torch.zeros(4, 6, 3, 3)
    deep = {f"encoder.styles.0.convs.{i}.weight": torch.zeros(16, 16, 3, 3) for i in range(2, 90)}
    wrong = {
        "holds no state_dict": dict(g_ema={}),
        "has no opts": {key: value for key, value in good.items() if key != "opts"},
        "its opts lack start_from_latent_avg": good | dict(opts=dict(encoder_type="Encoder4Editing")),
        "its encoder_type is 'ResNet'": good | dict(opts=good["opts"] | dict(encoder_type="ResNet")),
        "its encoder_type is 'WEncoder' with no linear head": good
        | dict(opts=good["opts"] | dict(encoder_type="WEncoder")),
        "has a decoder only": good | dict(state_dict={n: t for n, t in tensors.items() if n.startswith("decoder.")}),
        "its encoder takes 6 channels": good | dict(state_dict=tensors | {"encoder.input_layer.0.weight": six}),
        "a power of two from 32 to 4096": good | dict(state_dict=tensors | deep),
        "has 10 rows of W\\+, its decoder 8": files.encoder_checkpoint(encoders["e4e"], files.small_generator(32)),
        "lacks .*latlayer1": good | dict(state_dict={n: t for n, t in tensors.items() if "latlayer1" not in n}),
    }
    for i, (message, content) in enumerate(wrong.items()):
        path = weight_files.write(tmp_path / f"{i}.pt", weight_files.torch_save(content))
        with pytest.raises(CheckpointError, match=message) as error:
            read_encoder({path.name: path})
        assert str(path) in str(error.value)
