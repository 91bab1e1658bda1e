"""Opening a video and decoding it, with FFmpeg's errors in the words of this library."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any, cast

import av
from av import logging
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from deeptsr.errors import InputError
from deeptsr.video.ffmpeg.decoders import KNOWN, guard, is_known, option
from deeptsr.video.ffmpeg.demuxers import VIDEOS, is_list
from deeptsr.video.ffmpeg.sample_tables import claims_too_much
from deeptsr.video.reading.joined import Packets

__all__ = ["DEMUX_ERRORS", "Decoder", "alpha_decoder", "captured_log"]
__all__ += ["cropping", "named_duration", "opened", "refuse_pipe", "video_stream"]

# IndexError: PyAV stumbles over a stream that FFmpeg finds only midway.
DEMUX_ERRORS = (av.FFmpegError, OSError, IndexError)

# Demuxers that make "video" of text or of a single picture.
_HEAD = 256  # bytes, in which a WebP says whether it is animated
_COVER = Disposition.attached_pic | Disposition.timed_thumbnails
_NOT_VIDEO = ("tty", "image2", "bin", "idf", "adf", "xbin")


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a file for reading.

    Raises:
        InputError: when it is missing, empty, or nothing that FFmpeg knows.
    """
    refuse_pipe(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; expected a video file or a folder of images")
    if not path.is_file():
        raise InputError(f"{path} is not a file; expected a video file or a folder of images")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; expected a video; get the file anew")
    try:
        if claims_too_much(path):
            raise InputError(
                f"{path} claims far more frames or edits than its {path.stat().st_size} bytes can "
                "hold; expected a whole video; get the file anew, or rewrite it, if you trust it: "
                "ffmpeg -i INPUT OUTPUT.mkv"
            )
        container = av.open(
            str(path.absolute()),  # absolute, lest "a:b.mp4" name a protocol
            mode="r",
            metadata_errors="ignore",
            options=dict(VIDEOS),
        )
    except PermissionError:
        raise InputError(f"{path} may not be read; give yourself permission to read it") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        if is_list(path):
            raise InputError(
                f"{path} names other files, which are not opened for it; expected a video; join "
                "them first: ffmpeg -f concat -safe 0 -i LIST -c copy OUTPUT.mkv"
            ) from None
        if isinstance(error, av.ArgumentError):  # what a demuxer that is not listed comes to
            raise InputError(
                f"{path} is of a kind that is not opened; expected a video in one of the usual "
                "containers; rewrite it first: ffmpeg -i INPUT OUTPUT.mkv"
            ) from None
        raise InputError(
            f"{path} cannot be opened as a video ({_reason(error)}); it is cut off, damaged or no "
            "video; play it with ffplay, and get the file anew if that fails"
        ) from error
    with container:
        guard(container)
        yield container


def refuse_pipe(path: Path) -> None:
    """Refuse what can be read only once, before anything waits for its other end.

    Raises:
        InputError: for it.
    """
    if str(path) == "-" or path.is_fifo() or path.is_char_device() or path.is_socket():
        what = "the input is -" if str(path) == "-" else f"{path} is a pipe or a device"
        raise InputError(
            f"{what}, and a video is read several times; expected a file; save it first"
        )


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def video_stream(container: InputContainer, path: Path, number: int | None = None) -> VideoStream:
    """Return the video stream that players show.

    Of those that are no cover pictures, and not much shorter than another: the one that is marked
    as the default, the one of the most pixels, the longest, the first.

    Args:
        container: that is open.
        path: of it, for messages.
        number: of the stream among those of video, counted from 0; None: it is chosen.

    Raises:
        InputError: when there is none, it is of a codec that is not decoded here, or the file holds
            a still picture.
    """
    name = container.format.name
    if name == "webp_pipe" and _moves(path):
        raise InputError(
            f"{path} is an animated WebP, which FFmpeg does not read; expected a video, a GIF or a "
            "folder of images; take it apart first: magick INPUT -coalesce frames/%05d.png"
        )
    if name in _NOT_VIDEO or name.endswith("_pipe"):
        raise InputError(
            f"{path} is a single picture or text ({name}); expected a video file or a folder of "
            "images"
        )
    streams = [s for s in container.streams.video if s.codec_context is not None]
    if number is not None:
        if not (type(number) is int and 0 <= number < len(container.streams.video)):
            raise InputError(
                f"`video_stream` is {number!r} and {path} has {len(container.streams.video)} of "
                "video, counted from 0; choose one of them"
            )
        streams = [s for s in streams if s is container.streams.video[number]]
    else:
        streams = [s for s in streams if not s.disposition & _COVER]
    if not streams:
        what = "sound only" if container.streams.audio else "no video stream that can be decoded"
        raise InputError(f"{path} has {what}; expected a video")
    longest = max(map(_length, streams))
    stream = max(streams, key=lambda s: _rank(s, longest))
    if not is_known(stream):
        raise InputError(
            f"{path} is coded as {stream.codec_context.codec.canonical_name}, which is not decoded "
            "here; expected a codec that cameras, editors and archives write, as h264, av1, prores "
            "and ffv1; rewrite it first, if you trust it: ffmpeg -i INPUT -c:v ffv1 OUTPUT.mkv"
        )
    # Threads a frame would work on behind the back of `captured_log`.
    stream.thread_type = "SLICE"
    return stream


def _moves(path: Path) -> bool:
    with path.open("rb") as file:
        return b"ANIM" in file.read(_HEAD)


def _rank(stream: VideoStream, longest: Fraction) -> tuple[bool, bool, int, Fraction]:
    context, length = stream.codec_context, _length(stream)
    main = bool(stream.disposition & Disposition.default)
    return 2 * length >= longest, main, context.width * context.height, length


def _length(stream: VideoStream) -> Fraction:
    """Return how long a stream is by its header, seconds; 0 where that does not say."""
    if stream.frames == 1:
        return Fraction(0)
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    return named_duration(stream)


def cropping(container: InputContainer, stream: VideoStream) -> tuple[int, int, int, int]:
    """Return how many pixels the container hides: left, right, at the top and the bottom.

    PyAV shows that in FFmpeg's description of the file alone.
    """
    level = logging.get_level()
    logging.set_level(logging.INFO)
    try:
        text = str(cast(Any, container).dumps_format())
    finally:
        logging.set_level(level)
    _, _, about = text.partition(f"Stream #0:{stream.index}")
    match = re.search(r"Frame Cropping: (\d+)/(\d+)/(\d+)/(\d+)", about.split("Stream #0:")[0])
    left, right, top, bottom = map(int, match.groups()) if match else (0, 0, 0, 0)
    return left, right, top, bottom


def named_duration(stream: VideoStream) -> Fraction:
    """Return how long a stream of Matroska says that it is, seconds; 0 where it does not."""
    parts = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if parts is None:
        return Fraction(0)
    hours, minutes, seconds = parts.groups()
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def alpha_decoder(stream: VideoStream) -> str:
    """Return the decoder that sees the alpha of a WebM stream; "" where there is none to see.

    WebM carries alpha beside the picture, and FFmpeg's own decoders overlook it.
    """
    if stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1":
        return ""
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.codec.canonical_name, "")
    return name if name in av.codecs_available else ""


