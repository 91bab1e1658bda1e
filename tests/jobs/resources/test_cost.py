"""What a run costs, and what share of it is done."""

import pytest
import torch

from deeptsr.config import preset
from deeptsr.jobs.resources.cost import estimate
from deeptsr.pyramid.plan import plan

SIZE = (96, 128)
STAGES = plan(8, *SIZE, preset("fast").pyramid.coarsest)


def cost(options):
    return estimate(STAGES, 24, *SIZE, options, torch.device("cpu"))


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
