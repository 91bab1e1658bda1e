"""One step of the climb: how far its network is trusted."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import NETWORKS, NetworkSettings
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import build
from deeptsr.pyramid import predict as predict_module
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
    clip, step = noise(40, 12, 13, 3), stage.stage.step
    whole = stage.apply(clip, exposure, torch.float32)
    around = stage.reach + 1
    for wanted in (range(2), range(20, 23), range(39, 40)):
        first, last = max(0, wanted.start - around), min(40, wanted.stop + around)
        inner = range(wanted.start - first, wanted.stop - first)
        made = stage.apply(clip[first:last], exposure, torch.float32, inner, first)
        assert gap(made, whole[wanted.start * step : wanted.stop * step]) < 1e-5
