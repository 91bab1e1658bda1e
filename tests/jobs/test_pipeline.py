"""The fit of a job: what is told of it as its stages end."""

from itertools import pairwise

import pytest

from deeptsr.config import preset
from deeptsr.events import StageFitted, TimeCorrected, ignore
from deeptsr.jobs import pipeline
from deeptsr.jobs.model.array_job import array_job
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import pan


@pytest.mark.parametrize(
    ("name", "steps", "left_out"),
    [
        ("balanced", (0, 5, 0), {1: [0], 3: [0, 2]}),
        ("balanced", (5, 5, 5), {}),
        ("fast", (0, 0, 0), {1: [0]}),  # its later stages make none in any case
    ],
)
def test_the_time_is_told_anew_where_a_stage_learns_nothing(monkeypatch, name, steps, left_out):
    def fit(clip, stages, options, *, on_event, **rest):
        for number, made in enumerate(steps, 1):
            on_event(StageFitted(number, len(stages), "S1", 1.0, made, 0.1, "as known"))
        return tuple(FittedStage(stage, None) for stage in stages)

    monkeypatch.setattr(pipeline, "fit_stages", fit)
    job, clip, _ = array_job(pan(24, 64, 64), preset(name, factor=8), ignore)
    told = []
    pipeline.fit_job(job, clip, told.append, None)
    wanted = {number: job.cost.without(stages) for number, stages in left_out.items()}
    found = {event.stage: event.seconds for event in told if isinstance(event, TimeCorrected)}
    assert found == wanted
    assert all(0 < seconds < job.planned().seconds for seconds in found.values())
    for before, event in pairwise(told):
        if isinstance(event, TimeCorrected):
            assert isinstance(before, StageFitted)
            assert before.stage == event.stage
