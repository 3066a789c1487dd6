"""Reads the constants and the operators of a TensorFlow Lite file, without running it.

A file is a FlatBuffer (https://flatbuffers.dev/internals) of the schema in TensorFlow's
``tensorflow/compiler/mlir/lite/schema/schema.fbs``; numbers of fields below are those of the schema. Every offset is
checked against the file, and what a file can make the reader do is in proportion to its size.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mystyle.checkpoints import naming
from mystyle.checkpoints.containers import map_file
from mystyle.checkpoints.weights import CheckpointError

IDENTIFIER = b"TFL3"
MAX_PARTS = 20_000  # tensors, operators or buffers; a network of 60 layers has 400
MAX_OPERANDS = 64  # of one operator
MAX_DIMENSIONS = 6
MAX_NAME = 1_000

DTYPES: Mapping[int, np.dtype[np.generic]] = {  # of enum TensorType
    0: np.dtype("<f4"),
    2: np.dtype("<i4"),
    4: np.dtype("<i8"),
}


class Kind(IntEnum):
    """Some of enum BuiltinOperator."""

    ADD = 0
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    MUL = 18
    RELU = 19
    RESHAPE = 22
    SUB = 41
    ABS = 101


@dataclass(frozen=True)
class Operator:
    """``kind`` is a number of enum BuiltinOperator; inputs and outputs are names of tensors."""

    kind: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Constants by name, in TensorFlow's layout, and the operators in the order in which they run."""

    constants: dict[str, Tensor]
    operators: tuple[Operator, ...]


class Table:
    """A table of a FlatBuffer: its fields are found by a vtable, and one that is left out has its default."""

    def __init__(self, data: memoryview, at: int):
        self.data, self.at = data, at

    @cached_property
    def slots(self) -> memoryview:
        """The vtable's part with the places of the fields, two bytes for each."""
        start = self.at - self.number("<i", self.at)
        size = self.number("<H", start)
        if size < 4 or start + size > len(self.data):
            raise CheckpointError("is damaged: it points outside itself")
        return self.data[start + 4 : start + size]

    def number(self, form: str, at: int) -> int:
        if not 0 <= at <= len(self.data) - struct.calcsize(form):
            raise CheckpointError("is damaged: it points outside itself")
        value: int = struct.unpack_from(form, self.data, at)[0]
        return value

    def place(self, field: int) -> int | None:
        """Where a field lies; None where it is left out."""
        slot = self.slots[2 * field : 2 * field + 2]
        offset = int.from_bytes(slot, "little")
        return self.at + offset if len(slot) == 2 and offset else None

    def scalar(self, field: int, form: str) -> int:
        """A number, 0 where it is left out."""
        at = self.place(field)
        return 0 if at is None else self.number(form, at)

    def vector(self, field: int, width: int, most: int) -> tuple[int, int]:
        """Where the items of a vector begin and how many there are: at most ``most``, of ``width`` bytes."""
        at = self.place(field)
        if at is None:
            return 0, 0
        start = at + self.number("<I", at)
        count = self.number("<I", start)
        if count > most or start + 4 + count * width > len(self.data):
            raise CheckpointError(f"is damaged: it has a list of {count:,} items")
        return start + 4, count

    def bytes(self, field: int, most: int) -> memoryview:
        start, count = self.vector(field, 1, most)
        return self.data[start : start + count]

    def integers(self, field: int, most: int) -> tuple[int, ...]:
        start, count = self.vector(field, 4, most)
        return struct.unpack_from(f"<{count}i", self.data, start)

    def tables(self, field: int) -> tuple[Table, ...]:
        start, count = self.vector(field, 4, MAX_PARTS)
        places = range(start, start + 4 * count, 4)
        return tuple(Table(self.data, at + self.number("<I", at)) for at in places)


def read_tflite(path: Path) -> Graph:
    """The only subgraph of a file. Raises CheckpointError if it is missing, damaged, or has other types of constants.

    Constants are float32, int32 or int64, each in memory of its own; floats are finite.
    """
    with naming(path):
        data = map_file(path)
        if bytes(data[4:8]) != IDENTIFIER:
            raise CheckpointError("is no TensorFlow Lite file")
        model = Table(data, int.from_bytes(data[:4], "little"))
        graphs = model.tables(2)
        if len(graphs) != 1:
            raise CheckpointError(f"has {len(graphs)} subgraphs, expected one")
        tensors = graphs[0].tables(0)
        names = tuple(map(name_of, tensors))
        if len(set(names)) < len(names):
            raise CheckpointError("has several tensors of the same name")
        constants = read_constants(dict(zip(names, tensors, strict=True)), model.tables(4), len(data))
        kinds = tuple(max(code.scalar(0, "<b"), code.scalar(3, "<i")) for code in model.tables(1))
        operators = tuple(read_operator(table, kinds, names) for table in graphs[0].tables(3))
        return Graph(constants, operators)


def name_of(tensor: Table) -> str:
    try:
        return str(tensor.bytes(3, MAX_NAME), "utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError("is damaged: a name is not UTF-8") from error


def read_constants(tensors: Mapping[str, Table], buffers: tuple[Table, ...], size: int) -> dict[str, Tensor]:
    """The tensors that have bytes, if they have no more of them than the file."""
    constants, left = {}, size
    for name, tensor in tensors.items():
        index = tensor.scalar(2, "<I")
        if index >= len(buffers):
            raise CheckpointError(f"is damaged: {name[:80]} has no buffer")
        body = buffers[index].bytes(0, size)
        left -= len(body)
        if left < 0:
            raise CheckpointError("its constants have more bytes than the file")
        if len(body):
            constants[name] = decode(name, tensor.integers(0, MAX_DIMENSIONS), tensor.scalar(1, "<b"), body)
    return constants


def decode(name: str, shape: tuple[int, ...], kind: int, body: memoryview) -> Tensor:
    if kind not in DTYPES:
        raise CheckpointError(f"stores {name[:80]} as another type than float32 or integers")
    dtype = DTYPES[kind]
    if any(n < 1 for n in shape) or math.prod(shape) * dtype.itemsize != len(body):
        raise CheckpointError(f"is damaged: {name[:80]} has {len(body):,} bytes for the shape {list(shape)}")
    values = np.frombuffer(body, dtype).astype(dtype.newbyteorder("=")).reshape(shape)
    if not np.isfinite(values).all():
        raise CheckpointError(f"has NaN or infinite weights ({name[:80]})")
    return torch.from_numpy(values)


def read_operator(table: Table, kinds: tuple[int, ...], names: tuple[str, ...]) -> Operator:
    code = table.scalar(0, "<I")
    inputs, outputs = (table.integers(field, MAX_OPERANDS) for field in (1, 2))
    if code >= len(kinds) or any(not -1 <= i < len(names) for i in (*inputs, *outputs)):
        raise CheckpointError("is damaged: an operator refers to what is not there")
    return Operator(kinds[code], *(tuple(names[i] for i in ids if i >= 0) for ids in (inputs, outputs)))
