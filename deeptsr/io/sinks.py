"""Things that frames are written into: a video file, a GIF, a folder of PNGs."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

import av
import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.stream import VideoStream

from deeptsr.io.audio import AudioFeed
from deeptsr.io.destination import Destination
from deeptsr.io.encoding import EncodePlan, add_video, tags_for
from deeptsr.io.info import VideoInfo
from deeptsr.io.pixels import from_rgb
from deeptsr.timeline import Timeline

__all__ = ["FileSink", "FolderSink", "Sink"]

Frame = npt.NDArray[np.float32]


class Sink(Protocol):
    """Takes frames one by one, under a name that is not yet the output's.

    Attributes:
        notes: what the user should be told.
    """

    notes: list[str]

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1]."""

    def close(self) -> None:
        """Write what is still held back."""

    def publish(self) -> None:
        """Give it its final name; everything is on the disk first."""

    def discard(self) -> None:
        """Remove what was written."""


class FileSink:
    """Encodes frames into a video file, and carries the sound along.

    Attributes:
        tags: how the numbers in the file stand for colours.
    """

    def __init__(
        self,
        partial: Path,
        final: Path,
        plan: EncodePlan,
        *,
        size: tuple[int, int],
        timeline: Timeline,
        source: VideoInfo,
        audio: bool,
        stretch: tuple[Fraction, Fraction] | None,
    ) -> None:
        self.notes = list(plan.notes)
        self._partial, self._final, self._plan, self._timeline = partial, final, plan, timeline
        self.tags = tags_for(source.color, plan, size)
        self._count = 0
        self._feed: AudioFeed | None = None
        options = dict(plan.container.options)
        self._container: OutputContainer = av.open(
            str(partial), "w", format=plan.container.format, container_options=options
        )
        try:
            self._stream = add_video(
                self._container,
                plan,
                size=size,
                timeline=timeline,
                tags=self.tags,
                aspect=source.sample_aspect_ratio,
            )
            if audio:
                self._feed = AudioFeed(
                    source, self._container, plan.container, stretch, timeline.start
                )
        except BaseException:
            self.discard()
            raise

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1]."""
        picture = from_rgb(frame, self._plan.pix_fmt, self.tags)
        begin, end = self._timeline.ticks[self._count : self._count + 2]
        picture.pts, picture.duration, picture.time_base = begin, end - begin, self._timeline.clock
        self._mux(self._stream.encode(picture))
        self._count += 1
        if self._feed is not None:
            # Little by little: the muxer keeps all pictures in memory until sound comes beside.
            self._feed.advance(self._timeline.moment(self._count))

    def _mux(self, packets: list[av.Packet[VideoStream]]) -> None:
        """Write packets, moved to where the timeline starts, which the encoder need not know."""
        clock, grid = self._timeline.clock, self._timeline.grid
        ticks, start = int(clock / grid), int(self._timeline.start / grid)
        for packet in packets:
            # Encoders lose it, and the last frame's is found nowhere else.
            begin, coded = cast(int, packet.pts), cast(int, packet.dts)  # no encoder omits them
            shown = self._timeline.first_from(begin * clock)
            packet.duration = (self._timeline.ticks[shown + 1] - begin) * ticks
            packet.pts, packet.dts = begin * ticks + start, coded * ticks + start
            packet.time_base = grid
            self._container.mux(packet)

    def close(self) -> None:
        """Write what is still held back."""
        self._mux(self._stream.encode(None))
        if self._feed is not None:
            self._feed.advance(None)
            self.notes += self._feed.notes
            self._feed.close()
        self._container.close()

    def publish(self) -> None:
        """Give it its final name."""
        flush_to_disk(self._partial)
        os.replace(self._partial, self._final)
        flush_to_disk(self._final.parent)

    def discard(self) -> None:
        """Remove what was written."""
        if self._feed is not None:
            self._feed.close()
        with suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()
        self._partial.unlink(missing_ok=True)


class FolderSink:
    """Writes frames as PNGs, numbered from 1, 8 bits a sample."""

    def __init__(self, target: Destination) -> None:
        self.notes: list[str] = []
        self._target = target
        self._count = 0
        self._partial = target.partial
        _remove_images(self._partial)  # of a run that was killed
        self._partial.mkdir()

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1]."""
        pixels = np.rint(frame * np.float32(255)).astype(np.uint8)
        # Level 3: half the time of the default for a few per cent of size.
        data = iio.imwrite("<bytes>", pixels, extension=".png", plugin="pillow", compress_level=3)
        self._count += 1
        with (self._partial / (self._target.pattern % self._count)).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Write what is still held back."""
        flush_to_disk(self._partial)

    def publish(self) -> None:
        """Give it its final name."""
        final = self._target.path
        if not final.exists():
            os.rename(self._partial, final)
            flush_to_disk(final.parent)
            return
        # A folder cannot be replaced in one step: the old one steps aside first.
        old = final.with_name(f".{final.name}.old")
        os.rename(final, old)
        try:
            os.rename(self._partial, final)
        except OSError:
            os.rename(old, final)
            raise
        flush_to_disk(final.parent)
        _remove_images(old)

    def discard(self) -> None:
        """Remove what was written."""
        with suppress(OSError):
            _remove_images(self._partial)


def _remove_images(folder: Path) -> None:
    """Remove a folder of PNGs if it is there; a folder that holds anything else stays."""
    if folder.is_dir():
        for image in folder.glob("*.[pP][nN][gG]"):
            image.unlink()
        folder.rmdir()


def flush_to_disk(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
