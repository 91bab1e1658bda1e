"""Nearest neighbours of small space-time patches, within the video and across its dimensions.

A patch stands for what the network sees; its neighbours are sought where the network's training
pairs come from (section 3): in the LTR halves of pairs. Within: the video at several sizes, exposed
along time. Across: the same with time and a direction of space swapped, exposed along what is time
then. The video itself at its own frame rate is not searched: along every moving thing it holds the
same patch again, from which no one learns about a higher rate.

The search is exact, by matrix products: distances to all candidates, of which only the least of
each block of candidates is kept; the best blocks are then looked at one by one. (It may miss a
neighbour only where patches that overlap the query, which do not count, fill dozens of blocks.) It
needs no further library, and runs on every device that the fit runs on.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from deeptsr.imaging.exposure import expose
from deeptsr.imaging.resample import resize
from deeptsr.imaging.volume import swap

__all__ = ["KINDS", "Patches", "cut", "nearest", "pools"]

KINDS = ("within", "across-y", "across-x")  # what takes the place of time: t, y, x
JUMPS = (2, 4)  # frames of the volume that one of a candidate is the mean of: pairs of step 2

_FLOOR = 4 / 255  # contrast that noise has: fainter patches are not blown up to full length
_BLOCK = 16  # candidates of which the nearest stands for all
_BEST_BLOCKS = 48  # more than there are neighbours, since some hold only patches that overlap
_ROWS, _COLUMNS = 512, 8192  # of distances that are held at once


@dataclass(frozen=True)
class Patches:
    """Patches as vectors, and where they lie."""

    vectors: Tensor  # (N, t * y * x): without their mean, of a length of at most 1
    boxes: (
        Tensor  # (N, 6): first t, y, x and last t, y, x (exclusive) in the video that is searched
    )
    contrast: Tensor  # (N,): standard deviation before
    kind: Tensor  # (N,): an index into KINDS
    scale: Tensor  # (N,): the size of the frames that it is from, against those of the video

    def __len__(self) -> int:
        return len(self.vectors)

    def pick(self, index: Tensor) -> Patches:
        """Some of them."""
        return Patches(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def _join(parts: list[Patches]) -> Patches:
    names = Patches.__dataclass_fields__
    return Patches(*(torch.cat([getattr(p, name) for p in parts]) for name in names))


def cut(
    volume: Tensor,
    patch: tuple[int, int, int],
    starts: tuple[Tensor, Tensor, Tensor],
    *,
    pixel: tuple[float, float, float] = (1.0, 1.0, 1.0),
    kind: int = 0,
    scale: float = 1.0,
) -> Patches:
    """Cut patches out of a volume and normalise them.

    Of each patch its mean is taken off, and the rest divided by its length (and a little more, so
    that noise stays small). So structure is compared, not brightness or contrast: the contrast of
    fast structure depends on the exposure, which is longer along time than along the axes of space,
    and would decide between the dimensions before any structure did.

    Args:
        volume: (T, H, W) of one colour, its axes as a network would see them.
        patch: t, y, x.
        starts: first t, y, x of the patches; all combinations of them are cut.
        pixel: the extent of a pixel of ``volume`` in the video that is searched, along the axes of
            ``volume``.
        kind: which axis of the video is the first of ``volume``.
        scale: of the frames.
    """
    views = volume.unfold(0, patch[0], 1).unfold(1, patch[1], 1).unfold(2, patch[2], 1)
    views = views[starts[0]][:, starts[1]][:, :, starts[2]]  # (t, y, x, *patch)
    vectors = views.reshape(-1, patch[0] * patch[1] * patch[2])
    vectors = vectors - vectors.mean(1, keepdim=True)
    power = vectors.square().mean(1)
    vectors = vectors / ((power + _FLOOR**2) * vectors.shape[1]).sqrt()[:, None]
    first = torch.cartesian_prod(*starts).view(-1, 3)
    extent = torch.tensor(pixel, device=volume.device)
    lower = first * extent
    upper = (first + torch.tensor(patch, device=volume.device)) * extent
    order = [0, 1, 2]
    order[0], order[kind] = order[kind], order[0]
    boxes = torch.cat([lower[:, order], upper[:, order]], 1)  # (N, 6)
    count = len(vectors)
    return Patches(
        vectors,
        boxes,
        power.sqrt(),
        torch.full((count,), kind, device=volume.device),
        torch.full((count,), scale, device=volume.device),
    )


def pools(
    clip: Tensor,
    patch: tuple[int, int, int],
    scales: tuple[float, ...],
    most: int,
    generator: torch.Generator,
) -> tuple[Patches, Patches]:
    """Collect the candidates: those within, and as many across.

    As many, since in two crowds of unequal size the larger one wins by chance. Half of those across
    have y in the place of time, half x.

    Args:
        clip: (T, H, W), one colour.
        patch: t, y, x.
        scales: sizes of the frames, each in (0, 1].
        most: candidates in all, at most; of more, whole frames are drawn.
        generator: on the CPU; the only source of randomness.

    Returns:
        Two pools of the same size; both are empty when no volume holds a patch.
    """
    volumes = [_volumes(clip, patch, scales, kind) for kind in range(3)]
    sizes = [sum(_places(v, patch) for v, _, _ in kind) for kind in volumes]
    half = min(most // 2, sizes[0], 2 * sizes[1], 2 * sizes[2])
    if half == 0:
        empty = cut(torch.zeros(patch), patch, (torch.arange(0),) * 3)
        return empty, empty
    picked = []
    for kind, wanted in enumerate((half, half // 2, half - half // 2)):
        share, parts = min(1.0, 1.2 * wanted / sizes[kind]), []
        for volume, pixel, scale in volumes[kind]:
            spans = [n - p + 1 for n, p in zip(volume.shape, patch, strict=True)]
            drawn = torch.randperm(spans[0], generator=generator)[: max(1, round(spans[0] * share))]
            t, y, x = (
                start.to(clip.device)
                for start in (drawn.sort().values, torch.arange(spans[1]), torch.arange(spans[2]))
            )
            parts.append(cut(volume, patch, (t, y, x), pixel=pixel, kind=kind, scale=scale))
        joined = _join(parts)
        order = torch.randperm(len(joined), generator=generator)[:wanted].sort().values
        picked.append(joined.pick(order.to(clip.device)))
    return picked[0], _join(picked[1:])


def _places(volume: Tensor, patch: tuple[int, int, int]) -> int:
    spans = [n - p + 1 for n, p in zip(volume.shape, patch, strict=True)]
    return spans[0] * spans[1] * spans[2]


def _volumes(
    clip: Tensor, patch: tuple[int, int, int], scales: tuple[float, ...], axis: int
) -> list[tuple[Tensor, tuple[float, float, float], float]]:
    """The LTR halves of one kind of pair that hold a patch; each one's pixels; its scale."""
    volumes = []
    for scale in scales:
        size = [max(1, round(n * scale)) for n in clip.shape[1:]]
        small = resize(clip[..., None], (size[0], size[1]))[..., 0]  # (T, h, w)
        for jump in JUMPS:
            whole = small.narrow(axis, 0, small.shape[axis] // jump * jump)
            volume = swap(expose(whole, jump, axis=axis), axis) if axis else expose(whole, jump)
            pixel = [1.0, clip.shape[1] / size[0], clip.shape[2] / size[1]]
            pixel[axis] *= jump
            pixel[0], pixel[axis] = pixel[axis], pixel[0]
            if all(n >= p for n, p in zip(volume.shape, patch, strict=True)):
                volumes.append((volume, (pixel[0], pixel[1], pixel[2]), scale))
    return volumes


def nearest(queries: Patches, pool: Patches, count: int) -> tuple[Tensor, Tensor]:
    """Find the nearest candidates of each patch; none that overlaps it in the video.

    Args:
        queries: what is looked for.
        pool: the candidates, at least one.
        count: neighbours wanted.

    Returns:
        Squared distances (N, count), ascending, and indices into the pool; an infinite distance
        where there is no such candidate.
    """
    if not len(queries):
        nothing = torch.empty(0, count, device=queries.vectors.device)
        return nothing, nothing.long()
    missing = -len(pool) % _BLOCK
    # |q - c|^2 without |q|^2, which ranks nothing, as one product: (q, 1) . (-2 c, |c|^2).
    table = torch.cat([-2 * pool.vectors, pool.vectors.square().sum(1, keepdim=True)], 1)
    table = functional.pad(table, (0, 0, 0, missing))
    table[len(pool) :, -1] = torch.inf
    blocks = min(max(_BEST_BLOCKS, 2 * count), len(table) // _BLOCK)
    inside = torch.arange(_BLOCK, device=table.device)
    distances, indices = [], []
    for rows in torch.split(torch.arange(len(queries), device=table.device), _ROWS):
        mine = queries.pick(rows)
        asked = functional.pad(mine.vectors, (0, 1), value=1.0)
        least = torch.cat(
            [
                (asked @ part.T).view(len(rows), -1, _BLOCK).amin(2)
                for part in torch.split(table, _COLUMNS)
            ],
            1,
        )
        best = least.topk(blocks, dim=1, largest=False).indices
        index = (best[..., None] * _BLOCK + inside).flatten(1)  # (rows, blocks * _BLOCK)
        beyond = index >= len(pool)
        index = index.clamp_max(len(pool) - 1)
        exact = (pool.vectors[index] - mine.vectors[:, None]).square().sum(2)
        box, other = mine.boxes[:, None], pool.boxes[index]
        meets = ((box[..., :3] < other[..., 3:]) & (other[..., :3] < box[..., 3:])).all(2)
        exact = exact.masked_fill(meets | beyond, torch.inf)
        exact = functional.pad(exact, (0, max(0, count - exact.shape[1])), value=torch.inf)
        chosen = exact.topk(count, dim=1, largest=False)
        distances.append(chosen.values)
        indices.append(index.gather(1, chosen.indices.clamp_max(index.shape[1] - 1)))
    return torch.cat(distances), torch.cat(indices)
