"""Writes a video file: parts of it that are encoded one by one, then joined beside the sound."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from deeptsr.imaging.timeline import Timeline
from deeptsr.system.files import publish
from deeptsr.system.ours import fresh
from deeptsr.video.encoding.plan import EncodePlan, add_video, tags_for
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.convert import Frame, from_rgb
from deeptsr.video.reading.decoder import opened
from deeptsr.video.tracks.audio import AudioFeed
from deeptsr.video.tracks.extras import Extras
from deeptsr.video.tracks.labels import APPLE, lost
from deeptsr.video.writing.packet_file import read_packets, write_packet
from deeptsr.video.writing.parts import Parts

__all__ = ["FileSink"]

_SAME_BYTES = {"fflags": "+bitexact"}  # no random numbers: the same run makes the same file


class FileSink:
    """Encodes frames part by part, and joins the parts and the sound to a video file.

    Each part is encoded on its own, so that the next one can be made by another run.

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
        parts: Parts,
        slow: Fraction,
        overwrite: bool,
    ) -> None:
        self.notes = list(plan.notes)
        self._overwrite = overwrite
        self._partial, self._final, self._plan, self._timeline = partial, final, plan, timeline
        self._size, self._source, self._audio = size, source, audio
        self._stretch, self._slow = stretch, slow
        self.tags = tags_for(source.color, plan, size)
        self._parts, self._count = parts, parts.frames
        self._encoder: _PartEncoder | None = None
        self._stack = ExitStack()  # what is open while the parts are joined

    def _stream(self, container: OutputContainer) -> VideoStream:
        return add_video(
            container,
            self._plan,
            size=self._size,
            timeline=self._timeline,
            tags=self.tags,
            aspect=self._source.sample_aspect_ratio,
        )

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1], or (H, W, 4) with alpha."""
        if self._encoder is None:
            format_name = self._plan.container.format
            self._encoder = _PartEncoder(self._parts.open, format_name, self._stream)
        picture = from_rgb(frame, self._plan.pix_fmt, self.tags)
        begin, end = self._timeline.ticks[self._count : self._count + 2]
        picture.pts, picture.duration, picture.time_base = begin, end - begin, self._timeline.clock
        self._encoder.write(picture)
        self._count += 1

    def cut(self) -> None:
        """Finish a part."""
        if self._encoder is not None:
            delay = self._encoder.close()
            self._encoder = None
            self._parts.add(self._count - self._parts.frames, delay)

    def close(self) -> None:
        """Join the parts and the sound."""
        self.cut()
        with self._stack:
            container: OutputContainer = self._stack.enter_context(
                av.open(
                    str(fresh(self._partial)),
                    "w",
                    format=self._plan.container.format,
                    container_options=self._muxing() | _SAME_BYTES,
                )
            )
            stream = self._stream(container)
            rate = self._timeline.rate if self._timeline.is_constant else None
            beside: list[AudioFeed | Extras] = []
            given = (self._source, container, self._plan.container, self._stretch)
            when = (self._timeline.start, self._slow)
            if self._audio:
                beside.append(AudioFeed(*given, *when))
                self._stack.callback(beside[-1].close)
            if self._source.kind == "video":
                beside.append(Extras(*given, *when, rate))
                self._stack.callback(beside[-1].close)
            for index, packet in enumerate(self._packets()):
                packet.stream = stream
                container.mux(packet)
                # They alternate, as the muxer keeps pictures in memory until sound comes beside.
                moment = self._timeline.moment(min(index + 1, len(self._timeline)))
                for feed in beside:
                    feed.advance(moment)
            for feed in beside:
                feed.advance(None)
                self.notes += feed.notes

    def _muxing(self) -> dict[str, str]:
        """Return the options of the muxer: a phone's own entries need a table of their own."""
        options = dict(self._plan.container.options)
        if self._source.kind == "video" and "movflags" in options:
            with opened(self._source.path) as container:
                if any(key.startswith(APPLE) for key in container.metadata):
                    options["movflags"] += "+use_metadata_tags"
        return options

    def lost(self) -> list[str]:
        """Name what the joined file did not take of the source's names, languages and flags."""
        if self._source.kind != "video":
            return []
        with opened(self._source.path) as source, opened(self._partial) as output:
            picture = source.streams.video[self._source.stream]
            heard = source.streams.audio if self._audio else ()
            kept = [picture, *heard, *source.streams.subtitles]
            # Tracks that were left out are named: their names need no word.
            if len(kept) != len([s for s in output.streams if s.type != "data"]):
                kept = [picture]
            return lost(source, kept, output)

    def _packets(self) -> Iterator[av.Packet[VideoStream]]:
        """Yield all packets, moved to where the timeline starts, which encoders need not know."""
        ticks, clock, grid = self._timeline.ticks, self._timeline.clock, self._timeline.grid
        scale, start = int(clock / grid), int(self._timeline.start / grid)
        delay = max((part.delay for part in self._parts.done), default=0)
        coded = 0
        for number in range(len(self._parts.done)):
            for packet in read_packets(self._parts.file(number)):
                begin = cast(int, packet.pts)
                # Encoders lose how long a frame lasts, and the last one's is found nowhere else.
                shown = self._timeline.first_from(begin * clock)
                packet.duration = (ticks[shown + 1] - begin) * scale
                # Decoding times are made anew, as each part counts its own, and x265 tells anything
                # of a short one. Before the first frame time runs on.
                before = coded - delay
                decoded = ticks[before] if before >= 0 else before * (ticks[1] - ticks[0])
                packet.pts, packet.dts = begin * scale + start, decoded * scale + start
                packet.time_base = grid
                coded += 1
                yield packet

    def publish(self) -> None:
        """Give it its final name."""
        publish(self._partial, self._final, replace=self._overwrite)

    def discard(self) -> None:
        """Remove what is not a finished part."""
        if self._encoder is not None:
            self._encoder.abandon()
        self._parts.discard_open()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)


class _PartEncoder:
    """Encodes some frames into a file of packets."""

    def __init__(
        self, path: Path, format_name: str, add: Callable[[OutputContainer], VideoStream]
    ) -> None:
        # It is never written to: its format tells the encoder where its headers go.
        self._container: OutputContainer = av.open(io.BytesIO(), "w", format=format_name)
        self._stream = add(self._container)
        self._file = path.open("xb")
        self._shown: list[int] = []  # when the frames are shown, in the order of the file

    def write(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            write_packet(self._file, packet)
            self._shown.append(cast(int, packet.pts))

    def close(self) -> int:
        """Write the rest; return by how many frames a frame comes before its turn at most."""
        self.write(None)
        self._file.close()
        self._container.close()
        rank = {moment: number for number, moment in enumerate(sorted(self._shown))}
        return max(number - rank[moment] for number, moment in enumerate(self._shown))

    def abandon(self) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):
            self._file.close()
        with suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()
