"""What each stage gets: network, folding, steps, frames."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from deeptsr.config import NETWORKS, preset
from deeptsr.learning import recipe
from deeptsr.learning import stages as stages_module
from deeptsr.learning.recipe import (
    climbs,
    fitted_stage,
    fold_of,
    network_of,
    steps_of_stage,
    views_of,
)
from deeptsr.networks import Classifier
from deeptsr.pyramid.climb import climb
from deeptsr.pyramid.enlarge import VIEWS
from deeptsr.pyramid.plan import Stage, plan
from deeptsr.pyramid.special import Specialist
from tests.helpers.fits import BRISK, FULL, Shelf, fitted, outcomes
from tests.helpers.synth import pan, tiny


def test_stages_beyond_those_that_have_a_network_interpolate():
    options = tiny(pairs=replace(tiny().pairs, across=0.5), fit=BRISK)
    options = replace(options, pyramid=replace(options.pyramid, networks=1))
    clip, shelf = pan(16, 32, 32), Shelf()
    made, told = fitted(clip, options=options, checkpoints=shelf)
    assert [stage.network is None for stage in made] == [False, True]
    assert [(e.steps > 0, e.outcome) for e in outcomes(told)][1] == (False, "interpolates")
    assert set(shelf.kept) == {0, 1}
    again, _ = fitted(clip, options=options, checkpoints=shelf)
    assert [stage.network is None for stage in again] == [False, True]
    assert torch.equal(climb(made, clip), climb(again, clip))


def test_a_later_stage_is_fitted_on_what_fits_into_memory(monkeypatch):
    monkeypatch.setattr(recipe, "_MOST_VOXELS", 32 * 32 * 2 * 20)
    seen = []
    examples_of = stages_module.examples_of

    def watched(fitter, clip, *rest):
        seen.append(len(clip))
        return examples_of(fitter, clip, *rest)

    monkeypatch.setattr(stages_module, "examples_of", watched)
    fitted(pan(32, 32, 32))
    assert seen == [32, 20]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, 2), ({"mirrored": None}, VIEWS), ({"mirrored": None, "ensemble": False}, 1)],
)
def test_detail_is_looked_for_in_as_many_ways(changes, expected):
    options = preset("fast")
    options = replace(options, pyramid=replace(options.pyramid, **changes))
    assert views_of(options) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [True, False]),
        ({"mirrored": None}, [True, True]),
        ({"mirrored": 0}, [False, False]),
        ({"mirrored": None, "ensemble": False}, [False, False]),
    ],
)
def test_the_first_stages_average_over_mirror_images(changes, expected):
    options = tiny()
    made, _ = fitted(
        pan(16, 32, 32), options=replace(options, pyramid=replace(options.pyramid, **changes))
    )
    assert [stage.ensemble for stage in made] == expected


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("fast", {}, [3, 1, 1]),
        ("quality", {}, [3, 1, 1]),
        ("fast", {"prior": "none"}, [1, 1, 1]),  # nothing knows other sizes than its own
        ("paper", {}, [1, 1, 1]),
    ],
)
def test_places_of_what_is_known_first_have_a_choice_of_sizes(name, changes, expected):
    options = preset(name, **changes)
    stages = plan(8, 128, 128)
    with torch.device("meta"):
        networks = [network_of(options, stage, 128, 128) for stage in stages]
    made = [
        fitted_stage(options, number, stage, network)
        for number, (stage, network) in enumerate(zip(stages, networks, strict=True))
    ]
    assert [stage.sizes for stage in made] == expected
    assert all(stage.sizes == 1 or (stage.refilmed and not stage.verify) for stage in made)


@pytest.mark.parametrize(
    ("exposure", "expected"), [("full", True), ("delta", True), (0.25, True), (0.5, False)]
)
def test_a_specialist_makes_two_stages_in_one_whose_frames_are_alike(exposure, expected):
    """With a shutter that is open for a half, those of the second stage touch."""
    options, stages = preset("fast", exposure=exposure), plan(8, 64, 64, Fraction(1))
    with torch.device("meta"):
        one, other = (network_of(options, stage, 64, 64) for stage in stages[:2])
        special = Specialist(one, one, Classifier())
    first = fitted_stage(options, 0, stages[0], one, special=special)
    second = fitted_stage(options, 1, stages[1], other, below=[first])
    assert (second.at_once is not None) == expected
    assert second.at_once is None or second.at_once.factor == 4


def test_the_papers_schedule():
    assert [steps_of_stage(preset("paper"), n) for n in range(3)] == [50_000, 25_000, 12_500]


def test_the_first_stage_takes_fewer_steps_from_a_prior():
    fast = preset("fast")
    assert steps_of_stage(fast, 0) == fast.fit.adapt_steps < fast.fit.steps
    assert steps_of_stage(replace(fast, prior="none"), 0) == fast.fit.steps


@pytest.mark.parametrize(
    ("name", "size", "changes", "expected"),
    [
        ("fast", (128, 128), {}, ["1", "1/2"]),
        ("fast", (384, 640), {}, ["1/2", "1/4"]),
        ("fast", (720, 1280), {}, ["1/4"]),
        ("balanced", (720, 1280), {}, ["1/2", "1/4"]),
        ("quality", (720, 1280), {}, ["1", "1/2", "1/4"]),
        ("fast", (128, 128), {"prior": "none"}, ["1/2"]),
        ("fast", (128, 128), {"network": NETWORKS["recurrent"], "exposure": "delta"}, ["1/2"]),
        ("paper", (128, 128), {}, ["1/2"]),
        ("fast", (32, 32), {}, ["1"]),
    ],
)
def test_what_knows_motion_has_a_choice_of_sizes(name, size, changes, expected):
    plans = climbs(preset(name, factor=8, **changes), *size)
    assert [str(plan[0].scale) for plan in plans] == expected
    assert all(plan[-1].factor_before == 4 for plan in plans)


def test_no_climb_has_no_choice():
    assert climbs(preset("fast", factor=1, scale=2), 128, 128) == ((),)


def test_coarse_levels_are_not_folded():
    assert fold_of(Stage(Fraction(1, 4), 2, 1), 360, 640) == 1
    assert fold_of(Stage(FULL, 2, 4), 720, 1280) > 1


def test_none_folds_where_a_prior_has_none_that_does():
    stage, size = Stage(FULL, 2, 1), (360, 640)
    told = [
        network_of(preset("fast", network=NETWORKS[kind], prior=prior), stage, *size).multiple
        for kind, prior in (("compact", "auto"), ("recurrent", "auto"), ("recurrent", "none"))
    ]
    assert told == [2, 1, 2]
