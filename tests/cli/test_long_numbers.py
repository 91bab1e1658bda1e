"""Numbers of thousands of digits, wherever a number is asked for."""

import click
import pytest
from click.testing import CliRunner

from cli.main import cli
from tests.helpers.clips import clip

LONG = "9" * 5000
WORDS = (LONG, f"-{LONG}", f"0.{LONG}", f"1/{LONG}", f"{LONG}G", f"{LONG}:{LONG}:1", "nan", "inf")


def asked(command):
    """Options that take a value, but for names and paths."""
    return [
        option.opts[-1]
        for option in cli.commands[command].params
        if isinstance(option, click.Option)
        and not option.is_flag
        and option.opts[-1]
        not in ("--output", "--log-file", "--scenes", "--work-dir", "--report", "--prior")
    ]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return clip(tmp_path_factory.mktemp("film") / "a.mp4", size="32x32", frames=8)


@pytest.mark.parametrize("option", asked("upscale"))
def test_they_are_refused_or_understood(option, film, tmp_path):
    for word in WORDS:
        if option == "--time-budget" and word.startswith("0."):
            continue  # one second, for which the machine is measured
        words = ["upscale", str(film), "-o", str(tmp_path / "o.mp4"), "--dry-run", option, word]
        done = CliRunner().invoke(cli, words)
        assert done.exit_code in (0, 2, 3, 4), (word[:10], done.output[-300:])
        assert "internal error" not in done.output
        assert "Traceback" not in done.output
