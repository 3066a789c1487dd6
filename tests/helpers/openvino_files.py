"""Small MobileStyleGANs as OpenVINO's IR has them, and what they compute, written from the graph and not from our code.

Layers have the names, types and order of inputs of the published files; numbers are random.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from xml.sax.saxutils import quoteattr

import torch
import torch.nn.functional as F

from mystyle.checkpoints.openvino import MEMBERS

W_DIM, Z_DIM = 12, 8
CHANNELS = (16, 16, 8)  # at 4, 8, 16 px, for an image of 32
STEPS = 2  # of the mapping


def make(seed: int = 0) -> dict[str, torch.Tensor]:
    """Random constants by the names of the file, or by made-up ones where it has numbers."""
    draws = torch.Generator().manual_seed(seed)

    def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return scale * torch.randn(shape, generator=draws)

    raw = {}
    for i in range(STEPS):
        n_in = Z_DIM if i == 0 else W_DIM
        raw |= {f"w{i}": normal(W_DIM, n_in, scale=n_in**-0.5), f"b{i}": normal(W_DIM, scale=0.1)}

    def styles(prefix: str, n: int) -> None:
        raw[f"{prefix}.modulation.weight"] = normal(n, W_DIM, scale=0.3)
        raw[f"{prefix}.modulation.bias"] = 1 + normal(1, n, scale=0.1)

    def conv(prefix: str, n_in: int, n_out: int, size: int) -> None:
        styles(f"{prefix}.conv", n_in)
        raw[f"{prefix}.gain"] = torch.full((1, 1, 1, 1), n_in**-0.5)
        if size == 4:
            raw[f"{prefix}.weight"] = normal(n_out, n_in, 3, 3, scale=0.5)
        else:
            raw[f"{prefix}.conv.weight_dw"] = normal(n_in, 1, 1, 3, 3)
            raw[f"{prefix}.weight"] = normal(n_out, n_in, 1, 1)
        raw[f"{prefix}.noise"] = normal(1, 1, size, size, scale=0.2)
        raw[f"{prefix}.bias"] = normal(1, n_out, 1, 1, scale=0.3)

    raw["m.input.input"] = normal(1, CHANNELS[0], 4, 4)
    conv("m.conv1", CHANNELS[0], CHANNELS[0], 4)
    for level, (n_in, n_out) in enumerate(itertools.pairwise(CHANNELS)):
        styles(f"m.layers.{level}.up", n_in)
        conv(f"m.layers.{level}.conv1", n_in // 4, n_out, 8 << level)
        conv(f"m.layers.{level}.conv2", n_out, n_out, 8 << level)
    last = f"m.layers.{len(CHANNELS) - 2}.to_img"
    styles(f"{last}.conv", CHANNELS[-1])
    raw[f"{last}.gain"] = torch.full((1, 1, 1, 1), 0.3)
    raw[f"{last}.conv.weight"], raw[f"{last}.bias"] = normal(12, CHANNELS[-1], 1, 1), normal(1, 12, 1, 1, scale=0.1)
    return raw


def mapping(raw: dict[str, torch.Tensor], z: torch.Tensor) -> torch.Tensor:
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    for i in range(STEPS):
        x = F.leaky_relu(x @ raw[f"w{i}"].T + raw[f"b{i}"], 0.2) * math.sqrt(2)
    return x


def inverse_haar(x: torch.Tensor) -> torch.Tensor:
    """Low-pass channels first, then (channel, three details), by transposed convolutions as in the file."""
    c = x.shape[1] // 4
    low, details = x[:, :c], x[:, c:].reshape(len(x), c, 3, *x.shape[2:])
    g0, g1 = (torch.tensor([1.0, sign]).to(x) / math.sqrt(2) for sign in (1.0, -1.0))

    def up(y: torch.Tensor, filter: torch.Tensor, axis: int) -> torch.Tensor:
        shape, stride = ((c, 1, 2, 1), (2, 1)) if axis == 0 else ((c, 1, 1, 2), (1, 2))
        kernel = filter.reshape(shape[2:]).expand(shape)
        return F.conv_transpose2d(y, kernel, stride=stride, groups=c)

    left = up(low, g0, 0) + up(details[:, :, 0], g1, 0)
    right = up(details[:, :, 1], g0, 0) + up(details[:, :, 2], g1, 0)
    return up(left, g0, 1) + up(right, g1, 1)


def image(raw: dict[str, torch.Tensor], ws: torch.Tensor, noise: bool = True) -> torch.Tensor:
    """[n, num_ws, w_dim] -> [n, 3, R, R]."""

    def style(prefix: str, row: int) -> torch.Tensor:
        s = ws[:, row] @ raw[f"{prefix}.modulation.weight"].T + raw[f"{prefix}.modulation.bias"]
        return s[:, :, None, None]

    def conv(prefix: str, x: torch.Tensor, row: int) -> torch.Tensor:
        x = x * (style(f"{prefix}.conv", row) * raw[f"{prefix}.gain"])
        if f"{prefix}.conv.weight_dw" in raw:
            x = F.conv2d(x, raw[f"{prefix}.conv.weight_dw"][:, 0], padding=1, groups=x.shape[1])
            x = F.conv2d(x, raw[f"{prefix}.weight"])
        else:
            x = F.conv2d(x, raw[f"{prefix}.weight"], padding=1)
        x = x + raw[f"{prefix}.noise"] if noise else x
        return F.leaky_relu(x + raw[f"{prefix}.bias"], 0.2)

    x = conv("m.conv1", raw["m.input.input"].expand(len(ws), -1, -1, -1), 0)
    for level in range(len(CHANNELS) - 1):
        prefix, row = f"m.layers.{level}", 2 * level + 1
        x = inverse_haar(x * style(f"{prefix}.up", row))
        x = conv(f"{prefix}.conv2", conv(f"{prefix}.conv1", x, row), row + 1)
    last = f"m.layers.{len(CHANNELS) - 2}.to_img"
    x = x * (style(f"{last}.conv", ws.shape[1] - 1) * raw[f"{last}.gain"])
    return inverse_haar(F.conv2d(x, raw[f"{last}.conv.weight"]) + raw[f"{last}.bias"])


class Net:
    """A graph that is being written."""

    def __init__(self) -> None:
        self.layers: list[str] = []
        self.edges: list[str] = []
        self.floats = b""

    def add(self, kind: str, *inputs: str, name: str = "", **data: object) -> str:
        i = str(len(self.layers))
        attributes = " ".join(f"{key}={quoteattr(str(value))}" for key, value in data.items())
        inner = f"<data {attributes}/>" if data else ""
        self.layers.append(
            f'<layer id="{i}" name={quoteattr(name or i)} type="{kind}" version="opset1">{inner}</layer>'
        )
        for port, source in reversed(list(enumerate(inputs))):  # the order of edges says nothing
            self.edges.append(f'<edge from-layer="{source}" from-port="0" to-layer="{i}" to-port="{port}"/>')
        return i

    def const(self, values: torch.Tensor, name: str = "") -> str:
        part = values.numpy().astype("<f4" if values.is_floating_point() else "<i8").tobytes()
        offset, self.floats = len(self.floats), self.floats + part
        shape = ", ".join(map(str, values.shape))
        kind = "f32" if values.is_floating_point() else "i64"
        return self.add("Const", name=name, element_type=kind, shape=shape, offset=offset, size=len(part))

    def reshape(self, x: str) -> str:
        return self.add("Reshape", x, self.const(torch.tensor([1])), special_zero="true")

    def leaky_relu(self, x: str) -> str:
        return self.add("PReLU", x, self.const(torch.tensor([0.2])))

    def up(self, x: str) -> str:
        """Stands for the transform, of which the filters matter alone."""
        low, high = (torch.tensor([1.0, sign]).view(1, 1, 1, 2, 1) / math.sqrt(2) for sign in (1.0, -1.0))
        parts = [
            self.add("GroupConvolutionBackpropData", x, self.const(f.expand(3, -1, -1, -1, -1))) for f in (low, high)
        ]
        return self.add("Add", *parts)

    def xml(self) -> str:
        layers, edges = "".join(self.layers), "".join(self.edges)
        head = '<?xml version="1.0" ?><net name="Net" version="10">'
        return f"{head}<layers>{layers}</layers><edges>{edges}</edges></net>"


def mapping_net(raw: dict[str, torch.Tensor]) -> Net:
    net = Net()
    z = net.add("Parameter", shape=f"1, {Z_DIM}", element_type="f32")
    x = net.add("Multiply", z, net.add("Power", z, net.const(torch.tensor([[0.5]]))))
    for i in range(STEPS):
        product = net.add("MatMul", x, net.const(raw[f"w{i}"]), transpose_a="false", transpose_b="true")
        x = net.leaky_relu(net.add("Add", product, net.reshape(net.const(raw[f"b{i}"]))))
        x = net.add("Multiply", x, net.const(torch.tensor([[math.sqrt(2)]])))
    net.add("Result", x)
    return net


def synthesis_net(raw: dict[str, torch.Tensor]) -> Net:
    net = Net()
    w = net.add("Parameter", shape=f"1, {W_DIM}", element_type="f32")

    def style(prefix: str, gain: torch.Tensor | None) -> str:
        weight, bias = (
            net.const(raw[f"{prefix}.{n}"], f"{prefix}.{n}") for n in ("modulation.weight", "modulation.bias")
        )
        s = net.reshape(net.add("Add", net.add("MatMul", w, weight), bias))
        return s if gain is None else net.add("Multiply", s, net.const(gain))

    def conv(prefix: str, x: str) -> str:
        x = net.add("Multiply", style(f"{prefix}.conv", raw[f"{prefix}.gain"]), x)
        if f"{prefix}.conv.weight_dw" in raw:
            x = net.add("GroupConvolution", x, net.const(raw[f"{prefix}.conv.weight_dw"], f"{prefix}.conv.weight_dw"))
        x = net.add("Convolution", x, net.const(raw[f"{prefix}.weight"]))
        x = net.add("Add", x, net.const(raw[f"{prefix}.noise"]))
        return net.leaky_relu(net.add("Add", x, net.const(raw[f"{prefix}.bias"], f"{prefix}.bias")))

    x = conv("m.conv1", net.add("Tile", net.const(raw["m.input.input"], "m.input.input")))
    for level in range(len(CHANNELS) - 1):
        prefix = f"m.layers.{level}"
        x = net.up(net.add("Multiply", style(f"{prefix}.up", None), x))
        x = conv(f"{prefix}.conv2", conv(f"{prefix}.conv1", x))
    last = f"m.layers.{len(CHANNELS) - 2}.to_img"
    x = net.add("Multiply", style(f"{last}.conv", raw[f"{last}.gain"]), x)
    x = net.add("Convolution", x, net.const(raw[f"{last}.conv.weight"], f"{last}.conv.weight"))
    net.add("Result", net.add("Add", x, net.const(raw[f"{last}.bias"], f"{last}.bias")))
    return net


def write(folder: Path, raw: dict[str, torch.Tensor]) -> dict[str, Path]:
    """The files by the names of the wheel's members."""
    contents: list[bytes] = []
    for net in (mapping_net(raw), synthesis_net(raw)):
        contents += [net.xml().encode(), net.floats]
    files = {}
    for member, content in zip(MEMBERS, contents, strict=True):
        files[member] = folder / Path(member).name
        files[member].write_bytes(content)
    return files
