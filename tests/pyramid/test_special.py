"""Who takes which places of a result."""

import copy
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import NetworkSettings
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import Classifier, build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict, predict_ensemble
from deeptsr.pyramid.special import NEAR, Specialist, bonds_of, likely, odds_of, parts_of, take
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import certain, gap, noise, wake

SMALL = NetworkSettings("compact", 4, 1)


def witnessed(share, odds=0.0, exposure="full"):
    """A specialist, a judge who makes a share of what it makes, and a classifier that says odds."""
    network = wake(build(SMALL, 2, exposure, 1).eval(), 3)
    judge = copy.deepcopy(network)
    judge.leave.weight.data.mul_(share)
    return Specialist(network, judge, certain(odds))


@pytest.mark.parametrize(
    "says",
    [
        [(-0.2, 0.0), (0.0, 0.0), (0.2, 0.0), (0.3, 0.0), (1.0, 0.0)],
        [(0.15, -90.0), (0.15, -9.0), (0.15, -0.1), (0.15, 9.0), (0.15, 90.0)],
    ],
    ids=["judge", "classifier"],
)
def test_the_more_its_witnesses_say_the_likelier_is_the_specialist(says):
    found = []
    for said in says:
        special, clip = witnessed(*said), noise(8, 32, 33, 3)
        plain = correct(interpolate_time(clip, 2), clip, 2)
        theirs, judged = (predict(n, clip) for n in (special.network, special.judge))
        odds = odds_of(special.classifier, clip, torch.float32)
        parts = parts_of(theirs, judged, odds, plain, 2)
        each = likely(parts, torch.zeros_like(parts[0, 1:]))
        assert each.shape[0] == 8
        assert float(each.max() - each.min()) < 0.05  # everywhere as much is made
        found.append(float(each.mean()))
    assert found == sorted(found)
    assert found[2] < 0.5 < found[4]


def test_what_is_said_of_frames_does_not_hang_on_what_is_asked_for():
    classifier, clip = wake(Classifier()), noise(40, 18, 21, 3)
    whole = odds_of(classifier, clip, torch.float32)
    assert whole.shape == (40, 5, 6)
    assert float(whole.std()) > 0
    for part in (range(1), range(3, 17), range(30, 40)):
        assert (
            gap(odds_of(classifier, clip, torch.float32, part), whole[part.start : part.stop])
            < 1e-5
        )
    near = slice(20 - classifier.reach, 21 + classifier.reach)
    assert gap(odds_of(classifier, clip[near], torch.float32)[classifier.reach], whole[20]) < 1e-5


def test_of_large_frames_smaller_ones_are_seen():
    assert odds_of(certain(1.0), noise(2, 300, 520, 3), torch.float32).shape == (2, 64, 111)


def told(shares, bonds=()):
    """How likely a specialist is whose judge makes some share of its change in each frame."""
    both = torch.tensor(shares)[:, None, None].expand(-1, 4, 5)
    none, all_of_it = torch.zeros_like(both), torch.ones_like(both)
    bonds = torch.tensor(bonds or [0.0] * (len(shares) - 1))[:, None, None].expand(-1, 4, 5)
    return likely(torch.stack([both, none, all_of_it, none]), bonds)[:, 0, 0]


def test_frames_decide_together_where_steps_between_them_are_shorter():
    doubtful = [0.0] * 4 + [0.9] + [0.0] * 3
    assert (told(doubtful) > 0.5).tolist() == [False] * 4 + [True] + [False] * 3
    assert (told(doubtful, [0.5] * 7) < 0.5).all()
    assert (told([0.9] * 3 + [0.0], [0.5] * 3) > 0.5).all()


def test_where_steps_would_be_longer_the_other_is_right_from_there_on():
    crossing = [0.5] * 2 + [-0.5] + [0.5] * 2
    assert (told([0.3, 0.3, 0.3, 0.9, 0.9, 0.9], crossing) > 0.5).tolist() == [False] * 3 + [
        True
    ] * 3
    assert (told([0.9, 0.9, 0.9, 0.5, 0.5, 0.5], crossing) > 0.5).tolist() == [True] * 3 + [
        False
    ] * 3


def test_what_is_far_away_says_nothing():
    near = told([0.9] + [0.0] * NEAR, [5.0] * NEAR)
    far = told([0.9] + [0.0] * (NEAR + 1), [5.0] * (NEAR + 1))
    alone = told([0.0] * (NEAR + 2), [5.0] * (NEAR + 1))
    assert near[-1] > far[-1]
    assert far[-1] == pytest.approx(float(alone[-1]), rel=1e-4)


