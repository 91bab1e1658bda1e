"""How much of what a step in space does holds for a video: told by its own frames.

Two witnesses speak for detail. Frames that are shrunk and enlarged again say how much of it comes
nearest to them; but frames have less to find than the same shrunk, the less the smoother they are.
So the result is filmed again by a camera that stands half a pixel aside, and enlarged: what is in
the frames is found again there, what was taken from chance in them is not. The share that is taken
is the product of both; where noise or a codec is in the frames, which is found again, too, the
first speaks alone.

Agreement sharpens, and so also what rounding to 8 bits has left. How much that is, is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.imaging.lens import enlarge, raised, shrink
from deeptsr.networks.space import STEP
from deeptsr.pyramid.enlarge import SpaceStep

__all__ = ["Found", "Spoil", "judged"]

Spoil = Callable[[Tensor], Tensor]

_JUDGED = 1_200_000  # pixels x frames, at most, that are shrunk and enlarged again
_MOST_FRAMES = 4  # of these
_LEAST_GAIN = 0.02  # dB, from which on detail is added, or frames are believed in part
_WEAKEST = 4.0  # times weaker than that of shrunk frames that detail is taken to be, at most
_SIDE = int(_JUDGED**0.5)  # of these, pixels
_ASIDE = 160  # pixels, side of the place that is filmed again from aside
_EDGE = 8  # pixels that are not judged: there the camera sees beyond the border
_LEVELS = 255  # that whole numbers of 8 bits have
_WHOLE = 1e-3  # of a level: nearer to a whole one, it is one
_ROUNDING = 1 / (_LEVELS * 12**0.5)  # standard deviation of what rounding to 8 bits adds
_UNSEEN = 0.4  # of that frames may differ from those given, filmed again: in 8 bits 65 dB are left


class Found(NamedTuple):
    """How much of a step is taken."""

    agreement: float  # in [0, 1]
    share: float  # of the detail, in [0, 1]
    gain: float  # over bicubic interpolation, on frames that were shrunk and enlarged again, dB


def judged(excerpt: Tensor, best: SpaceStep, spoil: Spoil | None, noise: float) -> Found:
    """Look at the middle of an excerpt with all of a step.

    Agreement with sound frames is 1, but where their rounding makes it worse than interpolation.

    Args:
        excerpt: volume (T, h, w, 3).
        best: with all of what its network finds. Detail is looked at in doubled frames, whatever
            its size; agreement in its own.
        spoil: does to frames (T, h, w, 3) what a codec has done to the video's; None: none has.
        noise: standard deviation of what a sensor has added to the video, in [0, 1].
    """
    network, sound = best.network, spoil is None and not noise
    reach = network.reach[0] if network else 0
    truth = _window(excerpt, reach)
    size = (truth.shape[1], truth.shape[2])
    small = (size[0] // STEP, size[1] // STEP)
    felt = noise * _weaker(truth, small, best.camera, noise) if noise else 0.0
    truth, coarse = _filmed(truth, small, best.camera, noise, felt)
    if spoil is not None:
        coarse = spoil(coarse)
    step = replace(best, size=size)
    inner = slice(reach, len(truth) - reach)
    truth, given = truth[inner], coarse[inner]
    usual = enlarge(given, size)
    lacking = _inner(truth - usual)
    agreed = _inner(step.plain(given) - usual)
    detail = None if network is None else _inner(step.details(coarse))
    unseen = 2 * noise**2  # of the mean square: the noise in what is taken for the truth
    again = _found_again(excerpt, best) if sound and network is not None else 1.0
    found = _best(lacking, agreed, detail, again, unseen, weighed=False)
    if not sound:
        found = _better(_best(lacking, agreed, detail, again, unseen, weighed=True), found)
    gain = 10 * torch.log10(_power(lacking, unseen) / found.left)
    agreement = _beside_rounding(excerpt, best) if sound else found.agreement
    return Found(agreement, found.share, float(gain))


class _Choice(NamedTuple):
    """How much of both is taken, and the mean square error that is left."""

    agreement: float
    share: float
    left: Tensor


def _best(
    lacking: Tensor,
    agreed: Tensor,
    detail: Tensor | None,
    again: float,
    unseen: float,
    *,
    weighed: bool,
) -> _Choice:
    """What comes nearest to what is lacking, of the detail as much less as it is found ``again``.

    Unless it is weighed, agreement is 1.
    """
    agreement = _part(agreed, lacking) if weighed else 1.0
    alone = _Choice(agreement, 0.0, _power(lacking - agreement * agreed, unseen))
    if detail is None:
        return alone
    both = _part(*(_without(x, detail) for x in (agreed, lacking))) if weighed else 1.0
    rest = lacking - both * agreed
    share = again * _part(detail, rest)
    return _better(_Choice(both, share, _power(rest - share * detail, unseen)), alone)


def _better(choice: _Choice, usual: _Choice) -> _Choice:
    """A choice where that gains enough over the usual one, which keeps more of what is promised."""
    return choice if choice.left * 10 ** (_LEAST_GAIN / 10) < usual.left else usual


def _found_again(excerpt: Tensor, best: SpaceStep) -> float:
    """How much of the detail a camera half a pixel aside finds again, in [0, 1]."""
    assert best.network is not None
    reach = best.network.reach[0]
    window = _window(_liveliest(excerpt, best.camera), reach)
    count, height, width = window.shape[:3]
    step = replace(best, size=(STEP * height, STEP * width), views=1)
    inner = slice(reach, count - reach)
    large = step.plain(window[inner]) + step.details(window)
    frames, rows, columns = (  # the camera stands a fine pixel aside; at its ends the clip is still
        (torch.arange(length, device=large.device) - before).clamp(0, most - 1)
        for length, before, most in zip(
            (count, *step.size), (reach, 1, 1), (len(large), *step.size), strict=True
        )
    )
    aside = large[frames][:, rows][:, :, columns]
    coarse = shrink(aside, (height, width), best.camera)
    lacking = aside[inner] - step.plain(coarse[inner])
    return _part(_inner(step.details(coarse)), _inner(lacking))


def _beside_rounding(excerpt: Tensor, best: SpaceStep) -> float:
    """How far to agree with frames that nothing but rounding has changed, in [0, 1].

    What agreement adds is linear in the frames, and all that it changes is what the camera sees;
    so from the power of rounding follows how far it comes nearer to frames that were not rounded
    (Stein 1981), without a truth. It is 1 unless interpolation comes nearer than that. Filmed
    again, the frames are then as they were but for a part of what rounding has changed.
    """
    some = torch.linspace(0, len(excerpt) - 1, min(len(excerpt), _MOST_FRAMES)).round().int()
    frames = [_window(excerpt[int(number)][None], 0) for number in some]  # (1, h, w, 3) each
    if not all(_is_whole(frame * _LEVELS) for frame in frames):
        return 1.0
    scale, (height, width) = best.size[0] / excerpt.shape[1], frames[0].shape[1:3]
    step = SpaceStep((round(scale * height), round(scale * width)), best.camera)

    def added(volume: Tensor) -> Tensor:
        return _inner(step.plain(volume) - enlarge(volume, step.size))

    def missed(volume: Tensor) -> Tensor:  # what interpolated frames, filmed again, lack
        return _inner(volume - shrink(enlarge(volume, step.size), (height, width), step.camera))

    random = torch.Generator().manual_seed(2)
    noise = (_ROUNDING * torch.randn(frames[0].shape, generator=random)).to(frames[0])
    power = sum(_squared(added(frame)) for frame in frames) / len(frames)
    heard = float((added(noise) * _inner(raised(noise, step.size, step.camera))).mean())
    if power > 2 * heard or not power:
        return 1.0
    unseen = _UNSEEN * min(1.0, scale - 1) ** 2 * _ROUNDING  # rounding of fewer pixels is seen more
    least = 1 - unseen / math.sqrt(max(_squared(missed(frame)) for frame in frames))
    return max(0.0, least, 1 - heard / power)


def _is_whole(volume: Tensor) -> bool:
    """Whether all of its numbers are whole ones, nearly."""
    return float((volume - volume.round()).abs().max()) <= _WHOLE


def _squared(volume: Tensor) -> float:
    """Mean square."""
    return float(volume.square().mean())


def _weaker(fine: Tensor, size: tuple[int, int], camera: str, noise: float) -> float:
    """How much weaker what can be found of frames is than of the same shrunk, 1 or more.

    So much stronger is noise beside it. What agreement adds to both tells that.
    """
    height, width = fine.shape[1:3]

    def power(volume: Tensor, made: tuple[int, int]) -> float:
        step = SpaceStep(made, camera)
        return float(_inner(step.plain(volume) - enlarge(volume, made)).square().mean())

    random = torch.Generator().manual_seed(1)
    alone = (noise * torch.randn(fine[:1].shape, generator=random)).to(fine)
    double = (STEP * height, STEP * width)
    found = power(fine, double) - power(alone, double)
    shrunk = power(shrink(fine, size, camera), (height, width))
    return (shrunk / max(found, shrunk / _WEAKEST**2)) ** 0.5 if shrunk > found else 1.0


def _filmed(
    fine: Tensor, size: tuple[int, int], camera: str, noise: float, felt: float
) -> tuple[Tensor, Tensor]:
    """What frames are held to be, and what a camera of fewer pixels, as noisy, makes of them.

    The noise of the frames themselves is in both, and would be taken for detail that is found
    again. So as much is added before the camera and taken off what they are held to be: what is
    found of one is what is missed of the other. Behind the camera, noise is added until its
    deviation is ``felt``.
    """
    if not noise:
        return fine, shrink(fine, size, camera)
    random = torch.Generator().manual_seed(0)
    added = (noise * torch.randn(fine.shape, generator=random)).to(fine)
    seen = shrink(added, size, camera)
    still = max(0.0, felt**2 - 2 * float(seen.square().mean())) ** 0.5
    more = (still * torch.randn(seen.shape, generator=random)).to(fine)
    return fine - added, shrink(fine + added, size, camera) + more


def _power(error: Tensor, unseen: float) -> Tensor:
    """Mean square, less what is none of it; never 0, so that a flat video has a gain of 0."""
    return (error.square().mean() - unseen).clamp(min=unseen / 20) + 1e-9


def _part(found: Tensor, wanted: Tensor) -> float:
    """How much of what was found comes nearest to what is wanted, between 0 and 1."""
    power = found.square().mean()
    return float(((wanted * found).mean() / power).clamp(0, 1)) if power > 0 else 0.0


def _without(volume: Tensor, other: Tensor) -> Tensor:
    """What of a volume another cannot give, in least squares, whatever its share."""
    power = other.square().mean()
    return volume - other * ((volume * other).mean() / power) if power > 0 else volume


def _liveliest(excerpt: Tensor, camera: str) -> Tensor:
    """The place, no larger than need be, to which agreement adds most: (T, h, w, 3)."""
    height, width = excerpt.shape[1:3]
    middle, size = excerpt[len(excerpt) // 2][None], (STEP * height, STEP * width)
    added = SpaceStep(size, camera).plain(middle) - enlarge(middle, size)
    sides = (min(height, _ASIDE), min(width, _ASIDE))
    places = functional.avg_pool2d(
        added.square().mean(3), [STEP * side for side in sides], stride=STEP * _ASIDE // 2
    )
    row, column = divmod(int(places.argmax()), places.shape[2])
    top, left = row * _ASIDE // 2, column * _ASIDE // 2
    return excerpt[:, top : top + sides[0], left : left + sides[1]]


def _window(excerpt: Tensor, reach: int) -> Tensor:
    """Some frames from the middle of an excerpt and those that they depend on, (T, H, W, 3).

    Sides are even, and cropped where they are large; at its ends a short clip stands still.
    """
    frames, height, width = excerpt.shape[:3]
    count = max(1, min(frames, _MOST_FRAMES, _JUDGED // (height * width)))
    first = (frames - count) // 2
    numbers = torch.arange(first - reach, first + count + reach, device=excerpt.device)
    part = excerpt[numbers.clamp(0, frames - 1)]
    for axis in (1, 2):
        side = min(part.shape[axis], _SIDE) // STEP * STEP
        part = part.narrow(axis, (part.shape[axis] - side) // 2, side)
    return part


def _inner(volume: Tensor) -> Tensor:
    edge = min(_EDGE, (min(volume.shape[1:3]) - 1) // 4)
    return volume[:, edge : volume.shape[1] - edge, edge : volume.shape[2] - edge]
