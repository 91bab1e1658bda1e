"""The rendered clips and the measure of rotation, against figures worked by hand."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.direction import deviations, rotation_between, rotations, share_right, wrap
from examples import render_clips
from examples.render_clips import (
    CLIPS,
    ROTORS,
    SAMPLE,
    main,
    render,
    rotation_truth,
    save,
    write_sample,
)


def polar_pixel(size, radius, degrees):
    """Row and column of the pixel nearest to a point about the centre, and its exact angle."""
    middle = (size - 1) / 2
    row = round(middle + radius * np.sin(np.radians(degrees)))
    column = round(middle + radius * np.cos(np.radians(degrees)))
    return row, column, np.degrees(np.arctan2(row - middle, column - middle))


@pytest.fixture(scope="module")
def fan():
    return render("fan", size=96, frames=18, factor=8)


@pytest.fixture(scope="module")
def fan_x2():
    ltr, htr = render("fan", size=96, frames=18, factor=2)
    return ltr, htr


# --- the pair ---


@pytest.mark.parametrize("name", CLIPS)
def test_ltr_is_the_mean_of_its_htr_frames(name):
    ltr, htr = render(name, size=32, frames=3, factor=4)
    assert ltr.shape == (3, 32, 32, 3)
    assert htr.shape == (12, 32, 32, 3)
    assert ltr.dtype == htr.dtype == np.float32
    assert 0 <= htr.min() < htr.max() <= 1
    for t in range(3):
        np.testing.assert_allclose(ltr[t], htr[4 * t : 4 * t + 4].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(("exposure", "opened"), [(0.5, 4), (0.25, 2), (0.125, 1)])
def test_a_shutter_opens_at_the_start_of_the_interval(exposure, opened):
    ltr, htr = render("ball", size=32, frames=2, factor=8, exposure=exposure)
    np.testing.assert_allclose(ltr[1], htr[8 : 8 + opened].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("name", CLIPS)
def test_a_long_exposure_is_the_mean_of_short_ones(name):
    _, coarse = render(name, size=32, frames=12, factor=2)
    _, fine = render(name, size=32, frames=12, factor=16)
    # Ball, fire and water are sampled at other instants; a fan that spins up turns evenly within
    # one frame; where a picture's Fourier series leaves [0, 1] it is clipped, frame by frame.
    limit = {"ball": 0.03, "fire": 0.02, "water": 0.02, "fan-spinup": 0.01, "pan": 0.01}
    limit |= {"shake": 0.05, "slow": 0.05}
    limit = limit.get(name, 2e-5)
    np.testing.assert_allclose(coarse, fine.reshape(24, 8, 32, 32, 3).mean(axis=1), atol=limit)


def test_a_clip_has_its_own_length():
    assert len(render("fan-spinup", size=16, factor=1)[0]) == 68


def test_the_seed_decides_the_texture():
    first, again = (render("pan", size=32, frames=1, seed=4)[0] for _ in range(2))
    other = render("pan", size=32, frames=1, seed=5)[0]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("kite", {}, "expected one of fan"),
        ("fan", {"size": 8}, "at least 16"),
        ("fan", {"frames": 0}, "at least 16, 1, 1"),
        ("fan", {"factor": 0}, "at least 16, 1, 1"),
        ("fan", {"exposure": 0.3}, "whole number of HTR frames"),
        ("fan", {"exposure": 0}, "expected a share"),
        ("fan", {"exposure": 1.5}, "expected a share"),
    ],
)
def test_refuses_what_cannot_be_rendered(name, options, words):
    with pytest.raises(ValueError, match=words):
        render(name, **options)


# --- the scenes ---


def test_a_blade_covers_what_it_should(fan):
    _, htr = fan
    wall, blade = htr.min(axis=0), htr.max(axis=0)  # blades are lighter than the wall anywhere
    # In frame 0 a blade of +-6 degrees turns from 0 to 5: it covers 0 all the time, +9 during the
    # last two degrees of the five, and never -10 or +14.
    for degrees, covered in ((0, 1), (9, None), (-10, 0), (14, 0)):
        row, column, angle = polar_pixel(96, 38, degrees)
        share = (htr[0] - wall)[row, column] / (blade - wall)[row, column]
        expected = covered if covered is not None else (5 - (angle - 6)) / 5
        # A pixel is 1.5 degrees wide here: its own edges reach beyond its middle.
        np.testing.assert_allclose(share, expected, atol=1e-4 if covered is not None else 0.05)


def test_blades_cover_a_sixth_of_the_time(fan):
    ltr, htr = fan
    # Nine steps of 40 degrees are a turn, so nine LTR frames see every angle for the same time.
    wall, blade = htr.min(axis=0), htr.max(axis=0)
    middle = slice(60, 62), slice(60, 62)  # 18 pixels from the centre: between hub and tip
    expected = wall + (blade - wall) * 5 * 12 / 360
    np.testing.assert_allclose(ltr[:9].mean(axis=0)[middle], expected[middle], atol=1e-3)


def test_the_wall_stands_still(fan):
    _, htr = fan
    corner = htr[:, :12, :12]
    assert np.array_equal(corner, np.broadcast_to(corner[0], corner.shape))
    assert corner.std() > 0.01  # and is textured


def test_ten_frames_of_pan_are_a_whole_shift():
    _, htr = render("pan", size=256, frames=11, factor=1)
    # 10 frames of (7.3, -0.9) pixels are 73 and 9: what was 73 to the right and 9 higher is here.
    np.testing.assert_allclose(htr[10][9:, :-73], htr[0][:-9, 73:], atol=1e-5)


def test_the_ball_goes_from_floor_to_top():
    _, htr = render("ball", size=64, frames=24, factor=1)
    wall = np.median(htr, axis=0)
    cover = (np.abs(htr - wall).max(axis=-1) > 0.08).astype(float)  # (T, H, W)
    rows = (cover.sum(axis=2) * np.arange(64)).sum(axis=1) / cover.sum(axis=(1, 2))
    assert rows.min() == pytest.approx((0.80 - 0.55) * 64, abs=2.5)
    assert rows.max() == pytest.approx(0.80 * 64, abs=4)  # it is fast there, so its frame is long


# --- rotation ---


def test_truth_by_hand():
    np.testing.assert_allclose(rotation_truth("fan", 4, 8), np.full(31, 5))
    spin = rotation_truth("fan-spinup", 68, 2)
    # The speed grows from 10 to 48 a frame; the first step is taken around time 0.5.
    assert spin[0] == pytest.approx((10 + 38 / 68 * 0.5) / 2)
    assert spin[-1] == pytest.approx((48 - 38 / 68 * 0.5) / 2)
    np.testing.assert_allclose(np.diff(spin), 38 / 68 / 4)


def test_wrap_by_hand():
    np.testing.assert_allclose(wrap([40, 20, -36, 36, 72], 5), [-32, 20, -36, -36, 0])


@pytest.mark.parametrize("degrees", [0, 0.4, 7.3, -16, 20, 35.5])
def test_a_known_rotation_is_found(degrees):
    y, x = np.mgrid[:64, :64] - 31.5
    angle = np.degrees(np.arctan2(y, x))
    a, b = (
        (0.5 + 0.2 * np.cos(np.radians(5 * (angle - turn))))[..., None] for turn in (0, degrees)
    )
    found = rotation_between(a, b, (31.5, 31.5), (8, 28))
    assert found == pytest.approx(degrees, abs=0.1)


def test_nothing_to_see_is_no_rotation():
    grey = np.full((3, 32, 32, 3), 0.5)
    assert np.isnan(rotation_between(grey[0], grey[1], (15.5, 15.5), (4, 14)))
    assert share_right(grey, 0) == 0
    with pytest.raises(ValueError, match="at least 2"):
        share_right(grey[:1], 20)


def test_a_background_is_taken_away(fan_x2):
    _, htr = fan_x2
    found = rotation_between(htr[3], htr[4], (47.5, 47.5), (15, 40), background=htr.mean(axis=0))
    assert found == pytest.approx(20, abs=1)


@pytest.mark.parametrize("name", ROTORS)
def test_the_truth_turns_right(name):
    folds = ROTORS[name].folds
    for factor in (2, 8):
        _, htr = render(name, size=96, frames=12, factor=factor)
        truth = rotation_truth(name, 12, factor)
        assert share_right(htr, truth, folds=folds) >= 0.99
        assert share_right(htr[::-1], truth, folds=folds) == 0


def test_deviations_are_degrees(fan_x2):
    _, htr = fan_x2  # by 20 degrees a frame
    assert deviations(htr, 20).max() < 1
    assert np.median(deviations(htr, 40)) == pytest.approx(20, abs=0.4)
    assert np.median(deviations(htr[::-1], 20)) == pytest.approx(32, abs=1)  # 72 apart
    halting = htr.copy()
    halting[1::2] = htr[::2]
    assert deviations(halting, 20)[::2] == pytest.approx(20, abs=0.2)


def test_coarser_truth_turns_right(fan):
    _, htr = fan
    pairs = htr.reshape(36, 4, 96, 96, 3).mean(axis=1)
    assert share_right(pairs, 20) == 1
    assert np.median(rotations(pairs, (47.5, 47.5), (15, 40))) == pytest.approx(20, abs=0.3)


def test_interpolation_turns_wrongly(fan_x2):
    ltr, _ = fan_x2
    before = np.concatenate([ltr[:1], ltr[:-1]])
    after = np.concatenate([ltr[1:], ltr[-1:]])
    linear = np.stack([0.25 * before + 0.75 * ltr, 0.75 * ltr + 0.25 * after], axis=1)
    assert share_right(linear.reshape(36, 96, 96, 3), 20) < 0.05
    assert share_right(np.repeat(ltr, 2, axis=0), 20) == 0
    # The aliased step itself, as a motion-compensating interpolator takes it.
    assert np.median(rotations(ltr, (47.5, 47.5), (15, 40))) == pytest.approx(-32, abs=0.5)


# --- files ---


def test_a_saved_clip_is_lossless(tmp_path):
    ltr, _ = render("wheel", size=32, frames=3)
    save(tmp_path / "wheel.mkv", ltr, 30)
    with av.open(str(tmp_path / "wheel.mkv")) as container:
        assert container.streams.video[0].average_rate == 30
        read = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert np.array_equal(read, np.rint(ltr * 255).astype(np.uint8))


def test_the_sample_in_the_tree_is_what_the_script_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(render_clips, "render", cache(render))  # for the script and the test
    write_sample(tmp_path / "fan.mp4")
    expected, _ = render_clips.render("fan", size=256, frames=48, factor=8)
    for path in (SAMPLE, tmp_path / "fan.mp4"):
        assert path.stat().st_size < 300_000
        with av.open(str(path)) as container:
            video, sound = container.streams.video[0], container.streams.audio[0]
            assert video.average_rate == 30
            assert video.duration * video.time_base == pytest.approx(1.6)
            assert sound.duration * sound.time_base <= 1.6
            context = video.codec_context
            assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
            assert context.color_range == 1
            frames = [
                frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
                for frame in container.decode(video=0)
            ]
        error = np.stack(frames) / np.float32(255) - expected
        assert np.mean(error**2) < 10**-3.4  # 34 dB: half its colour resolution is gone
        assert np.abs(error.mean(axis=(0, 1, 2))).max() < 0.01  # no tint: the tags tell the truth


def test_the_script_writes_what_it_is_asked_for(tmp_path):
    script = Path(__file__).parents[2] / "examples" / "render_clips.py"
    options = ["--out", tmp_path / "new", "--clip", "ball", "--size", "32", "--frames", "2"]
    done = subprocess.run(
        [sys.executable, script, *options, "--factor", "4"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [Path(line).name for line in done.stdout.split()] == ["ball-ltr.mkv", "ball-htr.mkv"]
    with av.open(str(tmp_path / "new" / "ball-htr.mkv")) as container:
        assert container.streams.video[0].average_rate == 120
        assert sum(1 for _ in container.decode(video=0)) == 8


def test_the_script_refuses(tmp_path):
    nothing = CliRunner().invoke(main, [])
    assert nothing.exit_code == 2
    assert "--out FOLDER" in nothing.output
    wrong = CliRunner().invoke(main, ["--out", str(tmp_path), "--exposure", "0.3"])
    assert wrong.exit_code == 2
    assert "whole number of HTR frames" in wrong.output
