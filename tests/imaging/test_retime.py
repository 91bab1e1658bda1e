"""Frames at the moments of another camera."""

import weakref
from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeptsr.imaging.exposure import expose
from deeptsr.imaging.retime import needed, retime
from deeptsr.imaging.timeline import Timeline
from tests.helpers.synth import gap, noise

EXPOSURES = ("full", "delta")
NTSC = Fraction(24000, 1001)


def chunked(volume, size):
    return (volume[i : i + size] for i in range(0, len(volume), size))


def retimed(volume, fine, opened, exposure="full", chunk=1000, **more):
    made = list(retime(chunked(volume, chunk), fine, opened, exposure, **more))
    return torch.cat(made) if made else volume[:0]


def integral(volume, fine, opened, steps=400):
    """What a camera sees: an average of many instants, one frame at a time."""
    made = []
    for index in range(len(opened)):
        opens, closes = (float(opened.moment(i)) for i in (index, index + 1))
        instants = opens + (closes - opens) * (np.arange(steps) + 0.5) / steps
        instants = instants[instants < float(fine.moment(len(fine)))]
        shown = [fine.shown_at(Fraction(t)) for t in instants]
        made.append(volume[shown].mean(0))
    return torch.stack(made)


def test_numbers_worked_by_hand():
    fine, volume = Timeline.constant(Fraction(3), 6), torch.tensor([0.0, 1, 2, 3, 4, 5]) / 8
    volume = volume.reshape(6, 1, 1, 1)
    made = retimed(volume, fine, Timeline.constant(Fraction(2), 4))
    # Each holds one and a half of them, which brighten all the time.
    assert (8 * made).flatten().tolist() == pytest.approx([0.25, 1.75, 3.25, 4.75])
    made = retimed(volume, fine, Timeline.constant(Fraction(2), 4), "delta")
    assert (8 * made).flatten().tolist() == pytest.approx([0, 1.5, 3, 4.5])


def test_what_passes_white_is_cut_off():
    """A cubic through a step swings: by hand 0.074 below 0 before it, and as much above 1 after."""
    fine, volume = Timeline.constant(Fraction(4), 8), torch.tensor([0.0] * 4 + [1.0] * 4)
    made = retimed(volume.reshape(8, 1, 1, 1), fine, Timeline.constant(Fraction(6), 12)).flatten()
    swing = 1 / 13.5
    assert made[3:9].tolist() == pytest.approx([0, 0, swing, 1 - swing, 1, 1])


def test_what_is_shown_no_more_is_let_go_before_more_is_waited_for():
    fine, opened = Timeline.constant(Fraction(4), 48), Timeline.constant(Fraction(3), 36)
    chunks = []

    def given():
        for _ in range(4):
            assert all(chunk() is None for chunk in chunks)
            volume = noise(12, 4, 4)
            chunks.append(weakref.ref(volume))
            yield volume
            del volume

    assert sum(len(frames) for frames in retime(given(), fine, opened)) == 36


@pytest.mark.parametrize(("factor", "ratio"), [(3, Fraction(5, 2)), (4, Fraction(240, 101))])
def test_what_changes_as_a_parabola_is_seen_exactly(factor, ratio):
    """The oracle is the integral, worked by hand; at the clip's ends less is known."""
    fine = Timeline.constant(NTSC * factor, 12 * factor, Fraction(1, 7))
    opened = Timeline.constant(NTSC * ratio, int(12 * ratio), Fraction(1, 7))
    start, end = float(fine.start), float(fine.moment(len(fine)))

    def light(moment):
        x = (float(moment) - start) / (end - start)
        return 0.1 * x + 0.9 * x**2 - 0.6 * x**3

    def means(line):
        lit = [
            (light(a), light(b), float(b - a))
            for a, b in pairwise(map(line.moment, range(len(line) + 1)))
        ]
        return torch.tensor([(b - a) / t * (end - start) for a, b, t in lit])

    made = retimed(means(fine).reshape(-1, 1, 1, 1), fine, opened).flatten()
    assert gap(made[2:-2], means(opened)[2:-2]) < 1e-5


@st.composite
def jobs(draw):
    """Frames, a factor, and the output's rate as a multiple of the input's."""
    frames, factor = draw(st.integers(1, 6)), draw(st.integers(2, 5))
    ratio = draw(st.fractions(1, factor, max_denominator=1001))
    if draw(st.booleans()):
        base = Timeline.constant(NTSC, frames, Fraction(1, 7))
    else:
        gaps = draw(st.lists(st.integers(10, 90), min_size=frames, max_size=frames))
        base = Timeline(Fraction(1, 1000), (0, *accumulate(gaps)))
    count = max(1, int(len(base) * ratio))
    return base.subdivided(factor), Timeline.constant(base.rate * ratio, count, base.start)


