"""Weight files of the official repositories, made from our own networks without any official code.

The classes and functions that such files refer to exist only inside ``official_names``, while a file is written. What
the files carry as source code would write the file ``CANARY`` into the working directory, were it run.
"""

from __future__ import annotations

import io
import pickle
import re
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mystyle.networks.stylegan2 import Discriminator, Generator, fir_kernel

CANARY = "the-source-code-was-run"
SOURCE = f"open({CANARY!r}, 'w').close()"
LINEAR = ("affine", "skip", "out")


class EasyDict(dict):
    """Stands for dnnlib.util.EasyDict."""


class Network:
    """Stands for dnnlib.tflib.network.Network."""

    def __init__(self, **state: Any):
        self.__dict__.update(state)


def _reconstruct_persistent_obj(meta: dict[str, Any]) -> None:
    raise AssertionError("an official function was called")


class Persistent:
    """Stands for any of NVIDIA's modules: pickled as the call of one function with everything in one dictionary."""

    def __init__(self, class_name: str, **state: Any):
        self.class_name, self.state = class_name, state

    def __reduce__(self):
        meta = dict(type="class", version=6, module_src=SOURCE, class_name=self.class_name, state=self.state)
        return _reconstruct_persistent_obj, (meta,)


@contextmanager
def official_names() -> Iterator[None]:
    """Inside, our stand-ins have the official names, so that pickle can write them."""
    places = {
        EasyDict: "dnnlib.util",
        Network: "dnnlib.tflib.network",
        _reconstruct_persistent_obj: "torch_utils.persistence",
    }
    parents = ("dnnlib", "dnnlib.tflib", "torch_utils")
    before = {thing: thing.__module__ for thing in places}
    for name in (*parents, *places.values()):
        sys.modules[name] = types.ModuleType(name)
    for thing, module in places.items():
        setattr(sys.modules[module], thing.__name__, thing)
        thing.__module__ = module
    try:
        yield
    finally:
        for thing, module in before.items():
            thing.__module__ = module
        for name in (*parents, *places.values()):
            del sys.modules[name]


def dumps(value: Any, protocol: int = 4) -> bytes:
    with official_names():
        return pickle.dumps(value, protocol)


