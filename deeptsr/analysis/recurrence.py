"""Where a video repeats itself within its dimensions and across them (section 2, figure 6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deeptsr.analysis.neighbors import KINDS, Patches, cut, nearest, pools
from deeptsr.config import RecurrenceSettings
from deeptsr.errors import InputError, OptionError
from deeptsr.imaging.resample import resize
from deeptsr.imaging.volume import LUMA

__all__ = ["Recurrence", "Slice", "inspect", "least_size", "statistics"]

_QUERIES = 20_000  # patches that are looked up for one frame and its slices, about
_FLAT = 2 / 255  # standard deviation of a patch below which there is nothing to be found again
_SPEEDS = (0.0, 0.25, 0.5, 1.0)  # lower ends of the classes of motion, pixels a frame


@dataclass(frozen=True)
class Slice:
    """A plane of the video, and how much of its patches recurs across dimensions."""

    name: str  # "xy", "ty" or "xt"
    at: int  # the frame, column or row of the clip that it shows
    picture: Tensor  # (rows, columns, 3) in [0, 1], of the clip's own pixels
    share: Tensor  # (r, c): of each patch's neighbours found across dimensions; NaN where flat
    extent: tuple[float, float, float, float]  # of ``share`` in it: left, right, top, bottom


@dataclass(frozen=True)
class Recurrence:
    """What the search found."""

    size: tuple[int, int]  # height and width of the searched frames, pixels
    frames: range  # of the clip, for which the frames' heatmaps are
    slices: tuple[Slice, ...]  # one "xy" for each of the frames, then "ty" and "xt" if wanted
    candidates: int  # patches that were searched
    across: Tensor  # (N,): share of each patch's neighbours found across dimensions
    kind: Tensor  # (N, neighbors): where they are from, an index into KINDS
    scale: Tensor  # (N, neighbors)
    speed: Tensor  # (N,): crude motion, pixels a frame of the searched level
    nearest: Tensor  # (N, 2): distance to the best neighbour within, and across
    flat: float  # share of the patches that are flat; they are in none of the tensors above


def least_size(settings: RecurrenceSettings) -> tuple[int, int, int]:
    """Frames, rows and columns that a searched level has at least.

    At every scale there must be a patch in some LTR half, and elsewhere than the query.
    """
    x, y, t = settings.patch
    scale = min(settings.scales)
    side = max(x, y, t)
    # The clip is exposed by 2 along each axis in turn, and every axis may become every other.
    return 2 * side + 2 * t, round(2 * side / scale) + 2, round(2 * side / scale) + 2


def inspect(
    clip: Tensor,
    size: tuple[int, int],
    frames: range,
    settings: RecurrenceSettings,
    seed: int = 0,
    on_share: Callable[[float], None] = lambda share: None,
) -> Recurrence:
    """Search the neighbours of all patches of some frames, and of two slices through time.

    Args:
        clip: volume (T, H, W, 3), whose patches are both queries and candidates.
        size: height and width at which they are searched, pixels.
        frames: for which the heatmaps are wanted.
        settings: patch, neighbours, scales, density.
        seed: of the draw of candidates.
        on_share: told the share of the work that is done.

    Raises:
        InputError: when the clip has too few frames or pixels for a patch.
    """
    height, width = size
    least = least_size(settings)
    if any(n < m for n, m in zip((len(clip), height, width), least, strict=True)):
        raise InputError(
            f"{len(clip)} frames were to be searched at {width} x {height} pixels; expected at "
            f"least {least[0]} frames of {least[2]} x {least[1]} pixels for patches of "
            f"{'x'.join(map(str, settings.patch))} at scales "
            f"{', '.join(f'{s:g}' for s in settings.scales)}; take a longer or larger clip, a "
            "larger --level, smaller patches or larger scales"
        )
    luma = torch.tensor(LUMA, device=clip.device)
    gray = resize(clip, (height, width)).clamp(0, 1) @ luma  # (T, h, w)
    patch = (settings.patch[2], settings.patch[1], settings.patch[0])  # t, y, x
    generator = torch.Generator().manual_seed(seed)
    within, across = pools(gray, patch, settings.scales, settings.max_patches, generator)
    spans = [n - p + 1 for n, p in zip(gray.shape, patch, strict=True)]
    if settings.neighbors * 20 > len(within):
        raise OptionError(
            f"neighbors is {settings.neighbors}, and {len(within)} patches are searched within the "
            "dimension; expected no more neighbors than a twentieth of that"
        )
    stride = settings.stride or _stride(len(frames), spans)
    rows, columns = (torch.arange(0, n, stride, device=clip.device) for n in spans[1:])
    change = gray.diff(dim=0).square()
    wanted = [("xy", frame) for frame in frames]
    if settings.slices in ("all", "ty"):
        wanted.append(("ty", int(change.sum((0, 1)).argmax())))
    if settings.slices in ("all", "xt"):
        wanted.append(("xt", int(change.sum((0, 2)).argmax())))
    if settings.slices in ("ty", "xt"):
        wanted = wanted[len(frames) :]
    slices, parts = [], []
    for number, (name, at) in enumerate(wanted):
        on_share(number / len(wanted))
        starts = [torch.arange(0, spans[0], device=clip.device), rows, columns]
        axis = {"xy": 0, "ty": 2, "xt": 1}[name]
        first = min(max(0, at - patch[axis] // 2), spans[axis] - 1)
        starts[axis] = torch.tensor([first], device=clip.device)
        queries = cut(gray, patch, (starts[0], starts[1], starts[2]))
        busy = queries.contrast >= _FLAT
        part = _search(queries.pick(busy), within, across, settings.neighbors)
        part["speed"] = _speed(gray, queries.boxes[busy])
        part["flat"] = (~busy).float()
        parts.append(part)
        share = torch.full((len(queries),), torch.nan, device=clip.device)
        share[busy] = part["across"]
        pixel = (1.0, clip.shape[1] / height, clip.shape[2] / width)
        slices.append(_slice(name, at, clip, share, starts, patch, pixel))
    on_share(1.0)
    joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    flat = joined.pop("flat").mean().item()
    count = len(within) + len(across)
    return Recurrence(size, frames, tuple(slices), count, flat=flat, **joined)


def _stride(frames: int, spans: list[int]) -> int:
    """The least stride with a bearable number of patches to look up."""
    patches = frames * spans[1] * spans[2] + spans[0] * (spans[1] + spans[2])
    return max(1, math.ceil(math.sqrt(patches / (_QUERIES if frames == 1 else 4 * _QUERIES))))


def _search(queries: Patches, within: Patches, across: Patches, count: int) -> dict[str, Tensor]:
    """The nearest of both pools together."""
    distances, kinds, scales = [], [], []
    for pool in (within, across):
        distance, index = nearest(queries, pool, count)
        distances.append(distance)
        kinds.append(pool.kind[index])
        scales.append(pool.scale[index])
    best = torch.stack([d[:, 0] for d in distances], 1).sqrt()
    order = torch.cat(distances, 1).topk(count, dim=1, largest=False).indices
    kind = torch.cat(kinds, 1).gather(1, order)
    return {
        "across": (kind > 0).float().mean(1),
        "kind": kind,
        "scale": torch.cat(scales, 1).gather(1, order),
        "nearest": best,
    }


def _speed(gray: Tensor, boxes: Tensor) -> Tensor:
    """Crude motion of patches: change in time against gradient in space, pixels a frame."""
    time = gray.diff(dim=0, append=gray[-1:]).square()
    space = (
        gray.diff(dim=1, append=gray[:, -1:]).square()
        + gray.diff(dim=2, append=gray[:, :, -1:]).square()
    )
    return (_sums(time, boxes) / _sums(space, boxes).clamp_min(1e-8)).sqrt()


def _sums(volume: Tensor, boxes: Tensor) -> Tensor:
    """Sums over boxes, by a table of sums from the origin."""
    table = torch.nn.functional.pad(volume.double(), (1, 0, 1, 0, 1, 0))
    for axis in range(3):
        table = table.cumsum(axis)
    low, high = boxes[:, :3].long(), boxes[:, 3:].long()
    total = torch.zeros(len(boxes), dtype=torch.double, device=volume.device)
    for corner in range(8):
        ends = [(high if corner >> axis & 1 else low)[:, axis] for axis in range(3)]
        sign = 1 if corner.bit_count() % 2 else -1
        total += sign * table[ends[0], ends[1], ends[2]]
    return total.clamp_min(0).float()


def _slice(
    name: str,
    at: int,
    clip: Tensor,
    share: Tensor,
    starts: list[Tensor],
    patch: tuple[int, int, int],
    pixel: tuple[float, float, float],
) -> Slice:
    """A plane of the clip with its heatmap; time runs to the right in "ty", downwards in "xt"."""
    down, right = {"xy": (1, 2), "ty": (1, 0), "xt": (0, 2)}[name]
    fixed = 3 - down - right
    at = min(int((at + 0.5) * pixel[fixed]), clip.shape[fixed] - 1)
    picture = clip.select(fixed, at)  # (the two other axes in their order, 3)
    shaped = share.view(*(len(s) for s in starts)).select(fixed, 0)  # (the same axes)
    if down > right:
        picture, shaped = picture.transpose(0, 1), shaped.T  # (down, right, ...)
    extent = []
    for axis in (right, down):
        middle = starts[axis].float() + patch[axis] / 2
        half = (starts[axis][1] - starts[axis][0]).item() / 2 if len(middle) > 1 else 0.5
        ends = (middle[0].item() - half, middle[-1].item() + half)
        extent += [end * pixel[axis] for end in ends]
    return Slice(
        name, at, picture.cpu(), shaped.cpu(), (extent[0], extent[1], extent[2], extent[3])
    )


def statistics(recurrence: Recurrence) -> dict[str, Any]:
    """The numbers of a search, ready for JSON; shares are percentages of neighbours."""
    across = recurrence.across
    classes = torch.bucketize(
        recurrence.speed, torch.tensor(_SPEEDS[1:]).to(across.device), right=True
    )
    by_motion = []
    for number, low in enumerate(_SPEEDS):
        mine = across[classes == number]
        by_motion.append(
            {
                "from_pixels_a_frame": low,
                "patches": _percent(len(mine), len(across)),
                "across": _mean(mine),
            }
        )
    by_scale = []
    for scale in sorted(set(recurrence.scale.flatten().tolist()), reverse=True):
        mine = recurrence.scale == scale
        by_scale.append(
            {
                "scale": round(scale, 4),
                "neighbors": _percent(mine.sum().item(), mine.numel()),
                "across": _percent(((recurrence.kind > 0) & mine).sum().item(), mine.sum().item()),
            }
        )
    return {
        "width": recurrence.size[1],
        "height": recurrence.size[0],
        "patches": len(across),
        "candidates": recurrence.candidates,
        "flat_patches": round(100 * recurrence.flat, 1),
        "across": _mean(across),
        "by_slice": {
            name: _mean(torch.cat([s.share.flatten() for s in recurrence.slices if s.name == name]))
            for name in dict.fromkeys(s.name for s in recurrence.slices)
        },
        "by_orientation": {
            name: _percent((recurrence.kind == number).sum().item(), recurrence.kind.numel())
            for number, name in enumerate(KINDS)
        },
        "by_scale": by_scale,
        "by_motion": by_motion,
        "distance": {
            name: _median(recurrence.nearest[:, number])
            for number, name in enumerate(("within", "across"))
        },
    }


def _mean(shares: Tensor) -> float | None:
    known = shares[~shares.isnan()]
    return round(100 * known.mean().item(), 1) if len(known) else None


def _median(distances: Tensor) -> float | None:
    known = distances[distances.isfinite()]
    return round(known.median().item(), 4) if len(known) else None


def _percent(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 1) if whole else None