@settings(max_examples=25, deadline=None)
@given(jobs(), st.integers(1, 9), st.sampled_from(EXPOSURES))
def test_chunks_change_nothing_and_static_stays_static(job, chunk, exposure):
    fine, opened = job
    volume = noise(len(fine), 2, 3, 3)
    whole = retimed(volume, fine, opened, exposure)
    assert whole.shape == (len(opened), 2, 3, 3)
    assert gap(retimed(volume, fine, opened, exposure, chunk), whole) == 0
    static = volume[:1].expand(len(fine), -1, -1, -1)
    assert gap(retimed(static, fine, opened, exposure, chunk), static[:1].expand_as(whole)) < 1e-6


@settings(max_examples=12, deadline=None)
@given(st.permutations(range(10, 90, 7)), st.fractions(1, 4, max_denominator=1001))
def test_among_frames_of_other_lengths_light_comes_in_evenly(lengths, ratio):
    fine = Timeline(Fraction(1, 1000), (0, *accumulate(lengths)))
    opened = Timeline.constant(fine.rate * ratio, int(len(fine) * ratio), fine.start)
    volume = noise(len(fine), 2, 3, 3)
    assert gap(retimed(volume, fine, opened), integral(volume, fine, opened)) < 0.02


@settings(max_examples=12, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(2, 6),
    st.sampled_from([Fraction(25), Fraction(24), Fraction(30), NTSC, Fraction(30000, 1001)]),
    st.sampled_from([Fraction(60), Fraction(50), Fraction(60000, 1001), Fraction(120000, 1001)]),
)
def test_the_mean_over_time_stays(frames, factor, rate, fps):
    """Cut into whole periods of both rates, nothing is lost and nothing counts twice."""
    fine = Timeline.constant(rate * factor, frames * factor * 5)
    count = fine.duration * fps
    opened = Timeline.constant(fps, -(-count.numerator // count.denominator))
    volume = 0.3 + 0.4 * noise(len(fine), 2, 2, 3)  # nothing is cut off
    made = retimed(volume, fine, opened)
    ends = [min(opened.moment(i), fine.moment(len(fine))) for i in range(len(opened) + 1)]
    lit = torch.tensor([float(b - a) for a, b in pairwise(ends)])
    mean = torch.tensordot(lit / lit.sum(), made, 1)
    assert torch.allclose(mean, volume.mean(0), atol=1e-5)


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("factor", [2, 3, 6])
def test_a_whole_ratio_is_the_plain_exposure(exposure, factor):
    given = Timeline.constant(NTSC, 7)
    volume = noise(7 * factor, 3, 2, 3)
    fine = given.subdivided(factor)
    assert gap(retimed(volume, fine, given, exposure), expose(volume, factor, exposure)) < 1e-6
    assert gap(retimed(volume, fine, fine, exposure), volume) < 1e-6


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_it_can_go_on_where_it_stopped(exposure):
    fine, opened = Timeline.constant(NTSC * 3, 30), Timeline.constant(Fraction(60), 26)
    volume = noise(30, 2, 2, 3)
    whole = retimed(volume, fine, opened, exposure)
    for made in (0, 1, 9, 25, 26):
        first = needed(fine, opened, made) // 3 * 3  # of an input frame
        rest = retimed(volume[first:], fine, opened, exposure, 4, first=first, made=made)
        assert gap(rest, whole[made:]) == 0 if made < 26 else not len(rest)


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_no_result_mixes_two_scenes(exposure):
    fine, opened = Timeline.constant(Fraction(6), 12), Timeline.constant(Fraction(4), 8)
    frames = torch.tensor([0.0] * 5 + [1.0] * 7)[:, None, None, None]
    made = torch.cat(list(retime([frames], fine, opened, exposure, cuts=[5])))
    assert gap(made, made.round()) < 1e-6  # weights come to 1 but for rounding
    assert set(made.round().flatten().tolist()) == {0.0, 1.0}
    mixed = torch.cat(list(retime([frames], fine, opened, exposure)))
    assert len(mixed) == len(made) == 8
    assert made.round().equal(mixed.round())
