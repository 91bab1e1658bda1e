"""What a person sees: cli/console/eta.py, lines.py, progress_bar.py."""

from __future__ import annotations

import errno
import io
import re

import pytest

from cli.console.eta import Pace
from cli.console.lines import Lines, draws
from cli.console.notes import Detail, Error, Stopping
from deeptsr.events import Done, Progress, Warned
from tests.helpers.terminal import Clock, Terminal, draw

DONE = Done("out.mp4", 384, "240", 130.0)


def written(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


# Pace


def run_pace(clock, pace, speed, seconds, start=0.0):
    fraction = start
    for _ in range(seconds):
        clock.now += 1
        fraction += speed
        pace.update(fraction)
    return fraction


def test_a_steady_job_ends_when_it_was_said_to():
    clock = Clock()
    pace = Pace(clock)
    pace.update(0.0)
    run_pace(clock, pace, 0.01, 40)
    assert pace.left() == pytest.approx(60)


def test_nothing_is_said_before_it_means_something():
    clock = Clock()
    pace = Pace(clock)
    assert pace.left() is None
    pace.update(0.0)
    run_pace(clock, pace, 0.01, 4)
    assert pace.left() is None  # too soon
    clock.now += 100
    pace.update(0.04)
    assert pace.left() is not None

    pace = Pace(clock)
    pace.update(0.0)
    run_pace(clock, pace, 0.0001, 20)
    assert pace.left() is None  # too little


def test_it_counts_down_between_two_reports_but_not_to_zero():
    clock = Clock()
    pace = Pace(clock)
    pace.update(0.0)
    run_pace(clock, pace, 0.01, 40)
    clock.now += 10
    assert pace.left() == pytest.approx(50)
    clock.now += 1000
    assert pace.left() == pytest.approx(30)


def test_what_is_done_has_no_time_left():
    clock = Clock()
    pace = Pace(clock)
    pace.update(0.0)
    assert run_pace(clock, pace, 0.03125, 31) < 1
    assert pace.left() is not None
    clock.now += 1
    pace.update(1.0)
    assert pace.left() is None


def test_work_that_was_found_is_not_taken_for_speed():
    clock = Clock()
    pace = Pace(clock)
    pace.update(0.0)
    clock.now += 0.5
    pace.update(0.5)  # resumed
    run_pace(clock, pace, 0.005, 20, start=0.5)
    assert pace.left() == pytest.approx(80)


def test_a_change_of_speed_is_followed():
    clock = Clock()
    pace = Pace(clock)
    pace.update(0.0)
    fraction = run_pace(clock, pace, 0.005, 100)
    run_pace(clock, pace, 0.001, 200, start=fraction)
    slow = (1 - 0.7) / 0.001
    assert 0.8 * slow < pace.left() < slow


# Plain lines


def test_lines_come_at_each_tenth_and_each_phase_and_not_faster_than_every_few_seconds():
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, clock=clock)
    for percent in range(101):
        lines(Progress(percent / 100, "fit" if percent < 55 else "render", f"step {percent}"))
        clock.now += 1
    shown = [int(re.search(r"step (\d+)", line)[1]) for line in written(stream)]
    assert shown == [0, 10, 20, 30, 40, 50, 55, 60, 70, 80, 90, 100]

    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, clock=clock)
    for percent in range(101):
        lines(Progress(percent / 100, "fit", "x"))
        clock.now += 0.05
    assert len(written(stream)) == 3  # in five seconds


def test_a_line_comes_now_and_then_even_when_the_job_crawls():
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, clock=clock)
    for second in range(300):
        lines(Progress(second / 1e6, "fit", "x"))
        clock.now += 1
    assert len(written(stream)) == 5


def test_lines_say_the_time_left():
    clock, stream = Clock(), io.StringIO()
    lines = Lines(stream, clock=clock)
    for percent in range(51):
        lines(Progress(percent / 100, "fit", "x"))
        clock.now += 1
    assert written(stream)[0] == "  0%  x"
    assert written(stream)[-1] == " 50%  x (50 s left)"


def test_quiet_says_warnings_and_errors_only():
    stream = io.StringIO()
    lines = Lines(stream, quiet=True)
    for event in (Progress(0.5, "fit", "x"), DONE, Detail("d"), Warned("w"), Error("e", 3)):
        lines(event)
    assert written(stream) == ["warning: w", "error: e"]
    lines(Stopping())
    assert written(stream)[-1].startswith("stopping after this step")


def test_details_are_for_verbose():
    usual, verbose = io.StringIO(), io.StringIO()
    Lines(usual)(Detail("d"))
    Lines(verbose, verbose=True)(Detail("d"))
    assert written(usual) == []
    assert written(verbose) == ["d"]


def test_a_stderr_that_nobody_reads_does_not_stop_the_work():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    lines = Lines(Gone())
    lines(DONE)
    lines(Warned("w"))


# The bar


def test_a_bar_is_drawn_only_on_a_terminal_that_can(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert draws(Terminal())
    assert not draws(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not draws(Terminal())


@pytest.mark.parametrize("width", [40, 80])
def test_the_bar_fits_the_terminal(monkeypatch, width):
    shown = draw(
        monkeypatch,
        *(Progress(k / 100, "fit", "a long detail " * 9) for k in range(43)),
        width=width,
    )
    seen = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown).replace("\r", "\n").split("\n")
    assert max(map(len, seen)) <= width
    assert any(re.search(r"━ +42%  1 min left", line) for line in seen)
    assert any(line.endswith("…") for line in seen)


def test_no_color_is_honoured(monkeypatch):
    events = (Progress(0.5, "fit", "x"), Warned("w"), Error("e", 3))
    colour = re.compile(r"\x1b\[[0-9;]*[34][0-9](;|m)|\x1b\[[34]8;")
    assert colour.search(draw(monkeypatch, *events))
    assert not colour.search(draw(monkeypatch, *events, NO_COLOR="1"))


def test_the_cursor_comes_back_and_the_last_word_stands_below_the_bar(monkeypatch):
    shown = draw(monkeypatch, Progress(0.5, "fit", "x"), Error("e", 3))
    assert shown.rindex("\x1b[?25l") < shown.rindex("\x1b[?25h") < shown.rindex("error:")


def test_words_are_not_broken_nor_are_paths(monkeypatch):
    path = "/a/" + "long" * 20
    shown = draw(monkeypatch, Done(path, 384, "240", 130.0), width=40)
    assert shown == f"wrote\n{path}:\n384 frames at 240 fps in 2 min 10 s\n"


def test_markup_in_a_file_name_is_text(monkeypatch):
    assert draw(monkeypatch, Warned("[red]x[/red] :smile:")).endswith("[red]x[/red] :smile:\n")
