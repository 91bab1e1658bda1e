"""Result files that are kept, and the tables that they become."""

import json
import sys
from dataclasses import asdict

import pytest

from benchmarks import published
from benchmarks.published import RESULTS, Published, load, save
from benchmarks.results import complete, read

HELD = {
    "command": "python -m benchmarks.rotors --seeds 0,1",
    "commit": "9c9a62c",
    "date": "2026-11-28",
    "machine": "2-core CPU",
    "seeds": [0, 1],
    "row": "speed",
    "columns": {"right": ".0%", "gain, dB": "+.2f", "told as": ""},
    "rows": {
        "below": {"right": [0.96, 0.98], "gain, dB": 5, "told as": "sure"},
        "beyond": {"right": [0.5, 0.5], "gain, dB": None, "told as": "guess"},
    },
    "mean": True,
}


def test_a_table_has_means_and_their_range_and_tells_how_it_was_made():
    assert Published(**HELD).markdown().splitlines() == [
        "| speed | right | gain, dB | told as |",
        "| --- | ---: | ---: | --- |",
        "| below | 97 % (96 % to 98 %) | +5.00 | sure |",
        "| beyond | 50 % | \N{EN DASH} | guess |",
        "| **mean** | 74 % (73 % to 74 %) |  |  |",
        "",
        "`python -m benchmarks.rotors --seeds 0,1`; commit 9c9a62c, 2026-11-28, 2-core CPU; "
        "seeds 0, 1: mean (least to greatest).",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"commit": "today"}, "commit is 'today'"),
        ({"date": "28.11."}, "isoformat"),
        ({"rows": {"below": {"right": 0.5}}}, "expected \\['right', 'gain, dB', 'told as'\\]"),
        ({"seeds": [0, 1, 2]}, "2 numbers; expected one for each of the 3 seeds"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, change, words):
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(HELD | change))
    with pytest.raises(ValueError, match=words):
        load(path)


def test_a_run_is_kept_with_what_it_takes_to_repeat_it(tmp_path, monkeypatch):
    given = [
        "x/rotors.py",
        "--clips",
        "2",
        "--save",
        "r.json",
        "--results",
        "r.jsonl",
        "--seeds",
        "0",
    ]
    monkeypatch.setattr(sys, "argv", given)
    path = tmp_path / "r.json"
    save(path, row="speed", columns={"right": ".0%"}, rows={"below": {"right": [0.5]}}, seeds=[0])
    held = load(path)
    assert held.command == "python -m benchmarks.rotors --clips 2 --seeds 0"
    assert "torch" in held.machine
    assert "50 %" in held.markdown()
    assert asdict(held)["rows"] == {"below": {"right": [0.5]}}


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_kept_result_can_be_shown(path):
    assert load(path).markdown().startswith("| ")


def test_there_are_kept_results():
    assert published.RESULTS.is_dir()
    assert list(RESULTS.glob("*.json"))


def test_results_name_the_commits_that_measured_them(tmp_path):
    """Each record keeps its own: a table of two of them was not made by the one that saves it."""
    path, lines = tmp_path / "r.json", tmp_path / "r.jsonl"
    lines.write_text('{"clip": "ball", "gain": 1.0, "commit": "0123456"}\n', encoding="utf-8")
    wanted = [{"clip": "ball"}, {"clip": "pan"}]
    assert [number for number, _ in complete(lines, wanted, lambda task: {"gain": 2.0})] == [1]
    records = read(lines)
    rows = {record["clip"]: {"gain": record["gain"]} for record in records}
    save(path, row="clip", columns={"gain": "+.1f"}, rows=rows, seeds=[], records=records)
    assert load(path).commit == f"0123456, {published.about_this_run()['commit']}"
