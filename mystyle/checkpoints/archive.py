"""The zip archives of torch.save: entries are stored as they are, so that they can be viewed in place.

Written for this one purpose rather than with zipfile, which copies, and whose memory and exceptions on damaged files
have no bound.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mystyle.checkpoints.weights import CheckpointError

END = struct.Struct("<4s4H2LH")
END64_LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
MAX_ENTRIES = 100_000
ELSEWHERE = 0xFFFFFFFF  # the number stands in the 64-bit extra field


@dataclass(frozen=True)
class Entry:
    crc: int
    size: int
    header: int
    """where its local header begins"""


class Archive:
    """``entries`` by name; ``read`` gives the bytes of one and checks them against their checksum."""

    def __init__(self, data: memoryview):
        self.data = data
        self.checked: set[str] = set()  # a checksum of a large entry takes a while, and many tensors may share it
        try:
            self.entries = dict(self._directory())
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise CheckpointError("is a damaged or incomplete zip archive") from error
        if sum(entry.size for entry in self.entries.values()) > len(data):
            raise CheckpointError("is a zip archive whose entries overlap")

    def read(self, name: str) -> memoryview:
        """Raises CheckpointError if there is no such entry, or it is not as it was written."""
        if name not in self.entries:
            raise CheckpointError(f"is damaged: its entry {name[-80:]!a} is missing")
        entry = self.entries[name]
        header = self.data[entry.header : entry.header + LOCAL.size]
        if len(header) < LOCAL.size or bytes(header[:4]) != b"PK\x03\x04":
            raise CheckpointError(f"is damaged: its entry {name[-80:]!a} is not where it should be")
        *_, name_length, extra_length = LOCAL.unpack(header)
        start = entry.header + LOCAL.size + name_length + extra_length
        body = self.data[start : start + entry.size]
        if len(body) < entry.size or (name not in self.checked and zlib.crc32(body) != entry.crc):
            raise CheckpointError(f"is damaged: its entry {name[-80:]!a} is not as it was written; get the file again")
        self.checked.add(name)
        return body

    def _directory(self) -> Iterator[tuple[str, Entry]]:
        at, count = self._directory_start()
        if count > MAX_ENTRIES:
            raise CheckpointError(f"is a zip archive of {count:,} entries, more than any weight file has")
        seen = set()
        for _ in range(count):
            fields = CENTRAL.unpack(self.data[at : at + CENTRAL.size])
            signature, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, *_, header = fields
            if signature != b"PK\x01\x02":
                raise IndexError
            name_end = at + CENTRAL.size + n_name
            name = str(self.data[at + CENTRAL.size : name_end], "utf-8")
            size, packed, header = wide(bytes(self.data[name_end : name_end + n_extra]), size, packed, header)
            if method or flags & 1 or packed != size:
                raise CheckpointError("is a compressed or encrypted zip archive, which torch.save does not write")
            if name in seen or name.startswith("/") or "\\" in name or ".." in name.split("/"):
                raise CheckpointError("is a zip archive that torch.save did not write (it has odd names)")
            seen.add(name)
            yield name, Entry(crc, size, header)
            at = name_end + n_extra + n_comment

    def _directory_start(self) -> tuple[int, int]:
        """Where the central directory begins, and how many entries it has."""
        tail = bytes(self.data[-(END.size + 0xFFFF) :])
        found = tail.rfind(b"PK\x05\x06")
        if found < 0:
            raise IndexError
        end = len(self.data) - len(tail) + found
        _, _, _, _, count, _, start, _ = END.unpack(self.data[end : end + END.size])
        locator = self.data[max(0, end - END64_LOCATOR.size) : end]
        if bytes(locator[:4]) == b"PK\x06\x07":
            _, _, end64, _ = END64_LOCATOR.unpack(locator)
            signature, *_, count, _, start = END64.unpack(self.data[end64 : end64 + END64.size])
            if signature != b"PK\x06\x06":
                raise IndexError
        return start, count


def wide(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """The three numbers, taken from the 64-bit extra field where they do not fit into 32 bits."""
    at = 0
    while at + 4 <= len(extra):
        identity, length = struct.unpack_from("<2H", extra, at)
        if identity == 1:
            numbers = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
            return tuple(next(numbers, n) if n == ELSEWHERE else n for n in (size, packed, header))  # type: ignore[return-value]
        at += 4 + length
    return size, packed, header
