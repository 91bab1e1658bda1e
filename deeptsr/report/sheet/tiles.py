"""Before and after of a video, side by side in a small picture: still, and moving."""

from __future__ import annotations

import base64
import io as memory
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deeptsr import video
from deeptsr.errors import DeeptsrError
from deeptsr.report.footage import Footage
from deeptsr.report.motion import Box, measure
from deeptsr.report.stills import Bytes, shrunk, still, to_bytes

__all__ = ["GAP", "SIDE", "Tile", "take"]

SIDE = 176  # pixels of each of the two squares,
GAP = 2  # and between them
_SHARE = 0.4  # of the shorter side of the video: what a square shows of it, at least
_FRAMES = 32  # of the result that move, about
_PAUSE = 90  # milliseconds from one to the next
_QUALITY = 55  # of those that move; a still one has more


@dataclass(frozen=True)
class Tile:
    """Two squares beside each other, ready for a page."""

    still: str  # URIs
    moving: str


def take(source: Path, output: Path, options: Mapping[str, Any]) -> Tile | None:
    """Take the pictures of a video where most moves.

    Args:
        source: the input.
        output: the result.
        options: of the run, by name, as :class:`~deeptsr.report.footage.Footage` takes them.

    Returns:
        None where one of the files cannot be shown, as it is gone, or is no longer that of the run.
    """
    try:
        footage = Footage(source, output, dict(options))
        stretch = footage.stretch()
        moving = measure(footage.coarse(stretch))
        shorter = min(footage.source.width, footage.source.height)
        side = min(shorter, max(SIDE // 2, round(_SHARE * shorter)))  # pixels of the input
        larger = footage.result.height / footage.source.height
        box = moving.boxes(round(side * larger), 1)[0]
        length = max(1, round(_FRAMES / footage.factor))
        first = max(0, min(box.frame - length // 2, len(stretch) - length))
        near = range(first, min(len(stretch), first + length))
        pairs = list(
            _pairs(footage, range(stretch.start + near.start, stretch.start + near.stop), box)
        )
    except (DeeptsrError, OSError):
        return None
    if not pairs:
        return None
    return Tile(still(pairs[len(pairs) // 2]).uri, _animated(pairs))


def _pairs(footage: Footage, near: range, box: Box) -> Iterator[Bytes]:
    for _, coarse, fine in footage.together(near):
        pair = np.zeros((SIDE, 2 * SIDE + GAP, 3), np.uint8)
        pair[:, :SIDE] = _square(coarse, box)
        pair[:, SIDE + GAP :] = _square(fine, box)
        yield pair


def _square(frame: video.Frame, box: Box) -> Bytes:
    """Cut a square out of a frame, of the result's size."""
    top, left, side = box.top, box.left, box.side
    return shrunk(to_bytes(frame[top : top + side, left : left + side]), (SIDE, SIDE))


def _animated(pictures: list[Bytes]) -> str:
    target = memory.BytesIO()
    first, *others = (Image.fromarray(picture) for picture in pictures)
    first.save(
        target,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=_PAUSE,
        loop=0,
        quality=_QUALITY,
        method=4,
    )
    return f"data:image/webp;base64,{base64.b64encode(target.getvalue()).decode()}"
