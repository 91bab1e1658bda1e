"""Which frames of input and result belong together, and what plain methods make of the input."""

import json
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest

from deeptsr.config import Options
from deeptsr.errors import InputError, OptionError
from deeptsr.report.film import Panels
from deeptsr.report.footage import Footage
from deeptsr.report.stills import to_bytes
from tests.helpers.clips import raw_clip
from tests.helpers.synth import pan

STEP = 6  # grey levels from a frame to the next
SIZE = (48, 32)


def ramp(path, frames, rate, *options, step=STEP):
    """Flat frames, each a little brighter than the one before."""
    levels = (20 + step * np.arange(frames))[:, None, None, None]
    flat = np.broadcast_to(levels, (frames, 32, 48, 3)).astype(np.uint8)
    return raw_clip(path, flat, "rgb24", SIZE, *options, "-c:v", "ffv1", rate=rate)


def footage(folder, made, *source_options, frames=12, rate="30", cuts=(), **changes):
    source = ramp(folder / "in.mkv", frames, rate, *source_options)
    result = ramp(folder / "out.mkv", made, "60", step=1)
    kept = json.loads(json.dumps(asdict(Options(**changes)), default=str))  # as a record has them
    return Footage(source, result, kept, cuts)


def shown(film, stretch, method="linear"):
    """The grey levels of what a plain method makes."""
    frames = list(film.plain(method, stretch, lambda picture: picture))
    assert len(frames) == len(film.fine(stretch))
    assert all(np.ptp(frame) < 2 / 255 for frame in frames)
    return np.array([frame.mean() * 255 for frame in frames])


