"""Events in words: cli/console/sentences.py."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import deeptsr
from cli.commands.evaluate import evaluate
from cli.commands.upscale import upscale
from cli.console.eta import time_left
from cli.console.notes import Detail, Error, Stopping
from cli.console.sentences import as_flags, sentence, settings
from deeptsr.config import Options
from deeptsr.events import (
    Budgeted,
    Done,
    Event,
    Planned,
    Pretrained,
    Progress,
    SelfChecked,
    Sharpened,
    StageFitted,
    Surveyed,
    Taught,
    TimeCorrected,
    VideoEnded,
    VideoWarned,
    Warned,
)

NAMED = "no room; choose another `work_dir`, or `vfr` cfr"

PLANNED = Planned(
    frames_in=48,
    frames_out=384,
    width=320,
    height=180,
    rate_in="30000/1001",
    rate_out="240000/1001",
    stages=("S1/2 T1 -> T2", "S1 T2 -> T8"),
    preset="fast",
    device="cpu",
    operations=3.2e13,
    seconds=130.0,
    memory_bytes=1_250_000_000,
    disk_bytes=35_400_000,
)
FITTED = StageFitted(1, 2, "S1/2 T1 -> T2", 2.31, 600, 12.0, "fitted", (0.6, 0.3, 0.1))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "5 s left"),
        (37, "40 s left"),
        (57, "1 min left"),
        (133, "2 min 20 s left"),
        (601, "11 min left"),
        (7201, "2 h 1 min left"),
    ],
)
def test_time_left_is_never_too_short_and_never_too_fine(seconds, text):
    assert time_left(seconds) == text


def test_scenes_are_counted_and_not_all_cuts_named():
    assert sentence(Surveyed((30,))).startswith(
        "2 scenes, each taken by itself: cut before frame 30,"
    )
    many = Surveyed(tuple(range(10, 130, 10)))
    assert "13 scenes" in sentence(many)
    assert "90, 100, ...," in sentence(many)
    assert "110, 120," in sentence(many, verbose=True)


def test_settings_are_named_as_flags():
    flag = "; choose another --work-dir, or --vfr cfr"
    for event in (Warned(NAMED), Error(NAMED, 2), VideoWarned("a.mp4", NAMED)):
        assert as_flags(event).message == "no room" + flag
    assert as_flags(PLANNED) is PLANNED


def spoken_in(path):
    """The texts in a module, less what documents it."""
    tree = ast.parse(path.read_text())
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text and id(node) not in documented:
            yield node.value


def test_the_library_names_settings_that_are_flags():
    named = set()
    for path in Path(deeptsr.__file__).parent.rglob("*.py"):
        for text in spoken_in(path):
            named |= set(re.findall("`([a-z_]+)`", text))
    assert {"deinterlace", "work_dir", "vfr"} <= named
    assert named <= {flag.name for command in (upscale, evaluate) for flag in command.params}


def test_a_plan_names_all_that_the_user_decides_by():
    text = sentence(PLANNED)
    for part in (
        "48 -> 384",
        "29.97 -> 239.76",
        "320 x 180",
        "S1/2 T1 -> T2\n",
        "S1 T2 -> T8\n",
        "fast, on cpu",
        "about 2 min 10 s",
        "1.2 GB",
        "35 MB",
    ):
        assert part in text
    assert "30000/1001" not in text
    assert "30000/1001" in sentence(PLANNED, verbose=True)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Progress(0.07, "fit", "step 7"), "  7%  step 7"),
        (FITTED, "stage 1 of 2: fitted, +2.3 dB against linear interpolation"),
        (
            SelfChecked(34.2, 32.1, 2.1, 46),
            "self-check: +2.1 dB over linear interpolation on this video's own held-out frames; "
            "the way that things move is likely right",
        ),
        (
            Sharpened(2, 1.26, "sharpened", share=0.9),
            "detail: 90% of what was found is added; +1.26 dB over bicubic, on frames that were "
            "shrunk and enlarged again",
        ),
        (
            Sharpened(2, 0.5, "interpolates", share=0.0),
            "detail: none is added; +0.50 dB over bicubic, on frames that were shrunk and enlarged "
            "again",
        ),
        (
            Sharpened(2, 0.5, "interpolates", share=0.0, agreement=0.4),
            "detail: none is added; +0.50 dB over bicubic, on frames that were shrunk and enlarged "
            "again; 40% of the frames is believed",
        ),
        (
            Sharpened(2, 1.4, "taught", 200),
            "detail, step 200: +1.40 dB on clips that are never taught",
        ),
        (
            Pretrained("s.safetensors", 177_000, 90.0, space=True),
            "wrote s.safetensors: 177 kB in 1 min 30 s; use it with deeptsr upscale --space-prior "
            "s.safetensors",
        ),
        (
            TimeCorrected(1, 12.0, "begins at 1/4 of the size"),
            "stage 1 begins at 1/4 of the size: about 12 s in all",
        ),
        (Warned("mind this"), "warning: mind this"),
        (Done("-", 40, "120", 9.0), "wrote to stdout: 40 frames at 120 fps in 9.0 s"),
        (
            Done("out.mp4", 384, "240", 130.0),
            "wrote out.mp4: 384 frames at 240 fps in 2 min 10 s",
        ),
        (Stopping(), "stopping after this step; once more to stop at once"),
        (Error("no such file", 3), "error: no such file"),
        (Error("internal error: x", 1), "internal error: x"),
        (Error("interrupted; go on", 130), "interrupted; go on"),
        (Detail("a\nb"), "a\nb"),
    ],
)
def test_sentences(event, text):
    assert sentence(event) == text


def test_a_loss_is_not_hidden():
    assert "-0.4 dB" in sentence(SelfChecked(30.0, 30.4, -0.4, 8))


def test_verbose_adds_the_figures():
    assert "S1/2 T1 -> T2" in sentence(FITTED, verbose=True)
    assert "600 steps in 12 s" in sentence(FITTED, verbose=True)
    assert "46 frames" in sentence(SelfChecked(34.2, 32.1, 2.1, 46), verbose=True)


def test_an_event_that_is_not_known_is_told_field_by_field():
    @dataclass(frozen=True)
    class Preview(Event):
        output: str

    assert sentence(Preview("a.mp4")) == "Preview: output a.mp4"


def test_no_control_character_of_a_file_name_gets_out():
    text = sentence(Warned("a\x1b[31mb\r\x07\udcff é 映"))
    assert text == r"warning: a\x1b[31mb\r\x07\udcff é 映"


def test_a_name_begins_no_line_and_turns_none_around():
    evil = "x\nwrote evil.mp4: \u202egnp.exe\u2028\u2066"
    told = r"x\nwrote evil.mp4: \u202egnp.exe\u2028\u2066"
    assert sentence(Warned(evil)) == f"warning: {told}"
    done = Done(evil, 8, "25", 1.0)
    assert sentence(done).startswith(f"wrote {told}: 8 frames")
    assert "\n" not in sentence(VideoEnded(evil, evil, "failed", 1, 1.0, None, evil))
    assert sentence(Warned("\U0001f468\u200d\U0001f469")) == "warning: \U0001f468\u200d\U0001f469"
    assert sentence(Detail("one\ntwo")) == "one\ntwo"


def test_settings_name_every_section_and_value():
    text = settings(Options())
    assert text.splitlines()[0].startswith("preset fast, factor 8, fps None, vfr keep")
    assert "pairs: within 0.8, across 0.2, shift 0.0" in text
    assert len(text.splitlines()) == 6


def test_steps_of_a_budget_are_counted():
    def steps(*made):
        return sentence(Budgeted(10.0, 9.0, "fast", made, False)).split(", ")[1]

    assert steps(1) == "1 step"
    assert steps(0) == "0 steps"
    assert steps(300, 120) == "300 + 120 steps"
    assert steps() == "0 steps"  # a size alone is asked for


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("any/full-1", "+2.00 dB over interpolation on things of all kinds, +7.00 dB on blades"),
        (
            "turning/full-1",
            "step 5: +7.00 dB over interpolation on blades beyond the aliasing limit",
        ),
        ("judge/full-1", "step 5: +7.00 dB over interpolation on what it is to make of blades"),
        ("classifier/full-1", "step 5: 7.0 % of blades told right, 2.0 % of things of all kinds"),
    ],
)
def test_each_network_of_a_prior_is_told_by_what_it_is_taught(variant, words):
    told = sentence(Taught(variant, 5, 2.0, 7.0))
    assert words in told
    assert told.endswith("none of them taught")
