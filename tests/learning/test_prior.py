"""What is known before the video is seen."""

import hashlib
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import product

import pytest
import torch

from benchmarks import rotors
from deeptsr.config import NETWORKS, PRESETS, NetworkSettings, preset
from deeptsr.errors import OptionError
from deeptsr.evaluation.metrics import psnr
from deeptsr.imaging.exposure import correct, expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.prior import Prior, prior_of, starts
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.strategy.evidence import Evidence
from deeptsr.learning.strategy.start import specialist_of, start_from
from deeptsr.networks import build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from deeptsr.pyramid.special import bonds_of, likely, parts_of
from tests.helpers.fits import FULL, LAZY, fitted, outcomes
from tests.helpers.synth import NETWORK, certain, gap, noise, pan, tiny, wake

BUNDLED = sorted(
    (p for p in (resources.files("deeptsr.learning") / "priors").iterdir()), key=lambda p: p.name
)
ONE = (Stage(FULL, 2, 1),)
HASHES = {
    "compact-16x6.safetensors": "e0cc308746963307cbc807dc84938db8e5f33627d138d855827fc4d6a9b8b9ee",
    "fusion-16x6.safetensors": "c2512e3d58176f4b5f7f070e7a30c5c0dad31393872a80673b72be46f15dad9a",
    "recurrent-16x6.safetensors": (
        "d774d43033d153e10dd3956da810004fbbc4d81865d0b0c8a2fedb7876a8d5af"
    ),
    "space-24x6.safetensors": "9a0da4e7424ce2aef940d442b208322e25adb8f5d2fab8b4519a297292ecccbe",
}


def a_prior(settings=NETWORK, exposure="full", fold=1):
    network = wake(build(settings, 2, exposure, fold))
    return Prior(settings, {f"any/{exposure}-{fold}": network.state_dict()}, {"by": "a test"})


def stored(prior, tmp_path):
    path = tmp_path / "prior.safetensors"
    path.write_bytes(prior.bytes())
    return path


def test_a_file_gives_back_what_it_was_made_of(tmp_path):
    prior = a_prior()
    again = Prior.load(stored(prior, tmp_path))
    assert (again.network, again.made) == (prior.network, prior.made)
    assert again.digest
    for name, value in prior.variants["any/full-1"].items():
        assert gap(again.variants["any/full-1"][name], value.half().float()) == 0


def test_a_classifier_is_kept_in_8_bits(tmp_path):
    known = certain(0.3).state_dict()
    known["enter.weight"] = noise(*known["enter.weight"].shape) - 0.5
    prior = replace(a_prior(), variants={**a_prior().variants, "classifier/full-1": known})
    assert len(prior.bytes()) < 1.3 * sum(value.numel() for value in known.values())
    kept = Prior.load(stored(prior, tmp_path)).variants["classifier/full-1"]
    for name, value in known.items():
        most = 0.5 / 127 if value.ndim > 1 else 0.01  # half a level of 127; of half precision
        assert gap(kept[name], value) <= most * float(value.abs().max()) + 1e-9
    again = replace(prior, variants={"classifier/full-1": kept})
    twice = Prior.load(stored(again, tmp_path)).variants["classifier/full-1"]
    assert all(gap(twice[name], value) < 1e-7 for name, value in kept.items())


@pytest.mark.parametrize("content", [b"", b"not a prior", bytes(100)])
def test_what_is_no_prior_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(OptionError, match="deeptsr pretrain"):
        Prior.load(path)
    with pytest.raises(OptionError, match=r"no such file.*deeptsr pretrain"):
        prior_of(tiny(prior=str(tmp_path / "missing")))


def test_a_prior_of_other_networks_is_refused(tmp_path):
    path = stored(a_prior(), tmp_path)
    with pytest.raises(OptionError, match="4 channels"):
        prior_of(tiny(prior=str(path), network=NetworkSettings(channels=6, blocks=1)))


def test_weights_are_those_of_the_variant_that_is_asked_for():
    prior = a_prior()
    known, folded = build(NETWORK, 3), build(NETWORK, 2, "full", 2)
    assert list(starts(prior, known)) == ["any"]
    state = starts(prior, known)["any"]
    assert state is prior.variants["any/full-1"]
    assert not starts(prior, folded)
    assert not starts(None, known)
    assert not starts(prior, build(NetworkSettings("paper", 4), 2))


def test_a_classifier_is_for_any_shutter_that_has_a_judge():
    instants = build(NETWORK, 2, "delta")
    others = {
        "any/delta-1": instants.state_dict(),
        "classifier/full-1": certain(0.0).state_dict(),
        "judge/delta-1": instants.state_dict(),
    }
    prior = replace(a_prior(), variants={**a_prior().variants, **others})
    assert list(starts(prior, instants)) == ["any", "classifier", "judge"]
    assert list(starts(prior, build(NETWORK, 2))) == ["any"]


