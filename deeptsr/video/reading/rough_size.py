"""How much there is in an input, without reading it: for sorting, never for a promise."""

from __future__ import annotations

from pathlib import Path

import av

from deeptsr.errors import InputError
from deeptsr.video.reading.decoder import DEMUX_ERRORS, opened, video_stream
from deeptsr.video.reading.image_folder import probe_folder

__all__ = ["rough_size"]


def rough_size(path: Path) -> float:
    """Pixels x frames of an input as its header names them; 0 where it cannot be read."""
    try:
        if path.is_dir():
            info = probe_folder(path)
            return float(info.frames * info.width * info.height)
        with opened(path) as container:
            stream = video_stream(container, path)
            seconds = (container.duration or 0) / av.time_base
            frames = stream.frames or seconds * float(stream.guessed_rate or 0)
            return float(frames * stream.codec_context.width * stream.codec_context.height)
    except (InputError, *DEMUX_ERRORS, ValueError):
        return 0.0
