"""Whatever the bytes of a weight file are: it is refused with CheckpointError, soon, and nothing is run."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import struct
import subprocess
import time
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import weight_files as files

from mystyle.checkpoints import CheckpointError, load_generator, read_weights
from mystyle.checkpoints.archive import wide
from mystyle.checkpoints.containers import unpack
from mystyle.networks.stylegan2 import Generator

MiB = 1 << 20


@pytest.fixture(scope="module")
def g() -> Generator:
    return files.randomised(Generator(16, 8, 12, channel_base=64, channel_max=8, mapping_layers=1))


@pytest.fixture(autouse=True)
def nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert not Path(files.CANARY).exists()


def refuse(content: bytes, message: str = "", seconds: float = 5, memory: int = 64 * MiB) -> None:
    """``content`` is refused with ``message``, soon and without taking much memory."""
    path = files.write(Path("file.bin"), content)
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(CheckpointError, match=rf"file\.bin: .*{message}") as caught:
            read_weights(path)
        assert time.process_time() - start < seconds
        assert tracemalloc.get_traced_memory()[1] < memory
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 600 and str(caught.value).isprintable()


class Call:
    """Pickled as a call of ``function``."""

    def __init__(self, function, *arguments, state=None):
        self.recipe = (function, arguments, state)

    def __reduce__(self):
        return self.recipe


COMMAND = f"touch {files.CANARY}"
CALLS = {
    "os.system": Call(os.system, COMMAND),
    "eval": Call(builtins.eval, files.SOURCE),
    "exec": Call(builtins.exec, files.SOURCE),
    "open": Call(builtins.open, files.CANARY, "w"),
    "getattr": Call(builtins.getattr, "x", "__class__"),
    "Popen": Call(subprocess.Popen, ["touch", files.CANARY]),
    "torch.load": Call(torch.load, "file.bin"),
    "torch.hub": Call(torch.hub.load, "x", "y"),
    "numpy.load": Call(np.load, "file.bin"),
    "nested": Call(torch.storage._load_from_bytes, pickle.dumps(Call(os.system, COMMAND))),
    "NumPy number": Call(np.float32(1).__reduce__()[0], Call(os.system, COMMAND), b"\0\0\0\0"),
    "state": Call(np.dtype, "f4", state=Call(os.system, COMMAND)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("container", ["pickle", "archive", "before 1.6"])
def test_calls_are_refused(name, container):
    value = {"G_ema": CALLS[name], "state_dict": CALLS[name]}
    content = files.dumps(value) if container == "pickle" else files.torch_save(value, archive=container == "archive")
    refuse(content, "nothing was run" if name != "nested" or container == "pickle" else "")


def test_a_call_inside_the_container_of_a_storage_is_refused():
    blob = files.torch_save({"x": CALLS["os.system"]}, archive=False)
    refuse(files.dumps({"G": Call(torch.storage._load_from_bytes, blob)}), "system.*nothing was run")
    blob = files.torch_save({"x": Call(torch.storage._load_from_bytes, blob)}, archive=False)
    refuse(files.dumps({"G": Call(torch.storage._load_from_bytes, blob)}), "_load_from_bytes.*nothing was run")
    # zip archives inside are not read at all
    blob = files.torch_save({"x": CALLS["os.system"]})
    refuse(files.dumps({"G": Call(torch.storage._load_from_bytes, blob)}))


def test_a_state_sets_no_attributes():
    """What BUILD gives to an object stays data: no attribute of the stand-in changes, whatever its name is."""
    odd = {"__class__": "x", "build": "y", "state": {"__dict__": 1}, "__setstate__": "z", "kind": "w"}
    with files.official_names():
        content = pickle.dumps(files.Network(**odd))
    value = unpack(memoryview(content)).value
    assert type(value).__name__ == "Record" and value.kind == "dnnlib.tflib.network.Network"
    assert value.state == odd and callable(value.build)


def test_a_module_takes_no_second_state():
    refuse(opcodes(record(), b"K\x01b"), "unknown form")


def test_the_source_code_is_dropped(g):
    value = unpack(memoryview(files.dumps(files.nvidia_module(g)))).value
    assert vars(value).keys() == {"class_name", "state"}


def opcodes(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


EMPTY, MARK, PUT, GET = b"]", b"(", b"r", b"j"

PROGRAMS = {
    "extension registry": opcodes(b"\x82\x01"),
    "old class": opcodes(b"(ios\nsystem\n"),
    "old object": opcodes(b"(cos\nsystem\nX\x01\0\0\0ao"),
    "text of protocol 0": opcodes(b"S'x'\n"),
    "persistent id": opcodes(b"K\x01Q"),
    "buffer outside": opcodes(b"\x97"),
    "no value": opcodes(),
    "call of data": opcodes(b"K\x01)R"),
    "call without arguments": opcodes(b"ccollections\nOrderedDict\nR"),
    "call of a label": opcodes(b"ctorch\nFloatStorage\n)R"),
    "state of a number": opcodes(b"K\x01K\x02b"),
    "list as a key": opcodes(b"}]K\x01s"),
    "tuple as a key": opcodes(b"})K\x01s"),
    "items of a number": opcodes(b"K\x01(K\x01e"),
    "empty memo": opcodes(b"h\x05"),
    "stray end of a list": opcodes(b"]e"),
    "long name": b"\x80\x02c" + b"a" * 1000 + b"\nb\n.",
    "not UTF-8": opcodes(b"X\x01\0\0\0\xff"),
    "EasyDict with items": opcodes(b"cdnnlib.util\nEasyDict\n]\x85R"),
    "keywords": opcodes(b"cdnnlib.util\nEasyDict\n)}K\x01K\x02s\x92"),
    "control characters": opcodes(b"c\x1b[31mos\nsystem\n"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_odd_programs_are_refused(name):
    refuse(PROGRAMS[name])


def doubling(levels: int) -> bytes:
    """A list of two references to a list of two references to ..., in the memo under the number of its level."""
    twice = [
        MARK + (GET + struct.pack("<L", i)) * 2 + b"l" + PUT + struct.pack("<L", i + 1) + b"0" for i in range(levels)
    ]
    return EMPTY + PUT + struct.pack("<L", 0) + b"0" + b"".join(twice)


@pytest.mark.parametrize(
    "content, message",
    [
        (opcodes(EMPTY, PUT, b"\xff\xff\xff\xff"), "holds a list"),  # a huge index costs nothing
        (opcodes(b"B\xff\xff\xff\x7f"), "cut short"),
        (opcodes(b"\x8e" + b"\xff" * 8), "cut short"),
        (opcodes(b"X\xff\xff\xff\xff"), "cut short"),
        (opcodes(b"\x8d" + b"\xff" * 8), "cut short"),
        (opcodes(b"\x8b\xff\xff\xff\xff"), "integer"),
        (opcodes(b"\x8b\xff\xff\xff\x7f"), "integer"),
        (opcodes(b"\x95" + b"\xff" * 8, EMPTY), "holds a list"),  # a frame's length is only a hint
        (opcodes(MARK * 2000, b"t" * 2000), "nested"),
        (opcodes(b"N\x85" + b"\x85" * 200_000), "holds a tuple"),
        (opcodes(EMPTY, b"q\0h\0a"), "holds a list"),
        (opcodes(b"N" * 1_100_000), "instructions"),
        (opcodes(doubling(1000), b"j\xe8\x03\0\0"), "holds a list"),
    ],
    ids=["memo", "bytes", "bytes8", "text", "text8", "negative long", "long", "frame", "marks", "depth", "cycle",
         "steps", "laughs"],
)  # fmt: skip
def test_bombs_are_refused(content, message):
    refuse(content, message, memory=200 * MiB)


def test_the_same_bytes_are_not_unpacked_again_and_again():
    """The container of a storage of a mebibyte, written once as text as protocol 2 does, and read a thousand times."""
    storage = torch.zeros(MiB // 4).__reduce_ex__(2)[1][0]
    blob = storage.__reduce__()[1][0].decode("latin1").encode()
    text = b"c_codecs\nencode\nX" + struct.pack("<L", len(blob)) + blob + b"X\x06\0\0\0latin1\x86Rq\0"
    once = b"0ctorch.storage\n_load_from_bytes\nh\0\x85R"
    refuse(opcodes(text, once), "holds a Storage")
    refuse(opcodes(text, once * 1000), "over and over")
    refuse(opcodes(text, b"0cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\0\0\0f4\x85Rh\0\x86R"), "number")


def record(children: bytes = b"}") -> bytes:
    """One persistent object with ``_modules``."""

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<L", len(value)) + value.encode()

    state = b"}" + text("_modules") + children + b"s"
    meta = (
        b"}"
        + text("type")
        + text("class")
        + b"s"
        + text("class_name")
        + text("A")
        + b"s"
        + text("state")
        + state
        + b"s"
    )
    return b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n" + meta + b"\x85R"


def test_trees_of_modules_are_bounded():
    deep = b"}"
    for _ in range(400):
        deep = b"}X\x01\0\0\0a" + record(deep) + b"s"
    refuse(opcodes(record(deep)), "nested deeper")

    laughs = record() + PUT + struct.pack("<L", 0) + b"0"
    for i in range(15):
        child = GET + struct.pack("<L", i)
        laughs += record(b"}" + b"".join(b"X\x01\0\0\0" + c + child + b"s" for c in (b"a", b"b", b"c")))
        laughs += PUT + struct.pack("<L", i + 1) + b"0"
    refuse(opcodes(laughs, GET + struct.pack("<L", 15)), "nested deeper")

    children = b"}" + PUT + struct.pack("<L", 0)
    cycle = record(children) + PUT + struct.pack("<L", 1) + b"0"
    cycle += GET + struct.pack("<L", 0) + b"X\x01\0\0\0a" + GET + struct.pack("<L", 1) + b"s0"
    refuse(opcodes(cycle, GET + struct.pack("<L", 1)), "nested deeper")


def with_tensor(g: Generator, value: object) -> dict[str, object]:
    return {**g.state_dict(), "synthesis.b4.const": value}


@pytest.mark.parametrize(
    "dtype",
    [torch.int64, torch.int32, torch.uint8, torch.bool, torch.bfloat16],
    ids=lambda d: str(d).removeprefix("torch."),
)
def test_weights_of_other_types_are_refused(dtype, g):
    refuse(files.torch_save(with_tensor(g, torch.zeros(8, 4, 4, dtype=dtype))), r"type.*synthesis\.b4\.const")


def test_complex_and_quantised_weights_are_refused(g):
    refuse(files.torch_save(with_tensor(g, torch.zeros(8, 4, 4, dtype=torch.complex64))), "nothing was run")


def test_numpy_objects_are_refused(g, tmp_path):
    arrays = {
        "object": np.array([Call(os.system, COMMAND)], dtype=object),
        "structured": np.zeros(2, dtype=[("a", "f4"), ("b", "f4")]),
        "text": np.array(["abc"]),
        "dates": np.zeros(2, dtype="datetime64[s]"),
    }
    for array in arrays.values():
        network = files.tensorflow_generator(g)
        network.variables.append(("x", array))
        refuse(files.dumps((network, network, network)), "nothing was run|NumPy")
    network = files.tensorflow_generator(g)
    network.variables[1] = ("dlatent_avg", g.mapping.w_avg.numpy().astype(">f4"))
    refuse(files.dumps((network, network, network)), "big-endian")


class Rebuilt:
    """Pickled as the rebuilding of a tensor from a storage of 12 numbers, with any arguments."""

    def __init__(self, offset, size, stride, hooks=None):
        self.view = (offset, size, stride, False, hooks)

    def __reduce__(self):
        rebuild, (storage, *_) = torch.arange(12.0).__reduce_ex__(2)
        return rebuild, (storage, *self.view)


@pytest.mark.parametrize(
    "offset, size, stride, message",
    [
        (0, (13,), (1,), "beyond"),
        (1, (12,), (1,), "beyond"),
        (0, (2, 6), (7, 1), "beyond"),
        (-1, (12,), (1,), "impossible"),
        (0, (12,), (-1,), "impossible"),
        (0, (-12,), (1,), "impossible"),
        (0, (12,), (1, 1), "impossible"),
        (0, (1,) * 9, (1,) * 9, "impossible"),
        (0, (10**6, 10**6), (0, 0), "beyond"),
        (0, (12, 1 << 62), (0, 0), "beyond"),
        (0, (10,), (0,), "repeats"),
        (0, (0,), (1,), "empty"),
        (1 << 70, (1,), (1,), "beyond"),
        (0, ("a",), (1,), "impossible"),
    ],
)
def test_views_beyond_their_storage_are_refused(offset, size, stride, message, g):
    refuse(files.dumps(with_tensor(g, Rebuilt(offset, size, stride))), message)


def test_hooks_are_refused(g):
    refuse(files.dumps(with_tensor(g, Rebuilt(0, (12,), (1,), hooks={1: "f"}))), "hooks")


def test_one_storage_cannot_stand_for_many_weights():
    """A small file whose tensors all view the same numbers would otherwise become a large network."""
    large = Generator(16, 512, 512, channel_base=8192, channel_max=512, mapping_layers=8)
    shared = torch.zeros(512 * 512 * 9)
    state = {name: shared[: t.numel()].view(t.shape) for name, t in large.state_dict().items()}
    refuse(files.torch_save(state), "more bytes than the file", memory=2 * MiB)


def rewrite(content: bytes, change=None, *, extra: dict[str, bytes] | None = None, **options) -> bytes:
    """The zip archive ``content`` written again by Python's zipfile; ``change`` maps names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", **options) as new:
        for name in old.namelist():
            new.writestr(change(name) if change else name, old.read(name))
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return buffer.getvalue()


