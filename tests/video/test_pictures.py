"""Pictures of every kind through reader and writer: the ffmpeg program makes and checks them."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.errors import InputError, OptionError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import VideoWriter, check_output, probe, read
from tests.helpers.clips import clip, decode, describe, ffmpeg, raw_clip

SIZE = (64, 48)


def copy(info, output, **settings):
    """Write the frames of an input again, and return the notes."""
    frames = np.stack(list(read(info, alpha=info.keeps_alpha)))
    with VideoWriter(
        output,
        size=(info.width, info.height),
        timeline=Timeline.constant(Fraction(25), len(frames)),
        source=info,
        settings=EncodeSettings(**settings),
        alpha=info.keeps_alpha,
    ) as writer:
        writer.write(frames)
        writer.finish()
    return writer.notes


def transparent(path, *options, frames=3):
    """Orange on the left, blue on the right, clear at the top and solid at the bottom."""
    numbers = np.zeros((frames, SIZE[1], SIZE[0], 4), np.uint8)
    numbers[:, :, :32, :3], numbers[:, :, 32:, :3] = (230, 120, 40), (30, 60, 200)
    numbers[..., 3] = np.rint(np.linspace(0, 255, SIZE[1]))[:, None]
    return raw_clip(path, numbers, "rgba", SIZE, *options)


def rgba(path, decoder=()):
    data = ffmpeg(*decoder, "-i", path, "-f", "rawvideo", "-pix_fmt", "rgba", "-")
    return np.frombuffer(data, np.uint8).reshape(-1, SIZE[1], SIZE[0], 4)


@pytest.mark.parametrize("turn", [90, 180, 270, "hflip", "vflip"])
@pytest.mark.parametrize("name", ["b.mp4", "b.mov", "b.mkv"])
def test_a_picture_that_lies_on_its_side_is_turned(tmp_path, turn, name):
    clip(tmp_path / "a.mp4", "-vf", "setsar=4/3", size="64x48", frames=2)
    ask = ("-display_rotation", turn) if isinstance(turn, int) else (f"-display_{turn}",)
    ffmpeg(*ask, "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / name)
    info = probe(tmp_path / name)
    aside = turn in (90, 270)
    size = (48, 64) if aside else (64, 48)
    assert (info.width, info.height) == size
    assert info.sample_aspect_ratio == (Fraction(3, 4) if aside else Fraction(4, 3))
    frames = np.stack(list(read(info)))
    seen = decode(tmp_path / name, "rgb24", size)  # ffmpeg turns it, too
    assert np.abs(frames * 255 - seen).mean() < 10  # chroma is interpolated otherwise
    copy(info, tmp_path / "out.mp4")
    assert f"{size[0]}x{size[1]} [SAR {'3:4' if aside else '4:3'}" in describe(tmp_path / "out.mp4")
    assert "displaymatrix" not in describe(tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("name", "codec", "keeps"),
    [
        ("o.mp4", "libx264", True),
        ("o.mp4", "libvpx-vp9", True),
        ("o.mp4", "libsvtav1", True),
        ("o.mov", "prores_ks", True),
        ("o.mov", "png", True),
        ("o.mkv", "libx264", True),
        ("o.mkv", "libx265", True),
        ("o.mkv", "libx264rgb", True),
        ("o.mkv", "mpeg4", True),
        ("o.mkv", "mjpeg", True),
        ("o.avi", "libx264", True),
        ("o.webm", "libvpx-vp9", False),
        ("o.webm", "libsvtav1", False),
        ("o.mkv", "ffv1", False),
        ("o.avi", "ffv1", False),
        ("o/", None, True),
        ("o.gif", None, False),
    ],
)
def test_pixels_that_are_no_squares_stay_so_or_it_is_said(tmp_path, name, codec, keeps):
    info = probe(clip(tmp_path / "s.mkv", "-vf", "setsar=4/3", frames=2))
    notes = copy(info, f"{tmp_path}/{name}", codec=codec)
    assert any("look stretched" in note for note in notes) == (not keeps)
    place = tmp_path / name / "%06d.png" if name == "o/" else tmp_path / name
    assert ("SAR 4:3" in describe(place)) == keeps
    square = probe(clip(tmp_path / "t.mkv", "-vf", "setsar=1", frames=2))
    assert not any("stretched" in note for note in copy(square, tmp_path / "t.webm"))


def test_a_slanting_picture_is_said_to_be_used_as_it_is(tmp_path):
    clip(tmp_path / "a.mp4", frames=2)
    ffmpeg("-display_rotation", 30, "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "b.mp4")
    info = probe(tmp_path / "b.mp4")
    assert (info.width, info.height) == SIZE
    assert any("turn the picture by 30 degrees" in note for note in info.notes)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", ("-c:v", "libx264", "-flags", "+ildct+ilme", "-x264opts", "tff=1")),
        ("a.mpg", ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-b:v", "2M")),
        ("a.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-flags", "+ildct")),
    ],
)
def test_interlaced_video_is_found_and_made_whole(tmp_path, name, options):
    # A white bar moves right by 4 pixels a field: the lines of a frame disagree.
    moments = np.zeros((16, 48, 64, 3), np.uint8)
    for index, picture in enumerate(moments):
        picture[:, 4 * index : 4 * index + 8] = 255
    fields = moments[::2].copy()
    fields[:, 1::2] = moments[1::2, 1::2]
    path = raw_clip(tmp_path / name, fields, "rgb24", SIZE, "-vf", "setfield=tff", *options)
    info = probe(path)
    assert info.interlaced
    assert any("`deinterlace`" in note for note in info.notes)
    whole = probe(path, deinterlace=True)
    assert not any("interlace" in note for note in whole.notes)
    combs, frames = (np.stack(list(read(each)))[2:-2] for each in (info, whole))
    assert len(list(read(whole))) == whole.frames == 8

    def comb(pictures):
        return np.abs(np.diff(pictures, axis=1)).mean()

    assert comb(frames) < 0.35 * comb(combs)
    # A frame shows the moment of its first field.
    assert np.abs(frames - moments[4:-4:2] / 255).mean() < 0.02 + 0.5 * comb(combs)
    copy(whole, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as written:
        assert not any(frame.interlaced_frame for frame in written.decode(video=0))


def test_what_is_not_interlaced_is_deinterlaced_only_when_asked(tmp_path):
    path = clip(tmp_path / "a.mp4", frames=4)
    assert not probe(path).interlaced
    asked = probe(path, deinterlace=True)
    assert any("does not say that it is interlaced" in note for note in asked.notes)
    assert len(list(read(asked))) == 4
    (tmp_path / "in").mkdir()
    ffmpeg("-i", path, tmp_path / "in" / "%d.png")
    with pytest.raises(InputError, match="no fields"):
        probe(tmp_path / "in", deinterlace=True)


ALPHA_IN = [
    ("a.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-crf", 4, "-cpu-used", 8)),
    ("b.webm", ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", 0, "-b:v", "2M")),
    ("a.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le")),
    ("a.mkv", ("-c:v", "ffv1", "-pix_fmt", "bgra")),
    ("b.mov", ("-c:v", "qtrle", "-pix_fmt", "argb")),
    ("c.mov", ("-c:v", "png", "-pix_fmt", "rgba")),
]


@pytest.mark.parametrize(("name", "options"), ALPHA_IN)
def test_transparent_video_is_read_with_its_alpha(tmp_path, name, options):
    info = probe(transparent(tmp_path / name, *options))
    assert info.alpha
    assert info.keeps_alpha
    frame = next(iter(read(info, alpha=True)))
    truth = np.linspace(0, 1, SIZE[1], dtype=np.float32)[:, None]
    np.testing.assert_allclose(frame[..., 3], truth + np.zeros(SIZE[::-1]), atol=5 / 255)
    orange = np.array([230, 120, 40]) / 255
    np.testing.assert_allclose(frame[40, 10, :3], orange * frame[40, 10, 3], atol=8 / 255)
    black = next(iter(read(info)))  # laid over black
    np.testing.assert_allclose(black, frame[..., :3], atol=1e-6)
    white = probe(tmp_path / name, background="white")
    assert not white.keeps_alpha
    over = next(iter(read(white)))
    np.testing.assert_allclose(over, frame[..., :3] + 1 - frame[..., 3:], atol=1e-6)


ALPHA_OUT = [
    ("o.mov", {}, "prores", ()),
    ("o.webm", {}, "vp9", ("-c:v", "libvpx-vp9")),
    ("o.mkv", {}, "ffv1", ()),
    ("o.avi", {}, "ffv1", ()),
    ("o.mov", {"codec": "qtrle"}, "qtrle", ()),
    ("o.mov", {"codec": "png"}, "png", ()),
    ("o.mkv", {"codec": "libvpx-vp9"}, "vp9", ("-c:v", "libvpx-vp9")),
    ("o.mkv", {"codec": "ffv1", "pix_fmt": "yuva420p"}, "yuva420p", ()),
    ("o/", {}, "png", ()),
]


@pytest.mark.parametrize(("name", "settings", "codec", "decoder"), ALPHA_OUT)
def test_transparent_video_is_written_with_its_alpha(tmp_path, name, settings, codec, decoder):
    source = transparent(tmp_path / "s.mkv", "-c:v", "ffv1", "-pix_fmt", "bgra")
    copy(probe(source), f"{tmp_path}/{name}", **settings)
    place = tmp_path / name / "%06d.png" if name == "o/" else tmp_path / name
    assert codec in describe(place)
    seen, truth = rgba(place, decoder), rgba(source)
    assert seen.shape == truth.shape
    assert np.abs(seen[..., 3].astype(int) - truth[..., 3]).max() <= 6
    solid = truth[..., 3] > 100
    assert np.abs(seen[..., :3].astype(int) - truth[..., :3])[solid].mean() < 4
    again = next(iter(read(probe(f"{tmp_path}/{name}"), alpha=True)))
    assert np.abs(again[..., 3] * 255 - truth[0, ..., 3]).max() <= 6


def test_a_transparent_gif_stays_so(tmp_path):
    numbers = np.full((4, SIZE[1], SIZE[0], 4), 255, np.uint8)
    for index, picture in enumerate(numbers):  # a hole that moves
        picture[8:24, 8 * index : 8 * index + 16, 3] = 0
    source = raw_clip(tmp_path / "s.mov", numbers, "rgba", SIZE, "-c:v", "png")
    notes = copy(probe(source), tmp_path / "a.gif")
    assert any("half-transparent" in note for note in notes)
    np.testing.assert_array_equal(rgba(tmp_path / "a.gif")[..., 3], numbers[..., 3])
    info = probe(tmp_path / "a.gif")
    assert info.alpha
    got = np.stack(list(read(info, alpha=True)))
    np.testing.assert_array_equal(got[..., 3] * 255, numbers[..., 3])


@pytest.mark.parametrize(
    ("name", "settings"),
    [("o.mp4", {}), ("o.mov", {"codec": "libx264"}), ("o.mkv", {"codec": "libx265"})],
)
def test_what_cannot_be_transparent_is_refused_with_the_remedy(tmp_path, name, settings):
    info = probe(transparent(tmp_path / "s.mkv", "-c:v", "ffv1", "-pix_fmt", "bgra"))
    with pytest.raises(OptionError, match=r"transparent.*\.mov, \.webm.*`background` black"):
        check_output(tmp_path / name, EncodeSettings(**settings), source=info, alpha=True)
    check_output(tmp_path / name, EncodeSettings(**settings), source=info)


def test_opaque_alpha_is_no_alpha(tmp_path):
    numbers = np.full((3, SIZE[1], SIZE[0], 4), 255, np.uint8)
    info = probe(raw_clip(tmp_path / "s.mov", numbers, "rgba", SIZE, "-c:v", "png"))
    assert not info.alpha
    copy(info, tmp_path / "o.mp4")
    numbers[2, 3, 3, 3] = 254  # one pixel of the last frame
    assert probe(raw_clip(tmp_path / "t.mov", numbers, "rgba", SIZE, "-c:v", "png")).alpha


HDR = "setparams=colorspace=bt2020nc:range=tv:color_primaries=bt2020:color_trc="
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"


@pytest.fixture(scope="module")
def pq(tmp_path_factory):
    """Ten bits, PQ, and what it was graded on."""
    path = tmp_path_factory.mktemp("hdr") / "a.mkv"
    extra = f"log-level=none:master-display={DISPLAY}:max-cll=1000,400"
    options = ("-c:v", "libx265", "-x265-params", extra, "-preset", "ultrafast", "-crf", 4)
    return clip(path, "-vf", f"{HDR}smpte2084", "-pix_fmt", "yuv420p10le", *options, frames=3)


@pytest.mark.parametrize(
    ("name", "codec", "keeps"),
    [
        ("o.mp4", None, True),
        ("o.mov", None, True),
        ("o.mkv", None, True),
        ("o.webm", None, True),
        ("o.mp4", "libsvtav1", True),
        ("o.mkv", "libx264", True),
        ("o.mov", "prores_ks", False),
        ("o.mkv", "ffv1", False),
        ("o/", None, False),
    ],
)
def test_high_dynamic_range_is_kept_and_tagged(tmp_path, pq, name, codec, keeps):
    info = probe(pq)
    assert (info.color.primaries, info.color.transfer, info.depth) == ("bt2020", "smpte2084", 10)
    assert info.mastering is not None
    assert info.mastering.light == (1000, 400)
    notes = copy(info, f"{tmp_path}/{name}", codec=codec)
    assert any("mastering display" in note for note in notes) == (not keeps and name != "o/")
    place = tmp_path / name / "%06d.png" if name == "o/" else tmp_path / name
    text = describe(place)
    assert "bt2020" in text
    assert "smpte2084" in text
    again = probe(f"{tmp_path}/{name}")
    assert (again.color.primaries, again.color.transfer) == ("bt2020", "smpte2084")
    assert again.depth >= 10
    if keeps:
        assert again.mastering is not None
        one, other = info.mastering, again.mastering
        np.testing.assert_allclose(one.colors, other.colors, atol=1e-4)
        np.testing.assert_allclose(one.luminance, other.luminance, rtol=0.02)
        assert one.light == other.light
    for frame, made in zip(read(info), read(again), strict=True):
        assert np.abs(frame - made).mean() < 8 / 255


def test_hybrid_log_gamma_is_kept(tmp_path):
    options = ("-pix_fmt", "yuv420p10le", "-c:v", "ffv1")
    info = probe(clip(tmp_path / "s.mkv", "-vf", f"{HDR}arib-std-b67", *options, frames=2))
    copy(info, tmp_path / "o.mp4")
    assert "yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67" in describe(tmp_path / "o.mp4")
    assert "hvc1" in describe(tmp_path / "o.mp4")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("o.gif", {}),
        ("o.mp4", {"pix_fmt": "yuv420p"}),
        ("o.mkv", {"codec": "mpeg4"}),
        ("o.avi", {"codec": "ffv1"}),
        ("o.webm", {"codec": "libvpx-vp9"}),
    ],
)
def test_high_dynamic_range_is_never_flattened(tmp_path, pq, name, settings):
    with pytest.raises(OptionError, match=r"high dynamic range.*smpte2084.*pale.*tonemap"):
        check_output(tmp_path / name, EncodeSettings(**settings), source=probe(pq), size=SIZE)


def test_the_remedy_for_high_dynamic_range_works(tmp_path, pq):
    with pytest.raises(OptionError) as caught:
        check_output(tmp_path / "o.gif", EncodeSettings(), source=probe(pq), size=SIZE)
    remedy = str(caught.value).split("ffmpeg ")[1].split()
    made = {"INPUT": pq, "OUTPUT": tmp_path / "t.mp4"}
    ffmpeg(*(made.get(word, word) for word in remedy))
    assert probe(tmp_path / "t.mp4").color.transfer == "bt709"


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("o.mp4", None, "yuv420p10le"),
        ("o.mov", "prores_ks", "yuv422p10le"),
        ("o.mkv", "ffv1", "gbrp10le"),
        ("o.webm", None, "yuv420p10le"),
        ("o.mkv", "libx264", "yuv420p10le"),
        ("o.avi", None, "yuv420p10le"),
    ],
)
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_ten_bits_stay_ten_bits(tmp_path, name, codec, pix_fmt, range_):
    # A grey ramp finer than 8 bits: 256 columns of neighbouring 10-bit levels.
    levels = np.arange(300, 556, dtype=np.uint16)
    planes = np.full((1, 48 * 256 * 3 // 2), 512, np.uint16)
    planes[0, : 48 * 256] = np.tile(levels, 48)
    tag = ("-vf", f"setparams=colorspace=bt709:range={range_}", "-color_range", range_)
    path = raw_clip(tmp_path / "s.mkv", planes, "yuv420p10le", (256, 48), *tag, "-c:v", "ffv1")
    info = probe(path)
    assert (info.depth, info.color.range) == (10, range_)
    copy(info, tmp_path / name, codec=codec, crf=None if codec in ("ffv1", "prores_ks") else 1)
    assert pix_fmt in describe(tmp_path / name)
    black, span = (64, 876) if range_ == "tv" else (0, 1023)
    truth = (levels.astype(float) - black) / span
    (frame,) = read(probe(tmp_path / name))
    assert np.abs(frame[20] - truth[:, None]).max() < 1.6 / 1023 * (1 if codec == "ffv1" else 2.5)
    assert np.unique(frame[20, :, 1]).size > 200


@pytest.mark.parametrize("primaries", ["bt2020", "smpte432"])
def test_wide_colours_keep_their_tags(tmp_path, primaries):
    tags = f"setparams=colorspace=bt2020nc:range=tv:color_primaries={primaries}:color_trc=bt709"
    info = probe(clip(tmp_path / "s.mkv", "-vf", tags, "-c:v", "ffv1", frames=2))
    copy(info, tmp_path / "o.mp4")
    assert f"bt2020nc/{primaries}/bt709" in describe(tmp_path / "o.mp4")


def test_sixteen_bits_go_through_folders(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (2, 48, 64, 3), np.uint16)
    options = ("-c:v", "png", "-pix_fmt", "rgb48be")
    info = probe(raw_clip(tmp_path / "s.mkv", deep, "rgb48le", SIZE, *options))
    copy(info, f"{tmp_path}/o/")
    data = ffmpeg("-i", tmp_path / "o" / "%06d.png", "-f", "rawvideo", "-pix_fmt", "rgb48le", "-")
    np.testing.assert_array_equal(np.frombuffer(data, np.uint16), deep.ravel())
    again = probe(tmp_path / "o")
    assert again.depth == 16
    np.testing.assert_array_equal(np.rint(np.stack(list(read(again))) * 65535), deep)


def test_hardware_that_is_not_there_is_said(tmp_path):
    if "h264_nvenc" not in av.codecs_available:
        pytest.skip("this FFmpeg has no NVENC")
    for codec in ("h264_nvenc", "hevc_nvenc", "av1_nvenc"):
        # On a machine with such a card this would be no error: 17 pixels are too few for any.
        with pytest.raises(OptionError, match=rf"{codec}.*NVIDIA.*choose libx264"):
            check_output(tmp_path / "o.mp4", EncodeSettings(codec=codec), size=(17, 17))


@pytest.mark.parametrize(
    ("name", "codec", "alpha", "keeps"),
    [
        ("o.avi", "mpeg4", False, "choose `codec` libx264 "),
        ("o.webm", "libvpx-vp9", False, "choose `codec` libsvtav1 "),
        ("o.webm", None, True, "choose .mov with `codec` prores_ks "),  # AV1 has no alpha here
        ("o.mov", "qtrle", True, "choose `codec` prores_ks "),
    ],
)
def test_more_bits_than_the_codec_has_are_said_with_what_keeps_them(
    tmp_path, name, codec, alpha, keeps
):
    info = replace(probe(clip(tmp_path / "s.mkv", frames=2)), depth=10)
    settings = EncodeSettings(codec=codec)
    notes = check_output(tmp_path / name, settings, size=SIZE, source=info, alpha=alpha)
    [note] = [note for note in notes if "10 bits a sample are written with 8" in note]
    assert keeps in note


@pytest.mark.parametrize(
    ("stored", "name", "settings", "keeps"),
    [
        ("yuv444p", "o.mp4", {}, "`pix_fmt` yuv444p "),
        ("yuv422p10le", "o.mov", {}, "`pix_fmt` yuv422p10le "),
        ("yuv422p", "o.mp4", {"codec": "mpeg4"}, ".mkv with `codec` ffv1 "),
        ("yuva444p", "o.webm", {}, ".mkv with `codec` ffv1 "),  # VP9 lists yuva444p, and refuses it
        ("yuv444p", "o.mp4", {"pix_fmt": "yuv420p"}, ""),
        ("yuv444p", "o.mkv", {"codec": "ffv1"}, ""),
        ("yuv422p10le", "o.mov", {"codec": "prores_ks"}, ""),
        ("yuv420p", "o.mp4", {}, ""),
        ("yuv411p", "o.mp4", {}, ""),
        ("gray", "o.mp4", {}, ""),
        ("bgr0", "o.mp4", {}, ""),
    ],
)
def test_less_chroma_than_the_input_has_is_said(tmp_path, stored, name, settings, keeps):
    info = probe(clip(tmp_path / "s.mkv", "-c:v", "ffv1", "-pix_fmt", stored, frames=2))
    alpha, chosen = stored.startswith("yuva"), EncodeSettings(**settings)
    notes = check_output(tmp_path / name, chosen, size=SIZE, source=info, alpha=alpha)
    told = [note for note in notes if "between colours lose detail" in note]
    assert len(told) == bool(keeps)
    assert all(keeps in note and stored in note for note in told)
