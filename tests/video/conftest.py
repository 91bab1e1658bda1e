"""What the tests of whole runs share."""

import pytest

from deeptsr.jobs import upscale
from deeptsr.pyramid.stage import FittedStage


@pytest.fixture
def quick(monkeypatch):
    """Interpolate at every stage: what is asked here has nothing to do with the networks."""
    monkeypatch.setattr(
        upscale, "fit_job", lambda job, *_: (job, tuple(FittedStage(s, None) for s in job.stages))
    )
