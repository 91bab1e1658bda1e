"""`FittedStage`: one step of the climb, its network trusted as far as it agrees."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import interpolate_exposing, resize
from deeptsr.imaging.shapes import Cells, Frames, Volume
from deeptsr.imaging.volume import part_of, pieces, wider
from deeptsr.networks import StepNetwork
from deeptsr.pyramid.even import LOOK, make_even
from deeptsr.pyramid.plan import Stage
from deeptsr.pyramid.predict import predict, predict_ensemble
from deeptsr.pyramid.special import NEAR, Specialist, bonds_of, likely, parts_of, take
from deeptsr.pyramid.trust import Restored, blend, restore, restoring, trust

__all__ = ["FittedStage"]

_BETTER = 0.8  # of its doubt that a place has at a smaller size, to be taken from there (trials.md)
_SMALLEST = 16  # pixels of the short side of such a size
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
    sizes: int = 1  # at which it is taken, each half of the one before, for places to choose from
    at_once: StepNetwork | None = None  # who took them makes this step and those before in one
    agreement: float | None = None  # of its result with itself, where that was looked at; 0 to 1

    @property
    def restores(self) -> bool:
        """Whether the network's result is filmed and restored again."""
        return self.network is not None and (self.refilmed or self.compares)

    @property
    def compares(self) -> bool:
        """Whether that result is held beside the first one, to tell how far they agree."""
        return self.network is not None and (self.verify or self.sizes > 1)

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
        trusted, _ = self.looked_at(wanted, length)
        if self.network is None:
            result = self._interpolated(fine, exposure, trusted)
            return part_of(result, wanted, trusted, step)
        if places is None:
            places = self.likelihood(fine, exposure, precision, wanted, first)
        made = self._restored(fine, exposure, precision, trusted, first)
        if self.sizes > 1:
            self._take_smaller(made, fine, exposure, precision, trusted, first)
        result, share = made.result, trust(made.error, made.change) if self.verify else None
        self._make_even(result, fine, exposure, trusted)
        if places is not None and places.max() > 0.5 and (self.special or self.at_once):
            mine = part_of(result, wanted, trusted, step)
            take(mine, self._theirs(fine, exposure, precision, wanted, first, mine), places)
        if share is None:
            return part_of(result, wanted, trusted, step)
        for piece in pieces(wanted):
            shares = part_of(share, piece, trusted)
            if shares.min() < 1:
                part = part_of(result, piece, trusted, step)
                blend(part, interpolate_exposing(fine, step, exposure, piece), shares)
        return part_of(result, wanted, trusted, step)

    def _restored(
        self, fine: Volume, exposure: str, precision: torch.dtype, wanted: range, first: int
    ) -> Restored:
        """What the network makes of the frames ``wanted``, at the size of ``fine``."""
        assert self.network is not None
        return restore(
            self.network,
            fine,
            wanted,
            exposure=exposure,
            precision=precision,
            first=first,
            ensemble=self.ensemble,
            refilmed=self.refilmed,
            compares=self.compares,
        )

    def _take_smaller(
        self,
        made: Restored,
        fine: Volume,
        exposure: str,
        precision: torch.dtype,
        held: range,
        first: int,
    ) -> None:
        """Take the places that are in less doubt at smaller sizes from there, in place.

        Motion of few pixels a frame is restored best, and detail of many (figure 7): what is fast
        asks for another size than what is fine. What smaller frames have no room for is left as it
        is, and so is what the result exposes to, as theirs exposes to that made smaller.
        """
        step, least = self.stage.step, _BETTER * made.doubt
        full = (fine.shape[1], fine.shape[2])
        for size in self.smaller(full):
            small = self._restored(resize(fine, size), exposure, precision, held, first)
            doubt = functional.interpolate(small.doubt[None], least.shape[1:])[0]
            shares, least = (doubt >= least).to(fine), torch.minimum(doubt, least)
            for piece in pieces(held):
                share = part_of(shares, piece, held)
                if share.min() < 1:
                    mine = part_of(made.result, piece, held, step)
                    change = part_of(small.result, piece, held, step) - resize(mine, size)
                    blend(mine, mine + resize(change, full), share)

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
            return part_of(made, wanted, seen, self.stage.step)
        assert self.at_once is not None
        before = self.stage.factor_before
        frames = range(wanted.start // before, wanted.stop // before)
        ltr, number = expose(fine, before, exposure), first // before
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
            make_even(result, part_of(fine, held))

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
        odds = self.special.odds(fine, precision, near)
        parts = [
            parts_of(
                part_of(theirs, piece, near, step),
                part_of(judged, piece, near, step),
                part_of(odds, piece, near),
                interpolate_exposing(fine, step, exposure, piece),
                step,
            )
            for piece in pieces(near)
        ]
        del judged
        mine = made(self.network) if exposure == "full" else theirs  # of which nobody asks then
        bonds = bonds_of(mine, theirs, step, exposure)
        return part_of(likely(torch.cat(parts, 1), bonds, exposure), wanted, near)

    def looked_at(self, wanted: range, length: int) -> tuple[range, range]:
        """The frames whose results are restored again, and those whose results that takes."""
        trusted = wider(wanted, self._look, length)
        if self.network is None or not self.restores:
            return trusted, trusted
        return trusted, restoring(self.network, trusted, length)

    def smaller(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """The sizes at which it is taken, too: half of one of the stage, and on; pixels."""
        halved = [(size[0] >> n, size[1] >> n) for n in range(1, self.sizes)]
        return [each for each in halved if min(each) >= _SMALLEST]
