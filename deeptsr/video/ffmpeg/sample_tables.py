"""What an MP4 or MOV claims to hold, before FFmpeg makes room for it.

Its tables may say in a few bytes that there are billions of samples, and that they are shown again
and again; FFmpeg would write down each of them when it opens the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["claims_too_much"]

_FOLDERS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf"))
_FOLDERS |= {b"udta", b"dinf", b"mvex", b"tref"}  # FFmpeg looks for tables there, too
_SAMPLE, _SHOWN = 72, 24  # bytes that FFmpeg takes for one, and for each time that it is shown
_LEAST = 1 << 29  # bytes that any file may take, and
_MOST = 64  # so many for a byte of its own
_BOXES = 1 << 17  # that are looked at; so many take a second
_EDIT = 12  # bytes of one, at least
_SOUND = int.from_bytes(b"soun")
_EACH = 0x100 | 0x200 | 0x400 | 0x800  # flags of a fragment: something is told of each sample


def claims_too_much(path: Path) -> bool:
    """Tell whether a file's tables claim far more than its bytes can hold; no other kind's do."""
    size = path.stat().st_size
    samples = edits = room = 0
    sound = plain = False
    with path.open("rb") as file:
        for kind, begin, length in _boxes(file, size):
            if kind in (b"trak", b"moof"):
                samples = edits = 0
                sound = plain = False
            elif kind == b"hdlr":
                sound |= _numbers(file, begin + 8)[0] == _SOUND
            elif kind == b"stts":  # one entry, and each sample lasts one tick: kept by chunks
                plain = _numbers(file, begin)[1] == 1 and _numbers(file, begin + 8)[1] == 1
            elif kind == b"stsz":
                same, count = _numbers(file, begin + 4)  # as large as all, and how many
                samples = 0 if sound and plain else count
                room += _SAMPLE * samples if same else 0  # else each is listed in the file
                room += _SHOWN * samples * edits
            elif kind == b"elst":
                edits = min(_numbers(file, begin)[1], length // _EDIT)
                room += _SHOWN * samples * edits
            elif kind == b"trun":
                flags, count = _numbers(file, begin)
                room += 0 if flags & _EACH else _SAMPLE * count
    return room > max(_LEAST, _MOST * size)


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box's kind, where its content begins, and its length; folders' boxes follow."""
    at, ends = 0, [size]  # of the folders that are open
    for _ in range(_BOXES):
        while ends and at + 8 > ends[-1]:
            at = ends.pop()
        if not ends:
            return
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        begin = at + 8
        if length == 1:
            high, low = _numbers(file, begin)
            length, begin = high << 32 | low, begin + 8
        end = at + length if length else ends[-1]
        if end < begin:  # no box: the rest of the folder is none, either
            at = ends.pop()
            continue
        yield kind, begin, end - begin
        if kind in _FOLDERS:
            ends.append(min(end, ends[-1]))
            end = begin
        at = end


def _numbers(file: BinaryIO, at: int) -> tuple[int, int]:
    file.seek(at)
    first, second = struct.unpack(">II", file.read(8).ljust(8, b"\0"))
    return first, second
