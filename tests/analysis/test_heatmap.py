"""What is drawn."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.analysis.heatmap import blend, draw, strip
from deeptsr.analysis.recurrence import Slice, inspect, statistics
from deeptsr.config import RecurrenceSettings
from tests.helpers.synth import pan


def plane(share, side=8):
    size = len(share) * side
    return Slice("xy", 0, torch.full((size, size, 3), 0.5), share, (0, size, 0, size))


def test_red_is_across_blue_is_within_and_grey_is_flat():
    share = torch.tensor([[1.0, 1, 0, 0], [1, 1, 0, 0], [torch.nan] * 4, [torch.nan] * 4])
    picture = blend(plane(share), 320)
    assert picture.shape == (320, 320, 3)
    side = 320 // 4
    red, blue, gray = picture[5, 5], picture[5, -5], picture[-side, 5]
    assert red[0] > red[2] + 0.3
    assert blue[2] > blue[0] + 0.2
    assert np.ptp(gray) < 1e-6


def test_the_video_is_seen_under_the_heat():
    part = plane(torch.ones(2, 2))
    part.picture[:, ::2] = 1
    part.picture[:, 1::2] = 0
    assert np.ptp(blend(part, 64).mean(2)[8:-8, 8:-8]) > 0.1


def test_the_heat_lies_where_its_patches_do():
    part = replace(plane(torch.ones(2, 2)), extent=(8.0, 16.0, 4.0, 12.0))
    colored = np.ptp(blend(part, 16), axis=2) > 0.1
    rows, columns = np.nonzero(colored)
    assert (columns.min(), columns.max()) == (8, 15)
    assert (rows.min(), rows.max()) == (4, 11)


@pytest.mark.parametrize("slices", ["all", "ty"])
def test_a_page(tmp_path, slices):
    few = RecurrenceSettings(stride=6, max_patches=2000, slices=slices)
    found = inspect(pan(16, 32, 40), (32, 40), range(8, 9), few)
    draw(found, statistics(found), "title", tmp_path / "page.png", first=7)
    with Image.open(tmp_path / "page.png") as page:
        assert min(page.size) > 500
        assert np.asarray(page.convert("L")).std() > 5


def test_a_flat_clip_has_a_page_too(tmp_path):
    few = RecurrenceSettings(stride=6, max_patches=2000)
    found = inspect(torch.full((16, 32, 32, 3), 0.5), (32, 32), range(8, 9), few)
    draw(found, statistics(found), "title", tmp_path / "page.png")


def test_the_strip_of_colors_fits_under_a_frame():
    foot = strip(640)
    assert foot.shape[1:] == (640, 3)
    assert foot.shape[0] % 2 == 0
    left, right = foot[15, 50], foot[15, -50]
    assert left[2] > left[0]
    assert right[0] > right[2]


def test_a_name_with_dollars_is_no_formula(tmp_path):
    few = RecurrenceSettings(stride=6, max_patches=2000)
    found = inspect(torch.full((16, 32, 32, 3), 0.5), (32, 32), range(8, 9), few)
    draw(found, statistics(found), "a$\\foo$.mkv", tmp_path / "page.png")


def test_what_the_current_folder_asks_of_matplotlib_is_not_done(tmp_path):
    # Videos may come with such a file; releases before 3.11 run what it holds.
    tex = tmp_path / "latex"
    tex.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    tex.chmod(0o755)
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.linewidth: 33\n")
    code = (
        "from deeptsr.analysis.heatmap import strip; strip(64); import matplotlib, os; "
        "assert matplotlib.rcParams['lines.linewidth'] != 33; assert os.path.exists('matplotlibrc')"
    )
    # The folder of the code stands on the path, as where it is installed; the current one does not.
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=os.environ | path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "started").exists()
