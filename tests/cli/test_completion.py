"""What a shell completes: asked as the shells ask, and by a shell where there is one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from cli.main import cli

ROOT = Path(__file__).parents[2]
SHELLS = ("bash", "zsh", "fish")


def script(shell):
    done = CliRunner().invoke(cli, ["completion", shell])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def completed(*words):
    """The kinds and values that the last word can become."""
    asked = ShellComplete(cli, {}, "deeptsr", "_DEEPTSR_COMPLETE")
    return [(item.type, item.value) for item in asked.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_asks_this_program(shell):
    text = script(shell)
    assert f"_DEEPTSR_COMPLETE={shell}_complete" in text
    assert "deeptsr" in text


def test_another_shell_is_wrong_usage():
    done = CliRunner().invoke(cli, ["completion", "tcsh"])
    assert done.exit_code == 2
    assert "bash" in done.stderr


def test_commands_flags_and_choices_are_completed():
    assert completed("comp") == [("plain", "completion")]
    assert ("plain", "--preset") in completed("upscale", "in.mp4", "--pre")
    assert completed("upscale", "--preset", "ba") == [("plain", "balanced")]
    assert completed("completion", "f") == [("plain", "fish")]


@pytest.mark.parametrize(
    "words",
    [
        ("upscale", "cl"),
        ("upscale", "in.mp4", "-o", "ou"),
        ("upscale", "--fit", "ca"),
        ("upscale", "--report", "r"),
        ("upscale", "--log-file", "l"),
        ("probe", "cl"),
        ("batch", "cl"),
        ("evaluate", "a", "b"),
        ("evaluate", "a", "b", "--input", "c"),
        ("degrade", "cl"),
        ("inspect-recurrence", "cl"),
        ("inspect-recurrence", "a", "-o", "h"),
        ("pretrain", "-o", "p"),
        ("report", "wo"),
    ],
)
def test_files_are_completed(words):
    assert completed(*words) == [("file", words[-1])]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes(tmp_path):
    program = tmp_path / "deeptsr"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cli "$@"\n')
    program.chmod(0o755)
    asks = (
        f"{script('bash')}\n"
        "COMP_WORDS=(deeptsr upscale --preset f) COMP_CWORD=3\n"
        "_deeptsr_completion deeptsr f --preset\n"
        'echo "${COMPREPLY[@]}"'
    )
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", asks], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ["fast"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_of_its_shell(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    subprocess.run([shell, "-n"], input=script(shell), text=True, check=True)


@pytest.mark.parametrize(
    "asked",
    [{}, {"COMP_WORDS": "deeptsr", "COMP_CWORD": "x"}, {"COMP_WORDS": "", "COMP_CWORD": "9"}],
)
def test_a_question_that_is_not_understood_is_not_answered(asked):
    done = subprocess.run(
        [sys.executable, "-m", "cli"],
        cwd=ROOT,
        env=os.environ | {"_DEEPTSR_COMPLETE": "bash_complete"} | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
