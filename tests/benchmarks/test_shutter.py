"""The table of shutters that are known, and of what is found of them."""

import json

import torch
from click.testing import CliRunner

from benchmarks import shutter
from benchmarks.rotors import KINDS


def test_a_row_for_each_clip_and_one_for_each_kind(tmp_path, monkeypatch):
    shares = []

    def made(clip):
        return 1.0 if clip.mean() > 0.7 else 0.5

    def film(seed, share):
        shares.append(share)
        return torch.full((1, 1, 1, 1), 1.0 if seed % 2 else share)  # every other one looks open

    monkeypatch.setattr(shutter, "told", made)
    monkeypatch.setattr(shutter, "of_suite", lambda: iter([("wave", torch.ones(16, 4, 4, 3))]))
    monkeypatch.setattr(shutter, "of_things", film)
    monkeypatch.setattr(shutter, "of_rotors", lambda kind, seed, share: film(seed, share))
    words = ["--clips", "2", "--first", "6", "--save", str(tmp_path / "s.json")]
    done = CliRunner().invoke(shutter.main, words)
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "s.json").read_text())["rows"]
    assert list(rows) == [
        "wave",
        "random things in motion",
        *(f"random rotors, {kind}" for kind in KINDS),
    ]
    assert list(rows["wave"].values()) == ["1.00"] * 4
    told = ["2 of 2 told right", "1 of 2 told right", "1 of 2 told right", None]
    assert list(rows["random rotors, beyond"].values()) == told
    assert min(shares) == 0.25  # they have four parts of a frame alone


def test_clips_are_of_the_time_that_is_said():
    rotor, things = shutter.of_rotors("below", 3, 0.5), shutter.of_things(3, 0.25)
    assert rotor.shape[1:] == (64, 64, 3)
    assert things.shape == (16, 72, 72, 3)
    assert not torch.equal(things, shutter.of_things(3, 1.0))
    assert shutter.told(things) in (0.5, 1.0)
