"""Small clips for those who teach: rendered once for all that ask for the same."""

from contextlib import contextmanager
from functools import cache

import pytest

from deeptsr.learning.pretraining import course, crops
from deeptsr.learning.rendering.clips import render

SIDE = 40  # pixels, of 72
JUDGES = 2  # of 12


@cache
def rendered(seed, kind, frames, step):
    return render(seed, kind, SIDE, frames, step=step)


def small(seed, kind="leaves", frames=40, pictures=(), step=2):
    if pictures:  # are drawn among the other surfaces, with the same dice
        return render(seed, kind, SIDE, frames, pictures, step)
    return rendered(seed, kind, frames, step)


@contextmanager
def small_clips():
    """Let courses render smaller clips, and be judged by fewer."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (course, crops):
            patch.setattr(module, "render", small)
        patch.setattr(course, "_JUDGES", JUDGES)
        course.judges.cache_clear()
        yield
    course.judges.cache_clear()
