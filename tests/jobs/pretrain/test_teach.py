"""A prior as a file."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.config import NetworkSettings, PretrainSettings, preset
from deeptsr.errors import InputError, OptionError, OutputError
from deeptsr.events import Pretrained, Progress, Warned
from deeptsr.jobs.pretrain import teach as module
from deeptsr.jobs.pretrain.shown import pictures_of
from deeptsr.jobs.pretrain.teach import pretrain_file
from deeptsr.learning.pretraining import VARIANTS
from deeptsr.learning.prior import Prior, prior_of
from deeptsr.learning.space.pretrain import VARIANT
from deeptsr.learning.space.step import space_prior
from deeptsr.networks import build_teachable
from deeptsr.networks.space import SpaceNetwork
from tests.helpers.synth import NETWORK, gap, wake
from tests.helpers.teaching import small_clips

TINY = PretrainSettings(steps=4, batch=2, crop=16, frames=3, pool=2, check=2, warmup=1)


@pytest.fixture(autouse=True, scope="module")
def quick():
    with small_clips():
        yield


def taught(path, **changes):
    told = []
    pretrain_file(path, NETWORK, TINY, device="cpu", on_event=told.append, **changes)
    return told


def test_a_prior_is_written_whole_and_used(tmp_path):
    path = tmp_path / "prior.safetensors"
    told = taught(path)
    assert isinstance(told[-1], Pretrained)
    assert told[-1].size_bytes == path.stat().st_size
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    prior = prior_of(preset("fast", prior=str(path), network=NETWORK))
    assert set(prior.variants) == {v.name for v in VARIANTS}
    assert "steps=4," in prior.made["settings"]
    with pytest.raises(OutputError, match="exists"):
        taught(path)
    taught(path, overwrite=True)


def test_a_prior_of_detail_is_written_and_used(tmp_path, monkeypatch):
    monkeypatch.setattr("deeptsr.learning.space.pretrain._JUDGES", 1)
    path = tmp_path / "space.safetensors"
    network = NetworkSettings(kind="space", channels=4, blocks=1)
    pretrain_file(path, network, TINY, space=True, device="cpu")
    assert space_prior(str(path)).network == network
    with pytest.raises(OptionError, match="expected 'space'"):
        pretrain_file(tmp_path / "other", NETWORK, TINY, space=True)


def test_an_interrupted_one_goes_on(tmp_path):
    path, seen = tmp_path / "prior.safetensors", []

    def stop(event):
        seen.append(event)
        if isinstance(event, Progress) and "any/full-2" in event.detail:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain_file(path, NETWORK, TINY, device="cpu", on_event=stop)
    assert not path.exists()
    told = taught(path)
    assert path.exists()
    begun = [e.detail for e in told if isinstance(e, Progress) and "step" in e.detail]
    assert not any(detail.startswith("any/full-1") for detail in begun)
    # What is damaged is told.
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        pretrain_file(path, NETWORK, TINY, device="cpu", on_event=stop)
    kept = next(tmp_path.glob(".*.begun.pt"))
    damaged = torch.load(kept, weights_only=True)
    del damaged["state"]["state"]["optimizer"]
    torch.save(damaged, kept)
    with pytest.raises(InputError, match="is damaged; expected"):
        taught(path)
    del damaged["state"]["done"]
    torch.save(damaged, kept)
    assert any(isinstance(e, Warned) for e in taught(path))
    # Of another seed nothing is taken over, and that is said.
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        pretrain_file(path, NETWORK, TINY, device="cpu", on_event=stop)
    assert any(isinstance(e, Warned) for e in taught(path, seed=3))


def stopping_at(name, seen):
    """A listener that interrupts when a network's turn has come."""

    def stop(event):
        seen.append(event)
        if isinstance(event, Progress) and name in event.detail:
            raise KeyboardInterrupt

    return stop


