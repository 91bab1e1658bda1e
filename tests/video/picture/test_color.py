import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.errors import InputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import ColorTags, VideoWriter, probe, read
from deeptsr.video.picture.color import convention, is_hdr, resolve, rgb_to_yuv, yuv_to_rgb
from deeptsr.video.picture.convert import from_rgb, to_rgb
from deeptsr.video.picture.planes import holds
from deeptsr.video.writing import verify
from tests.helpers.clips import LUMA, clip, decode, describe, from_yuv, patches, raw_clip, to_yuv

SIZE = (96, 64)
CASES = [(m, r) for m in LUMA for r in ("tv", "pc")]


def tagging(matrix, range_):
    setparams = f"setparams=colorspace={matrix}:range={range_}"
    return ("-vf", setparams, "-colorspace", matrix, "-color_range", range_)


def test_white_black_and_red_by_hand():
    tags = ColorTags("bt709", "tv")
    rgb = np.array([[[1, 1, 1], [0, 0, 0], [1, 0, 0]]], np.float32)
    yuv = rgb_to_yuv(rgb, tags)
    np.testing.assert_allclose(yuv[:, 0, 0], [235, 128, 128], atol=1e-4)
    np.testing.assert_allclose(yuv[:, 0, 1], [16, 128, 128], atol=1e-4)
    # Y = 16 + 219 * 0.2126; Cr is at the end of its span.
    np.testing.assert_allclose(yuv[[0, 2], 0, 2], [62.5594, 240], atol=1e-3)
    np.testing.assert_allclose(yuv_to_rgb(*yuv, tags), rgb, atol=1e-5)


@pytest.mark.parametrize(("matrix", "range_"), CASES)
def test_the_formula_agrees_with_the_textbook(matrix, range_):
    rgb = patches().astype(np.float32)
    ours = rgb_to_yuv(rgb, ColorTags(matrix, range_))
    truth = to_yuv(rgb, matrix, range_ == "pc")
    np.testing.assert_allclose(ours, truth, atol=1e-3)


def test_codes_and_names_go_both_ways():
    tags = ColorTags.from_codes(9, 1, 9, 16)
    assert tags == ColorTags("bt2020nc", "tv", "bt2020", "smpte2084")
    assert tags.codes() == (9, 1, 9, 16)
    assert is_hdr(tags)
    assert ColorTags.from_codes(2, 0, 2, 2) == ColorTags()
    assert ColorTags.from_codes(99, 99, 99, 99) == ColorTags()
    assert ColorTags().codes() == (2, 0, 2, 2)


def test_conventions_of_untagged_video():
    assert convention(1280, 720) == "bt709"
    assert convention(1280, 536) == "bt709"
    assert convention(720, 576) == "smpte170m"
    untagged = ColorTags()
    assert resolve(untagged, kind="yuv", width=640, height=480) == ColorTags("smpte170m", "tv")
    assert resolve(untagged, kind="gray", width=640, height=480).range == "pc"
    assert resolve(untagged, kind="rgb", width=640, height=480) == ColorTags("gbr", "pc")


def test_a_matrix_that_is_not_linear_is_refused():
    with pytest.raises(InputError, match=r"ictcp.*expected.*ffmpeg"):
        resolve(ColorTags("ictcp"), kind="yuv", width=64, height=64)


