"""What was fitted, in a file and out of it again."""

import copy
import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from deeptsr.config import NetworkSettings, preset
from deeptsr.errors import OptionError
from deeptsr.learning.recipe import (
    climbs,
    fitted_stage,
    nearer,
    network_of,
    steps_of_stage,
    with_specialist,
)
from deeptsr.learning.saved_fit import SavedFit, is_fit_with, saved_fit_of
from deeptsr.networks import Classifier
from deeptsr.pyramid.plan import plan
from deeptsr.pyramid.special import Specialist
from deeptsr.pyramid.stage import FittedStage
from tests.helpers.synth import tiny, wake

CPU = torch.device("cpu")
SIZE = (100, 120)
OPTIONS = tiny(4, seed=7, exposure=0.5)
PLAN = plan(4, *SIZE, OPTIONS.pyramid.coarsest)


def stages(options=OPTIONS, layout=PLAN, size=SIZE, interpolates=()):
    return tuple(
        FittedStage(
            stage,
            None if n in interpolates else wake(network_of(options, stage, *size), seed=n),
        )
        for n, stage in enumerate(layout)
    )


def kept(path, **changes):
    path.write_bytes(SavedFit.of(stages(**changes), OPTIONS, SIZE).bytes())
    return path


def test_weights_and_settings_come_back(tmp_path):
    path = kept(tmp_path / "a.safetensors")
    found = SavedFit.load(path)
    assert found.options == replace(
        OPTIONS,
        device="auto",
        pyramid=replace(OPTIONS.pyramid, voxels=found.options.pyramid.voxels, largest=None),
    )
    for one, other in zip(stages(), found.fitted(OPTIONS, PLAN, SIZE, CPU), strict=True):
        assert other.stage == one.stage
        assert not other.network.training
        for name, value in one.network.state_dict().items():
            assert torch.equal(value, other.network.state_dict()[name])
    assert len(found.digest) == 64


@pytest.mark.parametrize("name", ["fast", "balanced", "quality", "paper"])
def test_the_settings_of_every_preset_come_back(tmp_path, name):
    options = preset(name, factor=6, exposure="delta", seed=3)
    (tmp_path / "a").write_bytes(SavedFit.of((), options, SIZE).bytes())
    # There is no choice left of where the climb begins.
    begins = replace(options.pyramid, largest=None)
    assert SavedFit.load(tmp_path / "a").options == replace(options, pyramid=begins)


@pytest.mark.parametrize(("scale", "kept_as"), [("1/4", "1/4"), ("1/2", "1/2"), ("1", "1")])
def test_a_climb_begins_at_the_size_at_which_its_fit_did(tmp_path, scale, kept_as):
    options, size = preset("fast", factor=4), (256, 256)
    begun = plan(4, *size, Fraction(scale))
    fitted = tuple(FittedStage(stage, None) for stage in begun)
    (tmp_path / "a").write_bytes(SavedFit.of(fitted, options, size).bytes())
    found = SavedFit.load(tmp_path / "a")
    asked = replace(options, pyramid=found.pyramid_of(options.pyramid))
    assert asked.pyramid.coarsest == Fraction(kept_as)
    assert climbs(asked, *size) == (begun,)
    assert is_fit_with(tmp_path / "a", options)
    assert not is_fit_with(tmp_path / "a", replace(options, seed=1))


def test_where_there_was_no_choice_other_videos_have_one(tmp_path):
    options, size = preset("fast", factor=4), (64, 64)
    fitted = tuple(FittedStage(s, None) for s in plan(4, *size, options.pyramid.coarsest))
    assert fitted[0].stage.scale == 1
    assert SavedFit.of(fitted, options, size).options.pyramid.coarsest == Fraction(1, 4)