def steps_of(told):
    return [e.detail for e in told if isinstance(e, Progress) and "step " in e.detail]


def test_a_time_budget_goes_on_whatever_is_measured_then(tmp_path, monkeypatch):
    path, speeds = tmp_path / "prior.safetensors", iter((4, 6, 5))
    monkeypatch.setattr(
        module, "affordable", lambda *_, **__: replace(TINY, steps=next(speeds), pool=3)
    )
    asked = {"device": "cpu", "time_budget": 60.0}
    with pytest.raises(KeyboardInterrupt):
        pretrain_file(path, NETWORK, TINY, **asked, on_event=stopping_at("any/full-2", []))
    told = taught(path, time_budget=60.0)
    assert not any(isinstance(e, Warned) for e in told)
    assert not any(detail.startswith("any/full-1") for detail in steps_of(told))
    assert "steps=4," in Prior.load(path).made["settings"]
    assert "planned steps" not in Prior.load(path).made


@pytest.mark.parametrize(("still", "steps"), [(0.0, 8), (0.5, 3)])
def test_it_goes_on_to_another_number_of_steps(tmp_path, still, steps):
    path, settings = tmp_path / "prior.safetensors", replace(TINY, still=still, check=1)
    stop = stopping_at("any/full-1: step 3", [])
    with pytest.raises(KeyboardInterrupt):
        pretrain_file(path, NETWORK, settings, device="cpu", on_event=stop)
    told = []
    more = replace(settings, steps=steps)
    pretrain_file(path, NETWORK, more, device="cpu", on_event=told.append)
    assert not any(isinstance(e, Warned) for e in told)
    assert steps_of(told)[0].startswith("any/full-1: step 3 of")
    assert Prior.load(path).made["planned steps"] == f"4, then {steps}"


