"""``python -m mystyle`` on small networks: its verbs, what they leave, going on, and every message."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import RESOLUTION, draw_face
from PIL import Image

from mystyle import domains
from mystyle.__main__ import main
from mystyle.domains.synthetic import WeightFolder
from mystyle.editors.directions import save_directions
from mystyle.editors.interfacegan import EDITOR
from mystyle.latents.anchors import Anchors
from mystyle.latents.subspace import AlphaCode, dilation
from mystyle.workbench import albums, tour
from mystyle.workbench import commands as workbench


@pytest.fixture(autouse=True)
def small(tiny_domain, monkeypatch, tmp_path_factory):
    """The tool's domain is the tiny one, in which every image passes for a face."""
    folder = tmp_path_factory.mktemp("domain")
    directions = {"smile": torch.randn(64, generator=torch.Generator().manual_seed(0))}
    save_directions(folder / "directions.safetensors", directions, tiny_domain.weights["generator.safetensors"])
    domain = replace(tiny_domain, folder=folder)
    monkeypatch.setattr(workbench, "load_domain", lambda name, device: domain)
    monkeypatch.setattr(workbench, "without_a_face", lambda portraits, domain: [])


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("album")
    for i in range(4):
        Image.fromarray(draw_face("alice", i)).save(folder / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    for i in range(2):
        Image.fromarray(draw_face("alice", 100 + i)).save(folder / f"n{i}.jpg", quality=95)
    return folder


@pytest.fixture
def prior(album, tmp_path) -> Path:
    assert tool("tune", album, "--out", tmp_path / "alice", "--preset", "smoke") == 0
    return tmp_path / "alice"


def tool(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def pixels(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB")).astype(int)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir() if p.is_file()}


def test_tune_leaves_a_whole_prior_with_its_card_and_nothing_else(prior, album):
    files = {"generator.safetensors", "anchors.safetensors", "prior.json", "README.md", "sheet.png", "outputs.json"}
    assert {path.name for path in prior.iterdir()} == files
    content = json.loads((prior / "prior.json").read_text())
    assert set(content["made_of"]["photos"]) == {f"{i}.png" for i in range(4)}
    assert content["figures"]["perceptual_after"] < content["figures"]["perceptual_before"]
    assert Anchors.load(prior / "anchors.safetensors").names == tuple(f"{i}.png" for i in range(4))
    assert "do not use it to deceive" in (prior / "README.md").read_text()


def test_tuning_again_does_nothing_and_other_settings_are_refused(prior, album, capsys):
    before = snapshot(prior)
    assert tool("tune", album, "--out", prior, "--preset", "smoke") == 0
    assert "tuned already" in capsys.readouterr().out and snapshot(prior) == before
    assert tool("tune", album, "--out", prior, "--preset", "smoke", "--seed", 1) == 2
    assert "holds a prior of other photos or settings" in capsys.readouterr().err
    assert snapshot(prior) == before


def test_anchors_can_be_found_by_descent_or_made_elsewhere(album, tmp_path, monkeypatch):
    from mystyle import pivots

    descent = pivots.optimise_anchors
    monkeypatch.setattr(
        workbench,
        "optimise_anchors",
        lambda *a, **k: descent(*a, replace(pivots.PTI, steps=3), **k),
    )
    assert tool("tune", album, "--out", tmp_path / "a", "--preset", "smoke", "--anchors", "optimise") == 0
    codes = torch.randn(4, 64)
    (tmp_path / "codes").mkdir()
    for i in range(4):
        torch.save(codes[i], tmp_path / "codes" / f"{i}.pt")
    made = ("--out", tmp_path / "b", "--preset", "smoke", "--anchors", tmp_path / "codes")
    assert tool("tune", album, *made) == 0
    assert torch.equal(Anchors.load(tmp_path / "b" / "anchors.safetensors").codes, codes)


@pytest.mark.parametrize("way", ["b1", "dirichlet", "hit_and_run"])
def test_samples_have_codes_and_repeat(prior, tmp_path, way):
    for name in ("one", "two"):
        assert tool("sample", "--prior", prior, "--out", tmp_path / name, "--n", 3, "--way", way) == 0
    assert len(list((tmp_path / "one").glob("0*.png"))) == 3
    for i in range(3):
        one, two = (tmp_path / name / f"{i:04d}.png" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        code = AlphaCode.load(one.with_suffix(".safetensors"))
        assert float(dilation(code.alpha).max()) < 1e-6
        assert code.anchors == Anchors.load(prior / "anchors.safetensors").hash


def test_invert_writes_images_codes_and_a_table_and_goes_on_where_it_was(prior, new, tmp_path, capsys):
    out = tmp_path / "out"
    command = ("invert", new, "--prior", prior, "--out", out, "--preset", "smoke")
    assert tool(*command) == 0
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert [row["image"] for row in rows] == ["n0", "n1"] and float(rows[0]["loss"]) > 0
    before = snapshot(out)
    (out / "n1.png").unlink()
    assert tool(*command) == 0
    assert "1 of 2 are there already" in capsys.readouterr().out
    after = snapshot(out)
    assert after["n0.png"] == before["n0.png"]  # not touched
    first = np.array(Image.open(io.BytesIO(before["n1.png"][1]))).astype(int)
    assert np.abs(pixels(out / "n1.png") - first).max() <= 2  # the same again, but for the rounding of a batch of one
    assert tool(*command, "--beta", 0.1) == 0
    assert snapshot(out)["n0.safetensors"] != after["n0.safetensors"]  # other settings: made anew


@pytest.mark.parametrize("blend", ["hard", "poisson"])
def test_inpaint_keeps_what_is_known(prior, new, tmp_path, blend):
    mask = np.full((RESOLUTION, RESOLUTION), 255, dtype=np.uint8)
    mask[8:20, 8:24] = 0
    Image.fromarray(mask).save(tmp_path / "m.png")
    out = tmp_path / "out"
    command = ("inpaint", new, "--mask", tmp_path / "m.png", "--prior", prior, "--out", out, "--preset", "smoke")
    assert tool(*command, "--blend", blend) == 0
    known = mask > 127
    if blend == "poisson":
        known[7:21, 7:25] = False  # the hole grows by a pixel at 32 px
    np.testing.assert_array_equal(pixels(out / "n0.png")[known], pixels(new / "n0.jpg")[known])
    assert np.abs(pixels(out / "n0.png") - pixels(new / "n0.jpg"))[~known].max() > 0


def test_upscale_takes_every_size_by_its_own_factor(prior, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    for size in (8, 16):
        Image.fromarray(draw_face("alice", 7, size)).save(small / f"s{size}.png")
    out = tmp_path / "out"
    assert tool("upscale", small, "--prior", prior, "--out", out, "--preset", "smoke") == 0
    for size in (8, 16):
        assert Image.open(out / f"s{size}.png").size == (RESOLUTION, RESOLUTION)
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert {row["image"] for row in rows} == {"s8", "s16"}


def test_edit_writes_an_image_per_strength_and_the_endpoints(prior, new, tmp_path):
    out = tmp_path / "out"
    command = ("edit", new, "--direction", "smile", "--prior", prior, "--out", out, "--preset", "smoke")
    assert tool(*command, "--strengths", "[-1,0,1]") == 0
    rows = list(csv.DictReader((out / "edits.csv").open()))
    assert len(rows) == 6 and {row["strength"] for row in rows} == {"-1.0", "0.0", "1.0"}
    assert all(float(row["low"]) <= 0 <= float(row["high"]) for row in rows)
    assert all(float(row["dilation"]) <= 0.03 + 1e-5 for row in rows)
    code = AlphaCode.load(out / "n0_+1.safetensors")
    assert code.alpha.shape[0] == 1
    vector = torch.randn(64)
    torch.save(vector, tmp_path / "d.pt")
    other = ("edit", new, "--direction", tmp_path / "d.pt", "--prior", prior, "--out", out, "--preset", "smoke")
    assert tool(*other, "--policy", "stop") == 0


def test_directions_are_found_and_written(tmp_path, monkeypatch, tiny_domain):
    (tmp_path / "generator.safetensors").write_bytes(b"weights")
    monkeypatch.setattr(domains, "source", lambda name: WeightFolder(name, tmp_path))
    for way, names in (("interfacegan", {"yaw", "smile"}), ("ganspace", {"pca00", "pca01"}), ("sefa", {"sefa00"})):
        file = tmp_path / f"{way}.safetensors"
        assert tool("directions", "--out", file, "--way", way, "--samples", 64, "--count", 2) == 0
        from safetensors import safe_open

        with safe_open(file, framework="pt") as content:
            assert names <= set(json.loads(content.metadata()["names"]))
    assert tool("directions", "--out", tmp_path / "d.pt") == 2


def pipe(path: Path) -> Path:
    """Opening it would wait for a writer."""
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    return path


def link(path: Path) -> Path:
    """Reading it would not end."""
    path.symlink_to("/dev/zero")
    return path


def write(path: Path, size: tuple[int, int], value: int = 90) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(path)
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (lambda t, a, n, p: ("tune", t / "none"), "none is neither an image nor a folder of images"),
        (lambda t, a, n, p: ("tune", write(t / "one" / "x.png", (32, 32)).parent), "one photo only"),
        (lambda t, a, n, p: ("tune", write(t / "wide" / "x.png", (40, 32)).parent), "x.png is 40x32 pixels"),
        (lambda t, a, n, p: ("tune", write(t / "tiny" / "x.png", (16, 16)).parent), "x.png is 16x16 pixels"),
        (
            lambda t, a, n, p: ("tune", a, "--anchors", "guess"),
            "--anchors guess: is neither encode, optimise",
        ),
        (lambda t, a, n, p: ("tune", a, "--anchors", n), "0 files of codes for 0.png"),
        (lambda t, a, n, p: ("sample", "--prior", t / "no"), "the prior is not there"),
        (lambda t, a, n, p: ("sample", "--prior", n), "the prior is not finished"),
        (lambda t, a, n, p: ("sample", "--prior", p, "--n", "0"), "--n 0: must be at least 1"),
        (lambda t, a, n, p: ("sample", "--prior", p, "--beta", "0.1"), "B.1 samples the hull itself"),
        (
            lambda t, a, n, p: ("inpaint", n, "--prior", p, "--mask", write(t / "m.png", (32, 32), 255)),
            "the mask hides nothing; black is the hole",
        ),
        (
            lambda t, a, n, p: ("inpaint", n, "--prior", p, "--mask", write(t / "m.png", (32, 32), 0)),
            "the mask hides everything",
        ),
        (lambda t, a, n, p: ("inpaint", n, "--prior", p, "--mask", a), "no mask for n0.jpg, n1.jpg"),
        (lambda t, a, n, p: ("upscale", n, "--prior", p), "to be enlarged it must be square and below 32"),
        (
            lambda t, a, n, p: ("edit", n, "--prior", p, "--direction", "wit"),
            "--direction wit: unknown direction 'wit'; interfacegan has here: smile",
        ),
        (lambda t, a, n, p: ("edit", n, "--prior", p, "--direction", "x.npy"), "x.npy: cannot be read"),
        (
            lambda t, a, n, p: ("edit", n, "--prior", p, "--direction", pipe(t / "d.npy")),
            "d.npy: cannot be read (not",
        ),
        (lambda t, a, n, p: ("edit", n, "--prior", p, "--direction", link(t / "d.pt")), "d.pt: cannot be read (not a"),
        (lambda t, a, n, p: ("edit", n, "--prior", p, "--strengths", "[.nan]"), "--strengths nan: must be"),
        (lambda t, a, n, p: ("edit", n, "--prior", p, "--strengths", "[.inf]"), "--strengths inf: must be"),
        (lambda t, a, n, p: ("invert", n, "--prior", p, "--steps", "0"), "--steps 0: must be at least 1"),
        (lambda t, a, n, p: ("invert", n, "--prior", p, "--beta", "-1"), "--beta -1.0: must be at least 0"),
        (lambda t, a, n, p: ("invert", n, "--prior", p, "--beta", ".nan"), "--beta nan: must be a finite"),
        (lambda t, a, n, p: ("invert", n, "--prior", p, "--out", write(t / "f.png", (9, 9))), "f.png: cannot be used"),
        (
            lambda t, a, n, p: ("invert", n, "--prior", p, "--out", write(t / "f.png", (9, 9)) / "x"),
            "png/x: cannot be used",
        ),
        (lambda t, a, n, p: ("invert", pipe(t / "q" / "x.png").parent, "--prior", p), "x.png cannot be decoded (not a"),
        (lambda t, a, n, p: ("invert", n, "--prior", "x" * 300), "File name too long"),
        (lambda t, a, n, p: ("invert", n, "--prior", p, "--out", "x" * 300), "File name too long"),
        (lambda t, a, n, p: ("invert", write(t / f"{'x' * 240}.png", (32, 32)), "--prior", p), "is too long; rename"),
        (lambda t, a, n, p: ("tune", a, "--epochs", "0"), "--epochs 0: must be at least 1"),
        (lambda t, a, n, p: ("tune", a, "--seed", "-1"), "--seed -1: must be at least 0"),
        (lambda t, a, n, p: ("sample", "--prior", p, "--seed", 10**26), f"--seed {10**26}: must be a"),
        (lambda t, a, n, p: ("sample", "--prior", p, "--way", "dirichlet", "--beta", "-1"), "beta is -1.0, must be"),
        (
            lambda t, a, n, p: ("sample", "--prior", p, "--way", "dirichlet", "--concentration", "0"),
            "concentration is",
        ),
        (lambda t, a, n, p: ("sample", "--prior", p, "--n", "9" * 400), "must be a finite number below 2^63"),
        (lambda t, a, n, p: ("directions", "--samples", "0"), "--samples 0: must be at least 40"),
        *(
            (lambda t, a, n, p, f=f: ("directions", "--out", p / f), f"{f}: is there and holds no directions; choose")
            for f in ("generator.safetensors", "anchors.safetensors")
        ),
    ],
)
def test_whatever_is_wrong_is_said_before_anything_is_made(
    arguments, message, prior, album, new, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    command = arguments(tmp_path, album, new, prior)
    before = set(tmp_path.rglob("*"))
    assert tool(*command) == 2
    captured = capsys.readouterr()
    assert message in captured.err and "Traceback" not in captured.err
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[1]", "[" * 100_000, '{"made_of": 3}', '{"made_of": {}, "generator": 1}', "\xff"],
    ids=["empty", "cut", "a list", "deep", "a number", "no hash", "not UTF-8"],
)
def test_a_damaged_prior_json_is_named(prior, album, new, tmp_path, capsys, damage):
    (prior / "prior.json").write_text(damage, encoding="latin1")
    for command in (("sample", "--prior", prior), ("tune", album, "--out", prior, "--preset", "smoke")):
        assert tool(*command, *(("--out", tmp_path / "s") if command[0] == "sample" else ())) == 2
        error = capsys.readouterr().err
        assert "prior.json: is damaged" in error or "holds a prior of other photos" in error
        assert len(error) < 500


def test_a_prior_whose_files_do_not_belong_together_is_refused(prior, new, tmp_path, capsys):
    """Another generator of the same shape would give images of nobody, without a sign."""
    from mystyle.checkpoints import load_generator, save_generator

    g = load_generator(prior / "generator.safetensors")
    g.synthesis.b4.const.mul_(1.5)
    save_generator(g, prior / "generator.safetensors")
    assert tool("invert", new, "--prior", prior, "--out", tmp_path / "out") == 2
    assert "generator.safetensors: is not the generator that prior.json names" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["generator.safetensors", "anchors.safetensors"])
def test_a_prior_with_a_file_that_is_missing_damaged_or_a_pipe_is_refused(prior, new, tmp_path, capsys, file):
    content = (prior / file).read_bytes()
    (prior / file).write_bytes(content[:-9])
    assert tool("invert", new, "--prior", prior, "--out", tmp_path / "out") == 2
    assert "tune the person again" in capsys.readouterr().err
    (prior / file).unlink()
    os.mkfifo(prior / file)
    assert tool("invert", new, "--prior", prior, "--out", tmp_path / "out") == 2
    assert "the prior is not finished" in capsys.readouterr().err


def photos_of(folder: Path, new: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        Image.open(new / "n0.jpg").save(folder / name)
    return folder


@pytest.mark.parametrize("verb", ["tune", "invert", "inpaint", "upscale", "edit"])
@pytest.mark.parametrize("inside", [".", "deep/er"])
def test_the_folder_of_the_images_is_never_written_to(verb, inside, prior, new, tmp_path, capsys):
    size = 16 if verb == "upscale" else 32
    photos = write(tmp_path / "photos" / "a.png", (size, size)).parent
    write(photos / "sheet.png", (size, size))
    (photos / "README.md").write_text("mine")
    before = snapshot(photos)
    mask = np.full((RESOLUTION, RESOLUTION), 255, dtype=np.uint8)
    mask[8:20, 8:24] = 0
    Image.fromarray(mask).save(tmp_path / "m.png")
    (tmp_path / "link").symlink_to(photos)
    for out in (photos / inside, tmp_path / "link" / inside):
        command = (verb, photos, "--out", out, "--preset", "smoke")
        command += () if verb == "tune" else ("--prior", prior)
        command += ("--mask", tmp_path / "m.png") if verb == "inpaint" else ()
        assert tool(*command) == 2
        error = capsys.readouterr().err
        assert f"--out {out}: " in error or "two results would be called sheet.png" in error
    (photos / "sheet.png").rename(photos / "other.png")
    assert tool(*command) == 2
    assert "is in the folder of the images" in capsys.readouterr().err
    (photos / "other.png").rename(photos / "sheet.png")
    assert snapshot(photos) == before and not (photos / "deep").exists()


@pytest.mark.parametrize("name", ["0000.png", "n0.png", "sheet.png", "notes.txt", "outputs.json", "README.md"])
def test_a_folder_with_what_the_command_did_not_write_is_refused(name, prior, album, new, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    commands = (
        ("tune", album, "--preset", "smoke"),
        ("sample", "--prior", prior),
        ("invert", new, "--prior", prior, "--preset", "smoke"),
        ("edit", new, "--prior", prior, "--preset", "smoke"),
    )
    for command in commands:
        assert tool(*command, "--out", out) == 2
        error = capsys.readouterr().err
        assert f"{name}, which {command[0]} did not write" in error or "outputs.json: is damaged" in error
        assert {path.name: path.read_text() for path in out.iterdir()} == {name: "mine"}


def test_results_of_one_command_are_not_replaced_by_those_of_another(prior, new, tmp_path, capsys):
    assert tool("sample", "--prior", prior, "--out", prior, "--n", 1) == 2
    assert "holds the results of tune" in capsys.readouterr().err
    out = tmp_path / "out"
    assert tool("sample", "--prior", prior, "--out", out, "--n", 1) == 0
    assert tool("sample", "--prior", prior, "--out", out, "--n", 2) == 0
    before = snapshot(out)
    assert tool("invert", new, "--prior", prior, "--out", out, "--preset", "smoke") == 2
    assert "holds the results of sample" in capsys.readouterr().err and snapshot(out) == before
    assert tool("invert", new / "n0.jpg", "--prior", prior, "--out", tmp_path / "i", "--preset", "smoke") == 0
    assert tool("invert", tmp_path / "i" / "n0.png", "--prior", prior, "--out", tmp_path / "i") == 2
    assert "is in the folder of the images" in capsys.readouterr().err
    (out / "mine.png").write_text("mine")
    assert tool("sample", "--prior", prior, "--out", out, "--n", 1) == 2
    assert "holds mine.png, which sample did not write" in capsys.readouterr().err


def test_hidden_files_are_no_results_unless_they_would_be_replaced(prior, new, tmp_path, capsys):
    photo, out = photos_of(tmp_path / "p", new, ".x.png") / ".x.png", tmp_path / "out"
    out.mkdir()
    (out / ".DS_Store").write_text("of the system")
    assert tool("invert", photo, "--prior", prior, "--out", out, "--preset", "smoke") == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / ".x.png").write_text("mine")
    assert tool("invert", photo, "--prior", prior, "--out", other, "--preset", "smoke") == 2
    assert "holds .x.png, which invert did not write" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["invert", "edit"])
def test_a_photo_of_the_name_of_the_contact_sheet_is_refused(verb, prior, new, tmp_path, capsys):
    photos = photos_of(tmp_path / "p", new, "Sheet.png")
    out = tmp_path / "out"
    status = tool(verb, photos, "--prior", prior, "--out", out, "--preset", "smoke")
    if verb == "edit":  # its results are sheet_+1.png and so on; the inversions below are what would collide
        assert not (out / "sheet.png").exists()
    assert status == 2 and "two results would be called" in capsys.readouterr().err


def test_names_of_photos_reach_neither_mathtext_nor_the_terminal(prior, new, tmp_path, capsys):
    out = tmp_path / "out"
    photos = photos_of(tmp_path / "p", new, "a$x_$$.png", "b\x1b[31m.png")
    assert tool("invert", photos, "--prior", prior, "--out", out, "--preset", "smoke") == 0
    (photos / "c\x1b[31m.png").write_bytes(b"nothing")
    assert tool("invert", photos, "--prior", prior, "--out", out, "--preset", "smoke") == 2
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err and "c\\x1b[31m.png cannot be decoded" in captured.err


def test_names_need_not_fit_the_encoding_of_the_terminal(prior, tmp_path, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    assert tool("sample", "--prior", prior, "--out", tmp_path / "ž", "--n", 1) == 0
    stream.flush()
    assert b"\\u017e: 1 samples" in stream.buffer.getvalue()


def test_a_full_disk_is_no_error_of_the_arguments(prior, tmp_path, capsys, monkeypatch):
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workbench, "write_image", full)
    assert tool("sample", "--prior", prior, "--out", tmp_path / "s", "--n", 1) == 1
    assert "No space left on device" in capsys.readouterr().err


def test_a_file_that_is_no_image_is_named(prior, tmp_path, capsys):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.png").write_bytes(b"nothing")
    assert tool("invert", tmp_path / "bad", "--prior", prior) == 2
    assert "x.png cannot be decoded" in capsys.readouterr().err


def test_images_without_a_face_are_named(album, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workbench, "without_a_face", lambda portraits, domain: portraits.files[1::2])
    assert tool("tune", album, "--out", tmp_path / "a") == 2
    assert "no face found in 1.png, 3.png" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_directions_of_another_generator_are_refused(tmp_path, tiny_domain):
    domain = replace(tiny_domain, folder=tmp_path)
    save_directions(tmp_path / "directions.safetensors", {"smile": torch.randn(64)}, "another")
    with pytest.raises(ValueError, match=r"directions\.safetensors: made for another generator"):
        EDITOR.attributes(domain)


def test_help_is_there_at_once():
    import subprocess
    import sys

    code = "import sys, mystyle.__main__; sys.exit(any(m in sys.modules for m in ('torch', 'pytorch_lightning')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def curated(album, out, resolution, least_pixels, device):
    """In place of ``albums.curated``, which has tests of its own: half of the photos are held out."""
    for i, path in enumerate(sorted(album.iterdir())):
        (part := out / ("train" if i < 2 else "test")).mkdir(parents=True, exist_ok=True)
        Image.open(path).save(part / path.name)
    return out / "train"


def test_a_raw_album_is_curated_and_tuned_and_the_person_stays_in_the_folder(album, tmp_path, monkeypatch):
    monkeypatch.setattr(workbench, "raw", lambda *_: True)
    monkeypatch.setattr(workbench, "curated", curated)
    for _ in range(2):  # the second time it is tuned already
        assert tool("tune", album, "--out", tmp_path / "a", "--preset", "smoke") == 0
    assert set(json.loads((tmp_path / "a" / "prior.json").read_text())["made_of"]["photos"]) == {"0.png", "1.png"}
    assert len(list((tmp_path / "a" / "person" / "test").iterdir())) == 2


def test_a_raw_album_is_not_written_into(album, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(workbench, "raw", lambda *_: True)
    monkeypatch.setattr(workbench, "curated", curated)
    assert tool("tune", album, "--out", album / "prior") == 2
    assert "is in the folder of the images" in capsys.readouterr().err
    assert not (album / "prior").exists()


def test_an_album_becomes_a_page_whose_pictures_are_there(album, tmp_path, monkeypatch):
    monkeypatch.setattr(workbench, "raw", lambda *_: True)
    monkeypatch.setattr(workbench, "curated", curated)
    monkeypatch.setattr(tour.domains, "source", lambda name: WeightFolder("tiny", tmp_path, RESOLUTION))
    out = tmp_path / "out"
    assert tool("album", album, "--out", out, "--domain", "synthetic", "--preset", "smoke", "--samples", 3) == 0
    text = (out / "index.html").read_text()
    shown = [part.split('"')[0] for part in text.split('<img src="')[1:]]
    assert {"prior/sheet.png", "samples/sheet.png", "inpainted/sheet.png"} <= set(shown)
    assert all((out / name).is_file() for name in shown) and "http" not in text
    mask = pixels(out / "mask.png")
    assert 0.2 < (mask == 0).mean() < 0.3


def test_what_is_rendered_is_never_taken_for_a_raw_album(album):
    assert not albums.raw(album, "synthetic", RESOLUTION, "cpu")
    assert albums.shows_photographs("faces") and not albums.shows_photographs("synthetic")
