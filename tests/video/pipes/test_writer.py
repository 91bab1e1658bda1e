"""Pictures through a pipe: what another program reads is what was written."""

import io
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from deeptsr import video
from deeptsr.config import EncodeSettings
from deeptsr.errors import OptionError, OutputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.video.picture.color import ColorTags
from deeptsr.video.picture.convert import from_rgb, to_rgb
from deeptsr.video.picture.planes import planes
from deeptsr.video.pipes.form import Y4M
from tests.helpers.clips import clip, ffmpeg, noise, raw_clip

RATE = Fraction(24000, 1001)
SIZE = (21, 13)  # odd, as chroma is halved


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("pipes") / "in.mkv"
    return video.probe(raw_clip(path, noise(4, 13, 21), "rgb24", SIZE, "-c:v", "ffv1"))


PLAIN = EncodeSettings()


def written(source, settings=PLAIN, timeline=None, alpha=False):
    """The bytes, the form, and the frames that were given, in [0, 1]."""
    timeline = Timeline.constant(RATE, 4) if timeline is None else timeline
    form = video.pipe_form(settings, timeline=timeline, source=source, alpha=alpha)
    frames = np.random.default_rng(0).random((4, 13, 21, 3 + alpha), np.float32)
    if alpha:
        frames[..., :3] *= frames[..., 3:]
    output = io.BytesIO()
    with video.PipeWriter(output, form) as writer:
        writer.write(frames[:1])
        writer.write(frames[1:])
    assert writer.count == 4
    return output.getvalue(), form, frames


def read(content):
    with av.open(io.BytesIO(content)) as container:
        name = container.format.name
        return name, [*container.decode(video=0)]


@pytest.mark.parametrize("pix_fmt", sorted(Y4M))
def test_every_format_that_y4m_holds(source, pix_fmt):
    content, form, frames = written(source, EncodeSettings(pix_fmt=pix_fmt))
    assert form.plain
    name, found = read(content)
    assert name == "yuv4mpegpipe"
    assert len(found) == 4
    for frame, picture in zip(frames, found, strict=True):
        wanted = from_rgb(frame, pix_fmt, form.tags)
        assert picture.format.name == pix_fmt
        assert (picture.width, picture.height) == SIZE
        for one, other in zip(planes(wanted), planes(picture), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize("pix_fmt", ["rgb24", "rgb48le", "gbrp10le", "yuv440p", "rgba"])
def test_what_y4m_does_not_hold_is_nut(source, pix_fmt):
    content, form, frames = written(source, EncodeSettings(pix_fmt=pix_fmt))
    assert not form.plain
    name, found = read(content)
    assert name == "nut"
    for frame, picture in zip(frames, found, strict=True):
        assert picture.format.name == pix_fmt
        wanted = to_rgb(from_rgb(frame, pix_fmt, form.tags), form.tags)
        assert np.array_equal(to_rgb(picture, form.tags), wanted)


def test_transparency_goes_through(source):
    content, form, frames = written(source, alpha=True)
    assert form.plan.pix_fmt == "rgba"
    made = to_rgb(read(content)[1][2], form.tags, alpha=True)
    assert np.abs(made - frames[2]).max() < 0.01


def test_a_variable_rate_keeps_its_moments(source):
    timeline = Timeline(Fraction(1, 30), (0, 1, 3, 4, 9))
    content, form, _ = written(source, EncodeSettings(pix_fmt="yuv420p"), timeline)
    assert not form.plain
    moments = [frame.pts * frame.time_base for frame in read(content)[1]]
    assert moments == [Fraction(n, 30) for n in (0, 1, 3, 4)]


def test_the_header_tells_rate_shape_and_range(source):
    odd = replace(source, sample_aspect_ratio=Fraction(4, 3), color=ColorTags("bt709", "pc"))
    content, _, _ = written(odd, EncodeSettings(pix_fmt="yuv444p"))
    head = content.split(b"\n")[0]
    assert head == b"YUV4MPEG2 W21 H13 F24000:1001 Ip A4:3 C444 XCOLORRANGE=FULL"


@pytest.mark.parametrize(
    ("given", "suits"),
    [
        ("yuv420p", "yuv420p"),
        ("yuvj422p", "yuv422p"),
        ("nv12", "yuv420p"),
        ("p010le", "yuv420p10le"),
        ("yuv422p12le", "yuv422p12le"),
        ("yuv444p14le", "yuv444p16le"),
        ("yuv411p", "yuv411p"),
        ("yuv440p", "yuv444p"),
        ("gray", "gray"),
        ("gray12le", "gray12le"),
        ("bgr0", "rgb24"),
        ("gbrp10le", "rgb48le"),
        ("pal8", "rgb24"),
        ("", "rgb24"),
    ],
)
def test_the_format_of_the_source_is_kept(source, given, suits):
    given = replace(source, pix_fmt=given)
    form = video.pipe_form(
        EncodeSettings(), timeline=Timeline.constant(RATE, 4), source=given, alpha=False
    )
    assert form.plan.pix_fmt == suits


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (EncodeSettings("libx264"), "takes pictures as they are"),
        (EncodeSettings(crf=20), "takes pictures as they are"),
        (EncodeSettings(pix_fmt="rgb25"), "one that FFmpeg knows"),
    ],
)
def test_settings_that_cannot_be(source, settings, words):
    with pytest.raises(OptionError, match=words):
        written(source, settings)


def test_what_is_lost_is_told(tmp_path):
    heard = video.probe(clip(tmp_path / "in.mkv", sound=0.5))
    bright = replace(heard, color=ColorTags("bt2020nc", "tv", "bt2020", "smpte2084"), alpha=True)
    form = video.pipe_form(
        EncodeSettings(pix_fmt="yuv420p10le"),
        timeline=Timeline.constant(RATE, 4),
        source=bright,
        alpha=True,
    )
    told = "\n".join(form.notes)
    for words in ("the sound is left out", "transparency is left out", "-color_trc smpte2084"):
        assert words in told


def test_what_is_no_number_is_refused(source):
    form = video.pipe_form(
        EncodeSettings(), timeline=Timeline.constant(RATE, 4), source=source, alpha=False
    )
    with pytest.raises(OutputError, match="frame 0 holds values that are not numbers"):
        video.PipeWriter(io.BytesIO(), form).write(np.full((1, 13, 21, 3), np.nan, np.float32))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "rgb24"])
def test_what_the_stream_raises_is_passed_on(source, pix_fmt):
    class GoneError(Exception):
        pass

    class Closed(io.BytesIO):
        def write(self, data):
            raise GoneError

    form = video.pipe_form(
        EncodeSettings(pix_fmt=pix_fmt),
        timeline=Timeline.constant(RATE, 4),
        source=source,
        alpha=False,
    )
    with pytest.raises(GoneError), video.PipeWriter(Closed(), form) as writer:
        writer.write(np.zeros((4, 13, 21, 3), np.float32))


def test_ffmpeg_reads_it(source, tmp_path):
    content, _, _ = written(source, EncodeSettings(pix_fmt="yuv420p10le"))
    told = ffmpeg("-f", "yuv4mpegpipe", "-i", "-", "-f", "framecrc", "-", stdin=content).decode()
    assert len([line for line in told.splitlines() if line[0] != "#"]) == 4
