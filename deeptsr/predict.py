"""A network over a clip of any size: tiles that overlap by what the network sees."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.errors import ResourceError
from deeptsr.networks import StepNetwork
from deeptsr.volume import to_network, to_volume

__all__ = ["predict", "predict_ensemble", "voxels"]

_SPAN = 32  # input frames that a tile covers
_SMALLEST_TILE = 16  # pixels
# Values of a hidden layer that a tile may hold: on a CPU its cache and a few layers in memory.
_HIDDEN_VALUES = {"cpu": 3e7, "cuda": 8e8}


def predict(
    network: StepNetwork,
    ltr: Tensor,
    *,
    tile: int | None = None,
    precision: torch.dtype = torch.float32,
    wanted: range | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Take one step of the climb.

    Args:
        network: fitted, on the device of ``ltr``.
        ltr: volume (T, H, W, C).
        tile: side of a tile's result, pixels; None: what suits the device. Halved when memory
            runs out on it, for good: see :attr:`StepNetwork.tile`.
        precision: of the convolutions.
        wanted: frames of ``ltr`` whose results are returned; None: all of them.
        out: where the result is written, so that no memory is taken for it.

    Returns:
        Volume (len(wanted) * factor, H, W, C), not clipped, exposing to ``ltr``. Independent of
        ``tile``.

    Raises:
        ResourceError: when not even a small tile fits.
    """
    tile = tile or network.tile or _suitable_tile(network, ltr.device.type)
    wanted = range(len(ltr)) if wanted is None else wanted
    while True:
        try:
            return _predict(network, ltr, tile, precision, wanted, out)
        except torch.OutOfMemoryError as error:
            if tile <= _SMALLEST_TILE:
                raise ResourceError(
                    f"{ltr.device} ran out of memory on a tile of {tile} pixels; close other "
                    "programs that use it, or take --device cpu"
                ) from error
            network.tile = tile = max(_SMALLEST_TILE, tile // 2)


def predict_ensemble(
    network: StepNetwork,
    ltr: Tensor,
    *,
    precision: torch.dtype = torch.float32,
    wanted: range | None = None,
) -> Tensor:
    """Average what a network makes of the clip and of its mirror image, forwards and backwards.

    Time runs backwards only with full exposure: an instant at the start of a frame would come to
    lie at its end. The arguments and the result are those of :func:`predict`.
    """
    backwards = (False, True) if network.exposure == "full" else (False,)
    turned = [(*[0] * back, *[2] * mirrored) for back in backwards for mirrored in (False, True)]
    wanted = range(len(ltr)) if wanted is None else wanted
    reversed_wanted = range(len(ltr) - wanted.stop, len(ltr) - wanted.start)
    total = predict(network, ltr, precision=precision, wanted=wanted)
    for axes in turned[1:]:
        asked = reversed_wanted if 0 in axes else wanted
        made = predict(network, ltr.flip(axes), precision=precision, wanted=asked)
        last = len(made) - 1
        for number, frame in enumerate(total):  # one by one: a turned copy of all takes memory
            other = made[last - number if 0 in axes else number]
            frame.add_(other.flip(1) if 2 in axes else other)
    return total.div_(len(turned))


def voxels(network: StepNetwork, shape: tuple[int, int, int], kind: str) -> float:
    """Pixels x frames that a network is shown to predict a clip, what tiles share counted twice.

    Args:
        network: that predicts.
        shape: frames, height and width of the clip.
        kind: of the device: "cpu" or "cuda".
    """
    frames, pixels = network.reach
    tile = _suitable_tile(network, kind)
    axes = zip(shape, (_SPAN, tile, tile), (frames, pixels, pixels), strict=True)
    return math.prod(size + 2 * margin * math.ceil(size / span) for size, span, margin in axes)


def _suitable_tile(network: StepNetwork, kind: str) -> int:
    frames, pixels = network.reach
    side = math.sqrt(_HIDDEN_VALUES[kind] / (network.width * (_SPAN + 2 * frames)))
    return max(_SMALLEST_TILE, round(side) - 2 * pixels)


def _predict(
    network: StepNetwork,
    ltr: Tensor,
    tile: int,
    precision: torch.dtype,
    wanted: range,
    out: Tensor | None,
) -> Tensor:
    height, width, channels = ltr.shape[1:]
    k, (frames, pixels), multiple = network.factor, network.reach, network.multiple
    pixels, tile = (math.ceil(n / multiple) * multiple for n in (pixels, tile))
    shape = (len(wanted) * k, height, width, channels)
    result = torch.empty(shape, device=ltr.device) if out is None else out
    places = itertools.product(
        range(wanted.start, wanted.stop, _SPAN), range(0, height, tile), range(0, width, tile)
    )
    for start, top, left in places:
        stop, below, right = (
            min(start + _SPAN, wanted.stop),
            min(top + tile, height),
            min(left + tile, width),
        )
        piece = _around(
            ltr, (start, stop, frames, 1), (top, below, pixels, multiple),
            (left, right, pixels, multiple),
        )  # fmt: skip
        with (
            torch.no_grad(),
            torch.autocast(ltr.device.type, precision, enabled=precision != torch.float32),
        ):
            made = to_volume(network(piece)[0])  # (T', h, w, C)
        first = (start - wanted.start) * k
        result[first : first + (stop - start) * k, top:below, left:right] = made[
            frames * k : (frames + stop - start) * k,
            pixels : pixels + below - top,
            pixels : pixels + right - left,
        ]
    return result


def _around(volume: Tensor, *axes: tuple[int, int, int, int]) -> Tensor:
    """Cut (start, stop) along each axis with a margin around, and up to a multiple.

    Beyond its ends the clip stands still; beyond its borders the border's pixels go on.

    Returns:
        A network's input (1, C, T, H, W).
    """
    pads: list[int] = []
    for axis, (start, stop, margin, multiple) in enumerate(axes):
        size = math.ceil((stop - start + 2 * margin) / multiple) * multiple
        first, last = start - margin, start - margin + size
        low, high = max(0, first), min(volume.shape[axis], last)
        volume = volume.narrow(axis, low, high - low)
        pads = [low - first, last - high, *pads]
    return functional.pad(to_network(volume)[None], pads, "replicate")
