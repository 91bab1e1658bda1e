"""``deeptsr upscale`` from the inside, with a library that only listens."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import types
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cli.commands.upscale import upscale
from cli.main import cli
from deeptsr import errors
from deeptsr.config import NETWORKS, EncodeSettings, Options, PairSettings, preset
from deeptsr.events import Done, Planned, Previewed, Progress, SelfChecked, StageFitted, Warned
from tests.helpers.full_disk import full

PLANNED = Planned(
    48, 384, 320, 180, "30", "240", ("S1 T1 -> T8",), "fast", "cpu", 1e12, 9.0, 10**9, 10**6
)
PREVIEWED = Previewed("out.preview.webm", 1.5, 3.5, 10.0, 160, 90, 60, 480, 0, 9.5, PLANNED)
EVENTS = (
    PLANNED,
    Progress(0.0, "fit", "fitting"),
    Warned("mind this"),
    StageFitted(1, 1, "S1 T1 -> T8", 2.3, 600, 5.0, "fitted"),
    SelfChecked(34.2, 32.1, 2.1, 46),
    Done("out.mp4", 384, "240", 9.0),
)


class Recorder:
    """Stands in for the one of ``deeptsr.report``: passes events on, and saves nothing."""

    def __init__(self, source, output, options, on_event, *, command):
        self.on_event = on_event

    def __call__(self, event):
        self.on_event(event)

    def record(self):
        return types.SimpleNamespace(save=lambda folder: None)


@dataclass
class Library:
    """Stands in for ``jobs.upscale`` and ``system.devices``; notes what it is asked."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    suits: str = "fast"
    notes: tuple[str, ...] = ()
    fails: BaseException | None = None

    def plan_file(self, input, output, options, on_event):
        self.calls.append(("plan", input, output, options))
        for note in self.notes:
            on_event(Warned(note))
        if self.fails is not None:
            raise self.fails
        return PLANNED

    def upscale_file(self, input, output, options, on_event):
        assert isinstance(on_event, Recorder)
        self.calls.append(("upscale", input, output, options))
        for event in EVENTS[:-1]:
            on_event(event)
        if self.fails is not None:
            raise self.fails
        on_event(EVENTS[-1])
        return EVENTS[-1]

    def choose(self, device):
        self.devices.append(device)
        return device

    def default_preset(self, device):
        return self.suits


@pytest.fixture
def library(monkeypatch):
    fake = Library()
    run = types.ModuleType("deeptsr.jobs.upscale")
    run.upscale_file = fake.upscale_file
    dry_run = types.ModuleType("deeptsr.jobs.probe")
    dry_run.plan_file = fake.plan_file
    devices = types.ModuleType("deeptsr.system.devices")
    devices.choose, devices.default_preset = fake.choose, fake.default_preset
    record = types.ModuleType("deeptsr.report.record")
    record.Recorder = Recorder
    for module in (run, dry_run, devices, record):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake


def call(*args):
    return CliRunner().invoke(cli, ["upscale", "in.mp4", "-o", "out.mp4", *args])


# What reaches the library


def test_without_flags_the_options_are_the_preset_s(library):
    assert call().exit_code == 0
    assert library.calls == [("upscale", "in.mp4", "out.mp4", preset("fast"))]


def test_every_flag_reaches_the_library(library):
    flags = (
        "--factor 6 --preset paper --device cuda:1 --seed 7 --exposure delta --within 0.5 "
        "--across 0.25 --shift 0 --start 1:02 --end 01:00:00.5 --codec ffv1 --crf 0 "
        "--pix-fmt yuv444p --work-dir w --overwrite"
    )
    assert call(*flags.split()).exit_code == 0
    base = preset("paper")
    assert library.calls == [
        (
            "upscale",
            "in.mp4",
            "out.mp4",
            replace(
                base,
                factor=6,
                device="cuda:1",
                seed=7,
                exposure="delta",
                start=62.0,
                end=3600.5,
                work_dir="w",
                pairs=replace(base.pairs, within=0.5, across=0.25, shift=0.0, auto=False),
                encode=EncodeSettings("ffv1", 0.0, "yuv444p", overwrite=True),
            ),
        )
    ]
    assert library.devices == []  # the preset was given: nobody needs to look for devices


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_chosen_by_name_in_its_own_size(library, name):
    call("--network", name, "--preset", "balanced")
    assert library.calls[0][3] == preset("balanced", network=NETWORKS[name])


