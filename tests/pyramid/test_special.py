"""Who takes which places of a result."""

import copy
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.special import Specialist, likely, parts_of, take
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import gap, noise, wake

SMALL = NetworkSettings("compact", 4, 1)


def pair(share):
    """A specialist, and a judge who makes a share of what it makes."""
    network = wake(build(SMALL, 2, "full", 1).eval(), 3)
    judge = copy.deepcopy(network)
    judge.leave.weight.data.mul_(share)
    return Specialist(network, judge)


def test_the_more_of_the_change_a_judge_makes_the_likelier_is_the_specialist():
    found = []
    for share in (-0.2, 0.0, 0.2, 0.3, 1.0):
        special, clip = pair(share), noise(8, 32, 33, 3)
        plain = correct(interpolate_time(clip, 2), clip, 2)
        theirs, judged = (predict(n, clip) for n in (special.network, special.judge))
        each = likely(parts_of(theirs, judged, plain, 2))
        assert each.shape[0] == 8
        assert float(each.max() - each.min()) < 0.05  # everywhere as much is made
        found.append(float(each.mean()))
    assert found == sorted(found)
    assert found[1] < 0.1
    assert found[2] < 0.5 < found[3]
    assert found[4] > 0.99


def test_what_nobody_sees_is_not_likely():
    plain = noise(8, 16, 16, 3)
    assert likely(parts_of(plain + 1e-4, plain + 1e-4, plain, 2)).max() < 0.1


def test_each_place_is_given_to_whom_it_belongs():
    mine, theirs = torch.zeros(8, 32, 32, 3), torch.ones(8, 32, 32, 3)
    belief = torch.full((4, 16, 16), 0.2)
    belief[1:3, :, 8:] = 0.8
    take(mine, theirs, belief)
    assert mine[:2].max() == mine[6:].max() == 0
    assert mine[2:6, :, :12].max() == 0
    assert mine[2:6, :, 20:].min() == 1


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_stage_gives_the_specialist_what_is_likely_its_own(ensemble, even, share):
    general, clip = wake(build(SMALL, 2, "full", 1).eval(), 5), noise(10, 24, 25, 3)
    stage = FittedStage(Stage(Fraction(1), 2, 1), general, ensemble, False, False, even)
    alone = replace(stage, network=pair(1.0).network)
    both = replace(stage, special=pair(share))
    made = both.apply(clip, "full", torch.float32)
    one, other = (each.apply(clip, "full", torch.float32) for each in (alone, stage))
    assert gap(made, one if share > 0.5 else other) < 1e-5
    assert gap(expose(made, 2), clip) < 1e-5
    assert gap(one, other) > 0.01


@pytest.mark.parametrize("refilmed", [False, True])
@pytest.mark.parametrize("even", [False, True])
def test_a_part_of_a_clip_comes_out_as_in_the_whole(refilmed, even):
    clip, general = noise(40, 16, 17, 3), wake(build(SMALL, 2, "full", 1).eval(), 5)
    special = Specialist(pair(1.0).network, wake(build(SMALL, 2, "full", 1).eval(), 3))
    special.judge.leave.weight.data.mul_(0.26)
    stage = FittedStage(
        Stage(Fraction(1), 2, 1), general, True, refilmed, False, even, special=special
    )
    whole = stage.apply(clip, "full", torch.float32)
    for wanted in (range(2), range(20, 23), range(39, 40)):
        first, last = (max(0, wanted.start - stage.reach), min(40, wanted.stop + stage.reach))
        inner = range(wanted.start - first, wanted.stop - first)
        made = stage.apply(clip[first:last], "full", torch.float32, inner, first)
        assert gap(made, whole[wanted.start * 2 : wanted.stop * 2]) < 1e-5
