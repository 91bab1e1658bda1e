"""A result against its truth: ``deeptsr evaluate``."""

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from cli.main import cli
from deeptsr import video
from deeptsr.config import EncodeSettings, Options
from deeptsr.errors import InputError, OptionError
from deeptsr.evaluation.metrics import CEILING
from deeptsr.events import Progress, Warned, to_json
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import enlarge, shrink
from deeptsr.imaging.resample import interpolate_time
from deeptsr.jobs.degrade import degrade_file
from deeptsr.jobs.evaluate import evaluate_file
from deeptsr.jobs.upscale import upscale_file
from tests.helpers.clips import decode, raw_clip
from tests.helpers.synth import pan, tiny

SIZE = (48, 32)
HTR, LTR = "240000/1001", "60000/1001"


def levels(frames):
    return (np.asarray(frames) * 255).round().astype(np.uint8)


def save(path, frames, rate=HTR):
    """Write 8-bit numbers without loss; give the path."""
    size = (frames.shape[2], frames.shape[1])
    return raw_clip(path, frames, "rgb24", size, rate=rate)


@pytest.fixture
def clips(tmp_path):
    """A moving texture of 16 frames; a noisy copy; its mean of fours: paths, and numbers."""
    truth = levels(pan(16, 32, 48, speed=1.5))
    rng = np.random.default_rng(3)
    result = (truth + rng.normal(0, 6, truth.shape)).clip(0, 255).round().astype(np.uint8)
    ltr = truth.reshape(4, 4, 32, 48, 3).mean(axis=1).round().astype(np.uint8)
    paths = [
        save(tmp_path / "result.mkv", result),
        save(tmp_path / "truth.mkv", truth),
        save(tmp_path / "ltr.mkv", ltr, LTR),
    ]
    return paths, result, truth, ltr


def evaluated(*args, **options):
    told = []
    found = evaluate_file(*args, **options, on_event=told.append)
    assert told[-1] == found
    assert all(to_json(event) for event in told)
    return found, told


def oracle(made, truth):
    """PSNR and SSIM of each frame by scikit-image; 8-bit numbers."""
    pairs = list(zip(made / 255.0, truth / 255.0, strict=True))
    psnr = [peak_signal_noise_ratio(t, m, data_range=1) for m, t in pairs]
    how = {"data_range": 1, "channel_axis": -1, "gaussian_weights": True}
    ssim = [structural_similarity(m, t, use_sample_covariance=False, **how) for m, t in pairs]
    return psnr, ssim


