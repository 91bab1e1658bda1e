"""What is said of a look before the work."""

from __future__ import annotations

from deeptsr.events import Previewed
from deeptsr.system.humanize import duration, size

__all__ = ["previewed"]


def previewed(event: Previewed, verbose: bool) -> str:
    """Write what a look shows, how it was made, and what the whole would take."""
    whole = event.whole
    lines = [
        f"wrote {event.output} in {duration(event.seconds)}: {event.start:.1f} to {event.end:.1f} "
        f"s, where the first {duration(event.searched)} move most; {event.frames_in} frames on the "
        f"left, {event.frames_out} on the right, in slow motion"
    ]
    shape = whole.width_out or whole.width, whole.height_out or whole.height
    if (event.width, event.height) != shape:
        lines.append(
            f"it is made at {event.width} x {event.height}, to be quick; the whole has "
            f"{shape[0]} x {shape[1]}, and shows more detail"
        )
    if not event.steps:
        lines.append(
            "nothing was fitted for it: it shows what is known beforehand; the whole learns from "
            "the video, too"
        )
    lines.append(
        f"the whole: {whole.frames_in} -> {whole.frames_out} frames, preset {whole.preset}, about "
        f"{duration(whole.seconds)}, {size(whole.memory_bytes)} of memory, "
        f"{size(whole.disk_bytes)} of disk"
    )
    return "\n".join(lines)
