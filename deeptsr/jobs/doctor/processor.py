"""The processor: its name, its cores, and what it can do that makes convolutions fast."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["cores", "features", "load", "name"]

# What torch's kernels make use of, by the names in which Linux tells of them.
_KNOWN = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX BF16",
    "asimd": "NEON",
    "bf16": "BF16",
}


def name() -> str:
    """What the processor is called; what kind it is, where nothing is told."""
    return _told("model name") or platform.processor() or platform.machine()


def features() -> tuple[str, ...]:
    """What it can do, of that which matters here; () where nothing is told."""
    flags = (_told("flags") or _told("Features")).split()
    return tuple(title for flag, title in _KNOWN.items() if flag in flags)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """How many cores were busy in the last minute, whoever kept them so; 0 where nobody tells."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _told(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")
