"""``deeptsr probe``: what it says, and to whom."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from fractions import Fraction

import pytest
from click.testing import CliRunner

from cli.commands import probe as module
from cli.commands.upscale import upscale
from cli.console.sentences import sentence
from cli.console.sheets.probe import sheet
from cli.main import cli
from deeptsr.config import Options
from deeptsr.events import Planned, Probed
from tests.helpers.clips import clip

PROBED = Probed(
    input="a.mp4",
    container="QuickTime / MOV",
    size_bytes=510_000,
    codec="h264",
    pix_fmt="yuv420p10le",
    depth=10,
    width=320,
    height=180,
    rotation=0,
    mirrored=False,
    sample_aspect_ratio="1",
    matrix="bt709",
    range="tv",
    primaries="bt709",
    transfer="unknown",
    hdr=False,
    alpha=False,
    interlaced=False,
    frames=48,
    rate="24000/1001",
    variable=False,
    duration=2.002,
    start=0.0,
    sounds=(),
    subtitles=(),
    others=(),
    chapters=0,
    notes=(),
    used=(0, 48),
    cuts=(),
    cuts_used=(),
    duplicates=(),
    plan=Planned(
        48, 384, 320, 180, "30", "240", ("S1/2 T1 -> T2",), "fast", "cpu", 1e12, 130.0, 10**9, 10**6
    ),
)


def rows(verbose=False, **changes):
    lines = sheet(replace(PROBED, **changes), verbose).splitlines()
    return [line.split(maxsplit=1) for line in lines if line.startswith("  ")]


def test_the_plain_case():
    assert sentence(PROBED).splitlines()[:11] == [
        "a.mp4",
        "  container   QuickTime / MOV, 510 kB",
        "  video       h264",
        "  size        320 x 180",
        "  pixels      yuv420p10le, 10 bits",
        "  colour      matrix bt709, limited range, primaries bt709",
        "  rate        23.976 frames a second (exactly 24000/1001)",
        "  frames      48",
        "  duration    2.002 s",
        "  sound       none",
        "",
    ]
    assert ["scenes", "1"] in rows()
    assert ["duplicates", "none"] in rows()


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        (
            {"sample_aspect_ratio": "4/3"},
            ["size", "320 x 180, shown as 427 x 180 (pixels are 4/3 as wide as high)"],
        ),
        ({"rotation": 90}, ["turned", "by 90 degrees clockwise"]),
        (
            {"rotation": 270, "mirrored": True},
            ["turned", "by 270 degrees clockwise, mirrored"],
        ),
        ({"mirrored": True}, ["turned", "mirrored"]),
        ({"alpha": True}, ["pixels", "yuv420p10le, 10 bits, partly transparent"]),
        (
            {"matrix": "gbr", "range": "pc", "transfer": "smpte2084", "hdr": True},
            [
                "colour",
                "RGB, full range, primaries bt709, transfer smpte2084, high dynamic range",
            ],
        ),
        (
            {"variable": True, "rate": "30"},
            ["rate", "30 frames a second, variable: on the average"],
        ),
        ({"start": 1.5}, ["start", "1.500 s"]),
        ({"interlaced": True}, ["fields", "interlaced"]),
        ({"sounds": ("aac, eng", "opus")}, ["sound", "aac, eng"]),
        ({"subtitles": ("subrip",)}, ["subtitles", "subrip"]),
        ({"others": ("data",)}, ["also", "data"]),
        ({"chapters": 2}, ["chapters", "2"]),
        ({"notes": ("damaged",)}, ["note", "damaged"]),
        ({"used": (10, 20)}, ["used", "frames 10 to 19, counted here from 0"]),
        ({"cuts": (30,)}, ["scenes", "2: cut before frame 30"]),
        ({"cuts": (30, 40), "cuts_used": ()}, ["taken", "as    1"]),
        ({"duplicates": (3, 5)}, ["duplicates", "2 repeat the one before: 3, 5"]),
        ({"duplicates": (3,)}, ["duplicates", "1 repeats the one before: 3"]),
    ],
)
def test_what_is_unusual_has_its_row(changes, row):
    assert row in rows(**changes)
    assert row not in rows()


def test_many_frames_are_named_only_when_asked_for():
    many = tuple(range(1, 24, 2))
    assert ["duplicates", "12 repeat the one before: 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, ..."] in (
        rows(duplicates=many)
    )
    assert dict(r for r in rows(True, duplicates=many) if len(r) == 2)["duplicates"].endswith(
        ", 23"
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return str(clip(tmp_path_factory.mktemp("film") / "in.mkv", frames=8))


def run(*args):
    return CliRunner().invoke(cli, ["probe", *map(str, args)])


def test_the_answer_is_on_stdout_and_the_talk_is_not(film):
    result = run(film, "--factor", 2, "--preset", "fast", "--device", "cpu")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{film}\n  container   Matroska")
    assert "\n  frames      8 -> 16\n" in result.stdout
    assert "%" not in result.stdout
    assert "frame 0 of 8" in result.stderr


def test_as_json_each_line_is_an_object_and_the_last_is_the_answer(film):
    result = run(film, "--json", "--fps", "60", "--preset", "fast", "--device", "cpu")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["event"] for line in lines[:-1]} == {"Progress"}
    assert (lines[-1]["event"], lines[-1]["frames"]) == ("Probed", 8)
    assert lines[-1]["plan"]["rate_out"] == "60"
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["none.mp4", "--preset", "fast"], 3, "does not exist"),
        (["none.mp4", "--preset", "fast", "--factor", "1"], 2, "factor"),
        (["none.mp4", "--fps", "60", "--factor", "2"], 2, "exclude each other"),
        (["none.mp4", "-o", "out.mp4"], 2, "No such option"),
    ],
)
def test_errors_are_those_of_upscale(args, code, word):
    result = run(*args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert word in result.stderr


def test_it_takes_the_settings_of_upscale_and_hands_them_on(monkeypatch):
    seen = []
    monkeypatch.setattr("deeptsr.jobs.probe.probe_file", lambda *call: seen.append(call))
    args = ("--factor", "3", "--scenes", "off", "--start", "0.5", "--device", "cpu")
    assert run("in.mp4", *args, "--preset", "fast").exit_code == 0
    options = seen[0][1]
    assert isinstance(options, Options)
    assert (options.factor, options.scenes, options.start) == (3, "off", Fraction(1, 2))
    names = {p.name for p in cli.commands["probe"].params}
    assert {p.name for p in upscale.params} - names == {
        *("output", "codec", "crf", "pix_fmt", "overwrite"),
        *("work_dir", "report", "resume", "dry_run", "preview", "save_fit"),
    }


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_it_is_drawn_and_no_name_can_touch_it(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    monkeypatch.setattr(module.sys, "stdout", terminal)
    module._draw(replace(PROBED, input="a\x1b[2J.mp4", notes=("[b]words[/b] " * 9,)), False)
    shown = terminal.getvalue()
    assert "\x1b[1ma\\x1b[2J.mp4" in shown
    assert "\x1b[36m  container" in shown
    assert shown.count("[b]words[/b]") == 9
