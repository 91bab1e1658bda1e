"""Makes sound whole: from moment 0 on, without gaps, and stretched in time at its pitch."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.filter import Graph

from deeptsr.video.tracks.layouts import named

__all__ = ["Whole", "decoded"]

_SLOWEST = Fraction(1, 2)  # that one filter takes


class Whole:
    """Decodes the packets of a track, fills its gaps, stretches it, and encodes it.

    It begins at moment 0 of the output, with silence where the track begins later.

    Args:
        target: the stream that is encoded into; its encoder is set up.
        source: the track.
        by: seconds of the output a second of the source.
        length: seconds of the source that are used; None: all from moment 0 on.
    """

    def __init__(
        self, target: AudioStream, source: AudioStream, by: Fraction, length: Fraction | None
    ) -> None:
        self._target, self._made = target, 0
        spoken, context = source.codec_context, target.codec_context
        until = "" if length is None else f":end={float(length):.9f}"
        self._graph = Graph()
        filters = [
            self._graph.add_abuffer(
                sample_rate=spoken.sample_rate,
                format=spoken.format.name,
                layout=named(spoken.layout),
                time_base=Fraction(1, spoken.sample_rate),
            ),
            self._graph.add("atrim", f"start=0{until}"),
            # Gaps are filled: the filters that follow count samples, and know of no moments.
            self._graph.add("aresample", "async=1:first_pts=0"),
            *(self._graph.add("atempo", f"tempo={float(tempo)!r}") for tempo in _tempos(1 / by)),
            self._graph.add(
                "aformat",
                f"sample_fmts={context.format.name}:sample_rates={context.sample_rate}"
                f":channel_layouts={context.layout.name}",
            ),
            self._graph.add("abuffersink"),
        ]
        self._graph.link_nodes(*filters).configure()

    def packets(
        self, packet: av.Packet[AudioStream], offset: Fraction
    ) -> list[av.Packet[AudioStream]]:
        """Return what is ready when a packet is in; its moment ``offset`` is 0 in the output."""
        for frame in decoded(packet):
            if frame.pts is None or frame.time_base is None:
                continue
            moment = frame.pts * frame.time_base - offset
            frame.pts = round(moment * frame.sample_rate)
            frame.time_base = Fraction(1, frame.sample_rate)
            self._graph.push(frame)
        return self._encode()

    def rest(self) -> list[av.Packet[AudioStream]]:
        """Return what was still held back."""
        self._graph.push(None)
        return [*self._encode(), *self._target.encode(None)]

    def _encode(self) -> list[av.Packet[AudioStream]]:
        packets: list[av.Packet[AudioStream]] = []
        for piece in self._ready():
            piece.pts, piece.time_base = self._made, Fraction(1, piece.sample_rate)
            self._made += piece.samples
            packets += self._target.encode(piece)
        return packets

    def _ready(self) -> Iterator[av.AudioFrame]:
        while True:
            try:
                yield cast(av.AudioFrame, self._graph.pull())
            except (av.BlockingIOError, av.EOFError):
                return


def decoded(packet: av.Packet[AudioStream]) -> list[av.AudioFrame]:
    """Decode a packet, and name its channels; a damaged one is a moment of silence."""
    try:
        return [_with_names(frame) for frame in packet.decode()]
    except av.FFmpegError:
        return []


def _with_names(frame: av.AudioFrame) -> av.AudioFrame:
    """Say what the channels are, where the file does not: no encoder takes them otherwise."""
    layout = named(frame.layout)
    if frame.layout.name == layout:
        return frame
    same = av.AudioFrame.from_ndarray(frame.to_ndarray(), frame.format.name, layout)
    same.sample_rate, same.pts, same.time_base = frame.sample_rate, frame.pts, frame.time_base
    return same


def _tempos(tempo: Fraction) -> list[Fraction]:
    """Split a tempo into ones that a filter takes; none for sound as fast as it was.

    >>> _tempos(Fraction(1, 3))
    [Fraction(1, 2), Fraction(2, 3)]
    """
    if tempo == 1:
        return []
    tempos = []
    while tempo < _SLOWEST:
        tempos.append(_SLOWEST)
        tempo /= _SLOWEST
    return [*tempos, tempo]
