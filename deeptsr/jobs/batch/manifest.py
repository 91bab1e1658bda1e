"""The manifest of a batch: what became of each video, a line of JSON for each change.

Lines are only ever appended, each flushed to the disk; the last one of an output counts. So a batch
that is killed at any moment knows, when it runs again, what is done.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

import deeptsr
from deeptsr import video
from deeptsr.config import Options, values
from deeptsr.errors import OutputError
from deeptsr.system.files import unwritable

__all__ = ["Entry", "Manifest", "Stamp", "configuration_hash", "stamp"]

_BLOCK = 1 << 20  # bytes read at once


@dataclass(frozen=True)
class Stamp:
    """What a file, or a folder of files, holds; and how to see cheaply that it still does."""

    hash: str  # SHA-256 of the contents
    look: str  # SHA-256 of names, sizes and times of change: where it agrees, the hash does


@dataclass(frozen=True)
class Entry:
    """A line of the manifest."""

    input: str
    output: str
    input_stamp: Stamp | None  # None: it cannot be read
    configuration_hash: str
    state: str  # "running", "done", "failed" or "stopped"
    attempts: int  # made so far in this batch
    seconds: float  # that they took together
    gain_db: float | None = None  # of the self-check
    output_stamp: Stamp | None = None
    exit_code: int | None = None
    error: str | None = None
    time: str = ""  # when this was written, ISO 8601


def configuration_hash(options: Options) -> str:
    """Hash what decides how a result looks: not where it is made, nor which machine does the work.

    Args:
        options: all settings.
    """
    settings = values(options)
    for place in ("device", "work_dir", "resume", "memory"):
        settings.pop(place)
    settings["encode"].pop("overwrite")
    text = json.dumps([deeptsr.__version__, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def stamp(path: Path, known: Stamp | None = None) -> Stamp | None:
    """Hash a file or a folder; None where it cannot be read.

    Args:
        path: of it.
        known: an earlier stamp of it, whose hash is taken where the file looks the same.
    """
    try:
        files = video.files_of(path)
        looks = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]
        look = hashlib.sha256(repr(looks).encode()).hexdigest()
        if known is not None and known.look == look:
            return known
        digest = hashlib.sha256()
        for file in files:
            for block in _blocks(file):
                digest.update(block)
        return Stamp(digest.hexdigest(), look)
    except OSError:
        return None


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


class Manifest:
    """The file, open for appending, and held against a second batch at the same time.

    Args:
        path: of the file; it is made, with its folder, where it does not exist.

    Raises:
        OutputError: when it cannot be written, or another batch writes it.
        ResourceError: when the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: dict[str, Entry] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            yours = "expected a folder that is yours to write; choose another one"
            raise unwritable(path, error, otherwise=yours) from None
        try:
            self._hold()
            self._load()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Manifest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def last(self, output: Path) -> Entry | None:
        """The last line about an output."""
        return self._last.get(str(output))

    def add(self, entry: Entry) -> None:
        """Append a line.

        Raises:
            ResourceError: when the disk is full.
            OutputError: when the file can no longer be written.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = json.dumps({**asdict(entry), "time": now}, allow_nan=False) + "\n"
        try:
            self._file.write(line.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            again = "run the same command again"
            raise unwritable(
                self.path, error, again=f"free some space and {again}", otherwise=again
            ) from error
        self._last[entry.output] = entry

    def _hold(self) -> None:
        try:
            import fcntl  # noqa: PLC0415, Windows has none
        except ImportError:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"another batch is writing {self.path}; wait for its end, or choose another folder"
            ) from None
        except OSError:  # a file system without locks
            return

    def _load(self) -> None:
        self._file.seek(0)
        text = self._file.read()
        for line in text.splitlines():
            entry = _entry(line)
            if entry is not None:
                self._last[entry.output] = entry
        if text and not text.endswith(b"\n"):  # a line that a crash cut off
            self._file.write(b"\n")


def _entry(line: bytes) -> Entry | None:
    """Read a line; None for one that is cut off, or that a later version wrote."""
    try:
        said: dict[str, Any] = json.loads(line)
        for key in ("input_stamp", "output_stamp"):
            if said[key] is not None:
                said[key] = Stamp(**said[key])
        return Entry(**{f.name: said[f.name] for f in fields(Entry)})
    except (ValueError, LookupError, TypeError):
        return None
