"""A block that remembers: states carried through the scene, forwards and backwards (LRTI-VSR)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from deeptsr.networks.parts.blocks import Block, convolved, inner
from deeptsr.networks.parts.carry import Carry

__all__ = ["Memory"]


class Memory(Block):
    """Adds to each frame what states know that are carried through the scene, both ways.

    ::

        x ──┬── carried forwards  ── states ──┐
            ├── carried backwards ── states ──┴── join ──┐
            └──────────────────────────────────────────── + ──

    States begin anew at every ``grid``-th frame of a scene, counted from its first, after they saw
    the ``warm`` frames before. So a result depends on where in its scene a frame is, and neither on
    the chunk nor on where a run was taken up again; and memory does not grow with the scene. While
    it learns, a crop is carried through from end to end.

    Args:
        channels: of what it receives, and half as many of each state.
        grid: see above, >= 1.
        warm: see above, >= 0.
        refocused: whether states look for what they know by attention, too.
    """

    def __init__(self, channels: int, grid: int, warm: int, *, refocused: bool) -> None:
        super().__init__()
        states = max(1, channels // 2)
        self.forwards = Carry(channels, states, refocused=refocused)
        self.backwards = Carry(channels, states, refocused=refocused)
        self.join = nn.Conv3d(2 * states, channels, (1, 3, 3), bias=False)
        nn.init.zeros_(self.join.weight)
        self.grid, self.warm = grid, warm
        self.frames = grid - 1 + warm  # that states come from, at most
        self._edge = 1 + grid + warm  # pixels: one a frame, and that of what a frame shows
        self.pixels = self._edge + 1

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """See the base class."""
        if self.training:
            seen = torch.cat([self.forwards(x), self.backwards(x.flip(2)).flip(2)], 1)
        else:
            seen = self._through(x, first)
        return x + convolved(self.join, seen, True)

    def _through(self, x: Tensor, first: int) -> Tensor:
        """States of a clip that begin anew on the grid."""
        length, parts = x.shape[2], []
        for start in range(-(first % self.grid), length, self.grid):
            stop = min(start + self.grid, length)
            near = range(max(0, start - self.warm), min(length, start + self.grid + self.warm))
            window = x[:, :, near.start : near.stop]
            parts.append(self._window(window, max(start, 0) - near.start, stop - near.start))
        return torch.cat(parts, 2)

    def _window(self, x: Tensor, start: int, stop: int) -> Tensor:
        """States of some frames; those before and after them warm up."""
        ahead = self.forwards(x[:, :, :stop])[:, :, start:]
        back = self.backwards(x[:, :, start:].flip(2)).flip(2)[:, :, : stop - start]
        return torch.cat([ahead, back], 1)

    def stream(self, slabs: Iterable[Tensor], first: int = 0) -> Iterator[Tensor]:
        """Window after window of the grid; see the base class."""
        begin = first  # number of the first frame that is held
        wanted = begin + self.frames  # of the next frame to return
        held: Tensor | None = None
        done: Tensor | None = None  # states of the window that is being returned
        for slab in slabs:
            held = slab if held is None else torch.cat([held, slab], 2)
            while True:
                start = wanted // self.grid * self.grid
                if done is None:
                    stop = start + self.grid
                    if begin + held.shape[2] < stop + self.warm:
                        break
                    window = held[:, :, start - self.warm - begin : stop + self.warm - begin]
                    done = self._window(window, self.warm, self.warm + self.grid)
                # The ends of a clip are known when it has ended: so many frames are kept back.
                sure = min(start + self.grid, begin + held.shape[2] - self.frames)
                if sure <= wanted:
                    break
                ready = inner(done[:, :, wanted - start : sure - start], self._edge, False)
                frames = inner(held[:, :, wanted - begin : sure - begin], self.pixels, False)
                yield convolved(self.join, ready, False) + frames
                wanted = sure
                if wanted == start + self.grid:
                    done = None
            unused = wanted // self.grid * self.grid - self.warm - begin
            unused = max(0, min(unused, held.shape[2]))
            held, begin = held[:, :, unused:].clone(), begin + unused
