"""What a report shows of a video: a small film, enlarged squares, and slices through time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deeptsr import video
from deeptsr.evaluation.baselines import linear
from deeptsr.imaging.exposure import Exposure
from deeptsr.report.film import Film, Panels
from deeptsr.report.footage import Footage
from deeptsr.report.motion import Box, Map, measure
from deeptsr.report.recurrence import Repeats, repeats
from deeptsr.report.slices import Line, Slice
from deeptsr.report.stills import Bytes, Still, shrunk, still, to_bytes

__all__ = ["Closeup", "Larger", "Pictures", "look"]

_CLOSEUPS = 3
_INSTANTS = 4  # frames of the result that are shown for one of the input
_SEARCHED = 24  # frames of the input in which patches are sought again
_WHOLE = 2560, 1600  # pixels of a larger frame that are shown at most: a page is no archive
_EXACT = 1_000_000  # pixels up to which every bit of it is kept
_SLICE_FRAMES = 20  # of the input in a slice: a step of its own can be seen


@dataclass(frozen=True)
class Closeup:
    """One frame of the input, enlarged, and what is shown in its time."""

    box: Box  # in pixels of the input; its frame counts from the beginning of the film
    first: int  # frame of the film
    coarse: Still
    plain: list[Still]  # linear interpolation, for the same instants as
    fine: list[Still]  # the result


@dataclass(frozen=True)
class Larger:
    """A moment of a result that has more pixels than the input, pixel by pixel."""

    plain: Still  # the input, enlarged by bicubic interpolation
    fine: Still  # the result
    part: bool  # only where it moves most


@dataclass(frozen=True)
class Pictures:
    """All that a report shows of input and result."""

    film: Film
    inputs: list[int]  # of each frame of the film: which frame of the input is shown meanwhile
    overview: Still
    larger: Larger | None  # None: the result is as large as the input
    closeups: list[Closeup]
    across: Slice  # x-t
    down: Slice  # y-t
    heat: Still | None  # where the video repeats itself, None if
    lacking: str  # something keeps it from being drawn,
    share: float | None  # and how much of it across dimensions, percent


def look(footage: Footage) -> Pictures:
    """Read input and result once more, and take the pictures.

    Raises:
        InputError: when one of them cannot be read.
    """
    stretch = footage.stretch()
    moving = measure(footage.coarse(stretch))
    camera = _Camera(footage, moving, stretch)
    film = camera.panels.encode(camera.shoot())
    middle = camera.liveliest
    begin = max(0, min(middle - _SEARCHED // 2, len(stretch) - _SEARCHED))
    near = range(begin, min(len(stretch), begin + _SEARCHED))
    around = range(stretch.start + near.start, stretch.start + near.stop)
    repetition = repeats(footage.coarse(around), middle - near.start)
    return camera.develop(film, repetition)


class _Camera:
    """Goes through the frames once, and keeps what is to be shown of them."""

    def __init__(self, footage: Footage, moving: Map, stretch: range) -> None:
        self._footage, self._stretch = footage, stretch
        self.panels = Panels(footage, stretch)
        self._inputs: list[int] = []
        self._size = width, height = footage.source.width, footage.source.height
        side = max(48, min(192, width // 3, height // 3))
        self._boxes = moving.boxes(side, _CLOSEUPS)
        self.liveliest = self._boxes[0].frame
        # For each square, the input's frames around it, and the result's with their numbers.
        self._coarse: list[dict[int, video.Frame]] = [{} for _ in self._boxes]
        self._fine: list[list[tuple[int, Bytes]]] = [[] for _ in self._boxes]
        self._overview = np.zeros((2, 2, 3), np.uint8)
        self._middle = self._overview  # the result in the middle of that frame's time
        self._scenes = footage.scenes(stretch)
        times = moving.times(_SLICE_FRAMES, self._scenes)
        lively = moving.boxes(min(width, height), 1)[0]
        half = lively.side // 2
        self._across = Line(
            moving.row(), lively.left + half, width, times, self._near(times), down=False
        )
        self._down = Line(
            moving.column(), lively.top + half, height, times, self._near(times), down=True
        )

    def shoot(self) -> Iterator[Bytes]:
        """Yield the frames of the film, and look at all of them on the way."""
        numbers = self._footage.fine(self._stretch)
        together = self._footage.together(self._stretch)
        for number, (index, frame, result) in zip(numbers, together, strict=False):
            part = self._footage.climbed(number) % self._footage.schedule.factor
            self._across.see(index, part, frame, result)
            self._down.see(index, part, frame, result)
            for box, coarse, fine in zip(self._boxes, self._coarse, self._fine, strict=True):
                if index in self._near(range(box.frame, box.frame + 1)) and index not in coarse:
                    coarse[index] = _crop(frame, box, self._size)
                if index == box.frame:
                    fine.append((number, to_bytes(_crop(result, box, self._size))))
            if index == self.liveliest:
                if part <= self._footage.schedule.factor // 2:
                    self._middle = to_bytes(result)
                self._overview = to_bytes(frame)
            self._inputs.append(index)
            yield self.panels.frame(index, frame, result)

    def _near(self, frames: range) -> range:
        """Frames of one scene, and their neighbours in it: what linear interpolation looks at."""
        scene = next(scene for scene in self._scenes if frames.start in scene)
        return range(max(scene.start, frames.start - 1), min(scene.stop, frames.stop + 1))

    def develop(self, film: Film, recurrence: Repeats | str) -> Pictures:
        """Make the pictures of all that was seen."""
        manner = self._footage.schedule.factor, self._footage.exposure
        return Pictures(
            film,
            self._inputs,
            still(shrunk(self._overview, self.panels.size)),
            self._larger() if self._footage.enlarged else None,
            [self._closeup(n, *manner) for n, frame in enumerate(self._fine) if frame],
            self._across.develop(*manner),
            self._down.develop(*manner),
            still(recurrence.picture) if isinstance(recurrence, Repeats) else None,
            recurrence if isinstance(recurrence, str) else "",
            recurrence.across if isinstance(recurrence, Repeats) else None,
        )

    def _larger(self) -> Larger:
        """Both at the result's size, or as much of them as a page holds, around what moves."""
        box, whole = self._boxes[0], self._middle.shape[:2]
        parts = []
        for start, length, given, most in zip(
            (box.top, box.left), whole, self._size[::-1], _WHOLE[::-1], strict=True
        ):
            wide = min(length, most)
            middle = (start + box.side // 2) * length // given
            first = min(max(0, middle - wide // 2), length - wide)
            parts.append(slice(first, first + wide))
        rows, columns = parts
        plain, fine = (picture[rows, columns] for picture in (self._overview, self._middle))
        exact = plain.shape[0] * plain.shape[1] <= _EXACT
        shown, made = (still(picture, exact=exact) for picture in (plain, fine))
        return Larger(shown, made, fine.shape[:2] != whole)

    def _closeup(self, place: int, factor: int, exposure: Exposure) -> Closeup:
        box, coarse, fine = self._boxes[place], self._coarse[place], self._fine[place]
        chosen = np.unique(np.linspace(0, len(fine) - 1, _INSTANTS).round().astype(int))
        between = list(linear(coarse.values(), factor, exposure))
        begin = list(coarse).index(box.frame) * factor
        plain = [between[begin + self._footage.climbed(fine[i][0]) % factor] for i in chosen]
        first = fine[0][0] - self._footage.fine(self._stretch).start
        return Closeup(
            box,
            first,
            still(to_bytes(coarse[box.frame])),
            [still(to_bytes(picture)) for picture in plain],
            [still(fine[i][1]) for i in chosen],
        )


def _crop(picture: video.Frame, box: Box, size: tuple[int, int]) -> video.Frame:
    """A square of a picture that may have another size than the input."""
    tall, wide = picture.shape[0] / size[1], picture.shape[1] / size[0]
    rows = slice(int(box.top * tall), int((box.top + box.side) * tall))
    columns = slice(int(box.left * wide), int((box.left + box.side) * wide))
    return picture[rows, columns].copy()
