"""What a weight file may refer to, and the inert objects that are made in its place.

``names`` is the whole list of what a pickle may refer to. Every constructor only notes its arguments, in constant time
and space; a tensor's bytes are copied when the tensor is asked for, after its bounds were checked.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mystyle.checkpoints.unpickle import Budget, Inert, Table, plain
from mystyle.checkpoints.weights import CheckpointError, Shape

MAX_DIMENSIONS = 8
WEIGHT_TYPES = (torch.float32, torch.float16, torch.float64)

STORAGE_TYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "ShortStorage": torch.int16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
NUMPY_TYPES = {  # torch's type and the letter of ``struct``
    "f2": (torch.float16, "e"),
    "f4": (torch.float32, "f"),
    "f8": (torch.float64, "d"),
    "i1": (torch.int8, "b"),
    "i2": (torch.int16, "h"),
    "i4": (torch.int32, "i"),
    "i8": (torch.int64, "q"),
    "u1": (torch.uint8, "B"),
    "u2": (torch.uint16, "H"),
    "u4": (torch.uint32, "I"),
    "u8": (torch.uint64, "Q"),
    "b1": (torch.bool, "?"),
}


class Record(Inert):
    """An object of which nothing but its name, arguments and state is known."""

    def __init__(self, kind: str, arguments: tuple[Any, ...]):
        self.kind, self.arguments = kind, arguments


class Module(Inert):
    """A persistent object of NVIDIA's: the name of its class and its attributes. Its source code is dropped."""

    def __init__(self, class_name: str, state: dict[str, Any]):
        self.class_name, self.state = class_name, state

    @classmethod
    def of(cls, *arguments: Any) -> Module:
        match arguments:
            case ({"type": "class", "class_name": str(class_name), "state": dict(state)},):
                return cls(class_name, state)
        raise CheckpointError("a persistent object has an unknown form")

    def build(self, state: Any) -> None:
        raise CheckpointError("a persistent object has an unknown form")


@dataclass(frozen=True, eq=False)
class Storage:
    """``count`` numbers of ``dtype``; ``read`` gives their bytes, which may stand later in the file."""

    dtype: torch.dtype
    count: int
    read: Callable[[], memoryview]


