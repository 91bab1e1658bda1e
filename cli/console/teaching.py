"""Sentences of the teaching of a prior."""

from __future__ import annotations

from deeptsr.events import Pretrained, Taught
from deeptsr.system.humanize import duration, size

__all__ = ["pretrained", "taught"]


def taught(event: Taught, verbose: bool) -> str:
    """Tell how far one of its networks has come."""
    told = "{0:+.2f} dB over interpolation on things of all kinds, {1:+.2f} dB on blades that turn"
    own = {
        "turning": "{1:+.2f} dB over interpolation on blades beyond the aliasing limit",
        "judge": "{1:+.2f} dB over interpolation on what it is to make of blades",
        "classifier": "{1:.1f} % of blades told right, {0:.1f} % of things of all kinds",
    }
    expert = event.variant.partition("/")[0]
    told = own.get(expert, told).format(event.leaves, event.rotor)
    return f"{event.variant}, step {event.step}: {told}, none of them taught"


def pretrained(event: Pretrained, verbose: bool) -> str:
    """Tell what it has become, and how to use it."""
    use = f"deeptsr upscale --{'space-' * event.space}prior {event.output}"
    told = f"{size(event.size_bytes)} in {duration(event.seconds)}"
    return f"wrote {event.output}: {told}; use it with {use}"
