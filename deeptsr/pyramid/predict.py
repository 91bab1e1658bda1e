"""A network over a clip of any size: tiles that are streamed along time, slab by slab."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from deeptsr.errors import ResourceError
from deeptsr.imaging.exposure import expose
from deeptsr.imaging.shapes import Frames, Volume
from deeptsr.imaging.volume import pieces, to_network, to_volume
from deeptsr.networks import Request, StepNetwork

__all__ = ["Later", "Turned", "in_one", "predict", "predict_ensemble", "tile_shape", "voxels"]

_SMALLEST_TILE = 16  # pixels
_FEWEST = {"cpu": 2, "cuda": 4}  # frames of a tile that are streamed at once
# Bytes of a hidden layer in a slab: on a CPU it comes from memory that the process has, as fresh
# memory costs as much time as a convolution; on a card few large tiles compute little twice.
_HIDDEN_BYTES = {"cpu": 16e6, "cuda": 2e9}
_CARD_SHARE = 16  # times these that a card's memory has, at least


@dataclass(frozen=True)
class Later:
    """What a slow camera sees whose frames begin half a frame later.

    It films when it is looked at, since a volume of its frames is much of the memory of a run.
    """

    result: Volume  # (T * factor, H, W, C)
    factor: int
    exposure: str  # "full" or "delta"

    @property
    def shape(self) -> tuple[int, ...]:
        """(T - 1, H, W, C)."""
        return len(self), *self.result.shape[1:]

    @property
    def device(self) -> torch.device:
        """Where its frames are."""
        return self.result.device

    def __len__(self) -> int:
        return len(self.result) // self.factor - 1

    def __getitem__(self, frames: slice) -> Frames:
        first, stop, _ = frames.indices(len(self))
        begin = self.factor // 2
        seen = self.result[begin + first * self.factor : begin + stop * self.factor]
        filmed = expose(seen, self.factor, self.exposure)
        # Instants are frames of the result, which may be written to.
        return filmed.clone() if self.exposure == "delta" else filmed


@dataclass(frozen=True)
class Turned:
    """A volume backwards, or mirrored, or both; no copy of all of it is made."""

    volume: Volume
    axes: tuple[int, ...]  # 0: time, 2: columns

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, H, W, C)."""
        return tuple(self.volume.shape)

    @property
    def device(self) -> torch.device:
        """Where its frames are."""
        return self.volume.device

    def __len__(self) -> int:
        return len(self.volume)

    def __getitem__(self, frames: slice) -> Frames:
        first, stop, _ = frames.indices(len(self))
        if 0 in self.axes:
            first, stop = len(self) - stop, len(self) - first
        return self.volume[first:stop].flip(self.axes)

    def back(
        self, part: Frames, place: tuple[range, ...], size: tuple[int, ...]
    ) -> tuple[Frames, tuple[range, ...]]:
        """Turn a part of what this has become, and its frames, rows and columns of all, back."""
        there = (
            range(size[axis] - each.stop, size[axis] - each.start) if axis in self.axes else each
            for axis, each in enumerate(place)
        )
        return part.flip(self.axes), tuple(there)