@pytest.mark.parametrize(
    ("judged", "odds", "wild", "takes"),
    [
        (1.0, 0.0, 3.0, True),
        (0.6, 0.0, 3.0, True),
        (0.6, 9.0, 3.0, True),
        (1.0, 0.0, 2.0, True),
        (-300.0, 0.0, 2.0, False),  # its judge makes the opposite of what it makes
        (-300.0, 90_000.0, 2.0, True),  # its classifier outvotes that
        (1.0, 0.0, 0.3, False),  # it contradicts itself more than the other
    ],
)
def test_a_specialist_takes_part_where_its_witnesses_and_its_own_account_say_so(
    judged, odds, wild, takes
):
    network, other = (wake(build(NETWORK, 2), seed) for seed in (1, 2))
    experts = {"any": network.state_dict(), "turning": other.state_dict()}
    experts = {k: {n: v.clone() for n, v in s.items()} for k, s in experts.items()}
    experts["judge"] = {k: v.clone() for k, v in experts["turning"].items()}
    experts["judge"]["leave.weight"] *= judged
    experts["classifier"] = certain(odds).state_dict()
    experts["any"]["leave.weight"] *= wild
    start = start_from(network, experts, pan(8, 24, 24), torch.float32)
    assert (start.special is not None, start.leads) == (takes, takes)
    assert gap(network.state_dict()["enter.weight"], experts["any"]["enter.weight"]) == 0
    if takes:
        for each, name in ((start.special.network, "turning"), (start.special.judge, "judge")):
            assert gap(each.state_dict()["leave.weight"], experts[name]["leave.weight"]) == 0
        assert start.special.classifier.tell.bias.item() == odds


@pytest.mark.parametrize(
    ("agrees", "taken"),
    [((0.2, 0.3), "below"), ((0.3, 0.2), "any"), ((-0.9, 0.1), "below"), ((-0.9, -0.1), "any")],
)
def test_a_fit_starts_from_who_agrees_more_with_himself(monkeypatch, agrees, taken):
    """Who contradicts himself is not believed for doing so less."""
    network, told = wake(build(NETWORK, 2)), iter(agrees)
    known = {name: value.clone() for name, value in network.state_dict().items()}
    experts = {"any": known, "below": {**known, "leave.weight": 2 * known["leave.weight"]}}
    monkeypatch.setattr(
        "deeptsr.learning.strategy.start.examine",
        lambda *_, **__: Evidence(5.0, torch.zeros(1, 1, 1), next(told), 0.3, 1.0),
    )
    start = start_from(network, experts, pan(8, 24, 24), torch.float32)
    assert (start.expert, start.special, start.leads) == (taken, None, False)
    assert gap(network.state_dict()["leave.weight"], experts[taken]["leave.weight"]) == 0
    assert gap(start.made, predict(network, pan(8, 24, 24))) == 0


def test_without_its_witnesses_no_specialist_takes_part():
    network = wake(build(NETWORK, 2))
    experts = {"any": network.state_dict(), "turning": network.state_dict()}
    assert start_from(network, experts, pan(8, 16, 16), torch.float32).special is None
    for nobody in ({}, {"turning": network.state_dict()}):
        assert start_from(network, nobody, pan(8, 16, 16), torch.float32) is None


@pytest.mark.parametrize("step", [3, 5])
def test_a_specialist_is_for_steps_of_two(step):
    network = wake(build(NETWORK, step))
    experts = dict.fromkeys(("any", "turning", "judge"), network.state_dict())
    experts["classifier"] = certain(5.0).state_dict()
    assert start_from(network, experts, pan(8, 16, 16), torch.float32).special is None


def test_it_is_read_where_only_shapes_are_asked_for(tmp_path):
    path = stored(a_prior(), tmp_path)
    with torch.device("meta"):
        prior = Prior.load(path)
    assert {w.device.type for w in prior.variants["any/full-1"].values()} == {"cpu"}


def test_a_fit_starts_from_it(tmp_path):
    path = stored(a_prior(), tmp_path)
    options = tiny(prior=str(path), fit=replace(LAZY, adapt_steps=0, finetune_steps=0))
    (stage,), told = fitted(pan(16, 24, 24), options=options, stages=ONE)
    (event,) = outcomes(told)
    assert (event.outcome, event.steps) == ("as known", 0)
    expected = Prior.load(path).variants["any/full-1"]
    assert all(torch.equal(stage.network.state_dict()[k], v) for k, v in expected.items())


def test_what_comes_along_is_for_the_network_of_its_name():
    known = preset("fast").network
    assert prior_of(preset("fast", network=known)) is not None
    assert prior_of(preset("fast", network=replace(known, kind="another"))) is None