def torch_save(value: Any, *, archive: bool = True) -> bytes:
    buffer = io.BytesIO()
    with official_names():
        torch.save(value, buffer, _use_new_zipfile_serialization=archive)
    return buffer.getvalue()


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """With every tensor random, biases and noise strengths too, in steps that survive adding and taking away one."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=generator).mul(256).round() / 256)
    return network.eval().requires_grad_(False)


# NVIDIA's PyTorch networks


def nvidia_module(
    network: nn.Module, edits: Mapping[str, Mapping[str, Any]] | None = None, frozen: str = ""
) -> Persistent:
    """``network`` as NVIDIA's tree of modules. ``edits`` changes attributes by the module's name; parameters of the
    modules whose name begins with ``frozen`` become buffers, as by Freeze-D."""
    tree: dict[str, dict[str, Tensor]] = {} if isinstance(network, Generator) else {"b4.mbstd": {}}
    for name, tensor in network.state_dict().items():
        module, _, key = name.rpartition(".")
        tree.setdefault(module, {})[key] = tensor.clone()

    def build(name: str) -> Persistent:
        class_name, attributes, filtered = nvidia_attributes(network, name)
        own = tree.get(name, {})
        buffers = {
            k: t for k, t in own.items() if k in ("noise_const", "w_avg") or (frozen and name.startswith(frozen))
        }
        parameters = {k: nn.Parameter(t) for k, t in own.items() if k not in buffers}
        prefix = f"{name}." if name else ""
        children = dict.fromkeys(
            m.removeprefix(prefix).split(".")[0] for m in tree if m != name and m.startswith(prefix)
        )
        return Persistent(
            class_name,
            training=False,
            _parameters=parameters,
            _buffers=buffers | ({"resample_filter": fir_kernel()} if filtered else {}),
            _non_persistent_buffers_set=set(),
            _modules={child: build(prefix + child) for child in children},
            _init_args=(),
            **{"_init_kwargs": EasyDict(), **attributes, **(edits or {}).get(name, {})},
        )

    return build("")


def nvidia_attributes(network: Generator | Discriminator, name: str) -> tuple[str, dict[str, Any], bool]:
    """Class, attributes, and whether it has a filter, of the module called ``name``."""
    config, last = network.config, name.rpartition(".")[2]
    clamp, resolution = config["conv_clamp"], config["resolution"]
    gain = np.float64(np.sqrt(2))
    schedule = dict(channel_base=config["channel_base"], channel_max=config["channel_max"])
    common = dict(img_resolution=resolution, img_channels=3)
    activation = "linear" if last in LINEAR else "lrelu"
    if m := re.fullmatch(r"b(\d+)", last):
        half = int(m[1]) >= max(2 ** (resolution.bit_length() - config["num_fp16_res"]), 8)
        architecture = "skip" if isinstance(network, Generator) else "resnet"
        block = dict(resolution=int(m[1]), img_channels=3, architecture=architecture)
        if name == "b4":
            return "DiscriminatorEpilogue", block | dict(cmap_dim=0), False
        return "Block", block | dict(use_fp16=half), True
    if name == "":
        if isinstance(network, Generator):
            return "Generator", common | dict(z_dim=config["z_dim"], c_dim=0, w_dim=config["w_dim"]), False
        return "Discriminator", common | dict(c_dim=0, _init_kwargs=EasyDict(schedule)), False
    if name == "synthesis":
        return "SynthesisNetwork", common | dict(_init_kwargs=EasyDict(schedule)), False
    if name == "mapping":
        return "MappingNetwork", dict(c_dim=0, num_layers=config["mapping_layers"], w_avg_beta=0.995), False
    if last == "mbstd":
        return "MinibatchStdLayer", dict(group_size=config["mbstd_group"], num_channels=1), False
    if last in ("affine", "fc", "out") or name.startswith("mapping.fc"):
        rate = 0.01 if name.startswith("mapping") else 1
        layer = dict(activation=activation, weight_gain=np.float64(rate), bias_gain=rate)
        return "FullyConnectedLayer", layer, False
    if last == "torgb":
        return "ToRGBLayer", dict(conv_clamp=clamp), False
    if last == "skip":
        return "Conv2dLayer", dict(activation=activation, conv_clamp=None, act_gain=gain), True
    layer = dict(activation=activation, conv_clamp=clamp, act_gain=gain)
    return (
        ("SynthesisLayer", layer | dict(use_noise=True), True) if "synthesis" in name else ("Conv2dLayer", layer, True)
    )


def nvidia_pickle(g: Any, d: Any = None, g_raw: Any = None) -> dict[str, Any]:
    """What a pickle of stylegan2-ada-pytorch holds."""
    pipe = Persistent("AugmentPipe", _parameters={}, _buffers={"p": torch.ones([])}, _modules={}, xflip=np.float32(1))
    about = EasyDict(path="x", use_labels=False, max_size=np.int64(70000))
    return dict(G=g_raw or g, D=d, G_ema=g, training_set_kwargs=about, augment_pipe=pipe)


# rosinality


def rosinality_generator(g: Generator) -> dict[str, Tensor]:
    """The state dict of rosinality's generator, without latent_avg."""
    theirs = {}
    styled = {"affine.weight": "conv.modulation.weight", "affine.bias": "conv.modulation.bias"}
    for name, t in g.state_dict().items():
        if m := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
            theirs[f"style.{int(m[1]) + 1}.{m[2]}"] = t
        elif name == "synthesis.b4.const":
            theirs["input.input"] = t[None]
        elif m := re.fullmatch(r"synthesis\.b(\d+)\.(\w+)\.(.+)", name):
            level, layer, kind = int(m[1]).bit_length() - 1, m[2], m[3]
            j = level - 3
            if kind == "noise_const":
                index = 0 if level == 2 else 2 * level - (5 if layer == "conv0" else 4)
                theirs[f"noises.noise_{index}"] = t[None, None]
                continue
            first = {"conv1": "conv1", "torgb": "to_rgb1"}
            later = {"conv0": f"convs.{2 * j}", "conv1": f"convs.{2 * j + 1}", "torgb": f"to_rgbs.{j}"}
            place = (first if level == 2 else later)[layer]
            if kind == "weight":
                theirs[f"{place}.conv.weight"] = t[None]
            elif kind == "bias":
                rgb = layer == "torgb"
                theirs[f"{place}.bias" if rgb else f"{place}.activate.bias"] = t.reshape(1, 3, 1, 1) if rgb else t
            elif kind == "noise_strength":
                theirs[f"{place}.noise.weight"] = t.reshape(1)
            else:
                theirs[f"{place}.{styled[kind]}"] = t
            if layer == "conv0":
                theirs[f"{place}.conv.blur.kernel"] = 4 * fir_kernel()
            if layer == "torgb" and level > 2:
                theirs[f"{place}.upsample.kernel"] = 4 * fir_kernel()
    return theirs


