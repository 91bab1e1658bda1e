"""Pictures out through a pipe: the same as in a file."""

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from deeptsr import jobs
from deeptsr.config import EncodeSettings
from deeptsr.errors import InputError, OptionError
from deeptsr.events import Done, Planned, SelfChecked, StageFitted, Warned
from tests.helpers.clips import clip, decode, describe, raw_clip
from tests.helpers.synth import tiny

SIZE = (32, 24)


def piped(source, options, path):
    """What was told, and the file of what came out."""
    told = []
    with path.open("wb") as output:
        jobs.upscale_pipe(source, output, options, told.append)
    return told


@pytest.mark.parametrize(
    "changes",
    [
        {"factor": 4},
        {"fps": Fraction(60)},
        {"slow_motion": True, "factor": 2},
        {"start": 0.1, "end": 0.4, "factor": 2},
    ],
)
def test_the_frames_are_those_of_the_file_to_the_bit(tmp_path, changes):
    source = clip(tmp_path / "in.mkv", size="32x24")
    options = replace(tiny(), encode=EncodeSettings("ffv1", pix_fmt="yuv420p"), **changes)
    jobs.upscale_file(source, tmp_path / "out.mkv", options)
    plain = replace(options, encode=EncodeSettings())
    told = piped(source, plain, tmp_path / "out.y4m")
    one, other = (decode(tmp_path / name, None, SIZE) for name in ("out.mkv", "out.y4m"))
    assert np.array_equal(one, other)
    kinds = [type(event) for event in told]
    assert {Planned, StageFitted, SelfChecked} <= set(kinds)
    assert kinds[-1] is Done
    assert told[-1].frames == len(other)


@pytest.mark.parametrize("factor", [1, 2])
def test_larger_frames_are_those_of_the_file_too(tmp_path, factor):
    source = clip(tmp_path / "in.mkv", size="32x24")
    encode = EncodeSettings("ffv1", pix_fmt="yuv420p")
    options = replace(tiny(scale=2, encode=encode), factor=factor)
    jobs.upscale_file(source, tmp_path / "out.mkv", options)
    piped(source, replace(options, encode=EncodeSettings()), tmp_path / "out.y4m")
    one, other = (decode(tmp_path / name, None, (64, 48)) for name in ("out.mkv", "out.y4m"))
    assert one.shape == (12 * factor, 64 * 48 * 3 // 2)
    assert np.array_equal(one, other)


def test_rate_and_shape_are_told(tmp_path):
    source = clip(tmp_path / "in.mkv", "-vf", "setsar=4/3", size="32x24")
    piped(source, tiny(2), tmp_path / "out.y4m")
    told = describe(tmp_path / "out.y4m")
    assert "47.95 fps" in told
    assert "SAR 4:3" in told


def test_rgb_goes_as_nut(tmp_path):
    source = raw_clip(tmp_path / "in.mkv", np.zeros((8, 24, 32, 3), np.uint8), "rgb24", SIZE)
    piped(source, tiny(2), tmp_path / "out")
    assert (tmp_path / "out").read_bytes().startswith(b"nut/multimedia container")
    assert len(decode(tmp_path / "out", "rgb24", SIZE)) == 16


def test_the_sound_is_said_to_be_left_out(tmp_path):
    source = clip(tmp_path / "in.mkv", size="32x24", sound=0.5)
    told = piped(source, tiny(2), tmp_path / "out.y4m")
    assert any("sound" in event.message for event in told if isinstance(event, Warned))


def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path):
    source = clip(tmp_path / "in.mkv", size="32x24")
    for options, words in (
        (tiny(2, work_dir=str(tmp_path / "w")), "nobody can go on with"),
        (tiny(2, encode=EncodeSettings("libx264")), "as they are"),
    ):
        with pytest.raises(OptionError, match=words):
            jobs.upscale_pipe(source, io.BytesIO(), options)
    with pytest.raises(InputError):
        jobs.upscale_pipe(tmp_path / "none.mkv", io.BytesIO(), tiny(2))
