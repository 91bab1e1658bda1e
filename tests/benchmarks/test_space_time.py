"""The table of larger frames at a higher rate."""

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from benchmarks import published, space, space_time
from deeptsr.evaluation.metrics import psnr
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.imaging.resample import interpolate_time
from tests.helpers.clips import clip
from tests.helpers.synth import pan, tiny


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A climb that is linear interpolation."""
    monkeypatch.setattr(
        space_time,
        "_climbed",
        lambda frames, options: interpolate_time(frames, options.factor, "full"),
    )
    monkeypatch.setattr(space_time, "_SIDE", 32)


def test_a_row_against_plain_words():
    """Of such a climb each column can be said in a line."""
    truth = pan(16, 48, 64, speed=0.5)
    row = space_time.measured(truth, replace(tiny(), factor=2))
    assert row.keys() == space_time.COLUMNS.keys()
    given = space.rounded(expose(shrink(truth, (24, 32)), 2, "full"))
    climbed = interpolate_time(given, 2, "full")
    usual = row["linear, bicubic, dB"]
    assert usual == pytest.approx(psnr(enlarge(climbed, (48, 64)).clamp(0, 1), truth), abs=1e-3)
    assert row["climbed, bicubic"] == pytest.approx(0, abs=1e-3)
    plain = agree(enlarge(climbed, (48, 64)), climbed)
    assert row["climbed, agrees"] == pytest.approx(psnr(plain.clamp(0, 1), truth) - usual, abs=1e-3)
    assert row["true detail"] == max([*row.values()][2:])  # no step in space can pass it
    assert space_time.measured(truth, replace(tiny(), factor=2), space_time.FITTED) == {
        name: value for name, value in row.items() if name in space_time.FITTED
    }
    assert -5 < row["better order with minterpolate"] < 10


def test_a_table_of_a_clip_and_a_film_goes_on_where_it_was(tmp_path):
    film, results, table = tmp_path / "film.mkv", tmp_path / "r.jsonl", tmp_path / "table.json"
    clip(film, "-c:v", "ffv1", size="48x40", frames=12)
    given = ["--clips", "pan", "--frames", "4", "--factor", "2", "--results", str(results)]
    more = [
        *given,
        "--film",
        str(film),
        "--start",
        "2",
        "--crop",
        "32x40+4+6",
        "--save",
        str(table),
    ]
    for arguments, count in ((given, 1), (more, 2), (more, 2)):
        done = CliRunner().invoke(space_time.main, arguments)
        assert done.exit_code == 0, done.output
        assert len(results.read_text().splitlines()) == count
    assert [*published.load(table).rows] == ["pan", "film, from frame 2"]
    first = json.loads(results.read_text().splitlines()[1])
    task = {name: first[name] for name in ("clip", "start", "crop", "frames", "factor")}
    assert space_time.truth_of(task).shape == (8, 32, 40, 3)


def test_details_of_nothing_are_none():
    step = space_time.SpaceStep((32, 32))
    assert torch.equal(space_time._details(step, torch.ones(4, 16, 16, 3)), torch.zeros(1))
