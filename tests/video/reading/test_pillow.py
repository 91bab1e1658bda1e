"""Pictures by strangers: formats that are read, and sizes that are not."""

import os
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from deeptsr.errors import InputError
from deeptsr.video import probe
from deeptsr.video.reading.pillow import MOST_PIXELS

EPS = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\nshowpage\n%%EOF\n"


def gif(width, height, frames):
    """Frames of one pixel on a screen of any size."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes((0, 0, 0, 9, 9, 9))
    delay = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    pixel = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + (delay + pixel) * frames + b";"


def test_postscript_is_not_handed_to_another_program(tmp_path, monkeypatch):
    tools, pictures = tmp_path / "bin", tmp_path / "pictures"
    tools.mkdir()
    pictures.mkdir()
    called = tmp_path / "called"
    (tools / "gs").write_text(f'#!/bin/sh\necho "$@" >> {called}\nexit 1\n')
    (tools / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    for number in range(5):
        (pictures / f"{number}.png").write_text(EPS)
    with pytest.raises(InputError, match="cannot be read as an image"):
        probe(pictures)
    assert not called.exists()


def test_a_gif_that_claims_too_much_is_refused_from_its_header(tmp_path):
    (tmp_path / "a.gif").write_bytes(gif(13000, 13000, 6))
    began = time.monotonic()
    with pytest.raises(InputError, match=f"more than {MOST_PIXELS} pixels.*scale it down"):
        probe(tmp_path / "a.gif")
    assert time.monotonic() - began < 2


def test_a_gif_of_single_pixels_is_read(tmp_path):
    (tmp_path / "a.gif").write_bytes(gif(64, 48, 6))
    info = probe(tmp_path / "a.gif")
    assert (info.frames, info.width, info.height) == (6, 64, 48)


@pytest.mark.parametrize("side", [8193, 10000, 30000])
def test_an_image_that_claims_too_much_is_refused_from_its_header(tmp_path, side):
    whole = tmp_path / "0.png"
    Image.new("L", (16, 16)).save(whole)
    data = bytearray(whole.read_bytes())
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    whole.write_bytes(data)
    with pytest.raises(InputError, match=f"more than {MOST_PIXELS} pixels"):
        probe(tmp_path)


def test_names_with_numbers_are_no_patterns_of_others(tmp_path):
    # FFmpeg would read 0000.png where it is told %04d.png.
    deep = np.full((32, 32), 40_000, np.uint16)
    for name in ("%04d.png", "0000.png", "0001.png", "0002.png"):
        Image.fromarray(deep).save(tmp_path / name)
        deep = deep // 2
    assert probe(tmp_path).depth == 16
