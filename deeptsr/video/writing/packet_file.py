"""Encoded frames in a file of their own, exactly as the encoder gave them.

No container keeps the packets of every codec with their timestamps: Matroska rounds them to
milliseconds, NUT does not know ProRes, MP4 not FFV1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import av
from av.packet import PacketSideData, packet_sidedata_type_from_literal

__all__ = ["read_packets", "versions", "write_packet"]

# Presentation time, size, size of the alpha channel beside it, whether a key frame. Decoding times
# are made when parts are joined.
_HEAD = struct.Struct("<qQQ?")
_ALPHA: Final = "matroska_block_additional"  # how FFmpeg hands on the alpha channel of VP8 and VP9


def versions() -> str:
    """Name what encodes: packets of other versions may not go into one file."""
    codecs = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__}, libavcodec {codecs}"


def write_packet(file: IO[bytes], packet: av.Packet[Any]) -> None:
    """Append a packet to a file.

    Raises:
        OSError: when it cannot be written.
    """
    if packet.pts is None:
        raise ValueError("the encoder gave a frame without a timestamp")
    alpha = bytes(packet.get_sidedata(_ALPHA)) if packet.has_sidedata(_ALPHA) else b""
    file.write(_HEAD.pack(packet.pts, packet.size, len(alpha), packet.is_keyframe))
    file.write(bytes(packet))
    file.write(alpha)


def read_packets(path: Path) -> Iterator[av.Packet[Any]]:
    """Yield the packets of a file, in the order in which they were written.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it ends within a packet.
    """
    with path.open("rb") as file:
        while head := file.read(_HEAD.size):
            pts, size, beside, is_keyframe = _HEAD.unpack(_exactly(head, _HEAD.size))
            # It is made of a size, then filled: beyond its end, where FFmpeg looks, memory is zero.
            packet: av.Packet[Any] = av.Packet(size)
            packet.update(_exactly(file.read(size), size))
            packet.pts, packet.is_keyframe = pts, is_keyframe
            if beside:
                kind = packet_sidedata_type_from_literal(_ALPHA)
                alpha = PacketSideData(kind, beside)  # type: ignore[call-arg]
                alpha.update(_exactly(file.read(beside), beside))
                packet.set_sidedata(alpha)
            yield packet


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError("a finished part breaks off within a frame")
    return data