def test_odd_archives_are_refused(g):
    content = files.torch_save(g.state_dict())
    files.write(Path("again.pt"), rewrite(content))
    assert read_weights("again.pt").network == "Generator"  # rewriting alone does no harm
    refuse(rewrite(content, compression=zipfile.ZIP_DEFLATED), "compressed")
    refuse(rewrite(content, lambda name: f"../{name}"), "odd names")
    refuse(rewrite(content, lambda name: f"/{name}"), "odd names")
    refuse(rewrite(content, lambda name: f"a/{name}" if name.endswith("data/3") else name), "data/3.*missing")
    refuse(rewrite(content, extra={"other/data.pkl": b""}), "did not write")
    refuse(rewrite(content, extra={"archive/code/__torch__.py": b""}), "TorchScript")
    refuse(rewrite(content, lambda name: name.replace("data.pkl", "x")), "did not write")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("archive/byteorder") == b"little"
    refuse(
        rewrite(content, lambda name: name.replace("byteorder", "b"), extra={"archive/byteorder": b"big"}), "big-endian"
    )


def test_a_flipped_bit_among_the_weights_is_found(g):
    content = bytearray(files.torch_save(g.state_dict()))
    place = content.index(g.synthesis.b4.const.detach().numpy().tobytes())
    content[place] ^= 1
    refuse(bytes(content), "not as it was written")


