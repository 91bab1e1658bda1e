"""Pixels that the container hides are left out, as FFmpeg's program does."""

import numpy as np
import pytest

from deeptsr.jobs.upscale import upscale_file
from deeptsr.video import probe, read
from tests.helpers.clips import clip, decode, ffmpeg
from tests.helpers.synth import tiny

CROPS = {"bottom": 0x54AA, "top": 0x54BB, "left": 0x54CC, "right": 0x54DD}


def number(data, at, keep):
    """Read a number of Matroska, with its mark of length or without."""
    size = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + size], "big")
    return value if keep else value & ~(1 << 7 * size), size


def with_crop(data, crop, at=0, end=None):
    """Add elements to the description of the picture."""
    out, end = b"", len(data) if end is None else end
    while at < end:
        kind, n = number(data, at, True)
        size, m = number(data, at + n, False)
        begin, unknown = at + n + m, size == (1 << 7 * m) - 1
        stop = end if unknown else begin + size
        if kind in (0x18538067, 0x1654AE6B, 0xAE, 0xE0):
            inner = with_crop(data, crop, begin, stop)
            if kind == 0xE0:
                inner += b"".join(
                    CROPS[name].to_bytes(2, "big") + b"\x81" + bytes([pixels])
                    for name, pixels in crop.items()
                )
            length = data[at + n : begin] if unknown else (len(inner) | 1 << 56).to_bytes(8, "big")
            out += data[at : at + n] + length + inner
        else:
            out += data[at:stop]
        at = stop
    return out


@pytest.mark.parametrize(
    "crop",
    [
        {"top": 8, "bottom": 8},
        {"left": 6, "right": 10},
        {"top": 4, "bottom": 10, "left": 12, "right": 2},
    ],
)
@pytest.mark.parametrize("name", ["s.mkv", "s.mp4"])
@pytest.mark.parametrize("turned", [0, 90])
def test_what_the_container_hides_is_left_out(quick, tmp_path, crop, name, turned):
    plain = tmp_path / "plain.mkv"
    form = ("-c:v", "libx264", "-bf", 0, "-f", "matroska")
    clip(tmp_path / "whole.mkv", *form, size="96x64", rate="25", frames=8)
    ffmpeg("-i", tmp_path / "whole.mkv", "-c", "copy", "-f", "matroska", plain)
    path = tmp_path / "s.mkv"
    path.write_bytes(with_crop(plain.read_bytes(), crop))
    if name == "s.mp4" or turned:
        turn = ("-display_rotation", turned) if turned else ()
        ffmpeg(
            *turn,
            "-i",
            path,
            "-c",
            "copy",
            "-f",
            name[2:].replace("mkv", "mov"),
            tmp_path / f"turned{name[1:]}",
        )
        path = tmp_path / f"turned{name[1:]}"
    info = probe(path)
    width = 96 - crop.get("left", 0) - crop.get("right", 0)
    height = 64 - crop.get("top", 0) - crop.get("bottom", 0)
    size = (height, width) if turned else (width, height)
    assert (info.width, info.height) == size
    frames = np.stack(list(read(info)))
    truth = decode(path, "rgb24", size)  # which has this very size
    assert np.corrcoef(frames.ravel(), truth.ravel())[0, 1] > 0.95  # colours are enlarged otherwise
    if not turned:
        whole = np.stack(list(read(probe(tmp_path / "whole.mkv"))))
        top, left = crop.get("top", 0), crop.get("left", 0)
        assert np.array_equal(frames, whole[:, top : top + height, left : left + width])
    assert any("the file hides" in note for note in info.notes)
    upscale_file(path, tmp_path / "o.mp4", tiny(2))
    assert (probe(tmp_path / "o.mp4").width, probe(tmp_path / "o.mp4").height) == size
