"""The forward model and its correction."""

from fractions import Fraction
from itertools import accumulate
from operator import mul

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeptsr.errors import OptionError
from deeptsr.imaging.exposure import (
    correct,
    correct_in_place,
    expose,
    first_position,
    nearest,
    of_step,
    repeat,
    shutter,
)
from tests.helpers.synth import noise

SHUTTERS = ("full", "delta")
EXPOSURES = (*SHUTTERS, 0.5, 0.25)


def slow(htr, factor, exposure, axis):
    """The forward model, one LTR frame at a time."""
    frames = np.moveaxis(htr.double().numpy(), axis, 0)
    groups = [frames[i : i + factor] for i in range(0, len(frames), factor)]
    share = {"full": 1, "delta": 0}.get(exposure, exposure)
    made = [np.mean(g[: max(1, round(share * factor))], 0) for g in groups]
    return torch.from_numpy(np.moveaxis(np.stack(made), 0, axis))


def test_numbers_worked_by_hand():
    htr = torch.tensor([0.0, 2, 4, 10])
    assert expose(htr, 2).tolist() == [1, 7]
    assert expose(htr, 2, "delta").tolist() == [0, 4]
    assert expose(htr, 4).tolist() == [4]
    assert correct(htr, torch.tensor([3.0, 7]), 2).tolist() == [2, 4, 4, 10]
    # What frames 0 and 2 lack, 3 and 2, fades from the one to the other.
    assert correct(htr, torch.tensor([3.0, 6]), 2, "delta").tolist() == [3, 4.5, 6, 12]
    # Of the first half of a frame's time; what is lacked fades while the shutter is closed.
    assert expose(htr, 4, 0.5).tolist() == [1]
    lacked = correct(torch.zeros(8), torch.tensor([3.0, 6]), 4, 0.5)
    assert lacked.tolist() == [3, 3, 4, 5, 6, 6, 6, 6]
    assert repeat(torch.tensor([3.0, 7]), 2).tolist() == [3, 3, 7, 7]


@pytest.mark.parametrize(
    ("share", "steps", "found"),
    [
        (1, (2, 2, 2), "full"),
        (0.75, (2, 2, 2), "full"),
        (0.65, (2, 2, 2), 0.5),
        (0.4, (2, 2, 2), 0.5),
        (0.3, (2, 2, 2), 0.25),
        (0.01, (2, 2, 2), 0.125),
        (0.5, (3,), 1 / 3),
        (0.2, (3, 2), 1 / 6),
    ],
)
def test_the_nearest_share_that_a_climb_can_be_exact_for(share, steps, found):
    assert nearest(share, steps) == found


def test_a_share_is_an_instant_until_frames_touch():
    assert [of_step(0.25, done) for done in (1, 2, 4, 8)] == ["delta", "delta", "full", "full"]
    assert [of_step(1 / 3, done) for done in (1, 3, 6)] == ["delta", "full", "full"]
    assert [of_step(name, 4) for name in ("full", "delta")] == ["full", "delta"]
    # Step by step it is the same camera as all at once.
    htr = noise(24, 2, 2, 1)
    for share, steps in ((0.25, (2, 2, 2)), (0.5, (2, 2, 2)), (1 / 3, (3, 2))):
        fine, factor = htr, int(np.prod(steps))
        for done, step in reversed([*zip(accumulate((1, *steps), mul), steps, strict=False)]):
            fine = expose(fine, step, of_step(share, done))
        assert torch.allclose(fine, expose(htr, factor, share), atol=1e-6)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_any_axis_against_a_loop(exposure, axis, factor):
    htr = noise(6, 12, 18, 6)
    made = expose(htr, factor, exposure, axis)
    assert made.shape == slow(htr, factor, exposure, axis).shape
    assert torch.allclose(made.double(), slow(htr, factor, exposure, axis), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    factor=st.integers(1, 7),
    length=st.integers(1, 4),
    axis=st.integers(-3, 2),
    exposure=st.sampled_from(EXPOSURES),
    seed=st.integers(0, 99),
)
def test_the_correction_is_exact_and_done_once(factor, length, axis, exposure, seed):
    shape = [2, 3, 4]
    shape[axis] = length
    ltr = noise(*shape, seed=seed)
    shape[axis] = length * factor
    htr = noise(*shape, seed=seed + 100)
    fixed = correct(htr, ltr, factor, exposure, axis)
    assert fixed.shape == htr.shape
    assert torch.allclose(expose(fixed, factor, exposure, axis), ltr, atol=1e-6)
    assert torch.allclose(correct(fixed, ltr, factor, exposure, axis), fixed, atol=1e-6)
    if exposure == "full":
        # Nothing that exposes to the LTR video lies nearer: not the plainest video that does,
        # nor any other, since the way there is orthogonal to all that leaves the exposure alone.
        other = repeat(ltr, factor, axis)
        assert (fixed - htr).square().sum() <= (other - htr).square().sum() + 1e-6
        assert abs(((fixed - htr) * (other - fixed)).sum()) < 1e-5


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("factor", [1, 2, 3, 8])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_the_correction_where_it_lies(exposure, factor, length):
    htr, ltr = noise(length * factor, 3, 4, 3), noise(length, 3, 4, 3, seed=1)
    wanted = correct(htr, ltr, factor, exposure)
    correct_in_place(htr, ltr, factor, exposure)
    assert torch.allclose(htr, wanted, atol=1e-6)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("axis", [0, 1])
