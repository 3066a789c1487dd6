"""A server, packages and entries for the tests of brought weight files: of the real formats, a few kilobytes each."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mystyle.checkpoints import CheckpointError
from mystyle.domains.domain import DomainSource
from mystyle.weights import Entry
from mystyle.weights.sources import Source

MAGIC = b"TOY0"


class Toy(nn.Module):
    """A network of ``n`` numbers."""

    def __init__(self, n: int):
        super().__init__()
        self.config = {"n": n}
        self.w = nn.Parameter(torch.zeros(n))


def toy_bytes(*values: float) -> bytes:
    """A file of the toy's own format."""
    return MAGIC + torch.tensor(values, dtype=torch.float32).numpy().tobytes()


def read_toy(files: Mapping[str, Path]) -> Toy:
    (path,) = files.values()
    data = path.read_bytes()
    if data[:4] != MAGIC:
        raise CheckpointError(f"{path}: is no toy")
    network = Toy(len(data[4:]) // 4)
    network.load_state_dict({"w": torch.frombuffer(bytearray(data[4:]), dtype=torch.float32)})
    return network


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(source: Source, data: bytes | None, file: str = "toy.safetensors", **fields: Any) -> Entry:
    """An entry whose fetched file is ``data``; of unknown size and hash with None."""
    known = {"size": None, "sha256": None} if data is None else {"size": len(data), "sha256": digest(data)}
    said = dict(role="a toy", publisher="Some Body", licence="CC0, for tests.", read=read_toy)
    return Entry(file=file, source=source, **(said | known | fields))


def made_up(*manifest: Entry) -> Any:
    """A domain of these entries."""

    class MadeUp(DomainSource):
        name, resolution, people = "made_up", 32, ""

        def weights(self) -> dict[str, Path]:
            return {}

    domain = MadeUp()
    domain.manifest = manifest
    return domain


def wheel(members: Mapping[str, bytes], package: str = "toy_weights", version: str = "1.0") -> bytes:
    """A wheel that pip takes."""
    info = f"{package}-{version}.dist-info"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = dict(members) | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": tags.encode(),
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tarball(members: Mapping[str, bytes | tarfile.TarInfo], times: int = 1) -> bytes:
    """A tarball as npm makes them, each member so many times; a TarInfo is a member that is no plain file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in [*members.items()] * times:
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo()
            info.name = name
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                archive.addfile(info)
    return gzip.compress(out.getvalue(), mtime=0)


@dataclass
class Server:
    """What a local server has, how it misbehaves, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    breaks_after: int | None = None
    """bytes of a body"""
    heeds_range: bool = True
    says_length: bool = True
    shift: int = 0
    """of the part that is sent against the one that was asked for"""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """paths and Range headers"""
    address: str = ""


@contextmanager
def serving() -> Iterator[Server]:
    """A server on this machine, for the length of the block."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            if self.path not in server.files:
                self.send_error(404)
                return
            body = server.files[self.path]
            start = int(wanted[6:-1]) + server.shift if wanted and server.heeds_range else 0
            self.send_response(206 if wanted and server.heeds_range else 200)
            if wanted and server.heeds_range:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if server.says_length:
                self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            end = None if server.breaks_after is None else start + server.breaks_after
            with suppress(ConnectionError):  # of a client that has seen enough
                self.wfile.write(body[start:end])

        def log_message(self, *args: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
