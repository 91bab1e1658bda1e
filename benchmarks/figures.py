"""Draw the figures of docs/method.md.

::

    python -m benchmarks.figures
    python -m benchmarks.figures --figure trust

All but "trust" take seconds; that one fits a network for each of its clips.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

matplotlib.use("agg")  # no screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as a script, only benchmarks/ would be on the path

from benchmarks.ablation import QUICK, Task, clip  # noqa: E402
from benchmarks.direction import rotations, wrap  # noqa: E402
from benchmarks.drawing import drawing  # noqa: E402
from deeptsr.imaging.exposure import expose  # noqa: E402
from deeptsr.imaging.resample import interpolate_exposing, resize  # noqa: E402
from deeptsr.learning.stages import fit_stages  # noqa: E402
from deeptsr.pyramid.plan import plan  # noqa: E402
from deeptsr.pyramid.predict import predict_ensemble  # noqa: E402
from deeptsr.pyramid.trust import changes, disagreement, restore_again  # noqa: E402
from deeptsr.system import devices  # noqa: E402
from examples.render_clips import render  # noqa: E402

WIDTH = 7.6  # inches
BLUE, ORANGE, GREEN, RED, GREY = "#2b6cb0", "#dd7a1f", "#2f855a", "#c53030", "#718096"
TRUST_CLIPS = {  # colour, share of the steps of a fit
    "pan": (GREEN, 0.6),
    "shake": (BLUE, 0.3),
    "fire": (ORANGE, 0.3),
    "fan": (RED, 0.3),
}
NOISE, LIKELY, DOUBTFUL = 1e-3, 0.6, 0.8  # of deeptsr.pyramid.trust

Picture = NDArray[np.floating[Any]]


def pyramid() -> Figure:
    """The climb of x8: figure 8b of the paper, as it is done here."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.3))
    axes.set(xlim=(-0.62, 3.62), ylim=(-0.5, 2.5), xticks=range(4), yticks=range(3))
    axes.set_xticklabels(["T1: the input's rate", "T2", "T4", "T8: the output's"])
    axes.set_yticklabels(["S1/4", "S1/2", "S1: full size"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for rate in range(4):
        for size in range(3):
            given, made = rate == 0, size == max(0, rate - 1)
            passed = size == rate
            if not (given or made or passed):
                continue
            face, edge = ("#e2e8f0", GREY) if given else ("#d6e6f7", BLUE)
            if not given and not made:
                face, edge = "#fff", GREEN
            text = "input" if given and size == 2 else "scaled input" if given else "network"
            if not given and not made:
                text = "back-projected"
            if (rate, size) == (3, 2):
                text, edge = "result", RED
            _box(axes, rate, size, text, face, edge)
    for rate in range(1, 4):
        _arrow(axes, (rate - 1, rate - 1), (rate, rate - 1), BLUE)
        axes.text(rate - 0.5, rate - 0.91, "x2", color=BLUE, ha="center", va="bottom")
        if rate < 3:
            _arrow(axes, (rate, rate - 1), (rate, rate), GREEN)
            _arrow(axes, (0, rate), (rate, rate), GREEN, dotted=True)
    axes.text(
        2.5, 0.35, "blue: a fitted network\ngreen: agrees with the coarse result\n"
        "and, dotted, with the input of that size", fontsize=8, color="#2d3748",
    )  # fmt: skip
    return figure


def pairs() -> Figure:
    """What the pairs look like: slices through time, of the pan."""
    pair = clip("pan", 2, 36, 256, "1/2", None)
    ltr, truth = torch.from_numpy(pair.ltr), torch.from_numpy(pair.htr)
    row, wide, tall = 53, 56, 32  # of the picture; what is shown, pixels and HTR frames
    still = ltr[4]  # (H, W, 3)
    within = resize(ltr, (64, 64))[:, row // 2]
    across = still[row - 8 : row - 8 + tall, :wide]  # y in the place of time
    shift = torch.stack([still[row, 2 * t : 2 * t + wide] for t in range(tall)])
    columns = [
        ("the task", "unknown", truth[:tall, row], "the video"),
        ("within", "scaled down", within[:tall, :wide], "means of 2 frames"),
        ("across", "y is taken as time", across, "means of 2 rows"),
        ("shift", "one frame moves", shift, "means of 2"),
    ]
    figure, grid = plt.subplots(2, 4, figsize=(WIDTH, 3.4), layout="constrained")
    for (above, below), (name, told, fine, coarse) in zip(grid.T, columns, strict=True):
        slow = expose(fine.contiguous(), 2)
        for axes, picture, words in ((above, fine, told), (below, slow, coarse)):
            axes.imshow(
                picture[:, :wide].clamp(0, 1).numpy(), aspect="auto", interpolation="nearest"
            )
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(words, fontsize=8)
        above.set_title(name, fontsize=10, color=RED if name == "the task" else BLUE)
    grid[0, 0].set_ylabel("fast camera\ntime runs down", fontsize=8)
    grid[1, 0].set_ylabel("slow camera", fontsize=8)
    return figure


def fan() -> Figure:
    """How fast the fan seems to turn at the speeds of its pairs, measured on the frames."""
    ltr, htr = render("fan", size=128, frames=36, factor=2)
    shown = {  # degrees a frame -> frames of a slow camera, what they are, colour
        40: (ltr, "the video", RED),
        80: (_means(ltr, 2), "pairs from\nthe video", BLUE),
        120: (_means(htr, 6), "pairs from\nits own result", GREEN),
        160: (_means(ltr, 4), "pairs from\nthe video", BLUE),
        240: (_means(ltr, 6), "pairs from\nthe video", BLUE),
    }
    figure = plt.figure(figsize=(WIDTH, 3.9), layout="constrained")
    grid = figure.add_gridspec(2, len(shown), height_ratios=(1.5, 1))
    axes = figure.add_subplot(grid[0, :])
    true = np.linspace(0, 262, 2000)
    seems = wrap(true, 5)
    seems[1:][np.abs(np.diff(seems)) > 30] = np.nan  # no line where it jumps
    axes.plot(true, seems, color=GREY, lw=1)
    axes.axhline(0, color="#cbd5e0", lw=0.8, zorder=0)
    for column, (speed, (frames, told, colour)) in enumerate(shown.items()):
        middle = (frames.shape[1] - 1) / 2
        found = float(np.nanmedian(rotations(frames, (middle, middle), (19, 54))))
        axes.plot(speed, found, "o", color=colour, ms=7)
        offset = 12 if found > 0 else -14
        axes.annotate(
            told, (speed, found), (0, offset), textcoords="offset points", ha="center",
            va="bottom" if found > 0 else "top", fontsize=8, color=colour,
        )  # fmt: skip
        below = figure.add_subplot(grid[1, column])
        below.imshow(frames[1].clip(0, 1))
        below.set(xticks=[], yticks=[])
        below.set_xlabel(
            f"{speed}°, seems {found:+.0f}°".replace("-", "\N{MINUS SIGN}"),
            fontsize=8,
            color=colour,
        )
    axes.set(ylim=(-62, 62), yticks=(-36, 0, 36), xlim=(0, 262))
    axes.set_xlabel("turns, degrees a frame", fontsize=9)
    axes.set_ylabel("seems to turn, degrees", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def trust() -> Figure:
    """A network's disagreement with itself beside its true error, by place and moment."""
    torch.set_num_threads(1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.4), layout="constrained")
    for name, (colour, effort) in TRUST_CLIPS.items():
        estimate, change, error, linear = _errors(name, effort)
        left.plot(error, estimate, ".", color=colour, ms=3, alpha=0.5, label=name)
        right.plot(estimate / (change + NOISE), error / linear, ".", color=colour, ms=3, alpha=0.5)
    left.plot([1e-6, 1], [1e-6, 1], color=GREY, lw=0.8)
    left.set(xscale="log", yscale="log", xlim=(3e-6, 0.1), ylim=(3e-6, 0.1))
    left.set_xlabel("true mean square error", fontsize=9)
    left.set_ylabel("half the squared disagreement, $e^2$", fontsize=9)
    left.legend(fontsize=8, frameon=False, markerscale=3)
    right.axhline(1, color=GREY, lw=0.8)
    right.axvspan(LIKELY, DOUBTFUL, color="#fefcbf")
    right.axvspan(DOUBTFUL, 10, color="#fed7d7")
    right.set(xscale="log", yscale="log", xlim=(0.01, 2), ylim=(0.02, 20))
    right.set_xlabel("$e^2 / (d^2 + 0.001)$", fontsize=9)
    right.set_ylabel("true error, network over interpolation", fontsize=9)
    for words, place, colour in (("taken", 0.02, GREEN), ("not", 1.0, RED)):
        right.text(place, 12, words, color=colour, fontsize=8)
    for axes in (left, right):
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _errors(name: str, effort: float) -> tuple[Picture, Picture, Picture, Picture]:
    """Fit the first stage of a clip: its e2, d2, true error, and interpolation's true error.

    Means over the neighbourhoods that trust looks at, each cell in one of them.
    """
    task = Task(name, "auto", "", "fast", 2, None, 256, str(QUICK["level"]), None, effort, 0)
    pair = clip(name, 2, None, 256, task.level, None)
    ltr, truth = torch.from_numpy(pair.ltr), torch.from_numpy(pair.htr)
    options, precision = task.options(2), devices.precision(ltr.device)
    height, width = ltr.shape[1:3]
    stages = plan(2, height, width, options.pyramid.coarsest)
    (fitted,) = fit_stages(ltr, stages, options, precision=precision)
    if fitted.network is None:
        raise click.ClickException(f"the network of {name} learned nothing; fit it longer")
    made = predict_ensemble(fitted.network, ltr, precision=precision)
    again = restore_again(fitted.network, made, precision)
    plain = interpolate_exposing(ltr, 2)
    cells = (
        disagreement(made, again, 2),
        changes(made, plain, 2),
        changes(made, truth, 2),
        changes(plain, truth, 2),
    )
    return tuple(map(_pooled, cells))  # type: ignore[return-value]


def _pooled(cells: Tensor) -> Picture:
    pooled = functional.avg_pool3d(cells[None, None], (3, 5, 5))
    return pooled.flatten().numpy() + 1e-7


def _means(clip: Picture, count: int) -> Picture:
    """Means of groups of frames."""
    return expose(torch.from_numpy(clip), count).numpy()


def _box(axes: Axes, x: float, y: float, text: str, face: str, edge: str) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - 0.3, y - 0.17), 0.6, 0.34, boxstyle="round,pad=0.03", fc=face, ec=edge, lw=1.2
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=8)


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, *,
    dotted: bool = False,
) -> None:  # fmt: skip
    """Draw from the edge of a box to the edge of another, along a row or up a column."""
    gap = (0.35, 0.0) if start[1] == end[1] else (0.0, 0.22)
    axes.add_patch(
        FancyArrowPatch(
            (start[0] + gap[0], start[1] + gap[1]),
            (end[0] - gap[0], end[1] - gap[1]),
            arrowstyle="-|>",
            mutation_scale=10,
            color=colour,
            linestyle=":" if dotted else "-",
            shrinkA=0,
            shrinkB=0,
        )
    )


FIGURES: dict[str, Callable[[], Figure]] = {
    "pyramid": pyramid,
    "pairs": pairs,
    "fan": fan,
    "trust": trust,
}


main = drawing("method", "--figure", FIGURES, bbox_inches="tight")

if __name__ == "__main__":
    main()
