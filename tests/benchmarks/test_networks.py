"""The benchmark of networks beside each other: what it tells, and that it goes on where it was."""

import json

import pytest
import torch
from click.testing import CliRunner

from benchmarks import networks
from deeptsr.networks import Compact
from deeptsr.networks.recurrent import Recurrent
from tests.helpers.synth import noise, pan


@pytest.fixture(autouse=True)
def small(monkeypatch):
    tiny = {
        "compact": lambda: Compact(2, "full", 4, 1),
        "recurrent": lambda: Recurrent(2, "full", 4, 1),
        "recurrent-cold": lambda: Recurrent(2, "full", 4, 1),
    }
    for name, value in {"NETWORKS": tiny, "_SIZE": (4, 1), "_SEEN": (3,), "_SIDE": 8}.items():
        monkeypatch.setattr(networks, name, value)


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(*given):
    done = CliRunner().invoke(networks.main, [str(part) for part in given])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_was_taught_is_told_once(tmp_path):
    clips, out = tmp_path / "clips.pt", tmp_path / "taught.jsonl"
    pool = {"taught": noise(2, 40, 12, 12, 3).half(), "judges": noise(1, 64, 8, 8, 3).half()}
    torch.save(pool, clips)
    given = ("--clips", clips, "--steps", 1, "--batch", 1, "--out", out)
    run("taught", "compact", "recurrent", *given)
    assert [row["network"] for row in rows(out)] == ["compact", "recurrent"]
    assert list(rows(out)[1]["seen"]) == ["3"]
    run("taught", "compact", "recurrent", *given)
    assert len(rows(out)) == 2
    shown = run("show", out)
    assert "| compact | rendered | 1 |" in shown


def test_a_fit_is_compared_with_the_truth(tmp_path, monkeypatch):
    truth = pan(96, 24, 24)
    monkeypatch.setattr(
        networks,
        "render",
        lambda *_, **__: (truth.view(48, 2, 24, 24, 3).mean(1).numpy(), truth.numpy()),
    )
    out = tmp_path / "fitted.jsonl"
    given = ("--clips", "pan", "--steps", 1, "--out", out)
    run("fitted", "compact", *given, "--most", 1)
    (row,) = rows(out)
    assert row["clip"] == "pan"
    assert row["gain"] > 0  # linear interpolation does not even expose to the clip
