"""Small films for a web page: every frame can be stepped to, in any browser, without a network."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

__all__ = ["PREVIEW_RATE", "encode_preview"]

# WebM counts milliseconds: 40 of them a frame, so that no timestamp is rounded.
PREVIEW_RATE = 25
_KEY = 24  # frames from one to which a player can jump to the next
_QUALITIES = 24, 36, 48, 60  # of VP9, 0 (best) to 63: the next where the limit asks for it


def encode_preview(
    frames: Iterable[npt.NDArray[np.uint8]], size: tuple[int, int], limit: int
) -> bytes:
    """Encode a silent WebM at :data:`PREVIEW_RATE` frames a second; players choose the speed.

    VP9, as every browser decodes it, those included that are built without H.264.

    Args:
        frames: (H, W, 3) R'G'B', even sides.
        size: width and height, pixels.
        limit: bytes that the film should not exceed; quality is lowered for it.
    """
    pictures = (av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in frames)
    film = _encode(pictures, size, _QUALITIES[0])
    for quality in _QUALITIES[1:]:
        if len(film) <= limit:
            break
        with av.open(io.BytesIO(film), "r") as container:
            film = _encode(container.decode(video=0), size, quality)
    return film


def _encode(frames: Iterable[av.VideoFrame], size: tuple[int, int], quality: int) -> bytes:
    target = io.BytesIO()
    same_each_time = {"fflags": "+bitexact"}
    with av.open(target, "w", format="webm", container_options=same_each_time) as container:
        stream = container.add_stream("libvpx-vp9", rate=PREVIEW_RATE)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.gop_size, stream.bit_rate = _KEY, 0
        stream.options = {
            "crf": str(quality),
            "deadline": "realtime",
            "cpu-used": "7",
            "row-mt": "1",
            "auto-alt-ref": "0",
        }
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1  # limited
        for index, picture in enumerate(frames):
            frame = picture.reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.pts, frame.time_base = index, Fraction(1, PREVIEW_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
