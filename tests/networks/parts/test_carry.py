"""A state that is carried on, and does not grow."""

import pytest
import torch

from deeptsr.networks.parts.carry import RECALLED, Carry
from deeptsr.networks.parts.refocus import Refocus
from tests.helpers.synth import gap, noise, wake

both = pytest.mark.parametrize("refocused", [False, True])


def features(frames=6, seed=0):
    return noise(1, 4, frames, 7, 8, seed=seed) - 0.5


@both
def test_a_state_sees_the_past_and_nothing_else(refocused):
    carry, x = wake(Carry(4, 4, refocused=refocused)), features()
    touched = x.clone()
    touched[:, :, 3] += 0.2
    change = (carry(touched) - carry(x)).abs().amax((0, 1, 3, 4))
    assert not change[:3].any()
    assert (change[3:] > 1e-6).all()


@both
def test_what_it_knows_moves_by_a_pixel_a_frame(refocused):
    carry, x = wake(Carry(4, 4, refocused=refocused)), features(3)
    touched = x.clone()
    touched[:, :, 0, 3, 3] += 0.2
    change = (carry(touched) - carry(x)).abs().amax((0, 1))  # (T, H, W)
    for frame in range(3):
        near = slice(max(0, 3 - 2 - frame), 3 + 2 + frame + 1)
        assert change[frame, near, near].max() > 1e-7
        change[frame, near, near] = 0
    assert change.max() < 1e-7


@both
def test_it_goes_on_from_where_it_was(refocused):
    carry, x = wake(Carry(4, 4, refocused=refocused)), features()
    whole = carry(x)
    part = carry(x[:, :, 4:], (whole[:, :, 3], whole[:, :, 2]))
    assert gap(part, whole[:, :, 4:]) < 1e-6


@both
@pytest.mark.parametrize("contrast", [0.1, 3.0])
def test_it_is_homogeneous(refocused, contrast):
    carry = wake(Carry(4, 4, refocused=refocused))
    assert gap(carry(contrast * features()), contrast * carry(features())) < 1e-5


@pytest.mark.parametrize(("refocused", "frames"), [(False, 1000), (True, 160)])
@pytest.mark.parametrize("wild", [1, 100])
def test_no_state_grows_however_long_a_scene_is(refocused, frames, wild):
    """Recurrent networks diverge on long still scenes; whatever it learns, this one cannot."""
    carry = wake(Carry(4, 4, refocused=refocused))
    with torch.no_grad():
        for parameter in carry.parameters():
            parameter.mul_(wild)
        frame = noise(1, 4, 1, 5, 5) - 0.5
        shown = carry.see(torch.nn.functional.pad(frame, [1] * 4)).abs().max()
        states = carry(frame.expand(-1, -1, frames, -1, -1))
    assert states.isfinite().all()
    assert states.max() <= shown / (1 - RECALLED) * 1.0001


def test_attention_forgets_weak_matches():
    refocus = Refocus(4)
    one = torch.eye(4)[:2].view(2, 4, 1, 1, 1)
    with torch.no_grad():
        refocus.query.weight.copy_(one)
        refocus.key.weight.copy_(one)
    frame = torch.zeros(1, 4, 3, 3)
    frame[:, 0] = 1
    stranger = torch.zeros(1, 4, 3, 3)
    stranger[:, 1] = 1  # its key has nothing in common with the query
    alone = refocus(frame, (0 * frame, 0 * frame), 0.5)
    assert gap(refocus(frame, (stranger, stranger), 0.5), alone) < 1e-6
    assert gap(refocus(frame, (frame, frame), 0.5), alone) > 1e-3
