"""How long the shutter was open, as the blur of what moves tells.

What moves by v pixels a frame, while the shutter is open for a share e of it, is blurred by a box
of e * v pixels along its way and not at all across. So the power spectrum along the way, over that
across, is sinc(e * v * frequency) squared, whatever the texture, on average over many places.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor

__all__ = ["FRAMES", "open_share"]

FRAMES = 96  # of a video that are looked at, at most
_AT = 24  # frames whose blocks are looked at
_SIDE, _REACH = 64, 20  # of a block, and how far it is sought, pixels
_SLOWEST, _FASTEST = 2.5, 19.0  # pixels a frame whose blur shows, and that are surely found
_LIKE = 0.2  # mean square error of the block that is found, as a share of its variance
_MOVED = 0.3  # the same as a share of that of the block that stands still
_STEADY = 0.25  # change of the motion from frame to frame, as a share of it
_TEXTURE = 2e-4  # least variance of a block
_BANDS = torch.arange(0.03, 0.4, 0.03)  # frequencies, cycles a pixel
_HALF, _AWRY = 0.02, 0.08  # width of a band along its axis and beside it, half of it
_NOISE = 10  # times the power of the highest frequencies that a band must have
_FLOOR = 0.02  # of the power across, that noise and a block's borders leave in the sinc's zeros
_FURTHEST = 1.6  # v * frequency up to which the ratio is compared
_SHARES = torch.logspace(-1.2, 0, 40)
_LEAST = 24  # blocks that must be found,
_UNLIKE = 1.3  # and mean error of the logarithm from which they tell nothing
_AS_GOOD = 0.03  # of that error, that is no worse


def open_share(frames: Iterable[Tensor], count: int) -> float:
    """The share of a frame's time that the shutter was open.

    Textured places that move steadily tell it, by 2.5 to 19 pixels a frame: a camera that pans, or
    something large that passes by.

    Args:
        frames: of a scene, in order, (H, W, C) in [0, 1] each; three are held at a time.
        count: how many there are at least; :data:`FRAMES` of them are looked at, at most.

    Returns:
        The share, in (0, 1]; the longest that fits the blur, and 1 where too little moves so.
    """
    count = min(count, FRAMES)
    if count < 3:
        return 1.0
    looks = set(torch.linspace(1, count - 2, min(_AT, count - 2)).int().tolist())
    blocks_seen, held = [], deque[Tensor](maxlen=3)
    for number, frame in enumerate(islice(frames, count)):
        held.append(frame.float().mean(2))  # (H, W)
        if min(frame.shape[:2]) < _SIDE + 2 * _REACH:
            return 1.0
        if number - 1 in looks:
            blocks_seen += _seen(*held)
    reach, ratio = (torch.cat(part) for part in zip(*blocks_seen, strict=True))  # (B, bands) each
    known = ratio.isfinite() & (reach < _FURTHEST)
    if len(reach) < _LEAST or not known.any():
        return 1.0
    errors = torch.stack(
        [
            (ratio - (torch.sinc(share * reach).square() + _FLOOR).log())[known].abs().mean()
            for share in _SHARES
        ]
    )
    if errors.min() > _UNLIKE:
        return 1.0
    return float(_SHARES[errors <= errors.min() + _AS_GOOD].max())


def _seen(before: Tensor, now: Tensor, after: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Of the blocks that move: v * frequency, and the logarithm of the ratio there, (B, bands).

    A row of blocks at a time, so that the memory does not grow with the height.
    """
    inner = now[_REACH : len(now) - _REACH, _REACH : now.shape[1] - _REACH]
    rows = _cut(inner, _SIDE), *(_cut(other, _SIDE + 2 * _REACH) for other in (before, after))
    return [_seen_of_row(*row) for row in zip(*rows, strict=True)]


def _seen_of_row(blocks: Tensor, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """The same of some blocks (B, side, side), and of larger ones with the same middles."""
    variance = blocks.var((1, 2))
    blocks = blocks[variance > _TEXTURE]
    ways, good = [], torch.ones(len(blocks), dtype=torch.bool)
    for other, sign in ((before, -1), (after, 1)):
        way, error, moved = _sought(blocks, other[variance > _TEXTURE])
        ways.append(sign * way)
        good &= (error < _LIKE) & (moved < _MOVED)
    way = (ways[0] + ways[1]) / 2
    speed = way.norm(dim=1)
    good &= (speed > _SLOWEST) & (speed < _FASTEST)
    good &= (ways[0] - ways[1]).norm(dim=1) < _STEADY * speed
    blocks, way, speed = blocks[good], way[good], speed[good]
    return speed[:, None] * _BANDS, _ratio(blocks, way / speed[:, None])


def _cut(frame: Tensor, side: int) -> Tensor:
    """Rows of blocks that overlap by half a :data:`_SIDE`, (rows, B, side, side), not copied."""
    step = _SIDE // 2
    return frame.unfold(0, side, step).unfold(1, side, step)


def _window() -> Tensor:
    return torch.outer(*[torch.hann_window(_SIDE, periodic=False)] * 2)


def _sought(blocks: Tensor, around: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find blocks in larger ones with the same middles.

    Returns:
        The way to where they are most alike, (B, 2), pixels; the mean square error there, as a
        share of the block's variance; and as a share of that where it stands still.
    """
    size, places = around.shape[1:], 2 * _REACH + 1
    if not len(blocks):
        return blocks.new_zeros(0, 2), blocks.new_zeros(0), blocks.new_zeros(0)
    weight = _window().sqrt()
    spectra = (
        torch.fft.rfft2(x, s=size) for x in (blocks * weight, weight, around, around.square())
    )
    block, window, other, squares = spectra
    error = torch.fft.irfft2(window.conj() * squares - 2 * block.conj() * other, s=size)
    error = error[:, :places, :places] + (weight * blocks.square()).sum((1, 2))[:, None, None]
    least, place = error.clamp(min=1e-9).flatten(1).min(1)
    way = torch.stack([place // places, place % places], 1) - _REACH
    mean = (weight * blocks).sum((1, 2)) / weight.sum()
    spread = ((blocks - mean[:, None, None]).square() * weight).sum((1, 2))
    return way.float(), least / spread, least / error[:, _REACH, _REACH].clamp(min=1e-9)


def _ratio(blocks: Tensor, way: Tensor) -> Tensor:
    """Logarithm of the power along the way over that across, by band; NaN in what is noise."""
    if not len(blocks):
        return blocks.new_zeros(0, len(_BANDS))
    power = torch.fft.fft2((blocks - blocks.mean((1, 2), keepdim=True)) * _window()).abs().square()
    fy, fx = torch.meshgrid(*[torch.fft.fftfreq(_SIDE)] * 2, indexing="ij")
    dy, dx = way[:, 0, None, None], way[:, 1, None, None]
    along, across = (dy * fy + dx * fx).abs(), (dy * fx - dx * fy).abs()  # (B, S, S)
    noise = power[:, torch.hypot(fy, fx) > 0.45].mean(1)
    log_ratios = []
    for band in _BANDS:
        one, other = (
            _mean(power, ((a - band).abs() < _HALF) & (b < _AWRY))
            for a, b in ((along, across), (across, along))
        )
        log_ratios.append((one / other).log().where(other > _NOISE * noise, torch.nan))
    return torch.stack(log_ratios, 1)


def _mean(power: Tensor, chosen: Tensor) -> Tensor:
    return (power * chosen).sum((1, 2)) / chosen.sum((1, 2))
