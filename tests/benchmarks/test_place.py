"""The benchmark of sizes that are no whole multiple."""

import json

from click.testing import CliRunner

from benchmarks import place, published
from tests.helpers.synth import gap, noise


def test_a_run_goes_on_and_tells_the_means(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "clip", lambda number: noise(4, 36, 36, 3, seed=number))
    monkeypatch.setattr(place, "_SIDE", 36)
    monkeypatch.setattr(place, "WHOLE", (2,))
    monkeypatch.setattr(place, "larger", place.resampled)  # as no network would
    columns = {"bicubic, dB": ".2f", "as it is done": "+.2f", "x2, resampled": "+.2f", "behind": ""}
    monkeypatch.setattr(place, "_COLUMNS", columns)
    results, table = tmp_path / "place.jsonl", tmp_path / "place.json"
    for clips in ("1", "2", "2"):
        given = ["--scales", "3/2", "--clips", clips, "--results", results, "--save", table]
        done = CliRunner().invoke(place.main, [str(part) for part in given])
        assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [line["clip"] for line in lines] == [0, 1]
    assert [abs(line["as it is done"]) < 1e-9 for line in lines] == [True, True]
    assert all(line["x2, resampled"] != 0 for line in lines)  # interpolated twice
    (row,) = published.load(table).rows.values()
    assert row["behind"] == min(line["as it is done"] - line["x2, resampled"] for line in lines)


def test_resampling_goes_both_ways():
    frames = noise(2, 12, 12, 3)
    assert gap(place.resampled(frames, (12, 12)), frames) < 1e-6
    assert place.resampled(frames, (8, 8)).shape == (2, 8, 8, 3)
    assert place.resampled(frames, (18, 18)).shape == (2, 18, 18, 3)
