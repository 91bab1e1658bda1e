"""What is the same at every contrast, and what keeps a layer from making values larger."""

from __future__ import annotations

from torch import Tensor

__all__ = ["bounded", "likeness", "size_of"]

_LEAST = 1e-12  # added to sums of squares, so that nothing is divided by 0


def likeness(one: Tensor, other: Tensor) -> Tensor:
    """How alike the channels of two tensors are, place by place.

    Twice their product as a share of the sum of their squares: 1 where they are the same, 0 where
    they have nothing in common. It is the same at every contrast, and unlike a cosine it does not
    leap where one of them passes 0.

    Args:
        one: (N, channels, ...).
        other: the same.

    Returns:
        (N, 1, ...) in [-1, 1], float32.

    >>> import torch
    >>> a = torch.tensor([[3.0, 4.0]])
    >>> likeness(a, a).item(), likeness(a, -a).item(), round(likeness(a, 2 * a).item(), 3)
    (1.0, -1.0, 0.8)
    """
    one, other = one.float(), other.float()
    product = (one * other).sum(1, keepdim=True)
    squares = (one.square() + other.square()).sum(1, keepdim=True)
    return 2 * product / (squares + _LEAST)


def size_of(one: Tensor, other: Tensor) -> Tensor:
    """Root mean square over the channels of both, (N, 1, ...): to divide one of them by."""
    squares = one.float().square().mean(1, keepdim=True)
    squares = squares + other.float().square().mean(1, keepdim=True)
    return (squares + _LEAST).sqrt().to(one.dtype)


def bounded(weight: Tensor, most: float) -> Tensor:
    """Scale down kernels that would make more of the largest value than ``most`` times it.

    Args:
        weight: (O, ...), a kernel for each output channel.
        most: sum of the absolute weights of a kernel, at most.

    >>> import torch
    >>> bounded(torch.tensor([[3.0, -1.0], [0.5, 0.0]]), 1.0).tolist()
    [[0.75, -0.25], [0.5, 0.0]]
    """
    total = weight.abs().flatten(1).sum(1).view(-1, *[1] * (weight.ndim - 1))
    return weight * (most / total.clamp(min=most))
