"""The climb, whole and chunk by chunk."""

import weakref
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.imaging.backprojection import backproject
from deeptsr.imaging.exposure import correct, expose, nearest, of_step, repeat
from deeptsr.imaging.resample import interpolate_time, resize
from deeptsr.networks import build
from deeptsr.pyramid import stream as stream_module
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.reach import first_needed, margin
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream
from deeptsr.pyramid.trust import blend, changes, disagreement, restore_again, trust
from tests.synth import gap, generator, noise, still, wake

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
# By name: (scale, step, network's kind or None for interpolation, fold) of each stage.
CLIMBS = {
    "interpolating": ((QUARTER, 2, None, 1), (HALF, 2, None, 1), (Fraction(1), 2, None, 1)),
    "compact": ((HALF, 2, "compact", 1), (Fraction(1), 2, "compact", 2)),
    "mixed": ((QUARTER, 3, "compact", 1), (HALF, 2, None, 1)),
    "paper": ((HALF, 2, "paper", 1), (Fraction(1), 3, "compact", 1)),
    "full size": ((Fraction(1), 2, None, 1), (Fraction(1), 2, "compact", 1)),
}
every = pytest.mark.parametrize("name", CLIMBS)


def shutter(name, exposure):
    """An open share as near as the climb can be exact for."""
    steps = [step for _, step, _, _ in CLIMBS[name]]
    return exposure if isinstance(exposure, str) else nearest(exposure, steps)


def fitted(name, exposure="full", awake=True):
    stages, done = [], 1
    for number, (scale, step, kind, fold) in enumerate(CLIMBS[name]):
        network = None
        if kind:
            step_exposure = of_step(exposure, done)
            network = build(NetworkSettings(kind, 4, 1), step, step_exposure, fold).eval()
            network = wake(network, number) if awake else network
        stages.append(FittedStage(Stage(scale, step, done), network))
        done *= step
    return tuple(stages), done


def streamed(stages, clip, chunk, **settings):
    return torch.cat(list(stream(stages, iter(clip), len(clip), chunk, **settings)))


@every
@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
@pytest.mark.parametrize("chunk", [1, 3, 7, 12, 99])
def test_chunked_equals_whole(name, exposure, chunk):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure)
    clip = noise(12, 21, 30, 3)
    whole = climb(stages, clip, exposure=exposure, rounds=2)
    assert whole.shape == (12 * factor, 21, 30, 3)
    assert gap(streamed(stages, clip, chunk, exposure=exposure, rounds=2), whole) < 1e-4


@every
@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
@pytest.mark.parametrize("size", [(21, 30), (16, 17)])
def test_the_result_exposes_to_the_input(name, exposure, size):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure)
    clip = noise(5, *size, 3)
    made = climb(stages, clip, exposure=exposure)
    assert gap(expose(made, factor, exposure), clip) < 1e-4


@every
@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
def test_a_static_clip_stays_static(name, exposure):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure, awake=False)
    clip = still(4, 21, 30)
    assert gap(climb(stages, clip, exposure=exposure), repeat(clip, factor)) < 1e-4


def trusted(network, ltr):
    made, k = predict(network, ltr), network.factor
    plain = correct(interpolate_time(ltr, k), ltr, k)
    again = restore_again(network, made, torch.float32)
    return blend(made, plain, trust(disagreement(made, again, k), changes(made, plain, k)))


def test_against_the_steps_of_figure_8b():
    stages, _ = fitted("compact")
    clip = noise(4, 21, 30, 3)
    low = resize(clip, (10, 15))
    first = trusted(stages[0].network, low)
    second = backproject(first, clip, 2, rounds=3)
    wanted = trusted(stages[1].network, second)
    assert gap(climb(stages, clip, rounds=3), wanted) < 1e-5


def test_a_network_that_contradicts_itself_is_not_trusted():
    network = build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval()
    torch.nn.init.normal_(network.leave.weight, std=3.0, generator=generator())
    stage, clip = Stage(Fraction(1), 2, 1), noise(8, 32, 33, 3)
    plain = correct(interpolate_time(clip, 2), clip, 2)
    assert gap(predict(network, clip), plain) > 1
    assert gap(climb((FittedStage(stage, network),), clip), plain) < 1e-5


@pytest.mark.parametrize("ensemble", [False, True])
def test_a_second_result_can_be_averaged_in(ensemble):
    network = wake(build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval())
    stage, clip = Stage(Fraction(1), 2, 1), still(8, 32, 33)
    once, twice = (climb((FittedStage(stage, network, ensemble, t),), clip) for t in (False, True))
    assert gap(once, twice) > 1e-4
    assert gap(expose(twice, 2), clip) < 1e-5


def test_an_interpolating_climb_at_one_size_is_linear_interpolation_corrected():
    clip = noise(6, 16, 17, 3)
    stage = FittedStage(Stage(Fraction(1), 4, 1), None)
    assert gap(climb((stage,), clip), correct(interpolate_time(clip, 4), clip, 4)) < 1e-6


@pytest.mark.parametrize("scale", [QUARTER, HALF, Fraction(1)])
def test_a_climb_can_end_below_full_size(scale):
    stages = (FittedStage(Stage(QUARTER, 2, 1), None),)
    clip = noise(3, 21, 30, 3)
    made = climb(stages, clip, scale=scale)
    size = Stage(scale, 1, 1).size(21, 30)
    assert made.shape == (6, *size, 3)
    assert gap(expose(made, 2), resize(clip, size)) < 1e-5


@every
def test_a_window_with_its_margin_gives_what_is_wanted(name):
    stages, factor = fitted(name)
    clip, wanted = noise(30, 9, 10, 3), range(14, 16)
    around = margin(stages)
    first, last = max(0, wanted.start - around), min(30, wanted.stop + around)
    window = clip[first:last]
    made = climb(stages, window, first=first, total=30, wanted=wanted)
    assert gap(made, climb(stages, clip)[14 * factor : 16 * factor]) < 1e-4