def test_the_figures_are_scikit_image_s(clips):
    paths, result, truth, _ = clips
    found, told = evaluated(*paths[:2])
    (row,) = found.scores
    psnr, ssim = oracle(result, truth)
    np.testing.assert_allclose(row.frames_psnr_db, psnr, atol=1e-3)
    np.testing.assert_allclose(row.frames_ssim, ssim, atol=1e-3)
    assert row.psnr_db == pytest.approx(np.mean(psnr), abs=1e-3)
    assert row.ssim == pytest.approx(np.mean(ssim), abs=1e-3)
    slices = [
        peak_signal_noise_ratio(truth[:, y] / 255, result[:, y] / 255, data_range=1)
        for y in range(32)
    ]
    assert row.profile_psnr_db == pytest.approx(np.mean(slices), abs=1e-3)
    means = (result / 1.0 - truth).mean(axis=(1, 2, 3))
    assert row.flicker == pytest.approx(np.abs(np.diff(means)).mean(), abs=1e-3)
    assert (row.method, row.gain_db, row.lpips) == ("result", None, None)
    assert (found.frames, found.width, found.height) == (16, 48, 32)
    assert Fraction(found.rate) == Fraction(HTR)
    fractions = [event.fraction for event in told if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_the_plain_methods_stand_beside_it(clips):
    paths, result, truth, ltr = clips
    found, _ = evaluated(*paths)
    rows = {row.method: row for row in found.scores}
    assert list(rows) == ["result", "repeat", "linear", "minterpolate"]
    repeated, _ = oracle(ltr.repeat(4, axis=0), truth)
    np.testing.assert_allclose(rows["repeat"].frames_psnr_db, repeated, atol=1e-3)
    linear = interpolate_time(torch.from_numpy(ltr / 255).float(), 4).numpy() * 255
    np.testing.assert_allclose(rows["linear"].frames_psnr_db, oracle(linear, truth)[0], atol=1e-3)
    ours = np.mean(oracle(result, truth)[0])
    assert rows["repeat"].gain_db == pytest.approx(ours - np.mean(repeated), abs=1e-3)
    assert all(row.gain_db == rows["result"].psnr_db - row.psnr_db for row in found.scores[1:])
    assert len(rows["minterpolate"].frames_ssim) == 16


def test_delta_exposure_aligns_the_methods_with_the_first_frames(clips, tmp_path):
    paths, _, truth, _ = clips
    paths[2] = save(tmp_path / "instants.mkv", truth[::4], LTR)
    rows = evaluated(*paths, exposure="delta")[0].scores
    assert rows[2].frames_psnr_db[::4] == (CEILING,) * 4
    assert max(evaluated(*paths)[0].scores[2].frames_psnr_db[4:]) < CEILING


def test_a_share_aligns_the_methods_with_the_first_frames(clips, tmp_path):
    paths, _, truth, _ = clips
    halves = truth.reshape(4, 4, *truth.shape[1:])[:, :2].mean(1).round().astype(np.uint8)
    paths[2] = save(tmp_path / "halves.mkv", halves, LTR)
    share, full = (evaluated(*paths, exposure=e)[0].scores[2].psnr_db for e in (0.5, "full"))
    assert share > full


def test_vmaf_is_measured_where_it_can_be_or_missed_aloud(clips, monkeypatch):
    paths = clips[0]
    if not video.vmaf_missing(SIZE):
        found, told = evaluated(paths[1], paths[1])
        assert found.scores[0].vmaf > 90
        assert evaluated(*paths[:2])[0].scores[0].vmaf < found.scores[0].vmaf
    monkeypatch.setattr(video, "vmaf_missing", lambda size: "there is none")
    found, told = evaluated(*paths[:2])
    assert found.scores[0].vmaf is None
    assert Warned("VMAF is left out: there is none") in told


def test_lpips_is_measured_when_it_is_asked_for(clips, monkeypatch):
    class Stand:
        def __call__(self, frame, truth):
            return float((frame - truth).abs().mean())

    monkeypatch.setattr("deeptsr.jobs.evaluate.Lpips", Stand)
    found, _ = evaluated(*clips[0][:2], lpips=True)
    expected = np.abs(clips[1] / 255 - clips[2] / 255).mean()
    assert found.scores[0].lpips == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("cut", "rate", "differ"),
    [
        ((slice(15), slice(32), slice(48)), HTR, "differ in frames; .*-frames:v 15"),
        ((slice(16), slice(32), slice(47)), HTR, "differ in size; .*own truth"),
        ((slice(16), slice(32), slice(48)), "240", "differ in rate; .*own truth; .*`ignore_rate`"),
        ((slice(14), slice(30), slice(48)), "25", "differ in size and rate and frames;"),
    ],
)
def test_a_result_and_a_truth_that_differ_are_refused_with_both(clips, tmp_path, cut, rate, differ):
    (result, _, _), _, truth, _ = clips
    other = save(tmp_path / "other.mkv", np.ascontiguousarray(truth[cut]), rate)
    with pytest.raises(InputError, match=differ) as error:
        evaluate_file(result, other)
    assert f"{result} has 48 x 32 pixels, 240000/1001 frames a second, 16 frames" in str(
        error.value
    )
    frames, height, width = truth[cut].shape[:3]
    other_shape = f"{width} x {height} pixels, {rate} frames a second, {frames} frames"
    assert f"the truth {other} has {other_shape}" in str(error.value)


@pytest.mark.parametrize(("frames", "rate"), [(4, "60"), (3, LTR), (5, LTR), (16, HTR), (4, HTR)])
def test_an_input_that_the_result_is_not_from_is_refused(clips, tmp_path, frames, rate):
    paths, _, truth, _ = clips
    other = save(tmp_path / "other.mkv", truth[:frames], rate)
    with pytest.raises(InputError, match="whole number of at least 2 times"):
        evaluate_file(*paths[:2], other)


def test_a_folder_has_no_rate_to_differ_in(clips, tmp_path):
    paths, _, truth, _ = clips
    info = video.probe(paths[1])
    folder = tmp_path / "frames"
    with video.VideoWriter(
        f"{folder}/", size=SIZE, timeline=info.timeline, source=info, settings=EncodeSettings()
    ) as writer:
        writer.write(truth.astype(np.float32) / 255)
        writer.finish()
    assert evaluated(folder, paths[1])[0].scores[0].psnr_db == CEILING


