"""Carries along what is neither picture nor sound: subtitles, chapters, attachments, metadata."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Disposition, Stream

from deeptsr.video.destination import Container
from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.decoder import DEMUX_ERRORS, opened
from deeptsr.video.reading.joined import Packets
from deeptsr.video.tracks.labels import kept_tags, label
from deeptsr.video.tracks.sound_track import can_hold
from deeptsr.video.tracks.timecode import moved

__all__ = ["Extras"]

_OF_CHAPTERS = ("", "SubtitleHandler", "Core Media Text", "Text", "Chapters")  # their own track
_WITH_TIMECODE = ("mp4", "mov", "matroska", "webm")
_WITH_CHAPTERS = ("mp4", "mov", "matroska", "webm")
_LATEST = Fraction(1 << 21)  # seconds, 24 days: of the end of a chapter; MP4 counts no further
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
        rate: frames a second of the output; None: a variable rate.

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
        rate: Fraction | None = None,
    ) -> None:
        begin, end = stretch or (Fraction(0), None)
        self.notes: list[str] = []
        self._output, self._container, self._slow = output, container, slow
        self._offset = source.start + begin - lead / slow
        self._length = None if end is None else end - begin + lead / slow
        self._stack = ExitStack()
        self._input = self._stack.enter_context(opened(source.path))
        self._targets: dict[int, Stream] = {}
        output.metadata.update(kept_tags(self._input.metadata))
        if output.streams.video:
            label(output.streams.video[0], self._input.streams.video[source.stream])
        self._add_timecode(source, begin, rate)
        self._name_data()
        self._add_chapters()
        self._add_attachments()
        for stream in self._input.streams.subtitles:
            self._add_subtitles(stream)
        self._packets = self._demux()
        self._next = next(self._packets, None)

    def _add_timecode(self, source: VideoInfo, begin: Fraction, rate: Fraction | None) -> None:
        said = [self._input.metadata, *(stream.metadata for stream in self._input.streams)]
        text = next((m[k] for m in said for k in m if k.lower() == "timecode"), "")
        if not text:
            return
        holds = self._container.format in _WITH_TIMECODE
        if holds and self._slow == 1 and rate and source.timeline.is_constant:
            timecode = moved(text, source.rate, source.first_from(begin), rate)
            if timecode:
                self._output.metadata["timecode"] = timecode
                return
        why = "in slow motion it would tell another time"
        if self._slow == 1:
            why = f"it cannot be counted on in {self._container.format} at this rate"
        self.notes.append(f"the timecode {text} is left out: {why}")

    def _name_data(self) -> None:
        for stream in self._input.streams:
            if stream.type == "video" and stream.disposition & Disposition.attached_pic:
                self.notes.append("the cover picture is left out: only the input keeps it")
            if stream.type != "data" or "timecode" in stream.metadata:
                continue
            name = stream.metadata.get("handler_name", "").strip()
            if name in _OF_CHAPTERS and self._input.chapters():
                continue
            kind = stream.codec_context.codec.canonical_name if stream.codec_context else ""
            told = ", ".join(filter(None, (kind, name))) or f"stream {stream.index}"
            self.notes.append(f"a data track ({told}) is left out: only the input keeps it")

    def _add_chapters(self) -> None:
        kept: list[Any] = []
        for chapter in self._input.chapters():
            base = chapter["time_base"] or Fraction(1, av.time_base)
            first, last = (chapter[key] * base - self._offset for key in ("start", "end"))
            last = min(last, _LATEST if self._length is None else self._length)
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
            label(target, stream)
            self._targets[stream.index] = target

    def _demux(self) -> Iterator[tuple[Fraction, av.Packet[Any]]]:
        """Yield packets of the stretch with their moment in the output, clamped to it."""
        streams = [s for s in self._input.streams.subtitles if s.index in self._targets]
        packets = iter(Packets(self._input, *streams) if streams else ())
        begun: list[av.Packet[Any]] = []  # on show when the stretch begins
        while True:
            try:
                packet = next(packets, None)
            except DEMUX_ERRORS:
                self.notes.append("the subtitles break off early: the input is damaged")
                packet = None
            if packet is not None and (not packet.size or packet.pts is None):
                continue
            moment = self._moment(packet)
            if packet is not None and moment is not None and moment < 0:
                begun = _on_show(begun, packet, -moment)
                continue
            yield from ((Fraction(0), early) for early in self._clamped(begun))
            begun = []
            if packet is None:
                return
            if moment is not None and (self._length is None or moment < self._length):
                yield from ((moment, late) for late in self._clamped([packet]))

    def _moment(self, packet: av.Packet[Any] | None) -> Fraction | None:
        if packet is None or packet.pts is None:
            return None
        return packet.pts * packet.time_base - self._offset

    def _clamped(self, packets: list[av.Packet[Any]]) -> list[av.Packet[Any]]:
        """Let subtitles begin and end within the stretch."""
        for packet in packets:
            base = packet.time_base
            first = math.ceil(self._offset / base)
            end = (packet.pts or 0) + (packet.duration or 0)
            packet.pts = max(packet.pts or 0, first)
            if packet.duration:
                if self._length is not None:
                    end = min(end, math.floor((self._offset + self._length) / base))
                packet.duration = max(1, end - packet.pts)
        return packets

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


def _on_show(
    begun: list[av.Packet[Any]], packet: av.Packet[Any], left: Fraction
) -> list[av.Packet[Any]]:
    """Add a packet that begins before the stretch to those that are on show when that begins."""
    if packet.duration:
        lasts = packet.duration * packet.time_base > left
        return [*begun, packet] if lasts else begun
    # Pictures are shown until the next one of their track, which may be empty.
    return [p for p in begun if p.stream_index != packet.stream_index] + [packet]
