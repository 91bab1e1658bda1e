"""The climb of a video chunk by chunk."""

import weakref
from fractions import Fraction
from functools import cache
from itertools import pairwise

import pytest
import torch

from deeptsr.config import NETWORKS
from deeptsr.imaging.exposure import correct, repeat
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import StepNetwork
from deeptsr.pyramid import stream as stream_module
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.reach import first_needed, margin
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.stream import stream, stream_scene
from tests.helpers.climbs import HALF, every_with, fitted, shutter
from tests.helpers.synth import gap, noise


def streamed(stages, clip, chunk, **settings):
    return torch.cat(list(stream(stages, iter(clip), len(clip), chunk, **settings)))


@cache
def whole_climb(name, exposure):
    return climb(fitted(name, exposure)[0], noise(12, 21, 30, 3), exposure=exposure, rounds=2)


@every_with(
    "exposure, chunk",
    [("full", chunk) for chunk in (1, 3, 7, 12, 99)]
    + [("delta", 1), ("delta", 7), (0.5, 3), (0.5, 12)],
    recurrent=[("full", 3), ("delta", 7), (0.5, 12)],
)
def test_chunked_equals_whole(name, exposure, chunk):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure)
    clip, whole = noise(12, 21, 30, 3), whole_climb(name, exposure)
    assert whole.shape == (12 * factor, 21, 30, 3)
    assert gap(streamed(stages, clip, chunk, exposure=exposure, rounds=2), whole) < 1e-4


class Numbered(StepNetwork):
    """What it adds to interpolation depends on the number of a frame, as if by a grid of five."""

    factor, exposure, reach, width = 2, "full", (1, 1), 1.0

    def forward(self, ltr, asked=None):
        asked = self.asked(asked)
        numbers = torch.arange(asked.first, asked.first + ltr.shape[2]) % 5
        change = 0.01 * numbers.view(-1, 1) * torch.tensor([1.0, -1.0])  # (T, k)
        plain = interpolate_time(ltr, 2, axis=2)
        return correct(plain, ltr, 2, axis=2) + change.flatten().view(1, 1, -1, 1, 1)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("cuts", [(), (7,)])
def test_what_goes_by_the_number_of_a_frame_does_not_depend_on_the_chunk(mirrored, cuts):
    half = FittedStage(Stage(HALF, 2, 1), Numbered(), mirrored, refilmed=True)
    stages = (half, FittedStage(Stage(Fraction(1), 2, 2), Numbered(), mirrored, refilmed=True))
    clip = noise(23, 16, 18, 3)
    whole = streamed(stages, clip, 99, cuts=cuts)
    assert gap(whole, streamed(stages, clip, 99, cuts=(11,))) > 1e-2  # numbers begin at a scene
    for chunk in (1, 4, 6):
        assert gap(streamed(stages, clip, chunk, cuts=cuts), whole) < 1e-5


@every_with("length", [1, 2, 3, 4, 13, 29], recurrent=[1, 2, 4, 13])
def test_a_scene_of_unknown_length_is_climbed_as_one_of_known_length(name, length):
    stages, _ = fitted(name)
    clip = noise(length, 21, 30, 3)
    made = torch.cat(list(stream_scene(stages, (frame for frame in clip), 4)))
    assert torch.equal(made, streamed(stages, clip, 4))


def test_no_frames_have_no_result():
    assert list(stream_scene(fitted("compact")[0], (), 4)) == []


def test_a_scene_of_unknown_length_is_read_no_further_than_a_chunk_ahead():
    stages, factor = fitted("compact")
    read = []
    frames = (read.append(n) or noise(8, 8, 3, seed=n) for n in range(60))
    made = 0
    for part in stream_scene(stages, frames, 4):
        made += len(part)
        assert len(read) <= made // factor + 2 * margin(stages) + 4 + 1
    assert made == 60 * factor


@pytest.mark.parametrize("name", NETWORKS)
def test_streaming_holds_no_more_than_a_chunk_and_its_surroundings(name):
    stages, factor = fitted(name)
    seen = []

    def frames():
        for number in range(80):
            frame = noise(4, 4, 3, seed=number)
            seen.append(weakref.ref(frame))
            yield frame

    made = 0
    for part in stream(stages, frames(), 80, 20):
        made += len(part)
        assert len(seen) <= made // factor + margin(stages)
        assert sum(frame() is not None for frame in seen) <= 20 + 2 * margin(stages) + 1 < 80
    assert made == 80 * factor


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


@cache
def whole_stream(name, exposure):
    return streamed(fitted(name, exposure)[0], noise(20, 17, 18, 3), 3, exposure=exposure)


@every_with(
    "exposure, start",
    [("full", start) for start in (3, 9, 15, 18)] + [("delta", 9), ("delta", 18), (0.5, 15)],
    recurrent=[("full", 9), ("full", 18), ("delta", 15)],
)
def test_a_climb_can_begin_later_with_the_same_result(name, exposure, start):
    exposure = shutter(name, exposure)
    stages, factor = fitted(name, exposure)
    clip, whole = noise(20, 17, 18, 3), whole_stream(name, exposure)
    first = first_needed(stages, start)
    rest = list(stream(stages, iter(clip[first:]), 20, 3, start=start, exposure=exposure))
    assert torch.equal(torch.cat(rest), whole[start * factor :])


@every_with("exposure", ["full", "delta", 0.5], recurrent=["full", "delta"])
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
    for start in (6, 12):
        first = first_needed(stages, start, ends[1:-1])
        settings = {"start": start, "exposure": exposure, "cuts": ends[1:-1]}
        rest = torch.cat(list(stream(stages, iter(clip[first:]), 14, 4, **settings)))
        assert torch.equal(rest, made[start * factor :])
