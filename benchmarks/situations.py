"""Draw the pictures of docs/when.md: what a camera filmed, beside what happened, through time.

::

    python -m benchmarks.situations
    python -m benchmarks.situations --picture aliased --out pictures

Each picture is a pair of slices of a rendered clip: one row of pixels, or the pixels on a circle
about the axis of what turns, followed through time, which runs downwards. Nothing is fitted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.drawing import drawing  # noqa: E402
from deeptsr.report.motion import measure  # noqa: E402
from examples.render_clips import render  # noqa: E402
from examples.scenes.turning import ROTORS, fan  # noqa: E402

mpl.use("agg")  # no screen
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

SIDE, FRAMES, FACTOR = 128, 20, 8  # pixels and LTR frames of a clip, HTR frames for each of them
CIRCLE, ANGLES = 0.32, 360  # radius as a share of the side, and samples along it

Clip = NDArray[np.float32]  # (T, H, W, 3) in [0, 1]
Slice = NDArray[np.float32]  # (T, places, 3)


def along_a_row(name: str, *, exposure: float = 1.0) -> tuple[Slice, Slice]:
    """Follow the row through which most moves.

    Args:
        name: of a rendered clip.
        exposure: open share of a frame's time.

    Returns:
        What was filmed, and what happened: (T, W, 3) and (T * factor, W, 3).
    """
    filmed, happened = render(name, size=SIDE, frames=FRAMES, factor=FACTOR, exposure=exposure)
    row = measure(filmed).row()
    return filmed[:, row], happened[:, row]


def around(speed: float, frames: int = FRAMES) -> tuple[Slice, Slice]:
    """Follow a circle about the axis of a fan of five blades, 72 degrees apart.

    Args:
        speed: degrees a frame.
        frames: of the slow camera.

    Returns:
        What was filmed, and what happened, by angle: (T, angles, 3) and (T * factor, angles, 3).
    """
    rotor = replace(ROTORS["fan"], start_speed=speed, end_speed=speed)
    film = fan(rotor, SIDE, frames, np.random.default_rng(0))
    moments = np.arange(frames * FACTOR) / FACTOR
    happened = circle(np.stack([film(time, time + 1 / FACTOR) for time in moments]))
    groups = happened.reshape(frames, FACTOR, *happened.shape[1:])  # (T, factor, angles, 3)
    return groups.mean(axis=1), happened


def circle(clip: Clip) -> Slice:
    """Read the pixels on a circle about the middle, by angle, clockwise: (T, angles, 3)."""
    middle, angle = (clip.shape[1] - 1) / 2, np.arange(ANGLES) * (2 * np.pi / ANGLES)
    rows = np.rint(middle + CIRCLE * clip.shape[1] * np.sin(angle)).astype(int)
    columns = np.rint(middle + CIRCLE * clip.shape[2] * np.cos(angle)).astype(int)
    return clip[:, rows, columns]


PICTURES: dict[str, Callable[[], tuple[Slice, Slice]]] = {
    "blurred": lambda: along_a_row("falling"),
    "uniform": lambda: along_a_row("pan"),
    "turning": lambda: around(20),
    "aliased": lambda: around(40),
    "closed": lambda: along_a_row("falling", exposure=1 / FACTOR),
    "still": lambda: along_a_row("slow"),
}


def draw(filmed: Slice, happened: Slice) -> Figure:
    """Draw two slices beside each other, equally tall."""
    figure, both = plt.subplots(1, 2, figsize=(6.4, 2.3), layout="constrained")
    for axes, part, title in zip(
        both, (filmed, happened), ("as it was filmed", "as it happened"), strict=True
    ):
        axes.imshow(part.clip(0, 1), aspect="auto", interpolation="nearest")
        axes.set_title(title, fontsize=9, loc="left")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    both[0].set_ylabel("time →", fontsize=9, rotation=-90, labelpad=12)
    return figure


DRAWN = {name: lambda cut=cut: draw(*cut()) for name, cut in PICTURES.items()}
main = drawing("when", "--picture", DRAWN)

if __name__ == "__main__":
    main()