def rosinality_discriminator(d: Discriminator) -> dict[str, Tensor]:
    theirs = {}
    ends = {"b4.conv": "final_conv", "b4.fc": "final_linear", "b4.out": "final_linear"}
    for name, t in d.state_dict().items():
        module, _, kind = name.rpartition(".")
        block, _, layer = module.partition(".")
        j = d.resolution.bit_length() - int(block[1:]).bit_length() + 1
        if module == "b4.conv":
            theirs[f"final_conv.{0 if kind == 'weight' else 1}.{kind}"] = t
        elif module in ends:
            theirs[f"final_linear.{int(layer == 'out')}.{kind}"] = t
        elif layer == "fromrgb":
            theirs[f"convs.0.{0 if kind == 'weight' else 1}.{kind}"] = t
        else:
            first = {"conv0": ("conv1", 0), "conv1": ("conv2", 1), "skip": ("skip", 1)}[layer]
            theirs[f"convs.{j}.{first[0]}.{first[1] + (kind == 'bias')}.{kind}"] = t
            if layer != "conv0":
                theirs[f"convs.{j}.{first[0]}.0.kernel"] = fir_kernel()
    return theirs


# TensorFlow


def tensorflow_layer(name: str, t: Tensor) -> Any:
    """A parameter as TensorFlow keeps it: an array, or a number if it has no dimensions."""
    a = t.numpy()
    if name.endswith("affine.bias"):
        a = a - 1
    if a.ndim == 4:
        a = a.transpose(2, 3, 1, 0)
        a = a[::-1, ::-1] if re.search(r"synthesis.*conv0\.weight", name) else a
    elif a.ndim == 2 and name.endswith("weight"):
        a = a.T
    return np.ascontiguousarray(a) if a.ndim else np.float32(a)


def tensorflow_generator(g: Generator, **arguments: Any) -> Network:
    mapping, synthesis = [], []
    layers = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB"}
    kinds = {"affine.weight": "mod_weight", "affine.bias": "mod_bias"}
    for name, t in g.state_dict().items():
        if m := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", name):
            mapping.append((f"Dense{m[1]}/{m[2]}", tensorflow_layer(name, t)))
        elif name == "synthesis.b4.const":
            synthesis.append(("4x4/Const/const", t[None].numpy()))
        elif m := re.fullmatch(r"synthesis\.b(\d+)\.(\w+)\.(.+)", name):
            level = int(m[1]).bit_length() - 1
            if m[3] == "noise_const":
                index = 0 if level == 2 else 2 * level - (5 if m[2] == "conv0" else 4)
                synthesis.append((f"noise{index}", t[None, None].numpy()))
            else:
                layer = "Conv" if level == 2 and m[2] == "conv1" else layers[m[2]]
                synthesis.append((f"{m[1]}x{m[1]}/{layer}/{kinds.get(m[3], m[3])}", tensorflow_layer(name, t)))
    own = [("lod", np.float32(0)), ("dlatent_avg", g.mapping.w_avg.numpy())]
    parts = dict(
        mapping=tensorflow_network("G_mapping", mapping), synthesis=tensorflow_network("G_synthesis", synthesis)
    )
    config = dict(fmap_base=g.config["channel_base"] // 2, fmap_max=g.config["channel_max"], resolution=g.resolution)
    return tensorflow_network("G_main", own, parts, config | dict(num_channels=3, label_size=0) | arguments)


def tensorflow_discriminator(d: Discriminator, function: str = "D_stylegan2", **arguments: Any) -> Network:
    layers = {
        "fromrgb": "FromRGB",
        "conv0": "Conv0",
        "conv1": "Conv1_down",
        "skip": "Skip",
        "conv": "Conv",
        "fc": "Dense0",
    }
    variables = []
    for name, t in d.state_dict().items():
        r, layer, kind = re.fullmatch(r"b(\d+)\.(\w+)\.(\w+)", name).groups()
        place = "Output" if layer == "out" else f"{r}x{r}/{layers[layer]}"
        variables.append((f"{place}/{kind}", tensorflow_layer(name, t)))
    config = dict(fmap_base=d.config["channel_base"] // 2, fmap_max=d.config["channel_max"], resolution=d.resolution)
    return tensorflow_network(function, variables, {}, config | arguments)


def tensorflow_network(
    function: str,
    variables: list[Any],
    components: dict[str, Any] | None = None,
    arguments: dict[str, Any] | None = None,
) -> Network:
    return Network(
        version=4,
        name=function,
        static_kwargs=EasyDict(arguments or {}),
        components=EasyDict(components or {}),
        build_module_src=SOURCE,
        build_func_name=function,
        variables=variables,
    )


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
