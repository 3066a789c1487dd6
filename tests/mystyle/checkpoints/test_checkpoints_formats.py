"""Weight files of the official repositories become our networks bit for bit, and nothing in them is run."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import weight_files as files
from torch import nn

from mystyle.checkpoints import (
    CheckpointError,
    Weights,
    load_discriminator,
    load_generator,
    load_network,
    read_weights,
    save_generator,
    save_network,
)
from mystyle.networks.stylegan2 import Discriminator, Generator

SMALL = dict(resolution=32, channel_base=256, channel_max=16)


def make_generator(seed: int = 0, **settings) -> Generator:
    config = dict(**SMALL, z_dim=16, w_dim=24, mapping_layers=2) | settings
    return files.randomised(Generator(**config), seed)


def make_discriminator(seed: int = 1, **settings) -> Discriminator:
    return files.randomised(Discriminator(**SMALL | settings), seed)


@pytest.fixture(scope="module")
def g() -> Generator:
    return make_generator()


@pytest.fixture(scope="module")
def d() -> Discriminator:
    return make_discriminator()


@pytest.fixture(autouse=True)
def nothing_is_run_and_nothing_is_printed(tmp_path, monkeypatch):
    """Every test here: no warning, no file written by what a weight file carries, none of its modules imported."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert not Path(files.CANARY).exists()
    assert not {"torch_utils", "dnnlib"} & sys.modules.keys()


def require_same(found: nn.Module | Weights, network: nn.Module) -> None:
    """The same architecture, the same tensors bit for bit, float32, frozen, in eval mode."""
    tensors = found.tensors if isinstance(found, Weights) else found.state_dict()
    assert found.config == network.config
    assert tensors.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensors[name], tensor), name
        assert tensors[name].dtype == torch.float32 and tensors[name].is_contiguous()
    if isinstance(found, nn.Module):
        assert not found.training and not any(p.requires_grad for p in found.parameters())
        assert all(p.is_leaf for p in found.parameters())


