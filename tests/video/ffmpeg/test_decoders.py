"""What is decoded is on a list, whatever a file asks for."""

import re

import av
import pytest
from av.codec import Codec

from deeptsr.config import EncodeSettings
from deeptsr.errors import InputError
from deeptsr.video import VideoWriter, probe, read
from deeptsr.video.ffmpeg.decoders import KNOWN, STILLS, guard
from deeptsr.video.reading.decoder import opened
from deeptsr.video.reading.frame_count import PACKET_IS_FRAME
from tests.helpers.clips import clip, describe, ffmpeg, sound_packets

FOREIGN = ("-c:v", "snow", "-strict", "-2")  # a codec that nobody's camera writes
HARDWARE = re.compile("cuvid|qsv|v4l2|amf|mediacodec|videotoolbox|vaapi|vulkan|_mf$|_at$")


def ours(name):
    """The decoder that FFmpeg takes for a name; "" where this one was built without it."""
    try:
        return Codec(name, "r").name
    except av.codec.codec.UnknownCodecError:
        return ""


def written(path, out):
    """Write a clip anew, and return what was noted."""
    info = probe(path)
    place = {"size": (64, 48), "timeline": info.timeline, "source": info}
    with VideoWriter(out, **place, settings=EncodeSettings()) as writer:
        for frame in read(info):
            writer.write(frame[None])
        writer.finish()
    return writer.notes


def test_the_list_holds_no_cards_decoders_and_no_alias():
    there = {name: ours(name) for name in sorted(KNOWN | STILLS)}
    assert not [name for name in there if HARDWARE.search(name)]
    assert {name for name, found in there.items() if found not in ("", name)} == set()
    assert sum(found != "" for found in there.values()) > 100
    # It reads a packet as a place in memory, which a file must not name.
    assert "wrapped_avframe" not in KNOWN


def test_what_files_are_usually_coded_as_is_on_it():
    kinds = {av.CodecContext.create(name, "r").codec.canonical_name for name in KNOWN if ours(name)}
    assert kinds >= PACKET_IS_FRAME
    assert kinds >= {"mpeg1video", "mpeg2video", "vc1", "wmv3", "theora", "dvvideo", "h263", "flv1"}
    assert kinds >= {"aac", "mp3", "opus", "vorbis", "flac", "pcm_s16le", "ac3", "dts", "subrip"}


@pytest.mark.parametrize("ending", [".nut", ".avi", ".mkv"])
def test_a_codec_that_is_not_listed_is_refused_before_it_is_decoded(tmp_path, ending, monkeypatch):
    path = clip(tmp_path / f"a{ending}", *FOREIGN, frames=3)
    with opened(path) as container:
        # FFmpeg itself, which looks for what a header does not say, decoded nothing,
        assert container.streams.video[0].codec_context.pix_fmt is None
        # and PyAV's decoder does not open.
        with pytest.raises(av.ArgumentError):
            next(container.decode(video=0))
    monkeypatch.setattr("deeptsr.video.reading.decoder.Decoder._decode", None)
    with pytest.raises(InputError, match=r"coded as snow.*expected a codec.*rewrite it first"):
        probe(path)


def test_a_foreign_stream_beside_the_picture_is_no_obstacle(tmp_path):
    path = tmp_path / "a.nut"
    two = ("-map", "0:v", "-map", "0:v", "-c:v:0", "ffv1", "-c:v:1", "snow", "-strict", "-2")
    source = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-frames:v", 4)
    ffmpeg(*source, *two, "-filter:v:1", "scale=32:24", path)
    info = probe(path)
    assert (info.codec, len(list(read(info)))) == ("ffv1", 4)
    with pytest.raises(InputError, match="coded as snow"):
        probe(path, video_stream=1)


def test_sound_that_is_not_listed_is_left_out_where_it_cannot_be_copied(tmp_path):
    path = clip(tmp_path / "a.avi", "-c:v", "mpeg4", "-c:a", "adpcm_swf", sound=0.5)
    notes = written(path, tmp_path / "o.mp4")
    assert "Audio:" not in describe(tmp_path / "o.mp4")
    assert any("such sound is not decoded here; rewrite the input first" in note for note in notes)


def test_what_is_copied_takes_no_decoder(tmp_path, monkeypatch):
    path = clip(tmp_path / "a.mkv", "-c:a", "flac", sound=0.5)
    monkeypatch.setattr("deeptsr.video.ffmpeg.decoders.KNOWN", KNOWN - {"flac"})
    written(path, tmp_path / "o.mkv")
    assert sound_packets(tmp_path / "o.mkv") == sound_packets(path)


def test_pictures_of_a_folder_keep_to_theirs(tmp_path):
    path = clip(tmp_path / "a.avi", "-c:v", "mpeg4", frames=1)
    with av.open(str(path)) as container:
        guard(container, STILLS)
        with pytest.raises(av.ArgumentError):
            next(container.decode(video=0))