def test_the_network_of_the_preset_stays_as_the_preset_has_it(library):
    for flags in ((), ("--network", "paper")):
        call(*flags, "--preset", "paper")
    assert library.calls[0] == library.calls[1]
    wrong = call("--network", "unet")
    assert wrong.exit_code == 2
    assert "'unet' is not one of 'compact'" in wrong.stderr


def test_a_share_that_is_given_replaces_the_preset_and_its_choice(library):
    call("--across", "0", "--preset", "balanced")
    base = preset("balanced")
    assert library.calls[0][3].pairs == replace(base.pairs, across=0.0, auto=False)


@pytest.mark.parametrize("name", ["fast", "paper"])
def test_a_mix_is_chosen_or_fixed(library, name):
    call("--mix", "auto", "--preset", name)
    call("--mix", "1:2:0", "--preset", name)
    call("--preset", name)
    base = preset(name).pairs
    chosen = [options.pairs for _, _, _, options in library.calls]
    fixed = replace(base, within=1.0, across=2.0, shift=0.0, auto=False)
    assert chosen == [replace(base, auto=True), fixed, base]
    assert base.auto == (name == "fast")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--mix", "auto", "--within", "1"), "--mix excludes"),
        (("--mix", "1:2"), "such as 0.6:0.3:0.1"),
        (("--mix", "best"), "expected auto or"),
        (("--mix", "0:0:0"), "not all of them 0"),
        (("--mix", "1:-1:0"), "0 or more"),
    ],
)
def test_a_mix_that_cannot_be(library, flags, words):
    result = call(*flags)
    assert result.exit_code == 2
    assert words in result.stderr
    assert library.calls == []


@pytest.mark.parametrize("suits", ["fast", "balanced"])
def test_the_preset_that_suits_the_device_is_taken(library, suits):
    library.suits = suits
    call("--device", "cpu", "--factor", "4")
    assert library.devices == ["cpu"]
    assert library.calls[0][3] == preset(suits, device="cpu", factor=4)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("1m30", 90), ("2m3.5s", 123.5)],
)
def test_a_time_budget_cuts_down_the_largest_preset(library, text, seconds):
    assert call("--time-budget", text).exit_code == 0
    assert library.calls[0][3] == preset("quality", time_budget=seconds)
    call("--time-budget", text, "--preset", "balanced")
    assert library.calls[1][3] == preset("balanced", time_budget=seconds)
    assert library.devices == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5", 1.5), (".5", 0.5), ("1:30", 90), ("61:05.25", 3665.25), ("1:00:01", 3601)],
)
def test_moments(library, text, seconds):
    assert call("--end", text).exit_code == 0
    assert library.calls[0][3].end == pytest.approx(seconds)


def test_a_dry_run_plans_and_does_nothing(library):
    result = call("--dry-run", "--factor", "4")
    assert result.exit_code == 0
    assert [c[0] for c in library.calls] == ["plan"]
    assert library.calls[0][3].factor == 4
    assert "48 -> 384" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_look_comes_before_the_work(library, monkeypatch, flags):
    asked = []

    def look(source, output, seconds, options, on_event):
        asked.append((source, output, seconds, options.factor))
        on_event(PREVIEWED)

    module = types.ModuleType("deeptsr.jobs.preview.look")
    module.look = look
    monkeypatch.setitem(sys.modules, module.__name__, module)
    result = call("--preview", "2s", "--factor", "4", *flags)
    assert result.exit_code == 0
    assert (asked, library.calls) == ([("in.mp4", "out.mp4", 2.0, 4)], [])
    if flags:
        assert json.loads(result.stdout.splitlines()[-1])["event"] == "Previewed"
    else:
        for words in ("wrote out.preview.webm", "1.5 to 3.5 s", "made at 160 x 90", "48 -> 384"):
            assert words in result.stderr


