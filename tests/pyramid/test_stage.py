"""One step of the climb: how far its network is trusted."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import build
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.stage import FittedStage
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


@every
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_step_for_some_frames_is_that_of_the_whole(name, ensemble, exposure):
    stages, _ = fitted(name, exposure)
    stage = replace(stages[-1], ensemble=ensemble, refilmed=ensemble)
    clip, step = noise(40, 12, 13, 3), stage.stage.step
    whole = stage.apply(clip, exposure, torch.float32)
    around = stage.reach + 1
    for wanted in (range(2), range(20, 23), range(39, 40)):
        first, last = max(0, wanted.start - around), min(40, wanted.stop + around)
        inner = range(wanted.start - first, wanted.stop - first)
        made = stage.apply(clip[first:last], exposure, torch.float32, inner)
        assert gap(made, whole[wanted.start * step : wanted.stop * step]) < 1e-5
