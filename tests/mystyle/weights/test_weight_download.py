"""Downloads against a local server: whole, continued, broken, refused, unreachable."""

from __future__ import annotations

import random
import socket

import pytest
import weight_sources

from mystyle.progress import listening
from mystyle.weights import ByHand, Url, WeightError
from mystyle.weights.download import download

DATA = random.Random(1).randbytes(1_000_000)


@pytest.fixture
def server():
    with weight_sources.serving() as server:
        server.files["/w.bin"] = DATA
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "w.bin"


def partial(path):
    return path.with_name("w.bin.partial")


@pytest.mark.parametrize("size", [len(DATA), None])
@pytest.mark.parametrize("says_length", [True, False])
def test_a_file_is_whole_and_its_progress_is_told(server, path, size, says_length):
    server.says_length = says_length
    told = []
    with listening(lambda stage, done, total, loss: told.append((stage, done, total))):
        download(f"{server.address}/w.bin", path, size)
    assert path.read_bytes() == DATA and not partial(path).exists()
    total = len(DATA) if size or says_length else 0
    assert told[-1] == ("w.bin", len(DATA), total) and sorted(told) == told and len(told) > 1


def test_what_broke_off_is_kept_and_continued(server, path):
    server.breaks_after = 300_000
    with pytest.raises(WeightError, match="broke after 300,000 of 1,000,000 bytes; the same command continues there"):
        download(f"{server.address}/w.bin", path, len(DATA))
    assert partial(path).read_bytes() == DATA[:300_000] and not path.exists()
    server.breaks_after = None
    download(f"{server.address}/w.bin", path, len(DATA))
    assert path.read_bytes() == DATA and not partial(path).exists()
    assert server.asked == [("/w.bin", None), ("/w.bin", "bytes=300000-")]


def test_a_server_that_ignores_range_sends_all_again(server, path):
    server.heeds_range = False
    partial(path).write_bytes(b"x" * 300_000)
    download(f"{server.address}/w.bin", path, len(DATA))
    assert path.read_bytes() == DATA


def test_a_server_that_sends_another_part_is_refused(server, path):
    server.shift = 5
    partial(path).write_bytes(DATA[:300_000])
    with pytest.raises(WeightError, match="another part of the file"):
        download(f"{server.address}/w.bin", path, len(DATA))
    assert partial(path).read_bytes() == DATA[:300_000]


def test_a_partial_file_that_is_whole_is_not_fetched_and_one_that_is_too_long_is_begun_anew(server, path):
    partial(path).write_bytes(DATA)
    download(f"{server.address}/w.bin", path, len(DATA))
    assert path.read_bytes() == DATA and not server.asked
    partial(path).write_bytes(DATA + b"more")
    download(f"{server.address}/w.bin", path, len(DATA))
    assert path.read_bytes() == DATA and server.asked == [("/w.bin", None)]


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
def test_another_size_is_refused_before_anything_is_written(server, path, size):
    with pytest.raises(WeightError, match=rf"offers a file of 1,000,000 bytes, where {size:,} are expected"):
        download(f"{server.address}/w.bin", path, size)
    assert not path.exists() and not partial(path).exists()


def test_more_than_was_announced_is_refused(server, path):
    server.says_length = False
    with pytest.raises(WeightError, match="sends more than the 500,000 bytes"):
        download(f"{server.address}/w.bin", path, 500_000)
    assert not path.exists() and not partial(path).exists()


def test_refused_by_the_server(server, path):
    with pytest.raises(WeightError, match=r"127\.0\.0\.1:\d+ answers 404 Not Found"):
        download(f"{server.address}/nothing", path, None)


def test_no_network(path):
    with socket.socket() as unused:  # a port that nobody listens to
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/w.bin"
        with pytest.raises(WeightError, match=r"cannot be reached \(Connection refused\): there is no network"):
            download(address, path, None)
    assert not partial(path).exists()


@pytest.mark.parametrize("kind", [Url, ByHand])
def test_addresses_are_of_the_web_and_end_in_a_plain_name(kind):
    assert kind("https://example.org/a%20b/w.bin?x=1").name == "w.bin"
    assert kind("https://example.org/view", file="w.pt").names == ("w.pt",)
    for address in ("file:///etc/passwd", "w.bin", "https://example.org/", "https://example.org/a%2F..%2F%2e%2e"):
        with pytest.raises(ValueError, match=r"begins with https://|give the file's name"):
            kind(address)
