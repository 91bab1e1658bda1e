"""What frames are written into: the face of a video file, a GIF, a folder of PNGs."""

from __future__ import annotations

from typing import Protocol

from deeptsr.video.picture.convert import Frame

__all__ = ["Sink"]


class Sink(Protocol):
    """Takes frames one by one, under a name that is not yet the output's.

    Attributes:
        notes: what the user should be told.
    """

    notes: list[str]

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1], or (H, W, 4) with alpha."""

    def cut(self) -> None:
        """Finish a part: what was written so far is kept, whatever comes."""

    def close(self) -> None:
        """Write what is still held back."""

    def publish(self) -> None:
        """Give it its final name; everything is on the disk first."""

    def discard(self) -> None:
        """Remove what was written."""