def test_a_look_is_no_dry_run(library):
    result = call("--preview", "2s", "--dry-run")
    assert result.exit_code == 2
    assert "--preview and --dry-run exclude each other" in result.stderr


def test_a_dry_run_in_json_is_one_line(library):
    result = call("--dry-run", "--json")
    assert json.loads(result.stdout)["event"] == "Planned"
    assert result.stderr == ""


def test_a_dry_run_warns_beside_its_plan(library):
    library.notes = ("mind this: `vfr` keep",)
    plain, spelt = call("--dry-run"), call("--dry-run", "--json")
    assert "48 -> 384" in plain.stdout
    assert "mind" not in plain.stdout
    assert plain.stderr == spelt.stderr == "warning: mind this: --vfr keep\n"
    told = [json.loads(line) for line in spelt.stdout.splitlines()]
    assert [event["event"] for event in told] == ["Warned", "Planned"]
    assert told[0]["message"] == "mind this: --vfr keep"


# Help


def test_every_flag_is_documented():
    options = [p for p in upscale.params if isinstance(p, click.Option)]
    flags = (
        "output factor fps vfr slow-motion slow-audio scale size camera space-prior "
        "preset network device seed exposure prior "
        "fit save-fit mix within across shift start end deinterlace video-stream background "
        "scenes duplicates codec crf pix-fmt "
        "overwrite time-budget work-dir report memory resume preview dry-run "
        "json quiet verbose log-file"
    )
    assert [p.opts[-1] for p in options] == [f"--{flag}" for flag in flags.split()]
    assert [p.opts for p in options if not p.help] == []


def test_the_defaults_are_those_of_the_settings():
    given = {p.name: p.default for p in upscale.params if isinstance(p, click.Option)}
    base = Options()
    for name in ("factor", "vfr", "device", "seed", "exposure"):
        assert given[name] == getattr(base, name)
    shown = re.sub(r"\s+", " ", CliRunner().invoke(cli, ["upscale", "--help"]).stdout)
    for text in (f"default: {base.factor}", f"default: {base.device}", f"default: {base.exposure}"):
        assert text in shown
    # The flags without a default of their own leave the preset's value alone.
    assert (base.start, base.end, base.work_dir) == (None, None, None)
    assert base.encode == EncodeSettings()
    assert base.pairs == PairSettings()


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("60", Fraction(60)),
        ("120000/1001", Fraction(120_000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("59.94", Fraction(60_000, 1001)),
        ("23.98", Fraction(24_000, 1001)),
        ("25.00", Fraction(25)),
    ],
)
def test_a_rate_instead_of_a_factor(library, text, rate):
    flags = ("--vfr", "cfr", "--slow-motion", "--slow-audio", "--fps", text)
    assert call(*flags).exit_code == 0
    given = {"fps": rate, "vfr": "cfr", "slow_motion": True, "slow_audio": True}
    assert library.calls[0][3] == replace(preset("fast"), **given)


def test_a_rate_and_a_factor_exclude_each_other(library):
    result = call("--fps", "60", "--factor", "4")
    assert result.exit_code == 2
    assert "--factor and --fps exclude each other; expected one of them" in result.stderr


# Wrong usage


