"""Faults of the encoders that come with PyAV 18, and the options that keep clear of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["sound_options"]

_CPU = Path("/proc/cpuinfo")
_X265_SPILLS = range(33, 49)  # pixels of width


def sound_options(codec: str, size: tuple[int, int] | None) -> dict[str, str]:
    """Return the options with which an encoder does what it should; empty where it does anyway.

    libx264's code for AVX-512 reads memory that nobody wrote when it decides what later frames owe
    to a block (8 bits a sample, mbtree with frames in both directions), and chooses by it: the same
    frames come out otherwise each time. Its code for AVX2 does not, and takes no longer.

    libx265's assembler writes beyond its half-size pictures where those are 17 to 24 pixels wide,
    into whatever lies there: the process dies. Its plain code is slower, which such a size bears.

    Args:
        codec: FFmpeg's name of the encoder.
        size: width and height, pixels, when they are known.
    """
    if codec in ("libx264", "libx264rgb") and _has_avx512():
        return {"x264-params": "asm=avx2"}
    if codec == "libx265" and size is not None and size[0] in _X265_SPILLS:
        return {"x265-params": "no-asm=1"}
    return {}


@cache
def _has_avx512() -> bool:
    """Whether the processor has it: asked for by name, AVX2 is used even where there is none."""
    try:
        return "avx512" in _CPU.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
