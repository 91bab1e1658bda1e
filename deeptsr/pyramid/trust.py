"""How far a network's result can be trusted where no truth is known.

The result is filmed again by a slow camera whose frames begin half a frame later, and the network
restores that. Both results show the same moments: where they differ by as much as the network
changed interpolation, it guessed. Measured against the truth, half of their squared difference is
close to the error of either.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.imaging.exposure import correct_in_place
from deeptsr.imaging.resample import around, broad, interpolate_exposing, pool, spread
from deeptsr.imaging.shapes import Cells, Frames, Volume
from deeptsr.imaging.volume import part_of, pieces, wider
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.predict import Later, predict, predict_ensemble

__all__ = [
    "Restored",
    "average_again",
    "blend",
    "changes",
    "detour",
    "disagreement",
    "evenness",
    "removed",
    "restore",
    "restore_again",
    "restoring",
    "trust",
]

_LIKELY, _DOUBTFUL = 0.6, 0.8  # error against change up to which, and from which: all, none
_STILL = 1e-9  # mean square difference of frames that nothing moves between
_UNSEEN = 1e-6  # mean square change that nobody sees
_NOISE = 1e-3  # mean square change that any result has; smaller ones are not worth doubting


@dataclass(frozen=True)
class Restored:
    """What a network makes of some frames, and what it says of that by places, where it is asked.

    Attributes:
        result: volume (T * factor, H, W, C).
        change: :func:`changes`, (T, rows, columns); of no frames where nobody asks.
        error: :func:`disagreement`, likewise.
    """

    result: Frames
    change: Cells
    error: Cells

    @property
    def doubt(self) -> Cells:
        """How much of what it changed it guessed: (T, rows, columns), of each frame by itself."""
        return broad(self.error) / (broad(self.change) + _UNSEEN)


def restore(
    network: StepNetwork,
    fine: Volume,
    wanted: range,
    *,
    exposure: str,
    precision: torch.dtype,
    first: int,
    ensemble: bool,
    refilmed: bool,
    compares: bool,
) -> Restored:
    """Take the step of some frames of a clip.

    Args:
        network: takes it.
        fine: volume (T, H, W, C).
        wanted: frames of it. Where results are filmed again, it must have those of
            :func:`restoring`, and their reach, or end where the clip does.
        exposure: "full" or "delta".
        precision: of the convolutions.
        first: number, in its scene, of the first frame of ``fine``.
        ensemble: whether to average over mirror images and reversed time.
        refilmed: whether to average with the result, filmed and restored again.
        compares: whether to say how far these two agree, which takes as much memory as the result.
    """
    step, length = network.factor, len(fine)
    seen = restoring(network, wanted, length) if refilmed or compares else wanted
    predict_step = predict_ensemble if ensemble else predict
    result = predict_step(network, fine, precision=precision, wanted=seen, first=first)
    change = error = result.new_empty(0, 1, 1)
    inner, number = range(wanted.start - seen.start, wanted.stop - seen.start), first + seen.start
    if compares:
        again = restore_again(network, result, precision, inner, number)
        result = part_of(result, wanted, seen, step)
        error = disagreement(result, again, step, (wanted.start == 0, wanted.stop == length))
        # Piece by piece it takes less: a volume of this size is much of the memory of a run.
        change = torch.cat(
            [
                changes(
                    part_of(result, piece, wanted, step),
                    interpolate_exposing(fine, step, exposure, piece),
                    step,
                )
                for piece in pieces(wanted)
            ]
        )
        if refilmed:
            result.add_(again).div_(2)
    else:
        if refilmed:
            average_again(network, result, precision, inner, number)
        result = part_of(result, wanted, seen, step)
    if refilmed:
        correct_in_place(result, part_of(fine, wanted), step, exposure)
    return Restored(result, change, error)


def restoring(network: StepNetwork, wanted: range, length: int) -> range:
    """The frames, of a clip's ``length``, whose results it takes to restore those of some again."""
    return wider(wanted, network.reach[0] + 1, length)


