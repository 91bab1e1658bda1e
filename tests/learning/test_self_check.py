"""The self-check, against its figures worked out the plain way."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from deeptsr.events import to_json
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning import self_check as self_check_module
from deeptsr.learning.held_out import HeldOut
from deeptsr.learning.self_check import self_check
from deeptsr.learning.strategy.evidence import Evidence, Motion
from deeptsr.networks import build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.special import Specialist
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import NETWORK, certain, gap, noise, pan, still, tiny, wake


def plain(step, scale=Fraction(1)):
    return (FittedStage(Stage(scale, step, 1), None),)


def check(clip, step=2, exposure="full", scale=Fraction(1)):
    options = tiny(exposure=exposure)
    return self_check(plain(step, scale), clip, options, torch.float32)


def mean_psnr(made, truth):
    """The mean over frames, an exact frame counting 99 dB."""
    errors = (made.clamp(0, 1) - truth).square().mean((1, 2, 3)).double().numpy()
    return np.mean([99 if e == 0 else min(99, -10 * np.log10(e)) for e in errors])


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize(("frames", "step"), [(48, 2), (37, 3), (5, 2)])
def test_the_figures_of_interpolation(exposure, frames, step):
    clip = pan(frames, 20, 24)
    found = check(clip, step, exposure)
    kept = HeldOut(frames, step).kept
    ltr = expose(clip[: frames // step * step], step, exposure)
    linear = interpolate_time(ltr, step, exposure)
    made = correct(linear, ltr, step, exposure)
    wanted = [
        mean_psnr(v[kept.start : kept.stop], clip[kept.start : kept.stop]) for v in (made, linear)
    ]
    assert found.psnr_db == pytest.approx(wanted[0], abs=1e-3)
    assert found.linear_psnr_db == pytest.approx(wanted[1], abs=1e-3)
    assert found.gain_db == pytest.approx(wanted[0] - wanted[1], abs=1e-3)
    assert found.frames == len(kept)


def test_by_hand():
    # Frames 0 and 1 in turn: their means are 1/2 everywhere, each 1/2 from the truth: 6.02 dB.
    clip = torch.arange(24.0).remainder(2).view(-1, 1, 1, 1).expand(24, 16, 16, 3)
    found = check(clip)
    assert found.psnr_db == pytest.approx(6.0206, abs=1e-3)
    assert found.gain_db == pytest.approx(0, abs=1e-4)


def test_a_coarse_first_stage_is_checked_at_full_size():
    found = check(pan(16, 24, 32), scale=Fraction(1, 2))
    assert found.frames == len(HeldOut(16, 2).kept)
    assert 10 < found.psnr_db < 60


def test_the_first_stage_is_checked_without_mirrored_views():
    """What is told is what one view makes, in less time."""
    stage = FittedStage(Stage(Fraction(1), 2, 1), wake(build(NETWORK, 2)), verify=False)
    one, mirrored = (replace(stage, ensemble=ensemble) for ensemble in (False, True))
    clip, options = pan(16, 24, 32), tiny()
    assert gap(*(stage.apply(clip, "full", torch.float32) for stage in (one, mirrored))) > 1e-4
    alone, beside = (self_check((each,), clip, options, torch.float32) for each in (one, mirrored))
    assert alone == beside


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_static_clip_gives_no_infinities(exposure):
    found = check(torch.full((12, 16, 16, 3), 0.5), exposure=exposure)
    assert (found.psnr_db, found.linear_psnr_db, found.gain_db) == (99, 99, 0)
    assert '"gain_db": 0.0' in to_json(found)
    to_json(check(still(12, 16, 16), exposure=exposure))


@pytest.mark.parametrize(("frames", "step"), [(4, 2), (5, 5), (7, 3)])
def test_a_short_clip_is_checked_too(frames, step):
    found = check(noise(frames, 16, 16, 3), step)
    assert found.frames > 0
    to_json(found)


@pytest.mark.parametrize(
    ("agreement", "gain", "confidence"),
    [
        (0.5, 1.0, "sure"),
        (0.2, 1.0, "likely"),
        (0.01, 1.0, "likely"),
        (-0.2, 1.0, "guess"),
        (0.9, -0.1, "guess"),
    ],
)
def test_it_says_how_sure_it_is_of_the_way_of_things(monkeypatch, agreement, gain, confidence):
    found = Evidence(5.0, torch.zeros(1, 1, 1), agreement, 0.3, 1.0)
    monkeypatch.setattr(self_check_module, "examine", lambda *_, **__: found)
    stage = FittedStage(Stage(Fraction(1), 2, 1), wake(build(NETWORK, 2)))
    told = self_check_module._confidence(stage, pan(8, 16, 16), torch.float32, gain)
    assert told == confidence
    # Where the fit has seen how far it agrees, that is not looked at again.
    monkeypatch.delattr(self_check_module, "examine")
    stage = replace(stage, agreement=max(0.0, agreement))
    assert self_check_module._confidence(stage, pan(8, 16, 16), torch.float32, gain) == confidence


@pytest.mark.parametrize(
    ("exposure", "sure", "confidence"),
    [
        ("full", 0.97, "likely"),
        ("full", 0.93, "guess"),
        ("delta", 0.8, "likely"),
        ("delta", 0.7, "guess"),
    ],
)
@pytest.mark.parametrize("share", [0.9, 0.4])
def test_where_a_specialist_takes_part_witnesses_say_how_likely_it_is(
    monkeypatch, share, exposure, sure, confidence
):
    """Held-out frames tell nothing of motion beyond the limit; of the rest they do."""
    evidence = Evidence(5.0, torch.zeros(1, 1, 1), 0.5, 0.3, 1.0)
    monkeypatch.setattr(self_check_module, "examine", lambda *_, **__: evidence)
    motion = Motion(torch.zeros(1, 1, 1), share, sure)
    monkeypatch.setattr(self_check_module, "moving", lambda *_: motion)
    network = wake(build(NETWORK, 2, exposure))
    special = Specialist(network, network, certain(1.0))
    stage = FittedStage(Stage(Fraction(1), 2, 1), network, special=special)
    gain = 1.0 if share < 0.5 else -1.0
    clip = pan(8, 16, 16)
    assert self_check_module._confidence(stage, clip, torch.float32, gain) == confidence


def test_where_nothing_is_made_up_it_is_sure():
    stage = FittedStage(Stage(Fraction(1), 2, 1), None)
    assert self_check_module._confidence(stage, pan(8, 16, 16), torch.float32, 0.0) == "sure"


@pytest.mark.parametrize(
    ("exposure", "closed", "told"),
    [
        ("full", True, "guess"),
        ("full", None, "likely"),
        (0.5, True, "likely"),
        (1.0, True, "guess"),
    ],
)
def test_a_shutter_that_closed_and_was_taken_for_open_makes_it_a_guess(
    monkeypatch, exposure, closed, told
):
    clip, network = pan(24, 24, 24), wake(build(NETWORK, 2))
    monkeypatch.setattr(self_check_module, "closes", lambda *_: closed)
    monkeypatch.setattr(self_check_module, "_confidence", lambda *_: "likely")
    stages = (FittedStage(Stage(Fraction(1), 2, 1), network),)
    found = self_check(stages, clip, tiny(exposure=exposure), torch.float32)
    assert (found.confidence, found.closes) == (told, told == "guess")
    nothing_made_up = self_check(plain(2), clip, tiny(exposure=exposure), torch.float32)
    assert not nothing_made_up.closes
