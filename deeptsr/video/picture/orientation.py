"""Which way up a picture is meant to be shown."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import av
import numpy.typing as npt

from deeptsr.video.picture.planes import side_data

__all__ = ["UPRIGHT", "Orientation", "from_exif", "orientation_of"]


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a picture down.

    Attributes:
        swap: whether rows become columns, which comes first.
        mirror: whether left and right change places.
        flip: whether top and bottom change places.
    """

    swap: bool = False
    mirror: bool = False
    flip: bool = False

    def turn(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Turn a picture (H, W, C) as stored into one as it is meant to be shown: a view."""
        turned = picture.swapaxes(0, 1) if self.swap else picture
        return turned[:: -1 if self.flip else 1, :: -1 if self.mirror else 1]

    @property
    def turned(self) -> tuple[int, bool]:
        """By how many degrees clockwise, and whether left and right change places after that.

        >>> from_exif(6).turned, from_exif(5).turned
        ((90, False), (90, True))
        """
        mirrored = (self.swap + self.mirror + self.flip) % 2 == 1
        mirror = self.mirror != mirrored
        return (90 if mirror else 270) if self.swap else 180 * mirror, mirrored

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height as shown."""
        return (height, width) if self.swap else (width, height)


UPRIGHT = Orientation()

# The numbers of EXIF's tag: 2 is mirrored, 3 upside down, 6 and 8 lie on their sides.
_EXIF = {
    2: Orientation(mirror=True),
    3: Orientation(mirror=True, flip=True),
    4: Orientation(flip=True),
    5: Orientation(swap=True),
    6: Orientation(swap=True, mirror=True),
    7: Orientation(swap=True, mirror=True, flip=True),
    8: Orientation(swap=True, flip=True),
}


def from_exif(number: int) -> Orientation:
    """Understand EXIF's orientation; an unknown number is upright."""
    return _EXIF.get(number, UPRIGHT)


def orientation_of(frame: av.VideoFrame) -> tuple[Orientation, str]:
    """Read the display matrix of a decoded frame.

    Returns:
        The orientation, and what the user should be told: a turn that is no multiple of 90 degrees
        is not done.
    """
    data = side_data(frame, "DISPLAYMATRIX")
    if data is None:
        return UPRIGHT, ""
    # Where a pixel goes: x' = a x + c y, y' = b x + d y.
    a, b, _, c, d = struct.unpack_from("=5i", data)
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if straight and not (b or c):
        return Orientation(False, a < 0, d < 0), ""
    if crossed and not (a or d):
        return Orientation(True, c < 0, b < 0), ""
    angle = round(math.degrees(math.atan2(-b, a)), 1)
    return UPRIGHT, (
        f"the file asks players to turn the picture by {angle:g} degrees: only quarter turns are "
        "done, and it is used as stored; turn it first: ffmpeg -i INPUT OUTPUT"
    )