def centres(planes, size):
    """Y, Cb and Cr in the middle of each patch of a yuv420p picture: (3, rows, columns)."""
    width, height = size
    luma = planes[: width * height].reshape(height, width)
    blue, red = planes[width * height :].reshape(2, height // 2, width // 2)
    return np.stack([luma[8::16, 8::16], blue[4::8, 4::8], red[4::8, 4::8]])


@pytest.mark.parametrize(("matrix", "range_"), CASES)
@pytest.mark.parametrize("codec", [("-c:v", "ffv1"), ("-c:v", "libx264", "-qp", "0")])
def test_patches_are_read_as_they_are(tmp_path, matrix, range_, codec):
    rgb = patches()
    yuv = np.clip(np.rint(to_yuv(rgb, matrix, range_ == "pc")), 0, 255).astype(np.uint8)
    planes = np.concatenate([p.ravel() for p in (yuv[0], yuv[1, ::2, ::2], yuv[2, ::2, ::2])])
    path = raw_clip(tmp_path / "a.mkv", planes, "yuv420p", SIZE, *tagging(matrix, range_), *codec)
    info = probe(path)
    assert (info.color.matrix, info.color.range, info.notes) == (matrix, range_, ())
    (frame,) = read(info)
    assert frame.dtype == np.float32
    assert np.abs(frame - rgb)[8::16, 8::16].max() < 2 / 255


@pytest.mark.parametrize(("matrix", "range_"), CASES)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.webm", "a.avi"])
def test_patches_and_tags_are_written_as_they_are(tmp_path, matrix, range_, name):
    rgb = patches()
    source = probe(clip(tmp_path / "s.mkv", *tagging(matrix, range_), size="96x64", frames=1))
    # webm's codec has no lossless quality at crf 0: the patches are still flat.
    settings = EncodeSettings(crf=0)
    with VideoWriter(
        tmp_path / name,
        size=SIZE,
        timeline=Timeline.constant(source.rate, 3),
        source=source,
        settings=settings,
    ) as writer:
        writer.write(rgb[None].repeat(3, 0).astype(np.float32))
        writer.finish()
    assert f"({range_}, {matrix}" in describe(tmp_path / name)
    native = decode(tmp_path / name, None, SIZE)  # the numbers in the file, not converted
    assert native.shape == (3, 96 * 64 * 3 // 2)
    got = from_yuv(centres(native[1], SIZE), matrix, range_ == "pc")
    assert np.abs(got - rgb[8::16, 8::16]).max() < 2.5 / 255
    again = list(read(probe(tmp_path / name)))[1]
    assert np.abs(again - rgb)[8::16, 8::16].max() < 2.5 / 255


def test_primaries_and_transfer_pass_through(tmp_path):
    tags = (
        "-vf",
        "setparams=colorspace=bt470bg:range=tv:color_primaries=bt470bg:color_trc=bt470bg",
    )
    source = probe(clip(tmp_path / "s.mkv", *tags, frames=1))
    assert source.color == ColorTags("bt470bg", "tv", "bt470bg", "bt470bg")
    out = tmp_path / "a.mp4"
    with VideoWriter(
        out,
        size=(64, 48),
        timeline=Timeline.constant(source.rate, 1),
        source=source,
        settings=EncodeSettings(),
    ) as writer:
        writer.write(np.stack(list(read(source))))
        writer.finish()
    assert "(tv, bt470bg" in describe(out)
    assert probe(out).color == source.color


def test_untagged_input_is_tagged_as_it_was_read(tmp_path):
    source = probe(clip(tmp_path / "s.avi", "-c:v", "huffyuv", "-pix_fmt", "yuv422p", frames=1))
    assert any("BT.601, limited" in note for note in source.notes)
    out = tmp_path / "a.mp4"
    with VideoWriter(
        out,
        size=(64, 48),
        timeline=Timeline.constant(source.rate, 1),
        source=source,
        settings=EncodeSettings(),
    ) as writer:
        writer.write(np.stack(list(read(source))))
        writer.finish()
    assert "(tv, smpte170m/unknown/unknown" in describe(out)


def test_high_definition_is_taken_as_bt709(tmp_path):
    info = probe(clip(tmp_path / "s.mp4", size="1280x720", frames=1))
    assert info.color.matrix == "bt709"
    assert any("BT.709, limited" in note for note in info.notes)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv440p", "nv12"])
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_every_layout_of_chroma_keeps_levels(pix_fmt, range_):
    tags = ColorTags("bt709", range_)
    rgb = patches().astype(np.float32)
    again = to_rgb(from_rgb(rgb, pix_fmt, tags), tags)
    assert np.abs(again - rgb)[8::16, 8::16].max() < 2 / 255


@pytest.mark.parametrize("pix_fmt", ["yuv444p10le", "yuv422p12le", "yuv420p10le", "yuv444p16le"])
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_more_bits_are_not_rounded_to_eight(pix_fmt, range_):
    tags = ColorTags("bt709", range_)
    rgb = patches().astype(np.float32)
    again = to_rgb(from_rgb(rgb, pix_fmt, tags), tags)
    assert np.abs(again - rgb)[8::16, 8::16].max() < 0.6 / 255


def test_grey_stays_grey_at_every_level():
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None, :, None].repeat(4, 0).repeat(3, 2)
    for range_ in ("tv", "pc"):
        tags = ColorTags("bt709", range_)
        for pix_fmt in ("yuv420p", "gray"):
            again = to_rgb(from_rgb(ramp, pix_fmt, tags), tags)
            assert np.abs(again - ramp).max() < 0.7 / 255
            assert np.ptp(again, axis=2).max() < 1e-6


def test_what_pixel_formats_hold():
    assert [holds(f) for f in ("bgr0", "pal8", "gray", "ya8", "yuv444p", "yuva420p", "nv12")] == [
        *("rgb", "rgb", "gray", "gray", "yuv", "yuv", "yuv")
    ]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.avi", "mjpeg"),
        ("a.avi", "huffyuv"),
        ("a.avi", "mpeg4"),
        ("a.mkv", "mjpeg"),
        ("a.mkv", "mpeg4"),
        ("a.webm", "libvpx"),
        ("a.mkv", "libx265"),
        ("a.mkv", "libsvtav1"),
        ("a.mov", "prores_ks"),
        ("a.mp4", "libx264rgb"),
    ],
)
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_colours_survive_where_tags_do_not(tmp_path, name, codec, range_, capfd):
    rgb = patches()
    source = probe(clip(tmp_path / "s.mkv", *tagging("bt709", range_), size="96x64", frames=1))
    settings = EncodeSettings(codec=codec)
    with VideoWriter(
        tmp_path / name,
        size=SIZE,
        timeline=Timeline.constant(source.rate, 2),
        source=source,
        settings=settings,
    ) as writer:
        writer.write(rgb[None].repeat(2, 0).astype(np.float32))
        writer.finish()
    assert not any("does not keep the colour tags" in note for note in writer.notes)
    again = list(read(probe(tmp_path / name)))[1]
    error = np.abs(again - rgb)[8::16, 8::16]
    assert error.max() < 14 / 255  # one matrix for the other would be off by 30
    assert error.mean() < 2.5 / 255
    assert capfd.readouterr() == ("", "")


def test_lost_tags_are_said(tmp_path, monkeypatch):
    source = probe(clip(tmp_path / "s.mkv", *tagging("bt709", "tv"), frames=1))
    monkeypatch.setattr(verify, "_colors_of", lambda path: ColorTags("smpte170m", "tv"))
    with VideoWriter(
        tmp_path / "a.mp4",
        size=(64, 48),
        timeline=Timeline.constant(source.rate, 1),
        source=source,
        settings=EncodeSettings(),
    ) as writer:
        writer.write(np.stack(list(read(source))))
        writer.finish()
    assert any("does not keep the colour tags (bt709, tv)" in note for note in writer.notes)
