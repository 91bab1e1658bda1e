"""Folders of images."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import ExifTags

from deeptsr.errors import InputError
from deeptsr.imaging.timeline import Timeline
from deeptsr.system.humanize import describe_rate
from deeptsr.video.destination import CONTAINERS
from deeptsr.video.ffmpeg.decoders import STILLS, guard
from deeptsr.video.ffmpeg.demuxers import PICTURES
from deeptsr.video.info import VideoInfo
from deeptsr.video.picture.color import ColorTags, is_hdr, is_wide, resolve
from deeptsr.video.picture.convert import tags_of, to_rgb
from deeptsr.video.picture.icc import tags_and_note
from deeptsr.video.picture.orientation import UPRIGHT, Orientation, from_exif
from deeptsr.video.picture.planes import bits, holds
from deeptsr.video.reading.pillow import BROKEN, RGB, as_probed, opened_image, to_picture

__all__ = ["files_of", "images_of", "natural_key", "probe_folder", "read_folder"]

FOLDER_RATE = Fraction(30)
_EXTENSIONS = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"))
_DEEP = frozenset((".png", ".tif", ".tiff", ".ppm", ".pgm"))  # may have more than 8 bits
_PNG_DEPTH = 24  # where a PNG says how many bits a sample has
_ALPHA_MODES = frozenset(("RGBA", "RGBa", "LA", "La", "PA"))  # Pillow's names


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


def files_of(path: Path) -> list[Path]:
    """Return the files that make up an input: the images of a folder, or the file itself.

    Raises:
        OSError: when the folder cannot be listed, or the file is none but a pipe or a device.
    """
    if path.is_dir():
        return images_of(path)[0]
    if not path.is_file():
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    return [path]


def probe_folder(folder: Path) -> VideoInfo:
    """Look at a folder of images, of which each is a frame.

    Raises:
        InputError: when it holds no image, one that cannot be read, or images of several sizes.
    """
    images, others = _listed(folder)
    if not images and any(path.suffix.lower() in CONTAINERS for path in folder.iterdir()):
        raise InputError(
            f"{folder} holds videos and no image; expected one video, or a folder of images; for "
            "all of them: deeptsr batch FOLDER -o RESULTS"
        )
    if not images:
        raise InputError(
            f"{folder} holds no image; expected files such as 00001.png; known endings are "
            f"{', '.join(sorted(_EXTENSIONS))}"
        )
    headers = [_header(image) for image in images]
    width, height = headers[0].size
    for image, header in zip(images, headers, strict=True):
        if header.size != (width, height):
            raise InputError(
                f"{image} has {header.size[0]}x{header.size[1]} pixels and {images[0].name} has "
                f"{width}x{height}; expected one size; remove it or scale it"
            )
    notes = [
        f"a folder of images has no frame rate: taken as {describe_rate(FOLDER_RATE)}; to have "
        "another, make a video of it first: ffmpeg -framerate 24 -pattern_type glob -i "
        f"'FOLDER/*{images[0].suffix}' -c:v ffv1 OUTPUT.mkv"
    ]
    if others:
        notes.append(f"{others} other files or folders in {folder} are ignored")
    notes += _gap_notes([image.name for image in images])
    pix_fmt, codec, tags = _format(images[0])
    if tags == ColorTags():  # what FFmpeg reads goes before a profile, as in PNGs that have both
        profiles = {header.profile for header in headers}
        tags, note = tags_and_note(headers[0].profile, alike=len(profiles) == 1)
        notes += note
    notes += _depth_notes(images)
    maybe = (image for image, header in zip(images, headers, strict=True) if header.alpha)
    return VideoInfo(
        path=folder,
        kind="folder",
        width=width,
        height=height,
        timeline=Timeline.constant(FOLDER_RATE, len(images)),
        color=replace(RGB, primaries=tags.primaries, transfer=tags.transfer),
        sample_aspect_ratio=Fraction(1),
        pix_fmt=pix_fmt or "rgb24",
        codec=codec,
        has_audio=False,
        depth=min(16, bits(pix_fmt or "rgb24")),
        alpha=any(_picture(image)[..., 3].min() < 1 for image in maybe),
        notes=tuple(notes),
    )


def read_folder(info: VideoInfo, wanted: range) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the images of a folder as (H, W, 3) in [0, 1]; (H, W, 4) with alpha.

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
        yield as_probed(_picture(images[index]), info, images[index].name)


def _gap_notes(names: list[str]) -> list[str]:
    """Say so where numbered images are missing."""
    numbered = [re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", name) for name in names]
    gaps = [
        (one, int(b[2]) - int(a[2]) - 1, other)
        for one, a, other, b in zip(names, numbered, names[1:], numbered[1:], strict=False)
        if a and b and a[1] == b[1] and int(b[2]) - int(a[2]) > 1
    ]
    if not gaps or len(gaps) == len(names) - 1:  # every tenth, say, is a way to number
        return []
    missing = sum(count for _, count, _ in gaps)
    first, _, then = gaps[0]
    return [
        f"{missing} numbers are missing between the images, first between {first} and {then}: the "
        "motion jumps there; put copies of the image before each gap in, to keep the time"
    ]


def _depth_notes(images: list[Path]) -> list[str]:
    """Say so where PNGs have several depths: the first one's holds for all."""
    depths = [_png_depth(image) for image in images if image.suffix.lower() == ".png"]
    if not depths or max(depths) <= max(8, depths[0]):
        return []
    return [
        f"{images[0].name} has {depths[0]} bits a sample and others have {max(depths)}: the result "
        f"has {depths[0]}; make them alike to keep more"
    ]


