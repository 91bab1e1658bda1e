"""Whether the shutter closed, as two networks tell, and for what share it was open."""

from functools import cache

import pytest
import torch

from deeptsr.config import preset
from deeptsr.errors import OptionError
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import resize
from deeptsr.learning.rendering.clips import render
from deeptsr.learning.strategy import shutter
from deeptsr.learning.strategy.shutter import closes, share_of
from tests.helpers.synth import noise, still

OPTIONS = preset("fast")
FACTOR, FRAMES, SEEDS = 4, 12, (0, 1, 4)


@cache
def filmed(seed, share):
    """A clip of things in motion, as a slow camera has it."""
    fine = render(seed, "leaves", frames=FACTOR * FRAMES).frames.float()
    return expose(fine, FACTOR, share)


def test_it_closed_where_it_did_and_where_it_did_not_it_is_not_said():
    told = {
        share: [closes(filmed(seed, share), OPTIONS, torch.float32) for seed in SEEDS]
        for share in (1.0, 0.5)
    }
    assert not any(told[1.0])
    assert sum(told[0.5]) > 1  # of things that hardly move nothing is told


@pytest.mark.parametrize("deviation", [0.003, 0.03])
def test_noise_is_no_motion(deviation):
    clip = still(12, 48, 48) + deviation * torch.randn(12, 48, 48, 3)
    assert not closes(clip.clamp(0, 1), OPTIONS, torch.float32)


def test_what_is_looked_at_is_told():
    assert shutter.looked_at(720, 1280) == [(112, 112), (96, 112), (48, 85)]
    assert shutter.looked_at(40, 50) == [(40, 50)]


def test_larger_frames_are_looked_at_smaller_and_where_they_move():
    clip = filmed(SEEDS[0], 0.5)
    large = resize(clip, (480, 480))
    seen = shutter._where_it_moves(torch.cat([large, large[:, :, :1].expand(-1, -1, 480, -1)], 2))
    assert seen.shape == (FRAMES, 112, 112, 3)
    assert (seen[1:] - seen[:-1]).square().mean() >= (clip[1:] - clip[:-1]).square().mean()


@pytest.mark.parametrize("clip", [still(12, 40, 40), noise(12, 1, 1, 3), noise(3, 40, 40, 3)])
def test_of_what_tells_nothing_it_is_not_said(clip):
    assert not closes(clip, OPTIONS, torch.float32)
    assert share_of(iter(clip), len(clip), OPTIONS) == 1.0


def test_without_knowledge_nothing_is_told():
    pure = preset("fast", prior="none")
    assert closes(filmed(0, 0.25), pure, torch.float32) is None
    assert share_of(iter(filmed(0, 0.25)), FRAMES, pure) == 1.0
    with pytest.raises(OptionError, match="there is no such file"):
        closes(filmed(0, 0.25), preset("fast", prior="gone.safetensors"), torch.float32)


def test_the_share_is_that_of_textures_or_else_the_usual_one(monkeypatch):
    clip, asked = filmed(0, 0.25), []
    monkeypatch.setattr(shutter, "closes", lambda clip, *_: asked.append(clip.shape) or True)
    assert share_of(iter(clip), FRAMES, OPTIONS) == 0.5
    assert asked == [(FRAMES, *clip.shape[1:])]
    for found, share in ((0.31, 0.31), (0.93, 0.5)):
        monkeypatch.setattr(shutter, "open_share", lambda *_, found=found: found)
        assert share_of(iter(clip), FRAMES, OPTIONS) == share
    assert len(asked) == 2


def test_no_more_frames_are_read_than_are_looked_at(monkeypatch):
    monkeypatch.setattr(shutter, "closes", lambda *_: False)
    read = iter(noise(1, 8, 8, 4).expand(200, -1, -1, -1))  # with a cover, of which nothing is told
    assert share_of(read, 200, OPTIONS) == 1.0
    assert len([*read]) == 200 - shutter.FRAMES
