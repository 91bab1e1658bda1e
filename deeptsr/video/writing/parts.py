"""The finished parts of an output, kept in a folder until all of them can be joined."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from deeptsr.system.files import flush_to_disk, whole
from deeptsr.system.ours import not_through_links

__all__ = ["Part", "Parts", "frames_kept", "remove_parts"]

_LIST = "parts.jsonl"
_OPEN = "part.open"
_NAME = "part-{:06d}"
_OURS = re.compile(r"parts\.(jsonl|part)|part\.open|part-\d{6,}")


@dataclass(frozen=True)
class Part:
    """Some successive frames of the output, whole and on the disk."""

    frames: int
    delay: int  # frames by which the encoder reorders them
    size: int  # bytes of its file; 0 when it has none
    digest: str  # SHA-256 of its file; "" when it has none


class Parts:
    """A list of parts that only grows. What is not in the list does not count.

    A list that an earlier run left is taken up, as far as the files are what it says.

    Attributes:
        done: the parts, in order.
    """

    def __init__(self, folder: Path) -> None:
        """Open the list of a folder that exists.

        Raises:
            OSError: when it cannot be read.
        """
        self.folder = folder
        self.done: list[Part] = []
        self._list = folder / _LIST
        listed = _listed(self._list)
        for part in listed:
            if part.size and not _is_whole(self.file(len(self.done)), part):
                break
            self.done.append(part)
        self.keep(len(self.done))

    @property
    def frames(self) -> int:
        """How many frames the parts hold."""
        return sum(part.frames for part in self.done)

    @property
    def open(self) -> Path:
        """Where the next part is written until it is whole; a file that must not be there yet."""
        return self.folder / _OPEN

    def file(self, number: int) -> Path:
        """Where a finished part lies, counted from 0."""
        return self.folder / _NAME.format(number + 1)

    def add(self, frames: int, delay: int = 0) -> None:
        """Take the part that was written, if there is a file of it, into the list.

        Raises:
            OSError: when it cannot be kept.
        """
        size, digest = 0, ""
        if self.open.exists():
            flush_to_disk(self.open)
            size, digest = self.open.stat().st_size, _digest(self.open)
            os.replace(self.open, self.file(len(self.done)))
            flush_to_disk(self.folder)
        part = Part(frames, delay, size, digest)
        with open(self._list, "a", encoding="utf-8", opener=not_through_links) as stream:
            stream.write(json.dumps(asdict(part)) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.done.append(part)

    def keep(self, count: int) -> None:
        """Forget all but the first parts.

        Raises:
            OSError: when the list cannot be written.
        """
        self.discard_open()
        del self.done[count:]
        if len(_listed(self._list)) == count and _lines(self._list) == count:
            return
        lines = "".join(json.dumps(asdict(part)) + "\n" for part in self.done)
        with whole(self._list, self._list.with_suffix(".part"), flush=True) as aside:
            aside.write_text(lines)

    def discard_open(self) -> None:
        """Remove the part that is not whole."""
        with suppress(OSError):
            self.open.unlink(missing_ok=True)


def frames_kept(folder: Path) -> int:
    """How many frames the list of a folder names, whether their files are whole or not."""
    return sum(part.frames for part in _listed(folder / _LIST))


def remove_parts(folder: Path) -> int:
    """Remove all that :class:`Parts` keeps in a folder, which stays; return how much it was."""
    ours = [
        file
        for file in folder.iterdir()
        if _OURS.fullmatch(file.name) and (file.is_symlink() or not file.is_dir())
    ]
    for file in sorted(ours, key=lambda file: file.name != _LIST):  # what it names is gone after it
        file.unlink(missing_ok=True)
    return len(ours)


def _listed(path: Path) -> list[Part]:
    """Read a list up to the first line that is not whole."""
    parts: list[Part] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            part = _part(line)
            if part is None:
                break
            parts.append(part)
    return parts


def _part(line: str) -> Part | None:
    """Read a line; None where it is torn, or not ours."""
    try:
        said = json.loads(line)
        part = Part(**said)
    except (ValueError, TypeError, RecursionError):
        return None
    numbers = (part.frames, part.delay, part.size)
    if all(type(n) is int and n >= 0 for n in numbers) and isinstance(part.digest, str):
        return part
    return None


def _lines(path: Path) -> int:
    """Count the lines, the torn one at the end included."""
    return (
        len(path.read_text(encoding="utf-8", errors="replace").splitlines()) if path.exists() else 0
    )


def _is_whole(file: Path, part: Part) -> bool:
    return file.is_file() and file.stat().st_size == part.size and _digest(file) == part.digest


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
