"""The benchmark that follows the stages: each is compared at its own size and frame rate."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks import stages
from benchmarks.quality import Pair
from deeptsr import config
from deeptsr.evaluation.metrics import psnr_frames
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.stage import FittedStage
from examples.render_clips import render, rotation_truth
from tests.helpers.synth import pan, tiny


def test_each_stage_at_its_own_size_and_frame_rate():
    truth = pan(48, 32, 40, speed=0.5)
    clip, settings = expose(truth, 4), config.Options(factor=4)
    quarter, half = Stage(Fraction(1, 4), 2, 1), Stage(Fraction(1, 2), 2, 2)
    fitted = (FittedStage(quarter, None), FittedStage(half, None))
    rows = stages.measure(clip, truth, fitted, settings)
    assert [row.label for row in rows] == ["S1/4 T1 -> T2", "S1/2 T2 -> T4", "S1 T4"]
    assert not any(row.fitted for row in rows)
    small, wanted = resize(clip, (8, 10)), resize(expose(truth, 2), (8, 10))
    linear = psnr_frames(interpolate_time(small, 2).clamp(0, 1), wanted).mean()
    made = correct(interpolate_time(small, 2), small, 2).clamp(0, 1)
    assert rows[0].linear_db == pytest.approx(linear)
    assert rows[0].gain_db == pytest.approx(psnr_frames(made, wanted).mean() - linear)
    whole = psnr_frames(interpolate_time(clip, 4), truth).mean()
    assert rows[2].linear_db == pytest.approx(whole, abs=1e-3)


def test_forward_counts_aliased_frames_alone(monkeypatch):
    ltr, htr = render("fan-spinup", size=64, frames=24, factor=2)  # from 10 to 48 degrees a frame
    clip, truth = torch.from_numpy(ltr), torch.from_numpy(htr)
    fitted = (FittedStage(Stage(Fraction(1), 2, 1), None),)
    angles = rotation_truth("fan-spinup", 24, 2)
    fast = int(np.flatnonzero(angles * 2 > 36)[0])
    for known, forward, even in (
        (len(htr), 1.0, 1.0),
        (fast, 0.0, fast / len(angles)),
    ):
        made = truth.clone()
        made[known:] = made[known - 1]  # from there on it stands still
        monkeypatch.setattr(stages, "climb", lambda *args, made=made, **kwargs: made)
        (row,) = stages.measure(clip, truth, fitted, config.Options(factor=2), "fan-spinup")
        assert row.forward == pytest.approx(forward, abs=0.08)
        assert row.even == pytest.approx(even, abs=0.08)


def test_the_table_has_a_line_for_each_stage(monkeypatch):
    truth = pan(24, 48, 48)
    pair = Pair(
        *(np.rint(v.numpy() * 255).astype(np.uint8) for v in (expose(truth, 2), truth)), None
    )
    monkeypatch.setitem(config.PRESETS, "fast", tiny())
    monkeypatch.setattr(stages, "load", lambda *given: pair)
    done = CliRunner().invoke(stages.main, ["clip"])
    assert done.exit_code == 0, done.output
    told = done.stdout.split("clip: ")[0].splitlines()
    assert 1 <= len(told) <= 2
    assert all(line.startswith("clip S1") for line in told)
    assert "gain, dB" in done.stdout
