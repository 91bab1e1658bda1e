"""A network that carries a state through the scene, forwards and backwards (LRTI-VSR)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.moments import MOMENTS, MomentNetwork
from deeptsr.networks.parts.blocks import (
    FrameBlock,
    TimeBlock,
    convolved,
    inner,
    with_differences,
)
from deeptsr.networks.parts.carry import Carry
from deeptsr.networks.streaming import convolve_by, slide

__all__ = ["Recurrent"]

_DIFFERENCES = 1  # frames to each side that come with one
_CROP = 8  # frames of a crop that are learnt from, about
_FORWARD = 1 / 3  # of a step's arithmetic, that of what takes no gradients


class Recurrent(MomentNetwork):
    """States carried both ways through the scene join each frame's own features.

    ::

        frames ── encoder ──┬─────────── features ───────────┐
                            ├── carried forwards  ─── states ─┼── join ── blocks ── moments
                            └── carried backwards ─── states ─┘

    States begin anew at every ``grid``-th frame of a scene, counted from its first, after they saw
    the ``warm`` frames before. So a result depends on where in its scene a frame is, and neither on
    the chunk nor on where a run was taken up again; and memory does not grow with the scene.

    While it learns, a crop of more frames than twice ``warm`` has its outer ones warm up states
    alone, without gradients: long memories are learnt from short crops. A shorter crop is carried
    through from end to end.

    Differs from the paper: states warm up anew for each crop instead of being stored, as crops are
    turned and mirrored; no optical flow; it is homogeneous in contrast, and cannot diverge
    (:class:`~deeptsr.networks.parts.carry.Carry`).

    Args:
        factor: output frames an input frame.
        exposure: "full" or "delta".
        channels: of each hidden layer.
        blocks: as many as the compact network of the same arithmetic has.
        fold: pixels a side that become channels.
        grid: see above, >= 1; None: two more than the blocks.
        warm: see above, >= 0; None: the same.
        refocused: whether states look for what they know by attention, too.
    """

    def __init__(
        self,
        factor: int,
        exposure: str,
        channels: int,
        blocks: int,
        fold: int = 1,
        grid: int | None = None,
        warm: int | None = None,
        *,
        refocused: bool = False,
    ) -> None:
        super().__init__(factor, exposure, channels, fold)
        self.grid = grid = blocks + 2 if grid is None else grid
        self.warm_up = warm = blocks + 2 if warm is None else warm
        self.width = 2 * channels / fold**2  # features of a frame, and states
        encoding, joined = max(1, blocks // 3), max(1, blocks // 2)
        self.enter = nn.Conv3d(9 * fold * fold, channels, (1, 3, 3), bias=False)
        self.encoder = nn.ModuleList(FrameBlock(channels) for _ in range(encoding))
        self.forwards = Carry(channels, refocused=refocused)
        self.backwards = Carry(channels, refocused=refocused)
        self.join = nn.Conv3d(3 * channels, channels, (1, 3, 3), bias=False)
        self.blocks = nn.ModuleList(TimeBlock(channels) for _ in range(joined))
        self.leave = self.last_layer(channels)
        self._carried = grid - 1 + warm  # frames to each side that states come from, at most
        self._state_edge = 1 + grid + warm  # pixels: one a frame, and that of features
        enter_join_leave = 3
        places = enter_join_leave + 2 * encoding + self._state_edge + 2 * joined
        self.reach = (_DIFFERENCES + self._carried + joined, fold * (places + 1) - 1)

    def features(self, ltr: Tensor, first: int = 0) -> Tensor:
        """Encode, carry, join; see the base class. Of frames that warm up it tells 0."""
        frames = with_differences(ltr, self.fold, True)
        if not self.training:
            return self._joined(self._through(self._encoded(frames, True), first))
        warming = self.warming(frames.shape[2])
        seen = self._joined(self._learnt_from(frames, warming))
        return functional.pad(seen, (0, 0, 0, 0, warming, warming))

    def _encoded(self, frames: Tensor, padded: bool) -> Tensor:
        x = convolved(self.enter, frames, padded)
        for block in self.encoder:
            x = block(x, padded)
        return x

    def _joined(self, seen: Tensor) -> Tensor:
        x = convolved(self.join, seen, True)
        for block in self.blocks:
            x = block(x, True)
        return x.relu()

    def _learnt_from(self, frames: Tensor, warming: int) -> Tensor:
        """Features and states of all frames but those that warm states up, (N, 3C, T, H, W)."""
        before: tuple[Tensor, Tensor] | None = None
        after: tuple[Tensor, Tensor] | None = None
        if warming:
            with torch.no_grad():
                ends = (frames[:, :, :warming], frames[:, :, -warming:].flip(2))
                features = [self._encoded(end, True) for end in ends]
                before, after = (
                    _latest(carry(x))
                    for carry, x in zip((self.forwards, self.backwards), features, strict=True)
                )
            frames = frames[:, :, warming:-warming]
        x = self._encoded(frames, True)
        ahead, back = self.forwards(x, before), self.backwards(x.flip(2), after).flip(2)
        return torch.cat([x, ahead, back], 1)

    def _through(self, x: Tensor, first: int) -> Tensor:
        """Features and states of a clip whose states begin anew on the grid."""
        length, parts = x.shape[2], []
        for start in range(-(first % self.grid), length, self.grid):
            stop = min(start + self.grid, length)
            near = range(
                max(0, start - self.warm_up), min(length, start + self.grid + self.warm_up)
            )
            window = x[:, :, near.start : near.stop]
            parts.append(self._window(window, max(start, 0) - near.start, stop - near.start))
        return torch.cat(parts, 2)

    def _window(self, x: Tensor, start: int, stop: int) -> Tensor:
        """Features and states of some frames; those before and after them warm up."""
        ahead = self.forwards(x[:, :, :stop])[:, :, start:]
        back = self.backwards(x[:, :, start:].flip(2)).flip(2)[:, :, : stop - start]
        return torch.cat([x[:, :, start:stop], ahead, back], 1)

    @property
    def operations(self) -> float:
        """Of a crop's frame, with its share of those that warm up."""
        enter, carried, after = self._multiplications
        warmed = 1 + _FORWARD * 2 * self.warm_up / _CROP
        return 2 * (warmed * (enter + carried) + after) * self._positions

    @property
    def streaming_operations(self) -> float:
        """More: each state is made again to warm up the next."""
        enter, carried, after = self._multiplications
        again = (self.grid + self.warm_up) / self.grid
        return 2 * (enter + again * carried + after) * self._positions

    @property
    def _multiplications(self) -> tuple[float, float, float]:
        """Of a frame's place: before states, of states in both directions, and after them."""
        encoder = sum(p.numel() for p in self.encoder.parameters())
        blocks = sum(p.numel() for p in self.blocks.parameters())
        leave = self.leave.weight.numel() * self.factor / MOMENTS
        after = self.join.weight.numel() + blocks + leave
        carried = self.forwards.multiplications + self.backwards.multiplications
        return self.enter.weight.numel() + encoder, carried, after

    def stream_features(
        self, slabs: Iterable[Tensor], precision: torch.dtype, first: int
    ) -> Iterator[Tensor]:
        """Window after window of the grid; see the base class."""
        seen = self._windows(self._features(slabs, precision), first)
        x: Iterator[Tensor] = (convolved(self.join, slab, False) for slab in seen)
        for block in self.blocks:
            x = block.stream(x)  # type: ignore[operator]
        return (hidden.relu_() for hidden in x)

    def _features(self, frames: Iterable[Tensor], precision: torch.dtype) -> Iterator[Tensor]:
        """Of all frames but the first and the last."""
        for slab in slide(frames, 2 * _DIFFERENCES):
            # In float32: small differences would drown in bfloat16.
            x = convolve_by(self.enter.weight, with_differences(slab, self.fold, False))
            x = x.to(precision)
            for block in self.encoder:
                x = block(x, False)
            yield x

    def _windows(self, features: Iterable[Tensor], first: int) -> Iterator[Tensor]:
        """Features and states of all frames but as many at each end as states come from.

        Args:
            features: of frames from the one after ``first`` on.
            first: number, in its scene, of a frame.
        """
        begin = first + _DIFFERENCES  # number of the first frame whose features are held
        wanted = begin + self._carried  # of the next frame to return
        held: Tensor | None = None
        done: Tensor | None = None  # features and states of the window that is being returned
        for slab in features:
            held = slab if held is None else torch.cat([held, slab], 2)
            while True:
                start = wanted // self.grid * self.grid
                if done is None:
                    stop = start + self.grid
                    if begin + held.shape[2] < stop + self.warm_up:
                        break
                    window = held[:, :, start - self.warm_up - begin : stop + self.warm_up - begin]
                    done = self._window(window, self.warm_up, self.warm_up + self.grid)
                # The ends of a clip are known when it has ended: so many frames are kept back.
                sure = min(start + self.grid, begin + held.shape[2] - self._carried)
                if sure <= wanted:
                    break
                ready = done[:, :, wanted - start : sure - start]
                yield inner(ready, self._state_edge, False)
                wanted = sure
                if wanted == start + self.grid:
                    done = None
            unused = max(
                0, min(wanted // self.grid * self.grid - self.warm_up - begin, held.shape[2])
            )
            held, begin = held[:, :, unused:].clone(), begin + unused


def _latest(states: Tensor) -> tuple[Tensor, Tensor]:
    return states[:, :, -1], states[:, :, max(-2, -states.shape[2])]
