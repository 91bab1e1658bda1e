"""Teaching a prior."""

import copy
from dataclasses import replace

import pytest
import torch

from deeptsr.config import NetworkSettings, PretrainSettings
from deeptsr.events import Progress, Taught
from deeptsr.learning.pretraining import VARIANTS, Variant, classifying, course, crops, pretrain
from deeptsr.learning.pretraining.restoring import Restoring
from deeptsr.learning.prior import CLASSIFIER, starts
from deeptsr.learning.rendering.clips import Clip, Turn
from deeptsr.networks import Classifier, build
from tests.helpers.synth import NETWORK, gap, noise
from tests.helpers.teaching import small_clips

TINY = PretrainSettings(steps=4, batch=2, crop=16, frames=3, pool=2, check=2, warmup=1)
ONE = (Variant("any", "full", 1, 1.0),)


@pytest.fixture(autouse=True, scope="module")
def quick():
    with small_clips():
        yield


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


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 1e-2), ("muon", 3e-3)])
def test_it_learns(monkeypatch, optimizer, rate):
    """Of a world of stripes that all move alike, so that a few steps tell."""

    def stripes(seed, kind="leaves", size=72, frames=40, pictures=(), step=2):
        start = torch.rand((), generator=torch.Generator().manual_seed(seed)) * 6.3
        place = torch.arange(size)[None] / 3 - torch.arange(frames)[:, None] * 0.8 + start
        film = 0.5 + 0.4 * torch.sin(place)[:, None, :, None].expand(-1, size, -1, 3)
        return Clip(film, 6)

    monkeypatch.setattr(crops, "render", stripes)
    monkeypatch.setattr(course, "render", stripes)
    course.judges.cache_clear()
    settings = replace(
        TINY, steps=60, frames=4, check=60, warmup=10, rate=rate, averaging=0.8, balance=0.0
    )
    settings = replace(settings, optimizer=optimizer)
    told = []
    pretrain(NetworkSettings(channels=8, blocks=1), settings, variants=ONE, on_event=told.append)
    course.judges.cache_clear()
    (check,) = (e for e in told if isinstance(e, Taught))
    assert check.leaves > 1  # where it starts, it is 0


def course_of(variant):
    cpu, exact = torch.device("cpu"), torch.float32
    return Restoring(NETWORK, TINY, variant, 4, seed=0, device=cpu, precision=exact)


def part_aliased(learns):
    """A course, a clip, where it is aliased, and the error of interpolation if frames change."""
    begun = course_of(next(v for v in VARIANTS if v.learns == learns))
    htr = torch.rand(1, 3, 12, 16, 16, generator=torch.Generator().manual_seed(0))
    where = torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])

    def error(*frames):
        changed = htr.clone()
        for frame in frames:
            changed[:, :, frame] = htr[:, :, frame + 1]
        with torch.no_grad():
            return begun._errors(begun.network, changed, where, 2)

    return begun, htr, where, error


@pytest.mark.parametrize(("learns", "counts", "other"), [("aliased", 8, 2), ("unaliased", 2, 8)])
def test_an_expert_learns_what_is_its_own_of_blades_that_cross_the_limit(learns, counts, other):
    begun, htr, where, error = part_aliased(learns)
    first, mine, others = (error(*frames)[1] for frames in ((), (counts,), (other,)))
    assert first > 0.01
    assert gap(others, first) < 0.1 * gap(mine, first)
    nothing = torch.full_like(where, float(learns == "unaliased"))
    assert begun._errors(begun.network, htr, nothing, 2)[0] == 0


def test_a_judge_learns_to_leave_what_is_not_aliased():
    """It begins as interpolation: where nothing is aliased it has nothing to learn."""
    begun, htr, where, error = part_aliased("which")
    wrong, plain = error()
    assert wrong > 0.3 * plain > 0.003
    with torch.no_grad():
        assert begun._errors(begun.network, htr, torch.zeros_like(where), 2)[0] < 1e-9
        all_of_it, same = begun._errors(begun.network, htr, torch.ones_like(where), 2)
    assert gap(all_of_it, same) < 1e-6
    assert gap(same, plain) == 0


def test_a_classifier_is_to_tell_where_what_turns_is_aliased():
    """Both halves of the frames move as much; what turns is in the left one."""
    ltr = noise(3, 3, 6, 16, 16)
    where, inside = torch.tensor([[0.0, 0, 0, 1, 1, 1]] * 3), torch.zeros(3, 16, 16)
    inside[:2, :, :8] = 1
    ltr[1] = ltr[1, :, :1]  # stands still
    truth, weight = classifying._truth(ltr, where, inside)
    assert truth[0].mean((1, 2)).tolist() == [0, 0, 0, 0.5, 0.5, 0.5]
    assert truth[0, :, :, 2:].max() == truth[2].max() == 0
    assert float(weight[0, :, :, :2].sum()) == pytest.approx(1, rel=1e-3)
    assert float(weight[0, :, :, 2:].sum()) == pytest.approx(0.2, rel=1e-3)
    assert weight[1].max() == 0
    assert float(weight[2].sum()) == pytest.approx(0.2, rel=1e-3)


