"""A prior as a file."""

import os
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from deeptsr.config import NetworkSettings, PretrainSettings, preset
from deeptsr.errors import InputError, OptionError, OutputError
from deeptsr.events import Pretrained, Progress, Warned
from deeptsr.jobs import pretrain as module
from deeptsr.jobs.pretrain import pretrain_file
from deeptsr.learning.pretraining import VARIANTS
from deeptsr.learning.prior import Prior, prior_of
from deeptsr.learning.space.step import space_prior
from deeptsr.networks import build_teachable
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
    # Of another seed nothing is taken over, and that is said.
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        pretrain_file(path, NETWORK, TINY, device="cpu", on_event=stop)
    assert any(isinstance(e, Warned) for e in taught(path, seed=3))


def test_pictures_are_read_from_a_folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (120, 150, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    (folder / "notes.txt").write_text("no picture")
    (picture,) = module._pictures(folder, tiled=False)
    assert picture.shape == (3, 96, 96)
    taught(tmp_path / "p.safetensors", images=folder)
    assert Prior.load(tmp_path / "p.safetensors").made["clips"] == "rendered and pictures"


def test_of_large_pictures_what_finds_detail_is_shown_tiles(tmp_path):
    """Half as large, where a pixel is the mean of four: as sharp as pixels can be."""
    pixels = np.random.default_rng(0).integers(0, 256, (480, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    tiles = module._pictures(tmp_path, tiled=True)
    half = np.asarray(pixels.reshape(240, 2, 150, 2, 3).mean((1, 3)) / 255, np.float32)
    assert len(tiles) == 4 * 2
    assert all(tile.shape == (3, 96, 96) for tile in tiles)
    blurred = [np.asarray(tile.movedim(0, 2)) for tile in tiles]
    for number, place in enumerate([(y, x) for y in (0, 48, 96, 144) for x in (0, 48)]):
        area = half[place[0] : place[0] + 96, place[1] : place[1] + 96]
        assert np.corrcoef(blurred[number].ravel(), area.ravel())[0, 1] > 0.85
    small = Image.fromarray(pixels[:100, :100])
    small.save(tmp_path / "a.png")
    assert len(module._pictures(tmp_path, tiled=True)) == 1


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
    monkeypatch.setattr(module, "_affordable", lambda *_: replace(TINY, steps=123))
    pretrain_file(tmp_path / "p.safetensors", NETWORK, TINY, time_budget=60.0, device="cpu")
    assert seen == [123]


def test_a_time_budget_counts_the_clips_that_are_there_from_the_start(monkeypatch):
    """A clip takes 2 s and a step 1 s: of 1000 s seven pools of clips take 150 at most."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def render(seed, kind):
        now[0] += 2.0

    def pretrain(network, settings, *, variants, on_event, **_):
        for _ in range(settings.steps):
            now[0] += 1.0
            on_event(None)

    monkeypatch.setattr(module, "render", render)
    monkeypatch.setattr(module, "pretrain", pretrain)
    pools = sum((v.rotors < 1) + (v.rotors > 0) for v in VARIANTS)
    settings = replace(TINY, pool=250)
    for seconds, pool in ((1000.0, round(0.15 * 1000 / (2 * pools))), (1e6, 250), (10.0, 8)):
        found = module._affordable(NETWORK, settings, seconds, {"variants": VARIANTS})
        assert found.pool == pool
        taken = 2 * pools * pool + found.steps * sum(v.share for v in VARIANTS)
        assert taken == pytest.approx(0.9 * seconds, abs=5) or found.steps == 40


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
    with pytest.raises(OptionError, match="only is any/full-3; expected some of any/full-1, turn"):
        pretrain_file(tmp_path / "c", NETWORK, TINY, only=("any/full-3",))
    with pytest.raises(OptionError, match="only is set with space; expected none"):
        pretrain_file(tmp_path / "c", space=True, only=("any/full-1",))


def test_crops_are_spoilt_in_place():
    damage, kinds = module._Damage(0), set()
    still = torch.linspace(0.2, 0.8, 24).view(1, 1, 1, 24, 1).expand(3, 3, 4, 24, 20)
    for _ in range(12):
        spoilt = damage(still)
        assert spoilt.shape == still.shape
        error = (spoilt - still).abs()
        assert 0 < error.mean() < 0.05
        kinds.add(bool((spoilt * 255 - (spoilt * 255).round()).abs().max() < 1e-3))
    assert kinds == {True, False}  # 8 bits where a codec was at work


@pytest.mark.parametrize("changes", [{"still": 1.0}, {"damaged": 1.5}, {"hidden": -0.1}])
def test_shares_are_checked(tmp_path, changes):
    with pytest.raises(OptionError, match="expected a share"):
        pretrain_file(tmp_path / "p", NETWORK, replace(TINY, **changes), device="cpu")


def test_among_pictures_pipes_are_not_waited_for_and_huge_ones_are_left_out(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("L", (16, 16)).save(tmp_path / "bomb.png")
    data = bytearray((tmp_path / "bomb.png").read_bytes())
    data[16:24] = struct.pack(">II", 40_000, 40_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(InputError, match="has no pictures"):
        pretrain_file(tmp_path / "p.safetensors", NETWORK, TINY, images=tmp_path, device="cpu")
