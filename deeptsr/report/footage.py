"""Input, result and what plain methods make of the input: which frames belong together."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from deeptsr import video
from deeptsr.analysis.excerpt import window
from deeptsr.analysis.scenes import survey
from deeptsr.config import Options, fraction_of
from deeptsr.errors import InputError
from deeptsr.imaging.timeline import Timeline

__all__ = ["Footage"]

_SHOWN = 10  # seconds that are shown at most,
_SHOWN_FRAMES = 2400  # and frames of the result,
_LOOKED_AT = 120  # chosen from so many seconds at the beginning: the report of a film is no film
# The settings of a run that lay out its frames.
_SETTLED = (
    *("factor", "scale", "size", "fps", "vfr", "slow_motion", "exposure", "start", "end"),
    *("deinterlace", "background", "video_stream", "scenes", "duplicates"),
)


class Footage:
    """What a run read and what it wrote.

    Attributes:
        source: the input, as probed.
        result: the output, as probed.
        frames: of the input that were used.
        schedule: when the frames of both are shown.
        exposure: of the run.
    """

    def __init__(
        self, source: Path, result: Path, options: dict[str, Any], cuts: Sequence[int] = ()
    ) -> None:
        """Look at both.

        Args:
            source: the input.
            result: the output.
            options: of the run, as its record has them.
            cuts: frames of the input, of those that were used, that begin another scene.

        Raises:
            InputError: when one of them cannot be used.
            OptionError: when the list of scene cuts is gone that told what could be left out.
        """
        from deeptsr.jobs.job import resolve_input, without_duplicates  # noqa: PLC0415, as torch takes seconds

        held = {name: options[name] for name in _SETTLED if name in options}
        for rational in ("fps", "scale"):
            if held.get(rational) is not None:
                held[rational] = fraction_of(held[rational])
        if held.get("duplicates") != "drop":
            held["scenes"] = "off"  # they are known; only what is left out depends on finding them
        # A processor is enough to look at it, whatever did the work.
        job, self.source = without_duplicates(*resolve_input(source, Options(device="cpu", **held)))
        self.result = video.probe(result)
        self._cuts = cuts
        self._start, self._end = job.options.start, job.options.end
        self.schedule, self.frames, self.exposure = (
            job.schedule.as_shown,
            job.frames,
            job.options.exposure,
        )
        if len(self.shown) != self.result.frames:
            raise InputError(
                f"{result} has {self.result.frames} frames; expected {len(self.shown)}, as the run "
                "made of that input; run again"
            )

    @property
    def factor(self) -> Fraction:
        """Frames of the result for one of the input."""
        return Fraction(self.result.frames, self.frames)

    @property
    def shown(self) -> Timeline:
        """When the frames of the result happen, in the time of the input."""
        return self.schedule.opened or self.schedule.fine

    @property
    def lawful(self) -> bool:
        """Whether frames of the result, averaged, are exactly the input's."""
        return self.schedule.opened is None and self.exposure == "full" and not self.enlarged

    def climbed(self, number: int) -> int:
        """Which of the climbed frames is shown in the middle of a frame of the result."""
        opened = self.schedule.opened
        if opened is None:
            return number
        return self.schedule.fine.shown_at((opened.moment(number) + opened.moment(number + 1)) / 2)

    def owner(self, number: int) -> int:
        """Which frame of the input is shown in the middle of a frame of the result."""
        return self.climbed(number) // self.schedule.factor

    def stretch(self) -> range:
        """The frames of the input that are shown: where it moves most."""
        length = max(4, int(min(_SHOWN * self.source.rate, _SHOWN_FRAMES / self.factor)))
        if self.frames <= length:
            return range(self.frames)
        seen = itertools.islice(self.coarse(range(self.frames)), int(_LOOKED_AT * self.source.rate))
        return window(list(survey(seen).changes), length)

    def scenes(self, stretch: range) -> list[range]:
        """The scenes in a stretch of the input: the frames of each, counted from its beginning."""
        begins = [0, *(c - stretch.start for c in self._cuts if stretch.start < c < stretch.stop)]
        return [range(*ends) for ends in itertools.pairwise([*begins, len(stretch)])]

    @property
    def enlarged(self) -> bool:
        """Whether the result has more pixels than the input."""
        shapes = ((info.width, info.height) for info in (self.source, self.result))
        return len(set(shapes)) > 1

    def coarse(self, stretch: range) -> Iterator[video.Frame]:
        """Yield the frames of the input in a stretch, enlarged (bicubic) to the result's size."""
        frames = video.read(self.source, self._start, self._end, skip=stretch.start)
        shown = (frame[..., :3] for frame in itertools.islice(frames, len(stretch)))
        return map(self._enlarge, shown) if self.enlarged else shown

    def _enlarge(self, frame: video.Frame) -> video.Frame:
        # Imported here, as torch takes seconds to load.
        import torch  # noqa: PLC0415

        from deeptsr.imaging.lens import enlarge  # noqa: PLC0415

        size = self.result.height, self.result.width
        large: video.Frame = enlarge(torch.from_numpy(frame.copy())[None], size)[0].numpy()
        return large

    def fine(self, stretch: range) -> range:
        """The frames of the result that show a stretch of the input."""
        numbers = range(self.result.frames)
        ends = (bisect_left(numbers, end, key=self.owner) for end in (stretch.start, stretch.stop))
        return range(*ends)

    def together(self, stretch: range) -> Iterator[tuple[int, video.Frame, video.Frame]]:
        """Yield each frame of the result with the frame of the input of the same moment.

        Yields:
            The number of the input's frame, from 0 at the beginning of the stretch; that frame;
            the frame of the result.

        Raises:
            InputError: when one of the files breaks off.
        """
        fine = self.fine(stretch)
        inputs = self.coarse(stretch)
        results = itertools.islice(video.read(self.result, skip=fine.start), len(fine))
        at, now = -1, None
        for number, result in zip(fine, results, strict=False):
            wanted = self.owner(number) - stretch.start
            while at < wanted:
                now, at = next(inputs, None), at + 1
            if now is None:
                raise InputError(
                    f"{self.source.path} broke off; expected {self.frames} frames, as when it was "
                    "counted"
                )
            yield at, now, result[..., :3]

    def plain(
        self, method: str, stretch: range, shrink: Callable[[video.Frame], video.Frame]
    ) -> Iterator[video.Frame]:
        """Yield what a plain method makes of the input, for the same moments as the result.

        Args:
            method: one of :data:`deeptsr.evaluation.baselines.BASELINES`.
            stretch: of the input.
            shrink: makes a frame as small as it is wanted, before the method sees it.
        """
        # Imported here, as torch takes seconds to load.
        import torch  # noqa: PLC0415

        from deeptsr.evaluation.baselines import baseline  # noqa: PLC0415
        from deeptsr.imaging.exposure import of_step  # noqa: PLC0415
        from deeptsr.imaging.retime import retime  # noqa: PLC0415

        laid_out, wanted = self.schedule, self.fine(stretch)
        first, last = (
            laid_out.given.shown_at(self.shown.moment(end)) for end in (wanted.start, wanted.stop)
        )
        # One neighbour more at either end, as far as the methods look.
        around = range(max(0, first - 1), min(self.frames, last + 2))
        coarse = map(shrink, self.coarse(around))
        cuts = [scene.start for scene in self.scenes(around)[1:]]
        frames = baseline(method, coarse, laid_out.factor, self.exposure, cuts)
        begin = around.start * laid_out.factor
        if laid_out.opened is None:
            return itertools.islice(frames, wanted.start - begin, wanted.stop - begin)
        volumes: Iterable[torch.Tensor] = (torch.from_numpy(frame)[None] for frame in frames)
        exposure = of_step(self.exposure, laid_out.factor)
        times = laid_out.fine, laid_out.opened, exposure
        fine_cuts = [cut * laid_out.factor for cut in self._cuts]
        retimed = retime(volumes, *times, first=begin, made=wanted.start, cuts=fine_cuts)
        return itertools.islice(
            (frame for volume in retimed for frame in volume.numpy()), len(wanted)
        )
