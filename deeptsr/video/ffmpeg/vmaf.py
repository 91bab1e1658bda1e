"""VMAF, by the ffmpeg program that imageio-ffmpeg brings, where that has libvmaf."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg
import numpy as np

from deeptsr.video.picture.color import ColorTags, rgb_to_yuv
from deeptsr.video.picture.convert import Frame

__all__ = ["Vmaf", "vmaf_missing"]

_TAGS = ColorTags("bt709", "tv")  # what the model was made for
_LEAST_SIDE = 32  # pixels: of smaller frames libvmaf crashes
# Both videos come through one pipe, the result above its truth.
_FILTER = (
    "split[a][b];[a]crop=iw:ih/2:0:0[result];[b]crop=iw:ih/2:0:ih/2[truth];"
    "[result][truth]libvmaf=log_fmt=json:log_path=vmaf.json:n_threads=2"
)


def vmaf_missing(size: tuple[int, int]) -> str:
    """Say why VMAF of frames of a size (width, height) cannot be measured here; "" where it can."""
    if min(size) < _LEAST_SIDE:
        return f"it needs frames of at least {_LEAST_SIDE} x {_LEAST_SIDE} pixels"
    return _lacking()


@functools.cache
def _lacking() -> str:
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        filters = subprocess.run(
            [program, "-hide_banner", "-filters"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        return f"imageio-ffmpeg has no ffmpeg that runs here ({error})"
    return "" if " libvmaf " in filters else f"{program} is built without libvmaf"


class Vmaf(AbstractContextManager["Vmaf"]):
    """Measures a video against its truth while the frames come; used as a context.

    Only luma counts, in 8 bits and with the matrix of BT.709: the default model knows no more.

    Args:
        size: width and height, pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        self._folder = tempfile.TemporaryDirectory()
        self._talk = tempfile.TemporaryFile()  # noqa: SIM115, closed in __exit__
        self._neutral = np.full((2, 2 * height, width), 128, np.uint8).tobytes()
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostats"]
        command += ["-f", "rawvideo", "-pix_fmt", "yuv444p", "-s", f"{width}x{2 * height}"]
        command += ["-i", "pipe:0", "-filter_complex", _FILTER, "-f", "null", "-"]
        self._process = subprocess.Popen(
            command,
            cwd=self._folder.name,  # no path has to be escaped for the filter
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._talk,
        )
        self._pipe = cast("IO[bytes]", self._process.stdin)

    def __exit__(self, *raised: object) -> None:
        self._process.kill()
        self._end()
        self._talk.close()
        self._folder.cleanup()

    def add(self, frame: Frame, truth: Frame) -> None:
        """Hand the next frame over, and that of the truth: (H, W, 3) in [0, 1] both."""
        luma = [np.rint(rgb_to_yuv(picture, _TAGS)[0]) for picture in (frame, truth)]
        # When the program has died, finish() says why.
        with suppress(OSError, ValueError):
            self._pipe.write(np.stack(luma).astype(np.uint8).tobytes())
            self._pipe.write(self._neutral)

    def finish(self) -> float:
        """Wait for the program, and return the mean over all frames, 0 .. 100.

        Raises:
            RuntimeError: when it failed, with its last words.
        """
        code = self._end()
        try:
            log = json.loads(Path(self._folder.name, "vmaf.json").read_text(encoding="utf-8"))
            return float(log["pooled_metrics"]["vmaf"]["mean"])
        except (OSError, ValueError, LookupError):
            self._talk.seek(0)
            words = self._talk.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(f"ffmpeg ended with {code}: {words[-1] if words else ''}") from None

    def _end(self) -> int:
        with suppress(OSError):
            self._pipe.close()
        return self._process.wait()
