"""Recognisers and readers of faces from files of their packages' formats, and from the packages' own files."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tflite_files import model, write_model

from mystyle.checkpoints import CheckpointError, face_api, load_network
from mystyle.checkpoints.mobilefacenet import MEMBER, fill, read_mobilefacenet
from mystyle.checkpoints.tflite import Graph, Kind, Operator, read_tflite
from mystyle.networks.dlib_resnet import DlibResNet
from mystyle.networks.face_api import AgeGender, FaceExpressions, FaceLandmarks
from mystyle.networks.mobilefacenet import Bottleneck, MobileFaceNet

READERS = {
    face_api.RECOGNITION: (face_api.read_dlib_resnet, DlibResNet),
    face_api.LANDMARKS: (face_api.read_landmarks, FaceLandmarks),
    face_api.EXPRESSIONS: (face_api.read_expressions, FaceExpressions),
    face_api.AGE: (face_api.read_age, AgeGender),
}
DLIB_BLOCKS = ["conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3"]
DLIB_BLOCKS += ["conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2", "conv256_down_out"]


def face_api_names(network):
    """A network's weights under face-api's names, in TensorFlow's layouts: the inverse of the reader's conversion."""
    state = network.state_dict()
    for name, value in state.items():
        layer, _, part = name.rpartition(".")
        path = layer.replace(".", "/")
        if path.endswith("/depthwise"):
            yield path.removesuffix("/depthwise") + "/depthwise_filter", value.permute(2, 3, 0, 1)
        elif path.endswith("/pointwise"):
            short = path.removesuffix("/pointwise")
            yield (
                (f"{short}/bias", value)
                if part == "bias"
                else (
                    f"{short}/pointwise_filter",
                    value.permute(2, 3, 1, 0),
                )
            )
        elif part == "weight":
            yield (f"{path}/filters", value.permute(2, 3, 1, 0)) if value.dim() == 4 else (f"{path}/weights", value.T)
        else:
            yield f"{path}/{part}", value


def dlib_names(network):
    """As ``face_api_names``, with the convolution's bias and the scale taken apart: w k x + (w b + b')."""
    layers = {"conv32_down": network.stem}
    for name, block in zip(DLIB_BLOCKS, network.blocks, strict=True):
        layers |= {f"{name}/conv1": block.conv1, f"{name}/conv2": block.conv2}
    for name, layer in layers.items():
        yield f"{name}/conv/filters", layer.weight.permute(2, 3, 1, 0) / 2
        yield f"{name}/conv/bias", torch.ones_like(layer.bias) / 4
        yield f"{name}/scale/weights", torch.full_like(layer.bias, 2)
        yield f"{name}/scale/biases", layer.bias - 0.5
    yield "fc", network.head.weight.T


def write_manifest(folder, member, tensors):
    """The two members of a network, all of whose tensors are float32."""
    weights = [{"name": n, "shape": list(t.shape), "dtype": "float32"} for n, t in tensors.items()]
    manifest, data = member, member.replace("-weights_manifest.json", ".bin")
    files = {name: folder / Path(name).name for name in (manifest, data)}
    files[manifest].write_text(json.dumps([{"weights": weights, "paths": [Path(data).name]}]))
    files[data].write_bytes(b"".join(t.detach().contiguous().numpy().astype("<f4").tobytes() for t in tensors.values()))
    return files


def names_of(network):
    return dict((dlib_names if isinstance(network, DlibResNet) else face_api_names)(network))


@pytest.mark.parametrize("member", READERS)
def test_networks_of_face_api_come_back_as_they_were_written(tmp_path, member):
    read, kind = READERS[member]
    torch.manual_seed(0)
    network = kind()
    found = read(write_manifest(tmp_path, member, names_of(network)))
    # powers of two make the scale exact; the bias is a sum of floats of at most 1, so rounded at 1e-7
    for (name, value), other in zip(network.state_dict().items(), found.state_dict().values(), strict=True):
        assert torch.allclose(other, value, rtol=0, atol=2e-7 if "bias" in name else 0), name
    assert not found.training and not any(p.requires_grad for p in found.parameters())


@pytest.mark.parametrize("member", READERS)
def test_other_networks_are_refused(tmp_path, member):
    read, kind = READERS[member]
    tensors = names_of(kind())
    first = next(iter(tensors))
    without = {name: t for name, t in tensors.items() if name != first}
    for wrong in (without, tensors | {"more": torch.ones(1)}, tensors | {first: tensors[first][:1]}):
        with pytest.raises(CheckpointError, match=r"weights_manifest\.json: (lacks|holds another|has a layer)"):
            read(write_manifest(tmp_path, member, wrong))


def test_the_members_are_those_that_are_read():
    assert set(face_api.MEMBERS) == {m for n in READERS for m in (n, n.replace("-weights_manifest.json", ".bin"))}


def graph_of(network):
    """The constants and operators as the TensorFlow port has them, PReLU in five operators."""
    constants, operators = {}, []

    def add(kind, *values):
        number = len(operators)
        names = [f"{number}/{i}" for i in range(len(values))]
        constants.update(zip(names, (v.detach().contiguous().numpy() for v in values), strict=True))
        operators.append(Operator(kind, (f"x{number}", *names), (f"x{number + 1}",)))

    def walk(module):
        if isinstance(module, torch.nn.Conv2d) and module.groups == 1:
            add(Kind.CONV_2D, module.weight.permute(0, 2, 3, 1), module.bias)
        elif isinstance(module, torch.nn.Conv2d):
            add(Kind.DEPTHWISE_CONV_2D, module.weight.permute(1, 2, 3, 0), module.bias)
        elif isinstance(module, torch.nn.PReLU):
            for kind in (Kind.RELU, Kind.ABS, Kind.SUB):
                add(kind)
            add(Kind.MUL, module.weight / 2)
            add(Kind.ADD)
        else:
            for child in module.children():
                walk(child)
            if isinstance(module, Bottleneck) and module.adds:
                add(Kind.ADD)

    walk(network.layers)
    constants["shape"] = np.array([-1, network.config["embedding"]], np.int32)
    operators.append(Operator(Kind.RESHAPE, (f"x{len(operators)}", "shape"), ("embeddings",)))
    return constants, operators


def tiny():
    torch.manual_seed(1)
    network = MobileFaceNet(width=2, embedding=3)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    return network


def test_mobilefacenet_comes_back_as_it_was_written(tmp_path):
    network = tiny()
    (tmp_path / "tiny.tflite").write_bytes(write_model(model(*graph_of(network))))
    found = fill(MobileFaceNet(width=2, embedding=3), read_tflite(tmp_path / "tiny.tflite"))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), found.parameters(), strict=True))
    assert not any(p.requires_grad for p in found.parameters())


def test_another_network_than_mobilefacenet(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(write_model(model(*graph_of(tiny()))))
    with pytest.raises(CheckpointError, match=r"tiny\.tflite: has weights of \[2, 3, 3, 3\] where \[64, 3, 3, 3\]"):
        read_mobilefacenet({MEMBER: path})
    constants, operators = graph_of(tiny())
    tensors = {name: torch.from_numpy(value) for name, value in constants.items()}
    with pytest.raises(CheckpointError, match="another network"):
        fill(tiny(), Graph(tensors, tuple(operators[1:])))
    with pytest.raises(CheckpointError, match="0 constants where its CONV_2D needs 2"):
        fill(tiny(), Graph({}, tuple(operators)))
    with pytest.raises(CheckpointError, match="the package lacks this file"):
        read_mobilefacenet({})


# what the original runtimes give for ``pattern``: LiteRT 2.3.0, and face-api 1.7.15 on TensorFlow.js's CPU backend
EXPECTED = {
    ("judge", MobileFaceNet): ([-0.11765061, 0.78382331, 0.30302948, -0.00107169], 21.7322197),
    ("identity", DlibResNet): ([-0.10999026, 0.10995563, 0.10113378, -0.00018505], 1.302854285),
    ("landmarks", FaceLandmarks): ([0.34945887, 0.52288210, 0.45281458, 0.61450690], 6.400249614),
    ("expressions", FaceExpressions): ([0.08668114, 0.04325287, 0.86928022, 0.00047027], 0.874661563),
    ("age", AgeGender): ([27.49537659, 0.62345070], 27.502444),
}


def pattern(size):
    c, y, x = np.mgrid[:3, :size, :size]
    return torch.from_numpy((17 * x + 31 * y + 57 * c + x * y // 16) % 256)[None].float() / 127.5 - 1


@pytest.mark.slow
@pytest.mark.parametrize(("role", "kind"), EXPECTED)
def test_networks_equal_the_original_runtimes(role, kind):
    path = Path(os.environ.get("MYSTYLE_HOME", "none")) / "weights" / "faces" / f"{role}.safetensors"
    if not path.is_file():
        pytest.skip(f"{path} is not there; python -m mystyle.weights faces brings it, MYSTYLE_HOME says where")
    network = load_network(kind, path)
    found = network(pattern(network.size))
    if kind is FaceExpressions:
        found = found.softmax(dim=1)
    found = torch.stack(found, dim=1) if kind is AgeGender else found.flatten(1)
    start, norm = EXPECTED[role, kind]
    # float32 sums of thousands of products in another order: 1e-6 of the largest value on the way
    assert torch.allclose(found[0, : len(start)], torch.tensor(start), rtol=1e-5, atol=2e-5)
    assert float(found.norm()) == pytest.approx(norm, rel=1e-5)