def test_a_storage_of_another_length_than_promised_is_found(g):
    content = bytearray(files.torch_save(g.state_dict(), archive=False))
    place = content.index(g.synthesis.b4.const.detach().numpy().tobytes())
    content[place - 8] ^= 1
    refuse(bytes(content), "among its storages")


def test_archives_that_claim_too_much_are_refused(g):
    content = bytearray(files.torch_save(g.state_dict()))
    end = content.rindex(b"PK\x05\x06")
    directory = content[: content.rindex(b"PK\x06\x06")] if b"PK\x06\x06" in content else content[:end]
    for count, size, start in ((0xFFFF, 0, 0), (5, 0, 0xFFFFFFF0), (0xFFFF, 0, content.index(b"PK\x01\x02"))):
        refuse(bytes(directory) + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, start, 0))
    huge = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1 << 60, 1 << 60, 0, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    ending = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    refuse(bytes(directory) + huge + locator + ending, "entries")


def test_archives_beyond_four_gigabytes_have_their_numbers_elsewhere():
    full, giant = 0xFFFFFFFF, [5 << 32, 6 << 32, 7 << 32]
    other = struct.pack("<2HL", 2, 4, 0)
    assert wide(other + struct.pack("<2H3Q", 1, 24, *giant), full, full, full) == tuple(giant)
    assert wide(struct.pack("<2HQ", 1, 8, 7 << 32), 3, 3, full) == (3, 3, 7 << 32)
    assert wide(b"", 3, 3, 9) == (3, 3, 9)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "empty"),
        (b"these are no weights", "no known weight file"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\n<html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "zip archive"),
        (b"\x80\x04.", "damaged"),
        (b"\x80\x63.", "no known weight file"),
        (struct.pack("<Q", 2) + b"{}", "named network"),
        (struct.pack("<Q", 100) + b"{}", "no known weight file"),
        (pickle.dumps({"a": 1}), "no StyleGAN2"),
        (pickle.dumps({}), "no StyleGAN2"),
        (pickle.dumps([1, 2, 3]), "holds a list"),
        (pickle.dumps({"G_ema": {}}), "no StyleGAN2"),
        (pickle.dumps({"state_dict": {"decoder.x": 1}}), "no StyleGAN2"),
    ],
)
def test_other_files_are_told_apart(content, message):
    refuse(content, message)