def load(path: Path, network: nn.Module) -> nn.Module:
    return load_generator(path) if isinstance(network, Generator) else load_discriminator(path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nvidia_pickle(protocol, g, d, tmp_path):
    raw = make_generator(seed=2)
    tree = files.nvidia_pickle(files.nvidia_module(g), files.nvidia_module(d), files.nvidia_module(raw))
    path = files.write(tmp_path / "network.pkl", files.dumps(tree, protocol))
    require_same(load_generator(path), g)
    require_same(load_generator(path, key="g_ema"), g)
    require_same(load_generator(path, key="G"), raw)
    require_same(load_discriminator(path), d)
    weights = read_weights(path)
    assert (weights.format, weights.network, weights.notes) == (
        "NVIDIA pickle (stylegan2-ada-pytorch)",
        "Generator",
        (),
    )
    assert read_weights(path, key="D").network == "Discriminator"
    z = torch.randn(2, g.z_dim, generator=torch.Generator().manual_seed(0))
    assert torch.equal(load_generator(path)(z, 0.7), g(z, 0.7))


@pytest.mark.parametrize("protocol", [2, 3])
def test_scalars_of_either_numpy(protocol, g, tmp_path):
    content = files.dumps(files.nvidia_pickle(files.nvidia_module(g)), protocol)
    assert b"numpy._core.multiarray\n" in content  # this NumPy is 2
    content = content.replace(b"numpy._core.multiarray\n", b"numpy.core.multiarray\n")
    require_same(load_generator(files.write(tmp_path / "old.pkl", content)), g)


def test_the_stylegan3_repository_is_told_apart(g, tmp_path):
    module = files.nvidia_module(g, {"synthesis.b8": {"fused_modconv_default": "inference_only"}})
    path = files.write(tmp_path / "network.pkl", files.dumps(files.nvidia_pickle(module)))
    assert read_weights(path).format == "NVIDIA pickle (stylegan3 repository)"


@pytest.mark.parametrize("layers", [1, 2, 8])
@pytest.mark.parametrize("clamp, half", [(None, 0), (256, 2), (256.0, 3)])
def test_the_settings_of_a_generator_are_read(layers, clamp, half, tmp_path):
    network = make_generator(mapping_layers=layers, conv_clamp=clamp, num_fp16_res=half)
    path = files.write(tmp_path / "g.pkl", files.dumps(files.nvidia_pickle(files.nvidia_module(network))))
    require_same(load_generator(path), network)


@pytest.mark.parametrize("group", [None, 4, 8])
@pytest.mark.parametrize("clamp, half", [(None, 0), (256, 2)])
def test_the_settings_of_a_discriminator_are_read(group, clamp, half, g, tmp_path):
    network = make_discriminator(mbstd_group=group, conv_clamp=clamp, num_fp16_res=half)
    tree = files.nvidia_pickle(files.nvidia_module(g), files.nvidia_module(network))
    require_same(load_discriminator(files.write(tmp_path / "d.pkl", files.dumps(tree))), network)


def test_the_frozen_layers_of_freeze_d_are_read(g, d, tmp_path):
    tree = files.nvidia_pickle(files.nvidia_module(g), files.nvidia_module(d, frozen="b32"))
    require_same(load_discriminator(files.write(tmp_path / "d.pkl", files.dumps(tree))), d)


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "before 1.6"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_whole_modules(archive, wrapped, g, d, tmp_path):
    for network, key in ((g, "G_ema"), (d, "D")):
        module = files.nvidia_module(network)
        content = files.torch_save({key: module} if wrapped else module, archive=archive)
        path = files.write(tmp_path / f"{key}.pt", content)
        require_same(load(path, network), network)
        assert read_weights(path).format == "whole module (torch.save)"


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "before 1.6"])
def test_a_synthesis_network_by_itself(archive, tmp_path):
    """What official MyStyle saves: it has no mapping, and codes in W are all that it is used with."""
    network = make_generator(conv_clamp=256)
    module = files.nvidia_module(network).state["_modules"]["synthesis"]
    path = files.write(tmp_path / "mystyle_model.pt", files.torch_save(module, archive=archive))
    found = load_generator(path)
    assert found.config == network.config | {"mapping_layers": 0, "z_dim": network.w_dim}
    ws = torch.randn(2, network.num_ws, network.w_dim, generator=torch.Generator().manual_seed(0))
    assert torch.equal(found.synthesis(ws), network.synthesis(ws))
    assert "no mapping" in read_weights(path).notes[0] and not found.mapping.w_avg.any()
    save_generator(found, tmp_path / "g.safetensors")
    require_same(load_generator(tmp_path / "g.safetensors"), found)
    with pytest.raises(CheckpointError, match="holds Generator, expected Discriminator"):
        load_discriminator(path)


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "before 1.6"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_rosinality(archive, prefix, g, d, tmp_path):
    theirs = {prefix + name: t for name, t in files.rosinality_generator(g).items()}
    other = files.rosinality_generator(make_generator(seed=3))
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(3))])
    checkpoint = dict(
        g_ema=theirs, g=other, d=files.rosinality_discriminator(d), latent_avg=g.mapping.w_avg, ada_aug_p=0.5,
        args=argparse.Namespace(size=32, path="x"), g_optim=optimiser.state_dict(),
    )  # fmt: skip
    path = files.write(tmp_path / "r.pt", files.torch_save(checkpoint, archive=archive))
    require_same(load_generator(path), g)
    require_same(load_discriminator(path), d)
    assert not torch.equal(load_generator(path, key="G").synthesis.b4.const, g.synthesis.b4.const)
    assert read_weights(path).format == "rosinality checkpoint" and read_weights(path).notes == ()


def test_without_latent_avg_w_avg_is_estimated(g, tmp_path):
    path = files.write(tmp_path / "r.pt", files.torch_save({"g_ema": files.rosinality_generator(g)}))
    weights = read_weights(path)
    assert weights.notes == ("w_avg missing: estimated from 10,000 samples",)
    assert torch.equal(weights.tensors["mapping.w_avg"], read_weights(path).tensors["mapping.w_avg"])
    z = torch.randn(20_000, g.z_dim, generator=torch.Generator().manual_seed(5))
    w = g.mapping.w(z)
    error = (weights.tensors["mapping.w_avg"] - w.mean(0)) / w.std(0)
    assert error.abs().max() < 5 * (1 / 10_000 + 1 / 20_000) ** 0.5


