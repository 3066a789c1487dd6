"""Image files: three formats whatever the name, upright, in 8 bits, opaque; whatever else there is, is refused."""

from __future__ import annotations

import io
import os
import socket
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

from mystyle.files import printable, sha256
from mystyle.image_files import (
    FORMATS,
    ImageFileError,
    album_formats,
    decode,
    list_images,
    open_image,
    read_pixels,
    taken,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def saved(path: Path, image: PIL.Image.Image, format: str = "PNG", **options: object) -> Path:
    image.save(path, format, **options)
    return path


def refused(path: Path) -> str:
    with pytest.raises(ImageFileError) as caught:
        read_pixels(path)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a"])
@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_the_content_decides_and_not_the_name(tmp_path, name, format, options):
    path = saved(tmp_path / name, PIL.Image.fromarray(PIXELS), format, **options)
    np.testing.assert_array_equal(read_pixels(path), PIXELS)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(ran) print\n%%EOF\n"


@pytest.mark.parametrize("plugin", ["EPS", "TIFF", "BMP", "GIF"])
def test_other_formats_are_refused_unread(tmp_path, monkeypatch, plugin):
    """PostScript named a.png would be run by Ghostscript; the others are large and little used."""
    content = io.BytesIO(EPS)
    if plugin != "EPS":
        PIL.Image.fromarray(PIXELS).save(content := io.BytesIO(), plugin)
    PIL.Image.open(io.BytesIO(content.getvalue())).close()  # Pillow by itself takes it
    monkeypatch.setitem(PIL.Image.OPEN, plugin, (lambda *a: pytest.fail("was read"), None))
    (tmp_path / "a.png").write_bytes(content.getvalue())
    assert "no PNG, JPEG or WebP" in refused(tmp_path / "a.png")


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped(tmp_path):
    values = np.linspace(0, 65535, 54).round().astype(np.uint16).reshape(6, 9)
    found = read_pixels(saved(tmp_path / "a.png", PIL.Image.fromarray(values)))
    np.testing.assert_array_equal(found, np.rint(values / 257).astype(np.uint8)[..., None].repeat(3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_photos_are_turned_upright(tmp_path, format, orientation):
    """A camera stores rows as they come from the sensor and writes into EXIF how it was held."""
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:8, :16] = 255  # bright at the top left
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1]}
    turned = upright.transpose(1, 0, 2)
    stored |= {5: turned, 6: turned[::-1], 7: turned[::-1, ::-1], 8: turned[:, ::-1]}
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image = PIL.Image.fromarray(np.ascontiguousarray(stored[orientation]))
    found = read_pixels(saved(tmp_path / "a", image, format, exif=exif, quality=95))
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= 8  # JPEG and WebP lose some levels


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_refused_and_opaque_ones_are_not(tmp_path, mode):
    image = PIL.Image.fromarray(PIXELS).convert("L").convert(mode)
    alpha = np.full((6, 9), 255, dtype=np.uint8)
    if mode != "P":
        image.putalpha(PIL.Image.fromarray(alpha))
    np.testing.assert_array_equal(read_pixels(saved(tmp_path / "a.png", image)), np.array(image.convert("RGB")))
    if mode == "P":
        path = saved(tmp_path / "a.png", image, transparency=image.getpixel((2, 3)))
    else:
        alpha[3, 2] = 254
        image.putalpha(PIL.Image.fromarray(alpha))
        path = saved(tmp_path / "a.png", image)
    assert "has transparent pixels" in refused(path)


def test_grey_is_asked_for_by_its_mode(tmp_path):
    with open_image(saved(tmp_path / "m.png", PIL.Image.fromarray(PIXELS).convert("1"))) as image:
        assert image.size == (9, 6)
        assert set(np.unique(np.array(decode(image, "L")))) == {0, 255}


@pytest.mark.filterwarnings("ignore:.*EXIF|.*[Tt]ag")  # what Pillow prints of damaged EXIF
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_damaged_files_raise_nothing_else(tmp_path, format):
    buffer = io.BytesIO()
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(PIXELS).save(buffer, format, exif=exif)
    content, rng = buffer.getvalue(), np.random.default_rng(0)
    bad = 0
    for _ in range(200):
        changed = bytearray(content[: int(rng.integers(len(content)))] if rng.random() < 0.2 else content)
        for place in rng.integers(0, max(1, len(changed)), 3):
            changed[place : place + 1] = rng.bytes(1)
        (tmp_path / "a.png").write_bytes(changed)
        try:
            read_pixels(tmp_path / "a.png")
        except ImageFileError:
            bad += 1
    assert bad > 20


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    """Opening a pipe waits for a writer, and /dev/zero has no end."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "gone.png").symlink_to("nowhere")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s.png"))
    for path in list_images(tmp_path):
        message = refused(path)
        assert ("No such file" if path.stem == "gone" else "not a regular file") in message
        with pytest.raises(OSError):
            sha256(path)
    server.close()


def test_a_report_names_the_image_that_it_cannot_read(tmp_path, capsys):
    from fake_run import write_run

    from reports.build import main

    run = write_run(tmp_path / "run")
    image = min((run / "jobs").glob("*/images/*.png"))
    image.write_bytes(b"nothing")
    assert main([str(run)]) == 2
    assert image.name in capsys.readouterr().err


def test_control_characters_are_escaped_for_the_terminal():
    assert printable("a\x1b[31mb\n\udcff é") == "a\\x1b[31mb\\n\\udcff é"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_when_a_photo_was_taken(tmp_path, format):
    exif = PIL.Image.Exif()
    exif[0x8769] = {36867: "2021:06:01 08:40:05"}
    with open_image(saved(tmp_path / "a", PIL.Image.fromarray(PIXELS), format, exif=exif)) as image:
        assert taken(image) == datetime(2021, 6, 1, 8, 40, 5)


@pytest.mark.parametrize("text", [None, "", "    :  :     :  :  ", "yesterday", "2021:13:01 08:40:05"])
def test_when_it_does_not_say(tmp_path, text):
    exif = PIL.Image.Exif()
    exif[0x8769] = {} if text is None else {36867: text}
    with open_image(saved(tmp_path / "a", PIL.Image.fromarray(PIXELS), "JPEG", exif=exif)) as image:
        assert taken(image) is None


@pytest.mark.filterwarnings("ignore:.*EXIF|.*[Tt]ag")
def test_damaged_exif_says_nothing_of_the_time(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x8769] = {36867: "2021:06:01 08:40:05"}
    content, rng = exif.tobytes(), np.random.default_rng(0)
    for _ in range(100):
        changed = bytearray(content)
        for place in rng.integers(6, len(changed), 4):
            changed[place] = rng.integers(256)
        with open_image(saved(tmp_path / "a", PIL.Image.fromarray(PIXELS), "JPEG", exif=bytes(changed))) as image:
            assert isinstance(taken(image), datetime | None)


def test_heic_is_read_in_albums_where_its_package_is_installed(monkeypatch):
    """And nowhere else: ``open_image`` takes ``FORMATS`` unless told otherwise."""
    registered = []
    package = SimpleNamespace(register_heif_opener=lambda: registered.append(1), __spec__=SimpleNamespace())
    album_formats.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr("mystyle.image_files.find_spec", lambda name: sys.modules[name] and sys.modules[name].__spec__)
    assert album_formats() == FORMATS and not registered
    album_formats.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    assert album_formats() == (*FORMATS, "HEIF") and registered == [1]
    album_formats.cache_clear()
