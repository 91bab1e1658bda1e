"""The figures of quality, against scikit-image and by hand; and the benchmark's table."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmarks import quality
from deeptsr.errors import InputError
from deeptsr.evaluation.metrics import CEILING, Tally, psnr, psnr_frames, ssim, ssim_frames


@pytest.fixture
def clips():
    """A smooth clip and a noisy copy, (3, 24, 31, 3)."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:24, :31]
    ramp = 0.5 + 0.4 * np.sin(x / 5 + y / 3)
    truth = np.stack([ramp[..., None] * (1, 0.7, 0.4)] * 3).astype(np.float32)
    noise = rng.normal(0, [[[[0.02]]], [[[0.05]]], [[[0.1]]]], truth.shape)
    return truth, np.clip(truth + noise, 0, 1).astype(np.float32)


# --- PSNR ---


def test_psnr_by_hand():
    truth = np.zeros((2, 4, 4, 3), np.float32)
    off = truth.copy()
    off[0] += 0.1  # 20 dB
    off[1] += 0.01  # 40 dB
    np.testing.assert_allclose(psnr_frames(truth, off), [20, 40], atol=1e-5)
    assert psnr(truth, off) == pytest.approx(30)  # not 22.96, which the pooled error would give


def test_psnr_agrees_with_scikit_image(clips):
    expected = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(*clips, strict=True)]
    np.testing.assert_allclose(psnr_frames(*clips), expected, atol=1e-3)


def test_equal_frames_are_infinitely_good(clips):
    truth, _ = clips
    assert psnr(truth, truth) == np.inf
    assert ssim(truth, truth) == pytest.approx(1)


# --- SSIM ---


def test_ssim_agrees_with_scikit_image(clips):
    expected = [
        structural_similarity(
            a, b, data_range=1, channel_axis=-1, gaussian_weights=True, use_sample_covariance=False
        )
        for a, b in zip(*clips, strict=True)
    ]
    assert expected[0] > expected[1] > expected[2]
    np.testing.assert_allclose(ssim_frames(*clips), expected, atol=1e-4)
    assert ssim(*clips) == pytest.approx(np.mean(expected), abs=1e-4)


def test_ssim_of_flat_frames_by_hand():
    # Without structure only the lightness remains: (2ab + c) / (a^2 + b^2 + c), c = 0.01^2.
    a, b = np.full((1, 11, 11, 1), 0.2), np.full((1, 11, 11, 1), 0.6)
    assert ssim(a, b) == pytest.approx((0.24 + 1e-4) / (0.40 + 1e-4), abs=3e-4)


@pytest.mark.parametrize("height", [11, 26, 27, 58])
def test_ssim_of_frames_that_fill_its_strips_or_do_not(height):
    a, b = np.random.default_rng(2).random((2, height, 13, 3), np.float32)
    expected = structural_similarity(
        a, b, data_range=1, channel_axis=-1, gaussian_weights=True, use_sample_covariance=False
    )
    assert ssim(a[None], b[None]) == pytest.approx(expected, abs=1e-4)


# --- both ---


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_order_and_container_do_not_matter(measure, clips):
    truth, noisy = clips
    figure = measure(truth, noisy)
    assert measure(noisy, truth) == pytest.approx(figure)
    assert measure(torch.from_numpy(truth), torch.from_numpy(noisy)) == pytest.approx(figure)
    assert measure(truth, torch.from_numpy(noisy).double()) == pytest.approx(figure)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_shapes_must_be_equal(measure, clips):
    truth, noisy = clips
    with pytest.raises(InputError, match="own truth"):
        measure(truth, noisy[:2])
    with pytest.raises(InputError, match="own truth"):
        measure(truth[..., 0], noisy[..., 0])
    with pytest.raises(InputError, match="at least one frame"):
        measure(truth[:0], noisy[:0])


def test_ssim_refuses_frames_smaller_than_its_window():
    with pytest.raises(InputError, match="11 x 11"):
        ssim(np.zeros((2, 10, 20, 3)), np.zeros((2, 10, 20, 3)))


# --- frame by frame ---


def tally(made, truth):
    found = Tally()
    for pair in zip(made, truth, strict=True):
        found.add(*pair)
    return found


