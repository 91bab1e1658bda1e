"""What a run costs, and what share of it is done."""

from dataclasses import replace

import pytest
import torch

from deeptsr.config import preset
from deeptsr.jobs.resources.cost import estimate
from deeptsr.jobs.resources.memory import Clip
from deeptsr.pyramid.plan import plan

SIZE = (96, 128)
STAGES = plan(8, *SIZE, preset("fast").pyramid.coarsest)


def cost(options, large=None, factor=8):
    stages = STAGES if factor == 8 else ()
    return estimate(stages, Clip(24, *SIZE, large), options, torch.device("cpu"))


def test_shares_of_a_run_rise_to_one():
    told = cost(preset("quality", prior="none"))
    shares = [told.fitting(stage, share) for stage in range(3) for share in (0.0, 0.5, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert told.climbing(0.0) == pytest.approx(shares[-1])
    assert told.climbing(1.0) == pytest.approx(1)


def test_a_prior_saves_most_of_the_first_stage():
    known, fresh = cost(preset("fast")), cost(preset("fast", prior="none"))
    assert known.fit[0] < 0.2 * fresh.fit[0]
    assert known.climb == fresh.climb


def test_larger_frames_cost_more_and_their_detail_most():
    plain, same = cost(preset("fast")), cost(preset("fast"), SIZE)
    assert same == replace(plain, seconds=same.seconds)
    none, auto = (
        cost(preset("fast", scale=2, space_prior=name), (192, 256)) for name in ("none", "auto")
    )
    assert plain.climb < none.climb < auto.climb
    alone = cost(preset("fast", factor=1, scale=2), (192, 256), 1)
    assert alone.fit == ()
    assert alone.climbing(0.5) == pytest.approx(0.5)
    assert auto.climb - none.climb == pytest.approx(
        alone.climb
        - cost(preset("fast", factor=1, scale=2, space_prior="none"), (192, 256), 1).climb
    )
