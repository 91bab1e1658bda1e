"""`FittedStage`: one step of the climb, its network trusted as far as it agrees."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.imaging.exposure import correct
from deeptsr.imaging.resample import interpolate_time
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict, predict_ensemble
from deeptsr.pyramid.trust import blend, changes, disagreement, restore_again, trust

__all__ = ["FittedStage", "wider"]

_PIECE = 4  # input frames of a stage that are corrected and blended at once
_TIME_TAPS = 1  # frames to each side that linear interpolation looks at


@dataclass(frozen=True)
class FittedStage:
    """A stage and the network that takes it; None where plain interpolation was found safer."""

    stage: Stage
    network: StepNetwork | None
    ensemble: bool = False  # whether to average over mirror images and reversed time
    refilmed: bool = False  # whether to average with its result, filmed and restored again

    @property
    def reach(self) -> int:
        """How many of the stage's input frames an output frame depends on, to each side."""
        if self.network is None:
            return _TIME_TAPS
        # To restore a result again takes as much on top, and half a frame; trust looks one further.
        return 2 * self.network.reach[0] + 2

    def apply(
        self, fine: Tensor, exposure: str, precision: torch.dtype, wanted: range | None = None
    ) -> Tensor:
        """Take the stage's step, trusting the network as far as it agrees with itself.

        Args:
            fine: volume (T, H, W, C) at the stage's size.
            exposure: "full" or "delta".
            precision: of the convolutions.
            wanted: frames of ``fine`` whose results are returned; None: all of them. ``fine`` must
                have :attr:`reach` more to each side, or end where the clip does.

        Returns:
            Volume (len(wanted) * step, H, W, C) that exposes to ``fine``.
        """
        step, length = self.stage.step, len(fine)
        wanted = range(length) if wanted is None else wanted
        if self.network is None:
            plain = fine.new_empty(len(wanted) * step, *fine.shape[1:])
            for p in _pieces(wanted):  # as below, for the memory
                first = (p.start - wanted.start) * step
                plain[first : first + len(p) * step] = _plain(fine, p, step, exposure)
            return plain
        trusted, seen = self.looked_at(wanted, length)
        once = predict_ensemble if self.ensemble else predict
        made = once(self.network, fine, precision=precision, wanted=seen)
        inner = range(trusted.start - seen.start, trusted.stop - seen.start)
        again = restore_again(self.network, made, precision, inner)
        made = made[inner.start * step : inner.stop * step]
        error = disagreement(made, again, step, (trusted.start == 0, trusted.stop == length))

        def of(frames: range) -> slice:
            return slice(
                (frames.start - trusted.start) * step, (frames.stop - trusted.start) * step
            )

        # Piece by piece, as each volume of this size is much of the memory that a run needs.
        change = [
            changes(made[of(p)], _plain(fine, p, step, exposure), step) for p in _pieces(trusted)
        ]
        share = trust(error, torch.cat(change))
        if self.refilmed:
            made.add_(again).div_(2)
        del again
        for p in _pieces(wanted):
            part = made[of(p)]
            if self.refilmed:
                # The correction of delta exposure fades from an LTR frame to the next.
                beyond = range(p.start, min(p.stop + (exposure == "delta"), length))
                agreeing = correct(
                    made[of(beyond)], fine[beyond.start : beyond.stop], step, exposure
                )
                part.copy_(agreeing[: len(part)])
            shares = share[p.start - trusted.start : p.stop - trusted.start]
            if shares.min() < 1:
                blend(part, _plain(fine, p, step, exposure), shares)
        return made[of(wanted)]

    def looked_at(self, wanted: range, length: int) -> tuple[range, range]:
        """The frames whose results are restored again, and those whose results that takes."""
        around = self.network.reach[0] + 1 if self.network else 0
        trusted = wider(wanted, 1, length)  # trust looks a frame further
        return trusted, wider(trusted, around, length)


def wider(frames: range, by: int, length: int) -> range:
    """A range with some frames more to each side, as far as the clip goes."""
    return range(max(0, frames.start - by), min(length, frames.stop + by))


def _pieces(frames: range) -> list[range]:
    return [frames[n : n + _PIECE] for n in range(0, len(frames), _PIECE)]


def _plain(fine: Tensor, frames: range, step: int, exposure: str) -> Tensor:
    """Interpolate some frames of a clip, agreeing with it: what is fallen back to."""
    around = 2  # both look one frame further
    first, stop = max(0, frames.start - around), min(len(fine), frames.stop + around)
    near = fine[first:stop]
    result = correct(interpolate_time(near, step, exposure), near, step, exposure)
    return result[(frames.start - first) * step : (frames.stop - first) * step]
