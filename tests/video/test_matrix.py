"""Container x codec x range x depth x size: a still clip keeps its levels, tags and stillness.

Whole runs add rates, fixed and variable, rotation and sound.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeptsr.config import EncodeSettings
from deeptsr.imaging.timeline import Timeline
from deeptsr.jobs.upscale import upscale_file
from deeptsr.video import VideoWriter, probe, read
from tests.helpers.clips import clip, decode, describe, ffmpeg, raw_clip, sound_packets, timestamps
from tests.helpers.synth import tiny

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


# --- whole runs ---


RUNS = [
    # source, codecs, rate, variable, turned, range, depth, size, output, its codec, factor
    ("mp4", ("libx264", "aac"), "24000/1001", False, 90, "tv", 8, (48, 34), "o.mp4", None, 2),
    ("mp4", ("libx265", "aac"), "30000/1001", False, 180, "pc", 8, (64, 48), "o.mov", None, 3),
    ("mov", ("libx264", "aac"), "25", True, 270, "tv", 8, (48, 34), "o.mkv", None, 2),
    ("mov", ("prores_ks", "pcm_s16le"), "50", False, 0, "tv", 10, (64, 48), "o.mov", None, 4),
    ("mkv", ("ffv1", "flac"), "25", True, 0, "pc", 8, (33, 25), "o.mkv", "ffv1", 3),
    ("mkv", ("libx265", "ac3"), "30000/1001", True, 0, "tv", 10, (64, 48), "o.mp4", None, 3),
    ("mkv", ("libsvtav1", "libopus"), "24", False, 0, "tv", 10, (64, 64), "o.webm", None, 2),
    (
        "webm",
        ("libvpx-vp9", "libopus"),
        "24000/1001",
        True,
        0,
        "pc",
        8,
        (35, 33),
        "o.webm",
        None,
        2,
    ),
    ("avi", ("libx264", "pcm_s16le"), "25/2", False, 0, "tv", 8, (64, 48), "o.mov", None, 4),
    ("mkv", ("libx264", "libmp3lame"), "25", False, 0, "tv", 8, (64, 48), "o.avi", None, 2),
]


@pytest.mark.parametrize(
    (
        "kind",
        "codecs",
        "rate",
        "variable",
        "turned",
        "range_",
        "depth",
        "size",
        "name",
        "made",
        "k",
    ),
    RUNS,
)
def test_a_whole_run(
    quick, tmp_path, kind, codecs, rate, variable, turned, range_, depth, size, name, made, k
):
    if not {*codecs} <= av.codecs_available:
        pytest.skip(f"this FFmpeg lacks one of {codecs}")
    path, out = tmp_path / f"s.{kind}", tmp_path / name
    tags = f"setparams=colorspace=bt709:range={range_}:color_primaries=bt709:color_trc=bt709"
    pace = f"settb=1/90000,setpts='(N+{2 * variable}*gt(N,3))/FRAME_RATE/TB'"
    soft = "eq=contrast=0.6:saturation=0.4"
    deep = {"prores_ks": "yuv422p10le"}.get(codecs[0], "yuv420p10le")
    clip(
        path,
        *(
            "-vf",
            f"scale={size[0]}:{size[1]},{soft},loop=-1:1:0,{pace},{tags}",
            "-fps_mode",
            "passthrough",
            "-color_range",
            range_,
        ),
        *("-c:v", codecs[0], "-pix_fmt", "yuv420p" if depth == 8 else deep, "-bf", 0),
        *("-c:a", codecs[1]),
        size=f"{size[0]}x{size[1]}",
        rate=rate,
        frames=8,
        sound=float(8 / Fraction(rate)),
    )
    if turned:
        plain = path.rename(path.with_stem("plain"))
        ffmpeg("-display_rotation", turned, "-i", plain, "-c", "copy", path)
    size = size[::-1] if turned in (90, 270) else size
    info, given_times = probe(path), timestamps(path)
    assert info.timeline.is_constant != variable
    done = upscale_file(path, out, tiny(k, encode=EncodeSettings(codec=made)))

    times = timestamps(out)
    assert len(times) == done.frames == 8 * k
    tick = Fraction(2, 1000) if {kind, out.suffix[1:]} & {"mkv", "webm"} else Fraction(1, 90_000)
    for wanted, found in zip(given_times, times[::k], strict=True):
        assert abs((found - times[0]) - (wanted - given_times[0])) <= tick
    assert abs(probe(out).duration - info.duration) <= 1 / Fraction(done.rate)
    packets, copied = sound_packets(path), sound_packets(out)
    assert copied == packets[len(packets) - len(copied) :]
    assert len(packets) - len(copied) <= 1  # what primes a decoder

    text = describe(out)
    assert f"{size[0]}x{size[1]}" in text
    assert "displaymatrix" not in text
    assert f"({range_ if made != 'ffv1' else 'pc'}, {'bt709' if made != 'ffv1' else 'gbr'}" in text
    assert probe(out).depth == depth
    means = decode(out, "rgb24", size).mean((1, 2))
    assert np.ptp(means, axis=0).max() < 0.5
    assert np.abs(means - decode(path, "rgb24", size)[0].mean((0, 1))).max() < 2


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    width=st.integers(16, 60),
    height=st.integers(16, 60),
    frames=st.integers(10, 14),
    factor=st.integers(2, 6),
    rate=st.sampled_from(["24000/1001", "25", "30000/1001", "25/2", "48"]),
    name=st.sampled_from(["o.mp4", "o.mov", "o.mkv", "o.avi", "o.webm"]),
)
def test_any_size_length_factor_and_rate(
    quick, tmp_path_factory, width, height, frames, factor, rate, name
):
    folder: Path = tmp_path_factory.mktemp("any")
    picture = np.random.default_rng(0).integers(40, 200, (1, height, width, 3), np.uint8)
    path, still = folder / "s.mkv", picture.repeat(frames, 0)
    source = raw_clip(path, still, "rgb24", (width, height), "-c:v", "ffv1", rate=rate)
    done = upscale_file(source, folder / name, tiny(factor))
    times = timestamps(folder / name)
    assert len(times) == done.frames == frames * factor
    fine = Fraction(rate) * factor
    tick = Fraction(1, 1000) if name in ("o.mkv", "o.webm") else 0
    assert all(abs(t - times[0] - n / fine) <= tick for n, t in enumerate(times))
    shown = decode(folder / name, "rgb24", (width, height))  # of the very size
    assert np.ptp(shown.mean((1, 2)), axis=0).max() < 0.5
