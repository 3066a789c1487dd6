"""TensorFlow.js's weights: values, names, and what damaged or hostile manifests can do."""

import json

import numpy as np
import pytest
import torch

from mystyle.checkpoints import CheckpointError
from mystyle.checkpoints.tfjs import read_tfjs

RANDOM = np.random.default_rng(0)
FLOATS = RANDOM.standard_normal((2, 3)).astype(np.float32)
BYTES = RANDOM.integers(0, 256, (5, 1, 2), dtype=np.uint8)
LAST = RANDOM.standard_normal(4).astype(np.float32)


def groups():
    """Two groups, of which one is spread over two files in the middle of a number."""
    return [
        {
            "weights": [
                {"name": "a/floats", "shape": [2, 3], "dtype": "float32"},
                {
                    "name": "a/bytes",
                    "shape": [5, 1, 2],
                    "dtype": "float32",
                    "quantization": {"dtype": "uint8", "scale": 0.0125, "min": -1.5},
                },
            ],
            "paths": ["one.bin", "two.bin"],
        },
        {"weights": [{"name": "last", "shape": [4], "dtype": "float32"}], "paths": ["three.bin"]},
    ]


def files(folder, manifest, **contents):
    """The members ``package/model/...`` of a package."""
    first = FLOATS.tobytes() + BYTES.tobytes()
    contents = {"one": first[:14], "two": first[14:], "three": LAST.tobytes()} | contents
    written = {"net.json": manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()}
    written |= {f"{name}.bin": data for name, data in contents.items() if data is not None}
    members = {}
    for name, data in written.items():
        (folder / name).write_bytes(data)
        members[f"package/model/{name}"] = folder / name
    return members


def read(folder, manifest, **contents):
    return read_tfjs(files(folder, manifest, **contents), "package/model/net.json")


def test_values(tmp_path):
    tensors = read(tmp_path, groups())
    assert list(tensors) == ["a/floats", "a/bytes", "last"]
    assert torch.equal(tensors["a/floats"], torch.from_numpy(FLOATS))
    assert torch.equal(tensors["last"], torch.from_numpy(LAST))
    # the same sum in float64, rounded once
    assert torch.equal(tensors["a/bytes"], torch.from_numpy((BYTES * 0.0125 - 1.5).astype(np.float32)))
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())


def changed(**fields):
    """The groups with other fields of the second weight."""
    result = groups()
    result[0]["weights"][1] |= fields
    return result


def in_group(**fields):
    result = groups()
    result[1] |= fields
    return result


def quantised(**fields):
    return changed(quantization={"dtype": "uint8", "scale": 0.1, "min": 0.0} | fields)


MANIFESTS = {
    "is not JSON": b"{",
    "is not JSON (": b"[" * 100_000,
    "a list of groups": {},
    "no list of weights": [{}],
    "no list of paths": in_group(paths=[]),
    "tensors, or some of the same name": changed(name="a/floats"),
    "0 tensors": [],
    "not a named float32 tensor": changed(dtype="int32"),
    "not a named float32 tensor ": changed(name=7),
    "a shape that no weight has": changed(shape=[-5, -1, 2]),
    "a shape that no weight has ": changed(shape=[5, True, 2]),
    "a shape that no weight has  ": changed(shape=[1] * 40),
    "more than 64 MiB": changed(shape=[1 << 20, 1 << 20]),
    "promises 31 ": in_group(weights=[{"name": "last", "shape": [31], "dtype": "float32"}]),
    "in a way other than": quantised(dtype="uint16"),
    "in a way other than ": quantised(scale=float("nan")),
    "in a way other than  ": quantised(scale="1"),
    "outside its folder": in_group(paths=["../three.bin"]),
    "outside its folder ": in_group(paths=["/etc/passwd"]),
    "outside its folder  ": in_group(paths=[".."]),
    "lacks this file": in_group(paths=["four.bin"]),
    "no weights manifest": b" " * (1 << 20) + b"[]",
}


@pytest.mark.parametrize("message", MANIFESTS)
def test_bad_manifests_are_one_message(tmp_path, message):
    wanted = message.strip().removesuffix(" (").replace("promises 31", "promises 124")
    with pytest.raises(CheckpointError, match=wanted):
        read(tmp_path, MANIFESTS[message])


@pytest.mark.parametrize("three", [b"", LAST.tobytes()[:-1], LAST.tobytes() + b"\0"])
def test_sizes_must_be_those_of_the_manifest(tmp_path, three):
    with pytest.raises(CheckpointError, match=r"three\.bin: has .* bytes where its manifest promises 16"):
        read(tmp_path, groups(), three=three)


def test_missing_files(tmp_path):
    with pytest.raises(CheckpointError, match=r"package/model/two\.bin: the package lacks this file"):
        read(tmp_path, groups(), two=None)
    with pytest.raises(CheckpointError, match=r"net\.json: the package lacks"):
        read_tfjs({}, "package/model/net.json")


def test_weights_are_finite(tmp_path):
    with pytest.raises(CheckpointError, match=r"three\.bin: has NaN or infinite weights \(last\)"):
        read(tmp_path, groups(), three=np.full(4, np.nan, np.float32).tobytes())