def test_without_noise_buffers_there_is_none(g, tmp_path):
    theirs = {k: t for k, t in files.rosinality_generator(g).items() if not k.startswith("noises.")}
    path = files.write(tmp_path / "r.pt", files.torch_save({"g_ema": theirs, "latent_avg": g.mapping.w_avg}))
    assert "noise buffers missing" in read_weights(path).notes[0]
    z = torch.randn(1, g.z_dim, generator=torch.Generator().manual_seed(0))
    assert torch.equal(load_generator(path)(z), g(z, noise="none"))
    theirs["noises.noise_0"] = torch.zeros(1, 1, 4, 4)
    path = files.write(tmp_path / "r.pt", files.torch_save({"g_ema": theirs, "latent_avg": g.mapping.w_avg}))
    with pytest.raises(CheckpointError, match=r"lacks synthesis\.b16\.conv0\.noise_const"):
        load_generator(path)


@pytest.mark.parametrize("rows", ["vector", "one", "equal", "different"])
def test_encoders_have_a_generator_inside(rows, g, tmp_path):
    w = g.mapping.w_avg
    step = torch.tensor([-0.5, 0.5])[:, None]
    latent = {"vector": w, "one": w[None], "equal": w.repeat(8, 1), "different": w + step}[rows]
    state = {f"decoder.{name}": t for name, t in files.rosinality_generator(g).items()}
    state |= {
        "encoder.input_layer.0.weight": torch.zeros(4, 3, 3, 3),
        "encoder.bn.num_batches_tracked": torch.tensor(7),
    }
    checkpoint = dict(state_dict=state, latent_avg=latent, opts=dict(device="cuda:0", stylegan_size=32))
    path = files.write(tmp_path / "e4e.pt", files.torch_save(checkpoint))
    require_same(load_generator(path), g)
    weights = read_weights(path)
    assert weights.format == "pSp/e4e checkpoint"
    assert [rows in note for note in weights.notes] == ([True] if rows in ("equal", "different") else [])
    with pytest.raises(CheckpointError, match="expected Discriminator"):
        load_discriminator(path)


@pytest.mark.parametrize("naming", ["nvidia", "rosinality"])
def test_plain_state_dicts(naming, d, g, tmp_path):
    names = {
        "nvidia": (g.state_dict() | {"synthesis.b8.resample_filter": files.fir_kernel()}, d.state_dict()),
        "rosinality": (
            files.rosinality_generator(g) | {"latent_avg": g.mapping.w_avg},
            files.rosinality_discriminator(d),
        ),
    }[naming]
    for network, state in zip((g, d), names, strict=True):
        path = files.write(tmp_path / "s.pt", files.torch_save(state))
        require_same(load(path, network), network)
    if naming == "nvidia":
        assert "conv_clamp" in read_weights(path).notes[0]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensorflow(protocol, d, g, tmp_path):
    raw = make_generator(seed=4)
    networks = (files.tensorflow_generator(raw), files.tensorflow_discriminator(d), files.tensorflow_generator(g))
    path = files.write(tmp_path / "stylegan2.pkl", files.dumps(networks, protocol))
    require_same(load_generator(path), g)
    require_same(load_generator(path, key="G"), raw)
    require_same(load_discriminator(path), d)
    assert read_weights(path).format == "TensorFlow pickle" and read_weights(path).notes == ()


def test_tensorflow_settings(g, tmp_path):
    network = make_generator(conv_clamp=256, num_fp16_res=2)
    batch = make_discriminator(mbstd_group=None)
    networks = [
        files.tensorflow_generator(g),
        files.tensorflow_discriminator(batch, "D_main"),
        files.tensorflow_generator(network, conv_clamp=256, num_fp16_res=2),
    ]
    path = files.write(tmp_path / "ada.pkl", files.dumps(tuple(networks)))
    require_same(load_generator(path), network)
    require_same(load_discriminator(path), batch)
    assert "the whole batch is taken" in read_weights(path, "discriminator").notes[0]


