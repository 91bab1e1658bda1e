"""Folders of images, and GIFs."""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
from PIL.Image import DecompressionBombError

from deeptsr.errors import InputError
from deeptsr.io.color import ColorTags
from deeptsr.io.info import VideoInfo
from deeptsr.io.planes import bits, has_alpha
from deeptsr.io.timing import describe_rate, find_timeline
from deeptsr.timeline import Timeline

__all__ = ["images_of", "is_gif", "natural_key", "probe_folder", "probe_gif", "read_folder"]
__all__ += ["read_gif"]

FOLDER_RATE = Fraction(30)
_EXTENSIONS = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"))
_RGB = ColorTags("gbr", "pc")
# What Pillow raises for broken files: it leaves many a check to what its parsing trips over.
_BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error),
    DecompressionBombError,
)


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort "frame2" before "frame10", and letters without regard to case.

    >>> sorted(["b10", "b9", "B1"], key=natural_key)
    ['B1', 'b9', 'b10']
    """
    parts = re.split(r"([0-9]+)", name.casefold())
    # Equal numbers ("1" and "01") keep an order too: by the name itself, at the very end.
    numbers: list[tuple[int, int | str]] = [(0, int(p)) if p.isdecimal() else (1, p) for p in parts]
    return (*numbers, (2, name))


def images_of(folder: Path) -> tuple[list[Path], int]:
    """Return the images of a folder in their natural order, and how many others lie there.

    Hidden files are overlooked.
    """
    images, others = [], 0
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_file() and path.suffix.lower() in _EXTENSIONS:
            images.append(path)
        else:
            others += 1
    return sorted(images, key=lambda path: natural_key(path.name)), others


def probe_folder(folder: Path) -> VideoInfo:
    """Look at a folder of images, of which each is a frame.

    Raises:
        InputError: when it holds no image, one that cannot be read, or images of several sizes.
    """
    images, others = _listed(folder)
    if not images:
        raise InputError(
            f"{folder} holds no image; expected files such as 00001.png; known endings are "
            f"{', '.join(sorted(_EXTENSIONS))}"
        )
    width, height = _size(images[0])
    for image in images:
        size = _size(image)
        if size != (width, height):
            raise InputError(
                f"{image} has {size[0]}x{size[1]} pixels and {images[0].name} has "
                f"{width}x{height}; expected one size; remove it or scale it"
            )
    notes = [
        f"a folder of images has no frame rate: taken as {describe_rate(FOLDER_RATE)}",
    ]
    if others:
        notes.append(f"{others} other files or folders in {folder} are ignored")
    if (
        iio.immeta(images[0], plugin="pillow", index=0, exclude_applied=False).get("Orientation", 1)
        > 1
    ):
        notes.append("the images ask viewers to turn them: they are used as stored, not turned")
    pix_fmt, codec = _format(images[0])
    if pix_fmt and has_alpha(pix_fmt):
        notes.append("the alpha channel is dropped")
    if pix_fmt and bits(pix_fmt) > 8:
        notes.append(f"{bits(pix_fmt)} bits a sample ({pix_fmt}): colours are read at 8 bits")
    return VideoInfo(
        path=folder,
        kind="folder",
        width=width,
        height=height,
        timeline=Timeline.constant(FOLDER_RATE, len(images)),
        color=_RGB,
        sample_aspect_ratio=Fraction(1),
        pix_fmt=pix_fmt or "rgb24",
        codec=codec,
        has_audio=False,
        notes=tuple(notes),
    )


def read_folder(info: VideoInfo, wanted: range) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the images of a folder as (H, W, 3) in [0, 1].

    Raises:
        InputError: when the folder changed since it was probed, or an image cannot be read.
    """
    images, _ = _listed(info.path)
    if len(images) != info.frames:
        raise InputError(
            f"{info.path} had {info.frames} images and now has {len(images)}; leave it as it is "
            "while it is read"
        )
    for index in wanted:
        try:
            pixels = _pixels(images[index])
        except _BROKEN as error:
            raise _unreadable(images[index]) from error
        yield _checked(_to_rgb(pixels), info, images[index].name)


def _pixels(image: Path) -> npt.NDArray[Any]:
    with iio.imopen(image, "r", plugin="pillow") as file:
        mode = file.metadata(index=0)["mode"]
        # Pillow would clip 16-bit grey when it makes RGB of it; anything else it converts well.
        deep = mode == "F" or mode.startswith("I")
        wanted = {} if deep else {"mode": "RGB"}  # of the pillow plugin alone
        pixels: npt.NDArray[Any] = file.read(index=0, **wanted)
    return pixels.clip(0, 65535).astype(np.uint16) if mode == "I" else pixels


