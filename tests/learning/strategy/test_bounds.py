"""Every threshold lies between what was measured on either side of it."""

import re
from pathlib import Path

import pytest

from deeptsr.learning.strategy.bounds import BOUNDS

TEXT = (Path(__file__).parents[3] / "docs" / "measurements.md").read_text(encoding="utf-8")
HEADINGS = set(re.findall(r"^#+ (.+)$", TEXT, flags=re.MULTILINE))


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_lies_between_what_was_measured(name):
    bound = BOUNDS[name]
    assert bound.below[0] <= bound.below[1] < bound.value < bound.above[0] <= bound.above[1]
    assert bound.source in HEADINGS


def test_there_are_fewer_than_five():
    assert len(BOUNDS) < 5
