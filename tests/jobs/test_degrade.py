"""A slow camera's video of a fast camera's: ``deeptsr degrade``."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from cli.main import cli
from deeptsr.config import EncodeSettings, Options
from deeptsr.errors import InputError, OptionError, OutputError
from deeptsr.events import Done, Progress, Warned, to_json
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import shrink
from deeptsr.jobs.degrade import degrade_file
from deeptsr.video import probe, read
from tests.helpers.clips import (
    clip,
    decode,
    describe,
    duration,
    noise,
    raw_clip,
    sound,
    sound_packets,
    timestamps,
)

LOSSLESS = EncodeSettings(codec="ffv1")


@pytest.fixture
def htr(tmp_path):
    """13 frames of noise, 48 x 32, at 240000/1001 fps, and the numbers in them."""
    frames = noise(13, 32, 48)
    path = raw_clip(tmp_path / "htr.mkv", frames, "rgb24", (48, 32), rate="240000/1001")
    return path, frames


def degraded(source, output, **options):
    """What was made, and what was said."""
    told = []
    done = degrade_file(source, output, Options(**{"factor": 4, **options}), told.append)
    assert all(to_json(event) for event in told)
    return done, told


@pytest.mark.parametrize("factor", [2, 3, 12])
def test_full_exposure_is_the_mean_to_half_a_level(htr, tmp_path, factor):
    path, frames = htr
    done, _ = degraded(path, tmp_path / "ltr.mkv", factor=factor, encode=LOSSLESS)
    count = 13 // factor
    mean = frames[: count * factor].reshape(count, factor, 32, 48, 3).mean(axis=1)
    made = decode(tmp_path / "ltr.mkv", "rgb24", (48, 32))
    assert made.shape == mean.shape
    assert np.abs(made - mean).max() <= 0.5 + 1e-3
    assert done == Done(
        str(tmp_path / "ltr.mkv"), count, str(Fraction(240000, 1001 * factor)), done.seconds
    )
    assert probe(tmp_path / "ltr.mkv").rate == Fraction(240000, 1001 * factor)


def test_delta_exposure_is_the_first_frame_to_the_bit(htr, tmp_path):
    path, frames = htr
    degraded(path, tmp_path / "ltr.mkv", exposure="delta", encode=LOSSLESS)
    made = decode(tmp_path / "ltr.mkv", "rgb24", (48, 32))
    np.testing.assert_array_equal(made, frames[[0, 4, 8]])


def test_a_share_is_the_mean_of_the_first_frames(htr, tmp_path):
    path, frames = htr
    degraded(path, tmp_path / "ltr.mkv", exposure=0.5, encode=LOSSLESS)
    made = decode(tmp_path / "ltr.mkv", "rgb24", (48, 32))
    mean = (frames[[0, 4, 8]].astype(float) + frames[[1, 5, 9]]) / 2
    assert np.abs(made - mean).max() <= 0.5 + 1e-3


def test_nothing_tells_how_long_to_open_the_shutter(htr, tmp_path):
    with pytest.raises(OptionError, match="exposure is 'auto'; expected 'full'"):
        degraded(htr[0], tmp_path / "ltr.mkv", exposure="auto")


def test_it_is_the_model_that_the_method_assumes(htr, tmp_path):
    path, _ = htr
    degraded(path, tmp_path / "ltr.mkv", encode=LOSSLESS)
    made, fine = (np.stack(list(read(probe(p)))) for p in (tmp_path / "ltr.mkv", path))
    expected = expose(torch.from_numpy(fine[:12]), 4).numpy()
    assert np.abs(made - expected).max() <= 0.5 / 255 + 1e-6


def test_frames_that_do_not_make_a_whole_one_are_named(htr, tmp_path):
    _, told = degraded(htr[0], tmp_path / "ltr.mkv", encode=LOSSLESS)
    (warned,) = [event.message for event in told if isinstance(event, Warned)]
    assert warned.startswith("the last 1 of 13 frames are left out")
    assert "-frames:v 12" in warned
    fractions = [event.fraction for event in told if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_sound_tags_size_and_rate_are_kept(tmp_path):
    path = clip(
        *(tmp_path / "in.mp4", "-c:a", "aac", "-colorspace", "bt709", "-color_range", "tv"),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-pix_fmt", "yuv444p"),
        *("-vf", "format=yuv444p,crop=49:33:0:0"),
        size="50x34",
        rate="120000/1001",
        frames=48,
        sound=0.4004,
    )
    done, told = degraded(path, tmp_path / "out.mp4", factor=8)
    assert done.frames == 6
    assert not [event for event in told if isinstance(event, Warned) and "odd" not in event.message]
    text = describe(tmp_path / "out.mp4")
    assert "49x33" in text
    assert "bt709" in text
    shown = timestamps(tmp_path / "out.mp4")
    assert shown == [Fraction(1001 * 8 * i, 120000) for i in range(6)]
    assert duration(tmp_path / "out.mp4") == pytest.approx(duration(path), abs=8 * 1001 / 120000)
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(path)


def test_an_alpha_channel_is_kept(tmp_path):
    cover = np.full((4, 32, 48, 4), 255, np.uint8)
    cover[..., :16, 3] = 0
    path = raw_clip(tmp_path / "in.mkv", cover, "rgba", (48, 32), "-c:v", "ffv1", rate="60")
    degraded(path, tmp_path / "out.mkv", factor=2, encode=LOSSLESS)
    (first, _) = read(probe(tmp_path / "out.mkv"), alpha=True)
    np.testing.assert_allclose(first[..., 3], cover[0, ..., 3] / 255, atol=1e-6)


def test_sound_ends_where_the_frames_do(tmp_path):
    path = clip(tmp_path / "in.mp4", "-c:a", "aac", rate="60", frames=63, sound=1.05)
    degraded(path, tmp_path / "out.mp4", factor=20)
    assert len(sound(tmp_path / "out.mp4")) / 48000 == pytest.approx(1.0, abs=0.04)


def test_too_few_frames_are_refused_and_nothing_is_written(htr, tmp_path):
    with pytest.raises(InputError, match=r"13 frames there, and factor 14"):
        degraded(htr[0], tmp_path / "ltr.mkv", factor=14)
    assert [p.name for p in tmp_path.iterdir()] == ["htr.mkv"]


def test_an_output_that_exists_is_left_alone(htr, tmp_path):
    target = tmp_path / "ltr.mkv"
    target.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        degraded(htr[0], target)
    assert target.read_text() == "mine"
    degraded(htr[0], target, encode=EncodeSettings(overwrite=True))
    assert probe(target).frames == 3


# The command


def test_the_command_says_what_it_did(htr, tmp_path):
    target = tmp_path / "ltr.mkv"
    flags = ["--factor", "3", "--exposure", "delta", "--codec", "ffv1", "--pix-fmt", "bgr0"]
    result = CliRunner().invoke(cli, ["degrade", str(htr[0]), "-o", str(target), *flags])
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"wrote {target}: 4 frames at 79.92 fps in " in result.stderr
    np.testing.assert_array_equal(decode(target, "rgb24", (48, 32)), htr[1][[0, 3, 6, 9]])
    again = CliRunner().invoke(cli, ["degrade", str(htr[0]), "-o", str(target), "--json"])
    assert again.exit_code == 2
    assert json.loads(again.stdout)["event"] == "Error"
    flags = ["--overwrite", "--json", "--crf", "0"]
    told = CliRunner().invoke(cli, ["degrade", str(htr[0]), "-o", str(target), *flags]).stdout
    assert json.loads(told.splitlines()[-1])["event"] == "Done"


@pytest.mark.parametrize("flags", ["--factor 1", "--exposure half", "--crf 99", "-q -v", ""])
def test_wrong_usage_ends_with_2(htr, tmp_path, flags):
    place = ["-o", str(tmp_path / "ltr.mkv")] if flags else []
    result = CliRunner().invoke(cli, ["degrade", str(htr[0]), *place, *flags.split()])
    assert result.exit_code == 2


def test_an_input_that_is_not_there_ends_with_3(tmp_path):
    flags = ["-o", str(tmp_path / "ltr.mkv")]
    assert CliRunner().invoke(cli, ["degrade", str(tmp_path / "no.mp4"), *flags]).exit_code == 3


def test_what_is_interrupted_starts_anew(htr, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("deeptsr.jobs.degrade.expose", interrupted)
    result = CliRunner().invoke(cli, ["degrade", str(htr[0]), "-o", str(tmp_path / "ltr.mkv")])
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].endswith("run the same command again to start anew")
    assert [p.name for p in tmp_path.iterdir()] == ["htr.mkv"]


def test_damage_is_said(htr, tmp_path):
    broken = tmp_path / "b.mkv"
    data = bytearray(htr[0].read_bytes())
    data[len(data) // 2] ^= 1
    broken.write_bytes(data)
    told = []
    degrade_file(broken, tmp_path / "o.mkv", Options(factor=2), told.append)
    assert any("as far as could be mended" in e.message for e in told if isinstance(e, Warned))


@pytest.mark.parametrize("name", ["out.mkv", "out/"])
def test_two_at_once_respect_each_other(htr, tmp_path, name):
    output, refused = f"{tmp_path}/{name}", []

    def another(event):
        if isinstance(event, Progress) and not refused:
            with pytest.raises(OutputError, match="is in the hands of another run") as caught:
                degrade_file(htr[0], output, Options(factor=4))
            refused.append(caught)

    degrade_file(htr[0], output, Options(factor=4), another)
    assert refused
    assert probe(output).frames == 3
    assert {p.name for p in tmp_path.iterdir()} == {"htr.mkv", name.strip("/")}


@pytest.mark.parametrize("camera", ["bicubic", "area"])
def test_a_camera_of_fewer_pixels(htr, tmp_path, camera):
    path, frames = htr
    options = {"factor": 2, "scale": 2, "camera": camera, "encode": LOSSLESS}
    degraded(path, tmp_path / "ltr.mkv", **options)
    slow = expose(torch.from_numpy(frames[:12] / np.float32(255)), 2)
    expected = shrink(slow, (16, 24), camera).clamp(0, 1).numpy() * 255
    made = decode(tmp_path / "ltr.mkv", "rgb24", (24, 16))
    assert np.abs(made - expected).max() <= 0.5 + 1e-2


def test_space_alone_and_what_is_rounded(htr, tmp_path):
    path, _ = htr
    _, told = degraded(path, tmp_path / "a.mp4", factor=1, scale=Fraction(3, 2))
    assert decode(tmp_path / "a.mp4", "rgb24", (32, 22)).shape == (13, 22, 32, 3)
    notes = [event.message for event in told if isinstance(event, Warned)]
    assert "32 x 21.3333 pixels are rounded to 32 x 22" in notes


def test_the_flags_of_space_reach_the_job(htr, tmp_path):
    path, _ = htr
    target = tmp_path / "b.mkv"
    flags = ["--factor", "1", "--scale", "4/3", "--camera", "area", "--codec", "ffv1"]
    done = CliRunner().invoke(cli, ["degrade", str(path), "-o", str(target), *flags])
    assert done.exit_code == 0, done.output
    assert decode(target, "rgb24", (36, 24)).shape == (13, 24, 36, 3)