def test_the_margin_is_honest_and_no_larger_than_the_sum_of_what_stages_see():
    stages, factor = fitted("compact")
    around = margin(stages)
    assert around <= sum(s.reach for s in stages)
    clip = noise(2 * around + 5, 8, 8, 3)
    touched, middle = clip.clone(), around + 2
    touched[middle] = 1 - touched[middle]
    change = (climb(stages, touched) - climb(stages, clip)).abs().amax((1, 2, 3)) > 1e-6
    frames = change.view(-1, factor).any(1)
    assert frames[middle - 1 : middle + 2].all()
    assert not frames[: middle - around].any()
    assert not frames[middle + around + 1 :].any()


def test_streaming_holds_no_more_than_a_chunk_and_its_surroundings():
    stages, _ = fitted("compact")
    seen = []

    def frames():
        for number in range(60):
            frame = noise(8, 8, 3, seed=number)
            seen.append(weakref.ref(frame))
            yield frame

    made = 0
    for part in stream(stages, frames(), 60, 4):
        made += len(part)
        assert len(seen) <= made // 4 + margin(stages)
        assert sum(frame() is not None for frame in seen) <= 4 + 2 * margin(stages) + 1
    assert made == 240


@every
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_step_for_some_frames_is_that_of_the_whole(name, ensemble, exposure):
    stages, _ = fitted(name, exposure)
    stage = replace(stages[-1], ensemble=ensemble, twice=ensemble)
    clip, step = noise(40, 12, 13, 3), stage.stage.step
    whole = stage.take(clip, exposure, torch.float32)
    around = stage.reach + 1
    for wanted in (range(2), range(20, 23), range(39, 40)):
        first, last = max(0, wanted.start - around), min(40, wanted.stop + around)
        inner = range(wanted.start - first, wanted.stop - first)
        made = stage.take(clip[first:last], exposure, torch.float32, inner)
        assert gap(made, whole[wanted.start * step : wanted.stop * step]) < 1e-5


@pytest.mark.parametrize("error", [torch.OutOfMemoryError(), RuntimeError("DefaultCPUAllocator")])
def test_a_chunk_is_halved_where_memory_runs_out(monkeypatch, error):
    stages, factor = fitted("compact")
    clip, told = noise(23, 9, 10, 3), []
    whole, climbed = climb(stages, clip), stream_module.climb_window

    def small(*given):
        if len(given[5]) > 2:
            raise error
        return climbed(*given)

    monkeypatch.setattr(stream_module, "climb_window", small)
    parts = list(stream(stages, iter(clip), 23, 9, on_halved=told.append))
    assert told == [4, 2]
    assert gap(torch.cat(parts), whole) < 1e-4
    ends = [sum(map(len, parts[: n + 1])) // factor for n in range(len(parts))]
    assert {9, 18, 23} <= set(ends)  # where the chunks would have ended


def test_a_chunk_of_one_frame_for_which_there_is_no_memory_is_told(monkeypatch):
    stages, _ = fitted("compact")

    def full(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(stream_module, "climb_window", full)
    with pytest.raises(torch.OutOfMemoryError):
        list(stream(stages, iter(noise(9, 9, 10, 3)), 9, 4))


def test_another_error_is_no_lack_of_memory(monkeypatch):
    stages, _ = fitted("compact")

    def wrong(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(stream_module, "climb_window", wrong)
    with pytest.raises(RuntimeError, match="a bug"):
        list(stream(stages, iter(noise(9, 9, 10, 3)), 9, 4))


def test_streaming_yields_chunk_by_chunk():
    stages, factor = fitted("interpolating")
    parts = list(stream(stages, iter(noise(7, 8, 8, 3)), 7, 3))
    assert [len(p) for p in parts] == [3 * factor, 3 * factor, factor]


@every
@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
@pytest.mark.parametrize("start", [3, 9, 15, 18])
def test_a_climb_can_begin_later_with_the_same_result(name, exposure, start):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure)
    clip = noise(20, 17, 18, 3)
    whole = streamed(stages, clip, 3, exposure=exposure)
    first = first_needed(stages, start)
    rest = list(stream(stages, iter(clip[first:]), 20, 3, start=start, exposure=exposure))
    assert torch.equal(torch.cat(rest), whole[start * factor :])


def test_a_climb_that_begins_later_reads_no_more_than_it_needs():
    stages, _ = fitted("compact")
    assert first_needed(stages, 2) == 0
    assert first_needed(stages, 19) == 19 - margin(stages)
    assert first_needed(stages, 19, cuts=(3, 18, 20)) == 18


@every
@pytest.mark.parametrize("exposure", ["full", "delta", 0.5])
def test_scenes_are_climbed_each_by_itself(name, exposure):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure)
    clip, ends = noise(14, 9, 10, 3), [0, 5, 6, 8, 14]
    made = torch.cat(list(stream(stages, clip, 14, 4, exposure=exposure, cuts=ends[1:-1])))
    for start, stop in pairwise(ends):
        alone = climb(stages, clip[start:stop], exposure=exposure)
        found = made[start * factor : stop * factor]
        if stop - start == 1:
            alone = repeat(clip[start:stop], factor)
        assert gap(found, alone) < 1e-5
    for start in (5, 6, 8, 12):
        first = first_needed(stages, start, ends[1:-1])
        settings = {"start": start, "exposure": exposure, "cuts": ends[1:-1]}
        rest = torch.cat(list(stream(stages, iter(clip[first:]), 14, 4, **settings)))
        assert torch.equal(rest, made[start * factor :])
