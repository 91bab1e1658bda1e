"""The manifest of a batch: what became of each video, a line of JSON for each change.

Lines are only ever appended, each flushed to the disk; the last one of an output counts. So a batch
that is killed at any moment knows, when it runs again, what is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deeptsr
from deeptsr import video
from deeptsr.config import Options, values
from deeptsr.errors import OutputError
from deeptsr.system.files import unwritable
from deeptsr.system.lock import hold
from deeptsr.system.ours import not_through_links

__all__ = ["Entry", "Manifest", "Stamp", "configuration_hash", "stamp"]

_BLOCK = 1 << 20  # bytes read at once
_LARGEST = 2**63  # of a number in a line


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
    confidence: str | None = None  # of the self-check: "sure", "likely" or "guess"
    warnings: tuple[str, ...] = ()  # of the last attempt
    fit: str | None = None  # its part in a shared fit: "made" or "taken"; None: a fit of its own


def configuration_hash(options: Options, *, share_fit: bool = False) -> str:
    """Hash what decides how a result looks: not where it is made, nor which machine does the work.

    Args:
        options: all settings.
        share_fit: whether the videos share a fit.
    """
    settings = values(options)
    for place in ("device", "work_dir", "resume", "memory"):
        settings.pop(place)
    settings.pop("save_fit", None)
    settings["encode"].pop("overwrite")
    if share_fit:  # else it is what it was before there was that
        settings["share_fit"] = True
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


class Manifest(contextlib.AbstractContextManager["Manifest"]):
    """The file, open for appending, and held against a second batch at the same time.

    Args:
        path: of the file; it is made, with its folder, where it does not exist.

    Attributes:
        note: what the user should be told, or "".

    Raises:
        OutputError: when it cannot be written, or another batch writes it.
        ResourceError: when the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.note = path, ""
        self._last: dict[str, Entry] = {}
        self._began: dict[str, float] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a+b", buffering=0, opener=not_through_links)  # noqa: SIM115
        except (OSError, ValueError) as error:
            if os.path.islink(path):
                raise _not_ours(path, "is a symbolic link") from None
            yours = "expected a folder that is yours to write; choose another one"
            raise unwritable(path, error, otherwise=yours) from None
        try:
            if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                raise _not_ours(path, "is no file")
            self._hold()
            self._load()
        except BaseException:
            self._file.close()
            raise

    def __exit__(self, *raised: object) -> None:
        self._file.close()

    def last(self, output: Path) -> Entry | None:
        """The last line about an output."""
        return self._last.get(str(output))

    def entries(self) -> tuple[Entry, ...]:
        """The last line about each output."""
        return tuple(self._last.values())

    def add(self, entry: Entry) -> None:
        """Append a line.

        Raises:
            ResourceError: when the disk is full.
            OutputError: when the file can no longer be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({**asdict(entry), "time": now}, allow_nan=False) + "\n"
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._write(line.encode())
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(end)  # half a line would spoil the next one
            again = "run the same command again"
            raise unwritable(
                self.path, error, again=f"free some space and {again}", otherwise=again
            ) from error
        self._keep(replace(entry, time=now))

    def began(self, output: Path) -> float | None:
        """When the last video's work began that has this output, seconds since 1970."""
        return self._began.get(str(output))

    def _write(self, data: bytes) -> None:
        while data:  # what is not buffered is not written at once
            data = data[self._file.write(data) :]

    def _keep(self, entry: Entry) -> None:
        self._last[entry.output] = entry
        if entry.state == "running" and entry.attempts == 1:  # others go on from it
            with contextlib.suppress(ValueError):
                self._began[entry.output] = datetime.fromisoformat(entry.time).timestamp()

    def _hold(self) -> None:
        try:
            held = hold(self._file.fileno())
        except BlockingIOError:
            raise OutputError(
                f"another batch is writing {self.path}; wait for its end, or choose another folder"
            ) from None
        except OSError as error:
            raise unwritable(self.path, error) from error
        if not held:
            self.note = (
                f"the file system of {self.path.parent} has no locks: see to it that no other "
                "batch writes there meanwhile"
            )

    def _load(self) -> None:
        self._file.seek(0)
        text = self._file.read()
        for line in text.splitlines():
            entry = _entry(line)
            if entry is not None:
                self._keep(entry)
        if text and not (self._last or _may_be_ours(text)):
            raise _not_ours(self.path, "holds other things than the lines of a batch")
        if text and not text.endswith(b"\n"):  # a line that a crash cut off
            try:
                self._write(b"\n")
            except OSError as error:
                raise unwritable(self.path, error) from error


def _may_be_ours(text: bytes) -> bool:
    """Whether a file of which no line is known is a damaged manifest, and not somebody else's."""
    if text[:1] in (b"{", b"\0"):  # a line that was cut off, or what a crash leaves of it
        return True
    try:
        json.loads(text.splitlines()[0])
    except (ValueError, LookupError, RecursionError):
        return False
    return True


def _not_ours(path: Path, what: str) -> OutputError:
    return OutputError(
        f"{path} {what}; expected this name to be free, or the manifest of a batch; move it away, "
        "or choose another folder"
    )


def _entry(line: bytes) -> Entry | None:
    """Read a line; None for one that is cut off, or that a later version wrote."""
    try:
        said: dict[str, Any] = json.loads(line)
        for key in ("input_stamp", "output_stamp"):
            if said[key] is not None:
                said[key] = Stamp(**said[key])
        said["warnings"] = tuple(said.get("warnings", ()))
        # An earlier version knew less; what has no default, each has said.
        names = [f.name for f in fields(Entry) if f.name in said or f.default is MISSING]
        entry = Entry(**{name: said[name] for name in names})
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    texts = [entry.input, entry.output, entry.configuration_hash, entry.state, entry.time]
    texts += [t for t in (entry.error, entry.confidence, entry.fit) if t is not None]
    texts += entry.warnings
    known = (n for n in (entry.gain_db, entry.exit_code) if n is not None)
    numbers = (entry.attempts, entry.seconds, *known)
    stamps = [stamp for stamp in (entry.input_stamp, entry.output_stamp) if stamp is not None]
    texts += [text for stamp in stamps for text in (stamp.hash, stamp.look)]
    sound = all(isinstance(t, str) for t in texts) and all(
        type(n) in (int, float) and abs(n) < _LARGEST for n in numbers
    )
    return entry if sound else None
