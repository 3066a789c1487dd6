"""MobileStyleGAN from OpenVINO's IR: a graph in XML, and its constants as raw little-endian floats beside it.

So the wheel ``random-face`` 2021.7.21.1 has it: a mapping and a synthesis network, IR version 10. The graphs are not
executed; they are followed from the named constants, or from the result, to the constants without a name. Activations,
wavelets or an order of layers other than those of ``mystyle.networks.mobilestylegan`` are refused. Nothing is read that
the files do not hold: XML of bounded size, without document types or entities; every constant with its offset, size and
shape checked before it is copied, and finite.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import torch
from torch import Tensor

from mystyle.checkpoints import load_network, naming
from mystyle.checkpoints.architecture import MAX_CODE, MAX_MAPPING_LAYERS, MAX_RESOLUTION, estimate_w_avg
from mystyle.checkpoints.containers import map_file
from mystyle.checkpoints.weights import CheckpointError, Shape, unsupported
from mystyle.networks.mobilestylegan import BANDS, MobileGenerator, assign, require_fit
from mystyle.networks.rgb_heads import RGBHeads, with_head
from mystyle.networks.stylegan2 import LRELU_GAIN, LRELU_SLOPE

FOLDER = "random_face/data"
MEMBERS = tuple(f"{FOLDER}/{name}Network.{end}" for name in ("Mapping", "Synthesis") for end in ("xml", "bin"))
"""the files, by their names in the wheel"""
HEADS = Path(__file__).parents[1] / "weights" / "faces" / "heads.safetensors"
MAX_XML = 1 << 22  # bytes; the published graphs have 60 and 425 thousand
MAX_DIMENSIONS = 5
MAX_EXTENT = 4096  # of an axis
VERSION = "10"
LR_MUL = 0.01  # of the mapping's layers, by which our parameters of it are divided


@dataclass(frozen=True)
class Node:
    """A layer of the graph."""

    kind: str
    name: str
    data: Mapping[str, str]


class Graph:
    """The layers of an IR by number, what flows into each in the order of its ports, and the bytes of constants."""

    def __init__(self, root: ElementTree.Element, data: memoryview):
        self.data, self.unread = data, 2 * len(data)
        self.nodes = {
            part.get("id", ""): Node(part.get("type", ""), part.get("name", ""), attributes(part.find("data")))
            for part in root.iterfind("layers/layer")
        }
        ports: dict[str, dict[int, str]] = {}
        for edge in root.iterfind("edges/edge"):
            port = whole(edge.get("to-port", ""), "a port")
            ports.setdefault(edge.get("to-layer", ""), {})[port] = edge.get("from-layer", "")
        self.inputs = {to: [found[port] for port in sorted(found)] for to, found in ports.items()}
        self.named = {node.name: i for i, node in self.nodes.items()}
        self.users: dict[str, list[str]] = {}
        for to, sources in self.inputs.items():
            for source in sources:
                self.users.setdefault(source, []).append(to)

    def kind(self, i: str) -> str:
        return self.nodes[i].kind if i in self.nodes else "nothing"

    def label(self, i: str) -> str:
        return f"layer {self.nodes[i].name[:60] if i in self.nodes else i[:20]}"

    def find(self, name: str) -> str:
        """The layer of this name."""
        if name not in self.named:
            raise CheckpointError(f"has no layer {name}, which MobileStyleGAN has")
        return self.named[name]

    def first(self, i: str) -> str:
        """What flows into the first port of layer ``i``."""
        return self.inputs.get(i, [""])[0]

    def sources(self, i: str, *kinds: str) -> list[str]:
        """What flows into layer ``i``. Raises CheckpointError unless it is of these kinds; "" is any."""
        found = self.inputs.get(i, [])
        if len(found) != len(kinds) or any(k not in ("", self.kind(j)) for j, k in zip(found, kinds, strict=True)):
            shown = ", ".join(self.kind(j)[:20] for j in found[:4])
            raise CheckpointError(f"{self.label(i)} takes {shown or 'nothing'}, expected {', '.join(kinds)}")
        return found

    def user(self, i: str, kind: str) -> str:
        """The one layer of this kind that ``i`` flows into."""
        found = [j for j in self.users.get(i, []) if self.kind(j) == kind]
        if len(found) != 1:
            raise CheckpointError(f"{self.label(i)} flows into {len(found)} layers of type {kind}, expected one")
        return found[0]

    def shape(self, i: str, ndim: int) -> Shape:
        """Of a constant."""
        if self.kind(i) != "Const":
            raise CheckpointError(f"{self.label(i)} is {self.kind(i)[:20]}, expected a constant")
        parts = [part.strip() for part in self.nodes[i].data.get("shape", "").split(",", MAX_DIMENSIONS)]
        found = tuple(whole(part, f"the shape of {self.label(i)}") for part in parts if part)
        if len(found) != ndim or max(found, default=1) > MAX_EXTENT:
            raise CheckpointError(
                f"{self.label(i)} has shape {list(found)}, expected {ndim} axes of up to {MAX_EXTENT}"
            )
        return found

    def constant(self, i: str, *shape: int) -> Tensor:
        """The floats of constant ``i`` as ``shape``, in memory of their own; its file's shape may differ."""
        if self.kind(i) != "Const":
            raise CheckpointError(f"{self.label(i)} is {self.kind(i)[:20]}, expected a constant")
        data = self.nodes[i].data
        if data.get("element_type") != "f32":
            raise unsupported(f"element_type of {self.label(i)}", data.get("element_type"), "f32")
        offset, size = (whole(data.get(key, ""), f"{key} of {self.label(i)}") for key in ("offset", "size"))
        if size != 4 * math.prod(shape):
            raise CheckpointError(f"{self.label(i)} has {size:,} bytes, not those of {list(shape)} floats")
        if offset + size > len(self.data):
            raise CheckpointError(f"{self.label(i)} ends at byte {offset + size:,} of {len(self.data):,}")
        self.unread -= size
        if self.unread < 0:
            raise CheckpointError("its constants are the same bytes over and over")
        # a copy, because the bytes are a view of the file, which may change or go away
        tensor = torch.frombuffer(bytearray(self.data[offset : offset + size]), dtype=torch.float32).reshape(shape)
        if not tensor.isfinite().all():
            raise CheckpointError(f"{self.label(i)} has NaN or infinite weights")
        return tensor

    def require(self, i: str, expected: float) -> None:
        """Raises CheckpointError unless constant ``i`` is this number."""
        value = self.constant(i).item()
        if not math.isclose(value, expected, rel_tol=1e-6):
            raise unsupported(self.label(i), value, expected)


