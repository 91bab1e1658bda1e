"""Container x codec x range x depth x size: a still clip keeps its levels, tags and stillness."""

from fractions import Fraction

import av
import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.io import VideoWriter, probe, read
from deeptsr.timeline import Timeline
from tests.clips import describe, ffmpeg, raw_clip

OUTPUTS = [
    *(("o.mp4", codec) for codec in ("libx264", "libx265", "libsvtav1", "libvpx-vp9")),
    *(("o.mov", codec) for codec in ("libx264", "libx265", "prores_ks")),
    *(("o.mkv", codec) for codec in ("libx264", "libx265", "libsvtav1", "ffv1")),
    *(("o.webm", codec) for codec in ("libvpx-vp9", "libsvtav1")),
    *(("o.avi", codec) for codec in ("libx264", "ffv1", "mpeg4")),
    ("o/", None),
    ("o.gif", None),
]
FRAMES = 5
ODD_REFUSED = ("libsvtav1",)


def source(path, range_, depth, size):
    """Soft waves that do not move, as Y'CbCr with full chroma."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    scale = 2 ** (depth - 8)
    waves = [np.sin(x / 9 + c) * np.cos(y / 7 + 2 * c) for c in range(3)]
    planes = [130 + 80 * waves[0], 128 + 30 * waves[1], 128 + 30 * waves[2]]
    kind = np.uint8 if depth == 8 else np.uint16
    numbers = np.rint(np.stack(planes) * scale).astype(kind)[None].repeat(FRAMES, 0)
    pix_fmt = "yuv444p" if depth == 8 else "yuv444p10le"
    tags = f"setparams=colorspace=bt709:range={range_}:color_primaries=bt709:color_trc=bt709"
    return raw_clip(
        path, numbers, pix_fmt, size, *("-vf", tags, "-color_range", range_, "-c:v", "ffv1")
    )


@pytest.mark.parametrize(("name", "codec"), OUTPUTS)
@pytest.mark.parametrize(
    ("range_", "depth", "size"),
    [("tv", 8, (64, 64)), ("pc", 8, (65, 63)), ("tv", 10, (66, 64)), ("pc", 10, (64, 64))],
)
def test_a_still_clip(tmp_path, name, codec, range_, depth, size):
    if codec is not None and codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    if size[0] % 2 and codec in ODD_REFUSED:
        pytest.skip("takes even sizes only, and says so")
    info = probe(source(tmp_path / "s.mkv", range_, depth, size))
    assert (info.color.range, info.depth, info.width, info.height) == (range_, depth, *size)
    frames = np.stack(list(read(info)))
    out = f"{tmp_path}/{name}"
    with VideoWriter(
        out,
        size=size,
        timeline=Timeline.constant(Fraction(25), FRAMES),
        source=info,
        settings=EncodeSettings(codec=codec),
    ) as writer:
        writer.write(frames)
        writer.finish()

    again = probe(out)
    made = np.stack(list(read(again)))
    assert made.shape == frames.shape
    means, truth = made.mean((1, 2)) * 255, frames[0].mean((0, 1)) * 255
    lossy = 2.5 if name == "o.gif" else 1.0  # 256 colours
    assert np.abs(means - truth).max() < lossy
    assert np.ptp(means, axis=0).max() < 0.5

    # The same from the numbers that ffmpeg finds, by its own conversion.
    place = f"{out}%06d.png" if name == "o/" else out
    seen = np.frombuffer(
        ffmpeg("-i", place, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
        np.uint8,
    ).reshape(FRAMES, size[1], size[0], 3)
    means = seen.mean((1, 2))
    assert np.ptp(means, axis=0).max() < 0.5
    assert np.abs(means - truth).max() < 3

    text = describe(place)
    assert f"{size[0]}x{size[1]}" in text
    if codec not in (None, "ffv1", "mpeg4"):
        expected = "tv" if codec == "prores_ks" else range_
        assert f"({expected}, bt709" in text
        assert (again.depth > 8) == ((depth > 8 and codec != "libvpx-vp9") or codec == "prores_ks")
