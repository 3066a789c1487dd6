"""Writes TensorFlow Lite files: a FlatBuffer of tables, vectors and strings, laid out from front to back."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mystyle.checkpoints.tflite import Operator

TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4}


@dataclass(frozen=True)
class Scalar:
    """A number that lies in its table, by its ``struct`` format."""

    form: str
    value: int


Table = Mapping[int, Any]
"""fields by number: a Scalar, bytes, an array of int32, a list of tables"""


def write_table(out: bytearray, table: Table) -> int:
    """Appends a vtable, a table and all below it; returns where the table begins."""
    count = max(table, default=-1) + 1
    vtable = len(out)
    out += bytes(4 + 2 * count)
    out += bytes(-len(out) % 8)
    at = len(out)
    out += struct.pack("<i", at - vtable) + bytes(8 * count)
    struct.pack_into("<HH", out, vtable, 4 + 2 * count, 4 + 8 * count)
    for field, value in table.items():
        place = 4 + 8 * field
        struct.pack_into("<H", out, vtable + 4 + 2 * field, place)
        if isinstance(value, Scalar):
            struct.pack_into(value.form, out, at + place, value.value)
        else:
            struct.pack_into("<I", out, at + place, write_vector(out, value) - at - place)
    return at


def write_vector(out: bytearray, value: bytes | np.ndarray | Sequence[Table]) -> int:
    out += bytes(-len(out) % 4)
    start = len(out)
    if isinstance(value, bytes):
        out += struct.pack("<I", len(value)) + value + b"\0"
    elif isinstance(value, np.ndarray):
        out += struct.pack("<I", value.size) + value.astype("<i4").tobytes()
    else:
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for i, table in enumerate(value):
            slot = start + 4 + 4 * i
            struct.pack_into("<I", out, slot, write_table(out, table) - slot)
    return start


def tensor_table(name: str, shape: Sequence[int], kind: int, buffer: int) -> dict[int, Any]:
    return {0: np.array(shape), 1: Scalar("<b", kind), 2: Scalar("<I", buffer), 3: name.encode()}


def model(constants: Mapping[str, np.ndarray], operators: Sequence[Operator]) -> dict[int, Any]:
    """A model of one subgraph, as the fields of its tables; buffer 0 is empty, as it has to be."""
    names = [*constants, *dict.fromkeys(n for op in operators for n in (*op.inputs, *op.outputs) if n not in constants)]
    kinds = sorted({op.kind for op in operators})
    tensors = [
        tensor_table(n, constants[n].shape, TYPES[str(constants[n].dtype)], i + 1)
        if n in constants
        else tensor_table(n, (1,), 0, 0)
        for i, n in enumerate(names)
    ]
    buffers = [{}, *({0: array.tobytes()} for array in constants.values())]
    rows = [
        {
            0: Scalar("<I", kinds.index(op.kind)),
            1: np.array([names.index(n) for n in op.inputs]),
            2: np.array([names.index(n) for n in op.outputs]),
        }
        for op in operators
    ]
    codes = [{0: Scalar("<b", min(kind, 127)), 3: Scalar("<i", kind)} for kind in kinds]
    return {0: Scalar("<I", 3), 1: codes, 2: [{0: tensors, 3: rows}], 4: buffers}


def write_model(fields: Table) -> bytes:
    out = bytearray(b"\0\0\0\0TFL3")
    struct.pack_into("<I", out, 0, write_table(out, fields))
    return bytes(out)
