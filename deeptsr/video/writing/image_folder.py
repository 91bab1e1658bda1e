"""Writes a folder of PNGs."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from deeptsr.system.files import appeared, flush_to_disk
from deeptsr.system.ours import keep_mode, own_folder
from deeptsr.video.destination import Destination
from deeptsr.video.encoding.codecs import best_format
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import is_hdr, is_wide
from deeptsr.video.picture.convert import Frame, from_rgb
from deeptsr.video.reading.pillow import RGB
from deeptsr.video.writing.parts import Parts

__all__ = ["FolderSink", "remove_replaced"]

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)  # what a rename over something says


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
        overwrite: whether the images of a folder of that name may be replaced.
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
        overwrite: bool,
        size: tuple[int, int],
        source: VideoInfo,
        alpha: bool,
    ) -> None:
        self.notes: list[str] = []
        self._encoder = _PngEncoder(size, source, alpha)
        self._target, self._parts, self._resumable = target, parts, resumable
        self._partial = target.partial
        self._old = target.old  # of a run that was killed as it published
        replaced = _names(target.path) | _names(self._old)
        self._replaced = replaced if overwrite else frozenset()
        own_folder(self._partial)
        there = {image.name for image in self._partial.iterdir() if image.stat().st_size}
        while not all(self._name(n) in there for n in range(parts.frames)):
            parts.keep(len(parts.done) - 1)
        self._count = parts.frames
        kept = {self._name(n) for n in range(self._count)}
        for name in _names(self._partial) - kept:  # of a run that was killed
            (self._partial / name).unlink()

    def _name(self, number: int) -> str:
        return self._target.pattern % (number + 1)

    def write(self, frame: Frame) -> None:
        """Write a frame: (H, W, 3) in [0, 1], or (H, W, 4) with alpha."""
        data = self._encoder.encode(frame)
        with (self._partial / self._name(self._count)).open("xb") as file:
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
        final, old = self._target.path, self._old
        if _names(final) - self._replaced:
            raise appeared(final)
        self._open_up()
        if _is_folder(final):
            keep_mode(self._partial, final)
            if self._replaced:
                # A folder cannot be replaced in one step: the old one steps aside first.
                self._remove_old()
                os.rename(final, old)
        try:
            os.rename(self._partial, final)  # over nothing, or an empty folder: others refuse it
        except OSError as error:
            if old.exists() and not final.exists():
                os.rename(old, final)
            if error.errno in _TAKEN:
                raise appeared(final) from None
            raise
        flush_to_disk(final.parent)
        try:
            self._remove_old()
        except OSError as error:
            self.notes.append(
                f"what {final} held before is left in {old} ({error.strerror}): see what is of "
                "use, and remove it"
            )

    def _open_up(self) -> None:
        """Give the folder the permissions of its images, and to enter it: it was ours alone."""
        with suppress(OSError):
            image = (self._partial / self._name(0)).stat().st_mode & 0o777
            special = self._partial.stat().st_mode & 0o7000
            self._partial.chmod(special | image | (image & 0o444) >> 2)

    def _remove_old(self) -> None:
        """Remove what the output held at the start, and its folder; one that holds more stays."""
        if self._replaced and _is_folder(self._old):
            for name in self._replaced:
                (self._old / name).unlink(missing_ok=True)
            self._old.rmdir()

    def discard(self) -> None:
        """Remove what was written, unless a later run goes on with it."""
        if not (self._resumable and self._parts.frames):
            with suppress(OSError):
                for number in range(self._count + 1):  # the last may be torn
                    (self._partial / self._name(number)).unlink(missing_ok=True)
                self._partial.rmdir()


def remove_replaced(target: Destination) -> None:
    """Remove the images that an output replaced, where a run was killed before it could."""
    old = target.old
    if target.kind == "folder" and _is_folder(old):
        with suppress(OSError):  # what else is there stays
            for image in old.glob("*.[pP][nN][gG]"):
                image.unlink()
            old.rmdir()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _names(folder: Path) -> frozenset[str]:
    """The names in a folder; none where there is no folder."""
    return (
        frozenset(entry.name for entry in folder.iterdir()) if _is_folder(folder) else frozenset()
    )
