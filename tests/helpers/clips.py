"""Small clips for the tests, made and measured with the ffmpeg program, not with PyAV."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

# (Kr, Kb) from ITU-R BT.601, BT.709 and BT.2020, a second time: the tests have their own truth.
LUMA = {"smpte170m": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020nc": (0.2627, 0.0593)}


def ffmpeg(*arguments: object, stdin: bytes = b"") -> bytes:
    """Run ffmpeg and return what it wrote to stdout."""
    command = [FFMPEG, "-v", "error", "-nostdin", "-y", "-threads", "2", *map(str, arguments)]
    if stdin:
        command.remove("-nostdin")
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def clip(
    path: Path,
    *options: object,
    size: str = "64x48",
    rate: str = "24000/1001",
    frames: int = 12,
    sound: float = 0,
) -> Path:
    """A moving test picture, with a tone of so many seconds."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=440:d={sound}:r=44100"]
    if not any(str(o).startswith("-c:v") for o in options) and path.suffix in (".mp4", ".mkv"):
        options = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", *options)
    if "-pix_fmt" not in options:
        options = ("-pix_fmt", "yuv420p", *options)
    ffmpeg(*inputs, "-frames:v", frames, *options, path)
    return path


def raw_clip(
    path: Path,
    numbers: np.ndarray,
    pix_fmt: str,
    size: tuple[int, int],
    *options: object,
    rate: str = "25",
) -> Path:
    """A clip of exactly these 8-bit numbers, in the order in which the pixel format has them."""
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", pix_fmt, "-s", f"{size[0]}x{size[1]}", "-r", rate),
        *("-i", "-", *(options or ("-c:v", "ffv1")), path),
        stdin=np.ascontiguousarray(numbers).tobytes(),
    )
    return path


def decode(path: Path, pix_fmt: str | None, size: tuple[int, int]) -> np.ndarray:
    """All frames as ffmpeg decodes them, uint8.

    "rgb24" gives (T, H, W, 3), "gray" (T, H, W), None the numbers of a yuv420p file: (T, n).
    """
    form = () if pix_fmt is None else ("-pix_fmt", pix_fmt)
    data = ffmpeg(
        "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", *form, "-"
    )
    width, height = size
    shapes = {
        "rgb24": (height, width, 3),
        "gray": (height, width),
        None: (height * width * 3 // 2,),
    }
    return np.frombuffer(data, np.uint8).reshape(-1, *shapes[pix_fmt])


def describe(path: Path) -> str:
    """What ``ffmpeg -i`` says of a file."""
    done = subprocess.run([FFMPEG, "-i", str(path)], capture_output=True, check=False)
    return done.stderr.decode()


def errors_of(path: Path) -> str:
    """What ffmpeg says is wrong with the pictures of a file."""
    quiet = (FFMPEG, "-v", "error", "-nostdin", "-threads", "1")
    command = [*quiet, "-i", str(path), "-map", "0:v:0", "-f", "rawvideo", "-"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.run(command, **pipes, check=False).stderr.decode()


def duration(path: Path) -> float:
    """Seconds that ``ffmpeg -i`` names."""
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", describe(path)).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def timestamps(path: Path, *, absolute: bool = False) -> list[Fraction]:
    """When each frame is shown, seconds, in the order of presentation.

    Counted from the first stream's beginning, or as the file has it.
    """
    copy = ("-copyts",) if absolute else ()
    text = ffmpeg(*copy, "-i", path, "-map", "0:v:0", "-c", "copy", "-f", "framecrc", "-").decode()
    base = Fraction(re.search(r"#tb 0: (\S+)", text).group(1))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return sorted(int(line.split(",")[2]) * base for line in lines)


def sound(path: Path) -> np.ndarray:
    """The sound as mono samples at 48 kHz from moment 0 on, silence where there is none."""
    data = ffmpeg(
        *("-i", path, "-map", "0:a:0", "-af", "aresample=48000:async=1:first_pts=0"),
        *("-ac", "1", "-f", "f32le", "-"),
    )
    return np.frombuffer(data, np.float32)


def sound_packets(path: Path) -> list[str]:
    """Size and checksum of each packet of sound."""
    text = ffmpeg("-i", path, "-map", "0:a:0", "-c", "copy", "-f", "framecrc", "-").decode()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [",".join(line.split(",")[4:6]) for line in lines]


def noise(frames: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Every 8-bit level in every place: (T, H, W, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), np.uint8)


def patches(seed: int = 1) -> np.ndarray:
    """A frame of 4 x 6 flat patches of 16 x 16 pixels, (64, 96, 3) in [0, 1]."""
    colors = np.random.default_rng(seed).random((4, 6, 3))
    colors[0, 0], colors[0, 1], colors[0, 2:5] = 0, 1, np.eye(3)
    return colors.repeat(16, 0).repeat(16, 1)


def to_yuv(rgb: np.ndarray, matrix: str, full: bool) -> np.ndarray:
    """The textbook's formula: (H, W, 3) in [0, 1] -> (3, H, W), not rounded."""
    kr, kb = LUMA[matrix]
    r, g, b = np.moveaxis(rgb.astype(np.float64), -1, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    pb, pr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    if full:
        return np.stack([255 * y, 128 + 255 * pb, 128 + 255 * pr])
    return np.stack([16 + 219 * y, 128 + 224 * pb, 128 + 224 * pr])


def from_yuv(yuv: np.ndarray, matrix: str, full: bool) -> np.ndarray:
    """The inverse of :func:`to_yuv`, clipped."""
    kr, kb = LUMA[matrix]
    y, u, v = yuv.astype(np.float64)
    y, u, v = (
        (y / 255, (u - 128) / 255, (v - 128) / 255)
        if full
        else ((y - 16) / 219, (u - 128) / 224, (v - 128) / 224)
    )
    r, b = y + (2 - 2 * kr) * v, y + (2 - 2 * kb) * u
    return np.clip(np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b], -1), 0, 1)
