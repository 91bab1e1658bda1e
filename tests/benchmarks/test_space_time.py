"""The table of larger frames at a higher rate."""

import sys
from dataclasses import replace

import pytest
import torch

from benchmarks import space, space_time
from deeptsr.evaluation.metrics import psnr
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.lens import agree, enlarge, shrink
from deeptsr.imaging.resample import interpolate_time
from tests.helpers.synth import pan, tiny


def test_a_row_against_plain_words(monkeypatch):
    """Of a climb that is linear interpolation, each column can be said in a line."""
    truth = pan(16, 48, 64, speed=0.5)
    monkeypatch.setattr(
        space_time, "_climbed", lambda frames, options: interpolate_time(frames, 2, "full")
    )
    row = dict(
        zip(space_time.COLUMNS, space_time.measured(truth, replace(tiny(), factor=2)), strict=True)
    )
    given = space.rounded(expose(shrink(truth, (24, 32)), 2, "full"))
    climbed = interpolate_time(given, 2, "full")
    usual = row["linear, bicubic dB"]
    assert usual == pytest.approx(psnr(enlarge(climbed, (48, 64)).clamp(0, 1), truth), abs=1e-4)
    assert row["x8, bicubic"] == pytest.approx(0, abs=1e-4)
    plain = agree(enlarge(climbed, (48, 64)), climbed)
    assert row["x8, agrees"] == pytest.approx(psnr(plain.clamp(0, 1), truth) - usual, abs=1e-4)
    assert row["climbed dB"] == pytest.approx(psnr(climbed, shrink(truth, (24, 32))), abs=1e-4)
    assert row["true detail"] == max([*row.values()][1:-1])  # no step in space can pass it


def test_a_table_of_a_rendered_clip(monkeypatch, capsys):
    monkeypatch.setattr(space_time, "_SIDE", 32)
    monkeypatch.setattr(space_time, "preset", lambda name, **changes: tiny(changes["factor"]))
    arguments = ["--rendered", "1", "--frames", "4", "--factor", "2"]
    monkeypatch.setattr(sys, "argv", ["space_time", *arguments])
    space_time.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| rendered 1 | ")
    assert len(lines[2].split("|")) == len(space_time.COLUMNS) + 3


def test_details_of_nothing_are_none():
    step = space_time.SpaceStep((32, 32))
    assert torch.equal(space_time._details(step, torch.ones(4, 16, 16, 3)), torch.zeros(1))
