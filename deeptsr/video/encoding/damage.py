"""What H.264 makes of a clip."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from deeptsr.errors import OptionError

__all__ = ["compressed"]


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
    file = BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf)}
        for frame in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as encoded:
        frames: list[NDArray[Any]] = [
            frame.to_ndarray(format="rgb24") for frame in encoded.decode(video=0)
        ]
    return np.stack(frames)
