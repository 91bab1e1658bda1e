"""Teaching a prior."""

import pytest
import torch

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.events import Progress, Taught
from deeptsr.learning.pretrain import VARIANTS, Variant, pretrain
from deeptsr.learning.prior import starts
from deeptsr.networks import build
from tests.helpers.synth import NETWORK, gap

TINY = PretrainSettings(steps=4, batch=2, crop=16, frames=3, pool=2, check=2, warmup=1)
ONE = (Variant("any", "full", 1, 1.0),)


def taught(settings=TINY, variants=ONE, **changes):
    told = []
    prior = pretrain(NETWORK, settings, variants=variants, on_event=told.append, **changes)
    return prior, told


def test_every_variant_is_taught_and_told():
    prior, told = taught(variants=VARIANTS)
    assert set(prior.variants) == {v.name for v in VARIANTS}
    fractions = [e.fraction for e in told if isinstance(e, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert {e.variant for e in told if isinstance(e, Taught)} == set(prior.variants)
    for exposure, fold in (("full", 1), ("full", 2), ("delta", 1), ("delta", 2)):
        assert "any" in starts(prior, build(NETWORK, 2, exposure, fold))


def test_a_seed_repeats_everything():
    one, again, other = (taught(seed=s)[0].variants["any/full-1"] for s in (1, 1, 2))
    assert all(torch.equal(one[k], v) for k, v in again.items())
    assert not all(torch.equal(one[k], v) for k, v in other.items())


def test_it_goes_on_where_it_stopped():
    whole, _ = taught(variants=VARIANTS[:2])
    kept = []

    def keep(state):
        kept.append(state)
        if len(kept) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taught(variants=VARIANTS[:2], keep=keep)
    assert kept[-1]["variant"] == VARIANTS[1].name
    again, told = taught(variants=VARIANTS[:2], begun=kept[-1])
    assert [e.step for e in told if isinstance(e, Taught)] == [4]
    # The clips are drawn anew, so that it is not the same to the bit.
    first = VARIANTS[0].name
    assert all(torch.equal(v, again.variants[first][k]) for k, v in whole.variants[first].items())


def test_it_learns():
    settings = PretrainSettings(
        steps=150,
        batch=4,
        crop=16,
        frames=4,
        pool=12,
        check=150,
        warmup=10,
        rate=5e-3,
        clip_gradient=1.0,
        balance=0.0,
        averaging=0.9,
    )
    told = []
    pretrain(NetworkSettings(channels=8, blocks=1), settings, variants=ONE, on_event=told.append)
    (check,) = (e for e in told if isinstance(e, Taught))
    assert check.leaves > 0.03  # where it starts, it is 0


def test_pictures_are_shown_as_surfaces():
    pictures = (torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0)),)
    plain, shown = taught()[0], taught(pictures=pictures)[0]
    moved = [
        gap(v, plain.variants["any/full-1"][k]) for k, v in shown.variants["any/full-1"].items()
    ]
    assert max(moved) > 0
    assert shown.made["clips"] == "rendered and pictures"