def test_a_tally_says_what_whole_clips_say(clips):
    truth, noisy = clips
    found = tally(noisy, truth)
    np.testing.assert_allclose(found.psnr, psnr_frames(noisy, truth), rtol=1e-6)
    np.testing.assert_array_equal(found.ssim, ssim_frames(noisy, truth))


def test_the_profile_is_the_psnr_of_x_t_slices(clips):
    truth, noisy = clips
    slices = [
        peak_signal_noise_ratio(truth[:, y], noisy[:, y], data_range=1)
        for y in range(truth.shape[1])
    ]
    assert tally(noisy, truth).profile == pytest.approx(np.mean(slices), abs=1e-3)
    jumbled = tally(noisy[:, ::-1], truth[:, ::-1])  # the rows' order does not matter
    assert jumbled.profile == pytest.approx(np.mean(slices), abs=1e-3)


def test_an_exact_frame_counts_so_that_a_mean_stays_finite(clips):
    truth, _ = clips
    found = tally(truth, truth)
    assert found.psnr == [CEILING] * 3
    assert found.profile == CEILING
    assert found.flicker == 0


def test_flicker_by_hand():
    truth = np.full((4, 12, 12, 3), 0.5, np.float32)
    truth += np.arange(4, dtype=np.float32)[:, None, None, None] / 255  # it grows by 1 a frame
    made = truth.copy()
    assert tally(made + 10 / 255, truth).flicker == pytest.approx(0, abs=1e-3)  # no change of it
    made[1::2] += 4 / 255  # up 4, down 4, up 4
    assert tally(made, truth).flicker == pytest.approx(4, abs=1e-3)
    made = truth.copy()
    made[2:] += 3 / 255  # one step up, of three changes
    assert tally(made, truth).flicker == pytest.approx(1, abs=1e-3)
    assert tally(made[::-1].copy(), truth[::-1].copy()).flicker == pytest.approx(1, abs=1e-3)
    assert tally(truth[:1], truth[:1]).flicker == 0


def test_a_tally_refuses_what_does_not_belong_together(clips):
    truth, noisy = clips
    with pytest.raises(InputError, match="own truth"):
        Tally().add(noisy[0, 1:], truth[0])
    with pytest.raises(InputError, match="11 x 11"):
        Tally().add(noisy[0, :10], truth[0, :10])


# --- the benchmark ---


def test_the_table_and_its_json(monkeypatch):
    # A stand-in for the slow part, in the same process of its own.
    stand_in = quality.UPSCALE.replace(
        "deeptsr.upscale_array(frames, deeptsr.preset(name, factor=int(factor)))",
        "np.repeat(frames, int(factor), axis=0) / 255",
    )
    assert stand_in != quality.UPSCALE
    monkeypatch.setattr(quality, "UPSCALE", stand_in)
    options = ["fan", "--size", "64", "--frames", "4", "--factor", "2", "--presets", "fast"]
    rows = json.loads(CliRunner().invoke(quality.main, [*options, "--json"]).stdout)
    assert [row["method"] for row in rows] == ["repeat", "linear", "minterpolate", "deeptsr fast"]
    assert rows[3]["psnr_db"] == pytest.approx(rows[0]["psnr_db"])
    assert rows[3]["memory_mib"] > 10
    assert rows[1]["right_direction"] < 0.5
    shown = CliRunner().invoke(quality.main, [*options[:-1], ""]).stdout
    assert "minterpolate" in shown
    assert "+0.00" in shown


def test_a_preset_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(quality, "UPSCALE", "raise SystemExit('no such thing')")
    options = ["ball", "--size", "32", "--frames", "2", "--factor", "2", "--presets", "fast"]
    result = CliRunner().invoke(quality.main, options)
    assert result.exit_code == 1
    assert "no such thing" in result.stderr


def test_clips_that_do_not_belong_together_are_refused(tmp_path):
    alone = CliRunner().invoke(quality.main, ["kite"])
    assert alone.exit_code == 2
    assert "one of fan" in alone.stderr
    missing = CliRunner().invoke(quality.main, [str(tmp_path / "a.mkv"), str(tmp_path / "b.mkv")])
    assert missing.exit_code == 2
    assert "cannot read" in missing.stderr
