"""The methods that a result is held against: repeat, linear, and FFmpeg's minterpolate.

Where the result is larger, bicubic interpolation goes with them. Each is a stream: frames of the
low-framerate video go in, and only a few are held at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np
import torch

from deeptsr import video
from deeptsr.imaging.exposure import Exposure, first_position
from deeptsr.imaging.lens import enlarge
from deeptsr.imaging.resample import interpolate_time

__all__ = ["BASELINES", "baseline", "enlarging_baselines", "larger", "linear"]
__all__ += ["minterpolate", "repeat"]

BASELINES = ("repeat", "linear", "minterpolate")


def baseline(
    name: str,
    ltr: Iterable[video.Frame],
    factor: int,
    exposure: Exposure = "full",
    cuts: Sequence[int] = (),
) -> Iterator[video.Frame]:
    """Raise the frame rate by one of :data:`BASELINES`.

    Args:
        name: of the method.
        ltr: frames (H, W, 3) in [0, 1], at least one.
        factor: output frames an input frame.
        exposure: of the input; the middles of the open times are aligned.
        cuts: numbers of frames that begin another scene: no result mixes two.

    Yields:
        Frames like the input's, ``factor`` times as many.
    """
    if name == "repeat":
        yield from repeat(ltr, factor)
        return
    method = {"linear": linear, "minterpolate": minterpolate}[name]
    for scene in _scenes(ltr, cuts):
        yield from method(scene, factor, exposure)


def larger(frames: Iterable[video.Frame], size: tuple[int, int]) -> Iterator[video.Frame]:
    """Enlarge frames to (H, W), bicubic."""
    for frame in frames:
        enlarged: video.Frame = enlarge(torch.from_numpy(frame.copy())[None], size)[0].numpy()
        yield enlarged


def enlarging_baselines(
    read: Callable[[], Iterator[video.Frame]],
    size: tuple[int, int],
    factor: int,
    exposure: Exposure = "full",
) -> dict[str, Iterator[video.Frame]]:
    """Raise size and frame rate by plain methods.

    Args:
        read: begins to yield the frames of the input.
        size: (H, W) of the results, pixels.
        factor: output frames an input frame.
        exposure: of the input.

    Returns:
        Frames by the name of the method. What goes through ``minterpolate`` is enlarged after it,
        and under another name before it.
    """
    if factor == 1:
        return {"bicubic": larger(read(), size)}
    plain = {
        f"{name}, bicubic": larger(baseline(name, read(), factor, exposure), size)
        for name in BASELINES
    }
    before = baseline("minterpolate", larger(read(), size), factor, exposure)
    return plain | {"bicubic, minterpolate": before}


def repeat(ltr: Iterable[video.Frame], factor: int) -> Iterator[video.Frame]:
    """Show each frame ``factor`` times."""
    for frame in ltr:
        yield from itertools.repeat(frame, factor)


def linear(
    ltr: Iterable[video.Frame], factor: int, exposure: Exposure = "full"
) -> Iterator[video.Frame]:
    """Interpolate linearly, as ``resample.interpolate_time`` does with a whole clip."""
    for near in _neighbours(ltr):
        # The outputs of a frame lie between the middles of it and its neighbours.
        fine = interpolate_time(torch.from_numpy(np.stack(near)), factor, exposure)
        yield from fine[factor : 2 * factor].numpy()


def minterpolate(
    ltr: Iterable[video.Frame], factor: int, exposure: Exposure = "full"
) -> Iterator[video.Frame]:
    """Interpolate by FFmpeg's motion compensation; see :func:`deeptsr.video.minterpolate`."""
    first = Fraction(first_position(factor, exposure)).limit_denominator(2 * factor)
    return video.minterpolate(ltr, factor, first)


def _scenes(frames: Iterable[video.Frame], cuts: Sequence[int]) -> Iterator[Iterator[video.Frame]]:
    """Yield the frames of one scene after the other; each is to be used up before the next."""
    rest = iter(frames)
    for first, stop in itertools.pairwise((0, *cuts)):
        yield itertools.islice(rest, stop - first)
    yield rest


def _neighbours(
    frames: Iterable[video.Frame],
) -> Iterator[tuple[video.Frame, video.Frame, video.Frame]]:
    """Yield each frame between the two beside it; beyond its ends the clip stands still."""
    before: video.Frame | None = None
    here: video.Frame | None = None
    for after in itertools.chain(frames, [None]):
        if here is not None:
            yield here if before is None else before, here, here if after is None else after
        before, here = here, after