def turned(angles, blades=3):
    """A rosette at some angles, as shares of the distance of its blades: (T, 32, 32, 3)."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="ij")
    around, reach = torch.atan2(y, x) * blades, (x.square() + y.square() < 0.8).float()
    frames = [0.5 + 0.5 * torch.cos(around - 2 * torch.pi * angle) * reach for angle in angles]
    return torch.stack(frames)[..., None].expand(-1, -1, -1, 3)


def test_a_step_that_turns_round_is_longer_than_others():
    """Blades that turn ever faster pass the limit between the third frame and the fourth."""
    speeds = torch.tensor([0.44, 0.46, 0.48, 0.52, 0.54, 0.56])
    middles = torch.cat([torch.zeros(1), ((speeds[1:] + speeds[:-1]) / 2).cumsum(0)])
    longer = torch.where(speeds < 0.5, speeds - 1, speeds)
    theirs, mine = (
        turned(torch.stack([middles - s / 4, middles + s / 4], 1).flatten())
        for s in (longer, torch.where(speeds < 0.5, speeds, speeds - 1))
    )
    bonds = bonds_of(mine, theirs, 2)[:, 8, 8]
    assert (bonds > 0.1).tolist() == [True, True, False, True, True]
    assert bonds[2] < -0.1
    assert bonds_of(mine[:2], theirs[:2], 2).shape[0] == 0
    still = turned(torch.zeros(8))
    assert bonds_of(still, still, 2).abs().max() == 0


def test_where_frames_are_filmed_as_they_are_motion_stays_what_it_is():
    """Both results go on alike from a frame that was filmed, so that no step tells who is right."""
    mine = noise(12, 16, 16, 3)
    theirs = mine.flip(1)
    theirs[::2] = mine[::2]
    parts = parts_of(theirs, theirs, torch.zeros(6, 1, 1), mine, 2)
    parts[0] = parts[2] / 2  # as near to right as to wrong, by the judge,
    parts[0, 2] *= 30  # but in one frame
    bonds = bonds_of(mine, theirs, 2, "delta")
    assert bonds.shape == (5, *parts.shape[2:])
    assert likely(parts, bonds, "delta").min() > 0.6  # that tells for those around it
    alone = likely(parts, torch.zeros_like(bonds), "delta")[:, 8, 8]
    assert (alone > 0.75).tolist() == [False, False, True, False, False, False]


def said_by_light(made, plain):
    """How much of what a specialist changes is impossible, and how likely he is with that."""
    parts = parts_of(made, plain, torch.zeros(len(plain) // 2, 1, 1), plain, 2)
    parts[0] = 0.3 * parts[2]  # the judge takes him for rather right
    share = (parts[3].sum() / parts[2].sum()).item()
    return share, likely(parts, torch.zeros_like(parts[0, 1:])).mean().item()


@pytest.mark.parametrize("sign", [-1, 1])
def test_what_is_darker_than_black_or_brighter_than_white_was_not_filmed(sign):
    plain = 0.5 + sign * (0.35 + 0.1 * noise(8, 32, 32, 3))
    there_and_back = torch.tensor([1.0, -1.0]).repeat(4)[:, None, None, None]
    found = [said_by_light(plain + step * there_and_back, plain) for step in (0.05, 0.12, 0.2, 0.4)]
    shares, trusted = zip(*found, strict=True)
    assert shares[0] == 0
    assert shares[1:] == tuple(sorted(shares[1:]))
    assert trusted == tuple(sorted(trusted, reverse=True))
    assert trusted[0] > 0.5 > trusted[1]


@pytest.mark.parametrize("sign", [-1, 1])
def test_where_light_is_cut_off_its_limit_is_none(sign):
    """Who knows how bright a sky is that is white in the film?"""
    plain = noise(8, 32, 32, 3) * 0.2 + 0.4 + sign * 0.3
    made = plain + sign * 0.4 * torch.tensor([1.0, -1.0]).repeat(4)[:, None, None, None]
    share, trusted = said_by_light(made, plain)
    plain[:, :4, :4] = made[:, :4, :4] = (1 + sign) / 2
    cut_off, trusted_then = said_by_light(made, plain)
    assert share > 0.05
    assert trusted < 0.5
    assert cut_off == 0
    assert trusted_then > 0.5


def test_what_nobody_sees_is_not_likely():
    plain = noise(8, 16, 16, 3)
    parts = parts_of(plain + 1e-4, plain + 1e-4, torch.full((4, 4, 4), 90.0), plain, 2)
    assert likely(parts, bonds_of(plain, plain, 2)).max() < 0.5


def test_each_place_is_given_to_whom_it_belongs():
    mine, theirs = torch.zeros(8, 32, 32, 3), torch.ones(8, 32, 32, 3)
    belief = torch.full((4, 16, 16), 0.2)
    belief[1:3, :, 8:] = 0.8
    take(mine, theirs, belief)
    assert mine[:2].max() == mine[6:].max() == 0
    assert mine[2:6, :, :12].max() == 0
    assert mine[2:6, :, 20:].min() == 1


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize("share", [-1.0, 1.0])
@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_stage_gives_the_specialist_what_is_likely_its_own(ensemble, even, share, exposure):
    general, clip = witnessed(0.5, 0.0, exposure).judge, noise(10, 24, 25, 3) * 0.4 + 0.3
    stage = FittedStage(Stage(Fraction(1), 2, 1), general, ensemble, False, False, even)
    special = witnessed(share, 0.0, exposure)
    alone = replace(stage, network=special.network)
    both = replace(stage, special=special)
    made = both.apply(clip, exposure, torch.float32)
    one, other = (each.apply(clip, exposure, torch.float32) for each in (alone, stage))
    assert gap(made, one if share > 0.5 else other) < 1e-5
    assert gap(expose(made, 2, exposure), clip) < 1e-5
    assert gap(one, other) > 0.01


def in_one(clip, share, wanted=None, first=0, exposure="full"):
    """What a second stage makes whose steps a specialist makes with the first ones in one."""
    special = witnessed(share, 0.0, exposure)
    second = wake(build(SMALL, 2, exposure, 1).eval(), 5)
    stage = FittedStage(
        *(Stage(Fraction(1), 2, 2), second, False, False, False), at_once=special.at_once(4)
    )
    places = torch.full((len(clip) // 2 if wanted is None else len(wanted) // 2, 16, 16), share)
    return stage, stage.apply(clip, exposure, torch.float32, wanted, first, places)


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_specialist_makes_two_stages_in_one(exposure):
    clip = noise(12, 24, 25, 3)
    stage, made = in_one(clip, 0.9, exposure=exposure)
    theirs = predict_ensemble(stage.at_once, expose(clip, 2, exposure))
    assert stage.at_once.factor == 4
    assert witnessed(1.0).network.factor == 2
    assert gap(made, (theirs + predict(stage.network, clip)) / 2) < 1e-5
    assert gap(expose(made, 4, exposure), expose(clip, 2, exposure)) < 1e-5
    less = in_one(clip, 0.1, exposure=exposure)[1]
    assert gap(less, predict(stage.network, clip)) < 1e-6
    assert gap(theirs, predict(stage.network, clip)) > 0.01


def test_what_is_made_in_one_does_not_hang_on_what_is_asked_for():
    clip = noise(60, 16, 17, 3)
    stage, whole = in_one(clip, 0.9)
    reach = -(-stage.reach // 2) * 2
    for wanted in (range(2), range(30, 34), range(58, 60)):
        first, last = max(0, wanted.start - reach), min(60, wanted.stop + reach)
        inner = range(wanted.start - first, wanted.stop - first)
        made = in_one(clip[first:last], 0.9, inner, first)[1]
        assert gap(made, whole[wanted.start * 2 : wanted.stop * 2]) < 1e-5


@pytest.mark.parametrize("refilmed", [False, True])
@pytest.mark.parametrize("even", [False, True])
def test_a_part_of_a_clip_comes_out_as_in_the_whole(refilmed, even):
    clip, general = noise(40, 16, 17, 3), wake(build(SMALL, 2, "full", 1).eval(), 5)
    special = replace(witnessed(0.26), classifier=wake(Classifier()))
    stage = FittedStage(
        Stage(Fraction(1), 2, 1), general, True, refilmed, False, even, special=special
    )
    whole = stage.apply(clip, "full", torch.float32)
    for wanted in (range(2), range(20, 23), range(39, 40)):
        first, last = (max(0, wanted.start - stage.reach), min(40, wanted.stop + stage.reach))
        inner = range(wanted.start - first, wanted.stop - first)
        made = stage.apply(clip[first:last], "full", torch.float32, inner, first)
        assert gap(made, whole[wanted.start * 2 : wanted.stop * 2]) < 1e-5


def test_blades_of_the_opposite_contrast_are_filmed_alike():
    """Turning by 0.3 of their distance, or by 0.7 the other way: docs/method.md."""
    speed, instants = 0.3, 400
    places = torch.arange(200, dtype=torch.float64) / 200

    def filmed(contrast, speed):
        times = (torch.arange(3 * instants, dtype=torch.float64) + 0.5) / instants
        turned = 2 * torch.pi * (places - speed * times[:, None])
        picture = sum(torch.cos(n * turned + n * n) / n for n in range(1, 5))
        return expose(contrast * picture, instants)

    one, other = filmed(1.0, speed), filmed((speed - 1) / speed, speed - 1)
    assert gap(one, other) < 1e-3 * float(one.std())
    assert gap(one, filmed(1.0, speed - 1)) > 0.1 * float(one.std())
