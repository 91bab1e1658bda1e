"""Teaching a prior of detail."""

from dataclasses import replace

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.events import Progress, Sharpened
from deeptsr.learning.prior import Prior
from deeptsr.learning.space import pretrain as module
from deeptsr.learning.space.pretrain import SETTINGS, VARIANT, pretrain_space
from tests.helpers.synth import gap

NETWORK = NetworkSettings(kind="space", channels=4, blocks=2)
TINY = replace(SETTINGS, steps=4, batch=2, pool=2, check=2, warmup=1, rate=1e-2)


@pytest.fixture(autouse=True)
def few_judges(monkeypatch):
    monkeypatch.setattr(module, "_JUDGES", 2)


def taught(settings=TINY, **changes):
    told = []
    return pretrain_space(NETWORK, settings, on_event=told.append, **changes), told


def interrupted():
    """What was kept of a teaching that was stopped."""
    kept = []

    def stop(state):
        kept.append(state)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taught(keep=stop)
    return kept[0]


def test_it_tells_how_far_it_is_and_a_seed_repeats_it():
    prior, told = taught(seed=1)
    fractions = [e.fraction for e in told if isinstance(e, Progress)]
    assert fractions == [0.25, 0.5, 0.75, 1.0]
    assert [e.steps for e in told if isinstance(e, Sharpened)] == [2, 4]
    one, again, other = (p.variants[VARIANT] for p in (prior, taught(seed=1)[0], taught(seed=2)[0]))
    assert all(torch.equal(one[k], v) for k, v in again.items())
    assert not all(torch.equal(one[k], v) for k, v in other.items())


def test_it_goes_on_where_it_stopped():
    _, told = taught(begun=interrupted())
    assert [e.steps for e in told if isinstance(e, Sharpened)] == [4]


def test_it_goes_on_to_another_number_of_steps_and_tells_that():
    prior, told = taught(replace(TINY, steps=3), begun=interrupted())
    assert [e.steps for e in told if isinstance(e, Sharpened)] == [3]
    assert prior.made["steps"] == "3, begun as 4, as 3 from step 2 on"
    assert taught()[0].made["steps"] == "4"


def test_it_learns():
    _, told = taught(replace(TINY, steps=40, check=40, batch=3, pool=4, averaging=0.9, warmup=10))
    (check,) = (e for e in told if isinstance(e, Sharpened))
    assert check.gain_db > 0.1


def test_it_survives_its_file(tmp_path):
    prior, _ = taught(pictures=[torch.rand(3, 96, 96)])
    path = tmp_path / "p.safetensors"
    path.write_bytes(prior.bytes())
    again = Prior.load(path)
    assert again.network == NETWORK
    assert again.made["clips"] == "rendered and pictures"
    assert again.made["camera"] == "bicubic"
    for name, weight in prior.variants[VARIANT].items():
        assert gap(again.variants[VARIANT][name], weight) < 1e-3
