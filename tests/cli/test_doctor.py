"""``deeptsr doctor``: what it says, and to whom."""

import json
import sys
import types

import pytest
from click.testing import CliRunner

from cli.console.sheets.doctor import sheet
from cli.main import cli
from deeptsr.errors import OutputError
from deeptsr.events import Progress
from tests.jobs.doctor.test_doctor import FOUND


@pytest.fixture
def library(monkeypatch):
    asked = []

    def examine(folder, device, on_event):
        asked.append((folder, device))
        if folder == "none":
            raise OutputError("none is no folder")
        on_event(Progress(0.5, "examine", "measuring"))
        on_event(FOUND)

    fake = types.ModuleType("deeptsr.jobs.doctor.examine")
    fake.examine = examine
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    return asked


def call(*flags):
    return CliRunner().invoke(cli, ["doctor", *flags])


def test_the_answer_goes_to_stdout(library):
    done = call("--folder", "out", "--device", "cpu")
    assert done.exit_code == 0
    assert library == [("out", "cpu")]
    assert done.stdout == sheet(FOUND, False) + "\n"
    assert "measuring" in done.stderr


def test_json_has_every_figure(library):
    done = call("--json")
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["event"] == "Examined"
    assert (told["cores"], told["times"]) == (8, [["fast", 60.0]])
    assert library == [(".", "auto")]


def test_a_folder_that_is_not_there(library):
    done = call("--folder", "none")
    assert (done.exit_code, done.stderr) == (2, "error: none is no folder\n")


def test_the_sheet_names_all_that_matters():
    text = sheet(FOUND, False)
    for words in (
        "A processor, AVX2",
        "8 cores, of which torch uses 8",
        "32 GB, 16 GB of it free",
        "A card, 80 GB",
        "cuda, in bfloat16",
        "out: 1.0 GB a second",
        "fast        about 1 min",
        "compact-16x6.safetensors",
    ):
        assert words in text
