"""Networks on a clip that comes slab by slab: each layer keeps the last frames that it received.

No layer pads: what is not there is not made, so that nothing is computed twice along time, and at a
tile's borders only what a layer needs. All tensors are (N, C, T, H, W), channels last in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.imaging.resample import blend_frames, exposing_taps

__all__ = [
    "Lookback",
    "add_to_interpolation",
    "consistent",
    "convolve",
    "convolve_by",
    "regroup",
    "slide",
]

Slabs = Iterable[Tensor]


def slide(slabs: Slabs, keep: int) -> Iterator[Tensor]:
    """Each slab with the last ``keep`` frames before it, as soon as there are more than those.

    While others work on what was yielded, nothing but the frames that are kept is held here: many
    layers wait for each other.
    """
    held: Tensor | None = None
    for slab in slabs:
        if held is None or not keep:
            long = slab
        else:  # so that channels stay last, whatever the sizes
            parts = [part.movedim(1, -1) for part in (held, slab)]
            long = torch.cat(parts, 1).movedim(-1, 1)
            del parts
        held = long[:, :, max(0, long.shape[2] - keep) :].clone()  # a view would hold all of it
        ready = [long] if long.shape[2] > keep else []
        del slab, long
        if ready:
            yield ready.pop()


def convolve(layer: nn.Conv3d, x: Tensor, *, relu: bool = False) -> Tensor:
    """Convolve in the precision of ``x``, without padding."""
    bias = None if layer.bias is None else layer.bias.to(x.dtype)
    return convolve_by(layer.weight.to(x.dtype), x, bias, relu=relu)


def convolve_by(
    weight: Tensor,
    x: Tensor,
    bias: Tensor | None = None,
    stride: tuple[int, int, int] = (1, 1, 1),
    *,
    relu: bool = False,
) -> Tensor:
    """Convolve without padding and, as it is for :func:`predict`, without gradients.

    Two libraries are called by name (measured). In float32 on a CPU, where channels x frames x rows
    of a single clip are few, torch takes plain loops, at a tenth of oneDNN's speed. On a card, it
    adds the bias and takes the ReLU in two more passes over memory, where cuDNN needs none.
    """
    rest = ((0, 0, 0), (1, 1, 1), 1)  # no padding, no dilation, one group
    if relu and x.device.type == "cuda" and torch.version.cuda:
        whole: Tensor = torch.cudnn_convolution_relu(x, weight, bias, stride, *rest)
        return whole
    known = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if known and x.device.type == "cpu" and x.dtype == torch.float32:
        padding, dilation, groups = rest
        convolution = torch.ops.aten.mkldnn_convolution
        output: Tensor = convolution(x, weight, bias, padding, stride, dilation, groups)
    else:
        output = functional.conv3d(x, weight, bias, stride)
    return output.relu_() if relu else output


def regroup(slabs: Slabs, skip: int, size: int) -> Iterator[Tensor]:
    """Leave out the first ``skip`` frames, and cut the others into multiples of ``size``."""
    rest: Tensor | None = None
    for slab in slabs:
        left = min(skip, slab.shape[2])
        skip -= left
        frames = slab[:, :, left:] if rest is None else torch.cat([rest, slab[:, :, left:]], 2)
        whole = frames.shape[2] // size * size
        rest = frames[:, :, whole:] if whole < frames.shape[2] else None
        if whole:
            yield frames[:, :, :whole]


class Lookback:
    """Lets slabs pass, and remembers their frames until they are done with."""

    def __init__(self, slabs: Slabs, edge: int) -> None:
        self._slabs, self._edge = slabs, edge
        self.frames: deque[Tensor] = deque()  # (N, H - 2 * edge, W - 2 * edge, C) each

    def __iter__(self) -> Iterator[Tensor]:
        for slab in self._slabs:
            height, width = (n - self._edge for n in slab.shape[3:])
            inner = slab[..., self._edge : height, self._edge : width].movedim(1, -1)
            self.frames.extend(inner.unbind(1))
            yield slab


def add_to_interpolation(
    residuals: Slabs, lookback: Lookback, skip: int, factor: int, exposure: str, cubic: bool = False
) -> Iterator[Tensor]:
    """Add residuals to interpolated frames, such that the result exposes to the frames.

    Args:
        residuals: (N, T, factor - 1, h, f, w, f * C), of :func:`consistent`, in any precision.
        lookback: frames, of which the first ``skip`` have no residual.
        skip: see ``lookback``.
        factor: output frames an input frame.
        exposure: "full" or "delta".
        cubic: how to interpolate.

    Yields:
        (N, C, T * factor, H, W), float32.
    """
    taps = exposing_taps(factor, exposure, cubic)
    around = taps.shape[1] // 2
    ahead = skip - around
    for residual in residuals:
        n, t, _, h, f, w, fc = residual.shape
        while ahead:
            lookback.frames.popleft()
            ahead -= 1
        result = blend_frames([lookback.frames[i] for i in range(t + 2 * around)], taps)
        for _ in range(t):
            lookback.frames.popleft()
        groups = result.view(n, t, factor, h, f, w, fc)
        change = residual.float()
        if exposure == "full":
            groups[:, :, :-1].add_(change)
            groups[:, :, -1].sub_(change.sum(2) if factor > 2 else change[:, :, 0])
        else:
            groups[:, :, 1:].add_(change)
        yield result.movedim(-1, 1)  # (N, C, T * factor, H, W)


def consistent(residual: Tensor, exposure: str) -> Tensor:
    """What ``exposure.correct`` leaves of residuals: nothing of them is exposed.

    Args:
        residual: (N, T, factor, ...); with delta exposure one frame more than is returned.
        exposure: "full" or "delta".

    Returns:
        (N, T, factor - 1, ...): with full exposure all but the last, which is minus their sum; with
        delta exposure all but the first, which is zero.
    """
    if exposure == "full":
        return residual[:, :, :-1] - residual.mean(2, keepdim=True)
    first, after = residual[:, :-1, :1], residual[:, 1:, :1]
    k = residual.shape[2]
    weight = (torch.arange(1, k, device=residual.device) / k).to(residual.dtype)
    faded = torch.lerp(first, after, weight.view(-1, *[1] * (residual.ndim - 3)))
    return residual[:, :-1, 1:] - faded
