"""From the climbed frames to those that another camera would have recorded meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from deeptsr.imaging.exposure import shutter
from deeptsr.imaging.timeline import Timeline

__all__ = ["needed", "ready", "retime"]


def retime(
    volumes: Iterable[Tensor],
    fine: Timeline,
    opened: Timeline,
    exposure: str = "full",
    *,
    first: int = 0,
    made: int = 0,
    cuts: Sequence[int] = (),
) -> Iterator[Tensor]:
    """Expose a stream of frames anew, at other moments.

    Args:
        volumes: (n, H, W, C), together the frames from number ``first`` on.
        fine: when all of them are shown.
        opened: when the shutter opens and closes for each frame of the result.
        exposure: "full" or "delta".
        first: number of the first frame of the volumes: at most what result ``made`` begins with.
        made: frames of the result that there are already.
        cuts: numbers of frames that begin another scene: no result mixes two.

    Yields:
        Volumes (m, H, W, C), together the frames of the result from number ``made`` on.
    """
    held: Tensor | None = None
    for volume in volumes:
        held = volume if held is None else torch.cat([held, volume])
        frames = []
        for number in range(made, ready(fine, opened, first + len(held), exposure)):
            opens, closes = opened.moment(number), opened.moment(number + 1)
            begin = fine.shown_at(opens)
            last = begin + 1 if exposure == "delta" else fine.first_from(closes - fine.start) - 1
            end = min(last, len(fine) - 1) + 1
            moments = [fine.moment(i) for i in range(begin, end + 1)]
            shares = _of_one_scene(shutter(moments, opens, closes, exposure), begin, cuts)
            weights = torch.tensor(shares, device=held.device)
            frames.append(torch.tensordot(weights, held[begin - first : end - first], 1))
        if frames:
            yield torch.stack(frames)
            made += len(frames)
            surplus = min(len(held), max(0, needed(fine, opened, made) - first))
            held, first = held[surplus:], first + surplus


def _of_one_scene(shares: list[float], begin: int, cuts: Sequence[int]) -> list[float]:
    """Leave only the scene that a result shows most of its time, from frame ``begin`` on."""
    inner = [cut - begin for cut in cuts if begin < cut < begin + len(shares)]
    if not inner:
        return shares
    scenes = pairwise((0, *inner, len(shares)))
    first, stop = max(scenes, key=lambda ends: sum(shares[ends[0] : ends[1]]))
    whole = sum(shares[first:stop])
    return [share / whole if first <= n < stop else 0.0 for n, share in enumerate(shares)]


def needed(fine: Timeline, opened: Timeline, made: int) -> int:
    """Return the first frame that the result from number ``made`` on is made of."""
    return fine.shown_at(opened.moment(made)) if made < len(opened) else len(fine)


def ready(fine: Timeline, opened: Timeline, known: int, exposure: str = "full") -> int:
    """Return how many frames of the result can be made of the first ``known`` frames."""
    if known == len(fine):
        return len(opened)
    if exposure == "delta":  # between two instants
        return opened.first_from(fine.moment(known - 1) - opened.start) if known else 0
    return opened.shown_at(fine.moment(known))
