"""The benchmark of where a fan breaks down: what it renders, and that it goes on from its file."""

import json

import pytest
import torch
from click.testing import CliRunner

from benchmarks import breakdown
from deeptsr import config
from tests.helpers.synth import tiny


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    for name, value in (("_FRAMES", 4), ("_SIZE", 64), ("_LEVEL", 16)):
        monkeypatch.setattr(breakdown, name, value)


def test_an_open_shutter_sees_the_mean_of_the_truth_and_a_short_one_its_beginning():
    open_, truth = breakdown.render(40, 1.0)
    half, again = breakdown.render(40, 0.5)
    assert open_.shape == (4, 16, 16, 3)
    assert torch.equal(truth, again)
    torch.testing.assert_close(open_, truth.view(4, 2, 16, 16, 3).mean(1))
    torch.testing.assert_close(half, truth[::2])


@pytest.mark.parametrize("exposure", [1.0, 0.5])
def test_frames_that_were_filmed_are_not_compared(monkeypatch, exposure):
    monkeypatch.setitem(config.PRESETS, "fast", tiny())
    found = breakdown.measure(40, exposure, "fast", 0, "cpu")
    assert set(found) == {"forward", "even", "gain_db"}
    assert abs(found["gain_db"]) < 10


def test_what_is_there_is_not_measured_again_and_is_drawn(monkeypatch, tmp_path):
    asked = []

    def measure(speed, exposure, preset, seed, device):
        asked.append((speed, exposure))
        return {"forward": 0.5, "even": 0.4, "gain_db": 1.0}

    monkeypatch.setattr(breakdown, "measure", measure)
    results = tmp_path / "found.jsonl"
    for speeds in ("20,40", "40,60"):
        done = CliRunner().invoke(
            breakdown.main,
            ["--speeds", speeds, "--exposures", "1,0.5", "--results", str(results)],
        )
        assert done.exit_code == 0, done.output
    assert sorted(asked) == [(s, e) for s in (20, 40, 60) for e in (0.5, 1)]
    assert len([json.loads(line) for line in results.read_text().splitlines()]) == 6
    picture = tmp_path / "curves.png"
    drawn = CliRunner().invoke(breakdown.main, ["--results", str(results), "--draw", str(picture)])
    assert drawn.exit_code == 0, drawn.output
    assert picture.read_bytes().startswith(b"\x89PNG")
