"""Carries the sound of a source into an output, packet by packet beside the frames."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream

from deeptsr.video.destination import Container
from deeptsr.video.info import VideoInfo
from deeptsr.video.reading.decoder import DEMUX_ERRORS, opened
from deeptsr.video.tracks.time_stretch import Slowed, decoded

__all__ = ["AudioFeed", "can_hold"]

_BACKWARDS = "some sound is left out, as its times run backwards: the input is damaged there"


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
        self._early = container.late_start  # else the first picture would be held meanwhile
        self._tracks: dict[int, _Copy | _Encode | Slowed] = {}
        self._next_moment: dict[int, Fraction] = {}  # that an output stream can have, at least
        self._stack = ExitStack()
        self._input = self._stack.enter_context(opened(source.path))
        for stream in self._input.streams.audio:
            track = self._track(stream, container)
            if track is not None:
                self._tracks[stream.index] = track
        self._packets = self._demux()
        self._next = next(self._packets, None)

    def _track(self, stream: AudioStream, container: Container) -> _Copy | _Encode | Slowed | None:
        if stream.codec_context is None:
            self.notes.append("a sound track of an unknown codec is left out")
            return None
        name = stream.codec_context.codec.canonical_name
        if self._slow == 1 and can_hold(container.format, stream):
            return _Copy(self._output.add_stream_from_template(stream))
        encoder = next((e for e in container.audio if e in av.codecs_available), None)
        if encoder is None:
            self.notes.append(f"sound ({name}) is left out: {container.format} cannot hold it")
            return None
        target = _encoded(self._output, encoder, stream)
        if self._slow != 1:
            return Slowed(target, stream, self._slow, self._length)
        track = _Encode(target)
        self.notes.append(f"sound is encoded as {encoder}: {container.format} cannot hold {name}")
        return track

    def _demux(self) -> Iterator[tuple[Fraction, av.Packet[AudioStream]]]:
        """Yield packets of the stretch with their moment in the output."""
        streams = [s for s in self._input.streams.audio if s.index in self._tracks]
        open_ends = {s.index for s in streams}
        packets = self._input.demux(*streams) if streams else iter(())
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
            if until > 0 or self._keep_priming:
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
            if moment < 0 and not self._early:
                continue
            if moment < self._next_moment.get(index, moment):
                if _BACKWARDS not in self.notes:
                    self.notes.append(_BACKWARDS)
                continue
            target = cast(AudioStream, self._output.streams[index])
            self._next_moment[index] = moment + Fraction(1, target.codec_context.sample_rate)
            self._output.mux(packet)

    def close(self) -> None:
        """Close the source."""
        self._stack.close()


class _Copy:
    """Moves the packets of a track in time."""

    def __init__(self, target: AudioStream) -> None:
        self._target = target

    def packets(
        self, packet: av.Packet[AudioStream], offset: Fraction
    ) -> list[av.Packet[AudioStream]]:
        shift = round(offset / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._target
        return [packet]

    def rest(self) -> list[av.Packet[AudioStream]]:
        return []


class _Encode:
    """Decodes the packets of a track and encodes them anew."""

    def __init__(self, target: AudioStream) -> None:
        self._target, context = target, target.codec_context
        self._resampler = av.AudioResampler(context.format, context.layout, context.sample_rate)

    def packets(
        self, packet: av.Packet[AudioStream], offset: Fraction
    ) -> list[av.Packet[AudioStream]]:
        return [made for frame in decoded(packet) for made in self._encode(frame, offset)]

    def _encode(self, frame: av.AudioFrame, offset: Fraction) -> list[av.Packet[AudioStream]]:
        made: list[av.Packet[AudioStream]] = []
        for piece in self._resampler.resample(frame):
            if piece.pts is None or piece.time_base is None:
                continue
            moment = piece.pts * piece.time_base - offset
            piece.pts = round(moment * piece.sample_rate)
            piece.time_base = Fraction(1, piece.sample_rate)
            if piece.pts >= 0:
                made += self._target.encode(piece)
        return made

    def rest(self) -> list[av.Packet[AudioStream]]:
        return self._target.encode(None)


def _encoded(output: OutputContainer, encoder: str, source: AudioStream) -> AudioStream:
    """Add a stream to an output for a track that is encoded anew."""
    spoken = source.codec_context
    rates = av.Codec(encoder, "w").audio_rates
    rate = spoken.sample_rate if not rates or spoken.sample_rate in rates else 48_000
    target = cast(AudioStream, output.add_stream(encoder, rate=rate))
    # Opus and MP3 know other layouts by other names, or none: two channels suit all.
    layout = spoken.layout if spoken.layout.nb_channels <= 2 or encoder == "aac" else "stereo"
    context = target.codec_context
    context.layout = layout
    context.bit_rate = 96_000 * context.layout.nb_channels
    return target


def can_hold(format_name: str, stream: Stream) -> bool:
    """Tell whether a container takes the packets of a stream: FFmpeg knows only when it tries."""
    try:
        with av.open(io.BytesIO(), "w", format=format_name) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError, OSError):
        return False
    return True
