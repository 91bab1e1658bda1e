"""Whole runs over pictures that are not plain 8-bit RGB."""

from dataclasses import replace

import numpy as np
import pytest

from deeptsr.errors import OptionError
from deeptsr.events import Progress, Warned
from deeptsr.jobs.probe import plan_file
from deeptsr.jobs.upscale import upscale_file
from deeptsr.video import probe, read
from tests.helpers.clips import clip, describe, ffmpeg, raw_clip
from tests.helpers.synth import FIT, tiny

SIZE = (32, 24)


def still(frames, alpha=False):
    """Soft waves that do not move, and a soft hole in them."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    waves = [128 + 60 * np.sin(x / 5 + c) + 40 * np.cos(y / 4 + c) for c in range(3)]
    cover = 255 * np.clip(np.hypot(x - 16, y - 12) / 8 - 0.5, 0, 1)
    picture = np.stack([*waves, cover] if alpha else waves, -1)
    return np.rint(picture).astype(np.uint8)[None].repeat(frames, 0)


def run(source, output, **changes):
    told = []
    upscale_file(source, output, tiny(2, **changes), told.append)
    return [event.message for event in told if isinstance(event, Warned)]


def test_alpha_is_carried_and_nothing_flickers(tmp_path):
    numbers = still(6, alpha=True)
    source = raw_clip(tmp_path / "s.mov", numbers, "rgba", SIZE, "-c:v", "png")
    run(source, tmp_path / "o.mkv")
    info = probe(tmp_path / "o.mkv")
    assert (info.frames, info.alpha, info.codec) == (12, True, "ffv1")
    made = np.stack(list(read(info, alpha=True)))
    truth = next(iter(read(probe(source), alpha=True)))
    assert np.ptp(made.mean((1, 2)), axis=0).max() < 0.5 / 255
    assert np.abs(made.mean((1, 2)) - truth.mean((0, 1))).max() < 0.5 / 255
    assert np.abs(made[..., 3] - truth[..., 3]).mean() < 2 / 255


def test_a_hole_moves_with_its_colours(tmp_path):
    # What a run makes of alpha alone is what it makes of the same picture in grey.
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    discs = [np.clip(8 - np.hypot(x - 10 - 2 * t, y - 12), 0, 1) for t in range(6)]
    grey = np.rint(255 * np.stack(discs)).astype(np.uint8)[..., None]
    joined = np.concatenate([np.full_like(grey, 255).repeat(3, 3), grey], 3)
    source = raw_clip(tmp_path / "s.mov", joined, "rgba", SIZE, "-c:v", "png")
    run(source, tmp_path / "o.mkv", fit=replace(FIT, steps=2))
    made = np.stack(list(read(probe(tmp_path / "o.mkv"), alpha=True)))
    np.testing.assert_allclose(made[..., 0], made[..., 3], atol=1.01 / 255)
    means = (made[::2] + made[1::2]) / 2  # both halves of a frame's exposure
    assert np.abs(means[..., 3] - grey[..., 0] / 255).mean() < 1.5 / 255


def test_alpha_needs_an_output_that_has_it(tmp_path):
    numbers = still(6, alpha=True)
    source = raw_clip(tmp_path / "s.mov", numbers, "rgba", SIZE, "-c:v", "png")
    with pytest.raises(OptionError, match="`background` black"):
        plan_file(source, tmp_path / "o.mp4", tiny(2))
    with pytest.raises(OptionError, match="expected black, white or #rrggbb"):
        tiny(2, background="blue")
    run(source, tmp_path / "o.mp4", background="#ff0000")
    made = next(iter(read(probe(tmp_path / "o.mp4"))))
    np.testing.assert_allclose(made[12, 16], [1, 0, 0], atol=20 / 255)  # within the hole


def test_a_picture_on_its_side_comes_out_upright(tmp_path):
    clip(tmp_path / "a.mp4", size="32x24", frames=6)
    ffmpeg("-display_rotation", 90, "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "b.mp4")
    run(tmp_path / "b.mp4", tmp_path / "o.mp4")
    assert "24x32" in describe(tmp_path / "o.mp4")


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_goes_through(tmp_path, transfer):
    tags = f"setparams=colorspace=bt2020nc:range=tv:color_primaries=bt2020:color_trc={transfer}"
    deep = ("-pix_fmt", "yuv420p10le", "-c:v", "ffv1")
    source = clip(tmp_path / "s.mkv", "-vf", tags, *deep, size="32x24", frames=6)
    run(source, tmp_path / "o.mp4")
    assert f"yuv420p10le(tv, bt2020nc/bt2020/{transfer}" in describe(tmp_path / "o.mp4")
    assert probe(tmp_path / "o.mp4").frames == 12


def test_interlaced_video_is_deinterlaced_on_request(tmp_path):
    fields = ("-c:v", "mpeg2video", "-vf", "setfield=tff", "-flags", "+ildct+ilme")
    source = clip(tmp_path / "s.mpg", *fields, size="32x24", rate="25", frames=8)
    assert any("`deinterlace` makes" in note for note in run(source, tmp_path / "o.mp4"))
    notes = run(source, tmp_path / "p.mp4", deinterlace=True)
    assert not any("interlace" in note for note in notes)
    assert probe(tmp_path / "p.mp4").frames == 16
    one, other = (list(read(probe(tmp_path / name))) for name in ("o.mp4", "p.mp4"))
    assert np.abs(np.stack(one) - np.stack(other)).max() > 0.05


def test_what_is_lost_is_said_before_the_work(tmp_path):
    options = ("-c:v", "ffv1", "-g", "1", "-pix_fmt", "yuv444p")
    source = clip(tmp_path / "in.mkv", *options, size="48x32", frames=30)
    data = bytearray(source.read_bytes())
    data[len(data) // 2] ^= 1
    source.write_bytes(data)
    told = []
    upscale_file(source, tmp_path / "out.mp4", tiny(2), told.append)
    begun = next(n for n, e in enumerate(told) if isinstance(e, Progress) and e.phase == "fit")
    for words in ("yuv444p is written as yuv420p", "1 of its 30 frames is used as far as"):
        assert [words in e.message for e in told[:begun] if isinstance(e, Warned)].count(True) == 1
        assert not any(words in e.message for e in told[begun:] if isinstance(e, Warned))
    warned = []
    plan_file(source, tmp_path / "new.mp4", tiny(2), warned.append)
    assert any("yuv444p is written as yuv420p" in event.message for event in warned)
