"""What is known before the video is seen."""

import hashlib
from dataclasses import replace
from importlib import resources

import pytest
import torch

from deeptsr.config import PRESETS, NetworkSettings, preset
from deeptsr.errors import OptionError
from deeptsr.evaluation.metrics import psnr
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import interpolate_time
from deeptsr.learning.prior import Prior, prior_of, start_from
from deeptsr.learning.rendering.clips import render
from deeptsr.networks import build
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict
from tests.helpers.fits import FULL, LAZY, fitted, outcomes
from tests.helpers.synth import NETWORK, gap, noise, pan, tiny, wake

BUNDLED = sorted(
    (p for p in (resources.files("deeptsr.learning") / "priors").iterdir()), key=lambda p: p.name
)
ONE = (Stage(FULL, 2, 1),)
HASHES = {
    "compact-16x6.safetensors": "HASH",
}


def made(settings=NETWORK, exposure="full", fold=1):
    network = wake(build(settings, 2, exposure, fold))
    return Prior(settings, {f"{exposure}-{fold}": network.state_dict()}, {"by": "a test"})


def stored(prior, tmp_path):
    path = tmp_path / "prior.safetensors"
    path.write_bytes(prior.bytes())
    return path


def test_a_file_gives_back_what_it_was_made_of(tmp_path):
    prior = made()
    again = Prior.load(stored(prior, tmp_path))
    assert (again.network, again.made) == (prior.network, prior.made)
    assert again.digest
    for name, value in prior.variants["full-1"].items():
        assert gap(again.variants["full-1"][name], value.half().float()) == 0


@pytest.mark.parametrize("content", [b"", b"not a prior", bytes(100)])
def test_what_is_no_prior_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(OptionError, match="deeptsr pretrain"):
        Prior.load(path)
    with pytest.raises(OptionError, match="deeptsr pretrain"):
        prior_of(tiny(prior=str(tmp_path / "missing")))


def test_a_prior_of_other_networks_is_refused(tmp_path):
    path = stored(made(), tmp_path)
    with pytest.raises(OptionError, match="4 channels"):
        prior_of(tiny(prior=str(path), network=NetworkSettings(channels=6, blocks=1)))


def test_weights_are_given_to_the_variant_that_they_are_of():
    prior = made()
    known, folded = build(NETWORK, 3), build(NETWORK, 2, "full", 2)
    assert start_from(prior, known)
    assert gap(known.state_dict()["enter.weight"], prior.variants["full-1"]["enter.weight"]) == 0
    assert not start_from(prior, folded)
    assert not start_from(None, known)
    assert not start_from(prior, build(NetworkSettings("paper", 4), 2))


def test_a_fit_starts_from_it(tmp_path):
    path = stored(made(), tmp_path)
    options = tiny(prior=str(path), fit=replace(LAZY, adapt_steps=0, finetune_steps=0))
    (stage,), told = fitted(pan(16, 24, 24), options=options, stages=ONE)
    (event,) = outcomes(told)
    assert (event.outcome, event.steps) == ("as known", 0)
    expected = Prior.load(path).variants["full-1"]
    assert all(torch.equal(stage.network.state_dict()[k], v) for k, v in expected.items())


def test_the_paper_never_takes_one():
    assert prior_of(preset("paper")) is None
    assert prior_of(preset("fast", prior="none")) is None


# --- those that come with the program ---


def test_every_compact_preset_has_one():
    assert all(prior_of(o) is not None for name, o in PRESETS.items() if name != "paper")


def test_they_are_small_and_what_they_were():
    files = {p.name: p.read_bytes() for p in BUNDLED if p.name.endswith(".safetensors")}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == HASHES
    assert sum(map(len, files.values())) < 2_000_000


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("variant", ["full-1", "full-2", "delta-1", "delta-2"])
def test_each_beats_linear_interpolation_on_clips_of_another_seed(variant, step):
    exposure, fold = variant.split("-")
    prior = prior_of(preset("fast"))
    network = build(prior.network, step, exposure, int(fold))
    assert start_from(prior, network)
    gains = []
    for seed in range(4):
        truth = render(987_654_000 + seed, frames=12 * step).frames.float()
        ltr = expose(truth, step, exposure)
        found = predict(network.eval(), ltr).clamp(0, 1)
        gains.append(psnr(found, truth) - psnr(interpolate_time(ltr, step, exposure), truth))
    assert sum(gains) / len(gains) > 0.3


def test_what_stands_still_stays():
    prior = prior_of(preset("fast"))
    network = build(prior.network, 2)
    start_from(prior, network)
    still = noise(1, 40, 40, 3).repeat(12, 1, 1, 1) * 0.5 + 0.25
    assert gap(predict(network.eval(), still), still.repeat_interleave(2, 0)) < 4 / 255
