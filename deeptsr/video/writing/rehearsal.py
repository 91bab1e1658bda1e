"""Writes the first moments of an output beforehand: what can fail at the end fails before the work.

The same encoder, muxer, sound and subtitles are at work as in the end, and the same checks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from deeptsr.errors import DeeptsrError, OptionError
from deeptsr.imaging.timeline import Timeline
from deeptsr.system.files import is_full, unwritable
from deeptsr.video.destination import Destination
from deeptsr.video.encoding.plan import EncodePlan
from deeptsr.video.info import VideoInfo
from deeptsr.video.writing.parts import Parts
from deeptsr.video.writing.verify import check_times, color_notes
from deeptsr.video.writing.video_file import FileSink

__all__ = ["Sound", "rehearse"]

_FRAMES = 3  # some encoders reorder them
_SECONDS = Fraction(2)  # of sound: encoders hold packets back

# Whether there is sound, the stretch of the source that it comes from, and how slow it is.
Sound = tuple[bool, tuple[Fraction, Fraction] | None, Fraction]


def rehearse(
    target: Destination,
    plan: EncodePlan,
    *,
    size: tuple[int, int],
    timeline: Timeline,
    source: VideoInfo,
    sound: Sound,
    alpha: bool,
) -> tuple[str, ...]:
    """Write a few black frames, with the first sound and all else that goes beside them.

    Returns:
        What the user should be told of the output.

    Raises:
        OptionError: when the output cannot be written.
        ResourceError: when the disk for temporary files is full.
    """
    frames = min(_FRAMES, len(timeline))
    short = timeline.part(range(frames)).starting_at(timeline.start)
    audio, stretch, slow = sound
    begin, end = stretch or (Fraction(0), source.duration)
    stretch = begin, min(end, begin + max(_SECONDS, short.duration))
    picture = np.zeros((size[1], size[0], 4 if alpha else 3), np.float32)

    def attempt(heard: bool) -> tuple[str, ...]:
        with tempfile.TemporaryDirectory(prefix="deeptsr-") as place:
            trial = replace(target, path=Path(place, f"trial{target.path.suffix}"))
            sink = FileSink(
                trial.partial,
                trial.path,
                plan,
                size=size,
                timeline=short,
                source=source,
                audio=heard,
                stretch=stretch,
                parts=Parts(Path(place)),
                slow=slow,
                overwrite=False,
            )
            try:
                for _ in range(frames):
                    sink.write(picture)
                sink.close()
                check_times(trial.partial, short, target.path)
                return (*sink.notes, *sink.lost(), *color_notes(sink.tags, trial.partial))
            finally:
                sink.discard()

    try:
        return attempt(audio)
    except DeeptsrError:
        raise
    except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
        if is_full(error):
            raise unwritable(Path(tempfile.gettempdir()), error) from error
        reason = getattr(error, "strerror", None) or error
        if audio and _works(attempt):
            raise OptionError(
                f"the sound does not go into {target.path} ({reason}); write .mkv, which holds "
                "nearly any, or encode it first: ffmpeg -i INPUT -c:v copy -c:a aac OUTPUT.mkv"
            ) from error
        raise OptionError(
            f"{target.path} cannot be written ({reason}), as a trial shows; choose another codec "
            "or kind of file, such as .mkv"
        ) from error


def _works(attempt: Callable[[bool], object]) -> bool:
    try:
        attempt(False)
    except (DeeptsrError, av.FFmpegError, OSError, ValueError, OverflowError):
        return False
    return True
