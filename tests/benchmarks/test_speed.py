"""The benchmark of speed: it counts honestly, and what it leaves out is not there."""

import json

import pytest
import torch
from click.testing import CliRunner
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import speed
from deeptsr import config
from deeptsr.networks import build
from tests.helpers.synth import noise, tiny


@pytest.mark.parametrize(("kind", "fold"), [("compact", 1), ("compact", 2), ("paper", 1)])
def test_operations_are_counted_as_torch_counts_them(kind, fold):
    network = build(config.NetworkSettings(kind, 6, 2), 2, fold=fold)
    ltr = noise(1, 3, 4, 8, 12)
    with FlopCounterMode(display=False) as forward:
        made = network(ltr)
    assert forward.get_total_flops() == network.operations * 4 * 8 * 12
    with FlopCounterMode(display=False) as backward:
        made.square().sum().backward()
    # Nobody asks for the gradient of the input.
    both = forward.get_total_flops() + backward.get_total_flops()
    assert both == pytest.approx(3 * forward.get_total_flops(), rel=0.25)
    assert both < 3 * forward.get_total_flops()


def test_a_table_of_all_that_was_measured(monkeypatch):
    monkeypatch.setitem(config.PRESETS, "fast", tiny())
    monkeypatch.setattr(speed, "SIZES", ((16, 12), (24, 16)))
    monkeypatch.setattr(speed, "_RUNS", 1)
    monkeypatch.setattr(speed, "ceiling", lambda *given: {"conv3d": 100.0, "matmul": 50.0})
    flags = ["--presets", "fast", "--frames", "2", "--steps", "2"]
    done = CliRunner().invoke(speed.main, [*flags, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [row["work"].split()[0] for row in told["rows"]] == ["fit,", "climb", "climb", "climb"]
    for row in told["rows"]:
        assert row["share"] == pytest.approx(row["giga"] / row["seconds"] / 100)
        assert row["rate"] * row["seconds"] == pytest.approx(1)
    once, twice, larger = (row["giga"] for row in told["rows"][1:])
    assert once == twice == pytest.approx(larger * 16 * 12 / 24 / 16)
    shown = CliRunner().invoke(speed.main, [*flags, "--limit", "0"])
    assert "fit, a step" in shown.stdout
    assert "climb" not in shown.stdout


def test_the_ceiling_is_above_nothing():
    found = speed.ceiling(torch.device("cpu"), torch.float32, 0.0)
    assert min(found.values()) > 0