def test_text_of_python_2_is_read_as_bytes(g, tmp_path):
    """The arrays of a file that Python 2 wrote are strings there."""
    theirs = files.tensorflow_generator(g)
    networks = (theirs, theirs, theirs)
    content = bytearray(files.dumps(networks, 3))
    for i in range(len(content)):  # BINBYTES and SHORT_BINBYTES become BINSTRING and SHORT_BINSTRING
        if content[i : i + 1] in (b"B", b"C") and content[i - 1 : i] == b"\x89":  # after "fortran order: False"
            content[i] = {ord("B"): ord("T"), ord("C"): ord("U")}[content[i]]
    assert content != files.dumps(networks, 3)
    require_same(load_generator(files.write(tmp_path / "py2.pkl", bytes(content))), g)


def test_our_own_files(g, tmp_path):
    save_network(g, tmp_path / "g.safetensors")
    require_same(load_generator(tmp_path / "g.safetensors"), g)
    require_same(load_network(Generator, tmp_path / "g.safetensors"), g)
    assert read_weights(tmp_path / "g.safetensors").format == "safetensors"


def test_the_name_of_a_file_does_not_matter(g, tmp_path):
    save_generator(g, tmp_path / "g.pkl")
    require_same(load_generator(tmp_path / "g.pkl"), g)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_other_floats_are_read_as_float32(dtype, g, tmp_path):
    state = {k: t.to(dtype) for k, t in files.rosinality_generator(g).items()}
    path = files.write(tmp_path / "h.pt", files.torch_save({"g_ema": state, "latent_avg": g.mapping.w_avg}))
    weights = read_weights(path)
    assert all(t.dtype == torch.float32 for t in weights.tensors.values())
    assert any(str(dtype).removeprefix("torch.") in note for note in weights.notes)


def test_tensors_in_another_memory_order(g, tmp_path):
    state = {
        k: t.to(memory_format=torch.channels_last) if t.ndim == 4 else t.T.contiguous().T if t.ndim == 2 else t
        for k, t in g.state_dict().items()
    }
    require_same(load_generator(files.write(tmp_path / "s.pt", files.torch_save(state))), g)


@pytest.mark.parametrize("container", ["archive", "before 1.6", "pickle", "safetensors"])
def test_weights_outlive_their_file(container, g, tmp_path):
    path = tmp_path / "g.bin"
    if container == "safetensors":
        save_generator(g, path)
    elif container == "pickle":
        path.write_bytes(files.dumps(files.nvidia_pickle(files.nvidia_module(g))))
    else:
        path.write_bytes(files.torch_save(files.nvidia_module(g), archive=container == "archive"))
    weights, network = read_weights(path), load_generator(path)
    with open(path, "r+b") as file:  # in place, as an interrupted download would
        file.write(bytes(path.stat().st_size))
    require_same(weights, g)
    require_same(network, g)


