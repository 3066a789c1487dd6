"""Constants and operators of TensorFlow Lite files, and what damaged or hostile files can do."""

import numpy as np
import pytest
import torch
from tflite_files import Scalar, model, tensor_table, write_model

from mystyle.checkpoints import CheckpointError
from mystyle.checkpoints.tflite import Kind, Operator, read_tflite

RANDOM = np.random.default_rng(0)
CONSTANTS = {
    "kernel": RANDOM.standard_normal((4, 3, 3, 2)).astype(np.float32),
    "bias": RANDOM.standard_normal(4).astype(np.float32),
    "shape": np.array([-1, 4], np.int32),
    "long": np.array([1 << 40], np.int64),
}
OPERATORS = [
    Operator(Kind.CONV_2D, ("input", "kernel", "bias"), ("hidden",)),
    Operator(Kind.RESHAPE, ("hidden", "shape"), ("output",)),
    Operator(150, ("output", "long"), ("last",)),  # beyond the byte that older files have for it
]


def read(tmp_path, data):
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    return read_tflite(path)


def test_reads_what_was_written(tmp_path):
    graph = read(tmp_path, write_model(model(CONSTANTS, OPERATORS)))
    assert list(graph.operators) == OPERATORS
    assert graph.constants.keys() == CONSTANTS.keys()
    for name, array in CONSTANTS.items():
        assert torch.equal(graph.constants[name], torch.from_numpy(array))


def test_constants_have_memory_of_their_own(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(write_model(model(CONSTANTS, OPERATORS)))
    graph = read_tflite(path)
    graph.constants["bias"].zero_()
    assert not torch.equal(read_tflite(path).constants["bias"], graph.constants["bias"])


def changed(change):
    fields = model(CONSTANTS, OPERATORS)
    change(fields, fields[2][0][0])
    return write_model(fields)


FAULTS = {
    "no TensorFlow Lite file": b"\x10\0\0\0TFL2" + bytes(64),
    "empty": b"",
    "subgraphs": changed(lambda m, t: m[2].append({})),
    "same name": changed(lambda m, t: t.append(tensor_table("bias", (1,), 0, 0))),
    "no buffer": changed(lambda m, t: t.append(tensor_table("other", (1,), 0, 99))),
    "has 16 bytes for the shape": changed(lambda m, t: t.__setitem__(1, tensor_table("bias", (5,), 0, 2))),
    r"shape \[-4\]": changed(lambda m, t: t.__setitem__(1, tensor_table("bias", (-4,), 0, 2))),
    "another type": changed(lambda m, t: t.__setitem__(1, tensor_table("bias", (16,), 3, 2))),
    "7 items": changed(lambda m, t: t.__setitem__(1, tensor_table("bias", (1,) * 6 + (4,), 0, 2))),
    "not UTF-8": changed(lambda m, t: t.__setitem__(1, tensor_table("bias", (4,), 0, 2) | {3: b"\xff\xfe"})),
    "refers to what is not there": changed(lambda m, t: m[2][0][3][0].__setitem__(1, np.array([0, 400]))),
    "more bytes than the file": changed(lambda m, t: t.extend(tensor_table(f"t{i}", (72,), 0, 1) for i in range(200))),
    "NaN or infinite": write_model(model({"bias": np.array([np.inf], np.float32)}, [])),
}


@pytest.mark.parametrize("message", FAULTS)
def test_faults_are_one_message_with_the_file(tmp_path, message):
    with pytest.raises(CheckpointError, match=f"model.tflite: .*{message}"):
        read(tmp_path, FAULTS[message])


def test_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="no such weight file"):
        read_tflite(tmp_path / "none.tflite")


def test_an_operator_code_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="not there"):
        read(tmp_path, changed(lambda m, t: m[2][0][3][0].__setitem__(0, Scalar("<I", 9))))


def test_every_truncation_and_many_changed_bytes_are_refused_or_read(tmp_path):
    """Whatever the bytes, the reader ends with a graph or with its own error."""
    whole = write_model(model(CONSTANTS, OPERATORS))
    random = np.random.default_rng(1)
    for case in range(240):
        data = bytearray(whole)
        if case < 60:
            del data[int(random.integers(8, len(whole))) :]
        else:
            for at in random.integers(0, len(whole), 1 + case % 4):
                data[at] = random.integers(0, 256)
        try:
            read(tmp_path, bytes(data))
        except CheckpointError:
            continue
