"""What is in an input, and what would be done with it."""

from fractions import Fraction

import numpy as np
import pytest

from deeptsr.errors import InputError
from deeptsr.events import Progress
from deeptsr.jobs.probe import plan_file, probe_file
from tests.helpers.clips import clip, ffmpeg, raw_clip, timestamps
from tests.helpers.scenes import clip as scenes
from tests.helpers.synth import tiny

LOSSLESS = ("-c:v", "ffv1", "-pix_fmt", "bgr0")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """8 + 9 frames at 10 a second; frames 3 and 12 repeat the ones before."""
    shown = np.concatenate([scenes((1, 8)), scenes((11, 9))])
    for repeat in (3, 12):
        shown[repeat] = shown[repeat - 1]
    numbers = (shown * 255).round().astype(np.uint8)
    file = tmp_path_factory.mktemp("film") / "in.mkv"
    return raw_clip(file, numbers, "rgb24", (48, 36), *LOSSLESS, rate="10")


def test_scenes_and_duplicates(film):
    found = probe_file(film, tiny(4))
    assert (found.cuts, found.cuts_used, found.duplicates) == ((8,), (8,), (3, 12))
    assert (found.frames, found.used, found.codec, found.matrix) == (17, (0, 17), "ffv1", "gbr")


def test_a_part_is_counted_from_its_own_beginning(film):
    found = probe_file(film, tiny(2, start=0.5))
    assert (found.frames, found.used) == (17, (5, 17))
    assert (found.cuts, found.duplicates) == ((3,), (7,))
    assert found.plan.frames_in == 12


def test_what_the_user_says_of_scenes_is_gone_by(film, tmp_path):
    found = probe_file(film, tiny(2, scenes="off"))
    assert (found.cuts, found.cuts_used) == ((8,), ())
    (tmp_path / "cuts.txt").write_text("5\n")
    assert probe_file(film, tiny(2, scenes=str(tmp_path / "cuts.txt"))).cuts_used == (5,)


@pytest.mark.parametrize("changes", [{"factor": 6}, {"fps": Fraction(25)}, {"slow_motion": True}])
def test_the_plan_is_that_of_a_dry_run(film, tmp_path, changes):
    options = tiny(**changes)
    assert probe_file(film, options).plan == plan_file(film, tmp_path / "out.mkv", options)
    assert not list(tmp_path.iterdir())


def test_the_reading_is_told_and_the_answer_comes_last(film):
    told = []
    found = probe_file(film, tiny(), told.append)
    assert told[-1] == found
    shares = [event.fraction for event in told[:-1] if isinstance(event, Progress)]
    assert len(shares) == len(told) - 1 == 17
    assert shares == sorted(shares)
    assert shares[0] == 0


def test_all_that_a_file_holds(tmp_path):
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,300\nword\n")
    (tmp_path / "font.ttf").write_text("letters")
    (tmp_path / "about.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=one\n"
    )
    plain = clip(tmp_path / "plain.mkv", "-vf", "setsar=4/3", sound=0.5)
    film = tmp_path / "film.mkv"
    ffmpeg(
        *("-i", plain, "-i", tmp_path / "s.srt", "-i", tmp_path / "about.txt"),
        *("-map", "0", "-map", "1", "-map_metadata", "2", "-c", "copy"),
        *("-metadata:s:a:0", "language=fre", "-metadata:s:s:0", "language=ger"),
        *("-attach", tmp_path / "font.ttf", "-metadata:s:t", "mimetype=font/ttf", film),
    )
    found = probe_file(film, tiny())
    assert found.container.startswith("Matroska")
    assert found.size_bytes == film.stat().st_size
    assert (found.codec, found.pix_fmt, found.depth) == ("h264", "yuv420p", 8)
    assert (found.width, found.height, found.sample_aspect_ratio) == (64, 48, "4/3")
    assert (found.rate, found.variable, found.frames) == ("24000/1001", False, 12)
    assert found.duration == pytest.approx(0.5005)
    assert found.sounds[0].endswith("44100 Hz, mono, fre")
    assert found.subtitles == ("subrip, ger",)
    assert found.others == ("attachment, font.ttf",)
    assert found.chapters == 1
    assert any("not fully tagged" in note for note in found.notes)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [("90", (270, False, 48, 64)), ("-90", (90, False, 48, 64)), ("180", (180, False, 64, 48))],
)
def test_a_turned_video(tmp_path, turn, expected):
    """ffmpeg counts against the clock."""
    plain, turned = clip(tmp_path / "plain.mp4"), tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", turn, "-i", plain, "-c", "copy", turned)
    found = probe_file(turned, tiny())
    assert (found.rotation, found.mirrored, found.width, found.height) == expected


def test_other_kinds_of_video(tmp_path):
    late = clip(tmp_path / "late.mkv", "-vf", "setpts='(3*N+gt(N,5)*N)/60/TB+1.5/TB'")
    found = probe_file(late, tiny())
    assert found.variable
    assert found.start == float(timestamps(late, absolute=True)[0]) > 1
    fields = clip(
        tmp_path / "f.mkv", "-c:v", "libx264", "-flags", "+ilme+ildct", "-vf", "setfield=tff"
    )
    assert probe_file(fields, tiny()).interlaced


def test_a_folder_and_a_gif(tmp_path):
    (tmp_path / "frames").mkdir()
    ffmpeg("-i", clip(tmp_path / "a.mkv"), tmp_path / "frames" / "%d.png")
    found = probe_file(tmp_path / "frames", tiny())
    sizes = [image.stat().st_size for image in (tmp_path / "frames").iterdir()]
    assert (found.container, found.size_bytes) == ("folder of images", sum(sizes))
    found = probe_file(clip(tmp_path / "a.gif", "-pix_fmt", "rgb8", rate="10"), tiny())
    assert (found.container, found.sounds, found.rate) == ("GIF", (), "10")


def test_inputs_that_upscale_refuses(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        probe_file(tmp_path / "none.mp4", tiny())
    with pytest.raises(InputError, match="has 3 frames"):
        probe_file(clip(tmp_path / "short.mkv", frames=3), tiny())
