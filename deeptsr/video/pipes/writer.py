"""Writes pictures to a pipe, as they are made."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import av
import numpy as np
import numpy.typing as npt

from deeptsr.video.encoding.plan import add_video
from deeptsr.video.picture.convert import from_rgb
from deeptsr.video.picture.planes import clipped, planes
from deeptsr.video.pipes.form import Y4M, PipeForm, rate_of

__all__ = ["ByteSink", "PipeWriter"]


class ByteSink(Protocol):
    """What takes bytes: a file that is open, stdout."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""

    def flush(self) -> object:
        """Pass on what is held back."""


class _Muxer(Protocol):
    def write(self, picture: av.VideoFrame) -> None:
        """Write a picture."""

    def close(self) -> None:
        """Write what is still held back."""


class PipeWriter(AbstractContextManager["PipeWriter"]):
    """Writes pictures to a stream, each as soon as it is given; used as a context.

    Args:
        output: that takes bytes. What it raises is passed on.
        form: from :func:`deeptsr.video.pipe_form`.

    Attributes:
        count: frames that are written.
    """

    def __init__(self, output: ByteSink, form: PipeForm) -> None:
        self._form, self._output = form, output
        self._muxer: _Muxer | None = None
        self.count = 0

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._muxer is not None and kind is None:
            self._muxer.close()
            self._output.flush()

    def write(self, frames: npt.NDArray[np.float32]) -> None:
        """Write frames.

        Args:
            frames: (N, H, W, 3) R'G'B', or (N, H, W, 4) with alpha; clipped to [0, 1].

        Raises:
            OutputError: for values that are not numbers.
        """
        form = self._form
        if self._muxer is None:
            kind = _Y4mMuxer if form.plain else _NutMuxer
            self._muxer = kind(self._output, form)
        for frame in frames:
            picture = from_rgb(clipped(frame, self.count), form.plan.pix_fmt, form.tags)
            begin, end = form.timeline.ticks[self.count : self.count + 2]
            picture.pts, picture.duration = begin, end - begin
            picture.time_base = form.timeline.clock
            self._muxer.write(picture)
            self.count += 1
        self._output.flush()


class _Y4mMuxer:
    """YUV4MPEG2: a line of text, and each picture's planes."""

    def __init__(self, output: ByteSink, form: PipeForm) -> None:
        self._output = output
        (width, height), rate, aspect = form.size, rate_of(form.timeline), form.aspect
        range_ = "FULL" if form.tags.range == "pc" else "LIMITED"
        words = (
            f"YUV4MPEG2 W{width} H{height} F{rate.numerator}:{rate.denominator} Ip "
            f"A{aspect.numerator}:{aspect.denominator} C{Y4M[form.plan.pix_fmt]} "
            f"XCOLORRANGE={range_}\n"
        )
        output.write(words.encode())

    def write(self, picture: av.VideoFrame) -> None:
        self._output.write(b"FRAME\n")
        for plane in planes(picture):
            self._output.write(np.ascontiguousarray(plane).tobytes())

    def close(self) -> None:
        pass


class _NutMuxer:
    """NUT: any pixel format, at any times."""

    def __init__(self, output: ByteSink, form: PipeForm) -> None:
        self._container = av.open(
            _Sink(output), "w", format="nut", container_options={"fflags": "+bitexact"}
        )
        self._stream = add_video(
            self._container,
            form.plan,
            size=form.size,
            timeline=form.timeline,
            tags=form.tags,
            aspect=form.aspect,
        )

    def write(self, picture: av.VideoFrame) -> None:
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


class _Sink:
    """A stream of which FFmpeg knows that it cannot go back."""

    def __init__(self, output: ByteSink) -> None:
        self._output = output

    def write(self, data: bytes) -> int:
        self._output.write(data)
        return len(data)
