"""What a run costs, and what share of it is done."""

from dataclasses import replace

import pytest
import torch

from deeptsr.config import preset
from deeptsr.jobs.resources.cost import estimate
from deeptsr.pyramid.plan import plan

SIZE = (96, 128)
STAGES = plan(8, *SIZE, preset("fast").pyramid.coarsest)


def cost(options):
    return estimate(STAGES, 24, *SIZE, options, torch.device("cpu"))


def test_shares_of_a_run_that_may_come_to_pairs_from_the_same_dimension():
    fast = preset("fast")
    known = cost(replace(fast, pairs=fast.pairs.if_alone))
    open_ = cost(fast)
    assert open_.alone.total == known.total > open_.total  # all stages are fitted as the first is
    assert known.alone is None
    assert open_.fit[2] == 0 < open_.alone.fit[2]
    for stage, share in ((0, 1.0), (1, 0.5), (2, 1.0)):
        told = open_.fitting(stage, share, alone=True)
        assert told == known.fitting(stage, share) == known.fitting(stage, share, alone=True)
        assert (told < open_.fitting(stage, share)) == (stage < 2)
    assert open_.climbing(1.0) == pytest.approx(1)


def test_where_no_probe_is_made_the_cost_is_known():
    fast = preset("fast")
    mixed = cost(replace(fast, pairs=replace(fast.pairs, probe=False)))
    assert mixed.alone is None
    assert mixed.fitting(1, 1.0, alone=True) == mixed.fitting(1, 1.0)
