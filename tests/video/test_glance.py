"""What moves, seen at a glance."""

from dataclasses import replace

import numpy as np
import pytest

from deeptsr import video
from tests.helpers.clips import clip, ffmpeg, raw_clip


def moving(start, stop, total=30, size=(64, 48)):
    """A bar that moves in a stretch of a clip, and stands still before and after it."""
    frames = np.zeros((total, size[1], size[0]), np.uint8)
    for n in range(total):
        at = 2 * min(max(0, n - start), stop - start)
        frames[n, :, at : at + 8] = 200
    return frames


@pytest.fixture
def source(tmp_path):
    return raw_clip(tmp_path / "in.mkv", moving(10, 20), "gray", (64, 48))


def test_changes_are_where_it_moves(source):
    changes = video.motion_in(video.probe(source), range(30))
    assert len(changes) == 29
    assert [n for n, change in enumerate(changes) if change > 0] == [*range(10, 20)]


def test_a_part_is_looked_at(source):
    assert len(video.motion_in(video.probe(source), range(5, 15))) == 9
    assert video.motion_in(video.probe(source), range(1)) == []


def test_a_cut_is_no_motion(tmp_path):
    frames = moving(0, 24)
    frames[15:] = 255 - frames[15:]
    raw_clip(tmp_path / "in.mkv", frames, "gray", (64, 48))
    changes = video.motion_in(video.probe(tmp_path / "in.mkv"), range(30))
    assert changes[14] <= 4 * np.median([change for change in changes if change > 0])
    assert changes[14] == max(changes)


def test_a_folder_of_images(source, tmp_path):
    (tmp_path / "frames").mkdir()
    ffmpeg("-i", source, tmp_path / "frames" / "%03d.png")
    changes = video.motion_in(video.probe(tmp_path / "frames"), range(30))
    assert [n for n, change in enumerate(changes) if change > 0] == [*range(10, 20)]


def test_pictures_on_their_side_and_of_odd_size(tmp_path):
    source = clip(tmp_path / "in.mkv", "-pix_fmt", "yuv444p10le", "-c:v", "ffv1", size="101x333")
    assert len(video.motion_in(video.probe(source), range(12))) == 11


@pytest.mark.parametrize("levels", ["tv", "pc"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le"])
def test_small_frames_have_the_colours_of_large_ones(tmp_path, pix_fmt, levels):
    form = ("-pix_fmt", pix_fmt, "-c:v", "ffv1", "-color_range", levels)
    source = video.probe(clip(tmp_path / "in.mkv", *form, size="128x96"))
    assert source.color.range == levels
    large = list(video.read(source))[3:9]
    small = list(video.small_frames(source, range(3, 9), (24, 32)))
    assert np.shape(small) == (6, 24, 32, 3)
    for one, other in zip(large, small, strict=True):
        means = one.reshape(24, 4, 32, 4, 3).mean((1, 3))
        assert np.abs(means - other).mean() < 0.02


def test_small_frames_lie_as_they_are_shown(tmp_path):
    clip(tmp_path / "up.mp4", size="128x96")
    ffmpeg("-display_rotation", "90", "-i", tmp_path / "up.mp4", "-c", "copy", tmp_path / "in.mp4")
    source = video.probe(tmp_path / "in.mp4")
    assert (source.width, source.height) == (96, 128)
    (large,), (small,) = (
        [next(iter(video.read(source)))],
        video.small_frames(source, range(1), (32, 24)),
    )
    means = large.reshape(32, 4, 24, 4, 3).mean((1, 3))
    assert np.abs(means - small).mean() < 0.02


def test_what_needs_more_care_is_left_to_the_reader(tmp_path):
    see_through = clip(tmp_path / "in.mov", "-pix_fmt", "argb", "-c:v", "qtrle")
    source = replace(video.probe(see_through), alpha=True)
    assert video.small_frames(source, range(3), (24, 32)) is None
