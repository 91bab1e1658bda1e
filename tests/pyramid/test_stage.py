"""One step of the climb: how far its network is trusted."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import NETWORKS, NetworkSettings
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import StepNetwork, build
from deeptsr.pyramid import predict as predict_module
from deeptsr.pyramid import stage as stage_module
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import Later, predict
from deeptsr.pyramid.stage import FittedStage
from deeptsr.pyramid.trust import average_again, restore_again
from tests.helpers.climbs import every, fitted
from tests.helpers.synth import gap, generator, noise, still, wake


def test_a_network_that_contradicts_itself_is_not_trusted():
    network = build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval()
    torch.nn.init.normal_(network.leave.weight, std=3.0, generator=generator())
    stage, clip = Stage(Fraction(1), 2, 1), noise(8, 32, 33, 3)
    plain = correct(interpolate_time(clip, 2), clip, 2)
    assert gap(predict(network, clip), plain) > 1
    assert gap(climb((FittedStage(stage, network),), clip), plain) < 1e-5
    taken = climb((FittedStage(stage, network, verify=False),), clip)
    assert gap(taken, predict(network, clip)) < 1e-5


@pytest.mark.parametrize("ensemble", [False, True])
def test_a_second_result_can_be_averaged_in(ensemble):
    network = wake(build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval())
    stage, clip = Stage(Fraction(1), 2, 1), still(8, 32, 33)
    once, refilmed = (
        climb((FittedStage(stage, network, ensemble, t),), clip) for t in (False, True)
    )
    assert gap(once, refilmed) > 1e-4
    assert gap(expose(refilmed, 2), clip) < 1e-5


@pytest.mark.parametrize("exposure", ["full", "delta"])
@pytest.mark.parametrize("wanted", [range(12), range(3, 9), range(11, 12)])
@pytest.mark.parametrize("tile", [16, None])  # several look at what the others write
@pytest.mark.parametrize("kind", NETWORKS)
def test_averaging_where_it_lies_is_what_the_second_result_comes_to(exposure, wanted, tile, kind):
    network = wake(build(replace(NETWORKS[kind], channels=4, blocks=1), 2, exposure, 1).eval())
    clip = noise(12, 40, 41, 3)
    network.tile = tile
    result = predict(network, clip)
    again = restore_again(network, result, torch.float32, wanted)
    part = slice(2 * wanted.start, 2 * wanted.stop)
    expected = (result[part] + again) / 2
    average_again(network, result, torch.float32, wanted)
    assert torch.equal(result[part], expected)


@pytest.mark.parametrize(("tile", "most"), [(16, 29), (None, 10)])
def test_the_later_camera_films_no_more_at_once_than_is_looked_at(monkeypatch, tile, most):
    network = wake(build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval())
    result, lengths = noise(60, 24, 24, 3), []
    network.tile = tile
    film = Later.__getitem__
    monkeypatch.setattr(
        Later, "__getitem__", lambda *given: lengths.append(len(film(*given))) or film(*given)
    )
    monkeypatch.setattr(predict_module, "_suitable_slab", lambda *_: 10)
    average_again(network, result, torch.float32, range(30))
    assert max(lengths) == most  # all, where what is filmed would be written to


def test_what_is_neither_averaged_nor_verified_is_predicted_once(monkeypatch):
    network = wake(build(NetworkSettings("compact", 4, 1), 2, "full", 1).eval())
    once = FittedStage(Stage(Fraction(1), 2, 1), network, verify=False)
    clip, seen = noise(30, 16, 17, 3), []
    stream = type(network).stream
    monkeypatch.setattr(
        type(network), "stream", lambda *given: seen.append(1) or stream(*given), raising=True
    )
    assert not once.restores
    assert once.reach == network.reach[0]
    made = once.apply(clip, "full", torch.float32, range(12, 14))
    assert len(seen) == 1
    assert gap(made, predict(network, clip)[24:28]) < 1e-6
    assert replace(once, refilmed=True).restores
    assert replace(once, verify=True).restores


@every
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_step_for_some_frames_is_that_of_the_whole(name, ensemble, verify, exposure):
    stages, _ = fitted(name, exposure)
    stage = replace(stages[-1], ensemble=ensemble, refilmed=ensemble, verify=verify)
    parts_are_those_of_the_whole(stage, noise(40, 12, 13, 3), exposure)


@pytest.mark.parametrize("kind", sorted(set(NETWORKS) - {"paper"}))  # which has no prior
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_so_it_is_where_places_are_taken_at_several_sizes(monkeypatch, kind, even, exposure):
    monkeypatch.setattr(stage_module, "_BETTER", 1e9)  # all places, from a smaller one
    network = wake(build(replace(NETWORKS[kind], channels=4, blocks=1), 2, exposure, 1).eval())
    stage = FittedStage(
        Stage(Fraction(1), 2, 1), network, True, refilmed=True, verify=False, even=even, sizes=3
    )
    clip = noise(60, 66, 68, 3)
    once = replace(stage, sizes=1).apply(clip, exposure, torch.float32)
    assert gap(stage.apply(clip, exposure, torch.float32), once) > 1e-3
    parts_are_those_of_the_whole(stage, clip, exposure)


def parts_are_those_of_the_whole(stage, clip, exposure):
    length, step = len(clip), stage.stage.step
    whole = stage.apply(clip, exposure, torch.float32)
    around = stage.reach
    assert 2 * around < length  # else parts are the whole
    for wanted in (range(2), range(length // 2, length // 2 + 3), range(length - 1, length)):
        first, last = max(0, wanted.start - around), min(length, wanted.stop + around)
        inner = range(wanted.start - first, wanted.stop - first)
        made = stage.apply(clip[first:last], exposure, torch.float32, inner, first)
        assert gap(made, whole[wanted.start * step : wanted.stop * step]) < 1e-5


class Divided(StepNetwork):
    """Interpolates, but flickers in the left half of large frames, and the right of small ones."""

    factor, exposure, reach, width = 2, "full", (1, 1), 1.0

    def forward(self, ltr, asked=None):
        columns = torch.arange(ltr.shape[-1])
        left = columns < len(columns) / 2
        flickers = ~left if len(columns) < 40 else left
        pattern = torch.tensor([0.02, -0.02]).repeat(ltr.shape[2])
        plain = correct(interpolate_time(ltr, 2, axis=2), ltr, 2, axis=2)
        return plain + pattern.view(1, 1, -1, 1, 1) * flickers


def test_each_place_has_the_size_at_which_the_network_contradicts_itself_least():
    clip = still(12, 32, 64)
    once = FittedStage(Stage(Fraction(1), 2, 1), Divided(), refilmed=True, verify=False)
    large = once.apply(clip, "full", torch.float32)
    assert gap(large[:, :, :16], clip.repeat_interleave(2, 0)[:, :, :16]) > 1e-3
    made = replace(once, sizes=2).apply(clip, "full", torch.float32)
    for sure in (slice(16), slice(48, 64)):
        assert gap(made[:, :, sure], clip.repeat_interleave(2, 0)[:, :, sure]) < 1e-5
    assert gap(made[:, :, 32:48], large[:, :, 32:48]) < 0.02
    assert gap(expose(made, 2), clip) < 1e-5


def test_no_size_is_too_small_to_be_told_apart():
    stage = FittedStage(Stage(Fraction(1), 2, 1), Divided(), verify=False, sizes=4)
    assert stage.smaller((100, 131)) == [(50, 65), (25, 32)]  # and 12 rows are too few
    assert stage.smaller((31, 90)) == []
    assert replace(stage, sizes=1).smaller((100, 131)) == []
    clip = noise(6, 100, 131, 3)  # cells of which there are 17, 17 and 25 rows
    assert stage.apply(clip, "full", torch.float32).shape == (12, 100, 131, 3)
