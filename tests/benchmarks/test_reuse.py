"""A twin is the same scene, and its truth is its own; what is told of a fit on it."""

import pytest
import torch

from benchmarks.reuse import COLUMNS, Done, Footage, Run, of_suite, row, sources, turned
from deeptsr.imaging.exposure import expose


def test_a_turned_twin_is_the_same_scene():
    footage, none = sources((), 1, "below")["rotor 0"]()
    assert none is None
    twin = turned(footage)
    assert torch.allclose(expose(twin.truth, 2), twin.clip, atol=1e-6)
    four_times = turned(turned(turned(twin)))
    assert torch.equal(four_times.clip, footage.clip)
    assert not torch.equal(twin.clip, footage.clip)


def test_a_re_seeded_twin_moves_alike_and_looks_otherwise():
    one, other = (of_suite("shake", seed, frames=3) for seed in (0, 1))
    assert one.clip.shape == (3, 64, 64, 3)
    assert one.truth.shape == (6, 64, 64, 3)
    assert torch.allclose(expose(one.truth, 2), one.clip, atol=1e-5)
    assert (one.clip - other.clip).abs().mean() > 0.02
    assert isinstance(one, Footage)


def test_a_row_holds_the_slower_of_both_twins_against_a_fit_of_its_own():
    found = row([Run(40.0, 30.0, 0.75)], [Run(2.0, 29.95, 0.75)], [Run(4.0, 30.1, 0.5)])
    told = ([0.75], 40.0, 4.0, 0.9, [30.0], [-0.05], [0.1])
    assert found == dict(zip(COLUMNS, (pytest.approx(n) for n in told), strict=True))
    alone = row([Run(4.0, 30.0, 0.0)], [Run(1.0, 30.0, 0.0)], None)
    assert alone["of its re-seeded twin"] is None


def test_twins_stand_beside_the_mean_of_the_clips_own_fits():
    own = [Run(40.0, 30.0, 0.75), Run(44.0, 30.4, 1.0)]
    found = row(own, [Run(8.0, 30.1, 0.0), Run(9.0, 30.2, 0.5)], None)
    assert found["own, dB"] == [30.0, 30.4]
    assert found["of its turned twin"] == pytest.approx([-0.1, 0.0])
    assert found["own fit, s"] == pytest.approx(42.0)


def test_a_run_that_is_kept_is_not_made_again(tmp_path):
    made = []

    def make():
        made.append(1)
        return Run(2.0, 30.0, float(len(made)))

    place = tmp_path / "runs.jsonl"
    first = Done(place, "ball").once("own", 0, make)
    assert Done(place, "ball").once("own", 0, make) == first
    assert len(made) == 1
    others = [("ball", "turned", 0), ("ball", "own", 1), ("pan", "own", 0)]
    for clip, fit, seed in others:
        assert Done(place, clip).once(fit, seed, make) != first
    assert len(made) == 4
    assert Done(None, "ball").once("own", 0, make) != first  # nothing is kept