def test_what_lacks_the_same_everywhere_is_given_the_same_everywhere(exposure, axis):
    htr = noise(8, 8, 3) / 2
    ltr = expose(htr, 4, exposure, axis) + 0.25
    assert torch.allclose(correct(htr, ltr, 4, exposure, axis), htr + 0.25, atol=1e-6)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("axis", [0, 1])
def test_repeating_exposes_to_the_ltr_video(exposure, axis):
    ltr = noise(3, 4, 5)
    assert torch.allclose(expose(repeat(ltr, 5, axis), 5, exposure, axis), ltr)


@pytest.mark.parametrize("call", [lambda v: expose(v, 2), lambda v: correct(v, v[:2], 2, "delta")])
def test_a_length_that_does_not_divide_is_refused(call):
    with pytest.raises(OptionError, match="5 HTR frames do not divide by the factor 2; cut"):
        call(noise(5, 2, 2, 3))


def test_the_correction_lets_gradients_through():
    htr = noise(4, 2, 2, 3).requires_grad_()
    correct(htr, noise(2, 2, 2, 3), 2).square().sum().backward()
    assert htr.grad.abs().sum() > 0


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_positions_stand_for_the_exposed_intervals(factor):
    assert first_position(factor, "delta") == 0
    times = first_position(factor, "full") + np.arange(3 * factor) / factor
    assert times.reshape(3, factor).mean(1) == pytest.approx([0, 1, 2])


def test_a_shutter_by_hand():
    moments = [Fraction(m) for m in (0, 1, 2, 4)]
    assert shutter(moments, Fraction(1, 2), Fraction(3)) == [0.2, 0.4, 0.4]
    # Half open after the last frame's end: what is seen is all there is.
    assert shutter(moments, Fraction(3), Fraction(5)) == [0, 0, 1]
    assert shutter(moments, Fraction(5, 4), Fraction(3), "delta") == [0, 0.75, 0.25]
    assert shutter(moments, Fraction(1), Fraction(3), "delta") == [0, 1, 0]
    assert shutter(moments, Fraction(3), Fraction(4), "delta") == [0, 0, 1]  # nothing follows it


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=9),
    opens=st.fractions(0, 1, max_denominator=97),
    length=st.fractions(Fraction(1, 97), 3, max_denominator=97),
    exposure=st.sampled_from(SHUTTERS),
)
def test_a_shutter_against_many_instants(lengths, opens, length, exposure):
    moments = [Fraction(m) for m in accumulate(lengths, initial=0)]
    opens *= moments[-1] - Fraction(1, 100)
    closes = opens + length
    weights = shutter(moments, opens, closes, exposure)
    assert sum(weights) == pytest.approx(1)
    assert min(weights) >= 0
    if exposure == "full":
        instants = opens + length * np.linspace(0, 1, 2000, endpoint=False)
        seen = [t for t in instants.astype(float) if t < moments[-1]]
        shares, _ = np.histogram(seen, np.array(moments, float))
        assert weights == pytest.approx(shares / len(seen), abs=0.01)
    else:
        values = np.array(moments[:-1], float)
        assert np.dot(weights, values) == pytest.approx(min(float(opens), values[-1]))


@pytest.mark.parametrize("exposure", SHUTTERS)
@pytest.mark.parametrize("factor", [1, 2, 5])
def test_a_shutter_open_for_whole_frames_is_the_plain_exposure(exposure, factor):
    moments = [Fraction(i, factor) for i in range(3 * factor + 1)]
    htr = noise(3 * factor, 2, 2)
    made = [
        torch.tensordot(torch.tensor(shutter(moments, opens, opens + 1, exposure)), htr, 1)
        for opens in map(Fraction, range(3))
    ]
    assert torch.allclose(torch.stack(made), expose(htr, factor, exposure), atol=1e-6)
