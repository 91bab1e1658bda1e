"""The fit of a job: what is told of it as its stages end."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from deeptsr.config import preset
from deeptsr.events import Progress, StageFitted, TimeCorrected, ignore
from deeptsr.jobs import pipeline
from deeptsr.jobs.model.array_job import array_job
from deeptsr.jobs.resources.stopwatch import Watch
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import pan


@pytest.mark.parametrize(
    ("name", "steps", "learned", "left_out"),
    [
        ("balanced", (0, 240, 0), (0, 0.5, 0), {1: [0], 3: [0, 2]}),
        ("balanced", (75, 30, 30), (0, 0, 0), {1: [0], 2: [0, 1], 3: [0, 1, 2]}),  # not promising
        ("balanced", (600, 240, 240), (0.5, 0, 0.5), {}),  # what it learnt was not kept at last
        ("fast", (0, 0, 0), (0, 0, 0), {1: [0]}),  # its later stages make none in any case
    ],
)
@pytest.mark.parametrize("special", [True, False])
def test_the_time_is_told_anew_where_a_stage_learns_nothing(
    monkeypatch, name, steps, learned, left_out, special
):
    def fit(clip, stages, options, *, on_event, **rest):
        for number, (made, kept) in enumerate(zip(steps, learned, strict=True), 1):
            told = StageFitted(number, len(stages), "S1", 1.0, made, 0.1, "as known")
            on_event(replace(told, learned=kept, special=special and number == 1))
        return tuple(FittedStage(stage, None) for stage in stages)

    monkeypatch.setattr(pipeline, "fit_stages", fit)
    job, clip, _ = array_job(pan(24, 64, 64), preset(name, factor=8), ignore)
    told = []
    pipeline.fit_job(job, clip, told.append, None)
    led = special and not steps[0]
    wanted = {
        number: job.cost.without(out, special=special, led=led) for number, out in left_out.items()
    }
    assert isinstance(told[0], Progress)  # what a fit does first takes its time, too
    assert told[0].phase == "fit"
    found = {event.stage: event.seconds for event in told if isinstance(event, TimeCorrected)}
    assert found == wanted
    assert all(0 < seconds < job.planned().seconds for seconds in found.values())
    for before, event in pairwise(told):
        if isinstance(event, TimeCorrected):
            assert isinstance(before, StageFitted)
            assert before.stage == event.stage


def test_a_climb_that_begins_smaller_is_told_and_is_what_the_job_goes_on_with(monkeypatch):
    def fit(clip, stages, options, *, on_event, smaller, on_smaller, fraction, **rest):
        before = fraction(0, 1.0)
        on_smaller(smaller[-1])
        assert fraction(0, 1.0) != before  # the steps are another share of the whole
        for number, stage in enumerate(smaller[-1], 1):
            on_event(StageFitted(number, len(stages), stage.label, 1.0, 5, 0.1, "fitted"))
        return tuple(FittedStage(stage, None) for stage in smaller[-1])

    monkeypatch.setattr(pipeline, "fit_stages", fit)
    job, clip, _ = array_job(pan(24, 128, 128), preset("fast", factor=8), ignore)
    assert (job.stages[0].scale, job.smaller[0][0].scale) == (1, Fraction(1, 2))
    told = []
    begun, fitted = pipeline.fit_job(job, clip, told.append, None)
    assert begun.stages == job.smaller[-1] == tuple(stage.stage for stage in fitted)
    (corrected,) = [event for event in told if isinstance(event, TimeCorrected)]
    assert corrected == TimeCorrected(1, begun.cost.seconds, "begins at 1/2 of the size")
    assert corrected.seconds < job.cost.seconds


def test_a_stage_that_had_no_time_is_not_told_to_have_known_enough(monkeypatch):
    def fit(clip, stages, options, *, on_event, enough, **rest):
        assert enough()
        on_event(StageFitted(1, len(stages), "S1", 1.0, 0, 0.1, "fitted"))
        return tuple(FittedStage(stage, None) for stage in stages)

    monkeypatch.setattr(pipeline, "fit_stages", fit)
    job, clip, _ = array_job(pan(24, 64, 64), preset("fast", factor=2), ignore)
    told = []
    watch = Watch(0.0, 1.0, (5.0,), 5.0, clock=lambda: 10.0)
    pipeline.fit_job(replace(job, watch=watch), clip, told.append, None)
    assert not [event for event in told if isinstance(event, TimeCorrected)]