@pytest.mark.parametrize(
    ("section", "name"),
    [("pyramid", "doubling"), ("pyramid", "even"), ("pyramid", "largest"), ("fit", "optimizer")],
)
def test_a_fit_of_before_a_setting_has_its_default(tmp_path, section, name):
    path = kept(tmp_path / "a.safetensors")
    with safe_open(path, "pt") as file:
        told = json.loads(file.metadata()["deeptsr"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    before = SavedFit.load(path).options
    told["settings"][section].pop(name)
    save_file(tensors, path, {"deeptsr": json.dumps(told)})
    assert SavedFit.load(path).options == before


def test_equal_fits_are_equal_files(tmp_path):
    content = {kept(tmp_path / str(n)).read_bytes() for n in range(8)}
    assert len(content) == 1


def test_a_stage_that_interpolates_goes_on_to(tmp_path):
    found = SavedFit.load(kept(tmp_path / "a", interpolates=(1,)))
    networks = [stage.network for stage in found.fitted(OPTIONS, PLAN, SIZE, CPU)]
    assert networks[0] is not None
    assert networks[1] is None


def test_a_smaller_factor_takes_the_first_stages(tmp_path):
    found = SavedFit.load(kept(tmp_path / "a"))
    options = replace(OPTIONS, factor=2)
    (only,) = found.fitted(options, plan(2, *SIZE, Fraction(1)), SIZE, CPU)
    assert only.stage.step == 2


def test_it_is_no_pickle_and_says_what_it_is(tmp_path):
    with safe_open(kept(tmp_path / "a"), "pt") as file:
        told = json.loads(file.metadata()["deeptsr"])
    assert told["settings"]["network"] == {
        "kind": "compact",
        "channels": 4,
        "blocks": 1,
    }
    assert "deeptsr fit" in told["form"]
    assert str(tmp_path) not in json.dumps(told)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"factor": 8}, "goes up to factor 4, and factor 8"),
        ({"factor": 3}, "stage 1 of the fit is for x2 of delta exposure.*takes x3"),
        ({"exposure": "full"}, "stage 1 of the fit is for x2 of delta.*takes x2 of full exposure"),
        ({"network": NetworkSettings(channels=8, blocks=1)}, "4 channels and 1 blocks.*8 and 1"),
    ],
)
def test_a_fit_that_does_not_suit_is_refused(tmp_path, changes, words):
    found = SavedFit.load(kept(tmp_path / "a"))
    options = replace(OPTIONS, **changes)
    with pytest.raises(OptionError, match=words):
        found.check(options, plan(options.factor, *SIZE, Fraction(1)), SIZE)


def test_a_fit_of_small_frames_does_not_suit_large_ones(tmp_path):
    found = SavedFit.load(kept(tmp_path / "a"))
    with pytest.raises(OptionError, match=r"folding 1.*takes.*folding 2.*fit this one anew"):
        found.check(OPTIONS, plan(4, 720, 1280, Fraction(1)), (720, 1280))


def test_what_is_no_fit_is_refused(tmp_path):
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.ones(2)}, other)
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(kept(tmp_path / "a").read_bytes()[:-40])
    later = tmp_path / "later.safetensors"
    save_file({"a": torch.ones(2)}, later, {"deeptsr": json.dumps({"form": "deeptsr fit 99"})})
    (tmp_path / "text").write_text("hello")
    reasons = {
        tmp_path / "none": "No such file",
        tmp_path / "text": "cannot be read as one",
        torn: "cannot be read as one",
        other: "'deeptsr' is missing",
        later: "'deeptsr fit 99', and 'deeptsr fit 4' is known",
    }
    for path, reason in reasons.items():
        with pytest.raises(OptionError, match=f"(?s){reason}.*--save-fit"):
            SavedFit.load(path)


def test_weights_that_are_missing_are_told(tmp_path):
    path = kept(tmp_path / "a")
    with safe_open(path, "pt") as file:
        told = file.metadata()
        names = sorted(file.keys())[1:]
        tensors = {name: file.get_tensor(name) for name in names}
    save_file(tensors, path, told)
    with pytest.raises(OptionError, match=r"weights of stage 1 are not of its network"):
        SavedFit.load(path)


def test_a_run_reads_its_fit_once_and_again_when_it_changed(tmp_path):
    options = replace(OPTIONS, fit_file=str(kept(tmp_path / "a")))
    first = saved_fit_of(options)
    assert saved_fit_of(options) is first
    (tmp_path / "a").write_bytes(SavedFit.of(stages(interpolates=(0,)), OPTIONS, SIZE).bytes())
    assert saved_fit_of(options).stages[0].weights == {}
    assert saved_fit_of(OPTIONS) is None


