"""For what share of a frame's time the shutter was open: two networks tell whether it closed.

A prior knows how motion looks to a shutter that is open all the time, and to one that closes. Each
of the two restores the clip as if it were of its world. Filmed half a frame later, and restored
again, such a result contradicts itself the more, the less the clip is of that world
(:mod:`deeptsr.pyramid.trust`). They are asked at the size at which either is in least doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from math import sqrt

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.analysis.excerpt import choose
from deeptsr.analysis.scenes import survey
from deeptsr.analysis.shutter import FRAMES, open_share
from deeptsr.config import Options
from deeptsr.imaging.resample import resize
from deeptsr.imaging.shapes import AnyVolume, Volume
from deeptsr.learning.prior import prior_of, starts
from deeptsr.networks import StepNetwork, build
from deeptsr.pyramid.trust import restore
from deeptsr.system import devices

__all__ = ["LOOKED_AT", "closes", "looked_at", "share_of"]

LOOKED_AT, _FEWEST = 12, 4  # frames that are restored, at most, and at least
_SIDE = 112  # pixels a side of what is restored: there it moves most
_PIXELS = 65_536  # of a frame, at most: of motion in larger ones little is known
_SIZES, _SMALLEST = 3, 32  # halvings and one, and pixels of the short side of such a size
_STEP = 2
_LESS = 0.9  # of the doubt with an open shutter that is left with one that closes (docs/trials.md)
_NOISE = 1e-5  # mean square change of which nothing is known
_SURELY = 0.7  # share below which the blur of textures tells that it closed
_USUAL = 0.5  # of a frame's time that it is open, where it closes: 180 degrees of a film camera's


def share_of(frames: Iterable[Tensor], count: int, options: Options) -> float:
    """The share of a frame's time that the shutter was open.

    The blur of textures that move steadily tells it (:func:`deeptsr.analysis.shutter.open_share`).
    Where there is no such thing, the prior tells whether the shutter closed at all.

    Args:
        frames: of a video, in order, (H, W, C) in [0, 1] each; few are looked at.
        count: how many there are at least.
        options: of which the prior is asked, on the CPU.

    Returns:
        The share, in (0, 1]: 1 where nothing tells that it closed, 1/2 where nothing tells more.
    """
    few: list[Tensor] = []

    def watched() -> Iterator[Tensor]:
        for frame in islice(frames, min(count, FRAMES)):
            few.append(_small(frame).half())  # of which many are held
            yield frame

    rest = watched()
    share = open_share(rest, count)
    if share < _SURELY:
        return share
    for _ in rest:
        pass
    if len(few) < _FEWEST:
        return 1.0
    seen = survey(frame.float().numpy() for frame in few)
    clip = torch.stack([few[number].float() for number in choose(seen, seen.cuts, LOOKED_AT)])
    precision = devices.precision(clip.device)
    return _USUAL if closes(clip, options, precision) else 1.0


def closes(clip: Volume, options: Options, precision: torch.dtype) -> bool | None:
    """Tell whether the shutter closed between the frames.

    Args:
        clip: volume (T, H, W, 3) in [0, 1], of one scene.
        options: of which the prior is asked.
        precision: of the convolutions.

    Returns:
        Whether it did; None where nothing is known of both worlds, or there are too few frames.
    """
    if len(clip) < _FEWEST:
        return None
    first = max(0, len(clip) - LOOKED_AT) // 2
    clip = torch.stack([_small(frame) for frame in clip[first : first + LOOKED_AT]])
    networks = [_known(options, exposure) for exposure in ("full", "delta")]
    known = [network.to(clip.device) for network in networks if network is not None]
    if len(known) < len(networks):
        return None
    told = []
    for size in _sizes(clip.shape[1], clip.shape[2]):
        seen = _where_it_moves(resize(clip, size))
        told.append([_doubt(network, seen, precision) for network in known])
    doubt_open, doubt_closing = min(told, key=min)
    return doubt_closing < _LESS * doubt_open


def looked_at(height: int, width: int) -> list[tuple[int, int]]:
    """Height and width of what two networks restore, twice each, of frames of that size; pixels."""
    return [(min(h, _SIDE), min(w, _SIDE)) for h, w in _sizes(*_small_size(height, width))]


def _sizes(height: int, width: int) -> list[tuple[int, int]]:
    halved = [(height >> n, width >> n) for n in range(_SIZES)]
    return halved[:1] + [each for each in halved[1:] if min(each) >= _SMALLEST]


def _known(options: Options, exposure: str) -> StepNetwork | None:
    """The network that a prior has for such a shutter."""
    with torch.device("meta"):  # which draws no random numbers
        network = build(options.network, _STEP, exposure)
    state = starts(prior_of(options), network).get("any")
    if state is None:
        return None
    network.load_state_dict(state, assign=True)
    return network.eval()


def _where_it_moves(clip: Volume) -> AnyVolume:
    """The part of the frames that moves most."""
    rows, columns = (min(side, _SIDE) for side in clip.shape[1:3])
    moved = (clip[1:] - clip[:-1]).square().mean((0, 3))
    sums = functional.avg_pool2d(moved[None, None], (rows, columns), 8)[0, 0]
    top, left = (8 * int(n) for n in divmod(int(sums.argmax()), sums.shape[1]))
    return clip[:, top : top + rows, left : left + columns]


def _doubt(network: StepNetwork, clip: Volume, precision: torch.dtype) -> float:
    """How much of what a network changed it guessed, 1 at most; the ends, of one side, left out."""
    restored = restore(
        network,
        clip,
        range(len(clip)),
        exposure=network.exposure,
        precision=precision,
        first=0,
        ensemble=False,
        refilmed=False,
        compares=True,
    )
    error, change = (part[1:-1].mean().item() for part in (restored.error, restored.change))
    return min(1.0, (error + _NOISE) / (change + _NOISE))


def _small(frame: Tensor) -> Tensor:
    """A frame (H, W, C) in colours alone, (h, w, 3), no larger than need be."""
    size = _small_size(frame.shape[0], frame.shape[1])
    return resize(frame[None, ..., :3].float(), size)[0].clamp(0, 1)


def _small_size(height: int, width: int) -> tuple[int, int]:
    share = min(1.0, sqrt(_PIXELS / (height * width)))
    return max(1, round(height * share)), max(1, round(width * share))