@pytest.mark.parametrize(
    "flags",
    [
        "--factor 1",
        "--factor 0",
        "--factor -3",
        "--factor 2.5",
        "--factor 2 --fps 60",
        "--factor 8 --fps 60",
        "--fps 0",
        "--fps -1",
        "--fps 1/0",
        "--fps x",
        "--fps 60000/1001/2",
        "--fps 10000000",
        "--vfr maybe",
        "--duplicates maybe",
        "--slow-audio",
        "--factor x",
        "--preset x",
        "--device gpu",
        "--device cuda:",
        "--device cuda:-1",
        "--seed -1",
        "--seed 9223372036854775808",
        "--seed x",
        "--exposure half",
        "--exposure 0",
        "--exposure 1.5",
        "--exposure 5e-1",
        "--exposure 1e-999999999",
        "--exposure 1/0",
        "--within -0.1",
        "--within nan",
        "--across x",
        "--within 0 --across 0 --shift 0",
        "--start -1",
        "--start x",
        "--start nan",
        "--start 1:60",
        "--start 1:60:00",
        "--start 1:",
        "--start ''",
        "--start 1:2:3:4",
        "--end 0",
        "--time-budget 0",
        "--time-budget 5x",
        "--time-budget -5m",
        "--time-budget ''",
        "--start 2 --end 1",
        "--start 1 --end 1",
        "--crf 99",
        "--crf -1",
        "--crf nan",
        "-q -v",
        "--bogus",
        "another.mp4",
    ],
)
def test_a_bad_value_ends_with_2_before_any_work(library, flags):
    result = call(*("" if f == "''" else f for f in flags.split()))
    assert result.exit_code == 2
    assert library.calls == []
    assert library.devices == []
    assert result.stdout == ""
    assert re.search("^error: ", result.stderr, re.MULTILINE | re.IGNORECASE)
    assert "Traceback" not in result.stderr


def test_an_output_must_be_named(library):
    assert CliRunner().invoke(cli, ["upscale", "in.mp4"]).exit_code == 2


def test_wrong_usage_is_told_in_json_too(library):
    result = call("--json", "--preset", "x")
    told = json.loads(result.stdout)
    assert (told["event"], told["exit_code"]) == ("Error", 2)
    assert "--preset" in told["message"]
    assert "--preset" in result.stderr


# How it ends


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.DeeptsrError("what"), 1),
        (errors.OptionError("what"), 2),
        (errors.DeviceError("what"), 2),
        (errors.OutputError("what"), 2),
        (errors.InputError("what"), 3),
        (errors.ResourceError("what"), 4),
    ],
)
def test_errors_of_the_library_end_with_their_code(library, error, code):
    library.fails = error
    result = call()
    assert result.exit_code == code
    assert result.stderr.splitlines()[-1].endswith("what")
    assert "Traceback" not in result.stderr
    assert call("--dry-run").exit_code == code

    result = call("--json")
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "event": "Error",
        "message": "what",
        "exit_code": code,
    }
    assert "what" in result.stderr


def test_running_out_of_memory_ends_with_4(library):
    library.fails = MemoryError()
    assert call().exit_code == 4


def test_ctrl_c_says_how_to_go_on(library):
    library.fails = KeyboardInterrupt()
    result = call()
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].startswith("interrupted; run the same command again")
    assert json.loads(call("--json").stdout.splitlines()[-1])["exit_code"] == 130


def test_a_bug_is_called_a_bug(library, tmp_path):
    library.fails = ZeroDivisionError("division by zero")
    result = call()
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("internal error: ZeroDivisionError: division by zero (this is a bug")
    assert "Traceback" not in result.stderr
    assert "Traceback" in call("-v").stderr
    log = tmp_path / "log"
    call("-q", "--log-file", str(log))
    assert "Traceback" in log.read_text()
    told = [json.loads(line) for line in call("--json").stdout.splitlines()]
    assert told[-1]["event"] == "Error"


def test_sigterm_is_handled_only_while_a_command_runs(library):
    before = signal.getsignal(signal.SIGTERM)
    seen = []
    library.choose = lambda device: None
    sys.modules["deeptsr.jobs.upscale"].upscale_file = lambda *_: seen.append(
        signal.getsignal(signal.SIGTERM)
    )
    call()
    assert seen != [before]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_runs_in_a_thread_of_its_own(library):
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    assert results[0].exit_code == 0


# What is said, and where


def test_stderr_tells_the_story_in_plain_lines(library):
    result = call()
    assert result.stdout == ""
    assert "\x1b" not in result.stderr
    assert "\r" not in result.stderr
    told = [line for line in result.stderr.splitlines() if not line.startswith("  time")]
    assert told[0].startswith("frames")
    assert told[-8:] == [
        "  0%  fitting",
        "warning: mind this",
        "stage 1 of 1: fitted, +2.3 dB against linear interpolation",
        "self-check: +2.1 dB over linear interpolation on this video's own held-out frames; the "
        "way that things move is likely right",
        "wrote out.mp4: 384 frames at 240 fps in 9.0 s",
        "  gain    +2.1 dB over linear interpolation, on held-out frames of this video (likely)",
        "  stages  1  S1 T1 -> T8  +2.3 dB",
        "  video   30 -> 240 fps, 320 x 180, 1.6 s",
    ]


