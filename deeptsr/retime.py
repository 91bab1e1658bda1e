"""From the climbed frames to those that another camera would have recorded meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from deeptsr.exposure import shutter
from deeptsr.timeline import Timeline

__all__ = ["needed", "ready", "retime"]


def retime(
    volumes: Iterable[Tensor],
    fine: Timeline,
    opened: Timeline,
    exposure: str = "full",
    *,
    first: int = 0,
    made: int = 0,
) -> Iterator[Tensor]:
    """Expose a stream of frames anew, at other moments.

    Args:
        volumes: (n, H, W, C), together the frames from number ``first`` on.
        fine: when all of them are shown.
        opened: when the shutter opens and closes for each frame of the result.
        exposure: "full" or "delta".
        first: number of the first frame of the volumes: at most what result ``made`` begins with.
        made: frames of the result that there are already.

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
            weights = torch.tensor(shutter(moments, opens, closes, exposure), device=held.device)
            frames.append(torch.tensordot(weights, held[begin - first : end - first], 1))
        if frames:
            yield torch.stack(frames)
            made += len(frames)
            surplus = min(len(held), max(0, needed(fine, opened, made) - first))
            held, first = held[surplus:], first + surplus


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
