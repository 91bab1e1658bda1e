"""Subtitles, chapters, attachments and metadata, from a source into an output."""

from fractions import Fraction

import av
import numpy as np
import pytest

from deeptsr.config import EncodeSettings
from deeptsr.imaging.timeline import Timeline
from deeptsr.video import VideoWriter, check_output, probe
from tests.helpers.clips import clip, describe, ffmpeg

SUBTITLES = "1\n00:00:00,100 --> 00:00:00,300\nfirst\n\n2\n00:00:00,500 --> 00:00:00,900\nsecond\n"
ABOUT = """;FFMETADATA1
title=A film
[CHAPTER]
TIMEBASE=1/1000
START=0
END=400
title=one
[CHAPTER]
TIMEBASE=1/1000
START=400
END=960
title=two
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    for name, text in (("s.srt", SUBTITLES), ("about.txt", ABOUT), ("font.ttf", "letters")):
        (folder / name).write_text(text)
    plain = clip(folder / "plain.mkv", rate="25", frames=24)
    ffmpeg(
        *("-i", plain, "-i", folder / "s.srt", "-i", folder / "about.txt"),
        *("-map", "0", "-map", "1", "-map_metadata", "2", "-c", "copy"),
        *("-metadata:s:s:0", "language=ger", "-attach", folder / "font.ttf"),
        *("-metadata:s:t", "mimetype=font/ttf", folder / "a.mkv"),
    )
    return probe(folder / "a.mkv")


def write(output, source, stretch=None):
    frames = 24 if stretch is None else round((stretch[1] - stretch[0]) * 25)
    with VideoWriter(
        output,
        size=(64, 48),
        timeline=Timeline.constant(Fraction(50), 2 * frames),
        source=source,
        settings=EncodeSettings(),
        audio_range=stretch,
    ) as writer:
        writer.write(np.full((2 * frames, 48, 64, 3), 0.5, np.float32))
        writer.finish()
    return writer.notes


def subtitles(path):
    with av.open(str(path)) as file:
        return [
            (float(packet.pts * packet.time_base), bytes(packet).decode())
            for packet in file.demux(subtitles=0)
            if packet.size
        ]


def test_a_container_that_holds_them_gets_all(source, tmp_path):
    assert write(tmp_path / "out.mkv", source) == ()
    assert subtitles(tmp_path / "out.mkv") == [(0.1, "first"), (0.5, "second")]
    with av.open(str(tmp_path / "out.mkv")) as file:
        assert file.metadata["title"] == "A film"
        assert [c["metadata"]["title"] for c in file.chapters()] == ["one", "two"]
        assert [float(c["start"] * c["time_base"]) for c in file.chapters()] == [0, 0.4]
        (attached,) = file.streams.attachments
        assert (attached.name, attached.mimetype, attached.data) == (
            *("font.ttf", "font/ttf"), b"letters"
        )  # fmt: skip
        assert file.streams.subtitles[0].metadata["language"] == "ger"
    assert "Chapter #0:1" in describe(tmp_path / "out.mkv")


def test_what_a_container_cannot_hold_is_named(source, tmp_path):
    notes = write(tmp_path / "out.mp4", source)
    assert any("subtitles (subrip, ger) are left out" in note for note in notes)
    assert any("attachment font.ttf is left out" in note for note in notes)
    text = describe(tmp_path / "out.mp4")
    assert "A film" in text
    assert "Chapter #0:1" in text
    notes = write(tmp_path / "out.avi", source)
    assert any("chapters are left out" in note for note in notes)


def test_subtitles_that_matroska_cannot_hold_go_into_mp4(source, tmp_path):
    ffmpeg("-i", source.path, "-map", "0:v", "-map", "0:s", "-c:s", "mov_text", tmp_path / "a.mp4")
    told = probe(tmp_path / "a.mp4")
    (note,) = write(tmp_path / "out.mkv", told)
    assert note.startswith("subtitles (mov_text, ger) are left out: matroska cannot hold them")
    assert note.endswith("; write .mp4 to keep them")
    assert write(tmp_path / "out.mov", told) == ()
    text = ffmpeg("-i", tmp_path / "out.mov", "-map", "0:s", "-f", "srt", "-").decode()
    assert [line for line in text.splitlines() if line.isalpha()] == ["first", "second"]


def test_a_stretch_takes_its_own_part(source, tmp_path):
    write(tmp_path / "out.mkv", source, (Fraction(2, 5), Fraction(4, 5)))
    assert subtitles(tmp_path / "out.mkv") == [(pytest.approx(0.1), "second")]
    with av.open(str(tmp_path / "out.mkv")) as file:
        assert [c["metadata"]["title"] for c in file.chapters()] == ["two"]
        assert [float(c["end"] * c["time_base"]) for c in file.chapters()] == [0.4]


LONG = (
    "1\n00:00:00,100 --> 00:00:05,000\nlong\n\n2\n00:00:00,200 --> 00:00:00,300\ngone\n\n"
    "3\n00:00:00,600 --> 00:00:00,700\nshort\n"
)


@pytest.mark.parametrize("codec", ["srt", "ass", "mov_text"])
@pytest.mark.parametrize(
    ("stretch", "wanted"),
    [
        ((0.4, 0.8), [("long", 0, 0.4), ("short", 0.2, 0.3)]),
        ((0.24, 0.64), [("long", 0, 0.4), ("gone", 0, 0.06), ("short", 0.36, 0.4)]),
        ((0.0, 0.64), [("long", 0.1, 0.64), ("gone", 0.2, 0.3), ("short", 0.6, 0.64)]),
    ],
)
def test_subtitles_are_clamped_to_the_stretch(tmp_path, codec, stretch, wanted):
    (tmp_path / "s.srt").write_text(LONG)
    kind = "mp4" if codec == "mov_text" else "mkv"
    clip(tmp_path / "plain.mkv", rate="25", frames=24)
    both = ("-i", tmp_path / "plain.mkv", "-i", tmp_path / "s.srt", "-c:v", "copy", "-c:s", codec)
    ffmpeg(*both, tmp_path / f"s.{kind}")
    out = tmp_path / f"o.{kind}"
    write(out, probe(tmp_path / f"s.{kind}"), stretch)
    shown = []
    with av.open(str(out)) as file:
        for packet in file.demux(subtitles=0):
            text = bytes(packet)
            word = next((w for w in ("long", "gone", "short") if w.encode() in text), None)
            if word:
                begin, last = packet.pts * packet.time_base, packet.duration * packet.time_base
                shown.append((word, float(begin), float(begin + last)))
        assert file.duration / 1e6 == pytest.approx(stretch[1] - stretch[0], abs=0.03)
    if codec != "mov_text":  # which shows one at a time
        assert [word for word, *_ in shown] == [word for word, *_ in wanted]
        for found, meant in zip(shown, wanted, strict=True):
            assert found[1:] == pytest.approx(meant[1:], abs=0.002)
    else:
        assert {word for word, *_ in shown} <= {word for word, *_ in wanted}


def test_a_cover_picture_is_named(tmp_path):
    picture = clip(tmp_path / "cover.mp4", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", frames=1)
    plain = clip(tmp_path / "plain.mp4", rate="25", frames=24)
    ffmpeg(
        *("-i", plain, "-i", picture, "-map", 0, "-map", 1, "-c", "copy"),
        *("-disposition:v:1", "attached_pic", tmp_path / "s.mp4"),
    )
    notes = write(tmp_path / "o.mp4", probe(tmp_path / "s.mp4"))
    assert sum("cover picture" in note for note in notes) == 1


@pytest.mark.parametrize(("name", "what"), [("o.gif", "a GIF"), ("o/", "a folder of images")])
def test_pictures_alone_name_what_they_leave_out(source, tmp_path, name, what):
    notes = check_output(f"{tmp_path}/{name}", EncodeSettings(), source=source)
    assert f"the subtitles and chapters are left out: {what} holds none" in notes


@pytest.mark.parametrize("name", ["o.mkv", "o.mp4"])
def test_a_chapter_that_ends_after_ages_ends_within_what_files_count(source, tmp_path, name):
    about = ABOUT.replace("1/1000\nSTART=400\nEND=960", "1000/1\nSTART=0\nEND=9000000000000000")
    (tmp_path / "about.txt").write_text(about)
    path, copied = tmp_path / "a.nut", ("-map", "0:v", "-map_chapters", "1", "-c", "copy")
    ffmpeg("-i", source.path, "-i", tmp_path / "about.txt", *copied, path)
    write(tmp_path / name, probe(path))
    with av.open(str(tmp_path / name)) as file:
        ends = sorted(chapter["end"] * chapter["time_base"] for chapter in file.chapters())
    assert ends[0] <= Fraction(2, 5)
    assert 86_400 < ends[1] < 2**31 / 1000