def samples(g: Generator) -> dict[str, bytes]:
    d = files.tensorflow_generator(g)
    state = {f"decoder.{k}": t for k, t in files.rosinality_generator(g).items()}
    return {
        "NVIDIA": files.dumps(files.nvidia_pickle(files.nvidia_module(g))),
        "archive": files.torch_save({"g_ema": files.rosinality_generator(g)}),
        "before 1.6": files.torch_save({"state_dict": state}, archive=False),
        "TensorFlow": files.dumps((d, d, d), 3),
    }


@pytest.mark.parametrize("name", ["NVIDIA", "archive", "before 1.6", "TensorFlow"])
def test_damaged_files_raise_nothing_else(name, g):
    """Truncations, flipped bytes, overwritten runs: a CheckpointError, or a network if only numbers changed."""
    content = samples(g)[name]
    rng = np.random.default_rng(0)
    places = rng.integers(0, len(content), 30)
    small = [int(p) % 3000 for p in places]  # from either end, where the program and the directory are
    damaged = [content[: int(p)] for p in places]
    for p in [*places.tolist(), *small, *[len(content) - 1 - p for p in small]]:
        changed = bytearray(content)
        changed[p] = int(rng.integers(256))
        damaged.append(bytes(changed))
    for p in places[:10]:
        damaged.append(content[:p] + rng.bytes(8) + content[p + 8 :])
        damaged.append(content[:p] + content[p + 1 :])
    path = Path("damaged")
    refused = 0
    for part in damaged:
        path.write_bytes(part)
        try:
            load_generator(path)
        except CheckpointError:
            refused += 1
    assert refused > 30


