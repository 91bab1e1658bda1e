"""The benchmark of what frames far away are good for."""

import json

import pytest
import torch
from click.testing import CliRunner

from benchmarks import published, seen
from deeptsr.config import NetworkSettings
from deeptsr.imaging.exposure import expose
from deeptsr.learning.prior import Prior
from deeptsr.networks.recurrent import Recurrent
from tests.helpers.synth import gap, noise, wake


@pytest.fixture
def prior(tmp_path):
    states = {
        f"{expert}/full-1": wake(Recurrent(2, "full", 4, 1), number).state_dict()
        for number, expert in enumerate(("any", "turning"))
    }
    path = tmp_path / "recurrent.safetensors"
    path.write_bytes(Prior(NetworkSettings("recurrent", 4, 1), states, {}).bytes())
    return path


def test_a_texture_drifts_as_it_is_exposed():
    whole = seen.drift(8, 6)
    assert whole.shape == (12, 8, 8, 3)
    assert 0.02 < (whole[1:] - whole[:-1]).abs().mean() < 0.5
    middle = expose(whole, 2)
    assert gap(middle, whole[::2]) > 0.01  # it moves within a frame, too


def test_states_see_so_many_frames_whichever_frame_it_is(prior):
    known = Prior.load(prior)
    network, ltr = seen.of_prior(known, "drift", 7), noise(1, 3, 24, 6, 6)
    touched = ltr.clone()
    touched[:, :, 12] += 0.2
    with torch.no_grad():
        change = (network(touched) - network(ltr)).abs().amax((0, 1, 3, 4)).view(24, 2).amax(1)
    # A frame comes with differences to its neighbours, and a block at the end looks one further.
    assert (change > 1e-7).nonzero().flatten().tolist() == list(range(12 - 3 - 2, 12 + 3 + 2 + 1))
    turning = seen.of_prior(known, "fan-spinup", 7)
    assert gap(turning(ltr), network(ltr)) > 1e-4


def test_a_run_goes_on_and_is_kept(prior, tmp_path, monkeypatch):
    monkeypatch.setattr(seen, "SIDE", 24)
    monkeypatch.setattr(seen, "FRAMES", 8)
    results, table = tmp_path / "seen.jsonl", tmp_path / "seen.json"
    given = [str(prior), "--results", str(results), "--save", str(table)]
    for asked in ("3", "3,5", "3,5"):
        done = CliRunner().invoke(seen.main, [*given, "--seen", asked])
        assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [(line["seen"], line["clip"]) for line in lines] == [
        (frames, name) for frames in (3, 5) for name in seen.CLIPS
    ]
    shown = published.load(table)
    assert list(shown.rows) == ["3", "5"]
    assert shown.rows["5"]["drift, dB"] == lines[2]["gain"]
