"""Crops of rendered clips."""

from dataclasses import replace

import pytest
import torch

from deeptsr.config import PretrainSettings
from deeptsr.learning.pretraining import crops
from deeptsr.learning.pretraining.crops import Crops, aliased, within
from deeptsr.learning.pretraining.variants import VARIANTS, Variant
from deeptsr.learning.prior import SPECIALIST
from deeptsr.learning.rendering.clips import Clip, Turn
from tests.helpers.synth import noise

SETTINGS = PretrainSettings(batch=2, crop=16, frames=8, pool=1, slowed=1.0)


@pytest.fixture
def rendered(monkeypatch):
    """Lengths of the clips that were rendered, which are noise."""
    lengths = []

    def render(seed, kind, frames, pictures, step):
        lengths.append(frames)
        return Clip(noise(frames, 20, 20, 3, seed=seed).half(), 6)

    monkeypatch.setattr(crops, "render", render)
    return lengths


def test_long_crops_are_shorter_where_a_clip_has_no_more_frames(rendered):
    pool = Crops(replace(SETTINGS, frames=16), Variant("any", "full", 1, 1.0), 0, ())
    pool.fill()
    assert [pool.batch(factor)[0].shape[2] for factor in (2, 3, 5)] == [32, 39, 40]


TURNING = Variant("judge", "full", 1, 1.0, rotors=1.0)


@pytest.mark.parametrize("speed", [0.2, 0.3])
def test_where_blades_turn_beyond_the_limit_is_told(speed):
    turn = Turn(4, (10.0, 10.0), 8.0, 1.0, torch.full((11,), speed * 360 / 4))
    clip = Clip(noise(12, 20, 20, 3).half(), 2, turn)
    assert aliased(clip, range(12), 2).tolist() == [float(speed > 0.25)] * 6
    assert aliased(clip, range(4, 8), 2).shape == (2,)
    assert aliased(replace(clip, rotor=None), range(12), 2).sum() == 0


def test_where_it_is_told_turns_with_the_time_of_a_crop(monkeypatch):
    """A clip that brightens as it comes to turn beyond the limit, forwards and backwards."""
    speeds = torch.linspace(0.1, 0.4, 39)
    turn = Turn(4, (10.0, 10.0), 8.0, 1.0, speeds * 360 / 4)
    bright = torch.linspace(0, 1, 40)[:, None, None, None].expand(-1, 20, 20, 3)
    monkeypatch.setattr(crops, "render", lambda *_, **__: Clip(bright.half(), 2, turn))
    pool = Crops(replace(SETTINGS, gray=0.0), TURNING, 0, ())
    pool.fill()
    ways = set()
    for _ in range(30):
        crop, where, _ = pool._crop("rotor", 2, 8)
        light = crop.mean((0, 2, 3)).reshape(8, 2).mean(1)
        steps = where.diff()
        if steps.abs().sum():
            ways.add(float(steps.sum()))
            dark_to_bright = float(light[-1] - light[0]) > 0
            inverted = abs(float(light[where > 0].mean())) < float(light[where == 0].mean())
            assert dark_to_bright == ((float(steps.sum()) > 0) != inverted)
    assert ways == {1.0, -1.0}


def test_where_something_turns_turns_with_a_crop(monkeypatch):
    """A bright disc beside the middle, in all views of it."""
    turn = Turn(4, (6.0, 10.0), 4.0, 1.0, torch.zeros(39))
    clip = Clip(torch.zeros(40, 20, 20, 3).half(), 2, turn)
    assert within(clip)[6, 10] == 1
    assert within(clip)[6, 15] == within(clip)[11, 10] == 0
    assert within(replace(clip, rotor=None)).max() == 0
    bright = within(clip)[None, :, :, None].expand(40, -1, -1, 3).half()
    monkeypatch.setattr(crops, "render", lambda *_, **__: Clip(bright, 2, turn))
    pool = Crops(replace(SETTINGS, gray=0.0), TURNING, 0, ())
    pool.fill()
    seen = set()
    for _ in range(30):
        crop, _, inside = pool._crop("rotor", 2, 8)
        assert torch.equal((crop[0, 0] - crop[0, 0, 0, 0]).abs(), (inside - inside[0, 0]).abs())
        seen.add(inside.numpy().tobytes())
    assert len(seen) > 8


def test_blades_have_the_speeds_of_frames_of_two(monkeypatch):
    pool = Crops(SETTINGS, TURNING, 0, ())
    assert {pool.factor() for _ in range(60)} == {2}
    assert (
        len({Crops(SETTINGS, Variant("any", "full", 1, 1.0), s, ()).factor() for s in range(60)})
        > 2
    )


def test_who_learns_blades_below_the_limit_sees_them_in_frames_of_two_alone(monkeypatch):
    light = {"leaves": 0.6, "rotor": 0.9}  # or as dark, where a crop is inverted

    def render(seed, kind, frames, pictures, step):
        return Clip(torch.full((frames, 20, 20, 3), light[kind]).half(), 6)

    monkeypatch.setattr(crops, "render", render)
    pool = Crops(SETTINGS, Variant("any", "full", 1, 1.0, 0.5, "unaliased"), 0, ())
    pool.fill()
    assert len({pool.factor() for _ in range(60)}) > 2
    for factor, kinds in ((2, {0.1, 0.4}), (3, {0.1})):
        seen = torch.cat([pool.batch(factor)[0] for _ in range(10)])
        assert {round(abs(float(crop.mean()) - 0.5), 2) for crop in seen} == kinds


@pytest.mark.parametrize("exposure", ["full", "delta"])
def test_a_specialist_sees_blades_in_each_of_its_steps(monkeypatch, exposure):
    drawn = set()

    def render(seed, kind, frames, pictures, step):
        drawn.add((kind, step))
        turn = Turn(4, (10.0, 10.0), 8.0, 1.0, torch.full((frames - 1,), 0.6 / step * 90))
        return Clip(noise(frames, 20, 20, 3).half(), step, turn)

    monkeypatch.setattr(crops, "render", render)
    (variant,) = (v for v in VARIANTS if v.name == f"{SPECIALIST}/{exposure}-1")
    pool = Crops(SETTINGS, replace(variant, wide=1.0), 0, ())
    pool.fill()
    pool.renew()
    assert drawn == {("beyond", 2), ("beyond", 4)}
    assert {pool.factor() for _ in range(40)} == {2, 4}
    for factor in (2, 4):
        htr, where, _ = pool.batch(factor)
        assert htr.shape[2] == factor * where.shape[1]
        assert where.min() == 1
