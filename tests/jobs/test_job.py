"""What was asked for, and what it comes to on one input."""

from fractions import Fraction

from deeptsr.config import Resolved
from deeptsr.imaging.timeline import Timeline
from deeptsr.jobs.job import resolve
from tests.helpers.synth import tiny

SECOND = Timeline.constant(Fraction(25), 25)


def test_what_was_asked_for_stays_beside_what_it_comes_to():
    asked = tiny(8, fps=Fraction(50), exposure=0.49, memory=2_000_000_000)
    job = resolve(SECOND, 32, 48, asked)
    assert job.asked == asked
    assert type(job.options) is Resolved
    assert (job.options.factor, job.options.exposure) == (2, 0.5)
    assert job.options.pyramid.excerpt <= asked.pyramid.excerpt
