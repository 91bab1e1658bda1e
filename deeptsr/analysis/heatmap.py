"""Draws where a video repeats itself: the frame and two slices under their heatmaps (figure 6)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from deeptsr.analysis.drawing import matplotlib_as_it_comes
from deeptsr.analysis.recurrence import Recurrence, Slice
from deeptsr.imaging.volume import LUMA

if TYPE_CHECKING:  # takes long to import: only what draws waits for it
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap

__all__ = ["blend", "draw", "strip"]

_INK, _FAINT, _RULE = "#222222", "#777777", "#cccccc"
_LABEL = "neighbours found across dimensions"
_TITLES = {
    "xy": "frame {at}",
    "ty": "y over time, at column {at}",
    "xt": "x over time, at row {at}",
}
_LONG = 900  # pixels that the long side of a blended picture has at least


def _colors() -> Colormap:
    """From blue, nothing across, to red; without the dark ends of "turbo"."""
    with matplotlib_as_it_comes() as matplotlib:
        from matplotlib.colors import ListedColormap  # noqa: PLC0415

        return ListedColormap(matplotlib.colormaps["turbo"](np.linspace(0.1, 0.9, 256)))


def blend(part: Slice, long_side: int = _LONG) -> npt.NDArray[np.float32]:
    """A plane of the video in grey under its heatmap; flat places stay grey.

    Args:
        part: from the search.
        long_side: pixels that the result has at least.

    Returns:
        (rows, columns, 3) in [0, 1], a whole number of times as large as the plane.
    """
    grow = max(1, round(long_side / max(part.picture.shape[:2])))
    gray = (part.picture @ torch.tensor(LUMA)).numpy()
    picture = _scaled(gray, (gray.shape[0] * grow, gray.shape[1] * grow), smooth=True)
    left, right, top, bottom = (round(edge * grow) for edge in part.extent)
    known = part.share.isfinite()
    # Between patches the heat is a mean of theirs, weighed by who has any.
    weight = _scaled(known.float().numpy(), (bottom - top, right - left))
    heat = _scaled(part.share.nan_to_num().numpy(), (bottom - top, right - left))
    paint = _colors()(np.clip(heat / np.maximum(weight, 1e-6), 0, 1))[..., :3]
    result = np.repeat(0.2 + 0.7 * picture[..., None], 3, 2)
    inner = result[max(0, top) : bottom, max(0, left) : right]  # a view
    rows, columns = inner.shape[:2]
    cut = (slice(max(0, -top), max(0, -top) + rows), slice(max(0, -left), max(0, -left) + columns))
    shown = 0.5 + 0.5 * inner.mean(2, keepdims=True)  # so that the video can be seen under it
    inner += 0.75 * weight[cut][..., None] * (paint[cut] * shown - inner)
    return np.clip(result, 0, 1).astype(np.float32)


def _scaled(
    plane: npt.NDArray[np.float32], size: tuple[int, int], smooth: bool = False
) -> npt.NDArray[np.float32]:
    from torch.nn.functional import interpolate  # noqa: PLC0415

    tensor = torch.from_numpy(np.ascontiguousarray(plane))[None, None].float()
    mode = "bicubic" if smooth else "bilinear"
    scaled = interpolate(tensor, size=size, mode=mode, align_corners=False)[0, 0]
    result: npt.NDArray[np.float32] = scaled.clamp(0, 1).numpy()
    return result


def draw(
    recurrence: Recurrence, numbers: dict[str, Any], title: str, path: Path, first: int = 0
) -> None:
    """Draw the page: the first frame, its slices beside and below it, and the numbers.

    Args:
        recurrence: from the search.
        numbers: its statistics.
        title: of the video.
        path: a file whose ending matplotlib knows, such as ``.png``.
        first: number of the clip's first frame in the video.
    """
    with matplotlib_as_it_comes():
        _draw(recurrence, numbers, title, path, first)


def _draw(
    recurrence: Recurrence, numbers: dict[str, Any], title: str, path: Path, first: int
) -> None:
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415
    from matplotlib.colors import Normalize  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    parts = {part.name: part for part in reversed(recurrence.slices)}  # of frames, the first
    height, width = parts["xy"].picture.shape[:2] if "xy" in parts else recurrence.size
    wide = 6.4 * min(1.7, max(0.8, width / height)) ** 0.5
    tall = min(wide * height / width, 8.0) if "xy" in parts else 3.2
    left, right, low = wide, 3.6, 2.9
    top, foot = 1.15, 1.15  # inches: the heading, the colour bar
    gap_x, gap_y, edge = 0.75, 0.75, 0.6
    figure = Figure(
        figsize=(edge + left + gap_x + right + 0.3, top + tall + gap_y + low + foot),
        facecolor="white",
        dpi=120,
    )
    full_x, full_y = figure.get_size_inches()

    def place(x: float, y: float, w: float, h: float) -> Axes:
        """Axes with x and y inches from the left and the top."""
        return figure.add_axes((x / full_x, 1 - (y + h) / full_y, w / full_x, h / full_y))

    second, below = edge + left + gap_x, top + tall + gap_y
    if "xy" in parts:
        _panel(place(edge, top, left, tall), parts["xy"], first)
    if "ty" in parts:
        _panel(place(second, top, right, tall), parts["ty"], first)
    if "xt" in parts:
        _panel(place(edge, below, left, low), parts["xt"], first)
    _histogram(place(second, below + 0.1, right, 0.95), recurrence, numbers)
    _bars(place(second + 1.25, below + 1.75, right - 1.25, low - 1.6), numbers)
    head = figure.text(
        edge / full_x, 1 - 0.32 / full_y, title, fontsize=17, fontweight="bold", color=_INK
    )
    head.set_parse_math(False)  # a name may hold dollars
    head.set_verticalalignment("center")
    figure.text(
        edge / full_x,
        1 - 0.68 / full_y,
        "Red patches recur best with time and a direction of space swapped, blue ones within the "
        "video as it is; grey ones are flat. "
        f"Searched at {recurrence.size[1]} x {recurrence.size[0]} pixels.",
        fontsize=9.5,
        color=_FAINT,
        verticalalignment="center",
    )
    axes = place(edge, below + low + 0.52, left, 0.14)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 100), _colors()), cax=axes, orientation="horizontal"
    )
    _scale(bar, 9)
    figure.savefig(path)


def _scale(bar: Colorbar, label_size: float) -> None:
    """Name the ends of a colour bar, and what it measures."""
    bar.set_label(_LABEL, fontsize=label_size, color=_FAINT, labelpad=2)
    bar.set_ticks([0, 25, 50, 75, 100], labels=["0 %", "25 %", "50 %", "75 %", "100 %"])
    bar.ax.tick_params(labelsize=8, labelcolor=_INK, color=_FAINT)
    bar.outline.set_visible(False)


def _panel(axes: Axes, part: Slice, first: int) -> None:
    """One plane under its heatmap."""
    height, width = part.picture.shape[:2]
    left, top = (first if part.name == name else 0 for name in ("ty", "xt"))
    axes.imshow(blend(part), extent=(left, left + width, top + height, top), aspect="auto")
    at = part.at + (first if part.name == "xy" else 0)
    axes.set_title(_TITLES[part.name].format(at=at), loc="left", fontsize=10.5, color=_INK)
    if part.name == "ty":
        axes.set_xlabel("time, frames", fontsize=8.5, color=_FAINT)
    if part.name == "xt":
        axes.set_ylabel("time, frames", fontsize=8.5, color=_FAINT)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=8, color=_RULE, labelcolor=_FAINT)
    for spine in axes.spines.values():
        spine.set_color(_RULE)


def _histogram(axes: Axes, found: Recurrence, numbers: dict[str, Any]) -> None:
    """How many patches have which share."""
    count = found.kind.shape[1]
    held = torch.bincount((found.across.cpu() * count).round().long(), minlength=count + 1)
    share = (100 * held / max(1, int(held.sum()))).tolist()
    middles = [100 * n / count for n in range(count + 1)]
    axes.bar(
        middles, share, width=92 / count, color=_colors()(np.linspace(0, 1, count + 1)), zorder=2
    )
    axes.set_xlim(-60 / count, 100 + 60 / count)
    known = numbers["across"] is not None
    title = f"{numbers['across']:.0f} % of {_LABEL}" if known else "all is flat"
    axes.set_title(title, loc="left", fontsize=10.5, color=_INK)
    axes.set_xlabel("of a patch's neighbours, %", fontsize=8.5, color=_FAINT)
    axes.set_ylabel("patches, %", fontsize=8.5, color=_FAINT)
    _plain(axes)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _bars(axes: Axes, numbers: dict[str, Any]) -> None:
    """The share by motion and by scale."""
    classes = numbers["by_motion"]
    names = [
        f"{this['from_pixels_a_frame']:g} to {after['from_pixels_a_frame']:g} px a frame"
        for this, after in pairwise(classes)
    ]
    names.append(f"{classes[-1]['from_pixels_a_frame']:g} px a frame or more")
    motion = [(name, entry["across"]) for name, entry in zip(names, classes, strict=True)]
    scales = [(f"found at scale {e['scale']:g}", e["across"]) for e in numbers["by_scale"]]
    rows: list[tuple[str, float]] = []
    places: list[float] = []
    for group, first in ((motion, 0.0), (scales, 0.6)):  # a gap between the two
        known = [(name, value) for name, value in group if value is not None]
        places += [first + len(rows) + n for n in range(len(known))]
        rows += known
    values = [value for _, value in rows]
    axes.barh(places, values, color=_colors()(np.array(values) / 100), height=0.72)
    for y, value in zip(places, values, strict=True):
        axes.text(value + 2, y, f"{value:.0f} %", va="center", fontsize=8, color=_INK)
    axes.set_title(
        "the same by motion and by scale", loc="left", x=-0.53, fontsize=10.5, color=_INK
    )
    axes.set_yticks(places, labels=[name for name, _ in rows])
    axes.set_xlim(0, 115)
    axes.set_xticks([])
    axes.invert_yaxis()
    _plain(axes)
    axes.tick_params(length=0, labelcolor=_INK)
    for spine in axes.spines.values():
        spine.set_visible(False)


def strip(width: int) -> npt.NDArray[np.float32]:
    """A colour bar with its ends named, to stand under the frames of a heatmap video.

    Args:
        width: pixels.

    Returns:
        (rows, width, 3) in [0, 1]; an even number of rows.
    """
    with matplotlib_as_it_comes():
        return _strip(width)


def _strip(width: int) -> npt.NDArray[np.float32]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415
    from matplotlib.colors import Normalize  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width / 100, 0.7), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.06, 0.72, 0.88, 0.18))
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 100), _colors()), cax=axes, orientation="horizontal"
    )
    _scale(bar, 8)
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    shown: npt.NDArray[np.float32] = drawn[..., :3].astype(np.float32) / np.float32(255)
    return shown[: len(shown) // 2 * 2, :width]
