"""``deeptsr pretrain`` from the command line."""

import json
from dataclasses import replace

import click
import pytest
from click.testing import CliRunner

from cli.commands import pretrain as module
from cli.main import cli
from deeptsr import jobs
from deeptsr.config import NETWORKS
from deeptsr.events import Pretrained, Taught
from deeptsr.learning.space.pretrain import SETTINGS


@pytest.fixture
def calls(monkeypatch):
    """Stands in for the job; notes what it is asked."""
    seen = []

    def pretrain_file(output, network, settings, **given):
        seen.append((output, given | {"network": network, "settings": settings}))
        given["on_event"](Taught("any/full-1", 250, 1.5, -0.25))
        told = Pretrained(str(output), 400_000, 90.0)
        given["on_event"](told)
        return told

    monkeypatch.setattr(jobs, "pretrain_file", pretrain_file, raising=False)
    return seen


def test_what_is_asked_for_reaches_the_job(calls, tmp_path):
    target = str(tmp_path / "p.safetensors")
    flags = ["--steps", "70", "--seed", "3", "--time-budget", "90m", "--images", "pictures"]
    flags += ["--from", "old.safetensors", "--still", "0.2", "--damage", "0.1"]
    flags += ["--network", "compact", "--only", "any/full-1", "--crops", "8", "--frames", "16"]
    flags += ["--rate", "1e-3", "--clips", "60"]
    done = CliRunner().invoke(cli, ["pretrain", "-o", target, *flags, "--no-resume"])
    assert done.exit_code == 0, done.output
    ((output, given),) = calls
    assert output == target
    settings = replace(module.DEFAULTS, steps=70, still=0.2, damaged=0.1)
    settings = replace(settings, pool=60, batch=8, frames=16, rate=1e-3)
    assert given["settings"] == settings
    assert given["only"] == ("any/full-1",)
    assert (given["seed"], given["time_budget"], given["images"]) == (3, 5400, "pictures")
    assert given["start"] == "old.safetensors"
    assert given["network"] == NETWORKS["compact"]
    assert given["resume"] is False
    assert "+1.50 dB over interpolation on things of all kinds" in done.output
    assert "use it with deeptsr upscale --prior" in done.output


def test_a_prior_of_detail(calls, tmp_path):
    target = str(tmp_path / "p.safetensors")
    done = CliRunner().invoke(cli, ["pretrain", "-o", target, "--space", "--steps", "70"])
    assert done.exit_code == 0, done.output
    ((_, given),) = calls
    assert given["space"] is True
    assert given["network"] is None
    assert given["settings"] == replace(SETTINGS, steps=70)
    assert SETTINGS.steps == module.SPACE_STEPS
    assert SETTINGS.optimizer == module.SPACE_OPTIMIZER


def test_events_are_lines_of_json(calls, tmp_path):
    target = str(tmp_path / "p.safetensors")
    done = CliRunner().invoke(cli, ["pretrain", "-o", target, "--json"])
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["Taught", "Pretrained"]


def test_every_flag_is_documented():
    options = [p for p in module.pretrain.params if isinstance(p, click.Option)]
    assert all(p.help for p in options)
