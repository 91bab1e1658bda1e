"""VMAF by the ffmpeg program."""

import json
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from deeptsr.video import Vmaf, probe, read
from deeptsr.video.ffmpeg import vmaf
from tests.helpers.clips import FFMPEG, ffmpeg
from tests.helpers.synth import pan

here = pytest.mark.skipif(bool(vmaf.vmaf_missing((64, 64))), reason="this ffmpeg has no libvmaf")


@here
def test_it_is_what_ffmpeg_says_of_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = (pan(6, 64, 96).numpy() * 255).round().astype(np.uint8)
    tags = ["-pix_fmt", "yuv444p", "-colorspace", "bt709", "-color_range", "tv"]
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "96x64", "-i", "-", "-vf"),
        *("scale=out_color_matrix=bt709:out_range=tv", *tags, "-c:v", "ffv1", "truth.mkv"),
        stdin=frames.tobytes(),
    )
    ffmpeg("-i", "truth.mkv", *tags, "-c:v", "libx264", "-crf", "36", "result.mkv")
    compare = "libvmaf=log_fmt=json:log_path=log.json"
    ffmpeg("-i", "result.mkv", "-i", "truth.mkv", "-lavfi", compare, "-f", "null", "-")
    expected = json.loads((tmp_path / "log.json").read_text())["pooled_metrics"]["vmaf"]["mean"]
    with Vmaf((96, 64)) as measure:
        for pair in zip(read(probe("result.mkv")), read(probe("truth.mkv")), strict=True):
            measure.add(*pair)
        found = measure.finish()
    assert 20 < found < 95
    assert found == pytest.approx(expected, abs=0.1)


@here
@pytest.mark.parametrize("size", [(49, 33), (64, 48)])
def test_the_two_are_not_mixed_up_and_a_perfect_result_is_near_100(size):
    truth = pan(4, size[1], size[0]).numpy()
    soft = (truth + np.roll(truth, 1, 1) + np.roll(truth, 2, 1)) / 3

    def vmaf_of(made, expected):
        with Vmaf(size) as measure:
            for pair in zip(made, expected, strict=True):
                measure.add(*pair)
            return measure.finish()

    assert vmaf_of(truth, truth) > 90
    # VMAF favours contrast: a truth with less of it than the result is another matter.
    assert vmaf_of(soft, truth) < vmaf_of(truth, soft) - 1


@here
def test_a_program_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(vmaf, "_FILTER", "no_such_filter")
    with Vmaf((64, 48)) as measure:
        frame = np.zeros((48, 64, 3), np.float32)
        for _ in range(300):  # more than a pipe holds
            measure.add(frame, frame)
        with pytest.raises(RuntimeError, match="ffmpeg ended with"):
            measure.finish()


@here
def test_a_comparison_that_is_broken_off_leaves_no_program_behind():
    with pytest.raises(KeyError), Vmaf((64, 48)) as measure:  # noqa: PT012
        measure.add(*np.zeros((2, 48, 64, 3), np.float32))
        process = measure._process
        raise KeyError
    assert process.returncode is not None


def test_what_is_missing_is_said(monkeypatch):
    def without(command, **_):
        return subprocess.CompletedProcess(command, 0, " ... scale  V->V  Scale the video\n", "")

    monkeypatch.setattr(subprocess, "run", without)
    assert vmaf._lacking.__wrapped__() == f"{FFMPEG} is built without libvmaf"

    def none():
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)
    assert "No ffmpeg exe" in vmaf._lacking.__wrapped__()
