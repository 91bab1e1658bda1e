"""What is written on tracks and files: names, languages, flags; and what of it cannot be kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from av.stream import Stream

__all__ = ["APPLE", "kept_tags", "label", "lost"]

APPLE = "com.apple.quicktime."  # place, date, maker: in a table of their own
# What describes the file that it stood in.
_OWN = ("encoder", "major_brand", "minor_version", "compatible_brands", "timecode", "duration")
_ON_TRACKS = ("language", "title", "handler_name", "stereo_mode")
_EMPTY = ("", "und", "VideoHandler", "SoundHandler", "SubtitleHandler")
_TOLD = 5  # lost names that are listed


def kept_tags(metadata: dict[str, str]) -> dict[str, str]:
    """Return what a file says of its contents, and not of itself."""
    return {k: v for k, v in metadata.items() if k.lower() not in _OWN}


def label(target: Stream, source: Stream) -> None:
    """Write language, title and flags of a track on its successor."""
    target.metadata.update(_of_track(source))
    target.disposition = source.disposition


def _of_track(stream: Stream) -> dict[str, str]:
    labels = {k.lower(): v for k, v in stream.metadata.items()}
    labels.setdefault("title", labels.get("name", ""))  # as MP4 and MOV call it
    return {k: labels[k] for k in _ON_TRACKS if labels.get(k, "") not in _EMPTY}


def lost(source: Any, kept: Iterable[Stream], output: Any) -> list[str]:
    """Name what an output did not take.

    Args:
        source: container of the input.
        kept: its tracks that went into the output, in the output's order.
        output: container of what was written.
    """
    there = {_plain(value) for value in output.metadata.values()}
    gone = [k for k, v in kept_tags(source.metadata).items() if _plain(v) not in there]
    marks: dict[str, None] = {}
    for before, after in zip(kept, output.streams, strict=False):
        written = {_plain(value) for value in after.metadata.values()}
        said = _of_track(before)
        said.pop("handler_name", None)
        marks |= dict.fromkeys(k for k, v in said.items() if _plain(v) not in written)
        flags = before.disposition & ~after.disposition
        marks |= dict.fromkeys(f"flag {flag.name}" for flag in type(flags) if flag & flags)
    name = output.format.name.split(",")[0]
    notes = []
    if gone:
        more = f" and {len(gone) - _TOLD} more" if len(gone) > _TOLD else ""
        notes.append(
            f"of what the file says of itself, {', '.join(gone[:_TOLD])}{more} "
            f"{'is' if len(gone) == 1 else 'are'} left out: {name} holds no such entry"
        )
    if marks:
        notes.append(f"of the tracks, {', '.join(marks)} cannot be kept in {name}: left out")
    return notes


def _plain(value: str) -> str:
    """What stays the same in every container: "eng" for "English" is told apart elsewhere."""
    return value.strip().casefold()