def test_a_classifier_learns_who_turns_too_fast(monkeypatch):
    """Of bars that pass: those that are aliased are told by their blur."""

    def bars(seed, kind="leaves", size=72, frames=40, pictures=(), step=2):
        draw = torch.rand(2, generator=torch.Generator().manual_seed(seed))
        speed = 0.05 + 0.4 * (draw[0] > 0.5)  # of their distance an HTR frame
        times = (torch.arange(frames * 8) + 0.5) / 8
        place = torch.arange(size)[None] / 16 - times[:, None] * speed + draw[1]
        film = ((place % 1) < 0.3).float().reshape(frames, 8, size).mean(1)
        turn = Turn(4, (size / 2, size / 2), size, 1.0, torch.full((frames - 1,), 90 * speed))
        return Clip(film[:, None, :, None].expand(-1, size, -1, 3), 2, turn)

    monkeypatch.setattr(crops, "render", bars)
    monkeypatch.setattr(course, "render", bars)
    monkeypatch.setattr(course, "_JUDGES", 6)
    course.judges.cache_clear()
    (variant,) = (v for v in VARIANTS if v.expert == CLASSIFIER)
    settings = replace(TINY, steps=60, batch=4, frames=4, pool=8, check=60, warmup=10)
    settings = replace(settings, optimizer="muon", rate=1e-3, averaging=0.8)
    told = []
    prior = pretrain(NETWORK, settings, variants=(variant,), on_event=told.append)
    course.judges.cache_clear()
    (check,) = (e for e in told if isinstance(e, Taught))
    assert check.rotor > 80  # in doubt, where it starts, it says none is
    Classifier().load_state_dict(prior.variants["classifier/full-1"])


def test_pictures_are_shown_as_surfaces():
    pictures = (torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0)),)
    plain, shown = taught()[0], taught(pictures=pictures)[0]
    moved = [
        gap(v, plain.variants["any/full-1"][k]) for k, v in shown.variants["any/full-1"].items()
    ]
    assert max(moved) > 0
    assert shown.made["clips"] == "rendered and pictures"


def test_a_prior_is_taught_on():
    first = taught()[0]
    on = taught(start=first, variants=VARIANTS[1:2])[0]
    assert set(on.variants) == {"any/full-1", VARIANTS[1].name}
    assert all(
        torch.equal(v, first.variants["any/full-1"][k])
        for k, v in on.variants["any/full-1"].items()
    )
    still = replace(TINY, steps=1, rate=1e-12)
    again = taught(still, start=first)[0].variants["any/full-1"]
    assert max(gap(v, first.variants["any/full-1"][k]) for k, v in again.items()) < 1e-6
    assert on.made["taught on from"]


def test_stills_teach_the_body_and_leave_the_last_layer():
    settings = replace(TINY, steps=5, still=0.8, averaging=0.0)
    prior = taught(replace(settings, rate=0.01))[0].variants["any/full-1"]
    assert prior["leave.weight"].abs().max() > 0  # the last step was of motion
    kept = []
    taught(replace(settings, check=4), keep=lambda state: kept.append(copy.deepcopy(state)))
    before = kept[0]["state"]["average"]  # after four steps of stills
    assert before["leave.weight"].abs().max() == 0
    assert before["blocks.0.frame.weight"].abs().max() > 0  # it began at 0


def test_a_course_of_stills_goes_on_where_it_stopped():
    settings, kept = replace(TINY, still=0.5), []
    whole, _ = taught(settings, keep=lambda state: kept.append(copy.deepcopy(state)))
    assert [state["state"]["step"] for state in kept] == [2, 4]
    again, told = taught(settings, begun=kept[0])
    assert [e.step for e in told if isinstance(e, Taught)] == [4]
    assert set(again.variants) == set(whole.variants)


def test_damage_spoils_what_the_network_sees_and_what_it_is_to_make():
    seen = []

    def darker(ltr):
        seen.append(tuple(ltr.shape))
        return 0.5 * ltr

    plain, spoilt = taught()[0], taught(replace(TINY, damaged=1.0), damage=darker)[0]
    assert len(seen) == TINY.steps
    assert seen[0][:2] == (TINY.batch, 3)
    moved = [
        gap(v, plain.variants["any/full-1"][k]) for k, v in spoilt.variants["any/full-1"].items()
    ]
    assert max(moved) > 0
    taught(replace(TINY, damaged=0.0), damage=darker)
    assert len(seen) == TINY.steps