class Decoder:
    """Iterates over the frames of a stream in presentation order, stepping over damage.

    Attributes:
        skipped: packets so far that could not be decoded, and ends that came too early.
        mended: packets so far whose pictures differ from what was recorded, as far as the decoder
            knows.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self._context = stream.codec_context
        name = alpha_decoder(stream)
        if name:
            self._context = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
        # Where a stream has checksums, they are compared.
        self._context.options = {**option(KNOWN), "err_detect": "crccheck"}
        self.skipped = self.mended = 0

    def __iter__(self) -> Generator[av.VideoFrame, None, None]:
        packets = iter(Packets(self._container, self._stream))
        while True:
            try:
                packet = next(packets, None)
            except DEMUX_ERRORS:
                # Nothing can be read from here on; what the decoder holds still comes out.
                self.skipped += 1
                yield from self._decode(None)
                return
            if packet is None:
                return
            yield from self._decode(packet)

    def _decode(self, packet: av.Packet[VideoStream] | None) -> list[av.VideoFrame]:
        try:
            with captured_log() as told:
                frames = self._context.decode(packet)
        except av.FFmpegError:
            self.skipped += 1
            return []
        self.mended += bool(told) or any(frame.is_corrupt for frame in frames)
        return frames


_ONE_LOG = Lock()  # all of FFmpeg has a single one


@contextmanager
def captured_log() -> Iterator[list[tuple[int, str, str]]]:
    """Collect the errors that FFmpeg logs meanwhile: (level, who, what), none of them printed.

    Only for calls that end when all of their work is done. A decoder that works on in threads of
    its own could wait for Python here while Python waits for it.
    """
    with _ONE_LOG:
        level, skip = logging.get_level(), logging.get_skip_repeated()
        logging.set_level(logging.ERROR)
        logging.set_skip_repeated(False)  # the last one of the file before counts as repeated, too
        try:
            with logging.Capture(local=False) as told:
                yield told
        finally:
            logging.set_level(level)
            logging.set_skip_repeated(skip)
