"""The frames that no pair sees, and the gain on them."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.held_out import HeldOut, gain
from deeptsr.learning.pairs.pool import PairSource
from deeptsr.learning.strategy import fitter as fitter_module
from deeptsr.networks import StepNetwork
from tests.helpers.fits import LAZY, fitted
from tests.helpers.synth import pan, tiny


@given(length=st.integers(4, 200), step=st.sampled_from([2, 3, 5]))
def test_what_is_held_out_is_a_part_of_the_clip_in_whole_groups(length, step):
    held = HeldOut(length, step)
    frames = torch.arange(length).view(-1, 1, 1, 1)
    training = held.training(frames).flatten().tolist()
    kept = list(held.kept)
    assert set(kept) <= set(range(length // step * step))
    assert held.kept.start % step == len(kept) % step == 0
    if not held.kept.start:
        assert training == list(range(length))
        assert len(kept) == length // step * step
    else:
        assert not set(training) & set(kept)
        assert training == list(range(training[0], training[-1] + 1))
        assert len(training) >= 3 * len(kept)
        assert len(kept) >= step


def test_a_short_clip_is_all_needed_to_learn():
    assert not HeldOut(6, 2).kept.start
    assert HeldOut(48, 2).kept.start


def slow_gain(network, clip, kept, step):
    """The gain as the whole clip gives it."""
    ltr = expose(clip[: len(clip) // step * step], step)
    with torch.no_grad():
        made = network(ltr.movedim(3, 0)[None])[0].movedim(0, 3)
    errors = [
        (v.clamp(0, 1) - clip[: len(v)])[kept.start : kept.stop].square().mean().item() + 1e-8
        for v in (interpolate_time(ltr, step), made)
    ]
    return 10 * math.log10(errors[0] / errors[1])


def test_the_gain_on_held_out_frames_against_the_whole_clip():
    class Sharpen(StepNetwork):
        """Looks nowhere, so that borders do not matter."""

        factor, exposure, reach, multiple, width = 2, "full", (1, 0), 1, 1.0

        def forward(self, ltr, asked=None):
            made = interpolate_time(ltr, 2, axis=2)
            return made + (made - 0.5) / 10

    clip = pan(40, 12, 14)
    held = HeldOut(40, 2)
    found = held.gain(Sharpen(), clip, torch.float32)
    assert found == pytest.approx(slow_gain(Sharpen(), clip, held.kept, 2), abs=1e-3)


def test_gain_by_hand():
    truth = torch.full((2, 4, 4, 3), 0.5)
    assert gain(truth + 0.01, truth + 0.1, truth) == pytest.approx(20, abs=0.01)
    assert gain(truth + 0.2, truth + 0.1, truth) == pytest.approx(-6.0206, abs=0.01)
    assert gain(truth, truth, truth) == 0
    assert gain(truth + 9, truth + 9, truth) == 0  # beyond white there is nothing
    assert gain(truth, truth + 0.1, truth) < 100


@pytest.mark.parametrize("frames", [12, 16, 17, 24, 33, 35, 48])
def test_no_training_pair_sees_a_held_out_frame(monkeypatch, frames):
    pools = []

    class Spy(PairSource):
        def __init__(self, clips, *rest):
            pools.append(clips)
            super().__init__(clips, *rest)

    monkeypatch.setattr(fitter_module, "PairSource", Spy)
    held = HeldOut(frames, 2)
    clip = torch.zeros(frames, 16, 16, 3)
    if held.kept.start:
        clip[held.kept.start : held.kept.stop] = 1  # nothing else is light
    fitted(clip, options=tiny(fit=LAZY))
    assert len(pools) >= 2  # the first stage, the second stage
    for piece in itertools.chain(*pools):
        # A frame that was made beside a held-out one may shine a little; it may not show it.
        assert piece.max() < 0.5
