"""A state that is carried from frame to frame and cannot grow without bound (LRTI-VSR)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeptsr.networks.parts.blocks import convolved
from deeptsr.networks.parts.ratios import bounded, likeness
from deeptsr.networks.parts.refocus import Refocus

__all__ = ["RECALLED", "Carry"]

RECALLED = 0.95  # of the largest value of a state that the next one takes over, at most
_SLOWEST = 2.0  # logits of the gate's channels run from minus this to this, at the start


class Carry(nn.Module):
    """Carries a state through frames, in one direction.

    ::

        a   = align h                      each channel moves by up to a pixel
        r   = relu(see x + recall h)       what may take its place
        g   = sigmoid(b + c * likeness(see x, a))
        h'  = g a + (1 - g) r

    ``align`` and ``recall`` are bounded: of no state's value do they make a larger one than
    :data:`RECALLED` times the largest (``align``: than the largest). So no state is larger than the
    largest frame's features over 1 - RECALLED, however long a scene is: recurrent networks for
    video are known to diverge on long still scenes. The gate is a ratio, so that all of it is
    homogeneous in contrast.

    Differs from the paper: a gate and bounds hold the state; it is aligned by kernels of 3 x 3, not
    by optical flow, so that what it knows moves by a pixel a frame at most.

    Args:
        channels: of features.
        states: channels of the state.
        refocused: whether attention over this frame and the states of the two before adds to what
            may take the state's place (:class:`Refocus`).
    """

    def __init__(self, channels: int, states: int, *, refocused: bool) -> None:
        super().__init__()
        self.see = nn.Conv3d(channels, states, (1, 3, 3), bias=False)
        self.recall = nn.Conv3d(states, states, (1, 3, 3), bias=False)
        self.align = nn.Parameter(torch.zeros(states, 1, 1, 3, 3))
        with torch.no_grad():
            self.align[..., 1, 1] = 1
        self.slowness = nn.Parameter(torch.linspace(-_SLOWEST, _SLOWEST, states))
        self.doubt = nn.Parameter(torch.ones(states))
        self.refocus = Refocus(states) if refocused else None

    @property
    def multiplications(self) -> float:
        """Of a frame's place."""
        found = float(sum(p.numel() for p in (self.see.weight, self.recall.weight, self.align)))
        return found + (self.refocus.multiplications if self.refocus else 0)

    def forward(self, features: Tensor, state: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """States of frames, one after the other.

        Args:
            features: (N, channels, T, H, W), in the order in which they are carried.
            state: those of the two frames before, (N, states, H, W) each; None: it starts with what
                the first frame shows.

        Returns:
            (N, states, T, H, W).
        """
        seen = convolved(self.see, features, True)
        dtype = seen.dtype
        part = RECALLED / 2 if self.refocus else RECALLED
        recall = bounded(self.recall.weight[:, :, 0], part).to(dtype)
        align = bounded(self.align[:, :, 0], 1.0).to(dtype)
        logit, doubt = (p.to(dtype).view(-1, 1, 1) for p in (self.slowness, self.doubt))
        frames = seen.unbind(2)
        if state is None:
            before = earlier = frames[0].relu()
        else:
            before, earlier = state
        states = []
        for now in frames:
            moved = functional.conv2d(before, align, padding=1, groups=len(align))
            change = now + functional.conv2d(before, recall, padding=1)
            if self.refocus:
                change = change + self.refocus(now, (before, earlier), part)
            share = (logit + doubt * likeness(now, moved).to(dtype)).sigmoid()
            before, earlier = torch.lerp(change.relu(), moved, share), before
            states.append(before)
        return torch.stack(states, 2)
