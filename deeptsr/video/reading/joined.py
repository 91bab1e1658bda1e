"""Time that goes on where the timestamps of a file start again.

Recordings are joined end to end, recorders and discs start their clocks anew: formats of broadcasts
allow that, and FFmpeg's program goes on across such a joint. Here it is done by the same rules, on
packets of all streams together, so that picture and sound stay with each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.stream import Stream

__all__ = ["Packets"]

_TS_DISCONT = 0x200  # FFmpeg's AVFMT_TS_DISCONT
_SECOND = 1_000_000  # ticks of the clock that counts here
_JUMP = 10 * _SECOND  # forward: FFmpeg's dts_delta_threshold
_BACK = _SECOND // 10  # by less than that, streams are just badly interleaved
_RECORDED = ("flv",)  # may start again as well, though their format does not say so


class Packets:
    """Iterates over the packets of some streams, of all without one; time goes on across joints.

    Attributes:
        joints: how often time went on.
    """

    def __init__(self, container: InputContainer, *streams: Stream) -> None:
        self.joints = 0
        self._container, self._streams = container, streams
        jumps = bool(container.format.flags & _TS_DISCONT)
        self._longest = _JUMP if jumps else None
        self._may_join = jumps or container.format.name in _RECORDED
        self._offset = 0  # that is added to all timestamps
        self._due: dict[int, int] = {}  # when each stream's next packet is due, and
        self._before: dict[int, int] = {}  # when its last one was decoded

    def __iter__(self) -> Iterator[av.Packet[Any]]:
        if not self._may_join:
            yield from self._container.demux(*self._streams)
            return
        wanted = {stream.index for stream in self._streams}
        for packet in self._container.demux():
            if packet.size and packet.dts is not None and packet.time_base:
                self._look(packet)
            if packet.time_base and self._offset:
                shift = round(self._offset / (_SECOND * packet.time_base))
                packet.pts = None if packet.pts is None else packet.pts + shift
                packet.dts = None if packet.dts is None else packet.dts + shift
            if not wanted or packet.stream_index in wanted:
                yield packet

    def _look(self, packet: av.Packet[Any]) -> None:
        if packet.stream.type not in ("video", "audio"):
            return
        index, base = packet.stream_index, packet.time_base
        moment = _count(packet.dts or 0, base) + self._offset
        due = self._due.get(index)
        if due is not None:
            back = moment + _BACK < self._before[index]
            if back or (self._longest is not None and abs(moment - due) > self._longest):
                self._offset += due - moment
                self.joints += 1
                moment = due
        self._before[index] = moment
        self._due[index] = moment + (_count(packet.duration or 0, base) or _length(packet.stream))


def _count(ticks: int, base: Fraction) -> int:
    return ticks * base.numerator * _SECOND // base.denominator


def _length(stream: Any) -> int:
    """Return how long a packet lasts that does not say so."""
    rate = stream.average_rate or stream.guessed_rate if stream.type == "video" else None
    return round(_SECOND / rate) if rate else 0
