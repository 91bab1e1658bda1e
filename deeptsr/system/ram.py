"""How much memory this process may use, the limits of a container included."""

from __future__ import annotations

from pathlib import Path

__all__ = ["free", "total"]


def free() -> int | None:
    """Bytes of memory that are free for programs now; None where that cannot be told."""
    whole = _told("MemAvailable")
    limit, used = _group("memory.max"), _group("memory.current")
    if limit is None or used is None:
        return whole
    return limit - used if whole is None else min(whole, limit - used)


def total() -> int | None:
    """Bytes of memory that this process may use at most; None where that cannot be told."""
    limits = [n for n in (_told("MemTotal"), _group("memory.max")) if n is not None]
    return min(limits, default=None)


def _told(name: str) -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
    except (OSError, ValueError, StopIteration):
        return None


def _group(name: str) -> int | None:
    """What the control group of a container says; it has "max" where it sets no bound."""
    try:
        return int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
