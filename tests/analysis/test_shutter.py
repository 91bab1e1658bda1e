"""The share of a frame's time that the shutter was open, of textures that pass by."""

import gc
from functools import cache

import pytest
import torch

from deeptsr.analysis.shutter import open_share
from tests.helpers.synth import noise

PARTS = 16  # of a frame's time that are averaged


@cache
def passing(share, speed, frames=8, height=160, width=200):
    """A texture that moves along x by ``speed`` pixels a frame, open for a share of the time."""
    length = width + round(speed * frames) + 8
    spectrum = torch.fft.fft2(noise(height, length))
    fy, fx = torch.meshgrid(torch.fft.fftfreq(height), torch.fft.fftfreq(length), indexing="ij")
    spectrum *= 1 / (0.03 + torch.hypot(fy, fx))  # as in nature; any part of a pixel is a phase
    made = []
    for frame in range(frames):
        moved = torch.zeros(height, length)
        for part in range(PARTS):
            at = speed * (frame + share * (part + 0.5) / PARTS)
            moved += torch.fft.ifft2(spectrum * torch.exp(2j * torch.pi * fx * at)).real / PARTS
        made.append(moved[:, :width])
    clip = torch.stack(made)
    clip = (clip - clip.min()) / (clip.max() - clip.min())
    return clip[..., None].expand(-1, -1, -1, 3)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("speed", [7.5, 12.0])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.25])
def test_blur_tells_it(share, speed, turned):
    clip = passing(share, speed)
    clip = clip.transpose(1, 2) if turned else clip
    found = open_share(clip, len(clip))
    assert share / 1.3 < found <= min(1.0, share * 1.3)


@pytest.mark.parametrize(
    "film",
    [
        lambda: passing(0.5, 0.0),  # nothing moves
        lambda: passing(0.5, 1.0),  # too slow for a blur
        lambda: passing(0.5, 6.0, frames=2),
        lambda: passing(0.5, 6.0, height=60, width=60),
        lambda: noise(8, 160, 200, 3),  # nothing that is found again
        lambda: torch.zeros(8, 160, 200, 3),
    ],
    ids=["still", "slow", "short", "small", "noise", "black"],
)
def test_where_nothing_tells_it_is_open_all_the_time(film):
    clip = film()
    assert open_share(clip, len(clip)) == 1.0


def test_three_frames_are_held_at_a_time():
    def frames():
        for number in range(12):
            yield noise(104, 107, 3, seed=number)
        there = [o for o in gc.get_objects() if type(o) is torch.Tensor]
        held.extend(o for o in there if o.shape[:2] == (104, 107))

    held = []
    open_share(frames(), 13)
    assert 1 < len(held) <= 4  # three that are grey, and the last one