def is_gif(path: Path) -> bool:
    """Tell whether a file begins as a GIF does, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(6) in (b"GIF87a", b"GIF89a")
    except OSError:
        return False


def probe_gif(path: Path) -> VideoInfo:
    """Look at a GIF; all frames are decoded, which is what tells how many there are.

    Raises:
        InputError: when not one frame can be decoded.
    """
    delays: list[int] = []  # milliseconds
    size = (0, 0)
    notes = []
    try:
        for pixels, delay in _gif_frames(path):
            delays.append(delay)
            size = (pixels.shape[1], pixels.shape[0])
    except _BROKEN:
        notes.append(f"the file is damaged: only the first {len(delays)} frames are used")
    if not delays:
        raise InputError(f"not one frame of {path} can be decoded; get the file anew")
    timeline, note = _gif_timeline(delays)
    notes += [note] if note else []
    notes += ["the alpha channel is dropped"] if _is_transparent(path) else []
    return VideoInfo(
        path=path,
        kind="gif",
        width=size[0],
        height=size[1],
        timeline=timeline,
        color=_RGB,
        sample_aspect_ratio=Fraction(1),
        pix_fmt="pal8",
        codec="gif",
        has_audio=False,
        notes=tuple(notes),
    )


def read_gif(info: VideoInfo, wanted: range) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the frames of a GIF as (H, W, 3) in [0, 1], each as a viewer shows it.

    Raises:
        InputError: when the file breaks off earlier than it did when it was probed.
    """
    frames = _gif_frames(info.path)
    for index in range(wanted.stop):
        try:
            pixels, _ = next(frames)
        except (StopIteration, *_BROKEN) as error:
            raise InputError(
                f"{info.path} had {info.frames} frames and now breaks off after {index}; leave it "
                "as it is while it is read"
            ) from error
        if index in wanted:
            yield _checked(_to_rgb(pixels), info, f"frame {index}")


def _gif_frames(path: Path) -> Iterator[tuple[npt.NDArray[Any], int]]:
    with iio.imopen(path, "r", plugin="pillow") as file:
        for index, pixels in enumerate(file.iter()):
            yield pixels, int(file.metadata(index=index).get("duration", 0))


def _is_transparent(path: Path) -> bool:
    """Tell whether the first frame lets something shine through.

    Later frames are transparent where they keep what the first one shows.
    """
    wanted = {"mode": "RGBA"}  # of the pillow plugin alone
    with iio.imopen(path, "r", plugin="pillow") as file:
        return bool(file.read(index=0, **wanted)[..., 3].min() < 255)


def _gif_timeline(delays: list[int]) -> tuple[Timeline, str]:
    # Viewers show a frame without a delay, or with one of 10 ms, for 100 ms.
    shown = [100 if delay <= 10 else delay for delay in delays]
    begins = list(itertools.accumulate(shown, initial=0))
    average = Fraction(1000 * len(shown), begins[-1])
    timeline, note = find_timeline(
        [moment // 10 for moment in begins[:-1]],  # a GIF counts hundredths of a second
        Fraction(1, 100),
        [average],
        frames=len(shown),
        last=shown[-1] // 10,
    )
    if timeline.is_constant and min(delays) <= 10:
        note = (
            f"the GIF names no usable delay: taken as {describe_rate(timeline.rate)}, as viewers do"
        )
    return timeline, note


def _listed(folder: Path) -> tuple[list[Path], int]:
    try:
        return images_of(folder)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be listed ({error.strerror}); give yourself permission to read it"
        ) from error


def _size(image: Path) -> tuple[int, int]:
    """Read width and height from the header alone."""
    try:
        shape = iio.improps(image, plugin="pillow", index=0).shape
    except _BROKEN as error:
        raise _unreadable(image) from error
    return shape[1], shape[0]


def _format(image: Path) -> tuple[str, str]:
    """Read pixel format and codec as FFmpeg names them; "" and the ending where it knows none."""
    try:
        with av.open(str(image.absolute())) as container:
            context = container.streams.video[0].codec_context
            return context.pix_fmt or "", context.codec.canonical_name
    except (av.FFmpegError, OSError, ValueError, IndexError):
        return "", image.suffix[1:].lower()


def _unreadable(image: Path) -> InputError:
    return InputError(f"{image} cannot be read as an image; it is damaged; remove or replace it")


def _to_rgb(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Turn any image that Pillow yields into (H, W, 3) in [0, 1]."""
    whole = np.iinfo(pixels.dtype).max if np.issubdtype(pixels.dtype, np.integer) else 1
    scaled = pixels.astype(np.float32) * np.float32(1 / whole)
    if scaled.ndim == 2:
        scaled = scaled[..., None]
    colors = scaled[..., :3] if scaled.shape[2] >= 3 else scaled[..., :1]
    return np.ascontiguousarray(np.broadcast_to(colors, (*scaled.shape[:2], 3)))


def _checked(frame: npt.NDArray[np.float32], info: VideoInfo, name: str) -> npt.NDArray[np.float32]:
    if frame.shape != (info.height, info.width, 3):
        raise InputError(
            f"{name} of {info.path} has {frame.shape[1]}x{frame.shape[0]} pixels; expected "
            f"{info.width}x{info.height}; leave the input as it is while it is read"
        )
    return frame
