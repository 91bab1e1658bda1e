"""The record of a run: what was told while it went on, and what it takes to repeat it."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import deeptsr
from deeptsr import video
from deeptsr.config import Options
from deeptsr.errors import InputError
from deeptsr.events import Done, Event, Listener, Planned, Progress, ignore, is_told, to_json
from deeptsr.system.files import unwritable, whole
from deeptsr.system.fingerprint import fingerprint

__all__ = ["RECORD", "Record", "Recorder"]

RECORD = "record.json"  # its name in a work folder
_FORMAT = 1
_LONGEST = 1e12  # seconds of a run
_STANDS_ON = ("torch", "av", "numpy")


@dataclass(frozen=True)
class Record:
    """The facts of a finished run, in plain numbers and strings."""

    began: str  # ISO 8601, local time with its offset
    command: str  # as it was typed; "" when the library was called
    versions: dict[str, str]  # of what the run stands on
    source: str  # the input's whole path
    output: str
    prints: dict[str, str]  # fingerprints of both
    options: dict[str, Any]
    events: tuple[dict[str, Any], ...]  # as their JSON has them, and "at": seconds from the start

    def of(self, kind: type[Event]) -> list[dict[str, Any]]:
        """All events of one kind, in order."""
        return [event for event in self.events if event["event"] == kind.__name__]

    def save(self, folder: str | Path) -> None:
        """Write the record into a work folder.

        Raises:
            OutputError: when it cannot be written.
            ResourceError: when the disk is full.
        """
        path = Path(folder, RECORD)
        text = json.dumps({"format": _FORMAT, **asdict(self)}, indent=1)
        try:
            with whole(path, path.with_suffix(".part")) as aside:
                aside.write_text(text)
        except OSError as error:
            raise unwritable(path, error) from error

    @classmethod
    def load(cls, folder: str | Path) -> Record:
        """Read the record of a work folder.

        Raises:
            InputError: when there is none, or one that this version does not understand.
        """
        path = Path(folder, RECORD)
        try:
            if path.exists() and not path.is_file():
                raise ValueError("it is no file")
            held = json.loads(path.read_text())
            if held.pop("format") != _FORMAT:
                raise ValueError("written by another version of deeptsr")
            return _sound(cls(**{**held, "events": tuple(held["events"])}))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(
                f"{folder} holds no {RECORD}; expected the work folder of a finished run: give the "
                "run its own with `work_dir`"
            ) from error
        except (
            *(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError),
        ) as error:
            raise InputError(
                f"{path} cannot be understood ({error}); expected what a finished run wrote; run "
                "it again"
            ) from error

    def moved(self, source: str | Path | None = None, output: str | Path | None = None) -> Record:
        """The same record, of files that lie elsewhere now.

        Args:
            source: where the input is now; None: where it was.
            output: where the result is now; None: where it was.
        """
        return replace(
            self,
            source=self.source if source is None else os.path.abspath(source),
            output=self.output if output is None else str(video.destination_of(output).path),
        )

    def check(self) -> None:
        """Make sure that input and result are those of the run.

        Raises:
            InputError: when one of them is gone, or has changed.
        """
        for name, path, option in (
            ("input", self.source, "--input"),
            ("result", self.output, "--result"),
        ):
            try:
                files = video.files_of(Path(path))
                # The second is what earlier versions wrote.
                same = self.prints[name] in (fingerprint(files), fingerprint(files, places=2))
            except OSError as error:
                raise InputError(
                    f"the {name} of the run cannot be read at {path} ({error.strerror}); put it "
                    f"back there, or say with {option} where it is"
                ) from error
            if not same:
                raise InputError(
                    f"{path} has changed since the run; expected its {name}, as it was then; say "
                    f"with {option} where that is, or run again"
                )


def _sound(record: Record) -> Record:
    """Refuse a record whose facts are of other kinds than a run writes."""
    texts = (
        *(record.began, record.command, record.source, record.output),
        *(*record.versions.values(), record.prints["input"], record.prints["result"]),
    )
    kinds = [event["event"] for event in record.events if event["at"] >= 0]
    if not all(isinstance(text, str) for text in (*texts, *kinds, record.options["preset"])):
        raise ValueError("its facts are of other kinds")
    if not {Planned.__name__, Done.__name__} <= set(kinds):
        raise ValueError("it does not tell of the work")
    for event in record.events:
        if not (event["at"] < _LONGEST and is_told(event)):
            raise ValueError(f"its event {event['event']} is none that a run tells")
    datetime.fromisoformat(record.began)
    return record


class Recorder:
    """A listener that keeps what a record needs, and passes all events on.

    Args:
        source: the input.
        output: the output, as :func:`deeptsr.upscale_file` receives it.
        options: all settings.
        on_event: hears every event as well.
        command: the command line, where there is one.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        source: str | Path,
        output: str | Path,
        options: Options,
        on_event: Listener = ignore,
        *,
        command: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._output, self._options = source, output, options
        self._on_event, self._command, self._clock = on_event, command, clock
        self._began, self._start = datetime.now().astimezone(), clock()
        self._events: list[dict[str, Any]] = []
        self._phase = ""

    def __call__(self, event: Event) -> None:
        """Hear an event; of progress, only where the phase changes is kept."""
        phase = event.phase if isinstance(event, Progress) else ""
        if not phase or phase != self._phase:
            at = round(self._clock() - self._start, 3)
            self._events.append({"at": at, **json.loads(to_json(event))})
            self._phase = phase or self._phase
        self._on_event(event)

    def record(self) -> Record:
        """The record of the run, which is over.

        Raises:
            InputError: when it is not done, or input or output are gone.
        """
        if not any(event["event"] == Done.__name__ for event in self._events):
            raise InputError("the run is not done; expected a run whose events were all heard")
        source, output = (
            Path(os.path.abspath(self._source)),
            video.destination_of(self._output).path,
        )
        try:
            prints = {
                "input": fingerprint(video.files_of(source)),
                "result": fingerprint(video.files_of(output)),
            }
        except OSError as error:
            raise InputError(
                f"{error.filename} cannot be read ({error.strerror}); expected the input and the "
                "result of the run, as they are at its end"
            ) from error
        return Record(
            began=self._began.isoformat(timespec="seconds"),
            command=self._command,
            versions=_versions(),
            source=str(source),
            output=str(output),
            prints=prints,
            options=json.loads(json.dumps(asdict(self._options), default=str)),
            events=tuple(self._events),
        )


def _versions() -> dict[str, str]:
    versions = {"deeptsr": deeptsr.__version__, "Python": platform.python_version()}
    for name in _STANDS_ON:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "unknown"
    versions["system"] = f"{platform.system()} {platform.machine()}"
    return versions
