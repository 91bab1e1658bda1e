"""How much memory this process may use: the machine's, within what bounds it.

A bound is set by a container, a batch system or a service manager, each by a control group of the
kernel, in which further ones may lie; or by ``ulimit``.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["free", "total"]

_PROC = Path("/proc")
# For both versions of control groups, what bounds a group and what it uses.
_BOUNDS = {
    "cgroup2": (("memory.max", "memory.high"), "memory.current", "inactive_file"),
    "cgroup": (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
}


def free() -> int | None:
    """Bytes of memory that are free for programs now; None where that cannot be told."""
    left = [bound - used for bound, used in _groups()]
    whole, address = _told("meminfo", "MemAvailable"), _address_space()
    left += [] if whole is None else [whole]
    left += [] if address is None else [address - (_told("self/status", "VmRSS") or 0)]
    return max(0, min(left)) if left else None


def total() -> int | None:
    """Bytes of memory that this process may use at most; None where that cannot be told."""
    bounds = [_told("meminfo", "MemTotal"), _address_space(), *(bound for bound, _ in _groups())]
    return min((bound for bound in bounds if bound is not None), default=None)


def _told(file: str, name: str) -> int | None:
    """Read a line such as "MemTotal: 24105 kB"."""
    try:
        lines = (_PROC / file).read_text(encoding="utf-8", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
    except (OSError, ValueError, StopIteration):
        return None


def _address_space() -> int | None:
    """Return what ``ulimit -v`` or ``-d`` leaves: libraries take room that they never fill."""
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    names = ("VmSize", "VmData")
    rooms = []
    for limit, name in zip(limits, names, strict=True):
        if limit != resource.RLIM_INFINITY:
            taken = _told("self/status", name) or 0
            rooms.append(limit - max(0, taken - (_told("self/status", "VmRSS") or 0)))
    return max(0, min(rooms)) if rooms else None


def _groups() -> Iterator[tuple[int, int]]:
    """Yield the bound of each control group that this process lies in, and what it uses, bytes."""
    for kind, own, top in _folders():
        names, current, cache = _BOUNDS[kind]
        within = len(own.relative_to(top).parts)
        for folder in (own, *own.parents)[: within + 1]:
            bounds = [n for n in (_number(folder / name) for name in names) if n is not None]
            used = _number(folder / current)
            if bounds:
                # What the kernel keeps of files is given up where programs need the room.
                yield min(bounds), max(0, (used or 0) - _listed(folder / "memory.stat", cache))


def _folders() -> Iterator[tuple[str, Path, Path]]:
    """Yield version, folder and topmost folder of the control groups of memory."""
    try:
        own = [
            line.split(":", 2) for line in (_PROC / "self/cgroup").read_text().splitlines() if line
        ]
        mounts = (_PROC / "self/mountinfo").read_text().splitlines()
    except (OSError, ValueError):
        return
    for mount in mounts:
        place, _, system = mount.partition(" - ")
        fields, kinds = place.split(), system.split()
        if len(fields) < 5 or len(kinds) < 3 or kinds[0] not in _BOUNDS:
            continue
        if kinds[0] == "cgroup" and "memory" not in kinds[2].split(","):
            continue
        for _, controllers, group in own:
            if controllers == "" if kinds[0] == "cgroup2" else "memory" in controllers.split(","):
                top = Path(fields[4])
                yield kinds[0], _below(top, fields[3], group), top


def _below(top: Path, root: str, group: str) -> Path:
    """Return a group's folder; where only a part of the groups is shown, that part is its top."""
    try:
        folder = top / PurePosixPath(group).relative_to(root)
    except ValueError:
        return top
    return folder if ".." not in folder.parts and folder.is_dir() else top


def _number(file: Path) -> int | None:
    """Read a number; there is "max" where there is no bound."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _listed(file: Path, name: str) -> int:
    try:
        words = file.read_text(encoding="ascii").split()
        return int(words[words.index(name) + 1])
    except (OSError, ValueError, IndexError):
        return 0