def test_quiet_keeps_the_warnings(library):
    result = call("-q")
    assert (result.stdout, result.stderr) == ("", "warning: mind this\n")


def test_verbose_shows_the_settings(library):
    assert "pairs: within 0.8, across 0.2, shift 0.0" in call("-v").stderr


@pytest.mark.parametrize("flags", [(), ("-q",), ("-v",)])
def test_json_is_alone_on_stdout(library, flags):
    result = call("--json", *flags)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [t["event"] for t in told] == [type(e).__name__ for e in EVENTS]
    assert told[0]["stages"] == ["S1 T1 -> T8"]
    assert "warning: mind this" in result.stderr
    assert ("stage 1 of 1" in result.stderr) == (flags == ("-v",))


def test_the_log_has_every_event_and_its_time_and_is_appended_to(library, tmp_path):
    path = tmp_path / "a log.txt"
    call("-q", "--log-file", str(path))
    once = path.read_text()
    heads = [line for line in once.splitlines() if not line.startswith("    ")]
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (\w+) ")
    kinds = [stamp.match(head)[1] for head in heads]
    assert kinds == ["Detail", "Detail", *(type(e).__name__ for e in EVENTS)]
    call("-q", "--log-file", str(path))
    assert path.read_text().startswith(once)
    assert len(path.read_text().splitlines()) == 2 * len(once.splitlines())


def test_the_log_has_the_error_and_the_plan_of_a_dry_run(library, tmp_path):
    path = tmp_path / "log"
    library.fails = errors.InputError("what")
    call("--log-file", str(path))
    assert path.read_text().splitlines()[-1].endswith("Error error: what")
    library.fails = None
    call("--dry-run", "--log-file", str(path))
    assert "Planned frames  48 -> 384" in path.read_text()


def test_a_log_that_cannot_be_written_ends_with_2_before_any_work(library, tmp_path):
    result = call("--log-file", str(tmp_path / "none" / "log"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert "expected a log file in a folder that exists" in result.stderr
    assert library.calls == []


def test_a_log_on_a_full_disk_ends_with_4_before_any_work(library, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.open", full)
    result = call("--log-file", str(tmp_path / "log"))
    assert result.exit_code == 4
    assert "is full" in result.stderr
    assert library.calls == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
def test_a_log_whose_disk_fills_does_not_stop_the_work(library):
    result = call("-q", "--log-file", "/dev/full")
    assert result.exit_code == 0
    assert result.stderr.count("no more is written to /dev/full") == 1


@pytest.mark.parametrize(
    ("flags", "scale", "size"),
    [
        (["--scale", "2"], 2, None),
        (["--scale", "1.5"], Fraction(3, 2), None),
        (["--scale", "4/3", "--factor", "1"], Fraction(4, 3), None),
        (["--size", "1080p"], 1, "1080p"),
        (["--size", "1920x"], 1, "1920x"),
    ],
)
def test_a_scale_or_a_size(flags, scale, size):
    arguments = upscale.make_context("upscale", ["in.mp4", "-o", "out.mp4", *flags]).params
    assert (arguments["scale"], arguments["size"]) == (scale, size)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--scale", "2", "--size", "1080p"], "--scale and --size exclude each other"),
        (["--scale", "two"], "expected a number such as 2, 1.5 or 4/3"),
        (["--size", "1080"], "expected a height such as 1080p"),
        (["--scale", "0.5"], "to scale down: deeptsr degrade"),
        (["--factor", "1"], "1 goes with a --scale or a --size only"),
        (["--camera", "pinhole"], "'pinhole' is not one of 'bicubic', 'area'"),
    ],
)
def test_a_size_that_cannot_be_met_is_refused_at_once(flags, told):
    done = CliRunner().invoke(cli, ["upscale", "in.mp4", "-o", "out.mp4", *flags])
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
