"""Carries along what is neither picture nor sound: subtitles, chapters, attachments, metadata."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Stream

from deeptsr.video.destination import Container
from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.decoder import DEMUX_ERRORS, opened
from deeptsr.video.reading.joined import Packets
from deeptsr.video.tracks.sound_track import can_hold

__all__ = ["Extras"]

# What describes the file that it stood in.
_OWN = ("encoder", "major_brand", "minor_version", "compatible_brands")
_WITH_CHAPTERS = ("mp4", "mov", "matroska", "webm")
_WITH_SUBTITLES = {".mkv": "matroska", ".mp4": "mp4"}  # of which one holds nearly any


class Extras:
    """Subtitles, chapters, attachments and metadata of a source, as far as an output holds them.

    Args:
        source: whose they are.
        output: container that is open for writing, and not yet started: streams are added to it.
        container: its format.
        stretch: first and last moment, seconds after the source's first frame; None: all.
        lead: when the first frame begins in the output, seconds.
        slow: seconds of the output a second of the source.

    Attributes:
        notes: what the user should be told.
    """

    def __init__(
        self,
        source: VideoInfo,
        output: OutputContainer,
        container: Container,
        stretch: tuple[Fraction, Fraction] | None,
        lead: Fraction = Fraction(0),
        slow: Fraction = Fraction(1),
    ) -> None:
        begin, end = stretch or (Fraction(0), None)
        self.notes: list[str] = []
        self._output, self._container, self._slow = output, container, slow
        self._offset = source.start + begin - lead / slow
        self._length = None if end is None else end - begin + lead / slow
        self._stack = ExitStack()
        self._input = self._stack.enter_context(opened(source.path))
        self._targets: dict[int, Stream] = {}
        output.metadata.update(
            {k: v for k, v in self._input.metadata.items() if k.lower() not in _OWN}
        )
        self._add_chapters()
        self._add_attachments()
        for stream in self._input.streams.subtitles:
            self._add_subtitles(stream)
        self._packets = self._demux()
        self._next = next(self._packets, None)

    def _add_chapters(self) -> None:
        kept: list[Any] = []
        for chapter in self._input.chapters():
            base = chapter["time_base"] or Fraction(1, av.time_base)
            first, last = (chapter[key] * base - self._offset for key in ("start", "end"))
            last = last if self._length is None else min(last, self._length)
            first = max(first, Fraction(0))
            if first < last:
                ends = [math.floor(moment * self._slow * 1000) for moment in (first, last)]
                kept.append(
                    {**chapter, "start": ends[0], "end": ends[1], "time_base": Fraction(1, 1000)}
                )
        if kept and self._container.format not in _WITH_CHAPTERS:
            self.notes.append(f"the chapters are left out: {self._container.format} holds none")
        elif kept:
            self._output.set_chapters(kept)

    def _add_attachments(self) -> None:
        for stream in self._input.streams.attachments:
            name = stream.name or "attachment"
            if self._container.format == "matroska":
                kind = stream.mimetype or "application/octet-stream"
                self._output.add_attachment(name, kind, bytes(stream.data))
            else:
                self.notes.append(
                    f"the attachment {name} is left out: {self._container.format} holds none; "
                    "write .mkv to keep it"
                )

    def _add_subtitles(self, stream: Any) -> None:
        context, language = stream.codec_context, stream.metadata.get("language")
        name = context.codec.canonical_name if context else "of an unknown codec"
        what = f"subtitles ({name}{', ' + language if language else ''})"
        if self._slow != 1:
            self.notes.append(f"{what} are left out of slow motion")
        elif context is None or not can_hold(self._container.format, stream):
            able = (e for e, name in _WITH_SUBTITLES.items() if context and can_hold(name, stream))
            ending = next(able, "")
            advice = f"; write {ending} to keep them" if ending else ""
            self.notes.append(
                f"{what} are left out: {self._container.format} cannot hold them{advice}"
            )
        else:
            target = self._output.add_stream_from_template(stream)
            target.metadata.update(stream.metadata)
            target.disposition = stream.disposition
            self._targets[stream.index] = target

    def _demux(self) -> Iterator[tuple[Fraction, av.Packet[Any]]]:
        """Yield packets of the stretch with their moment in the output."""
        streams = [s for s in self._input.streams.subtitles if s.index in self._targets]
        packets = iter(Packets(self._input, *streams) if streams else ())
        while True:
            try:
                packet = next(packets, None)
            except DEMUX_ERRORS:
                self.notes.append("the subtitles break off early: the input is damaged")
                return
            if packet is None:
                return
            if not packet.size or packet.pts is None:
                continue
            moment = packet.pts * packet.time_base - self._offset
            if moment >= 0 and (self._length is None or moment < self._length):
                yield moment, packet

    def advance(self, moment: Fraction | None) -> None:
        """Write the subtitles that begin before a moment of the output, seconds; None: all."""
        while self._next is not None and (moment is None or self._next[0] < moment):
            _, packet = self._next
            shift = round(self._offset / packet.time_base)
            packet.pts = (packet.pts or 0) - shift
            packet.dts = packet.pts
            packet.stream = self._targets[packet.stream_index]
            self._output.mux(packet)
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Close the source."""
        self._stack.close()
