"""What a report shows of a video: a small film, enlarged squares, and slices through time."""

from __future__ import annotations

import base64
import io as memory
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deeptsr.io.preview import PREVIEW_RATE, encode_preview
from deeptsr.report.footage import Footage, Picture
from deeptsr.report.motion import Box, Map, measure
from deeptsr.report.repeats import Repeats, repeats

__all__ = ["Closeup", "Film", "Pictures", "Slice", "Still", "look"]

Bytes = npt.NDArray[np.uint8]  # (H, W, 3)

_FILM_BYTES = 12_000_000  # base64 makes 4 of 3: with the stills, under 20 MB
_FILM_VOXELS = 1_100_000_000  # pixels x frames, of both halves: half a minute of encoding
_FILM_WIDTH = 960, 320  # pixels of one half: at most, and at least if the video has them
_CLOSEUPS = 3
_INSTANTS = 4  # frames of the result that are shown for one of the input
_SEARCHED = 24  # frames of the input in which patches are sought again
_SLICE_FRAMES = 20  # of the input in a slice: a step of its own can be seen
_SLICE_TALL = 320  # pixels along time, about
_SLICE_WIDE = 640  # pixels across, at most


@dataclass(frozen=True)
class Still:
    """A picture, ready for a page."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Film:
    """Input and result in one film, left and right, so that they never fall out of step."""

    data: str  # WebM in base64
    width: int  # of one half, pixels
    height: int
    frames: int
    rate: int  # frames a second, as encoded: not the video's own


@dataclass(frozen=True)
class Closeup:
    """One frame of the input, enlarged, and what the result shows in its time."""

    box: Box  # in pixels of the input; its frame counts from the beginning of the film
    first: int  # frame of the film
    coarse: Still
    fine: list[Still]


@dataclass(frozen=True)
class Slice:
    """A line of pixels, followed through time."""

    at: int  # row or column of the input, pixels
    begin: int  # pixel along that line at which the slice begins
    length: int  # pixels of the line
    frames: range  # of the input, from the beginning of the film
    coarse: Still
    fine: Still


@dataclass(frozen=True)
class Pictures:
    """All that a report shows of input and result."""

    film: Film
    overview: Still
    closeups: list[Closeup]
    across: Slice  # x-t
    down: Slice  # y-t
    heat: Still | None  # where the video repeats itself,
    share: float | None  # and how much of it across dimensions, percent


def look(footage: Footage) -> Pictures:
    """Read input and result once more, and take the pictures.

    Raises:
        InputError: when one of them cannot be read.
    """
    stretch = footage.stretch()
    moving = measure(footage.coarse(stretch))
    camera = _Camera(footage, moving, stretch)
    width, height = _film_size(footage, len(footage.fine(stretch)))
    data = encode_preview(camera.shoot(width, height), (2 * width, height), _FILM_BYTES)
    film = Film(base64.b64encode(data).decode(), width, height, camera.seen, PREVIEW_RATE)
    middle = camera.liveliest
    near = range(max(0, middle - _SEARCHED // 2), min(len(stretch), middle + _SEARCHED // 2))
    around = range(stretch.start + near.start, stretch.start + near.stop)
    found = repeats(footage.coarse(around), middle - near.start)
    return camera.develop(film, found)


def _film_size(footage: Footage, frames: int) -> tuple[int, int]:
    """Width and height of one half: as large as the time for encoding allows, and even."""
    aspect = footage.source.sample_aspect_ratio
    full, tall = footage.source.width * aspect, footage.source.height
    most, least = _FILM_WIDTH
    affordable = float(_FILM_VOXELS / (2 * frames) * full / tall) ** 0.5
    width = min(float(full), most, max(least, affordable))
    return max(2, round(width / 2) * 2), max(2, round(width * float(tall / full) / 2) * 2)


@dataclass
class _Line:
    """A slice in the making."""

    at: int
    begin: int
    length: int
    frames: range
    down: bool  # along y
    coarse: dict[int, Bytes] = field(default_factory=dict)
    fine: list[Bytes] = field(default_factory=list)

    def see(self, index: int, frame: Picture, made: Picture) -> None:
        if index in self.frames:
            if index not in self.coarse:
                self.coarse[index] = self._cut(frame, frame.shape[:2])
            self.fine.append(self._cut(made, frame.shape[:2]))

    def _cut(self, picture: Picture, size: tuple[int, ...]) -> Bytes:
        """The line of a picture that may have another size than the input."""
        if self.down:
            picture, size = picture.swapaxes(0, 1), (size[1], size[0])  # (W, H, 3)
        tall, wide = (side / of for side, of in zip(picture.shape[:2], size, strict=True))
        row = picture[min(int(self.at * tall), len(picture) - 1)]
        return _bytes(row[int(self.begin * wide) : int((self.begin + self.length) * wide)])

    def develop(self) -> Slice:
        rows = max(1, round(_SLICE_TALL / max(1, len(self.fine))))
        tall = rows * len(self.fine)
        return Slice(
            self.at,
            self.begin,
            self.length,
            self.frames,
            self._still(list(self.coarse.values()), tall),
            self._still(self.fine, tall),
        )

    def _still(self, lines: list[Bytes], tall: int) -> Still:
        picture = np.stack(lines)  # (T, W, 3)
        picture = picture[np.arange(tall) * len(lines) // tall]
        if self.down:
            picture = picture.swapaxes(0, 1)  # (H, T, 3): time runs to the right
        return still(picture, exact=True)


class _Camera:
    """Goes through the frames once, and keeps what is to be shown of them."""

    def __init__(self, footage: Footage, moving: Map, stretch: range) -> None:
        self._footage, self._stretch = footage, stretch
        self.seen = 0
        self._size = footage.source.width, footage.source.height
        self._boxes = moving.boxes(
            max(48, min(192, *(side // 3 for side in self._size))), _CLOSEUPS
        )
        self.liveliest = self._boxes[0].frame
        self._coarse: dict[int, Bytes] = {}
        self._fine: dict[int, list[tuple[int, Bytes]]] = {n: [] for n in range(len(self._boxes))}
        self._overview: Bytes | None = None
        times = moving.times(_SLICE_FRAMES)
        lively = moving.boxes(min(*self._size, _SLICE_WIDE), 1)[0]
        width, height = self._size
        self._across = _Line(
            moving.row(), *_extent(lively.left, lively.side, width), times, down=False
        )
        self._down = _Line(
            moving.column(), *_extent(lively.top, lively.side, height), times, down=True
        )

    def shoot(self, width: int, height: int) -> Iterator[Bytes]:
        """Yield the frames of the film, and look at all of them on the way."""
        last = -1
        small = np.empty(0, np.uint8)
        for index, frame, made in self._footage.together(self._stretch):
            if index != last:
                small, last = _shrink(frame, width, height), index
            self._across.see(index, frame, made)
            self._down.see(index, frame, made)
            for number, box in enumerate(self._boxes):
                if box.frame == index:
                    self._coarse.setdefault(number, _crop(frame, box, self._size))
                    self._fine[number].append((self.seen, _crop(made, box, self._size)))
                    if number == 0 and self._overview is None:
                        self._overview = small
            self.seen += 1
            yield np.concatenate([small, _shrink(made, width, height)], axis=1)

    def develop(self, film: Film, found: Repeats | None) -> Pictures:
        closeups = []
        for number, box in enumerate(self._boxes):
            made = self._fine[number]
            if made:
                chosen = np.unique(np.linspace(0, len(made) - 1, _INSTANTS).round().astype(int))
                fine = [still(made[i][1]) for i in chosen]
                closeups.append(Closeup(box, made[0][0], still(self._coarse[number]), fine))
        overview = np.zeros((2, 2, 3), np.uint8) if self._overview is None else self._overview
        return Pictures(
            film,
            still(overview),
            closeups,
            self._across.develop(),
            self._down.develop(),
            None if found is None else still(found.picture),
            None if found is None else found.across,
        )


def _extent(first: int, span: int, whole: int) -> tuple[int, int]:
    """Where a line begins and how long it is: all of it, or what is around the liveliest part."""
    length = min(whole, _SLICE_WIDE)
    return max(0, min(first + span // 2 - length // 2, whole - length)), length


def _crop(picture: Picture, box: Box, size: tuple[int, int]) -> Bytes:
    """A square of a picture that may have another size than the input."""
    tall, wide = picture.shape[0] / size[1], picture.shape[1] / size[0]
    rows = slice(int(box.top * tall), int((box.top + box.side) * tall))
    columns = slice(int(box.left * wide), int((box.left + box.side) * wide))
    return _bytes(picture[rows, columns])


def _bytes(picture: Picture) -> Bytes:
    return (picture * 255 + 0.5).astype(np.uint8)


def _shrink(picture: Picture, width: int, height: int) -> Bytes:
    whole = _bytes(picture)
    if whole.shape[:2] == (height, width):
        return whole
    shrunk = Image.fromarray(whole).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(shrunk)


def still(picture: Bytes, *, exact: bool = False) -> Still:
    """Make a picture ready for a page.

    Args:
        picture: (H, W, 3).
        exact: keep every bit.
    """
    target = memory.BytesIO()
    quality: dict[str, Any] = {"lossless": True} if exact else {"quality": 90}
    Image.fromarray(np.ascontiguousarray(picture)).save(target, "WEBP", method=4, **quality)
    height, width = picture.shape[:2]
    return Still(
        f"data:image/webp;base64,{base64.b64encode(target.getvalue()).decode()}", width, height
    )