def test_a_result_in_slow_motion_is_compared_frame_by_frame_when_asked(clips, tmp_path):
    paths, result, truth, _ = clips
    slow = save(tmp_path / "slow.mkv", result, LTR)
    args = ["evaluate", str(slow), str(paths[1]), "--input", str(paths[2])]
    done = CliRunner().invoke(cli, args)
    assert done.exit_code == 3
    assert "--ignore-rate" in done.stderr
    done = CliRunner().invoke(cli, [*args, "--ignore-rate", "--json"])
    row = json.loads(done.stdout.splitlines()[-1])["scores"][0]
    np.testing.assert_allclose(row["frames_psnr_db"], oracle(result, truth)[0], atol=1e-3)


def test_frames_that_libvmaf_and_minterpolate_cannot_take(tmp_path):
    truth = levels(pan(8, 12, 20))
    fast, slow = save(tmp_path / "fast.mkv", truth), tmp_path / "slow.mkv"
    degrade_file(fast, slow, Options(factor=2, encode=EncodeSettings(codec="ffv1")))
    found, told = evaluated(fast, fast, slow)
    assert [row.vmaf for row in found.scores] == [None] * 4
    (warning,) = (e.message for e in told if isinstance(e, Warned) and "VMAF" in e.message)
    assert "at least 32 x 32" in warning


def test_bad_options_are_refused(clips):
    with pytest.raises(OptionError, match="'half'"):
        evaluate_file(*clips[0], exposure="half")


# The command


def test_the_table_is_on_stdout_and_nothing_else(clips):
    paths = [str(path) for path in clips[0]]
    result = CliRunner().invoke(cli, ["evaluate", *paths[:2], "--input", paths[2]])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"{paths[0]} against {paths[1]}"
    assert lines[1] == "16 frames, 48 x 32, 239.76 fps"
    assert "PSNR dB     SSIM   x-t dB  flicker" in lines[3]
    assert [line.split()[0] for line in lines[4:8]] == [
        *("result", "repeat", "linear", "minterpolate")
    ]
    psnr = float(lines[4].split()[1])
    assert psnr == pytest.approx(np.mean(oracle(*clips[1:3])[0]), abs=0.006)
    for line in lines[5:8]:
        gain = float(line.split()[-1])
        assert gain == pytest.approx(psnr - float(line.split()[1]), abs=0.011)
    assert "comparing, frame 1 of 16" in result.stderr
    assert CliRunner().invoke(cli, ["evaluate", *paths[:2], "-q"]).stderr == ""


def test_verbose_and_json_tell_every_frame(clips):
    paths = [str(path) for path in clips[0][:2]]
    result = CliRunner().invoke(cli, ["evaluate", *paths, "-v"])
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+)$", result.stdout, re.MULTILINE)
    psnr, ssim = oracle(*clips[1:3])
    assert [int(row[0]) for row in rows] == list(range(1, 17))
    np.testing.assert_allclose([float(row[1]) for row in rows], psnr, atol=0.006)
    told = CliRunner().invoke(cli, ["evaluate", *paths, "--json"]).stdout.splitlines()
    last = json.loads(told[-1])
    assert last["event"] == "Evaluated"
    np.testing.assert_allclose(last["scores"][0]["frames_ssim"], ssim, atol=1e-3)


def test_errors_end_with_their_codes(clips, tmp_path):
    paths = [str(path) for path in clips[0]]
    assert CliRunner().invoke(cli, ["evaluate", paths[0], paths[2]]).exit_code == 3
    assert CliRunner().invoke(cli, ["evaluate", paths[0], str(tmp_path / "no")]).exit_code == 3
    assert CliRunner().invoke(cli, ["evaluate", paths[0]]).exit_code == 2
    assert CliRunner().invoke(cli, ["evaluate", *paths[:2], "--exposure", "x"]).exit_code == 2


# From a fast camera's video to the figures


