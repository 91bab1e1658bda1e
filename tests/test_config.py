"""Settings: what is refused, and the presets."""

import dataclasses
import math
from dataclasses import replace
from fractions import Fraction

import pytest

from deeptsr.config import (
    PRESETS,
    EncodeSettings,
    FitSettings,
    Options,
    PairSettings,
    PretrainSettings,
    Resolved,
    fraction_of,
    preset,
)
from deeptsr.errors import OptionError
from deeptsr.networks import build


def test_the_presets_bear_their_names():
    assert set(PRESETS) == {"fast", "balanced", "quality", "paper"}
    assert all(options.preset == name for name, options in PRESETS.items())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_network(name):
    options = preset(name)
    assert build(options.network, 2, options.exposure).factor == 2


def test_only_the_papers_preset_has_the_papers_network():
    assert {n: o.network.kind for n, o in PRESETS.items() if o.network.kind != "compact"} == {
        "paper": "paper"
    }


def test_a_preset_can_be_changed():
    changed = preset("fast", factor=3, seed=7)
    assert (changed.preset, changed.factor, changed.seed) == ("fast", 3, 7)
    assert changed == replace(PRESETS["fast"], factor=3, seed=7)
    assert PRESETS["fast"].seed == 0


def test_an_unknown_preset_is_refused():
    with pytest.raises(OptionError, match="'slow'; expected one of fast, balanced, quality, paper"):
        preset("slow")


@pytest.mark.parametrize("factor", [1, 0, -8, 2.0, "8", None, True, 1025, 10**9, float("nan")])
def test_a_factor_is_a_whole_number_from_2_on(factor):
    with pytest.raises(OptionError, match=r"factor is .*; expected a whole number from 2 to 1024"):
        Options(factor=factor)


@pytest.mark.parametrize("exposure", ["", "Full", "half", 0, 0.0, -0.5, 1.1, math.nan])
def test_another_exposure_is_refused(exposure):
    with pytest.raises(OptionError, match="expected 'full', 'delta', 'auto' or the open share"):
        Options(exposure=exposure)


@pytest.mark.parametrize(("optimizer", "peak"), [("adam", 2e-3), ("muon", 2.5e-4)])
def test_each_optimizer_teaches_at_a_rate_of_its_own(optimizer, peak):
    """At Adam's, Muon's steps end in a network that makes nothing (docs/trials.md)."""
    assert PretrainSettings(optimizer=optimizer).peak == peak
    assert PretrainSettings(optimizer=optimizer, rate=0.1).peak == 0.1


@pytest.mark.parametrize("settings", [FitSettings, PretrainSettings])
def test_another_optimizer_is_refused(settings):
    with pytest.raises(OptionError, match="optimizer is 'sgd'; expected 'muon' or 'adam'"):
        settings(optimizer="sgd")


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(OptionError, match=r"seed is .*; expected 0 or more, and less than 2\*\*63"):
        Options(seed=seed)


@pytest.mark.parametrize(
    "shares", [(0, 0, 0), (-1, 1, 1), (1, -0.1, 0), (math.nan, 1, 0), (1, 0, math.inf)]
)
def test_a_mix_without_pairs_is_refused(shares):
    within, across, shift = shares
    with pytest.raises(OptionError, match="expected three shares of 0 or more"):
        Options(pairs=PairSettings(within=within, across=across, shift=shift))


@pytest.mark.parametrize("start", [-0.5, math.nan, math.inf])
def test_a_start_out_of_range_is_refused(start):
    with pytest.raises(OptionError, match="expected seconds, 0 or more"):
        Options(start=start)


@pytest.mark.parametrize(("start", "end"), [(None, 0), (2, 2), (2, 1), (0, math.nan), (None, -1)])
def test_an_end_that_is_not_after_the_start_is_refused(start, end):
    with pytest.raises(OptionError, match="expected an end after the start"):
        Options(start=start, end=end)


@pytest.mark.parametrize("crf", [-1, 64, math.nan])
def test_a_crf_out_of_range_is_refused(crf):
    with pytest.raises(OptionError, match="expected 0"):
        Options(encode=EncodeSettings(crf=crf))


@pytest.mark.parametrize(
    "changes",
    [
        {"factor": 97},
        {"exposure": "delta"},
        {"seed": 2**63 - 1},
        {"start": 0.0, "end": 0.1},
        {"end": 3.0},
        {"pairs": PairSettings(within=0, across=0, shift=1)},
        {"encode": EncodeSettings(crf=0)},
        {"encode": EncodeSettings(crf=63)},
    ],
)
def test_the_ends_of_every_range_are_inside(changes):
    options = Options(**changes)
    assert all(getattr(options, name) == value for name, value in changes.items())


def test_a_change_is_checked_as_well():
    with pytest.raises(OptionError):
        replace(Options(), factor=1)


def test_settings_are_frozen():
    for settings in (Options(), *(getattr(Options(), n) for n in ("pairs", "network", "fit"))):
        field = dataclasses.fields(settings)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(settings, field, None)


def test_what_is_resolved_is_of_another_kind_than_what_was_asked_for():
    asked = preset("balanced", exposure=0.5, seed=3)
    found = Resolved.of(asked, factor=4)
    assert found.as_options() == replace(asked, factor=4)
    assert type(found.as_options()) is Options
    assert type(replace(found, seed=1)) is Resolved
    assert not isinstance(asked, Resolved)


def test_what_is_still_to_be_found_out_is_not_resolved():
    with pytest.raises(OptionError, match="exposure is 'auto'"):
        Resolved.of(Options(exposure="auto"))
    assert Resolved.of(Options(exposure="auto"), exposure=0.25).exposure == 0.25


@pytest.mark.parametrize(
    ("given", "expected"),
    [("30000/1001", Fraction(30000, 1001)), (".5", Fraction(1, 2)), (0.25, Fraction(1, 4)), (7, 7)],
)
def test_fractions_are_read(given, expected):
    assert fraction_of(given) == expected


@pytest.mark.parametrize(
    "given", ["1e5", "1e-999999999", "1/0", "-1", "nan", "", "9" * 19, "1_0", None, [1], " 1"]
)
def test_what_is_no_fraction_or_a_long_one_is_refused(given):
    with pytest.raises(ValueError, match="is no number or fraction"):
        fraction_of(given)
