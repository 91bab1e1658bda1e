"""The moving picture: what stands where, at which moment, and how large it may be."""

import numpy as np
import pytest
from click import ClickException
from click.testing import CliRunner
from PIL import Image

from deeptsr.report.motion import Box
from examples.moving_picture import GAP, LINE, SAMPLE, cut, encoded, main, panels
from tests.helpers.finished import FACTOR, FRAMES, finished


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    finished(folder)
    return folder


def call(run, *words):
    given = [str(run / "in.mkv"), "--made", str(run / "out.mkv"), "--factor", str(FACTOR)]
    return CliRunner().invoke(main, [*given, "--out", str(run / "m.webp"), *words])


def test_three_panels_show_the_same_moments(run):
    done = call(run, "--first", "2", "--frames", "4", "--side", "96")
    assert done.exit_code == 0, done.output
    with Image.open(run / "m.webp") as moving:
        assert moving.size == (3 * 96 + 2 * GAP, LINE + 64)
        assert moving.n_frames == 4 * FACTOR
        assert moving.info["loop"] == 0


def test_the_input_stands_still_while_the_result_moves_on():
    frames = np.linspace(0, 1, 6, dtype=np.float32)[:, None, None, None]
    frames = np.broadcast_to(frames, (6, 32, 32, 3))
    made = (
        np.repeat(frames, 2, axis=0) + np.tile([0, 0.05], 6).astype(np.float32)[:, None, None, None]
    )
    shown = list(panels(frames, made, 2, range(2, 4)))
    assert [round(float(coarse.mean()), 4) for coarse, _, _ in shown] == [0.4, 0.4, 0.6, 0.6]
    assert [round(float(fine.mean()), 4) for _, _, fine in shown] == [0.4, 0.45, 0.6, 0.65]


def test_of_larger_frames_the_same_place_is_cut():
    row, column = np.mgrid[:12, :16].astype(np.float32)
    small = np.stack([row, column, row * 0], axis=2)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    first, second, third = cut((small, small + 1, large), Box(frame=0, top=3, left=5, side=4), 2)
    assert first.tolist() == (second - 1).tolist() == small[3:7, 5:9].tolist()
    assert third[::2, ::2].tolist() == first.tolist()
    assert third.shape == (8, 8, 3)


def test_it_is_made_small_enough_or_refused():
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), np.uint8)
    pictures = [Image.fromarray(frame) for frame in noise]
    largest = len(encoded(pictures)) // 2
    assert len(encoded(pictures, largest)) <= largest
    with pytest.raises(ClickException, match="fewer --frames"):
        encoded(pictures, 100)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--factor", "3", "--first", "2", "--frames", "4"), f"expected {3 * FRAMES}"),
        (("--first", "2", "--frames", "4", "--scale", "2"), "say how many with --scale"),
        (("--first", "7", "--frames", "3"), f"expected some of the {FRAMES}"),
    ],
)
def test_what_does_not_fit_together_is_refused(run, words, told):
    done = call(run, *words)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())


def test_the_sample_is_there():
    assert SAMPLE.exists()
