"""A finished run without the work: clips whose frames carry their numbers, and a record of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from deeptsr.config import Options
from deeptsr.events import Done, Planned, Progress, SelfChecked, StageFitted, Warned
from deeptsr.report import Recorder
from tests.helpers.clips import raw_clip

WIDTH, HEIGHT, FRAMES, FACTOR = 96, 64, 8, 2
BITS = 6  # blocks of 16 x 16 along the top: the number of the frame, lowest bit first
NASTY = "<b>&\"'.mkv"  # a name that must not become markup


def numbered(count: int) -> np.ndarray:
    """Grey frames (T, H, W, 3), uint8, with their number on top and something that moves below."""
    frames = np.full((count, HEIGHT, WIDTH, 3), 90, np.uint8)
    for index, frame in enumerate(frames):
        for bit in range(BITS):
            frame[:16, 16 * bit : 16 * bit + 16] = 255 * (index >> bit & 1)
        left = 64 * index // count
        frame[36:52, left : left + 16] = (220, 60, 40)
    return frames


CHECK = SelfChecked(31.5, 28.25, 3.25, 4)


class Clock:
    """Each look at it is a second later."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


def finished(folder, *, name="in.mkv", check=CHECK, scale=1, **changes):
    """A recorder that has heard a whole run, of clips that are there."""
    size = (scale * WIDTH, scale * HEIGHT)
    source = raw_clip(
        folder / name, numbered(FRAMES), "rgb24", (WIDTH, HEIGHT), "-c:v", "ffv1", rate="30"
    )
    output = raw_clip(
        folder / "out.mkv",
        numbered(FRAMES * FACTOR).repeat(scale, 1).repeat(scale, 2),
        "rgb24",
        size,
        *("-c:v", "ffv1"),
        rate="60",
    )
    curve = (
        ("given mix", 0, 0.0),
        ("given mix", 50, 1.5),
        ("round 1", 50, 1.5),
        ("round 1", 100, 3.0),
    )
    recorder = Recorder(
        source,
        output,
        Options(factor=FACTOR, scale=scale, seed=7, **changes),
        command="deeptsr upscale 'a b.mkv' -o out.mkv",
        clock=Clock(),
    )
    rates = "30", str(Fraction(60))
    for event in (
        Planned(
            *(FRAMES, FRAMES * FACTOR, *size),
            *(*rates, ("S1 T1 -> T2",), "fast", "cpu", 1e9, 9.0, 1, 1),
        ),
        Warned("mind <this>: `slow_audio`"),
        Progress(0.0, "read", "reading"),
        Progress(0.1, "fit", "fitting"),
        Progress(0.2, "fit", "fitting"),
        StageFitted(1, 1, "S1 T1 -> T2", 3.0, 100, 1.0, "fitted", (0.6, 0.3, 0.1), curve),
        *([check] if check else []),
        Progress(0.9, "render", "rendering"),
        Progress(1.0, "finish", "finishing"),
        Done(str(output), FRAMES * FACTOR, rates[1], 9.0),
    ):
        recorder(event)
    return recorder