@dataclass(frozen=True, eq=False)
class Stored:
    """A tensor that is still in the file."""

    storage: Storage
    offset: int
    shape: Shape
    stride: tuple[int, ...]

    def __post_init__(self) -> None:
        numbers = (self.offset, *self.shape, *self.stride)
        if len(self.shape) != len(self.stride) or len(self.shape) > MAX_DIMENSIONS or min(numbers) < 0:
            raise CheckpointError("a tensor has an impossible shape")
        if math.prod(self.shape) > self.storage.count or self.offset + self.span > self.storage.count:
            raise CheckpointError(
                f"a tensor of {str(list(self.shape))[:80]} numbers reaches beyond its storage of {self.storage.count:,}"
            )

        if max(numbers) >= 1 << 63:  # the stride of an axis of length one reaches nowhere
            raise CheckpointError("a tensor has an impossible shape")

    @property
    def span(self) -> int:
        """How many numbers of the storage lie between its first and its last, both included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))

    @property
    def nbytes(self) -> int:
        return self.span * self.storage.dtype.itemsize

    def tensor(self) -> Tensor:
        """A float tensor with memory of its own, of the stored type."""
        dtype = self.storage.dtype
        if dtype not in WEIGHT_TYPES:
            raise CheckpointError(f"a weight has type {str(dtype).removeprefix('torch.')}")
        if not self.span:
            raise CheckpointError("a weight is empty")
        if math.prod(self.shape) > self.span:
            raise CheckpointError("a weight repeats a few numbers of the file many times")
        start = self.offset * dtype.itemsize
        part = self.storage.read()[start : start + self.nbytes]
        if len(part) < self.nbytes:
            raise CheckpointError("a weight is cut short")
        # through a bytearray, because torch wants memory that is aligned and may be written
        return torch.frombuffer(bytearray(part), dtype=dtype).as_strided(self.shape, self.stride).contiguous()


@dataclass(frozen=True, eq=False)
class Encoded:
    """Bytes that a pickle of protocol 2 holds as text."""

    text: str


class NumpyType(Inert):
    """A ``numpy.dtype`` of one number."""

    def __init__(self, *arguments: Any):
        match arguments:
            case (str(code), *_) if code.lstrip("<>=|") in NUMPY_TYPES:
                self.dtype, self.letter = NUMPY_TYPES[code.lstrip("<>=|")]
                self.order = code[0]
            case _:
                shown = f" {arguments[0][:20]!a}" if arguments and isinstance(arguments[0], str) else ""
                raise CheckpointError(f"it has NumPy data of the type{shown}; only plain numbers are read")

    def build(self, state: Any) -> None:
        match state:
            case (int(), str(order), None, None, None, *_):
                self.order = order
            case _:
                raise CheckpointError("it has NumPy data of a structured type")

    def require_little_endian(self) -> None:
        if self.order == ">":
            raise CheckpointError("it has big-endian NumPy data")


class Array(Inert):
    """A ``numpy.ndarray``, complete after ``build``."""

    def __init__(self, budget: Budget):
        self.budget = budget

    def build(self, state: Any) -> None:
        match state:
            case (int(), tuple(), NumpyType(), bool() | int(), memoryview() | Encoded() | str()):
                self.state = state[1:]
            case _:
                raise CheckpointError("a NumPy array has an unknown form")

    def stored(self) -> Stored:
        if self.state is None:
            raise CheckpointError("a NumPy array has no content")
        shape, kind, fortran, data = self.state
        kind.require_little_endian()
        raw = octets(data, self.budget)
        storage = Storage(kind.dtype, len(raw) // kind.dtype.itemsize, lambda: raw)
        return Stored(storage, 0, integers(shape), dense_stride(integers(shape), bool(fortran)))


def dense_stride(shape: Shape, fortran: bool) -> tuple[int, ...]:
    """How far apart neighbours along each axis are, the first axis changing fastest if ``fortran``."""
    axes = range(len(shape))
    return tuple(math.prod(shape[:axis] if fortran else shape[axis + 1 :]) for axis in axes)


def integers(values: Any) -> tuple[int, ...]:
    if isinstance(values, tuple) and len(values) <= MAX_DIMENSIONS and all(type(n) is int for n in values):
        return values
    raise CheckpointError("a tensor has an impossible shape")


def octets(value: Any, budget: Budget) -> memoryview:
    """The bytes that ``value`` stands for; text is how older protocols and Python 2 write them."""
    match value:
        case memoryview():
            return value
        case Encoded(text=text) | str(text):
            budget.copy(len(text))
            try:
                return memoryview(text.encode("latin1"))
            except UnicodeEncodeError as error:
                raise CheckpointError("it has text where bytes belong") from error
    raise CheckpointError(f"it has a {type(value).__name__} where bytes belong")


def names(budget: Budget, load_from_bytes: Callable[[Any], Any]) -> Table:
    """Every name that a weight file may refer to, with the constructor that takes its place.

    ``load_from_bytes`` reads the container that a plain pickle has for each storage.
    """
    table: dict[tuple[str, str], Callable[..., Any] | None] = {
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): Module.of,
        ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
        ("torch._utils", "_rebuild_parameter_with_state"): rebuild_parameter,
        ("torch.storage", "_load_from_bytes"): lambda *arguments: load_from_bytes(only(arguments)),
        ("collections", "OrderedDict"): lambda *arguments: new_dictionary(budget, *arguments),
        ("dnnlib.util", "EasyDict"): lambda *arguments: new_dictionary(budget, *arguments),
        ("_codecs", "encode"): encode,
        **storage_names(),
    }
    for package in ("numpy.core", "numpy._core"):  # before and since NumPy 2
        table |= {
            (f"{package}.multiarray", "scalar"): lambda *arguments: scalar(budget, *arguments),
            (f"{package}.multiarray", "_reconstruct"): lambda *arguments: Array(budget),
            (f"{package}.numeric", "_frombuffer"): lambda *arguments: from_buffer(budget, *arguments),
        }
    table |= {("numpy", "dtype"): NumpyType, ("numpy", "ndarray"): None}
    unread = [
        ("argparse", "Namespace"),
        ("builtins", "set"),
        ("__builtin__", "set"),
        ("torch", "Size"),
        ("torch", "device"),
        ("dnnlib.tflib.network", "Network"),
        ("tfutil", "Network"),
    ]
    return table | {(module, name): record(f"{module}.{name}") for module, name in unread}


def storage_names() -> Table:
    """The names of the types of storages, which are labels."""
    return {(module, name): None for module in ("torch", "torch.storage") for name in STORAGE_TYPES}


def record(kind: str) -> Callable[..., Record]:
    return lambda *arguments: Record(kind, arguments)


def only(arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 1:
        raise CheckpointError("a storage has an unknown form")
    return arguments[0]


def new_dictionary(budget: Budget, *arguments: Any) -> dict[Any, Any]:
    """Empty, because items come one by one afterwards; Python 2 gave those of an OrderedDict as a list of pairs."""
    match arguments:
        case ():
            return {}
        case (list(items),):
            budget.step(len(items))
            if all(isinstance(item, list | tuple) and len(item) == 2 for item in items):
                return {plain(key): value for key, value in items}
    raise CheckpointError("a dictionary has an unknown form")


def encode(*arguments: Any) -> Encoded:
    match arguments:
        case (str(text), "latin1" | "latin-1"):
            return Encoded(text)
    raise CheckpointError("it has encoded text of an unknown form")


def rebuild_tensor(*arguments: Any) -> Stored:
    """(storage, offset, size, stride[, requires_grad, hooks, ...])"""
    match arguments:
        case (Storage() as storage, int(offset), tuple(size), tuple(stride), *rest):
            if len(rest) > 1 and rest[1]:
                raise CheckpointError("a tensor has backward hooks")
            return Stored(storage, offset, integers(size), integers(stride))
    raise CheckpointError("a tensor has an unknown form")


def rebuild_parameter(*arguments: Any) -> Stored:
    """(tensor, requires_grad, hooks[, state])"""
    match arguments:
        case (Stored() as tensor, _, hooks, *_):
            if hooks:
                raise CheckpointError("a tensor has backward hooks")
            return tensor
    raise CheckpointError("a parameter has an unknown form")


def scalar(budget: Budget, *arguments: Any) -> float | int | bool:
    match arguments:
        case (NumpyType() as kind, data):
            kind.require_little_endian()
            raw = octets(data, budget)
            if len(raw) == kind.dtype.itemsize:
                (number,) = struct.unpack(f"<{kind.letter}", raw)
                return number  # type: ignore[no-any-return]
    raise CheckpointError("a NumPy number has an unknown form")


def from_buffer(budget: Budget, *arguments: Any) -> Array:
    """(buffer, dtype, shape, order), as protocol 5 writes arrays"""
    match arguments:
        case (data, kind, shape, "C" | "F" as order):
            array = Array(budget)
            array.build((1, shape, kind, order == "F", data))
            return array
    raise CheckpointError("a NumPy array has an unknown form")
