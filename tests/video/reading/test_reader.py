from dataclasses import replace
from fractions import Fraction
from types import GeneratorType

import numpy as np
import pytest

from deeptsr.errors import InputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import probe, read, selected
from tests.helpers.clips import clip, decode, ffmpeg, noise, raw_clip

NTSC = Fraction(24000, 1001)


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Forty frames at 24000/1001, frame i of brightness 5 * i, with reordered frames."""
    path = tmp_path_factory.mktemp("clips") / "a.mkv"
    numbers = np.arange(40, dtype=np.uint8)[:, None, None] * 5 + np.zeros((1, 24, 32), np.uint8)
    rgb = numbers[..., None].repeat(3, -1)
    encoder = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-crf", "1", "-bf", "3", "-g", "12")
    raw_clip(path, rgb, "rgb24", (32, 24), *encoder, rate="24000/1001")
    return probe(path)


def indices(frames):
    return [round(float(frame.mean()) * 51) for frame in frames]


def test_all_frames_come_in_order(counted):
    frames = read(counted)
    assert isinstance(frames, GeneratorType)
    assert indices(frames) == list(range(40))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, 0.5, range(12)),  # 0.5 s * 23.976 = 11.99: frame 12 stands at 0.5005 s
        (0.5, None, range(12, 40)),
        (0.5, 1.0, range(12, 24)),
        (0.208542, 0.25, range(5, 6)),  # frame 5 stands at 0.2085416...
        (0, float("inf"), range(40)),
        (None, 99, range(40)),
        (1.6266, None, range(39, 40)),
    ],
)
def test_start_and_end_select_frames(counted, start, end, expected):
    assert selected(counted, start, end) == expected
    assert indices(read(counted, start, end)) == list(expected)


def test_an_empty_selection_is_refused_at_once(counted):
    with pytest.raises(InputError, match=r"between 5 s and the end; it lasts 1.668 s"):
        read(counted, 5)
    with pytest.raises(InputError, match=r"between 0.501 s and 0.5011 s"):
        read(counted, 0.501, 0.5011)


def test_reading_can_stop_early(counted):
    frames = read(counted)
    next(frames)
    frames.close()


@pytest.mark.parametrize("size", [(321, 181), (33, 2), (2, 33), (17, 19)])
@pytest.mark.parametrize("pix_fmt", ["yuv444p", "bgr0"])
def test_odd_sizes_are_exact_up_to_the_edges(tmp_path, size, pix_fmt):
    width, height = size
    rgb = noise(2, height, width)
    convert = ("-vf", f"scale=out_color_matrix=bt601:out_range=tv,format={pix_fmt}")
    path = raw_clip(tmp_path / "a.mkv", rgb, "rgb24", size, *convert, "-c:v", "ffv1")
    frames = np.stack(list(read(probe(path))))
    assert frames.shape == (2, height, width, 3)
    if pix_fmt == "bgr0":
        np.testing.assert_array_equal(np.rint(frames * 255), rgb)
    else:
        assert np.abs(frames * 255 - rgb).max() < 4  # the rounding of 8-bit YUV
        assert np.abs(frames * 255 - rgb).mean() < 0.6


def test_odd_sizes_with_halved_chroma_are_smooth_at_the_edges(tmp_path):
    ramp = np.linspace(40, 200, 321)[None, :, None] + np.linspace(0, 40, 181)[:, None, None]
    rgb = np.rint(ramp * [1, 0.6, 0.3]).astype(np.uint8)[None]
    path = raw_clip(
        tmp_path / "a.mkv", rgb, "rgb24", (321, 181), "-pix_fmt", "yuv420p", "-c:v", "ffv1"
    )
    (frame,) = read(probe(path))
    assert np.abs(frame * 255 - rgb[0]).max() < 4


@pytest.mark.parametrize(("pix_fmt", "codec"), [("gray", "ffv1"), ("gray", "libx264")])
def test_gray_is_read_at_its_levels(tmp_path, pix_fmt, codec):
    ramp = np.arange(256, dtype=np.uint8)[None, None].repeat(16, 1)
    options = ("-c:v", codec, *(("-qp", "0") if codec == "libx264" else ()), "-pix_fmt", pix_fmt)
    path = raw_clip(tmp_path / "a.mkv", ramp, "gray", (256, 16), *options)
    (frame,) = read(probe(path))
    assert np.abs(frame * 255 - ramp[0, :, :, None]).max() < 1.01
    assert np.ptp(frame, axis=2).max() < 1e-6


def test_rgb_of_sixteen_bits_is_not_rounded_to_eight(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (2, 24, 32, 3), np.uint16)
    options = ("-c:v", "png", "-pix_fmt", "rgb48be")
    path = raw_clip(tmp_path / "a.mkv", deep, "rgb48le", (32, 24), *options)
    frames = np.stack(list(read(probe(path))))
    np.testing.assert_array_equal(np.rint(frames * 65535), deep)


@pytest.mark.parametrize("pix_fmt", ["rgb24", "bgra", "gbrp", "pal8"])
def test_rgb_of_every_layout(tmp_path, pix_fmt):
    codec = {"gbrp": "libx264rgb", "bgra": "ffv1"}.get(pix_fmt, "png")
    wanted = {"gbrp": "rgb24"}.get(pix_fmt, pix_fmt)
    quality = ("-qp", "0") if codec == "libx264rgb" else ()
    options = ("-c:v", codec, "-pix_fmt", wanted, *quality)
    path = raw_clip(tmp_path / "a.mkv", noise(1, 24, 32), "rgb24", (32, 24), *options)
    (frame,) = read(probe(path))
    np.testing.assert_array_equal(np.rint(frame * 255), decode(path, "rgb24", (32, 24))[0])


def test_a_shorter_file_than_was_probed_is_an_error(counted):
    frames = read(replace(counted, timeline=Timeline.constant(NTSC, 41)))
    with pytest.raises(InputError, match="41 frames and has only 40: it is damaged"):
        list(frames)


def test_a_longer_file_than_was_probed_is_an_error(counted):
    with pytest.raises(InputError, match="39 frames and has more than that"):
        list(read(replace(counted, timeline=Timeline.constant(NTSC, 39))))


@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_mended_damage_is_said(tmp_path, codec):
    path = clip(tmp_path / "a.mkv", "-c:v", codec, "-g", "1", rate="25", frames=30, size="64x64")
    told = []
    whole = list(read(probe(path), notes=told))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8] = bytes(8)
    path.write_bytes(data)
    assert told == []
    mended = list(read(probe(path), notes=told))
    differ = [
        n for n, (one, other) in enumerate(zip(whole, mended, strict=True)) if (one != other).any()
    ]
    assert len(differ) == 1
    (note,) = told
    assert f"about {differ[0] / 25:.1f} s after its beginning: 1 of its 30 frames is used" in note


def test_another_size_within_the_file_is_an_error(tmp_path):
    for name, size in (("a.ts", "64x48"), ("b.ts", "32x24")):
        clip(tmp_path / name, "-c:v", "mpeg2video", size=size, rate="25")
    both = tmp_path / "c.ts"
    both.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    with pytest.raises(InputError, match=r"32x24 pixels after frames of 64x48"):
        list(read(probe(both)))


def test_a_file_that_vanishes_is_an_error(tmp_path):
    info = probe(clip(tmp_path / "a.mp4", frames=2))
    info.path.unlink()
    with pytest.raises(InputError, match="does not exist"):
        list(read(info))


def test_hidden_and_edited_frames_are_not_counted(tmp_path):
    clip(tmp_path / "a.mp4", "-g", "30", frames=40, rate="25")
    # Cut by an edit list: frames before the cut are in the file and are not shown.
    ffmpeg("-ss", "0.5", "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "b.mp4")
    info = probe(tmp_path / "b.mp4")
    truth = len(decode(tmp_path / "b.mp4", "gray", (64, 48)))
    assert info.frames == truth == len(list(read(info)))
    assert info.rate == Fraction(25)
    assert not any("cut off" in note for note in info.notes)


def test_frames_can_be_skipped(tmp_path):
    info = probe(clip(tmp_path / "a.mkv", frames=9))
    frames = list(read(info, 0.05, 0.3))
    rest = list(read(info, 0.05, 0.3, skip=3))
    assert len(rest) == len(frames) - 3
    np.testing.assert_array_equal(rest, frames[3:])