def test_a_run_that_takes_a_fit_over_makes_a_tenth_of_the_steps_of_its_first_stage():
    options = preset("balanced")
    assert [steps_of_stage(options, number) for number in (0, 1)] == [600, 240]
    taken = replace(options, fit_file="a")
    assert [steps_of_stage(taken, number) for number in (0, 1)] == [60, 0]
    few = nearer(options.fit)
    assert few.warmup == 0  # which would be most of the steps
    assert few.finetune_rate < options.fit.finetune_rate


def test_the_settings_of_a_fit_are_compared(tmp_path):
    path = kept(tmp_path / "a")
    assert is_fit_with(path, OPTIONS)
    assert not is_fit_with(path, replace(OPTIONS, seed=8))
    (tmp_path / "b").write_text("no fit")
    assert not is_fit_with(tmp_path / "b", OPTIONS)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        *((("stages", 0, "scale"), text) for text in ("1/0", "1e5", "-1", "nan")),
        *((("settings", "pyramid", "coarsest"), text) for text in ("1e5", "0/0", [1])),
        *((("settings", "network", "blocks"), n) for n in (2, 10**9)),
        *((("settings", "network", "channels"), n) for n in (5, 10**6, 2**62)),
        *((("stages", 1, "fold"), n) for n in (2, 10**6)),
        *((("stages", 1, "step"), n) for n in (0, 10**9)),
        (("settings", "network", "kind"), "other"),
        (("settings", "seed"), float("nan")),
        *(
            (("stages", 0, "networks"), n)
            for n in (
                ["judge"],
                ["network", "judge"],
                ["network", "turning", "judge"],
                3,
                "network",
            )
        ),
    ],
)
def test_a_fit_that_was_tampered_with_is_refused(tmp_path, where, value):
    path = kept(tmp_path / "a")
    with safe_open(path, "pt") as file:
        told = json.loads(file.metadata()["deeptsr"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    held = told
    for key in where[:-1]:
        held = held[key]
    held[where[-1]] = value
    save_file(tensors, path, {"deeptsr": json.dumps(told)})
    with pytest.raises(OptionError):
        SavedFit.load(path)


def test_a_specialist_and_its_witnesses_come_back(tmp_path):
    known = [wake(network_of(OPTIONS, PLAN[0], *SIZE), seed=n) for n in (7, 8)]
    special = Specialist(*known, wake(Classifier(), seed=9))
    first, second = stages()
    fitted = (replace(first, special=special), second)
    (tmp_path / "a").write_bytes(SavedFit.of(fitted, OPTIONS, SIZE).bytes())
    found = SavedFit.load(tmp_path / "a").fitted(OPTIONS, PLAN, SIZE, CPU)
    assert found[1].special is None
    for one, other in zip(special.networks, found[0].special.networks, strict=True):
        assert not other.training
        assert all(torch.equal(v, other.state_dict()[k]) for k, v in one.state_dict().items())


def test_what_a_specialist_makes_in_one_comes_back(tmp_path):
    options, size = preset("fast", factor=8), (256, 256)
    held, stages = with_specialist(options, climbs(options, *size)[-1], size)
    networks = [network_of(held, stage, *size).eval() for stage in stages]
    special = Specialist(*(copy.deepcopy(networks[0]) for _ in range(2)), Classifier())
    fitted = list[FittedStage]()
    for number, (stage, network) in enumerate(zip(stages, networks, strict=True)):
        rest = {"special": None if number else special, "below": fitted}
        fitted.append(fitted_stage(options, number, stage, network, **rest))
    (tmp_path / "a").write_bytes(SavedFit.of(tuple(fitted), options, size).bytes())
    saved = SavedFit.load(tmp_path / "a")
    again = replace(options, pyramid=saved.pyramid_of(options.pyramid))
    assert climbs(again, *size) == (stages,)
    found = saved.fitted(again, stages, size, CPU)
    assert [each.at_once is not None for each in found] == [False, True, False]
    assert [each.network is not None for each in found] == [True] * 3
