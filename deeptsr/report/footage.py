"""Input and result side by side, as they are read: which frames belong together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deeptsr import io
from deeptsr.errors import InputError
from deeptsr.excerpt import window
from deeptsr.scenes import survey

__all__ = ["Footage"]

Picture = npt.NDArray[np.float32]  # (H, W, 3) in [0, 1]

_SHOWN = 10  # seconds that are shown at most,
_SHOWN_FRAMES = 2400  # and frames of the result,
_LOOKED_AT = 120  # chosen from so many seconds at the beginning: the report of a film is no film


class Footage:
    """What a run read and what it wrote.

    Attributes:
        source: the input, as probed.
        result: the output, as probed.
        frames: of the input that were used.
    """

    def __init__(self, source: Path, result: Path, options: dict[str, Any]) -> None:
        """Look at both.

        Args:
            source: the input.
            result: the output.
            options: of the run, as its record has them.

        Raises:
            InputError: when one of them cannot be used.
        """
        self.source, self.result = io.probe(source), io.probe(result)
        self._start, self._end = options.get("start"), options.get("end")
        if options.get("duplicates") == "drop":
            first = io.selected(self.source, self._start, self._end).start
            repeats = survey(io.read(self.source, self._start, self._end)).duplicates
            self.source = self.source.without({first + n for n in repeats})
        self.frames = len(io.selected(self.source, self._start, self._end))

    @property
    def factor(self) -> Fraction:
        """Frames of the result for one of the input."""
        return Fraction(self.result.frames, self.frames)

    def stretch(self) -> range:
        """The frames of the input that are shown: where it moves most."""
        length = max(4, int(min(_SHOWN * self.source.rate, _SHOWN_FRAMES / self.factor)))
        if self.frames <= length:
            return range(self.frames)
        seen = itertools.islice(self._read(), int(_LOOKED_AT * self.source.rate))
        return window(list(survey(seen).changes), length)

    def coarse(self, stretch: range) -> Iterator[Picture]:
        """Yield the frames of the input in a stretch."""
        return itertools.islice(self._read(stretch.start), len(stretch))

    def fine(self, stretch: range) -> range:
        """The frames of the result that show a stretch of the input."""
        return range(round(stretch.start * self.factor), max(1, round(stretch.stop * self.factor)))

    def together(self, stretch: range) -> Iterator[tuple[int, Picture, Picture]]:
        """Yield each frame of the result with the frame of the input of the same moment.

        Yields:
            The number of the input's frame, from 0 at the beginning of the stretch; that frame;
            the frame of the result.

        Raises:
            InputError: when one of the files breaks off.
        """
        fine = self.fine(stretch)
        inputs = self.coarse(stretch)
        results = itertools.islice(io.read(self.result, skip=fine.start), len(fine))
        at, now = -1, None
        for number, made in zip(fine, results, strict=False):
            wanted = min(int(number / self.factor), stretch.stop - 1) - stretch.start
            while at < wanted:
                now, at = next(inputs, None), at + 1
            if now is None:
                raise InputError(
                    f"{self.source.path} broke off; expected {self.frames} frames, as when it was "
                    "counted"
                )
            yield at, now, made[..., :3]

    def _read(self, skip: int = 0) -> Iterator[Picture]:
        frames = io.read(self.source, self._start, self._end, skip=skip)
        return (frame[..., :3] for frame in frames)