def test_pictures_are_read_from_a_folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (120, 150, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    (folder / "notes.txt").write_text("no picture")
    (picture,) = pictures_of(folder, tiled=False)
    assert picture.shape == (3, 96, 96)
    taught(tmp_path / "p.safetensors", images=folder)
    assert Prior.load(tmp_path / "p.safetensors").made["clips"] == "rendered and pictures"


def test_what_cannot_be_met_is_refused(tmp_path):
    path = tmp_path / "p.safetensors"
    with pytest.raises(InputError, match="no pictures"):
        taught(path, images=tmp_path)
    with pytest.raises(OptionError, match="compact"):
        pretrain_file(path, NetworkSettings("paper", 8), TINY)
    with pytest.raises(OptionError, match="seed"):
        taught(path, seed=-1)
    with pytest.raises(OutputError, match="does not exist"):
        taught(tmp_path / "missing" / "p.safetensors")


def test_a_time_budget_chooses_the_steps(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        module, "pretrain", lambda network, settings, **_: seen.append(settings.steps) or PRIOR
    )
    monkeypatch.setattr(module, "affordable", lambda *_, **__: replace(TINY, steps=123))
    told = []
    budget = {"time_budget": 60.0, "device": "cpu", "on_event": told.append}
    pretrain_file(tmp_path / "p.safetensors", NETWORK, TINY, **budget)
    assert seen == [123]
    assert not [event for event in told if isinstance(event, Warned)]
    monkeypatch.setattr(module, "affordable", lambda *_, **__: replace(TINY, steps=40))
    pretrain_file(tmp_path / "q.safetensors", NETWORK, TINY, **budget)
    (warned,) = (event for event in told if isinstance(event, Warned))
    assert "budget of 1 min has room for no more than 40 steps" in warned.message


PRIOR = Prior(NETWORK, {}, {})


def test_a_prior_is_taught_on_from_a_file(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    taught(first)
    taught(second, start=first)
    assert Prior.load(second).made["taught on from"] == Prior.load(first).digest
    with pytest.raises(OptionError, match="expected NetworkSettings"):
        pretrain_file(tmp_path / "c", NetworkSettings(channels=4, blocks=3), TINY, start=first)
    with pytest.raises(OptionError, match="prior is"):
        pretrain_file(tmp_path / "c", NETWORK, TINY, start=tmp_path / "none")


def test_a_network_that_a_prior_lacks_starts_from_one_that_it_has(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    state = wake(build_teachable(NETWORK, 2)).state_dict()
    first.write_bytes(Prior(NETWORK, {"any/full-1": state}, {}).bytes())
    slow = replace(TINY, rate=1e-9)
    pretrain_file(second, NETWORK, slow, start=first, only=("below/full-1",), device="cpu")
    made = Prior.load(second)
    assert {*made.variants} == {"any/full-1", "below/full-1"}
    assert all(gap(made.variants["below/full-1"][name], state[name]) < 1e-2 for name in state)


def test_what_finds_detail_is_taught_on_from_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("deeptsr.learning.space.pretrain._JUDGES", 1)
    first, second, spoilt = (tmp_path / f"{name}.safetensors" for name in "abc")
    network = NetworkSettings(kind="space", channels=4, blocks=1)
    state = wake(SpaceNetwork(4, 1)).state_dict()
    first.write_bytes(Prior(network, {VARIANT: state}, {}).bytes())
    settings = replace(TINY, rate=1e-9)
    pretrain_file(second, network, settings, space=True, start=first, device="cpu")
    made = Prior.load(second)
    assert made.made["taught on from"] == Prior.load(first).digest
    assert all(gap(made.variants[VARIANT][name], state[name]) < 1e-2 for name in state)
    spoilt.write_bytes(Prior(replace(network, blocks=2), {VARIANT: state}, {}).bytes())
    for known, why in ((spoilt, "the file is damaged"), (tmp_path / "none", "prior is")):
        with pytest.raises(OptionError, match=why):
            pretrain_file(tmp_path / "d", replace(network, blocks=2), TINY, space=True, start=known)
    with pytest.raises(OptionError, match="expected NetworkSettings"):
        pretrain_file(tmp_path / "d", space=True, start=first)


@pytest.mark.parametrize("kind", ["fusion", "recurrent"])
def test_other_networks_start_from_what_the_compact_one_knows(tmp_path, kind):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    state = wake(build_teachable(NETWORK, 2)).state_dict()
    known = dict.fromkeys(("any/full-1", "turning/full-1"), state)
    first.write_bytes(Prior(NETWORK, known, {}).bytes())
    network = replace(NETWORK, kind=kind)
    pretrain_file(second, network, replace(TINY, rate=1e-9), start=first, only=("any/full-1",))
    made = Prior.load(second)
    assert made.network == network
    assert [*made.variants] == ["any/full-1"]  # nothing of the other network's is kept
    assert gap(made.variants["any/full-1"]["enter.weight"], state["enter.weight"]) < 1e-2
    with pytest.raises(OptionError, match="or a compact network of as many channels and blocks"):
        pretrain_file(tmp_path / "c", replace(network, channels=6), TINY, start=first)
    with pytest.raises(OptionError, match="or a compact network of as many channels and blocks"):
        pretrain_file(tmp_path / "c", NETWORK, TINY, start=second)
    with pytest.raises(OptionError, match="only is any/full-3; expected some of any/full-1, below"):
        pretrain_file(tmp_path / "c", NETWORK, TINY, only=("any/full-3",))
    with pytest.raises(OptionError, match="only is set with space; expected none"):
        pretrain_file(tmp_path / "c", space=True, only=("any/full-1",))


@pytest.mark.parametrize("changes", [{"still": 1.0}, {"damaged": 1.5}, {"hidden": -0.1}])
def test_shares_are_checked(tmp_path, changes):
    with pytest.raises(OptionError, match="expected a share"):
        pretrain_file(tmp_path / "p", NETWORK, replace(TINY, **changes), device="cpu")
