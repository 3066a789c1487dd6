"""A pickle machine that can only build data.

A pickle is a program for a stack machine; two of its instructions import a name and call it, which is how a file runs
code. This machine has the same instructions, but a name is looked up in a table that the caller gives, and stands there
for a constructor of this package. What is not in the table is refused. Nothing is imported, no attribute is set, no
object of a class that the file chose is made.

Also: bytes are views into the input, not copies, so that a file of weights is read at the speed of the disk; and there
are bounds on the number of instructions and on what they can make, so that a small file cannot fill the memory.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mystyle.checkpoints.weights import CheckpointError

MAX_STEPS = 1_000_000  # a 1024 px pickle with G, D and G_ema takes about 60,000
MAX_MARKS = 1_000
MAX_NUMBER = 32  # bytes of an integer
MAX_ARGUMENTS = 16  # of a call; each call copies them
MAX_NAME = 256  # characters of a key; names of modules are joined, so that long ones multiply
MAX_KEY = 1 << 48  # optimisers number their parameters, old ones by address
STOP = ord(".")


@dataclass
class Budget:
    """What is left for all the pickles of one file: instructions, and bytes that are copied rather than viewed."""

    steps: int
    copies: int

    @classmethod
    def of(cls, size: int) -> Budget:
        """For a file of ``size`` bytes, whose bytes may be copied as text, as what the text encodes, and once more."""
        return cls(MAX_STEPS, 3 * size)

    def step(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise CheckpointError(f"its pickle has more than {MAX_STEPS:,} instructions")

    def copy(self, size: int) -> None:
        self.copies -= size
        if self.copies < 0:
            raise CheckpointError("its pickle unpacks the same bytes over and over")


@dataclass(frozen=True)
class Name:
    """A name that a pickle refers to; ``construct`` makes its stand-in, None if the name is only a label."""

    module: str
    name: str
    construct: Callable[..., Any] | None


class Inert:
    """What stands for an object of the file: it can be given a state and does nothing with it by itself."""

    state: Any = None

    def build(self, state: Any) -> None:
        self.state = state


Table = Mapping[tuple[str, str], Callable[..., Any] | None]


class Machine:
    """Runs one pickle of protocol 2 to 5, which begins at ``start`` of ``data``."""

    def __init__(
        self,
        data: memoryview,
        table: Table,
        budget: Budget,
        persistent: Callable[[Any], Any] | None = None,
        start: int = 0,
    ):
        self.data, self.table, self.budget, self.persistent, self.at = data, table, budget, persistent, start
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> tuple[Any, int]:
        """The object, and where its pickle ends. Raises CheckpointError for whatever is wrong with it."""
        try:
            while (code := self.data[self.at]) != STOP:
                self.at += 1
                self.budget.step()
                INSTRUCTIONS[code](self)
            return self.stack.pop(), self.at + 1
        except KeyError as error:
            raise CheckpointError(f"its pickle has an instruction or reference that is not known ({error})") from error
        except (IndexError, UnicodeDecodeError) as error:
            raise CheckpointError(f"its pickle is damaged or cut short at byte {self.at:,}") from error

    # reading

    def take(self, size: int) -> memoryview:
        part = self.data[self.at : self.at + size]
        if len(part) < size:
            raise IndexError
        self.at += size
        return part

    def unsigned(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def line(self) -> str:
        # names are short; a search over the rest of a large file would be slow
        text, newline, _ = bytes(self.data[self.at : self.at + 256]).partition(b"\n")
        if not newline:
            raise IndexError
        self.at += len(text) + 1
        return text.decode()

    # the stack

    def mark(self) -> None:
        if len(self.marks) == MAX_MARKS:
            raise CheckpointError(f"its pickle is nested more than {MAX_MARKS} deep")
        self.marks.append(len(self.stack))

    def pop_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def pop_tuple(self, size: int) -> tuple[Any, ...]:
        if len(self.stack) < size:
            raise IndexError
        items = tuple(self.stack[-size:])
        del self.stack[-size:]
        return items

    def top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise CheckpointError(f"its pickle treats a {type(self.stack[-1]).__name__} as a {kind.__name__}")
        return self.stack[-1]

    def pop(self, kind: type) -> Any:
        self.top(kind)
        return self.stack.pop()

    # filling containers

    def extend(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def update(self, items: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=False):
            target[plain(key)] = value

    def add(self, items: list[Any]) -> None:
        self.top(set).update(map(plain, items))

    def pair(self) -> list[Any]:
        return list(self.pop_tuple(2))

    def dictionary(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self.update(items)

    # names and objects

    def look_up(self, module: str, name: str) -> None:
        if (module, name) not in self.table:
            full = f"{module}.{name}"[:100]
            raise CheckpointError(f"its pickle refers to {full!a}, which no known weight file needs; nothing was run")
        self.stack.append(Name(module, name, self.table[module, name]))

    def look_up_line(self) -> None:
        module = self.line()
        self.look_up(module, self.line())

    def look_up_stack(self) -> None:
        name, module = self.pop(str), self.pop(str)
        self.look_up(module, name)

    def construct(self) -> None:
        arguments, name = self.pop(tuple), self.pop(Name)
        if name.construct is None:
            raise CheckpointError(f"its pickle calls {name.module}.{name.name}")
        if len(arguments) > MAX_ARGUMENTS:
            raise CheckpointError(f"its pickle calls {name.module}.{name.name} with {len(arguments):,} arguments")
        self.stack.append(name.construct(*arguments))

    def construct_with_keywords(self) -> None:
        if self.pop(dict):
            raise CheckpointError("its pickle makes an object with keyword arguments")
        self.construct()

    def build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], dict):  # what an OrderedDict has besides its items is not needed
            self.top(Inert).build(state)

    def refer(self) -> None:
        if self.persistent is None:
            raise CheckpointError("its pickle refers to data outside the file")
        self.stack.append(self.persistent(self.stack.pop()))

    # numbers

    def integer(self, size: int) -> int:
        if size > MAX_NUMBER:
            raise CheckpointError(f"its pickle has an integer of {size:,} bytes")
        return int.from_bytes(self.take(size), "little", signed=True)


def plain(key: Any) -> Any:
    """``key`` if its hash is cheap and cannot be made to collide at will."""
    if isinstance(key, str) and len(key) > MAX_NAME:
        raise CheckpointError(f"its pickle has a key of {len(key):,} characters")
    if isinstance(key, str | None) or (isinstance(key, int) and abs(key) < MAX_KEY):
        return key
    raise CheckpointError(f"its pickle has a {type(key).__name__} as the key of a dictionary")


Instruction = Callable[[Machine], Any]


def text(m: Machine, size: int, encoding: str = "utf-8", errors: str = "surrogatepass") -> str:
    part = m.take(size)
    m.budget.copy(size)
    return str(part, encoding, errors)


def push(value: Callable[[Machine], Any]) -> Instruction:
    return lambda m: m.stack.append(value(m))


def remember(index: Callable[[Machine], int]) -> Instruction:
    def put(m: Machine) -> None:
        m.memo[index(m)] = m.stack[-1]

    return put


# by the letter in Python's pickletools; left out are text forms of protocol 0, instances of old classes, the extension
# registry and buffers outside the pickle
INSTRUCTIONS: Mapping[int, Instruction] = MappingProxyType(
    {
        ord(letter): instruction
        for letter, instruction in {
            "\x80": lambda m: m.take(1),  # PROTO
            "\x95": lambda m: m.take(8),  # FRAME: only a hint for readers of streams
            "(": Machine.mark,
            "0": lambda m: m.stack.pop(),
            "1": Machine.pop_mark,
            "2": push(lambda m: m.stack[-1]),
            "N": push(lambda m: None),
            "\x88": push(lambda m: True),
            "\x89": push(lambda m: False),
            "J": push(lambda m: m.integer(4)),
            "K": push(lambda m: m.unsigned(1)),
            "M": push(lambda m: m.unsigned(2)),
            "\x8a": push(lambda m: m.integer(m.unsigned(1))),
            "\x8b": push(lambda m: m.integer(m.unsigned(4))),
            "G": push(lambda m: struct.unpack(">d", m.take(8))[0]),
            "X": push(lambda m: text(m, m.unsigned(4))),
            "\x8c": push(lambda m: text(m, m.unsigned(1))),
            "\x8d": push(lambda m: text(m, m.unsigned(8))),
            "U": push(lambda m: text(m, m.unsigned(1), "latin1")),  # strings of Python 2 may be bytes
            "T": push(lambda m: text(m, m.unsigned(4), "latin1")),
            "B": push(lambda m: m.take(m.unsigned(4))),
            "C": push(lambda m: m.take(m.unsigned(1))),
            "\x8e": push(lambda m: m.take(m.unsigned(8))),
            "\x96": push(lambda m: m.take(m.unsigned(8))),
            "]": push(lambda m: []),
            "l": push(Machine.pop_mark),
            "a": lambda m: m.extend([m.stack.pop()]),
            "e": lambda m: m.extend(m.pop_mark()),
            ")": push(lambda m: ()),
            "t": push(lambda m: tuple(m.pop_mark())),
            "\x85": push(lambda m: m.pop_tuple(1)),
            "\x86": push(lambda m: m.pop_tuple(2)),
            "\x87": push(lambda m: m.pop_tuple(3)),
            "}": push(lambda m: {}),
            "d": Machine.dictionary,
            "s": lambda m: m.update(m.pair()),
            "u": lambda m: m.update(m.pop_mark()),
            "\x8f": push(lambda m: set()),
            "\x90": lambda m: m.add(m.pop_mark()),
            "\x91": push(lambda m: frozenset(map(plain, m.pop_mark()))),
            "q": remember(lambda m: m.unsigned(1)),
            "r": remember(lambda m: m.unsigned(4)),
            "\x94": remember(lambda m: len(m.memo)),
            "h": push(lambda m: m.memo[m.unsigned(1)]),
            "j": push(lambda m: m.memo[m.unsigned(4)]),
            "c": Machine.look_up_line,
            "\x93": Machine.look_up_stack,
            "R": Machine.construct,
            "\x81": Machine.construct,
            "\x92": Machine.construct_with_keywords,
            "b": Machine.build,
            "Q": Machine.refer,
        }.items()
    }
)
