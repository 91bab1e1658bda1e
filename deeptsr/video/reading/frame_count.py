"""Counts the frames of a file: by its packets where they can be trusted, else by decoding."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from deeptsr.video.reading.decoder import (
    DEMUX_ERRORS,
    Decoder,
    named_duration,
    opened,
    video_stream,
)
from deeptsr.video.reading.joined import Packets

__all__ = [
    "PACKET_IS_FRAME",
    "REORDERED",
    "Tally",
    "count_decoded",
    "last_duration",
    "scan",
    "undelayed",
]

# Codecs of which one packet is one frame. Others hide frames (VP8) or merge and drop them (MPEG-4
# in AVI), and are counted by decoding.
PACKET_IS_FRAME = frozenset(
    {
        *("av1", "dnxhd", "ffv1", "ffvhuff", "h264", "hevc", "huffyuv", "mjpeg", "png", "prores"),
        *("qtrle", "rawvideo", "utvideo", "v210", "vp9"),
    }
)

REORDERED = frozenset({"mpeg4", "h264", "hevc", "mpeg2video"})

# Headers round and guess: by so much a file may end before it says, seconds and frames.
_SPARE = Fraction(1, 5)
_SPARE_FRAMES = Fraction(3, 2)


@dataclass
class Tally:
    """What a pass over all packets of a file found.

    Attributes:
        stamps: of the frames that are shown, in the order of the file; None where there is none.
        last: stamp of the frame that is shown last, and its duration; 0 where it is not known.
        all: packets of video, with those that are not shown.
        named: how many frames the header names; 0 where it does not say.
        doubts: whether the frames must be counted by decoding.
        cut_off: whether something is missing: a packet is cut short, or the file ends before its
            header says that it does.
        trimmed: whether an edit list hides some frames.
        joints: how often the timestamps start again, or jump.
        corrupt: packets in which something is missing.
        encrypted: whether there are packets that take a key to be read.
        end: where the last packet ends, bytes from the beginning of the file.
    """

    stamps: list[int | None] = field(default_factory=list)
    last: tuple[int, int] = (0, 0)
    all: int = 0
    named: int = 0
    doubts: bool = False
    cut_off: bool = False
    trimmed: bool = False
    joints: int = 0
    corrupt: int = 0
    encrypted: bool = False
    end: int = 0

    @property
    def known(self) -> list[int]:
        """The timestamps that there are."""
        return [stamp for stamp in self.stamps if stamp is not None]


def scan(container: InputContainer, stream: VideoStream) -> Tally:
    """Read all packets of a container without decoding them."""
    tally = Tally(named=_named(container, stream))
    ends: dict[int, Fraction] = {}  # where the last packet of each stream ends, seconds
    first = Fraction(0)  # some containers count from 0, some from their first packet
    packets = Packets(container)
    try:
        for packet in packets:
            if not packet.size:
                continue
            if packet.pts is not None and packet.time_base:
                begin = packet.pts * packet.time_base
                end = begin + (packet.duration or 0) * packet.time_base
                first = min(first, begin)
                ends[packet.stream_index] = max(end, ends.get(packet.stream_index, end))
            if packet.stream_index == stream.index:
                _note(tally, cast("av.Packet[VideoStream]", packet))
    except DEMUX_ERRORS:
        tally.cut_off = True
    tally.joints = packets.joints
    # Y4M names no length, and FFmpeg says nothing of a part of a frame that stands at its end.
    tally.cut_off |= container.format.name == "yuv4mpegpipe" and tally.end < container.size
    # At a joint, what counts packets starts again: those before and after it look torn.
    tally.cut_off |= tally.corrupt > 2 * tally.joints
    # The header counts all frames that are stored, and how long they last.
    tally.trimmed |= 0 < tally.named < stream.frames
    tally.last = tally.last[0], last_duration(container, stream, tally.last, tally.trimmed)
    # AVI's header counts the delay of an encoder that reorders frames, too, and frames left out.
    avi = container.format.name == "avi"
    delay = avi and stream.codec_context.has_b_frames
    there = max(tally.all, tally.last[0] + 1) if avi else tally.all
    tally.cut_off |= tally.named > there + int(delay)
    tally.doubts |= tally.cut_off or tally.named > there
    # Pictures that lead the first key frame refer to what is not there.
    tally.doubts |= bool(tally.known) and tally.stamps[0] != min(tally.known)
    if ends and not (tally.trimmed or tally.joints):
        frame = (max(ends.values()) - first) / max(tally.all, 1)
        length = Fraction(container.duration or 0, av.time_base)
        tally.cut_off |= length - (max(ends.values()) - first) > _SPARE + 2 * frame
        shown_until = ends.get(stream.index, first)
        tally.cut_off |= named_duration(stream) - shown_until > _SPARE_FRAMES * frame
    return tally


def _named(container: InputContainer, stream: VideoStream) -> int:
    """Return how many packets the header announces; 0 where it does not say."""
    # FFmpeg takes what an edit list hides out of the index, and leaves the count as it is.
    kept = len(stream.index_entries) if "mp4" in container.format.name else 0
    return min(kept, stream.frames) or stream.frames


def last_duration(
    container: InputContainer, stream: VideoStream, last: tuple[int, int], trimmed: bool = False
) -> int:
    """Return how long the frame that is shown last is shown, in units of the stream's clock.

    Args:
        container: that holds the stream.
        stream: of video.
        last: the frame's stamp, and its packet's duration.
        trimmed: whether an edit list hides some frames: then the stream's duration says little.
    """
    stamp, duration = last
    # MP4 has durations in the order of coding: only their sum tells when the last frame ends.
    length, begin = stream.duration, stream.start_time
    if "mp4" in container.format.name and length and begin is not None and not trimmed:
        return max(0, begin + length - stamp)
    return duration


def _note(tally: Tally, packet: av.Packet[VideoStream]) -> None:
    # Without its first key frame a decoder drops frames until it finds one.
    tally.trimmed |= packet.is_discard
    tally.doubts |= packet.is_discard or (tally.all == 0 and not packet.is_keyframe)
    tally.corrupt += packet.is_corrupt
    tally.encrypted |= packet.has_sidedata("encryption_info")
    tally.all += 1
    tally.end = (packet.pos or 0) + packet.size
    if not packet.is_discard:
        stamp = packet.dts if packet.pts is None else packet.pts
        tally.stamps.append(stamp)
        if stamp is not None and (len(tally.stamps) == 1 or stamp > tally.last[0]):
            tally.last = stamp, packet.duration or 0


def count_decoded(path: Path, number: int) -> tuple[int, list[int], int]:
    """Count frames, list their timestamps as far as they have any, count undecodable packets."""
    frames = 0
    stamps = []
    with opened(path) as container:
        decoder = Decoder(container, video_stream(container, path, number))
        for frame in decoder:
            frames += 1
            if frame.pts is not None:
                stamps.append(frame.pts)
    return frames, stamps, decoder.skipped


def undelayed(stamps: list[int]) -> list[int]:
    """Close the gap behind the first frame: AVI has one where an encoder reorders frames.

    >>> undelayed([0, 2, 3, 4])
    [0, 1, 2, 3]
    """
    ticks = sorted(stamps)
    gaps = [b - a for a, b in pairwise(ticks)]
    if len(gaps) < 2 or gaps[0] != 2 or set(gaps[1:]) != {1}:
        return stamps
    return [ticks[0], *(tick - 1 for tick in ticks[1:])]
