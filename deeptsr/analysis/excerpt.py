"""Chooses the bounded excerpt of a video that fitting looks at: where it moves most."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate, islice, pairwise

import numpy as np
import numpy.typing as npt

from deeptsr.analysis.scenes import Survey, survey
from deeptsr.events import Listener, Progress, Surveyed, Warned

__all__ = ["Frames", "choose", "read_excerpt", "window"]

_TOLD = 1.0  # seconds between two words on how far reading has come
Frames = Callable[[], Iterator[npt.NDArray[np.float32]]]  # all pictures (H, W, 3), from the start


def read_excerpt(
    frames: Frames,
    total: int,
    cuts: tuple[int, ...] | None,
    length: int,
    least: tuple[int, int],
    on_event: Listener,
) -> tuple[list[npt.NDArray[np.float32]], tuple[int, ...]]:
    """Look at all frames, and read those to fit on.

    Args:
        frames: called once, or twice when the video is longer than the excerpt.
        total: frames of the video.
        cuts: first frames of scenes, 0 excepted; None: they are found.
        length: frames wanted.
        least: frames that an excerpt needs, even if they are duplicates; and that it should have.
        on_event: listener.

    Returns:
        Pictures of one scene, in order; and the cuts.
    """
    whole: list[npt.NDArray[np.float32]] | None = [] if total <= length else None

    def watched() -> Iterator[npt.NDArray[np.float32]]:
        told = time.monotonic()
        for number, frame in enumerate(frames(), 1):
            if time.monotonic() - told > _TOLD:
                told = time.monotonic()
                on_event(Progress(0.0, "read", f"reading, frame {number} of {total}"))
            if whole is not None:
                whole.append(frame)
            yield frame

    surveyed = survey(watched())
    cuts = surveyed.cuts if cuts is None else cuts
    if cuts:
        on_event(Surveyed(cuts))
    if surveyed.duplicates:
        count = len(surveyed.duplicates)
        on_event(
            Warned(
                f"{count} of {total} frames repeat{'s' * (count == 1)} the one before: nothing is "
                "learnt from them, and they stay in the output"
            )
        )
    needed, useful = least
    chosen = choose(surveyed, cuts, length, useful)
    if len(chosen) < needed:
        chosen = choose(replace(surveyed, duplicates=()), cuts, length, useful)
    wanted, shown = set(chosen), enumerate(frames() if whole is None else whole)
    return [frame for n, frame in islice(shown, chosen[-1] + 1) if n in wanted], cuts


def choose(surveyed: Survey, cuts: tuple[int, ...], length: int, least: int = 1) -> list[int]:
    """The ``length`` frames of one scene with the most motion, duplicates left out.

    Args:
        surveyed: of all frames.
        cuts: first frames of scenes, 0 excepted.
        length: frames wanted, >= 1.
        least: a scene with fewer frames is taken only when none has more.

    Returns:
        Frames in order, at most ``length``: fewer when the scene has fewer.

    >>> choose(Survey((0.0, 1.0, 9.0, 2.0, 0.0, 2.0), (), (5,)), (3,), 3)
    [3, 4, 6]
    """
    sums = [0.0, *accumulate(surveyed.changes)]
    left_out = set(surveyed.duplicates)
    best: list[int] = []
    most = (0, 0.0, 0)
    for start, stop in pairwise((0, *cuts, len(sums))):
        frames = [n for n in range(start, stop) if n not in left_out]
        chosen = window([sums[b] - sums[a] for a, b in pairwise(frames)], length)
        excerpt = frames[chosen.start : chosen.stop]
        motion = sums[excerpt[-1]] - sums[excerpt[0]]
        value = (min(len(excerpt), least), motion, len(excerpt))
        if value > most:
            best, most = excerpt, value
    return best


def window(changes: list[float], length: int) -> range:
    """The stretch of ``length`` frames with the most motion; the earliest of equals.

    Args:
        changes: from each frame to the next.
        length: frames wanted, >= 1.

    Returns:
        Frames, at most ``length``: fewer when the video has fewer.

    >>> window([0.0, 1.0, 3.0, 0.0], 3)
    range(1, 4)
    """
    total = len(changes) + 1
    if length >= total:
        return range(total)
    sums = [0.0, *accumulate(changes)]
    starts = range(total - length + 1)
    first = max(starts, key=lambda s: (sums[s + length - 1] - sums[s], -s))
    return range(first, first + length)
