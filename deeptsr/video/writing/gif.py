"""Writes a GIF with one palette for all its frames.

The palette is known only when the last frame is: until then the frames wait in lossless files,
so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction

import av
from av.container import OutputContainer
from av.filter import Graph

from deeptsr.imaging.timeline import Timeline
from deeptsr.system.files import publish
from deeptsr.system.ours import fresh
from deeptsr.video.destination import Destination
from deeptsr.video.ffmpeg.filters import TICK, entry, ready
from deeptsr.video.picture.convert import Frame, from_rgb
from deeptsr.video.reading.pillow import RGB
from deeptsr.video.writing.parts import Parts

__all__ = ["GifSink"]

_CLOCK = Fraction(1, 100)  # seconds: a GIF's delays are whole hundredths
# Bayer's pattern stays where it is from frame to frame; error diffusion would crawl.
_DITHER = "dither=bayer:bayer_scale=3:diff_mode=rectangle"


class GifSink:
    """Collects frames, and makes the GIF of them when it is closed.

    Args:
        target: the GIF.
        size: width and height, pixels.
        timeline: of the frames; each is shown at the nearest hundredth of a second.
        parts: where the frames wait, lossless.
        overwrite: whether a GIF of that name may be replaced.
        alpha: whether frames have an alpha channel: a GIF's pixels are opaque, or not there.
    """

    def __init__(
        self,
        target: Destination,
        *,
        size: tuple[int, int],
        timeline: Timeline,
        parts: Parts,
        overwrite: bool,
        alpha: bool = False,
    ) -> None:
        self.notes: list[str] = []
        self._alpha, self._overwrite = alpha, overwrite
        self._format = "bgra" if alpha else "bgr0"  # what FFV1 keeps 8-bit RGB in
        if alpha:
            self.notes.append("a GIF has no half-transparent pixels: they are opaque, or not there")
        if (timeline.clock / _CLOCK).denominator != 1:
            self.notes.append(
                "a GIF counts in hundredths of a second: single frames are shown up to half of one "
                "too early or too late"
            )
        self._partial, self._final = target.partial, target.path
        self._timeline, self._size = timeline, size
        self._parts, self._count = parts, parts.frames
        self._container: OutputContainer | None = None

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1], or (H, W, 4) with alpha."""
        if self._container is None:
            self._container = av.open(str(fresh(self._parts.open)), "w", format="matroska")
            self._stream = self._container.add_stream("ffv1", rate=25, options={"g": "1"})
            self._stream.width, self._stream.height = self._size
            self._stream.pix_fmt = self._format
        picture = from_rgb(frame, self._format, RGB)
        picture.pts = self._count - self._parts.frames
        picture.time_base = TICK
        self._count += 1
        self._container.mux(self._stream.encode(picture))

    def cut(self) -> None:
        """Finish a part."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._container = None
            self._parts.add(self._count - self._parts.frames)

    def close(self) -> None:
        """Make the GIF."""
        self.cut()
        palette = self._palette()
        with av.open(str(fresh(self._partial)), "w", format="gif") as container:
            stream = container.add_stream("gif", rate=100)
            stream.width, stream.height = self._size
            stream.pix_fmt = "pal8"
            stream.codec_context.time_base = _CLOCK
            for index, frame in enumerate(self._mapped(palette)):
                frame.pts = self._moment(index)
                frame.time_base = _CLOCK
                for packet in stream.encode(frame):
                    packet.duration = self._moment(index + 1) - self._moment(index)
                    container.mux(packet)
            container.mux(stream.encode(None))

    def _stored(self) -> Iterator[av.VideoFrame]:
        """Yield the frames of all parts."""
        index = 0
        for number in range(len(self._parts.done)):
            with av.open(str(self._parts.file(number))) as stored:
                for frame in stored.decode(video=0):
                    frame.pts, frame.time_base = index, TICK
                    index += 1
                    yield frame

    def _palette(self) -> av.VideoFrame:
        """Choose the colours that suit all frames."""
        graph = Graph()
        source = entry(graph, self._size, self._format)
        maker = graph.add("palettegen", f"reserve_transparent={int(self._alpha)}")
        sink = graph.add("buffersink")
        source.link_to(maker)
        maker.link_to(sink)
        graph.configure()
        for frame in self._stored():
            source.push(frame)
        source.push(None)
        return graph.vpull()

    def _moment(self, index: int) -> int:
        """Return when a frame begins, in hundredths of a second."""
        return round(self._timeline.moment(index) / _CLOCK)

    def _mapped(self, palette: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Yield the stored frames in the colours of the palette."""
        graph = Graph()
        frames = entry(graph, self._size, self._format)
        colors = entry(graph, (16, 16), palette.format.name)
        mapper = graph.add("paletteuse", _DITHER)
        sink = graph.add("buffersink")
        frames.link_to(mapper, 0, 0)
        colors.link_to(mapper, 0, 1)
        mapper.link_to(sink)
        graph.configure()
        palette.pts = 0
        palette.time_base = TICK
        colors.push(palette)
        colors.push(None)
        for frame in self._stored():
            frames.push(frame)
            yield from ready(graph)
        frames.push(None)
        yield from ready(graph)

    def publish(self) -> None:
        """Give it its final name."""
        publish(self._partial, self._final, replace=self._overwrite)

    def discard(self) -> None:
        """Remove what is not a finished part."""
        if self._container is not None:
            with suppress(av.FFmpegError, OSError, ValueError):
                self._container.close()
        self._parts.discard_open()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)
