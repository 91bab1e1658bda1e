import av
import numpy as np
import pytest

from deeptsr.video.picture.color import ColorTags
from deeptsr.video.picture.convert import from_rgb, multiplied, straight, tags_of, to_rgb
from deeptsr.video.picture.planes import bits, has_alpha
from tests.helpers.clips import ffmpeg

RGB = ColorTags("gbr", "pc")
SIZE = (35, 18)  # an odd width: lines are padded


def picture(pix_fmt, seed=0):
    """Colours that the depth of a pixel format holds exactly, and alpha likewise."""
    whole = 2 ** min(bits(pix_fmt), 16) - 1
    shape = (SIZE[1], SIZE[0], 4)
    levels = np.random.default_rng(seed).integers(0, whole + 1, shape)
    return (levels / whole).astype(np.float32)


def convert(data, given, wanted):
    size = f"{SIZE[0]}x{SIZE[1]}"
    return ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", given, "-s", size, "-i", "-"),
        *("-f", "rawvideo", "-pix_fmt", wanted, "-sws_flags", "accurate_rnd+full_chroma_int", "-"),
        stdin=data,
    )


def bytes_of(frame):
    """The numbers of a frame as a raw file has them, from their layout in memory."""
    lines = []
    for index, plane in enumerate(frame.planes):
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
        parts = [c for c in frame.format.components if c.plane == index]
        step = sum((c.bits + 7) // 8 for c in parts)
        if frame.format.name == "bgr0":
            step = 4
        lines.append(rows[:, : plane.width * step].tobytes())
    return b"".join(lines)


@pytest.mark.parametrize(
    "pix_fmt",
    [
        *("rgb24", "bgr24", "bgr0", "gbrp", "rgba", "bgra", "argb", "gbrap"),
        *("gbrp10le", "gbrp12le", "gbrp16le", "gbrap10le", "gbrap12le", "gbrap16le"),
        *("rgb48le", "rgb48be", "rgba64le", "rgba64be"),
    ],
)
def test_rgb_of_any_depth_survives_exactly(pix_fmt):
    given = picture(pix_fmt)
    cover = given[..., 3] if has_alpha(pix_fmt) else np.ones_like(given[..., 3])
    joined = multiplied(given[..., :3], cover)
    frame = from_rgb(joined, pix_fmt, RGB)
    assert frame.format.name == pix_fmt
    again = to_rgb(frame, RGB, alpha=True)
    whole = 2 ** bits(pix_fmt) - 1
    np.testing.assert_allclose(again, joined, atol=0.6 / whole)
    np.testing.assert_array_equal(np.rint(again[..., 3] * whole), np.rint(cover * whole))
    # What ffmpeg, not we, sees in it.
    seen = np.frombuffer(convert(bytes_of(frame), pix_fmt, "rgba64le"), np.uint16)
    seen = seen.reshape(SIZE[1], SIZE[0], 4) / 65535
    np.testing.assert_allclose(seen[..., 3], cover, atol=1.2 / 255)
    shown = np.where(cover[..., None] > 0, given[..., :3], seen[..., :3])
    np.testing.assert_allclose(seen[..., :3], shown, atol=1.2 / 255)


@pytest.mark.parametrize("range_", ["tv", "pc"])
@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "gray12le", "gray16le", "ya8", "ya16le"])
def test_grey_of_any_depth_keeps_its_levels(pix_fmt, range_):
    tags = ColorTags("bt709", range_)
    depth = bits(pix_fmt)
    grey = np.linspace(0, 1, SIZE[0], dtype=np.float32)[None, :, None].repeat(SIZE[1], 0)
    cover = np.linspace(1, 0, SIZE[1], dtype=np.float32)[:, None].repeat(SIZE[0], 1)
    joined = multiplied(grey.repeat(3, 2), cover if has_alpha(pix_fmt) else None)
    frame = from_rgb(joined, pix_fmt, tags)
    again = to_rgb(frame, tags, alpha=True)
    np.testing.assert_allclose(again, joined, atol=0.6 / (219 * 2 ** (depth - 8)))
    first = np.frombuffer(frame.planes[0], np.uint8 if depth == 8 else np.uint16)
    black = 16 * 2 ** (depth - 8) if range_ == "tv" else 0
    assert first[0] == black
    if not has_alpha(pix_fmt):
        white = 235 * 2 ** (depth - 8) if range_ == "tv" else 2**depth - 1
        assert first[SIZE[0] - 1] == white


@pytest.mark.parametrize("range_", ["tv", "pc"])
@pytest.mark.parametrize(
    "pix_fmt", ["yuva420p", "yuva422p", "yuva444p10le", "yuva420p10le", "yuva444p12le", "vuya"]
)
def test_alpha_beside_ycbcr(pix_fmt, range_):
    tags = ColorTags("bt709", range_)
    colors = np.full((SIZE[1], SIZE[0], 3), (0.8, 0.4, 0.2), np.float32)
    cover = np.linspace(0, 1, SIZE[0], dtype=np.float32)[None].repeat(SIZE[1], 0)
    frame = from_rgb(multiplied(colors, cover), "yuva444p" if pix_fmt == "vuya" else pix_fmt, tags)
    if pix_fmt == "vuya":  # which is packed, and never written here
        frame = frame.reformat(format=pix_fmt)
    got, seen = straight(to_rgb(frame, tags, alpha=True))
    np.testing.assert_allclose(seen, cover, atol=0.6 / (2 ** bits(pix_fmt) - 1))
    assert np.abs(got - colors)[:, 12:].max() < 6 / 255  # where it can be seen well
    opaque = from_rgb(colors, "yuva420p", tags)
    assert to_rgb(opaque, tags, alpha=True)[..., 3].min() == 1
    assert to_rgb(opaque, tags).shape[2] == 3


def test_what_is_hidden_is_black_and_comes_back_as_nothing():
    colors = np.ones((1, 2, 3), np.float32)
    joined = multiplied(colors, np.array([[0, 0.5]], np.float32))
    np.testing.assert_array_equal(joined[0], [[0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5]])
    again, cover = straight(joined)
    np.testing.assert_array_equal(again[0], [[0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(cover, [[0, 0.5]])


@pytest.mark.parametrize("pix_fmt", ["x2rgb10le", "rgb565le", "gbrpf32le", "monob", "p010le"])
def test_other_formats_are_read_to_their_depth(pix_fmt):
    frame = from_rgb(np.full((16, 32, 3), 0.5, np.float32), "gbrp16le", RGB)
    tags = RGB if pix_fmt != "p010le" else ColorTags("bt709", "tv")
    if pix_fmt == "p010le":
        frame = from_rgb(np.full((16, 32, 3), 0.5, np.float32), "yuv444p16le", tags)
    made = frame.reformat(format=pix_fmt, interpolation="BICUBIC")
    got = to_rgb(made, tags if pix_fmt != "monob" else ColorTags("bt709", "pc"))
    assert abs(got.mean() - 0.5) < {"rgb565le": 1 / 62, "monob": 0.1}.get(pix_fmt, 1.1 / 1023)


def test_the_names_that_say_full_range():
    frame = av.VideoFrame(16, 16, "yuvj420p")
    assert tags_of(frame).range == "pc"
