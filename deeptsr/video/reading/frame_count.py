"""Counts the frames of a file: by its packets where they can be trusted, else by decoding."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from deeptsr.video.reading.decoder import DEMUX_ERRORS, Decoder, opened, video_stream

__all__ = ["PACKET_IS_FRAME", "Packets", "count_decoded", "last_duration", "scan"]

# Codecs of which one packet is one frame. Others hide frames (VP8) or merge and drop them (MPEG-4
# in AVI), and are counted by decoding.
PACKET_IS_FRAME = frozenset(
    {
        *("av1", "dnxhd", "ffv1", "ffvhuff", "h264", "hevc", "huffyuv", "mjpeg", "png", "prores"),
        *("qtrle", "rawvideo", "utvideo", "v210", "vp9"),
    }
)

# Headers round and guess: by so much a file may end before it says, seconds and frames.
_SPARE = Fraction(1, 5)
_SPARE_FRAMES = Fraction(3, 2)


@dataclass
class Packets:
    """What a pass over all packets of a file found.

    Attributes:
        stamps: of the frames that are shown, in the order of the file; None where there is none.
        last: stamp of the frame that is shown last, and its duration; 0 where it is not known.
        all: packets of video, with those that are not shown.
        named: how many frames the header names; 0 where it does not say.
        doubts: whether the frames must be counted by decoding.
        cut_off: whether something is missing: a packet is cut short, or the file ends before its
            header says that it does.
    """

    stamps: list[int | None] = field(default_factory=list)
    last: tuple[int, int] = (0, 0)
    all: int = 0
    named: int = 0
    doubts: bool = False
    cut_off: bool = False

    @property
    def known(self) -> list[int]:
        """The timestamps that there are."""
        return [stamp for stamp in self.stamps if stamp is not None]


def scan(container: InputContainer, stream: VideoStream) -> Packets:
    """Read all packets of a container without decoding them."""
    found = Packets(named=stream.frames)
    ends: dict[int, Fraction] = {}  # where the last packet of each stream ends, seconds
    first = Fraction(0)  # some containers count from 0, some from their first packet
    try:
        for packet in container.demux():
            if not packet.size:
                continue
            if packet.pts is not None and packet.time_base:
                begin = packet.pts * packet.time_base
                end = begin + (packet.duration or 0) * packet.time_base
                first = min(first, begin)
                ends[packet.stream_index] = max(end, ends.get(packet.stream_index, end))
            if packet.stream_index == stream.index:
                _note(found, cast("av.Packet[VideoStream]", packet))
    except DEMUX_ERRORS:
        found.cut_off = True
    found.last = found.last[0], last_duration(container, stream, found.last)
    # AVI's header counts the delay of an encoder that reorders frames, too.
    delay = container.format.name == "avi" and stream.codec_context.has_b_frames
    found.cut_off |= found.named > found.all + int(delay)
    found.doubts |= found.cut_off or found.named > found.all
    # Pictures that lead the first key frame refer to what is not there.
    found.doubts |= bool(found.known) and found.stamps[0] != min(found.known)
    if ends:
        frame = (max(ends.values()) - first) / max(found.all, 1)
        length = Fraction(container.duration or 0, av.time_base)
        found.cut_off |= length - (max(ends.values()) - first) > _SPARE + 2 * frame
        shown_until = ends.get(stream.index, first)
        found.cut_off |= _named_end(stream) - shown_until > _SPARE_FRAMES * frame
    return found


def last_duration(container: InputContainer, stream: VideoStream, last: tuple[int, int]) -> int:
    """Return how long the frame that is shown last is shown, in units of the stream's clock.

    Args:
        container: that holds the stream.
        stream: of video.
        last: the frame's stamp, and its packet's duration.
    """
    stamp, duration = last
    # MP4 has durations in the order of coding: only their sum tells when the last frame ends.
    if "mp4" in container.format.name and stream.duration and stream.start_time is not None:
        return max(0, stream.start_time + stream.duration - stamp)
    return duration


def _note(found: Packets, packet: av.Packet[VideoStream]) -> None:
    # Without its first key frame a decoder drops frames until it finds one.
    found.doubts |= packet.is_discard or (found.all == 0 and not packet.is_keyframe)
    found.cut_off |= packet.is_corrupt
    found.all += 1
    if not packet.is_discard:
        stamp = packet.dts if packet.pts is None else packet.pts
        found.stamps.append(stamp)
        if stamp is not None and (len(found.stamps) == 1 or stamp > found.last[0]):
            found.last = stamp, packet.duration or 0


def _named_end(stream: VideoStream) -> Fraction:
    """Return where a Matroska file says that its video ends, seconds; 0 where it does not."""
    parts = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if parts is None:
        return Fraction(0)
    hours, minutes, seconds = parts.groups()
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def count_decoded(path: Path) -> tuple[int, list[int], int]:
    """Count frames, list their timestamps as far as they have any, count undecodable packets."""
    frames = 0
    stamps = []
    with opened(path) as container:
        decoder = Decoder(container, video_stream(container, path))
        for frame in decoder:
            frames += 1
            if frame.pts is not None:
                stamps.append(frame.pts)
    return frames, stamps, decoder.skipped
