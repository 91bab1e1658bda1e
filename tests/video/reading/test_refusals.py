"""Inputs that cannot be used: the words name the thing, and what to do."""

import os

import pytest
from PIL import Image

from deeptsr.errors import InputError, OptionError, OutputError
from deeptsr.video import destination_of, probe
from tests.helpers.clips import clip


def webp(folder):
    images = [Image.new("RGB", (32, 32), (n, 0, 0)) for n in range(0, 200, 50)]
    images[0].save(folder / "a.webp", save_all=True, append_images=images[1:])
    return folder / "a.webp"


def encrypted(folder, *form, codec="libx264", frames=12):
    keys = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb")
    keys += ("-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    # Without "bitexact" each file would have noise of its own.
    form = ("-encryption_scheme", "cenc-aes-ctr", *keys, "-fflags", "+bitexact", *form)
    return clip(folder / "drm.mp4", "-c:v", codec, *form, frames=frames)


def encrypted_such_that_it_decodes(folder):
    """Of 24 key frames of noise, H.264's decoder takes some for pictures."""
    return encrypted(folder, "-x264-params", "keyint=1", frames=24)


def encrypted_in_a_way_that_ffmpeg_does_not_know(folder):
    """Only the header tells: its packets come as those of any video, of which no frame is made."""
    path = encrypted(folder, codec="mpeg4")
    data = path.read_bytes()
    for box in (b"tenc", b"senc", b"saiz", b"saio"):
        assert box in data
        data = data.replace(box, b"free")
    path.write_bytes(data)
    return path


def listed(folder):
    clip(folder / "a.mp4")
    (folder / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile {folder}/a.mp4\n")
    return folder / "list.ffconcat"


def videos(folder):
    clip(folder / "a.mp4")
    return folder


def pipe(folder):
    os.mkfifo(folder / "p")
    return folder / "p"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (webp, "is an animated WebP.*expected.*magick"),
        (encrypted, "is encrypted.*expected.*choose another"),
        (encrypted_such_that_it_decodes, "is encrypted.*expected.*choose another"),
        (encrypted_in_a_way_that_ffmpeg_does_not_know, "is encrypted.*expected.*choose another"),
        (listed, "names other files.*expected a video.*ffmpeg -f concat"),
        (videos, "holds videos and no image.*expected.*deeptsr batch"),
        (pipe, "is a pipe.*expected a file.*save it first"),
        (lambda folder: "-", "the input is -.*expected a file.*save it first"),
    ],
)
def test_what_it_is_and_what_to_do_is_said(tmp_path, make, words):
    with pytest.raises(InputError, match=words):
        probe(make(tmp_path))


def test_an_output_is_no_pipe():
    with pytest.raises(OutputError, match=r"the output is -.*expected a file"):
        destination_of("-")


@pytest.mark.parametrize("number", [-1, 1, 2**70, "x", 0.5])
def test_a_stream_that_is_not_there(tmp_path, number):
    path = clip(tmp_path / "a.mkv", "-c:v", "ffv1", frames=2)
    with pytest.raises(InputError, match=r"`video_stream` is .* and .* has 1 of video"):
        probe(path, video_stream=number)


@pytest.mark.parametrize("background", [5, "#zzzzzz", "x" * 999, "#fff"])
def test_a_background_that_is_no_colour(tmp_path, background):
    with pytest.raises(
        OptionError, match=r"background is .{,42}; expected black, white or #rrggbb"
    ):
        probe(clip(tmp_path / "a.mkv", "-c:v", "ffv1", frames=2), background=background)