@pytest.mark.parametrize(
    "resolution, base, maximum, found",
    [
        (32, 32768, 512, (32768, 512)),
        (32, 16384, 512, (32768, 512)),  # the same widths up to 32 px
        (64, 16384, 512, (16384, 512)),
        (64, 1000, 100, (992, 100)),
        (64, 640, 10_000, (640, 512)),
    ],
)
def test_channels_are_inferred_from_shapes(resolution, base, maximum, found):
    from mystyle.checkpoints.architecture import channel_schedule

    widths = {2**i: min(base // 2**i, maximum) for i in range(2, resolution.bit_length())}
    assert channel_schedule(widths, {}) == found
    assert {r: min(found[0] // r, found[1]) for r in widths} == widths
    assert channel_schedule(widths, {"channel_base": base, "channel_max": maximum}) == (base, maximum)
    with pytest.raises(CheckpointError, match="channel_base"):
        channel_schedule(widths | {resolution: 7}, {})


def set_attribute(module: str, **attributes):
    return {module: attributes}


REFUSED_GENERATORS = {
    "c_dim": set_attribute("", c_dim=10),
    "architecture": set_attribute("synthesis.b16", architecture="resnet"),
    "use_noise": set_attribute("synthesis.b8.conv0", use_noise=False),
    "activation": set_attribute("synthesis.b8.conv0", activation="relu"),
    "lr_multiplier of mapping.fc0": set_attribute("mapping.fc0", bias_gain=1),
    "lr_multiplier of synthesis.b8.conv0.affine": set_attribute("synthesis.b8.conv0.affine", bias_gain=0.5),
    "img_channels": set_attribute("", img_channels=1),
    "conv_clamp": set_attribute("synthesis.b8.conv0", conv_clamp=128),
    "use_fp16": set_attribute("synthesis.b8", use_fp16=True),
    "channel_base": set_attribute("synthesis", _init_kwargs={"channel_base": 128}),
}
REFUSED_DISCRIMINATORS = {
    "c_dim": set_attribute("", c_dim=10),
    "cmap_dim": set_attribute("b4", cmap_dim=512),
    "architecture": set_attribute("b16", architecture="skip"),
    "activation": set_attribute("b4.fc", activation="relu"),
    "num_channels": set_attribute("b4.mbstd", num_channels=2),
    "mbstd_group_size": set_attribute("b4.mbstd", group_size=0),
    "conv_clamp": set_attribute("b8.conv0", conv_clamp=1),
    "conv_clamp of b8.skip": set_attribute("b8.skip", conv_clamp=256),
}


@pytest.mark.parametrize(
    "setting, edits, kind",
    [(k, v, "G") for k, v in REFUSED_GENERATORS.items()] + [(k, v, "D") for k, v in REFUSED_DISCRIMINATORS.items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_we_do_not_have_are_refused_by_name(setting, edits, kind, g, d, tmp_path):
    network = g if kind == "G" else d
    path = files.write(tmp_path / "n.pt", files.torch_save(files.nvidia_module(network, edits)))
    with pytest.raises(CheckpointError, match=rf"n\.pt: .*{setting}"):
        load(path, network)


CHANGED_TENSORS = {  # what other architectures have in their state dicts
    "label embedding": ("G", {"mapping.embed.weight": (24, 10)}, "c_dim"),
    "residual generator": ("G", {"synthesis.b8.skip.weight": (16, 16, 1, 1)}, "architecture"),
    "grey images": ("G", {"synthesis.b4.torgb.weight": (1, 16, 1, 1)}, "img_channels"),
    "mapping width": ("G", {"mapping.fc0.weight": (20, 16)}, "layer_features"),
    "odd size": ("G", {"synthesis.b24.conv1.weight": (8, 8, 3, 3)}, "powers of two"),
    "odd channels": ("G", {"synthesis.b8.conv1.weight": (5, 5, 3, 3)}, "channel_base"),
    "other shape": ("G", {"synthesis.b8.conv1.weight": (16, 9, 3, 3)}, "expected .16, 16, 3, 3."),
    "unknown": ("G", {"synthesis.b8.attention.weight": (5, 5)}, "attention"),
    "label mapping": ("D", {"mapping.fc0.weight": (24, 10)}, "c_dim"),
    "projection": ("D", {"b4.out.weight": (16, 16)}, "cmap_dim"),
    "skip discriminator": ("D", {"b8.fromrgb.weight": (16, 3, 1, 1)}, "architecture"),
    "no deviation": ("D", {"b4.conv.weight": (16, 16, 3, 3)}, "mbstd_num_channels"),
    "grey discriminator": ("D", {"b32.fromrgb.weight": (8, 1, 1, 1)}, "img_channels"),
    "other filter": ("G", {"synthesis.b8.resample_filter": (2, 2)}, "resample_filter"),
}


@pytest.mark.parametrize("case", CHANGED_TENSORS)
def test_tensors_of_other_architectures_are_refused(case, g, d, tmp_path):
    kind, changes, message = CHANGED_TENSORS[case]
    network = g if kind == "G" else d
    state = network.state_dict() | {name: torch.zeros(shape) for name, shape in changes.items()}
    with pytest.raises(CheckpointError, match=message):
        load(files.write(tmp_path / "s.pt", files.torch_save(state)), network)


def test_a_missing_tensor_is_named(g, tmp_path):
    state = g.state_dict()
    del state["synthesis.b8.conv1.affine.bias"]
    with pytest.raises(CheckpointError, match=r"lacks synthesis\.b8\.conv1\.affine\.bias"):
        load_generator(files.write(tmp_path / "s.pt", files.torch_save(state)))


def test_another_filter_is_refused(g, tmp_path):
    theirs = files.rosinality_generator(g) | {"to_rgbs.0.upsample.kernel": files.fir_kernel()}
    with pytest.raises(CheckpointError, match=r"resample_filter \(to_rgbs\.0\.upsample\.kernel\)"):
        load_generator(files.write(tmp_path / "r.pt", files.torch_save({"g_ema": theirs})))


def test_stylegan3_is_refused_by_name(g, tmp_path):
    module = files.nvidia_module(g)
    synthesis = module.state["_modules"]["synthesis"]
    synthesis.state["_modules"]["input"] = files.Persistent("SynthesisInput", _parameters={}, _buffers={}, _modules={})
    with pytest.raises(CheckpointError, match="StyleGAN3"):
        load_generator(files.write(tmp_path / "n.pkl", files.dumps(files.nvidia_pickle(module))))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(label_size=10), "label_size"),
        (dict(architecture="resnet"), "architecture"),
        (dict(resample_kernel=[1, 2, 1]), "resample_kernel"),
        (dict(mapping_lrmul=0.1), "mapping_lrmul"),
        (dict(normalize_latents=False), "normalize_latents"),
        (dict(use_noise=False), "use_noise"),
        (dict(nonlinearity="relu"), "nonlinearity"),
        (dict(conv_clamp="256"), "conv_clamp"),
        (dict(fmap_base=77), "channel_base"),
    ],
    ids=str,
)
def test_tensorflow_settings_that_we_do_not_have_are_refused(arguments, message, g, d, tmp_path):
    network = files.tensorflow_generator(g, **arguments)
    path = files.write(tmp_path / "t.pkl", files.dumps((network, files.tensorflow_discriminator(d), network)))
    with pytest.raises(CheckpointError, match=message):
        load_generator(path)


def test_older_tensorflow_networks_are_refused_with_the_reason(g, d, tmp_path):
    old = files.tensorflow_generator(g)
    old.version = 3
    style = files.tensorflow_generator(g)
    style.components["synthesis"].variables.append(("4x4/Const/StyleMod/weight", np.zeros(3, "f4")))
    progressive = files.tensorflow_generator(g)
    progressive.components["synthesis"].variables.append(("ToRGB_lod0/weight", np.zeros(3, "f4")))
    for network, message in ((old, "older than StyleGAN2"), (style, "StyleGAN 1"), (progressive, "Progressive GAN")):
        path = files.write(tmp_path / "t.pkl", files.dumps((network, files.tensorflow_discriminator(d), network)))
        with pytest.raises(CheckpointError, match=message):
            load_generator(path)


def test_keys_that_are_not_there_are_answered_with_those_that_are(g, d, tmp_path):
    path = files.write(tmp_path / "r.pt", files.torch_save({"g_ema": files.rosinality_generator(g)}))
    with pytest.raises(CheckpointError, match=r"has no g .*there are: g_ema"):
        load_generator(path, key="g")
    with pytest.raises(CheckpointError, match=r"has no Discriminator .*there are: g_ema"):
        load_discriminator(path)
    path = files.write(tmp_path / "m.pt", files.torch_save(files.nvidia_module(d)))
    with pytest.raises(CheckpointError, match="holds Discriminator, expected Generator"):
        load_generator(path)
    with pytest.raises(CheckpointError, match="has no G"):
        load_generator(path, key="G")
    assert read_weights(path).network == "Discriminator"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_noted_and_not_loaded(value, g, tmp_path):
    state = {k: t.clone() for k, t in g.state_dict().items()}
    state["synthesis.b8.conv1.weight"][0, 0, 0, 0] = value
    path = files.write(tmp_path / "s.pt", files.torch_save(state))
    assert "not finite: synthesis.b8.conv1.weight" in read_weights(path).notes
    with pytest.raises(CheckpointError, match=r"NaN or infinite.*synthesis\.b8\.conv1\.weight"):
        load_generator(path)