def _png_depth(image: Path) -> int:
    with image.open("rb") as file:
        head = file.read(_PNG_DEPTH + 1)
    return head[_PNG_DEPTH] if len(head) > _PNG_DEPTH else 0


@dataclass(frozen=True)
class _Header:
    """What an image says before its pixels are read.

    Attributes:
        mode: Pillow's name of its pixel format.
        size: width and height as shown, pixels.
        orientation: how it is turned to be shown.
        turned: whether Pillow turns it when it reads the pixels.
        alpha: whether it may be transparent.
        profile: the ICC profile of its colours, or b"".
    """

    mode: str
    size: tuple[int, int]
    orientation: Orientation
    turned: bool
    alpha: bool
    profile: bytes


def _header(image: Path) -> _Header:
    try:
        with opened_image(image) as file:
            # Pillow decodes a whole PNG to look for EXIF behind its pixels.
            late = file.format == "PNG" and "exif" not in file.info
            orientation = from_exif(1 if late else file.getexif().get(ExifTags.Base.Orientation, 1))
            alpha = file.mode in _ALPHA_MODES or "transparency" in file.info
            turned = file.format == "TIFF" and orientation != UPRIGHT
            if turned:
                file.load()  # it tells the size as stored or as shown, depending on its version
            size = file.size if turned else orientation.size(*file.size)
            profile = file.info.get("icc_profile") or b""
            return _Header(file.mode, size, orientation, turned, alpha, profile)
    except InputError:
        raise
    except BROKEN as error:
        raise _unreadable(image) from error


def _picture(image: Path) -> npt.NDArray[np.float32]:
    """Read an image as it is shown, (H, W, 4): see ``picture.convert.multiplied``."""
    header = _header(image)
    # Pillow would clip 16-bit grey when it makes RGB of it; anything else it converts well.
    deep = header.mode == "F" or header.mode.startswith("I")
    try:
        with opened_image(image) as file:
            pixels = np.asarray(file if deep else file.convert("RGBA"))
    except InputError:
        raise
    except BROKEN as error:
        raise _unreadable(image) from error
    if header.mode == "I":
        pixels = pixels.clip(0, 65535).astype(np.uint16)
    # Pillow reads colours of 16 bits at 8.
    finer = None if deep else _deep(image)
    if finer is None and header.turned:
        return to_picture(pixels)
    return header.orientation.turn(to_picture(pixels) if finer is None else finer)


def _deep(image: Path) -> npt.NDArray[np.float32] | None:
    """Read colours of more than 8 bits with FFmpeg, as stored; None where there are no more."""
    if image.suffix.lower() not in _DEEP:
        return None
    try:
        with image.open("rb") as file, av.open(file, "r", options=dict(PICTURES)) as container:
            guard(container, STILLS)
            pix_fmt = container.streams.video[0].codec_context.pix_fmt
            if pix_fmt is None or bits(pix_fmt) <= 8:
                return None
            frame = next(container.decode(video=0))
    except (av.FFmpegError, OSError, ValueError, IndexError, StopIteration):
        return None
    kind = holds(frame.format.name)
    tags = resolve(tags_of(frame), kind=kind, width=frame.width, height=frame.height)
    return to_rgb(frame, replace(tags, range="pc"), alpha=True)


def _listed(folder: Path) -> tuple[list[Path], int]:
    try:
        return images_of(folder)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be listed ({error.strerror}); give yourself permission to read it"
        ) from error


def _format(image: Path) -> tuple[str, str, ColorTags]:
    """Read pixel format, codec and tags as FFmpeg names them; "" and the ending where unknown."""
    try:
        with image.open("rb") as file, av.open(file, "r", options=dict(PICTURES)) as container:
            guard(container, STILLS)
            context = container.streams.video[0].codec_context
            tags = tags_of(next(container.decode(video=0)))
            # What SDR images say (sRGB, a gamma) is how screens show video, too.
            tags = tags if is_hdr(tags) or is_wide(tags) else ColorTags()
            return context.pix_fmt or "", context.codec.canonical_name, tags
    except (av.FFmpegError, OSError, ValueError, IndexError, StopIteration):
        return "", image.suffix[1:].lower(), ColorTags()


def _unreadable(image: Path) -> InputError:
    return InputError(f"{image} cannot be read as an image; it is damaged; remove or replace it")