def test_random_bytes_raise_nothing_else():
    rng = np.random.default_rng(1)
    path = Path("random")
    letters = b"(.0]}t\x85\x86\x87laeusNRbqhcX\x8c\x93\x94\x81K\x80\x04Q"
    for i in range(200):
        start = (b"\x80\x04", b"\x80\x02", b"PK\x03\x04", b"")[i % 4]
        body = rng.bytes(200) if i % 3 else bytes(rng.choice(list(letters), 200).tolist())
        path.write_bytes(start + body)
        with pytest.raises(CheckpointError):
            load_generator(path)


def test_calls_with_very_many_arguments_are_refused(tmp_path):
    """A tuple that is remembered and handed to one call after the other would be copied every time."""
    body = b"(" + b"N" * 200_000 + b"tq\x00" + b"cargparse\nNamespace\nq\x01" + b"h\x01h\x00R" * 5000 + b"."
    path = files.write(tmp_path / "bomb.pkl", b"\x80\x02" + body)
    with pytest.raises(CheckpointError, match="200,000 arguments"):
        load_generator(path)


def test_long_keys_are_refused(tmp_path):
    """Names of modules are joined, so that one long key above many modules would be copied for each."""
    path = files.write(tmp_path / "bomb.pkl", pickle.dumps({"x" * 1_000_000: None}, protocol=2))
    with pytest.raises(CheckpointError, match="key of 1,000,000 characters"):
        load_generator(path)


