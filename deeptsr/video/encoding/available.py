"""Which encoders this FFmpeg has, of those that outputs ask for."""

from __future__ import annotations

import av

from deeptsr.video.destination import CONTAINERS

__all__ = ["encoders"]


def encoders() -> dict[str, bool]:
    """Tell of each encoder that some kind of output takes by itself whether it is there."""
    wanted = {
        name
        for container in CONTAINERS.values()
        for name in (container.codec, container.deep, container.alpha, *container.audio[:1])
        if name
    }
    return {name: _is_there(name) for name in sorted(wanted)}


def _is_there(name: str) -> bool:
    try:
        av.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True
