"""A sound track on its way: its packets moved in time, or decoded and encoded anew."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream

from deeptsr.video.tracks.layouts import named, suited
from deeptsr.video.tracks.time_stretch import decoded

__all__ = ["Copied", "Encoded", "add_copy", "add_encoder", "can_hold"]


class Copied:
    """Moves the packets of a track in time."""

    def __init__(self, target: AudioStream) -> None:
        self._target = target

    def packets(
        self, packet: av.Packet[AudioStream], offset: Fraction
    ) -> list[av.Packet[AudioStream]]:
        """Return the packet; its moment ``offset`` is 0 in the output."""
        shift = round(offset / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._target
        return [packet]

    def rest(self) -> list[av.Packet[AudioStream]]:
        """Return what was still held back: nothing."""
        return []


class Encoded:
    """Decodes the packets of a track and encodes them anew."""

    def __init__(self, target: AudioStream) -> None:
        self._target, context = target, target.codec_context
        self._resampler = av.AudioResampler(context.format, context.layout, context.sample_rate)

    def packets(
        self, packet: av.Packet[AudioStream], offset: Fraction
    ) -> list[av.Packet[AudioStream]]:
        """Return what is ready when a packet is in; its moment ``offset`` is 0 in the output."""
        return [
            packet_out for frame in decoded(packet) for packet_out in self._encode(frame, offset)
        ]

    def _encode(self, frame: av.AudioFrame, offset: Fraction) -> list[av.Packet[AudioStream]]:
        packets: list[av.Packet[AudioStream]] = []
        for piece in self._resampler.resample(frame):
            if piece.pts is None or piece.time_base is None:
                continue
            moment = piece.pts * piece.time_base - offset
            piece.pts = round(moment * piece.sample_rate)
            piece.time_base = Fraction(1, piece.sample_rate)
            if piece.pts >= 0:
                packets += self._target.encode(piece)
        return packets

    def rest(self) -> list[av.Packet[AudioStream]]:
        """Return what was still held back."""
        return self._target.encode(None)


def add_copy(output: OutputContainer, source: AudioStream) -> AudioStream:
    """Add a stream to an output for a track that is copied."""
    target = output.add_stream_from_template(source)
    layout = source.codec_context.layout
    # MP4 says where each channel of PCM is heard: without names it takes none.
    if named(layout) not in ("", layout.name):
        target.codec_context.layout = named(layout)
    return target


def add_encoder(output: OutputContainer, encoder: str, source: AudioStream) -> AudioStream:
    """Add a stream to an output for a track that is encoded anew."""
    spoken = source.codec_context
    rates = av.Codec(encoder, "w").audio_rates
    rate = spoken.sample_rate if not rates or spoken.sample_rate in rates else 48_000
    target = cast(AudioStream, output.add_stream(encoder, rate=rate))
    context = target.codec_context
    context.layout = suited(encoder, spoken.layout)
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