def test_archives_whose_entries_overlap_are_refused(tmp_path):
    """Each entry is checked against its checksum, and a thousand entries of the same bytes a thousand times."""
    content = bytearray(files.torch_save({"g_ema": {"a": torch.zeros(1000), "b": torch.ones(1000)}}))
    first, second = (content.rfind(b"archive/data/%d" % i) for i in (0, 1))
    sizes = [content[at - 22 : at - 18] for at in (first, second)]
    assert sizes[0] == sizes[1] == (4000).to_bytes(4, "little")
    for at in (first, second):  # both claim most of the file
        content[at - 26 : at - 18] = (len(content) - 500).to_bytes(4, "little") * 2
    path = files.write(tmp_path / "bomb.pt", bytes(content))
    with pytest.raises(CheckpointError, match="overlap"):
        load_generator(path)


@pytest.mark.parametrize(
    "config",
    ['{"resolution": 1' + "0" * 5000 + "}", '{"widths": []}', '{"widths": [1' + ", 1" * 100_000 + "]}", "[]", "{"],
    ids=["long integer", "no widths", "many widths", "list", "cut"],
)
def test_metadata_that_would_hang_or_crash_are_refused(config, tmp_path):
    from safetensors.torch import save_file

    from mystyle.checkpoints import load_network
    from mystyle.networks.encoder import Encoder

    save_file({"w_avg": torch.zeros(4)}, tmp_path / "e.safetensors", {"network": "Encoder", "config": config})
    with pytest.raises(CheckpointError, match=r"e\.safetensors: "):
        load_network(Encoder, tmp_path / "e.safetensors")


def test_safetensors_of_odd_types_or_without_numbers_are_refused(tmp_path):
    from safetensors.torch import save_file

    for tensor in (torch.zeros(4).to(torch.float8_e4m3fn), torch.zeros(0, 4)):
        save_file({"mapping.w_avg": tensor}, tmp_path / "g.safetensors", {"network": "Generator", "config": "{}"})
        with pytest.raises(CheckpointError, match=r"g\.safetensors: "):
            load_generator(tmp_path / "g.safetensors")


def test_a_clamp_beyond_floats_is_refused():
    from mystyle.checkpoints.architecture import require_sensible

    for clamp in (10**400, float("inf"), float("nan"), True):
        with pytest.raises(CheckpointError, match="conv_clamp"):
            require_sensible({"conv_clamp": clamp})


def test_a_missing_folder_is_told_before_anything_is_read(tmp_path, capsys):
    from mystyle.checkpoints.__main__ import main

    assert main([str(tmp_path / "never_read.pkl"), str(tmp_path / "nowhere" / "g.safetensors")]) == 2
    assert "its folder does not exist" in capsys.readouterr().err