def test_a_whole_factor(tmp_path):
    film = footage(tmp_path, 36, factor=3)
    assert [film.owner(n) for n in range(36)] == [n // 3 for n in range(36)]
    assert film.fine(range(4, 7)) == range(12, 21)
    assert film.lawful
    middle = (np.arange(12, 21) + 0.5) / 3 - 0.5  # in frames of the input
    np.testing.assert_allclose(shown(film, range(4, 7)), 20 + STEP * middle, atol=0.01)
    np.testing.assert_allclose(
        shown(film, range(4, 7), "minterpolate"), 20 + STEP * middle, atol=1.01
    )
    assert list(shown(film, range(12))[:2]) == pytest.approx([20, 20], abs=0.01)  # stands still
    pairs = [
        (index, round(coarse.mean() * 255), round(made.mean() * 255))
        for index, coarse, made in film.together(range(4, 6))
    ]
    assert pairs == [(n // 3, 20 + STEP * (4 + n // 3), 20 + 12 + n) for n in range(6)]


def test_a_rate_that_is_no_multiple(tmp_path):
    film = footage(tmp_path, 20, fps=Fraction(50))
    assert not film.lawful
    assert [film.owner(n) for n in range(20)] == [int((n + 0.5) * 30 / 50) for n in range(20)]
    inner = range(3, 9)
    numbers = film.fine(inner)
    assert (numbers.start, numbers.stop) == (5, 15)
    middle = (np.array(numbers) + 0.5) * 30 / 50 - 0.5
    np.testing.assert_allclose(shown(film, inner), 20 + STEP * middle, atol=0.25)


@pytest.mark.parametrize("method", ["linear", "minterpolate"])
@pytest.mark.parametrize(("made", "changes"), [(36, {"factor": 3}), (20, {"fps": Fraction(50)})])
def test_nothing_is_blended_across_a_cut(tmp_path, method, made, changes):
    film = footage(tmp_path, made, cuts=(6,), **changes)
    assert film.scenes(range(4, 9)) == [range(2), range(2, 5)]
    assert film.scenes(range(6, 9)) == [range(3)]
    ends = [shown(film, range(first, first + 4), method) for first in (2, 6)]
    before, after = 20 + STEP * 5, 20 + STEP * 6  # at the cut each scene stands still
    assert ends[0][-1] == pytest.approx(before, abs=1.01)
    assert ends[1][0] == pytest.approx(after, abs=1.01)
    across = shown(film, range(4, 8), method)
    assert not np.any((across > before + 1.01) & (across < after - 1.01))


def test_slow_motion_happens_in_the_time_of_the_input(tmp_path):
    film = footage(tmp_path, 24, factor=2, slow_motion=True)
    assert film.shown.rate == 60
    assert film.schedule.stretch == 2
    assert film.owner(23) == 11


VARIES = "settb=1/1000,setpts='N*20+max(0,N-4)*20'"


@pytest.mark.parametrize("vfr", ["keep", "cfr"])
def test_a_variable_rate(tmp_path, vfr):
    varies = ("-vf", VARIES, "-fps_mode", "passthrough", "-enc_time_base", "1/1000")
    film = footage(tmp_path, 16, *varies, frames=8, factor=2, vfr=vfr)
    if vfr == "keep":
        assert [film.owner(n) for n in range(16)] == [n // 2 for n in range(16)]
    else:
        assert 230 <= 1000 * film.shown.duration <= 240  # the last frame's is not stored
        at = [float(1000 * film.shown.duration) * (n + 0.5) / 16 for n in range(16)]  # ms
        assert film.shown.is_constant
        assert [film.owner(n) for n in range(16)] == [
            int(t // 20 if t < 80 else 4 + (t - 80) // 40) for t in at
        ]
    assert np.all(np.diff(shown(film, range(2, 6))) > 0)


def test_what_the_run_left_out_is_left_out_here(tmp_path):
    source = raw_clip(
        tmp_path / "in.mkv",
        (pan(6, 32, 48).numpy() * 255).round().astype(np.uint8).repeat(2, axis=0),
        *("rgb24", SIZE, "-c:v", "ffv1"),
        rate="30",
    )
    result = ramp(tmp_path / "out.mkv", 12, "30", step=1)
    options = asdict(Options(factor=2, duplicates="drop", scenes="off"))
    film = Footage(source, result, options)
    assert (film.frames, film.source.rate) == (6, 15)
    listed = tmp_path / "cuts.txt"
    listed.write_text("5\n")  # a repeat that begins a scene stays
    with pytest.raises(InputError, match="expected 14"):
        Footage(source, result, {**options, "scenes": str(listed)})
    listed.unlink()
    with pytest.raises(OptionError, match=r"cuts\.txt"):
        Footage(source, result, {**options, "scenes": str(listed)})


def test_the_input_is_read_as_the_run_read_it(tmp_path):
    film = footage(tmp_path, 8, factor=2, start=0.1, end=7 / 30, deinterlace=True)
    assert (film.frames, film.source.deinterlace) == (4, True)
    (first, *_) = film.coarse(range(1))
    assert first.mean() * 255 == pytest.approx(20 + 3 * STEP, abs=0.6)


def test_a_result_of_another_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="has 23 frames; expected 24"):
        footage(tmp_path, 23, factor=2)


def test_the_film_holds_all_four_in_step(tmp_path):
    film = footage(tmp_path, 24, factor=2)
    stretch = range(12)
    panels = Panels(film, stretch)
    assert panels.size == SIZE
    plain = [shown(film, stretch, method) for method in ("linear", "minterpolate")]
    for number, (index, coarse, made) in enumerate(film.together(stretch)):
        frame = panels.frame(index, coarse, made)
        quarters = [q.mean() for half in np.split(frame, 2) for q in np.split(half, 2, axis=1)]
        expected = [to_bytes(coarse).mean(), plain[0][number], plain[1][number], 20 + number]
        np.testing.assert_allclose(quarters, expected, atol=1.01)


def test_a_larger_result_stands_beside_the_enlarged_input(tmp_path):
    source = ramp(tmp_path / "in.mkv", 12, "30")
    flat = np.full((24, 64, 96, 3), 90, np.uint8)
    result = raw_clip(tmp_path / "out.mkv", flat, "rgb24", (96, 64), "-c:v", "ffv1", rate="60")
    options = Options(factor=2, scale=Fraction(2))
    kept = json.loads(json.dumps(asdict(options), default=str))
    film = Footage(source, result, kept)
    assert not film.lawful
    assert {frame.shape for frame in film.coarse(range(4, 7))} == {(64, 96, 3)}
    shapes = {(coarse.shape, made.shape) for _, coarse, made in film.together(range(2))}
    assert shapes == {((64, 96, 3),) * 2}
    assert len(shown(film, range(4, 7))) == 6
