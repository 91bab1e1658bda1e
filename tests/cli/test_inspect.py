"""``deeptsr inspect-recurrence`` from the inside, with a library that only listens."""

from __future__ import annotations

import sys
import types
from fractions import Fraction

import pytest
from click.testing import CliRunner

from cli.commands.inspect import inspect_recurrence
from cli.main import cli
from deeptsr.config import RecurrenceSettings
from deeptsr.errors import InputError
from deeptsr.events import Inspected


@pytest.fixture
def calls(monkeypatch):
    noted = []

    def inspect_file(source, output, json_output, settings, *, on_event, **rest):
        noted.append((source, output, json_output, settings, rest))
        if source == "broken.mp4":
            raise InputError("what it is")
        on_event(
            Inspected(
                tuple(filter(None, (output, json_output))), 12.0, (0.6, 0.3, 0.1), "because", 2.0
            )
        )

    module = types.ModuleType("deeptsr.jobs.inspect")
    module.inspect_file = inspect_file
    monkeypatch.setitem(sys.modules, "deeptsr.jobs.inspect", module)
    return noted


def call(*args):
    return CliRunner().invoke(cli, ["inspect-recurrence", *args])


def test_without_flags_the_defaults_reach_the_library(calls):
    result = call("in.mp4", "-o", "heat.png")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "12 % of neighbours" in result.stderr
    assert "60% within, 30% across, 10% shift (because)" in result.stderr
    assert "wrote heat.png in 2.0 s" in result.stderr
    rest = {"frames": None, "seed": 0, "device": "auto", "overwrite": False}
    assert calls == [("in.mp4", "heat.png", None, RecurrenceSettings(), rest)]


def test_every_flag_reaches_the_library(calls):
    flags = (
        "in.mp4 -o heat.mp4 --json n.json --frames 3:9 --patch 7x6x5 --neighbors 4 --scales 1,0.5 "
        "--level 1/2 --slices xy --stride 2 --max-patches 500 --seed 7 --device cpu --overwrite -q"
    )
    result = call(*flags.split())
    assert (result.exit_code, result.stderr) == (0, "")
    settings = RecurrenceSettings((7, 6, 5), 4, (1.0, 0.5), Fraction(1, 2), "xy", 2, 500)
    rest = {"frames": (3, 9), "seed": 7, "device": "cpu", "overwrite": True}
    assert calls == [("in.mp4", "heat.mp4", "n.json", settings, rest)]


def test_one_frame(calls):
    assert call("in.mp4", "--json", "n.json", "--frame", "5").exit_code == 0
    assert calls[0][4]["frames"] == (5, 6)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "nothing to write"),
        (("-o", "a.png", "--frame", "1", "--frames", "1:2"), "exclude each other"),
        (("-o", "a.png", "-q", "-v"), "exclude each other"),
        (("-o", "a.png", "--patch", "5x5"), "such as 5x5x3"),
        (("-o", "a.png", "--frames", "5:5"), "such as 10:34"),
        (("-o", "a.png", "--scales", "1;2"), "such as 1,0.75,0.5"),
        (("-o", "a.png", "--level", "small"), "such as 1/4"),
        (("-o", "a.png", "--level", "2"), "up to 1"),
        (("-o", "a.png", "--neighbors", "0"), "1 or more"),
        (("-o", "a.png", "--frame", "-1"), "0"),
    ],
)
def test_a_wrong_usage_ends_with_2(calls, flags, words):
    result = call("in.mp4", *flags)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert calls == []


def test_an_unusable_input_ends_with_3(calls):
    result = call("broken.mp4", "-o", "a.png")
    assert (result.exit_code, result.stderr) == (3, "error: what it is\n")


def test_every_flag_is_explained():
    for option in inspect_recurrence.params[1:]:
        assert option.help, option.name
