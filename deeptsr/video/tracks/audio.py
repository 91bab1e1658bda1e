"""Carries the sound of a source into an output, packet by packet beside the frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

from deeptsr.video.destination import Container
from deeptsr.video.ffmpeg.decoders import is_known
from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.decoder import DEMUX_ERRORS, opened
from deeptsr.video.reading.joined import Packets
from deeptsr.video.tracks.labels import label
from deeptsr.video.tracks.layouts import named
from deeptsr.video.tracks.sound_track import Copied, Encoded, add_copy, add_encoder, can_hold
from deeptsr.video.tracks.time_stretch import Whole

__all__ = ["AudioFeed"]

_BACKWARDS = "some sound is left out, as its times run backwards: the input is damaged there"
_UNTIMED = ("opus", "vorbis")  # packets of no fixed length: without times nobody can place them
_PRIMING = Fraction(1, 10)  # second: what decoders need; hidden sound before that stays hidden
_OVERLAP = Fraction(1, 10)  # second, at a joint of recordings
_LATE = Fraction(1, 50)  # second: what is heard as late


class AudioFeed:
    """The sound tracks of a source, limited to a stretch of it and moved to its beginning.

    Packets are copied where the output's format can hold their codec; otherwise they are decoded
    and encoded anew. Sound that begins before or after the picture in the source does so in the
    output.

    Args:
        source: whose sound it is.
        output: container that is open for writing, and not yet started: streams are added to it.
        container: its format.
        stretch: first and last moment, seconds after the source's first frame; None: all.
        lead: when the first frame begins in the output, seconds.
        slow: seconds of the output a second of the source.

    Attributes:
        notes: what the user should be told; complete when the feed is closed.
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
        self._path = source.path
        self._output = output
        self._slow = slow
        self._offset = (
            source.start + begin - lead / slow
        )  # this moment of the source is 0 in the output
        self._length = None if end is None else end - begin + lead / slow
        self._keep_priming = begin == 0 and container.edit_list
        # Else nothing says when sound is heard, and the first picture would be held meanwhile.
        self._timed = container.late_start
        self._tracks: dict[int, Copied | Encoded | Whole] = {}
        self._next_moment: dict[int, Fraction] = {}  # that an output stream can have, at least
        self._stack = ExitStack()
        self._input = self._stack.enter_context(opened(source.path))
        for stream in self._input.streams.audio:
            track = self._track(stream, container)
            if track is not None:
                self._tracks[stream.index] = track
        self._packets = self._demux()
        self._next = next(self._packets, None)

    def _track(self, stream: AudioStream, container: Container) -> Copied | Encoded | Whole | None:
        if stream.codec_context is None:
            self.notes.append("a sound track of an unknown codec is left out")
            return None
        name, layout = stream.codec_context.codec.canonical_name, stream.codec_context.layout
        why = self._cannot_copy(stream, container, name)
        if not why:
            copy = add_copy(self._output, stream)
            label(copy, stream)
            return Copied(copy)
        encoder = next((e for e in container.audio if e in av.codecs_available), "")
        lost = _cannot_encode(stream, encoder, container.format, why)
        if lost:
            self.notes.append(f"sound ({name}) is left out: {lost}")
            return None
        target = add_encoder(self._output, encoder, stream)
        label(target, stream)
        mix = target.codec_context.layout
        fewer = mix.nb_channels < layout.nb_channels
        mixed = f"its {named(layout)} channels are mixed to {mix.name}" if fewer else ""
        if self._slow != 1:
            self.notes += [f"sound ({name}): {mixed}"] if mixed else []
            return Whole(target, stream, self._slow, self._length)
        self.notes.append(f"sound is encoded as {encoder}: {why}" + (mixed and f"; {mixed}"))
        return Encoded(target) if self._timed else Whole(target, stream, self._slow, self._length)

    def _cannot_copy(self, stream: AudioStream, container: Container, name: str) -> str:
        """Say why a track must be encoded anew, or "" where it is copied."""
        if self._slow != 1:
            return "it is stretched"
        if not can_hold(container.format, stream):
            return f"{container.format} cannot hold {name}"
        if self._timed:
            return ""
        if name in _UNTIMED:
            return f"{container.format} has no timestamps, which {name} needs"
        late = (stream.start_time or 0) * (stream.time_base or 0) - self._offset
        if late > _LATE:
            return (
                f"{container.format} has no timestamps, and it begins {float(late):.2f} s after "
                "the picture"
            )
        return ""

    def _demux(self) -> Iterator[tuple[Fraction, av.Packet[AudioStream]]]:
        """Yield packets of the stretch with their moment in the output."""
        streams = [s for s in self._input.streams.audio if s.index in self._tracks]
        self._source = Packets(self._input, *streams)
        open_ends = {s.index for s in streams}
        packets = iter(self._source if streams else ())
        while open_ends:
            try:
                packet = next(packets, None)
            except DEMUX_ERRORS:
                self.notes.append("the sound breaks off early: the input is damaged")
                return
            if packet is None:
                return
            stamp = packet.dts if packet.pts is None else packet.pts
            if not packet.size or stamp is None or packet.stream_index not in open_ends:
                continue
            moment = stamp * packet.time_base - self._offset
            if self._length is not None and moment >= self._length:
                open_ends.discard(packet.stream_index)
                continue
            # Decoders need the packets that "prime" them, before the start. Where the format
            # cannot hide those, they would push the picture back by a share of a frame.
            until = moment + (packet.duration or 0) * packet.time_base
            hidden = packet.is_discard and moment >= 0  # behind the end of a clip that was trimmed
            priming = self._keep_priming and moment >= -_PRIMING
            if not hidden and (until > 0 or moment >= 0 or priming):
                yield moment, cast("av.Packet[AudioStream]", packet)

    def advance(self, moment: Fraction | None) -> None:
        """Write the sound that begins before a moment of the output.

        Args:
            moment: seconds; None: all that is left, and the encoders' rest.
        """
        while self._next is not None and (moment is None or self._next[0] * self._slow < moment):
            _, packet = self._next
            self._mux(self._tracks[packet.stream_index].packets(packet, self._offset))
            self._next = next(self._packets, None)
        if moment is None:
            for track in self._tracks.values():
                self._mux(track.rest())

    def _mux(self, packets: list[av.Packet[AudioStream]]) -> None:
        """Write packets, but for those of damaged sound whose time does not go on: no file may."""
        for packet in packets:
            index, stamp = packet.stream_index, packet.pts if packet.dts is None else packet.dts
            moment = cast(int, stamp) * packet.time_base
            if moment < 0 and not self._timed:
                continue
            target = cast(AudioStream, self._output.streams[index])
            rate = target.codec_context.sample_rate
            least = self._next_moment.get(index, moment)
            # Packets that are shorter than a tick of the input's clock stand at one moment there.
            # Where recordings were joined, sound may overlap.
            short = (packet.duration or 0) <= 1
            near = packet.time_base + Fraction(1, rate) if short else Fraction(0)
            if moment < least <= moment + max(near, _OVERLAP if self._source.joints else 0):
                moment = _move(packet, least, rate)
            elif moment < least:
                if _BACKWARDS not in self.notes:
                    self.notes.append(_BACKWARDS)
                continue
            self._next_moment[index] = moment + Fraction(1, rate)
            self._output.mux(packet)

    def close(self) -> None:
        """Close the source."""
        self._stack.close()


def _cannot_encode(stream: AudioStream, encoder: str, form: str, why: str) -> str:
    """Say why a track that cannot be copied is not encoded anew, either; "" where it is."""
    layout = stream.codec_context.layout
    if not encoder:
        return f"{form} cannot hold it"
    if not is_known(stream):
        return (
            f"{why}, and such sound is not decoded here; rewrite the input first, if you trust it: "
            "ffmpeg -i INPUT -c:v copy -c:a flac OUTPUT.mkv"
        )
    if not named(layout):
        return (
            f"it has {layout.nb_channels} channels without names, which no encoder takes; write "
            ".mkv to copy it"
        )
    return ""


def _move(packet: av.Packet[AudioStream], moment: Fraction, rate: int) -> Fraction:
    """Give a packet another moment, of whole samples, and return that."""
    length = (packet.duration or 0) * packet.time_base
    packet.time_base = Fraction(1, rate)
    packet.pts = packet.dts = math.ceil(moment * rate)
    packet.duration = round(length * rate)
    return packet.pts * packet.time_base
