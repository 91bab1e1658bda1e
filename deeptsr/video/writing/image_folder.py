"""Writes a folder of PNGs."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from deeptsr.system.files import flush_to_disk
from deeptsr.video.destination import Destination
from deeptsr.video.encoding.codecs import best_format
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import is_hdr, is_wide
from deeptsr.video.picture.convert import Frame, from_rgb
from deeptsr.video.reading.pillow import RGB
from deeptsr.video.writing.parts import Parts

__all__ = ["FolderSink"]


class _PngEncoder:
    """Makes PNGs."""

    def __init__(self, size: tuple[int, int], source: VideoInfo, alpha: bool) -> None:
        self._pix_fmt = best_format("png", source.depth, alpha)
        color = source.color
        # Images of standard range are sRGB to every viewer: only more than that is tagged.
        self._tags = replace(RGB, primaries=color.primaries, transfer=color.transfer)
        self._tags = self._tags if is_hdr(color) or is_wide(color) else RGB
        self._context = av.CodecContext.create("png", "w")
        self._context.width, self._context.height = size
        self._context.pix_fmt = self._pix_fmt
        self._context.time_base = Fraction(1)
        self._context.thread_count = 1  # each frame comes out as it goes in
        self._context.sample_aspect_ratio = source.sample_aspect_ratio
        _, _, self._context.color_primaries, self._context.color_trc = self._tags.codes()
        # Level 3: half the time of the default for a few per cent of size.
        self._context.options = {"compression_level": "3", "pred": "mixed"}

    def encode(self, frame: Frame) -> bytes:
        packets = self._context.encode(from_rgb(frame, self._pix_fmt, self._tags))
        return b"".join(bytes(packet) for packet in packets)


class FolderSink:
    """Writes frames as PNGs, numbered from 1; of 16 bits where the source has more than 8.

    Args:
        target: the folder, and how its images are named.
        parts: which images are finished.
        resumable: whether a later run may go on from them.
        size: width and height, pixels.
        source: whose depth, colours and pixel aspect ratio the images get.
        alpha: whether frames have an alpha channel.
    """

    def __init__(
        self,
        target: Destination,
        parts: Parts,
        *,
        resumable: bool,
        size: tuple[int, int],
        source: VideoInfo,
        alpha: bool,
    ) -> None:
        self.notes: list[str] = []
        self._encoder = _PngEncoder(size, source, alpha)
        self._target, self._parts, self._resumable = target, parts, resumable
        self._partial = target.partial
        self._partial.mkdir(exist_ok=True)
        there = {image.name for image in self._partial.iterdir() if image.stat().st_size}
        while not all(self._name(n) in there for n in range(parts.frames)):
            parts.keep(len(parts.done) - 1)
        self._count = parts.frames
        for name in there - {self._name(n) for n in range(self._count)}:  # of a run that was killed
            (self._partial / name).unlink()

    def _name(self, number: int) -> str:
        return self._target.pattern % (number + 1)

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1], or (H, W, 4) with alpha."""
        data = self._encoder.encode(frame)
        with (self._partial / self._name(self._count)).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._count += 1

    def cut(self) -> None:
        """Finish a part."""
        if self._count > self._parts.frames:
            flush_to_disk(self._partial)
            self._parts.add(self._count - self._parts.frames)

    def close(self) -> None:
        """Write what is still held back."""
        self.cut()

    def publish(self) -> None:
        """Give it its final name."""
        final = self._target.path
        if not final.exists():
            os.rename(self._partial, final)
            flush_to_disk(final.parent)
            return
        # A folder cannot be replaced in one step: the old one steps aside first.
        old = self._target.beside(".old")
        _remove_images(old)  # of a run that was killed here
        os.rename(final, old)
        try:
            os.rename(self._partial, final)
        except OSError:
            os.rename(old, final)
            raise
        flush_to_disk(final.parent)
        _remove_images(old)

    def discard(self) -> None:
        """Remove what was written, unless a later run goes on with it."""
        if not (self._resumable and self._parts.frames):
            with suppress(OSError):
                _remove_images(self._partial)


def _remove_images(folder: Path) -> None:
    """Remove a folder of PNGs if it is there; a folder that holds anything else stays."""
    if folder.is_dir():
        for image in folder.glob("*.[pP][nN][gG]"):
            image.unlink()
        folder.rmdir()