def predict(
    network: StepNetwork,
    ltr: Volume | Later | Turned,
    *,
    tile: int | None = None,
    precision: torch.dtype = torch.float32,
    wanted: range | None = None,
    out: Frames | None = None,
    add: bool = False,
    first: int = 0,
) -> Frames:
    """Take one step of the climb.

    Args:
        network: fitted, on the device of ``ltr``.
        ltr: volume (T, H, W, C), or what stands for one.
        tile: side of a tile's result, pixels; None: what suits the device. Halved when memory
            runs out on it, for good: see :attr:`StepNetwork.tile`.
        precision: of the convolutions.
        wanted: frames of ``ltr`` whose results are returned; None: all of them.
        out: where the result is written, so that no memory is taken for it.
        add: whether the result, turned back where that is turned, is added to what ``out`` holds.
        first: number, in its scene, of the first frame of ``ltr``.

    Returns:
        Volume (len(wanted) * factor, H, W, C), not clipped, exposing to ``ltr``. Independent of
        ``tile``.

    Raises:
        ResourceError: when not even a small tile fits.
        torch.OutOfMemoryError: when this tile did not fit, and ``out`` is spoilt as a part of it is
            added: whoever asked begins anew, with the smaller tiles.
    """
    tile = tile or network.tile or _suitable_tile(network, ltr.device.type, precision)
    wanted = range(len(ltr)) if wanted is None else wanted
    while True:
        try:
            return _predict(network, ltr, tile, precision, wanted, out, add, first)
        except torch.OutOfMemoryError as error:
            if tile <= _SMALLEST_TILE:
                raise ResourceError(
                    f"{ltr.device} ran out of memory on a tile of {tile} pixels; close other "
                    "programs that use it, or take `device` cpu"
                ) from error
            network.tile = tile = max(_SMALLEST_TILE, tile // 2)
            if add:
                raise


def predict_ensemble(
    network: StepNetwork,
    ltr: Volume,
    *,
    precision: torch.dtype = torch.float32,
    wanted: range | None = None,
    first: int = 0,
) -> Frames:
    """Average what a network makes of the clip and of its mirror image, forwards and backwards.

    Time runs backwards only with full exposure: an instant at the start of a frame would come to
    lie at its end. The arguments and the result are those of :func:`predict`.
    """
    backwards = (False, True) if network.exposure == "full" else (False,)
    turned = [(*[0] * back, *[2] * mirrored) for back in backwards for mirrored in (False, True)]
    wanted = range(len(ltr)) if wanted is None else wanted
    reversed_wanted = range(len(ltr) - wanted.stop, len(ltr) - wanted.start)
    made = partial(predict, network, precision=precision)
    total = made(ltr, wanted=wanted, first=first)
    try:
        for axes in turned[1:]:
            asked, start = (reversed_wanted, 1 - first - len(ltr)) if 0 in axes else (wanted, first)
            made(Turned(ltr, tuple(axes)), wanted=asked, out=total, add=True, first=start)
    except torch.OutOfMemoryError:  # what was added is spoilt, and tiles are smaller now
        del total
        return predict_ensemble(network, ltr, precision=precision, wanted=wanted, first=first)
    return total.div_(len(turned))


def voxels(
    network: StepNetwork, shape: tuple[int, int, int], kind: str, precision: torch.dtype
) -> float:
    """Pixels x frames that a network works on to predict a clip, on average over its layers.

    Args:
        network: that predicts.
        shape: frames, height and width of the clip.
        kind: of the device: "cpu" or "cuda".
        precision: of the convolutions.
    """
    tile = _suitable_tile(network, kind, precision)
    frames, height, width = shape
    # The first layer works on a margin to both sides, the last one on none.
    rows, columns = (n + network.edge * math.ceil(n / tile) for n in (height, width))
    return (frames + network.reach[0]) * rows * columns


def tile_shape(
    network: StepNetwork, shape: tuple[int, int, int], kind: str, precision: torch.dtype
) -> tuple[int, int, float]:
    """Pixels of a tile with what is around it, frames of a slab of it, and its number of slabs."""
    frames, *sides = shape
    tile = _suitable_tile(network, kind, precision)
    slab = _suitable_slab(network, (shape[1], shape[2]), kind, precision)
    rows, columns = (min(side, tile) + 2 * network.edge for side in sides)
    length = frames + 2 * network.reach[0]
    return rows * columns, min(slab, length), max(1.0, length / slab)


def in_one(network: StepNetwork, size: tuple[int, int], kind: str, precision: torch.dtype) -> bool:
    """Whether one tile covers frames of that height and width on such a device."""
    return max(size) <= _suitable_tile(network, kind, precision)


def _hidden_values(kind: str, precision: torch.dtype) -> float:
    most = _HIDDEN_BYTES[kind]
    if kind == "cuda" and torch.cuda.is_available():
        most = min(most, torch.cuda.get_device_properties().total_memory / _CARD_SHARE)
    return most / precision.itemsize


def _suitable_tile(network: StepNetwork, kind: str, precision: torch.dtype) -> int:
    side = math.sqrt(_hidden_values(kind, precision) / (_FEWEST[kind] * network.width))
    return max(_SMALLEST_TILE, round(side) - 2 * network.edge)


def _suitable_slab(
    network: StepNetwork, shape: tuple[int, int], kind: str, precision: torch.dtype
) -> int:
    """Frames that are streamed at once; a tile halved for want of memory has no more of them."""
    most = _suitable_tile(network, kind, precision)
    rows, columns = (min(n, most) + 2 * network.edge for n in shape)
    frames = int(_hidden_values(kind, precision) / (network.width * rows * columns))
    # Small frames gain nothing by more of them at once: half as many take as long, measured.
    return max(1, min(frames, max(_FEWEST[kind], frames // 2)) if kind == "cpu" else frames)


def _predict(
    network: StepNetwork,
    ltr: Tensor | Later | Turned,
    tile: int,
    precision: torch.dtype,
    wanted: range,
    out: Tensor | None,
    add: bool,
    first: int,
) -> Tensor:
    height, width, channels = ltr.shape[1:]
    k, frames, multiple, edge = network.factor, network.reach[0], network.multiple, network.edge
    # All tiles have one size, as large as may be.
    tall, wide = (math.ceil(n / math.ceil(n / tile) / multiple) * multiple for n in (height, width))
    shape = (len(wanted) * k, height, width, channels)
    if add and isinstance(ltr, Later) and (tall < height or wide < width):
        ltr = ltr[:]  # other tiles look at frames that this one has written to
    result = torch.empty(shape, device=ltr.device) if out is None else out
    slab = _suitable_slab(network, (height, width), ltr.device.type, precision)
    needed = range(wanted.start - frames, wanted.stop + frames)
    asked = Request(k, first + needed.start)
    for top, left in itertools.product(range(0, height, tall), range(0, width, wide)):
        below, right = min(top + tall, height), min(left + wide, width)
        rows, columns = (
            range(start - edge, start + math.ceil((last - start) / multiple) * multiple + edge)
            for start, last in ((top, below), (left, right))
        )
        slabs = (to_network(_cut(ltr, part, rows, columns))[None] for part in pieces(needed, slab))
        done = 0
        with torch.no_grad():
            for piece in network.stream(slabs, precision, asked):
                output = to_volume(piece[0])[:, : below - top, : right - left]
                frames_done = range(done, done + len(output))
                place: tuple[range, ...] = (frames_done, range(top, below), range(left, right))
                done += len(output)
                if add and isinstance(ltr, Turned):
                    output, place = ltr.back(output, place, shape)
                part = result[tuple(slice(each.start, each.stop) for each in place)]
                (part.add_ if add else part.copy_)(output)
    return result


def _cut(volume: Tensor | Later | Turned, frames: range, rows: range, columns: range) -> Tensor:
    """Cut a piece that may reach beyond a clip.

    Beyond its ends the clip stands still; beyond its borders the border's pixels go on.
    """
    known, there, shape = [], [], volume.shape
    for axis, wanted in enumerate((frames, rows, columns)):
        low = min(max(wanted.start, 0), shape[axis] - 1)
        high = max(min(wanted.stop, shape[axis]), low + 1)
        there.append(slice(low, high))
        place = min(max(0, low - wanted.start), len(wanted) - 1)
        known.append(slice(place, place + high - low))
    inner = volume[there[0]][:, there[1], there[2]]
    piece = inner.new_empty(len(frames), len(rows), len(columns), shape[3])
    piece[tuple(known)] = inner
    for axis in (2, 1, 0):
        part = piece[tuple(known[:axis])]
        first, stop = known[axis].start, known[axis].stop
        part.narrow(axis, 0, first).copy_(part.narrow(axis, first, 1))
        rest = part.shape[axis] - stop
        part.narrow(axis, stop, rest).copy_(part.narrow(axis, stop - 1, 1))
    return piece