def modules(shared: dict[str, object], kind: str, count: int = 1500) -> bytes:
    """A module whose ``count`` children share one dictionary, which a pickle holds once."""
    parts = {
        f"m{i}": files.Persistent("A", **{"_parameters": {}, "_buffers": {}, "_modules": {}, kind: shared})
        for i in range(count)
    }
    parts["b4"] = files.Persistent("Block", _modules={"out": files.Persistent("A", _modules={})})
    return files.dumps(files.Persistent("Discriminator", _modules=parts))


def test_what_many_modules_share_is_counted_for_each():
    """A few hundred kilobytes would otherwise become millions of names."""
    refuse(modules({f"p{i}": torch.zeros(1)[0] for i in range(20)}, "_parameters"), "more tensors", seconds=2)
    refuse(modules(dict.fromkeys(map(str, range(1500))), "_parameters"), "more tensors", seconds=2)
    refuse(modules(dict.fromkeys(map(str, range(1500))), "_buffers"), "more tensors", seconds=2)
    refuse(modules(dict.fromkeys(map(str, range(1500))), "_modules"), "more modules", seconds=2)


def test_variables_that_components_share_are_counted(g):
    network = files.tensorflow_generator(g)
    shared = [("x", np.zeros(1, "f4"))] * 100_000
    for part in network.components.values():
        part.variables = shared
    refuse(files.dumps((network, network, network)), "100,000 variables", seconds=2)


def test_very_many_tensors_are_refused(g):
    """Each would be a tensor of its own in memory, of four bytes and some hundred more."""
    state = g.state_dict() | dict.fromkeys((f"x{i}" for i in range(10_001)), torch.zeros(()))
    refuse(files.dumps(state), "tensors, more than any network", seconds=2)


@pytest.mark.parametrize(("z", "w"), [(5000, 1), (1, 5000)])
def test_w_avg_is_not_estimated_where_that_takes_gigabytes(z, w, tmp_path):
    """A mapping of 8 MB can be one from 2 million numbers to one, of which 10,000 codes are 80 GB."""
    g = files.randomised(Generator(8, z, w, channel_base=8, channel_max=2, mapping_layers=1))
    state = files.rosinality_generator(g)
    path = files.write(tmp_path / "g.pt", files.torch_save({"g_ema": state, "latent_avg": g.mapping.w_avg}))
    assert torch.equal(load_generator(path).mapping.fc0.weight, g.mapping.fc0.weight)  # nothing is to be estimated
    refuse(files.torch_save({"g_ema": state}), "z_dim or w_dim .*5000", memory=8 * MiB)


def test_very_deep_mappings_are_refused():
    """Thousands of layers of one number each are a small file and minutes of small steps."""
    g = files.randomised(Generator(8, 1, 1, channel_base=8, channel_max=2, mapping_layers=65))
    refuse(files.torch_save({"g_ema": g.state_dict()}), "num_layers of the mapping is 65", seconds=2)
    shallow = files.randomised(Generator(8, 1, 1, channel_base=8, channel_max=2, mapping_layers=64))
    files.write(Path("g.pt"), files.torch_save({"g_ema": shallow.state_dict()}))
    assert load_generator("g.pt").config["mapping_layers"] == 64


def test_a_pipe_is_no_weight_file(tmp_path):
    os.mkfifo(tmp_path / "g.pkl")
    with pytest.raises(CheckpointError, match="no such weight file"):
        load_generator(tmp_path / "g.pkl")


def test_names_of_a_file_reach_the_terminal_escaped(g, tmp_path, capsys):
    from mystyle.checkpoints.__main__ import main

    network = files.tensorflow_generator(g)
    network.variables.append(("\x1b[31mx", np.zeros(1, "f4")))
    path = files.write(tmp_path / "a\x1b[2J.pkl", files.dumps((network, network, network)))
    assert main([str(path)]) == 0
    assert main([str(tmp_path / "b\x1b[2J.pkl")]) == 2
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err and "\\x1b[31mx" in captured.out
