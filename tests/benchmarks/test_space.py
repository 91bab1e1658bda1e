"""The table of larger frames."""

import sys
from fractions import Fraction

import pytest
import torch

from benchmarks import space
from deeptsr.evaluation.metrics import psnr
from deeptsr.imaging.lens import enlarge, shrink
from tests.helpers.clips import clip
from tests.helpers.synth import pan


def test_a_row_against_plain_words():
    truth = pan(4, 32, 48, speed=0.5)
    asked = Fraction(2), "bicubic", "none"
    usual, plain, ours, agreement, share, told, again = space.measured(truth, *asked, None)
    coarse = space.rounded(shrink(truth, (16, 24)))
    assert usual == pytest.approx(psnr(space.rounded(enlarge(coarse, (32, 48))), truth), abs=1e-4)
    assert plain + 0.01 > ours > plain - 0.1 > 0  # both in whole levels
    assert (agreement, share) == (1, 0)
    assert told > 0
    assert again > 65  # to the nearest level it would be less
    assert torch.equal(space.rounded(torch.tensor([0.0, 0.5, 2.0]))[[0, 2]], torch.tensor([0.0, 1]))


def test_a_row_of_what_was_coded():
    truth = pan(4, 32, 48, speed=0.5)
    usual, plain, ours, agreement, *_ = space.measured(truth, Fraction(2), "bicubic", "none", 30)
    coarse = space.coded(space.rounded(shrink(truth, (16, 24))), 30)
    assert usual == pytest.approx(psnr(space.rounded(enlarge(coarse, (32, 48))), truth), abs=1e-4)
    assert plain < ours
    assert 0 < agreement < 1


def test_a_table_of_a_video_and_a_rendered_clip(tmp_path, monkeypatch, capsys):
    path = clip(tmp_path / "a.mkv", size="50x34", frames=6)
    monkeypatch.setattr(space, "_SIDE", 36)
    arguments = [str(path), "--rendered", "1", "--frames", "4", "--prior", "none"]
    monkeypatch.setattr(sys, "argv", ["space", *arguments])
    space.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:4]] == ["| a.mkv", "| rendered 0"]
    assert lines[4].startswith("mean ")
