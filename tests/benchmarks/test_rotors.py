"""Random rotors: what is rendered is what is said."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks import rotors
from benchmarks.direction import deviations
from benchmarks.rotors import KINDS, render
from deeptsr.events import SelfChecked
from deeptsr.imaging.exposure import expose


@pytest.mark.parametrize("share", [1, 0.5, 0.25])
@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_turns_as_is_said(kind, share):
    case = render(3, kind, share)
    away = deviations(
        case.truth.numpy(),
        case.angles,
        folds=case.folds,
        radii=(0.3 * case.outer, 0.95 * case.outer),
    )
    assert np.mean(away <= 0.2 * np.abs(case.angles)) > 0.9
    shares = 2 * np.abs(case.angles) * case.folds / 360
    limits = {"below": (0.14, 0.46), "crossing": (0.09, 0.81), "beyond": (0.54, 0.81)}[kind]
    assert limits[0] <= shares.min() <= shares.max() <= limits[1]


@pytest.mark.parametrize("share", [1, 0.5, 0.25])
def test_the_slow_camera_sees_what_its_shutter_leaves_of_the_truth(share):
    case = render(3, "below", share)
    shutter = "full" if share == 1 else "delta"
    assert torch.allclose(case.clip, expose(case.truth, 2, shutter), atol=1e-6)


@pytest.mark.parametrize("share", [1, 0.5])
def test_what_is_measured_is_a_number(monkeypatch, share):
    """Where the shutter closes, half of the frames are the truth, whatever is made of them."""
    monkeypatch.setattr(rotors, "fit_stages", lambda *_, **__: ())
    monkeypatch.setattr(rotors, "climb", lambda _, clip, **__: clip.repeat_interleave(2, 0))
    monkeypatch.setattr(rotors, "self_check", lambda *_: "checked")
    right, gain, check = rotors.measure(render(3, "below", share), "fast", 0)
    assert 0 <= right < 0.5
    assert -10 < gain < 0
    assert check == "checked"


def test_shorter_exposures_have_rows_of_their_own(tmp_path, monkeypatch):
    shutters = []

    def measured(case, preset, seed):
        shutters.append(case.share)
        return 1.0, 1.0, SelfChecked(30.0, 29.0, 1.0, 4, "likely")

    monkeypatch.setattr(rotors, "measure", measured)
    words = ["--clips", "1", "--exposure", "1", "--exposure", "0.5"]
    done = CliRunner().invoke(rotors.main, [*words, "--save", str(tmp_path / "r.json")])
    assert done.exit_code == 0, done.output
    kept = json.loads((tmp_path / "r.json").read_text())
    assert list(kept["rows"]) == [*KINDS, *(f"{kind}, open for 0.5 of the time" for kind in KINDS)]
    assert shutters == [1, 1, 1, 0.5, 0.5, 0.5]


def test_rates_are_kept_seed_by_seed(tmp_path, monkeypatch):
    def measured(case, preset, seed):
        return 0.25 + 0.5 * seed, 1.0 + seed, SelfChecked(30.0, 29.0, 1.0, 4, "guess")

    monkeypatch.setattr(rotors, "render", lambda seed, kind, share: None)
    monkeypatch.setattr(rotors, "measure", measured)
    words = ["--clips", "2", "--seeds", "0,1", "--save", str(tmp_path / "r.json")]
    done = CliRunner().invoke(rotors.main, words)
    assert done.exit_code == 0, done.output
    assert "below: 50% of the frames right" in done.output
    kept = json.loads((tmp_path / "r.json").read_text())
    assert list(kept["rows"]) == list(KINDS)
    assert list(kept["rows"]["below"].values()) == [[0.25, 0.75], [1.0, 2.0], "2 of 2"]
