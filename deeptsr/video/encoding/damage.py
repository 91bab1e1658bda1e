"""What H.264 makes of a clip."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from deeptsr.errors import OptionError
from deeptsr.video.encoding.faults import sound_options

__all__ = ["compressed", "crf_like"]

# Bytes that H.264 takes for what others take one for, about; what is not named loses nothing.
_LIKE_H264 = {
    **dict.fromkeys(("hevc", "vp9"), 1.6),
    "av1": 2.0,
    **dict.fromkeys(("h264", "vp8", "vc1", "wmv3"), 1.0),
    **dict.fromkeys(("mpeg4", "msmpeg4v3", "h263", "flv1", "theora"), 0.7),
    **dict.fromkeys(("mpeg2video", "mpeg1video"), 0.5),
    **dict.fromkeys(("mjpeg", "prores", "dnxhd"), 0.7),
}
_HALVED = 6.0  # steps of crf, about, that halve the bytes
_FIRST = 22.0  # crf that is tried first
_LEAST, _MOST = 6.0, 45.0  # crf below which nothing is seen to be lost, and the worst one
_TRIES = 3


def compressed(clip: NDArray[np.uint8], crf: int, rate: int = 30) -> NDArray[np.uint8]:
    """Encode with libx264 as most cameras' and sites' videos are, and decode; in memory.

    Args:
        clip: (T, H, W, 3), sides even.
        crf: constant quality: 18 looks perfect, 23 is the encoder's default, 28 is small.
        rate: frames a second, by which the encoder shares out its bits.

    Raises:
        OptionError: for odd sides, as colours are halved in both directions.
    """
    if clip.shape[1] % 2 or clip.shape[2] % 2:
        raise OptionError(
            f"frames are {clip.shape[2]} x {clip.shape[1]}; expected even sides for 4:2:0"
        )
    file = _encoded(clip, crf, rate)
    with av.open(file, "r") as encoded:
        frames: list[NDArray[Any]] = [
            frame.to_ndarray(format="rgb24") for frame in encoded.decode(video=0)
        ]
    return np.stack(frames)


def crf_like(clip: NDArray[np.uint8], codec: str, picture_bytes: float) -> int | None:
    """The quality at which libx264 spoils a clip about as its own codec has.

    It is the one at which pictures take as many bytes as they have taken: a coded clip, coded once
    more in the same way, stays nearly as large.

    Args:
        clip: (T, H, W, 3), decoded, sides even; a few frames that follow each other.
        codec: FFmpeg's name of what it was decoded from.
        picture_bytes: of :func:`deeptsr.video.picture_bytes`.

    Returns:
        A crf; None where the codec loses nothing, or so little that it cannot be seen.
    """
    if codec not in _LIKE_H264 or picture_bytes <= 0:
        return None
    wanted, crf = picture_bytes * _LIKE_H264[codec], _FIRST
    for _ in range(_TRIES):
        step = _HALVED * math.log2(_bytes(_encoded(clip, round(crf), 30)) / wanted)
        crf = min(max(round(crf) + step, _LEAST - 1), _MOST)
        if abs(step) < 1:
            break
    return round(crf) if crf >= _LEAST else None


def _encoded(clip: NDArray[np.uint8], crf: int, rate: int) -> BytesIO:
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), **sound_options("libx264", None)}
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    return file


def _bytes(file: BytesIO) -> float:
    """Of a picture that is coded as the change of another, on average; else of any."""
    with av.open(file, "r") as container:
        packets = [(p.is_keyframe, p.size) for p in container.demux(video=0) if p.size]
    changes = [size for alone, size in packets if not alone] or [size for _, size in packets]
    return max(1.0, float(np.mean(changes)))
