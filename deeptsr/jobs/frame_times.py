"""From the moments of the input to those of the output."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count

from deeptsr import video
from deeptsr.config import Options
from deeptsr.config.options import LARGEST_FACTOR
from deeptsr.errors import InputError, OptionError
from deeptsr.imaging.exposure import nearest, of_step
from deeptsr.imaging.timeline import LARGEST_CLOCK_TERM, LARGEST_INTERVAL_TERM, Timeline
from deeptsr.pyramid.plan import steps_of
from deeptsr.system.humanize import rate as figure

__all__ = ["PAIRS", "Schedule", "keeps_sound", "require_constant_rate", "schedule", "stretch_of"]

PAIRS = 2  # LTR frames that the pairs of a step need at least, times the step
_EASY = 5  # the largest step that is taken where any factor will do
_MORE = 3  # times the frames of that factor that are made, at most, to meet all moments exactly
_SLIVER = Fraction(1, 1000)  # of an output frame: less of the input than that needs no frame
_BROKEN = "a broken timestamp may show a frame for ages: cut it off (`start`, `end`)"
_NEARLY = Fraction(99, 100)  # of a variable rate, whose average says little to the last digit


@dataclass(frozen=True)
class Schedule:
    """When what is shown.

    Attributes:
        given: when the frames of the input are shown.
        factor: climbed frames an input frame.
        fine: when the climbed frames are shown, in the time of the input.
        opened: when the shutter is open for each frame of the output, in the time of the input;
            None where these are the climbed frames themselves.
        stretch: seconds of the output a second of the input.
    """

    given: Timeline
    factor: int
    fine: Timeline
    opened: Timeline | None
    stretch: Fraction

    @property
    def shown(self) -> Timeline:
        """When the frames of the output are shown."""
        slow = (self.opened or self.fine).stretched(self.stretch)
        return slow.starting_at(slow.start)

    @property
    def as_shown(self) -> Schedule:
        """The same without what is exposed anew, where the output divides each input frame."""
        count, rest = divmod(len(self.opened or ()), len(self.given))
        if rest or self.opened is None or self.opened != self.given.subdivided(count):
            return self
        return replace(self, factor=count, fine=self.opened, opened=None)


def require_constant_rate(given: Timeline) -> None:
    """Refuse a variable frame rate.

    Raises:
        InputError: for one.
    """
    if not given.is_constant:
        raise InputError(
            f"the input's frame rate is variable, {figure(str(given.rate))} fps on average; "
            "expected a constant one; choose `vfr` keep or cfr"
        )


def schedule(given: Timeline, options: Options) -> Schedule:
    """Lay out the output's frames.

    Args:
        given: when the frames of the input are shown.
        options: of which factor, fps, exposure, vfr, slow_motion and pyramid.doubling are used.

    Raises:
        OptionError: for an output rate below the input's, or one that takes too many frames.
    """
    opened, factor, stretch = None, _doubled(options.factor, options), Fraction(options.factor)
    if options.fps is not None:
        fps = Fraction(options.fps)
        factor, stretch = _factor(fps, given, options), fps * _interval(given)
        frames = max(1, math.ceil(given.duration * fps - _SLIVER))
        opened = Timeline.constant(fps, frames, given.start)
    elif options.vfr == "cfr" and not given.is_constant:
        rate, frames = options.factor / _interval(given), len(given) * options.factor
        if max(rate.numerator, rate.denominator) > LARGEST_CLOCK_TERM:
            raise OptionError(
                f"at a constant rate a frame would be shown for {float(1 / rate):.6g} s, which no "
                f"file counts; {_BROKEN}, or choose `vfr` keep"
            )
        opened = Timeline.constant(rate, frames, given.start)
    elif factor != options.factor:
        opened = given.subdivided(options.factor)
    fine = given.subdivided(factor)
    if opened == fine:
        opened = None
    return Schedule(given, factor, fine, opened, stretch if options.slow_motion else Fraction(1))


def _interval(given: Timeline) -> Fraction:
    """Return the average seconds from frame to frame."""
    if given.is_constant:
        return given.clock
    return (given.duration / len(given)).limit_denominator(LARGEST_INTERVAL_TERM)


def _doubled(factor: int, options: Options) -> int:
    """Return the factor that is climbed for a whole one.

    Steps of two go through more sizes than a large one, and are better (docs/networks.md).
    """
    exposure = options.exposure
    full = exposure == "full" or (
        not isinstance(exposure, str) and nearest(exposure, (2,)) == "full"
    )
    if factor > 1 and full and options.pyramid.doubling:
        return 1 << (factor - 1).bit_length()
    return factor


def _factor(fps: Fraction, given: Timeline, options: Options) -> int:
    """Return the next factor whose frames make up those of a rate.

    What was seen between any two moments follows from the means of any frames (`imaging.retime`).
    Instants do not: what lies between two of them would show both. There a factor is taken whose
    instants are all those of the rate, where that is not much more work.
    """
    ratio = fps / given.rate
    if ratio < (1 if given.is_constant else _NEARLY):
        raise OptionError(
            f"fps is {fps} and the input has {figure(str(given.rate))}; expected at least as many; "
            "to lower a frame rate: deeptsr degrade"
        )
    if ratio > LARGEST_FACTOR:
        raise OptionError(
            f"fps is {fps} and the input has {figure(str(given.rate))}: {float(ratio):.6g} frames "
            f"would be made of each; expected up to {LARGEST_FACTOR}; lower `fps`; {_BROKEN}"
        )
    if ratio.denominator == 1 and ratio > 1:
        return _doubled(int(ratio), options)
    easy = (n for n in count(max(2, math.ceil(ratio))) if max(steps_of(n)) <= _EASY)
    factor = _doubled(next(easy), options)
    exact = ratio.numerator
    if of_step(options.exposure, factor) == "delta" and given.is_constant and exact > factor:
        largest = max(steps_of(exact))
        if exact <= _MORE * factor and largest <= min(_EASY, len(given) // PAIRS):
            return exact
    return factor


def stretch_of(info: video.VideoInfo, options: Options) -> tuple[Fraction, Fraction] | None:
    """The stretch of an input that is used, seconds after its first frame; None: all of it."""
    chosen = video.selected(info, options.start, options.end)
    if len(chosen) == info.frames:
        return None
    begin, end = (info.timeline.moment(i) - info.start for i in (chosen.start, chosen.stop))
    return begin, end


def keeps_sound(options: Options) -> bool:
    """Whether the output has the input's sound."""
    return options.slow_audio or not options.slow_motion
