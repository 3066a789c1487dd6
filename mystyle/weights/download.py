"""A file from an address, streamed to the disk; what broke off is continued. Proxies are those of the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from mystyle.progress import report
from mystyle.weights.errors import WeightError

TIMEOUT = 60  # seconds without a byte
PIECE = 1 << 18  # bytes; small enough for progress on a slow line
MAX_SIZE = 1 << 33  # bytes of a file whose size is not known
CONTINUES = "the same command continues there"
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def download(address: str, path: Path, size: int | None) -> None:
    """Brings a file of ``size`` bytes to ``path``; until it is whole it is ``path`` with ``.partial`` behind it.

    A partial file that is there is continued if the server can. Raises WeightError if the server cannot be reached,
    refuses, offers another size, or breaks off (the partial file is kept then), and OSError where the disk fails.
    """
    partial = path.with_name(f"{path.name}.partial")
    done = partial.stat().st_size if partial.exists() else 0
    if size is not None and done > size:
        done = 0
    if done == 0 or done != size:
        receive(address, partial, done, size)
    partial.replace(path)


def receive(address: str, partial: Path, done: int, size: int | None) -> None:
    """Writes what is missing behind the first ``done`` bytes, or all of it where the server sends all."""
    with connection(address, done) as response:
        start = start_of(response, done)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else size
        if size is not None and total != size:
            raise WeightError(f"{host(address)} offers a file of {total:,} bytes, where {size:,} are expected")
        if total is not None and total > MAX_SIZE:
            raise WeightError(f"{host(address)} offers a file of {total:,} bytes, more than any weights")
        done = start
        with partial.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            for data in pieces(response, address):
                file.write(data)
                done += len(data)
                if done > (MAX_SIZE if total is None else total):
                    break
                report(partial.stem, done, total or 0)
    if total is not None and done < total:
        raise WeightError(f"the connection to {host(address)} broke after {done:,} of {total:,} bytes; {CONTINUES}")
    if total is not None and done > total:
        partial.unlink()
        raise WeightError(f"{host(address)} sends more than the {total:,} bytes that it announced")


@contextmanager
def connection(address: str, start: int) -> Iterator[HTTPResponse]:
    """The answer to a request for the bytes from ``start`` on."""
    headers = {"User-Agent": "mystyle", "Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = cast(HTTPResponse, urlopen(Request(address, headers=headers), timeout=TIMEOUT))
    except HTTPError as error:
        raise WeightError(f"{host(address)} answers {error.code} {error.reason}") from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise WeightError(
            f"{host(address)} cannot be reached ({reason(error)}): there is no network, or it needs HTTPS_PROXY"
        ) from error
    with response:
        yield response


def pieces(response: IO[bytes], address: str) -> Iterator[bytes]:
    """The body, in pieces. Errors of the network alone are told from those of the disk here."""
    while True:
        try:
            data = response.read(PIECE)
        except (HTTPException, OSError) as error:
            raise WeightError(f"the connection to {host(address)} broke ({reason(error)}); {CONTINUES}") from error
        if not data:
            return
        yield data


def start_of(response: HTTPResponse, asked: int) -> int:
    """Where the body begins in the file: at ``asked`` where the server heeds Range, at 0 where it sends all again."""
    if response.status != 206:
        return 0
    match = CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != asked:
        raise WeightError("the server sends another part of the file than was asked for")
    return asked


def host(address: str) -> str:
    return urlsplit(address).netloc


def reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner) or type(error).__name__
