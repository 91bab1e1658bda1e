"""Which loudspeakers the channels of a sound track belong to, where the file does not say."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import av
from av.audio.layout import AudioLayout

__all__ = ["named", "suited"]

# What FFmpeg takes so many channels for.
_USUAL = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_USUAL |= {16: "hexadecagonal", 24: "22.2"}
_RATE = 48_000  # Hz: any encoder has it


def named(layout: AudioLayout) -> str:
    """Return the name of a layout; the usual one where its channels have none, "" without one.

    >>> named(AudioLayout("2 channels")), named(AudioLayout("5.1(side)"))
    ('stereo', '5.1(side)')
    """
    known = {channel.name for channel in layout.channels} - {"NONE", "UNK"}
    if len(known) == layout.nb_channels:
        return layout.name
    return _USUAL.get(layout.nb_channels, "")


def suited(encoder: str, layout: AudioLayout) -> str:
    """Return the layout that an encoder has and that is nearest to another one.

    >>> suited("libopus", AudioLayout("5.1(side)")), suited("libmp3lame", AudioLayout("5.1"))
    ('5.1', 'stereo')
    """
    wanted = dict.fromkeys((named(layout), _USUAL.get(layout.nb_channels, "stereo")))
    return next((name for name in wanted if _takes(encoder, name)), "stereo")


@lru_cache
def _takes(encoder: str, layout: str) -> bool:
    """Tell whether an encoder opens with a layout: FFmpeg knows only when it tries."""
    try:
        with av.logging.Capture():
            context = av.CodecContext.create(encoder, "w")
            context.sample_rate, context.layout = _RATE, layout  # type: ignore[attr-defined]
            context.format = _format(encoder)  # type: ignore[attr-defined]
            context.time_base = Fraction(1, _RATE)
            context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _format(encoder: str) -> str:
    formats = av.Codec(encoder, "w").audio_formats
    return formats[0].name if formats else "s16"
