"""`FittedStage`: one step of the climb, its network trusted as far as it agrees."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deeptsr.imaging.exposure import correct_in_place, expose
from deeptsr.imaging.resample import interpolate_exposing
from deeptsr.imaging.shapes import Cells, Frames, Volume
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.even import LOOK, make_even
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict, predict_ensemble
from deeptsr.pyramid.special import NEAR, Specialist, bonds_of, likely, odds_of, parts_of, take
from deeptsr.pyramid.trust import average_again, blend, changes, disagreement, restore_again, trust

__all__ = ["FittedStage", "wider"]

_PIECE = 4  # input frames of a stage that are blended at once
_TIME_TAPS = 1  # frames to each side that linear interpolation looks at


@dataclass(frozen=True)
class FittedStage:
    """A stage and the network that takes it; None where plain interpolation was found safer."""

    stage: Stage
    network: StepNetwork | None
    ensemble: bool = False  # whether to average over mirror images and reversed time
    refilmed: bool = False  # whether to average with its result, filmed and restored again
    verify: bool = True  # whether to interpolate where these two results disagree
    even: bool = False  # whether to make the result go on evenly
    special: Specialist | None = None  # takes the places where it is likely right
    at_once: StepNetwork | None = None  # who took them makes this step and those before in one
    agreement: float | None = None  # of its result with itself, where that was looked at; 0 to 1

    @property
    def restores(self) -> bool:
        """Whether the network's result is filmed and restored again."""
        return self.network is not None and (self.refilmed or self.verify)

    @property
    def reach(self) -> int:
        """How many of the stage's input frames an output frame depends on, to each side."""
        if self.network is None:
            return _TIME_TAPS + self._look
        # To restore a result again takes as much on top, and half a frame; then come its neighbours
        around = int(self.network.reach[0])
        result = (2 * around + 1 if self.restores else around) + self._look
        if self.at_once is not None:
            return max(result, int(self.at_once.reach[0]) * self.stage.factor_before)
        if self.special is None:
            return result
        return max(result, max(around, self.special.classifier.reach) + NEAR)

    def apply(
        self,
        fine: Volume,
        exposure: str,
        precision: torch.dtype,
        wanted: range | None = None,
        first: int = 0,
        places: Cells | None = None,
    ) -> Frames:
        """Take the stage's step, trusting the network as far as it agrees with itself.

        ::

            0                                         length
            ├───────────────── fine ──────────────────┤   all that is given
                 ├──────────── seen ────────────┤         the network predicts their step,
                       ├──── trusted ─────┤               restores it again, and is judged there;
                        ├──── wanted ────┤                their results are returned,
                        ├ piece ┤                         so many at once, for the memory

        Args:
            fine: volume (T, H, W, C) at the stage's size.
            exposure: "full" or "delta".
            precision: of the convolutions.
            wanted: frames of ``fine`` whose results are returned; None: all of them. ``fine`` must
                have :attr:`reach` more to each side, or end where the clip does.
            first: number, in its scene, of the first frame of ``fine``.
            places: :meth:`likelihood` of the LTR frames that ``wanted`` is made of; None: there is
                no specialist, or that of this stage is asked now.

        Returns:
            Volume (len(wanted) * step, H, W, C) that exposes to ``fine``; where a step is made with
            those before in one, to the LTR frames.
        """
        step, length = self.stage.step, len(fine)
        wanted = range(length) if wanted is None else wanted
        trusted, seen = self.looked_at(wanted, length)
        if self.network is None:
            result = self._interpolated(fine, exposure, trusted)
            return _part_of(result, wanted, trusted, step)
        if places is None:
            places = self.likelihood(fine, exposure, precision, wanted, first)
        predict_step = predict_ensemble if self.ensemble else predict
        result = predict_step(self.network, fine, precision=precision, wanted=seen, first=first)
        judged = range(trusted.start - seen.start, trusted.stop - seen.start)
        share = None
        if self.verify:
            again = restore_again(self.network, result, precision, judged, first + seen.start)
            result = _part_of(result, trusted, seen, step)
            error = disagreement(result, again, step, (trusted.start == 0, trusted.stop == length))
            # Piece by piece it takes less: a volume of this size is much of the memory of a run.
            change = [
                changes(
                    _part_of(result, p, trusted, step),
                    interpolate_exposing(fine, step, exposure, p),
                    step,
                )
                for p in _pieces(trusted)
            ]
            share = trust(error, torch.cat(change))
            if self.refilmed:
                result.add_(again).div_(2)
            del again
        else:
            if self.refilmed:
                average_again(self.network, result, precision, judged, first + seen.start)
            result = _part_of(result, trusted, seen, step)
        if self.refilmed:
            correct_in_place(result, _part_of(fine, trusted), step, exposure)
        self._make_even(result, fine, exposure, trusted)
        if places is not None and places.max() > 0.5 and (self.special or self.at_once):
            mine = _part_of(result, wanted, trusted, step)
            take(mine, self._theirs(fine, exposure, precision, wanted, first, mine), places)
        if share is None:
            return _part_of(result, wanted, trusted, step)
        for piece in _pieces(wanted):
            shares = _part_of(share, piece, trusted)
            if shares.min() < 1:
                part = _part_of(result, piece, trusted, step)
                blend(part, interpolate_exposing(fine, step, exposure, piece), shares)
        return _part_of(result, wanted, trusted, step)

    def _theirs(
        self,
        fine: Volume,
        exposure: str,
        precision: torch.dtype,
        wanted: range,
        first: int,
        mine: Frames,
    ) -> Frames:
        """What the specialist makes of the frames ``wanted``, of which ``mine`` is made as well."""
        if self.special is not None:
            # Its second result is not averaged in: filmed again, what it made is spoilt for one who
            # reads blur (trials.md).
            predict_step = predict_ensemble if self.ensemble else predict
            seen = wider(wanted, self._look, len(fine))
            made = predict_step(
                self.special.network, fine, precision=precision, wanted=seen, first=first
            )
            self._make_even(made, fine, exposure, seen)
            return _part_of(made, wanted, seen, self.stage.step)
        assert self.at_once is not None
        before = self.stage.factor_before
        frames = range(wanted.start // before, wanted.stop // before)
        ltr, number = expose(fine, before), first // before
        made = predict_ensemble(self.at_once, ltr, precision=precision, wanted=frames, first=number)
        return made.add_(mine).div_(2)  # both err in their own ways

    def _interpolated(self, fine: Volume, exposure: str, held: range) -> Frames:
        step = self.stage.step
        result = fine.new_empty(len(held) * step, *fine.shape[1:])
        interpolate_exposing(fine, step, exposure, held, result)
        self._make_even(result, fine, exposure, held)
        return result

    def _make_even(self, result: Frames, fine: Volume, exposure: str, held: range) -> None:
        """Make the result of the frames ``held`` go on evenly, in place, where that is asked."""
        if self.even and exposure == "full":
            make_even(result, _part_of(fine, held))

    @property
    def _look(self) -> int:
        """Frames to each side that trust, correction and evenness look at."""
        return max(int(self.restores), LOOK * self.even)

    def likelihood(
        self, fine: Volume, exposure: str, precision: torch.dtype, wanted: range, first: int = 0
    ) -> Cells | None:
        """How likely the specialist is right, where there is one: by a view of each network.

        Args:
            fine: as of :meth:`apply`.
            exposure: "full" or "delta".
            precision: of the convolutions.
            wanted: frames of ``fine``.
            first: as of :meth:`apply`.

        Returns:
            (len(wanted), rows, columns), 0 to 1; None: there is none.
        """
        if self.special is None or self.network is None:
            return None
        step, near = self.stage.step, wider(wanted, NEAR, len(fine))

        def made(network: StepNetwork) -> Frames:
            return predict(network, fine, precision=precision, wanted=near, first=first)

        theirs, judged = made(self.special.network), made(self.special.judge)
        odds = odds_of(self.special.classifier, fine, precision, near)
        parts = [
            parts_of(
                _part_of(theirs, piece, near, step),
                _part_of(judged, piece, near, step),
                _part_of(odds, piece, near),
                interpolate_exposing(fine, step, exposure, piece),
                step,
            )
            for piece in _pieces(near)
        ]
        del judged
        bonds = bonds_of(made(self.network), theirs, step)
        return _part_of(likely(torch.cat(parts, 1), bonds), wanted, near)

    def looked_at(self, wanted: range, length: int) -> tuple[range, range]:
        """The frames whose results are restored again, and those whose results that takes."""
        around = self.network.reach[0] + 1 if self.network and self.restores else 0
        trusted = wider(wanted, self._look, length)
        return trusted, wider(trusted, around, length)


def wider(frames: range, by: int, length: int) -> range:
    """A range with some frames more to each side, as far as the clip goes."""
    return range(max(0, frames.start - by), min(length, frames.stop + by))


def _pieces(frames: range) -> list[range]:
    return [frames[n : n + _PIECE] for n in range(0, len(frames), _PIECE)]


def _part_of(volume: Tensor, frames: range, held: range | None = None, step: int = 1) -> Tensor:
    """What some frames have become, of a volume with that of the frames ``held``: a view."""
    first = held.start if held else 0
    return volume[(frames.start - first) * step : (frames.stop - first) * step]
