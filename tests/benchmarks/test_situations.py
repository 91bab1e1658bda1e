"""The pictures of docs/when.md: they are there, and they show what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from benchmarks import situations
from benchmarks.situations import FACTOR, PICTURES, around

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_shows_each_picture_and_each_is_there():
    shown = re.findall(r"\]\(when/(\w+)\.png\)", (DOCS / "when.md").read_text("utf-8"))
    assert sorted(shown) == sorted(PICTURES)
    for name in shown:
        assert (DOCS / "when" / f"{name}.png").stat().st_size < 40_000


@pytest.fixture(scope="module")
def slices():
    return {speed: around(speed, 6) for speed in (20, 40)}


def shift(before, after, most):
    """By how many samples of the circle a row of it has moved on, within five-fold symmetry."""
    still = before.mean() - after.mean()
    moves = range(-most, most + 1)
    return min(moves, key=lambda by: np.abs(np.roll(before, by, axis=0) - after - still).sum())


@pytest.mark.parametrize(("speed", "seems"), [(20, 20), (40, -32)])
def test_beyond_half_the_distance_of_blades_it_seems_to_turn_back(slices, speed, seems):
    filmed, happened = slices[speed]
    assert (len(filmed), len(happened)) == (6, 6 * FACTOR)
    wall = np.median(happened, axis=0)
    assert shift(filmed[3] - wall, filmed[4] - wall, 36) == pytest.approx(seems, abs=3)
    fine = happened[24] - wall, happened[25] - wall
    assert shift(*fine, 12) == pytest.approx(speed / FACTOR, abs=1)


def test_what_is_filmed_is_the_mean_of_what_happened(slices):
    filmed, happened = slices[20]
    assert np.allclose(filmed[5], happened[5 * FACTOR : 6 * FACTOR].mean(axis=0), atol=1e-6)


def test_a_picture_is_drawn(tmp_path):
    words = ["--picture", "still", "--out", str(tmp_path)]
    done = CliRunner().invoke(situations.main, words)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "still.png") as picture:
        assert 500 < picture.width < 900
        assert np.asarray(picture.convert("L")).std() > 10
