"""Writes frames to a video file, a GIF or a folder; the output appears only when it is whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from deeptsr.config import EncodeSettings
from deeptsr.errors import DeeptsrError, OutputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.system.files import unwritable
from deeptsr.system.ours import own_folder
from deeptsr.video.encoding.codecs import best_format
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.planes import clipped, color_levels
from deeptsr.video.writing.gif import GifSink
from deeptsr.video.writing.image_folder import FolderSink
from deeptsr.video.writing.parts import Parts, remove_parts
from deeptsr.video.writing.prepare import fractions, prepared
from deeptsr.video.writing.sink import Sink
from deeptsr.video.writing.verify import check_times, color_notes
from deeptsr.video.writing.video_file import FileSink

__all__ = ["VideoWriter"]


class VideoWriter(AbstractContextManager["VideoWriter"]):
    """Writes a video; used as a context, and ended with :meth:`finish`.

    Frames are kept in parts, in ``scratch`` or in a hidden folder beside the output, and joined in
    the end. Leaving the context without :meth:`finish`, by an exception or not, removes all but the
    finished parts in ``scratch``: a later writer with the same arguments goes on from those.

    MP4 and MOV hold any timeline exactly. Matroska and WebM count milliseconds: there a frame is
    shown up to half of one early or late, and the rate itself is kept. A GIF counts hundredths of
    a second and goes to 50 frames a second. AVI has a constant rate. Only MP4, MOV, Matroska and
    WebM can begin with sound alone; elsewhere the first frame is shown at once.

    Args:
        output: a file, or a folder: see :func:`deeptsr.video.destination.destination_of`.
        size: width and height, pixels.
        timeline: when the frames are shown, seconds after the output begins.
        source: whose colour tags, depth, pixel aspect ratio and sound are taken over.
        settings: codec, constant quality, pixel format, and whether to overwrite.
        audio: whether the sound of the source is taken over.
        audio_range: the stretch of the source that the frames show, first and last moment in
            seconds after its first frame; None: all of it, and all of its sound.
        audio_slow: seconds of the output a second of the source's sound, which is stretched.
        scratch: a folder that exists, for the finished parts; None: nothing is to be resumed.
        alpha: whether the frames have an alpha channel.

    Attributes:
        count: frames that are written, at first those that an earlier writer finished.
        levels: see :func:`deeptsr.video.picture.planes.color_levels`; None for a GIF, too.

    Raises:
        OutputError: when the output exists and may not be replaced, or cannot be written.
        OptionError: for a codec, a pixel format or a rate that it cannot have.
    """

    def __init__(
        self,
        output: str | os.PathLike[str],
        *,
        size: tuple[int, int],
        timeline: Timeline,
        source: VideoInfo,
        settings: EncodeSettings,
        audio: bool = True,
        audio_range: tuple[float | Fraction, float | Fraction] | None = None,
        audio_slow: Fraction = Fraction(1),
        scratch: Path | None = None,
        alpha: bool = False,
    ) -> None:
        self._target, plan = prepared(
            output, settings, size=size, timeline=timeline, source=source, alpha=alpha
        )
        container = self._target.container
        if container is None or not container.late_start:
            timeline = timeline.starting_at(Fraction(0))
        self._shape = (size[1], size[0], 4 if alpha else 3)
        self._timeline = timeline
        self._finished = False
        self._scratch = scratch
        self._notes: list[str] = []
        sound = audio and source.has_audio
        self.count = 0
        kept = plan.pix_fmt if plan else best_format("png", source.depth, alpha)
        self.levels = None if self._target.kind == "gif" else color_levels(kept)
        with self._failures():
            if scratch is None:
                own_folder(self._own)
                remove_parts(self._own)
            self._parts = parts = Parts(scratch or self._own)
            if self._target.kind == "folder":
                resumable = scratch is not None
                self._sink: Sink = FolderSink(
                    self._target,
                    parts,
                    resumable=resumable,
                    overwrite=settings.overwrite,
                    size=size,
                    source=source,
                    alpha=alpha,
                )
            elif plan is None:
                self._sink = GifSink(
                    self._target,
                    size=size,
                    timeline=timeline,
                    parts=parts,
                    overwrite=settings.overwrite,
                    alpha=alpha,
                )
                if source.sample_aspect_ratio != 1:
                    self._notes.append(
                        "viewers show the pixels of a GIF as squares: it will look stretched"
                    )
            else:
                self._sink = FileSink(
                    self._target.partial,
                    self._target.path,
                    plan,
                    size=size,
                    timeline=timeline,
                    source=source,
                    audio=sound,
                    stretch=fractions(audio_range),
                    parts=parts,
                    slow=audio_slow,
                    overwrite=settings.overwrite,
                )
            self.count = parts.frames
        if sound and plan is None:
            what = "a GIF" if self._target.kind == "gif" else "a folder of images"
            self._notes.append(f"the sound is left out: {what} holds none")

    @property
    def _own(self) -> Path:
        """Where parts lie that nobody resumes."""
        return self._target.beside(".parts")

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told; complete after :meth:`finish`."""
        return (*self._notes, *self._sink.notes)

    def __exit__(self, *raised: object) -> None:
        if not self._finished:
            self._sink.discard()
        if self._scratch is None:
            with suppress(OSError):
                remove_parts(self._own)
                self._own.rmdir()

    def write(self, frames: npt.NDArray[np.float32]) -> None:
        """Append frames.

        Args:
            frames: (N, H, W, 3) R'G'B', or (N, H, W, 4) R'G'B' multiplied by alpha, and alpha;
                values outside [0, 1] are clipped.

        Raises:
            OutputError: for another shape, values that are not numbers, or a failing encoder.
            ResourceError: when the disk is full.
        """
        if frames.ndim != 4 or frames.shape[1:] != self._shape:
            expected = ", ".join(map(str, self._shape))
            raise OutputError(
                f"frames of shape {frames.shape} were to be written; expected (N, {expected})"
            )
        for frame in frames:
            picture = clipped(frame, self.count)
            with self._failures():
                self._sink.write(picture)
            self.count += 1

    @property
    def part_sizes(self) -> tuple[int, ...]:
        """Bytes of the files of the finished parts."""
        return tuple(part.size for part in self._parts.done)

    def cut(self) -> None:
        """Finish a part: the frames so far are on the disk, and kept.

        Where a part ends must not depend on interruptions: a video encodes each part on its own.

        Raises:
            OutputError: when it cannot be written.
            ResourceError: when the disk is full.
        """
        with self._failures():
            self._sink.cut()

    def finish(self, *, on_whole: Callable[[Path], None] = lambda path: None) -> None:
        """Write the rest, check the file by reading it, and give it its name.

        Args:
            on_whole: told the name that the file, or folder, has when it is about to get its own.

        Raises:
            OutputError: when another number of frames was written than the timeline has, or is
                found in the file, or one of them is not shown when it should be; nothing stands
                under the output's name then.
            ResourceError: when the disk is full.
        """
        if self.count != len(self._timeline):
            raise OutputError(
                f"{self.count} frames were written to {self._target.path}; expected "
                f"{len(self._timeline)}; this is a fault of the program: please report it"
            )
        with self._failures():
            self._sink.close()
            self._verify()
            on_whole(self._target.partial)
            self._sink.publish()
        self._finished = True

    def _verify(self) -> None:
        partial, frames = self._target.partial, self.count
        if self._target.kind == "folder":
            count = sum(1 for image in partial.iterdir() if image.stat().st_size)
            if count != frames:
                raise OutputError(
                    f"{count} images were found in {partial}; expected {frames}; is another "
                    "program at work there?"
                )
        else:
            check_times(partial, self._timeline, self._target.path)
        if isinstance(self._sink, FileSink):
            self._notes += color_notes(self._sink.tags, partial)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Say what went wrong in the words of this library."""
        try:
            yield
        except DeeptsrError:
            raise
        except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
            path = self._target.path
            if self._scratch is not None and not self._scratch.exists():
                raise OutputError(
                    f"{self._scratch} has vanished while it was in use; leave it alone until the "
                    "work is done, and run the same command again"
                ) from error
            raise unwritable(
                path,
                error,
                after=f" after {self.count} frames",
                again="free some space, or write elsewhere, and run again",
                otherwise="choose another place, codec or kind of file",
            ) from error