def average_again(
    network: StepNetwork, result: Frames, precision: torch.dtype, wanted: range, first: int = 0
) -> None:
    """Average a result, where it lies, with what :func:`restore_again` makes of it.

    Args:
        network: that made it.
        result: volume (T * factor, H, W, C); those of its frames that are not of the wanted moments
            are of no use after it.
        precision: of the convolutions.
        wanted: frames, of T, whose moments are wanted.
        first: number, in its scene, of the first frame of T.
    """
    k, near, later = _later(network, result, wanted)
    if later:
        # A frame is filmed before what becomes of it is written: that takes those behind it, too.
        ltr = Later(result, k, network.exposure)
        out = result[near * k + k // 2 :][: len(later) * k]
        predict(network, ltr, precision=precision, wanted=later, out=out, add=True, first=first)
        out.div_(2)


def restore_again(
    network: StepNetwork,
    result: Volume,
    precision: torch.dtype,
    wanted: range | None = None,
    first: int = 0,
) -> Frames:
    """Film a result again, half a frame later, and restore that.

    Args:
        network: that made it.
        result: volume (T * factor, H, W, C).
        precision: of the convolutions.
        wanted: frames, of T, whose moments are wanted; None: all of them.
        first: number, in its scene, of the first frame of T.

    Returns:
        A volume of these moments. The first and last half frame of ``result``, which the later
        camera does not see, stay what they are.
    """
    frames = len(result) // network.factor
    wanted = range(frames) if wanted is None else wanted
    k, near, later = _later(network, result, wanted)
    again = result[near * k : min(frames, wanted.stop + 1) * k].clone()
    if later:
        out = again[k // 2 :][: len(later) * k]
        ltr = Later(result, k, network.exposure)
        predict(network, ltr, precision=precision, wanted=later, out=out, first=first)
    return again[(wanted.start - near) * k : (wanted.stop - near) * k]


def disagreement(
    result: Volume, again: Volume, factor: int, ends: tuple[bool, bool] = (True, True)
) -> Cells:
    """Half the mean square difference of two results for the same moments: (T, rows, columns).

    Args:
        result: volume (T * factor, H, W, C).
        again: :func:`restore_again` of it.
        factor: HTR frames an LTR frame.
        ends: whether the first, and the last, frame is that of the clip.
    """
    error = _cells(result, again, factor) / 2
    later = factor // 2 / factor  # of a frame; that much of the first is not seen, of the last is
    if ends[0]:
        error[0] /= 1 - later
    if ends[1]:
        error[-1] /= later
    return error


def changes(result: Volume, plain: Volume, factor: int) -> Cells:
    """Mean square of what the network changed interpolation by: (T, rows, columns)."""
    return _cells(result, plain, factor)


def detour(result: Frames, ltr: Volume, factor: int, exposure: str) -> float:
    """How far from its input's frames a result is half way between them.

    Filmed by the later camera, it has frames with the blur of the input's. Where it goes the
    shortest way they lie between two of those; where it goes the long way round, beyond.

    Args:
        result: volume (T * factor, H, W, C).
        ltr: that it was made of, (T, H, W, C).
        factor: HTR frames an LTR frame.
        exposure: "full" or "delta".

    Returns:
        Their mean square difference from the frames before and after, as a share of that between
        these two: 1/4 for interpolation of what moves slowly, above 1 for a long way round.
    """
    later = Later(result, factor, exposure)[:]
    before, after = ltr[:-1], ltr[1:]
    apart = (after - before).square().mean().item()
    away = (later - before).square().mean().item() + (later - after).square().mean().item()
    return away / (2 * max(apart, _STILL))


def evenness(result: Volume, factor: int) -> float:
    """How evenly a result goes on.

    Args:
        result: volume (T * factor, H, W, C).
        factor: HTR frames an LTR frame.

    Returns:
        Mean square difference of successive frames of the same LTR frame, as a share of that from
        one LTR frame to the next: about 1 of any video, below where a result halts and leaps.
    """
    steps = (result[1:] - result[:-1]).square_().mean((1, 2, 3))
    leaps = torch.arange(1, len(result), device=result.device) % factor == 0
    return ((steps[~leaps].mean() + _STILL) / (steps[leaps].mean() + _STILL)).item()


def trust(error: Cells, change: Cells) -> Cells:
    """Share of the network's result that is taken, in [0, 1].

    Args:
        error: :func:`disagreement`.
        change: :func:`changes`.

    Returns:
        (T, rows, columns); a frame's share also depends on its two neighbours.
    """
    ratio = around(error) / (around(change) + _NOISE)
    return ((_DOUBTFUL - ratio) / (_DOUBTFUL - _LIKELY)).clamp(0, 1)


def removed(error: Cells, change: Cells) -> Cells:
    """How much of interpolation's mean square error the network takes away, estimated.

    What the network changed is the error of interpolation and its own, so that less than nothing
    is taken away where it contradicts itself.

    Args:
        error: :func:`disagreement`.
        change: :func:`changes`.
    """
    return change - 2 * error


def blend(result: Volume, plain: Volume, share: Cells) -> Volume:
    """Take a share of the network's result, the rest of interpolation; changes ``result``.

    One share holds for all HTR frames of an LTR frame: where both volumes expose to it, so does
    the blend.
    """
    factor = len(result) // len(share)
    for number, part in enumerate(share):
        if part.min() == 1:
            continue
        weight = spread(part, (result.shape[1], result.shape[2]))
        frames = slice(number * factor, (number + 1) * factor)
        result[frames] = torch.lerp(plain[frames], result[frames], weight)
    return result


def _later(network: StepNetwork, result: Tensor, wanted: range) -> tuple[int, int, range]:
    """The step, the first frame that is seen, and the later camera's frames of some moments."""
    k = network.factor
    near = max(0, wanted.start - 1)
    return k, near, range(near, min(len(result) // k - 1, wanted.stop))


def _cells(one: Volume, other: Volume, factor: int) -> Cells:
    """Mean square difference by LTR frame and cell, (T, rows, columns); a frame at a time."""
    pairs = ((one[n : n + factor], other[n : n + factor]) for n in range(0, len(one), factor))
    return torch.stack([pool((a - b).square_().mean(0)) for a, b in pairs])