def test_degrade_upscale_evaluate(tmp_path):
    fast = levels(pan(24, 32, 48, speed=1.0))
    truth = save(tmp_path / "fast.mkv", fast, "120000/1001")
    lossless = EncodeSettings(codec="ffv1")
    slow, result = tmp_path / "slow.mkv", tmp_path / "result.mkv"
    degrade_file(truth, slow, Options(factor=2, encode=lossless))
    upscale_file(slow, result, tiny(2, encode=lossless))
    found, _ = evaluated(result, truth, slow)
    made = decode(result, "rgb24", SIZE)
    psnr, ssim = oracle(made, fast)
    np.testing.assert_allclose(found.scores[0].frames_psnr_db, psnr, atol=1e-3)
    np.testing.assert_allclose(found.scores[0].frames_ssim, ssim, atol=1e-3)
    repeated = oracle(decode(slow, "rgb24", SIZE).repeat(2, axis=0), fast)[0]
    assert found.scores[1].gain_db == pytest.approx(np.mean(psnr) - np.mean(repeated), abs=1e-3)
    assert found.scores[1].gain_db > 0  # a network at work hardly at all still corrects
    # What was degraded again is the slow video: the result agrees with what it was made from.
    degrade_file(result, tmp_path / "again.mkv", Options(factor=2, encode=lossless))
    again = decode(tmp_path / "again.mkv", "rgb24", SIZE).astype(int)
    assert np.abs(again - decode(slow, "rgb24", SIZE)).max() <= 1


def test_the_documents_name_every_field_of_the_json(clips):
    text = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")
    found = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1])
    real = json.loads(to_json(evaluated(*clips[0][:2])[0]))
    assert found.keys() == real.keys()
    assert found["scores"][0].keys() == real["scores"][0].keys()


# --- size ---


def small_of(truth, factor=4):
    """What a camera of a quarter of the pixels and of the rate recorded, and its enlargement."""
    fine = torch.from_numpy(truth / np.float32(255))
    coarse = shrink(expose(fine, factor) if factor > 1 else fine, (16, 24))
    return levels(coarse.clamp(0, 1))


def test_what_is_larger_is_held_against_bicubic(clips, tmp_path):
    paths, _, truth, _ = clips
    coarse = small_of(truth)
    small = save(tmp_path / "small.mkv", coarse, LTR)
    found, _ = evaluated(*paths[:2], small)
    rows = {row.method: row for row in found.scores}
    assert list(rows) == [
        "result",
        "repeat, bicubic",
        "linear, bicubic",
        "minterpolate, bicubic",
        "bicubic, minterpolate",
    ]
    large = enlarge(torch.from_numpy(coarse / np.float32(255)), (32, 48)).numpy()
    for name, made in (
        ("repeat, bicubic", large.repeat(4, 0)),
        ("linear, bicubic", interpolate_time(torch.from_numpy(large), 4).numpy()),
    ):
        expected = [
            peak_signal_noise_ratio(t, m, data_range=1)
            for t, m in zip((truth / 255).astype(np.float32), made, strict=True)
        ]
        np.testing.assert_allclose(rows[name].frames_psnr_db, expected, atol=1e-2)


def test_space_alone_is_held_against_bicubic(clips, tmp_path):
    paths, _, truth, _ = clips
    small = save(tmp_path / "small.mkv", small_of(truth, 1))
    found, _ = evaluated(*paths[:2], small)
    assert [row.method for row in found.scores] == ["result", "bicubic"]


def test_a_smaller_result_is_enlarged_where_that_is_asked_for(clips, tmp_path):
    paths, _, truth, _ = clips
    small = save(tmp_path / "small.mkv", small_of(truth, 1))
    with pytest.raises(InputError, match="enlarged with `enlarge`"):
        evaluate_file(small, paths[1])
    found, _ = evaluated(small, paths[1], small, enlarge=True)
    assert found.scores[0].psnr_db == pytest.approx(found.scores[1].psnr_db)
    done = CliRunner().invoke(cli, ["evaluate", str(small), str(paths[1]), "--enlarge"])
    assert done.exit_code == 0, done.output
    assert "luma dB" in done.output


def test_luma_by_hand(clips):
    paths, result, truth, _ = clips
    found, _ = evaluated(*paths[:2])
    light = ((result / 1.0 - truth) @ [0.299, 0.587, 0.114] / 255) ** 2
    expected = -10 * np.log10(light.mean((1, 2)))
    assert found.scores[0].luma_psnr_db == pytest.approx(expected.mean(), abs=1e-3)