def test_what_comes_along_is_for_what_is_filmed_like_that():
    """Two of the networks know nothing of instants: these are fitted from nothing."""
    known = {kind: preset("fast", network=NETWORKS[kind]) for kind in ("compact", "recurrent")}
    told = {kind: prior_of(replace(o, exposure="delta")) for kind, o in known.items()}
    assert told["compact"] is not None
    assert told["recurrent"] is None
    assert all(prior_of(options) is not None for options in known.values())


def test_the_paper_never_takes_one():
    assert prior_of(preset("paper")) is None
    assert prior_of(preset("fast", prior="none")) is None


# --- those that come with the program ---


def test_every_network_has_one_but_the_papers():
    assert all(prior_of(o) is not None for name, o in PRESETS.items() if name != "paper")
    assert {prior.network.kind for prior, _ in bundled()} == {*NETWORKS} - {"paper"}


def test_they_are_small_and_what_they_were():
    files = {p.name: p.read_bytes() for p in BUNDLED if p.name.endswith(".safetensors")}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == HASHES
    assert sum(map(len, files.values())) < 2_000_000


def bundled():
    priors = [prior_of(preset("fast", network=NETWORKS[k])) for k in NETWORKS if k != "paper"]
    return [(prior, variant) for prior in priors for variant in prior.variants]


rendered = cache(render)


def cases():
    """Each network that restores with the steps that it was taught: those of blades have two.

    What is a variation of the compact network is looked at less closely.
    """
    return [
        (*each, step)
        for each in bundled()
        if not each[1].startswith("classifier")
        for step in ((2, 3) if each[1].startswith("any") else (2,))
        if step == 2 or each[0].network.kind == "compact"
    ]


@pytest.mark.parametrize(
    ("prior", "variant", "step"),
    cases(),
    ids=lambda v: v.network.kind if isinstance(v, Prior) else str(v),
)
def test_each_beats_linear_interpolation_on_clips_of_another_seed(prior, variant, step):
    expert, kind = variant.split("/")
    exposure, fold = kind.split("-")
    network = build(prior.network, step, exposure, int(fold))
    network.load_state_dict(starts(prior, network)[expert])
    gains = []
    for seed in range(6 if prior.network.kind == "compact" else 1):
        drawn = {"any": "leaves", "below": "below"}.get(expert, "beyond")
        clip = rendered(987_654_000 + seed, drawn, frames=12 * step)
        if clip.longest < step:
            continue
        truth = clip.frames.float()
        ltr = expose(truth, step, exposure)
        result = predict(network.eval(), ltr).clamp(0, 1)
        plain = interpolate_time(ltr, step, exposure)
        unknown = [n for n in range(len(truth)) if exposure == "full" or n % step]
        gains.append(psnr(result[unknown], truth[unknown]) - psnr(plain[unknown], truth[unknown]))
    assert sum(gains) / len(gains) > 0.3


@pytest.mark.parametrize(("share", "exposure", "least"), [(1.0, "full", 0.9), (0.5, "delta", 0.75)])
def test_its_witnesses_tell_where_a_specialist_is_right(share, exposure, least):
    """Of rotors on both sides of the aliasing limit, of shapes that it was not taught."""
    prior = prior_of(preset("fast"))
    network = build(prior.network, 2, exposure)
    experts = starts(prior, network)
    network.load_state_dict(experts["any"])
    special = specialist_of(network.eval(), experts)
    right = []
    for kind, seed in product(("below", "beyond"), range(3)):
        ltr = rotors.render(seed, kind, share).clip[:12]
        plain = correct(interpolate_time(ltr, 2, exposure), ltr, 2, exposure)
        mine, theirs, judged = (predict(n, ltr) for n in (network, special.network, special.judge))
        parts = parts_of(theirs, judged, special.odds(ltr, torch.float32), plain, 2)
        bonds = bonds_of(mine, theirs, 2, exposure)
        each = (likely(parts, bonds, exposure) * parts[2]).sum((1, 2)) / parts[2].sum((1, 2))
        right += ((each > 0.5) == (kind == "beyond")).tolist()
    assert sum(right) / len(right) > least


def test_what_stands_still_stays():
    prior = prior_of(preset("fast"))
    network = build(prior.network, 2)
    network.load_state_dict(starts(prior, network)["any"])
    still = noise(1, 40, 40, 3).repeat(12, 1, 1, 1) * 0.5 + 0.25
    assert gap(predict(network.eval(), still), still.repeat_interleave(2, 0)) < 4 / 255


def test_what_does_not_say_how_it_was_made_is_refused(tmp_path):
    path = stored(replace(a_prior(), made=["by hand"]), tmp_path)
    with pytest.raises(OptionError, match="does not say how it was made"):
        Prior.load(path)