def attributes(element: ElementTree.Element | None) -> Mapping[str, str]:
    return {} if element is None else element.attrib


def whole(text: str, what: str) -> int:
    """A number of at most twelve digits."""
    if not re.fullmatch("[0-9]{1,12}", text):
        raise CheckpointError(f"{what} is {text[:20]!a}, expected a whole number")
    return int(text)


def read_graph(xml: Path, weights: Path) -> Graph:
    """Raises CheckpointError if the files are missing, or the first is not an IR of version 10."""
    with naming(xml):
        data = map_file(xml)
        if len(data) > MAX_XML:
            raise CheckpointError(f"has {len(data):,} bytes; the XML of a network has at most {MAX_XML:,}")
        try:
            text = str(data, "utf-8")  # given as text, so that no declaration can choose another encoding
            if found := re.search("<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
                raise CheckpointError(f"has a {found[0]}, which no network needs; it was not parsed")
            root = ElementTree.fromstring(text)
        except (ElementTree.ParseError, UnicodeDecodeError) as error:
            raise CheckpointError(f"is no XML ({error})") from error
        if root.tag != "net" or root.get("version") != VERSION:
            raise unsupported("OpenVINO's IR", root.get("version") if root.tag == "net" else root.tag, VERSION)
    with naming(weights):
        floats = map_file(weights)
    with naming(xml):
        return Graph(root, floats)


def read_mapping(graph: Graph) -> dict[str, Tensor]:
    """The tensors of ``stylegan2.MappingNetwork``, from the last layer to the first: x W^T + b, leaky ReLU, gain."""
    results = [i for i in graph.nodes if graph.kind(i) == "Result"]
    (at,) = graph.sources(results[0], "Multiply") if len(results) == 1 else ("",)
    layers: list[tuple[Tensor, Tensor]] = []
    while graph.kind(graph.first(at)) == "PReLU" and len(layers) <= MAX_MAPPING_LAYERS:
        rectified, gain = graph.sources(at, "PReLU", "Const")
        graph.require(gain, LRELU_GAIN)
        shifted, slope = graph.sources(rectified, "Add", "Const")
        graph.require(slope, LRELU_SLOPE)
        product, bias = graph.sources(shifted, "MatMul", "Reshape")
        at, matrix = graph.sources(product, "Multiply", "Const")
        if (transposed := graph.nodes[product].data.get("transpose_b")) != "true":
            raise unsupported(f"transpose_b of {graph.label(product)}", transposed, "true")
        n_out, n_in = graph.shape(matrix, 2)
        layers.append((graph.constant(matrix, n_out, n_in), graph.constant(graph.first(bias), n_out)))
    if not 0 < len(layers) <= MAX_MAPPING_LAYERS:
        raise CheckpointError(f"holds no mapping network of 1 to {MAX_MAPPING_LAYERS} layers")
    tensors = {}
    for i, (weight, values) in enumerate(reversed(layers)):
        tensors[f"mapping.fc{i}.weight"] = weight * (math.sqrt(weight.shape[1]) / LR_MUL)
        tensors[f"mapping.fc{i}.bias"] = values / LR_MUL
    return tensors


def read_synthesis(graph: Graph) -> dict[str, Tensor]:
    """The tensors of ``mobilestylegan.Synthesis`` as ``assign`` wants them, channels in the order of our bands."""
    require_haar(graph)
    tensors = {f"b4.conv1.{name}": tensor for name, tensor in styled_conv(graph, "m.conv1").items()}
    constant = graph.find("m.input.input")
    tensors["b4.const"] = graph.constant(constant, *graph.shape(constant, 4)[1:])
    level = 0
    while f"m.layers.{level}.up.modulation.weight" in graph.named:
        block, prefix = f"b{8 << level}", f"m.layers.{level}"
        tensors |= {f"{block}.affine.{name}": tensor for name, tensor in affine(graph, f"{prefix}.up").items()}
        for i in (0, 1):
            layer = styled_conv(graph, f"{prefix}.conv{i + 1}")
            tensors |= {f"{block}.conv{i}.{name}": tensor for name, tensor in layer.items()}
        level += 1
        if 8 << level > MAX_RESOLUTION:
            raise unsupported("resolution", "more", f"up to {MAX_RESOLUTION}")
    if not level:
        raise CheckpointError("holds no MobileStyleGAN: it has no layer m.layers.0.up.modulation.weight")
    prefix = f"m.layers.{level - 1}.to_img"
    tensors |= {f"torgb.{name}": tensor for name, tensor in rgb(graph, prefix).items()}
    return in_bands(tensors, level)


def require_haar(graph: Graph) -> None:
    """Raises CheckpointError if the graph up-samples with other filters than [1, 1] and [1, -1] over sqrt 2."""
    for i in [i for i in graph.nodes if graph.kind(i) == "GroupConvolutionBackpropData"]:
        _, filters = graph.sources(i, "", "Const")
        values = graph.constant(filters, graph.shape(filters, 5)[0], 2) * math.sqrt(2)
        if not any(torch.allclose(values, torch.tensor([1.0, sign])) for sign in (1.0, -1.0)):
            raise unsupported(f"the filter of {graph.label(i)}", values, "Haar's")


def affine(graph: Graph, prefix: str, gain: float = 1.0) -> dict[str, Tensor]:
    """The map from w to styles under ``prefix``, times the gain that the graph multiplies styles with."""
    weight, bias = graph.find(f"{prefix}.modulation.weight"), graph.find(f"{prefix}.modulation.bias")
    n_out, w_dim = graph.shape(weight, 2)
    return {"weight": gain * graph.constant(weight, n_out, w_dim), "bias": gain * graph.constant(bias, n_out)}


def styled_conv(graph: Graph, prefix: str) -> dict[str, Tensor]:
    """The layer whose bias is ``prefix``.bias: style, convolutions, plus noise, plus bias, leaky ReLU."""
    bias = graph.find(f"{prefix}.bias")
    shifted = graph.user(bias, "Add")
    _, slope = graph.sources(graph.user(shifted, "PReLU"), "Add", "Const")
    graph.require(slope, LRELU_SLOPE)
    noisy, _ = graph.sources(shifted, "Add", "Const")
    convolved, noise = graph.sources(noisy, "Convolution", "Const")
    x, weight = graph.sources(convolved, "", "Const")
    n_out, n_in, k, _ = graph.shape(weight, 4)
    if graph.kind(x) == "GroupConvolution":
        x, kernel = graph.sources(x, "Multiply", "Const")
        own = {"depthwise": graph.constant(kernel, n_in, 1, 3, 3), "pointwise": graph.constant(weight, n_out, n_in)}
    else:
        own = {"weight": graph.constant(weight, n_out, n_in, k, k)}
    size = graph.shape(noise, 4)[-1]
    noise_map = graph.constant(noise, size, size)
    strength = noise_map.square().mean().sqrt()
    maps = {"noise_const": noise_map / strength if strength > 0 else noise_map, "noise_strength": strength}
    styles = {
        f"affine.{name}": tensor for name, tensor in affine(graph, f"{prefix}.conv", style_gain(graph, x)).items()
    }
    return {**styles, **own, **maps, "bias": graph.constant(bias, n_out)}


def style_gain(graph: Graph, i: str) -> float:
    """The constant that the style is multiplied with before layer ``i``, the product of activations and style."""
    style = next((j for j in graph.inputs.get(i, []) if graph.kind(j) == "Multiply"), "")
    return graph.constant(graph.sources(style, "Reshape", "Const")[1]).item()


def rgb(graph: Graph, prefix: str) -> dict[str, Tensor]:
    """The last layer, which gives the wavelet coefficients of the image."""
    weight, bias = graph.find(f"{prefix}.conv.weight"), graph.find(f"{prefix}.bias")
    x, _ = graph.sources(graph.user(weight, "Convolution"), "Multiply", "Const")
    n_in = graph.shape(weight, 4)[1]
    styles = affine(graph, f"{prefix}.conv", style_gain(graph, x))
    own = {"weight": graph.constant(weight, 3 * BANDS, n_in), "bias": graph.constant(bias, 3 * BANDS)}
    return {f"affine.{name}": tensor for name, tensor in styles.items()} | own


def in_bands(tensors: dict[str, Tensor], levels: int) -> dict[str, Tensor]:
    """Channels in the order of our bands, where the file has the low-pass and then three details of every channel."""
    found = dict(tensors)

    def reorder(*names: str) -> None:
        for name in names:
            n = len(tensors[name])
            if n % BANDS:
                raise unsupported(f"number of channels ({name})", n, f"a multiple of {BANDS}")
            low = n // BANDS
            details = torch.arange(low, n).reshape(low, BANDS - 1).T.flatten()
            found[name] = tensors[name][torch.cat([torch.arange(low), details])]

    for level in range(levels):
        below = "b4.conv1.weight" if level == 0 else f"b{4 << level}.conv1.pointwise"
        block = f"b{8 << level}"
        reorder(below, f"b{4 << level}.conv1.bias", f"{block}.affine.weight", f"{block}.affine.bias")
    reorder("torgb.weight", "torgb.bias")
    return found


def read_mobilestylegan(files: Mapping[str, Path], resolution: int = 1024) -> MobileGenerator:
    """The generator of ``MEMBERS``, in float32 on the CPU, in eval mode and without gradients.

    ``w_avg``, which the files do not have, is the mean of 10,000 fixed codes. A smaller ``resolution`` than the files'
    ends in an RGB layer of ``mystyle.networks.rgb_heads``, which ships. Raises CheckpointError if a file is missing,
    damaged or hostile, or of another network, or if no RGB layer of the resolution ships.
    """
    if missing := [name for name in MEMBERS if name not in files]:
        raise CheckpointError(f"{missing[0]}: missing; MobileStyleGAN needs {', '.join(MEMBERS)}")
    paths = [files[name] for name in MEMBERS]
    mapping, synthesis = read_graph(*paths[:2]), read_graph(*paths[2:])
    with naming(paths[0]):
        tensors = read_mapping(mapping)
    with naming(paths[2]):
        tensors |= {f"synthesis.{name}": tensor for name, tensor in read_synthesis(synthesis).items()}
        config = architecture(tensors)
        tensors["mapping.w_avg"] = estimate_w_avg(tensors, config)
        network = assembled(config, tensors)
    if resolution == network.resolution:
        return network
    heads = load_network(RGBHeads, HEADS)
    try:
        return with_head(network, heads, resolution)
    except ValueError as error:
        raise CheckpointError(f"{HEADS}: {error}") from error


def architecture(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The constructor's arguments for these tensors."""
    layers = sum(name.startswith("mapping.") for name in tensors) // 2
    w_dim, z_dim = len(tensors["mapping.fc0.bias"]), tensors["mapping.fc0.weight"].shape[1]
    if max(w_dim, z_dim) > MAX_CODE:
        raise unsupported("z_dim or w_dim", max(w_dim, z_dim), f"up to {MAX_CODE}")
    channels = [len(t) for name, t in tensors.items() if name.endswith(".conv1.bias")]
    return dict(resolution=4 << len(channels), z_dim=z_dim, w_dim=w_dim, channels=channels, mapping_layers=layers)


def assembled(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> MobileGenerator:
    try:
        with torch.device("meta"):  # whether it fits is seen before any memory is taken
            require_fit(MobileGenerator(**config), tensors)
        with torch.random.fork_rng(devices=[]):  # initial weights are random, to be replaced
            network = MobileGenerator(**config)
        assign(network, tensors)
    except ValueError as error:
        raise CheckpointError(f"does not fit a MobileGenerator ({error})") from error
    return network.eval().requires_grad_(False)
