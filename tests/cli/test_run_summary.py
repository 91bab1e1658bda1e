"""The last lines of a run: cli/console/run_summary.py, and where they are shown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cli.console.lines import Lines
from cli.console.notes import Error
from cli.console.progress_bar import Bar
from cli.console.run_summary import Summary
from deeptsr.events import Done, Planned, Progress, Reported, SelfChecked, Sharpened, StageFitted
from tests.helpers.terminal import Clock, Terminal, draw

PLANNED = Planned(
    *(48, 384, 320, 180, "30000/1001", "240000/1001"),
    *(("S1/4 T1 -> T2", "S1 T2 -> T8"), "fast", "cpu", 1e12, 9.0, 10**9, 10**6),
)
STAGES = (
    StageFitted(1, 2, "S1/4 T1 -> T2", 2.31, 600, 12.0, "fitted"),
    StageFitted(2, 2, "S1 T2 -> T8", -0.04, 300, 12.0, "kept the previous stage's weights"),
)
CHECKED = SelfChecked(34.2, 32.1, 2.1, 46)


def told(events, output="out.mp4", clock=None):
    clock = clock or Clock()
    summary = Summary(clock)
    done = Done(output, 384, "240000/1001", 130.0)
    for seconds, event in (*events, (0, done)):
        clock.now += seconds
        summary(event)
    return summary.text(done).splitlines()


def test_all_that_matters_in_a_few_lines(tmp_path):
    output = tmp_path / "out.mp4"
    output.write_bytes(bytes(1_500_000))
    lines = told(
        [
            (5, PLANNED),
            (1, Progress(0, "read", "reading")),
            (2, Progress(0, "fit", "fitting")),
            (80, STAGES[0]),
            (10, STAGES[1]),
            (1, CHECKED),
            (30, Progress(0.8, "render", "")),  # only told when there are frames
            (30, Progress(1, "finish", "")),
            (0.1, Progress(1, "finish", "")),
        ],
        str(output),
    )
    assert lines == [
        f"wrote {output}: 384 frames at 239.76 fps in 2 min 10 s",
        "  gain    +2.1 dB over linear interpolation, on held-out frames of this video (likely)",
        "  stages  1  S1/4 T1 -> T2  +2.3 dB",
        "          2  S1 T2 -> T8    +0.0 dB, kept the previous stage's weights",
        "  time    reading 2.0 s, fitting 1 min 31 s, rendering 1 min",
        "  video   29.97 -> 239.76 fps, 320 x 180, 1.6 s, 1.5 MB",
    ]


def test_the_size_and_what_detail_was_found():
    planned = replace(PLANNED, width_out=640, height_out=360)
    lines = told([(0, planned), (1, Sharpened(2, 1.26, "sharpened", share=0.9))])
    assert lines[1] == (
        "  detail  +1.3 dB over bicubic, on frames shrunk and enlarged again; 90% of what was "
        "found is added"
    )
    assert ", 640 x 360," in lines[-1]
    lines = told([(0, planned), (1, Sharpened(2, 0.9, "interpolates", share=0.0))])
    assert lines[1].endswith("again; none is added")
    lines = told([(0, planned), (1, Sharpened(2, 0.9, "sharpened", share=0.5, agreement=0.4))])
    assert lines[1].endswith("found is added, 40% of the frames is believed")


def test_a_folder_s_images_are_added_up(tmp_path):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(bytes(1000))
    for output in (f"{tmp_path}/", f"{tmp_path}/%05d.png"):
        assert told([(0, PLANNED)], output)[-1].endswith(", 2.0 kB")
    assert told([(0, PLANNED)], str(tmp_path / "gone.mp4"))[-1].endswith("320 x 180, 1.6 s")


def test_a_job_without_a_plan_has_one_line():
    assert told([(0, Progress(0, "render", "averaging"))]) == [
        "wrote out.mp4: 384 frames at 239.76 fps in 2 min 10 s"
    ]


def test_a_name_cannot_disturb_the_terminal():
    assert told([(0, PLANNED)], "a\x1b[31mb.mp4")[0].startswith(r"wrote a\x1b[31mb.mp4: ")


RUN = (PLANNED, Progress(0.1, "fit", "fitting"), *STAGES, CHECKED, Progress(0.9, "render", "x"))
DONE = Done("out.mp4", 384, "240000/1001", 130.0)


def test_the_bar_gives_way_to_the_summary(monkeypatch):
    shown = draw(monkeypatch, *RUN, DONE, width=60)
    after = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown[shown.rindex("\x1b[?25h") :]).strip()
    lines = after.splitlines()
    assert lines[0] == "wrote out.mp4: 384 frames at 239.76 fps in 2 min 10 s"
    assert lines[1] == "  gain    +2.1 dB over linear interpolation, on held-out"
    assert lines[2] == "          frames of this video (likely)"
    assert "self-check" not in after  # the same again
    assert max(map(len, lines)) <= 60
    assert "\x1b[32m  gain    +2.1 dB" in shown


def test_no_bar_stays_when_the_report_is_made(monkeypatch):
    told = (*RUN, DONE, Progress(1.0, "report", "making the report"), Reported("r.html", 900))
    shown = draw(monkeypatch, *told)
    after = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown[shown.rindex("\x1b[?25h") :])
    assert after.strip() == "wrote r.html: 900 bytes, open it in a browser"


def test_what_was_reached_stays_below_a_bar_that_an_error_ends(monkeypatch):
    shown = draw(monkeypatch, *RUN, Error("what", 3))
    assert "stage 1 of 2: fitted, +2.3 dB" in shown
    assert shown.rindex("self-check: +2.1 dB") < shown.rindex("error:")


@pytest.mark.parametrize(("gain", "colour"), [(0.3, "32"), (-0.3, "33")])
def test_a_loss_has_another_colour(monkeypatch, gain, colour):
    shown = draw(monkeypatch, PLANNED, SelfChecked(30 + gain, 30, gain, 8), DONE)
    assert f"\x1b[{colour}m  gain" in shown


def test_plain_lines_end_with_the_summary_and_quiet_ones_do_not(capsys):
    import sys  # noqa: PLC0415, the stream that capsys has put there

    for quiet in (False, True):
        lines = Lines(sys.stderr, quiet=quiet)
        for event in (*RUN, DONE):
            lines(event)
        err = capsys.readouterr().err
        assert ("  gain    +2.1 dB over linear" in err) != quiet
        assert "\x1b" not in err


def test_a_bar_makes_room_for_an_answer_on_stdout(monkeypatch):
    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    bar = Bar(stream, clock=Clock())
    bar(Progress(0.5, "compare", "comparing"))
    bar.clear()
    shown = stream.getvalue()
    assert "comparing" in shown
    # The cursor goes up again over both lines, and wipes them.
    assert shown[shown.rindex("comparing") :].count("\x1b[2K") >= 2
    bar.clear()
    assert stream.getvalue() == shown
