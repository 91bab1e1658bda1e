"""Yields the frames of an input, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import numpy.typing as npt

from deeptsr.errors import InputError
from deeptsr.video.ffmpeg.filters import deinterlaced
from deeptsr.video.info import VideoInfo, selected
from deeptsr.video.picture.convert import flatten, to_rgb
from deeptsr.video.picture.planes import holds
from deeptsr.video.reading.decoder import Decoder, opened, video_stream
from deeptsr.video.reading.gif import read_gif
from deeptsr.video.reading.image_folder import read_folder

__all__ = ["read"]


def read(
    info: VideoInfo,
    start: float | None = None,
    end: float | None = None,
    *,
    skip: int = 0,
    alpha: bool = False,
    notes: list[str] | None = None,
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the frames of an input in presentation order.

    Frames before the start are decoded and thrown away, so that a frame's index never rests on a
    seek. Matrix and range are those of ``info.color``: the file's tags, else BT.601 for standard
    and BT.709 for high definition (:func:`deeptsr.video.picture.color.convention`).

    Args:
        info: from :func:`deeptsr.video.probe`.
        start: first moment that is used, seconds after the first frame; None: the beginning.
        end: first moment that is no longer used, seconds; None: the end.
        skip: how many of these frames are left out at the beginning.
        alpha: whether to keep the alpha channel; without, frames are laid over the background.
        notes: what the user should be told is appended here, at the end.

    Yields:
        (H, W, 3) R'G'B' in [0, 1], as many as :func:`deeptsr.video.selected` says, less
        ``skip``; with alpha (H, W, 4): R'G'B' multiplied by alpha, and alpha.

    Raises:
        InputError: at once when start and end select no frame; while reading when the input
            changed since it was probed, or breaks off.
    """
    wanted = selected(info, start, end)[skip:]
    notes = [] if notes is None else notes
    if info.whole is None:
        return _read(info, wanted, alpha, notes)
    kept = [n for n in range(info.whole.frames) if n not in info.dropped]
    kept.append(info.whole.frames)
    stored = range(kept[wanted.start], kept[wanted.stop])
    frames = _read(info.whole, stored, alpha, notes)
    return (frame for n, frame in zip(stored, frames, strict=True) if n not in info.dropped)


def _read(
    info: VideoInfo, wanted: range, alpha: bool, notes: list[str]
) -> Iterator[npt.NDArray[np.float32]]:
    if info.kind == "folder":
        frames = read_folder(info, wanted)
    elif info.kind == "gif":
        frames = read_gif(info, wanted)
    else:
        frames = _read_video(info, wanted, notes)
    if alpha or not info.alpha:
        return frames
    return (flatten(frame, info.background) for frame in frames)


def _read_video(
    info: VideoInfo, wanted: range, notes: list[str]
) -> Iterator[npt.NDArray[np.float32]]:
    count, first_mended = 0, None
    shown, (left, right, top, bottom) = info.orientation.size(info.width, info.height), info.crop
    stored = shown[0] + left + right, shown[1] + top + bottom
    with opened(info.path) as container:
        decoder = Decoder(container, video_stream(container, info.path, info.stream))
        # It is closed before the container: FFmpeg's decoder must not outlive its file.
        with closing(iter(decoder)) as decoded:
            frames = deinterlaced(decoded) if info.deinterlace else decoded
            for index, frame in enumerate(frames):
                count = index + 1
                if first_mended is None and decoder.mended:
                    first_mended = index
                if count > info.frames:
                    break
                if index not in wanted:
                    if index >= wanted.stop and wanted.stop < info.frames:
                        count = info.frames  # nobody looks further
                        break
                    continue
                if (frame.width, frame.height) != stored:
                    raise InputError(
                        f"frame {index} of {info.path} has {frame.width}x{frame.height} pixels "
                        f"after frames of {stored[0]}x{stored[1]}; expected one size; rewrite "
                        f"it first: ffmpeg -i INPUT -vf scale={stored[0]}:{stored[1]} OUTPUT"
                    )
                if holds(frame.format.name) != holds(info.pix_fmt):
                    raise InputError(
                        f"frame {index} of {info.path} has the pixel format {frame.format.name} "
                        f"after {info.pix_fmt}; expected one; rewrite it first: "
                        "ffmpeg -i INPUT -pix_fmt yuv420p OUTPUT"
                    )
                picture = to_rgb(frame, info.color, alpha=info.alpha)
                picture = picture[top : stored[1] - bottom, left : stored[0] - right]
                yield np.ascontiguousarray(info.orientation.turn(picture))
        if decoder.mended:
            notes.append(_damage(info, decoder.mended, first_mended or 0))
    if count != info.frames:
        what = "more than that" if count > info.frames else f"only {count}"
        raise InputError(
            f"{info.path} was counted to have {info.frames} frames and has {what}: it is damaged, "
            "or changed meanwhile; rewrite it first: ffmpeg -i INPUT OUTPUT"
        )


def _damage(info: VideoInfo, mended: int, first: int) -> str:
    moment = info.timeline.moment(first) - info.start
    return (
        f"the file is damaged about {float(moment):.1f} s after its beginning: {mended} of its "
        f"{info.frames} frames {'is' if mended == 1 else 'are'} used as far as could be mended; "
        "look at them in the result, or get the file anew"
    )
