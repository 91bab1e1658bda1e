"""What makes encoders give the same bytes again, whatever their memory held before."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["repeatable"]

_CPU = Path("/proc/cpuinfo")


def repeatable(codec: str) -> dict[str, str]:
    """Return the options by which an encoder repeats itself; empty where it does of its own.

    libx264's code for AVX-512 reads memory that nobody wrote when it decides what later frames owe
    to a block (8 bits a sample, mbtree with frames in both directions), and chooses by it. Its code
    for AVX2 does not, and is as fast within what can be measured.

    Args:
        codec: FFmpeg's name of the encoder.
    """
    if codec in ("libx264", "libx264rgb") and _has_avx512():
        return {"x264-params": "asm=avx2"}
    return {}


@cache
def _has_avx512() -> bool:
    """Whether the processor has it: asked for by name, AVX2 is used even where there is none."""
    try:
        return "avx512" in _CPU.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
