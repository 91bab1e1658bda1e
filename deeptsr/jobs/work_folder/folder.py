"""The work folder of a run: the stages fitted so far, and the place of what is rendered."""

from __future__ import annotations

import itertools
import os
import pickle
import re
import struct
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from deeptsr import video
from deeptsr.errors import OutputError, ResourceError
from deeptsr.events import StageFitted
from deeptsr.jobs.work_folder.record import differences, is_record, record_of
from deeptsr.learning.checkpoints import Choice, fits, is_curve
from deeptsr.networks import StepNetwork
from deeptsr.system.files import as_full, unwritable, whole
from deeptsr.system.ours import check_own

__all__ = ["LOCK", "WorkFolder"]

LOCK = "lock"  # a file in the folder that may come before all others
_PUBLISHED = "published"
_RECORD = "run.json"
_ASIDES = {".run.json.part.json", ".published.part"}  # of what is written whole
_STAGES = re.compile(r"(stage-\d+(\.begun)?|time|size)\.(pt|part)")
_STAMP = re.compile(r"\d+ \d+")
_DEFAULT = re.compile(r"\..*\.deeptsr")  # what nobody else calls a folder
_LARGEST = 2**63  # of a number that a stage tells
_TOLD = 3  # settings that differ, named at most


class WorkFolder:
    """Checkpoints of a run's fit, and the place of its output's finished parts.

    An earlier run's are used only when its identity is the same; where only how the output is
    written differs, which is what the identity holds under "output", the fit is.

    Attributes:
        stale: whether there was an earlier run's work that is of no use.
        note: what the user should be told about that, or "".
    """

    def __init__(self, path: Path, who: dict[str, Any], *, resume: bool = True) -> None:
        """Open the folder, or make it.

        Args:
            path: of the folder.
            who: from :func:`identity`.
            resume: whether an earlier run's work is used at all.

        Raises:
            OutputError: when it cannot be made, or holds something else.
            ResourceError: when the disk is full.
        """
        self.path, self._record = path, path / _RECORD
        text = record_of(who)
        self.refuse_foreign(path)
        try:
            path.mkdir(0o700, parents=True, exist_ok=True)
            if not resume:
                self.remove(keep_folder=True)
            self.stale, self.note = self._compare(text)
            with whole(self._record, flush=True) as aside:
                aside.write_text(text)
        except (OSError, ValueError) as error:
            raise _failure(path, error) from error

    @staticmethod
    def refuse_foreign(path: Path) -> None:
        """Refuse a folder that is not a run's, or that others may write to; nothing is touched.

        Raises:
            OutputError: naming what it holds.
        """
        advice = "give another `work_dir`"
        try:
            if path.is_symlink() and _DEFAULT.fullmatch(path.name):
                raise OutputError(f"{path} is a symbolic link; expected a folder; remove it")
            if not path.exists():
                return
            others = {entry.name for entry in path.iterdir()} - {LOCK, *_ASIDES}
            check_own(path, advice)
            if not others or (others == {_PUBLISHED} and _STAMP.fullmatch(_start(path))):
                return
            if _RECORD not in others:
                raise OutputError(
                    f"{path} holds other things than a run's work; expected an empty or a new "
                    f"folder; {advice}"
                )
            record = _text(path / _RECORD)
        except (OSError, ValueError) as error:
            raise _failure(path, error) from error
        if not is_record(record) and not _DEFAULT.fullmatch(path.name):
            raise OutputError(
                f"{path / _RECORD} is not the record of a run, or is damaged; expected an empty or "
                f"a new folder; {advice}, or remove that file if it is a run's"
            )

    def _compare(self, text: str) -> tuple[bool, str]:
        """Drop what is not of use to this run; return whether that is all, and what to tell."""
        if not self._record.exists():
            return False, ""
        before = _text(self._record)
        other = differences(before, text)
        if not other:
            return False, ""
        told = "; ".join(other[:_TOLD]) + (", and more" if len(other) > _TOLD else "")
        if is_record(before) and all(difference.startswith("output ") for difference in other):
            removed = self.remove_parts()
            note = f"another output was begun in {self.path} ({told}): this one is rendered anew"
            return False, note if removed else ""
        self.remove(keep_folder=True)
        why = told if is_record(before) else "its record is damaged"
        return True, f"{self.path} held the work of another run ({why}), which is started anew"

    @property
    def stages(self) -> int:
        """How many stages, from the first on, are kept."""
        return next(number for number in itertools.count() if not self._file(number).exists())

    def restore(self, number: int, network: StepNetwork) -> StageFitted | None:
        """Load a stage's weights into ``network``; None when they are not there, or damaged."""
        saved = _loaded(self._file(number))
        try:
            event, weights = StageFitted(**saved["event"]), saved["weights"]
            if not (_is_sound(event) and (weights is None or fits(network, weights))):
                return None
        except (LookupError, TypeError, ValueError):
            return None
        if weights is not None:
            network.load_state_dict(weights)
        return event

    def save(self, number: int, network: StepNetwork | None, event: StageFitted) -> None:
        """Keep a stage.

        Raises:
            ResourceError: when the disk is full.
            OutputError: when the folder cannot be written.
        """
        weights = None if network is None else network.state_dict()
        self._write(self._file(number), {"weights": weights, "event": asdict(event)})
        self._begun(number).unlink(missing_ok=True)

    def load_partial(self, part: int | Choice) -> dict[str, Any] | None:
        """What :meth:`save_partial` kept; None when it is not there, or damaged."""
        saved = _loaded(self._begun(part))
        return saved if isinstance(saved, dict) else None

    def save_partial(self, part: int | Choice, state: dict[str, Any]) -> None:
        """Keep what is made of a stage so far, or was chosen: tensors, numbers, strings, lists.

        Raises:
            ResourceError: when the disk is full.
            OutputError: when the folder cannot be written.
        """
        self._write(self._begun(part), state)

    def _write(self, file: Path, content: dict[str, Any]) -> None:
        try:
            with (
                whole(file, file.with_suffix(".part"), flush=True) as aside,
                aside.open("wb") as stream,
            ):
                torch.save(content, stream)
        except (OSError, RuntimeError) as error:  # torch's of a full disk
            raise _failure(self.path, error) from error

    def remove(self, *, keep_folder: bool = False) -> None:
        """Delete the work, and the folder if nothing else is in it."""
        if self.path.exists():
            # The order matters: what is killed in between leaves a folder that is known for ours.
            for file in list(self.path.iterdir()):
                if _STAGES.fullmatch(file.name) or file.name in _ASIDES:
                    file.unlink(missing_ok=True)
            video.remove_parts(self.path)
            self._record.unlink(missing_ok=True)
            (self.path / _PUBLISHED).unlink(missing_ok=True)
        if not keep_folder:
            with suppress(OSError):
                self.path.rmdir()

    def remove_parts(self) -> int:
        """Delete the finished parts of the output; what was fitted stays. Return how many."""
        count = video.remove_parts(self.path)
        (self.path / _PUBLISHED).unlink(missing_ok=True)
        return count

    def publishing(self, partial: Path) -> None:
        """Note which file or folder is about to become the output.

        Raises:
            OSError: when it cannot be noted.
        """
        note = self.path / _PUBLISHED
        with whole(note) as aside:
            aside.write_text(_stamp(partial))

    @staticmethod
    def published(path: Path, output: Path) -> bool:
        """Tell whether the work in a folder became the output, and only its removal is missing."""
        try:
            return _start(path) == _stamp(output)
        except OSError:
            return False

    def _file(self, number: int) -> Path:
        return self.path / f"stage-{number + 1}.pt"

    def _begun(self, part: int | Choice) -> Path:
        name = part if isinstance(part, str) else f"stage-{part + 1}.begun"
        return self.path / f"{name}.pt"


def _loaded(file: Path) -> Any:
    """What a file of torch's holds; None where it is not there, or damaged."""
    try:
        if not file.is_file():  # a pipe of that name would be waited for
            return None
        return torch.load(file, weights_only=True, map_location="cpu")
    except (
        *(OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError),
        *(pickle.UnpicklingError, AssertionError, OverflowError, MemoryError, struct.error),
    ):
        return None


def _is_sound(event: StageFitted) -> bool:
    """Whether what was kept is what a stage tells."""
    numbers = (event.stage, event.stages, event.gain_db, event.steps, event.seconds, event.learned)
    known = (n for n in (event.agreement, event.detour, event.evenness) if n is not None)
    return (
        all(type(n) in (int, float) and abs(n) < _LARGEST for n in (*numbers, *event.mix, *known))
        and len(event.mix) == len(StageFitted.mix)
        and isinstance(event.special, bool)
        and isinstance(event.label, str)
        and isinstance(event.outcome, str)
        and is_curve(event.curve)
    )


def _text(file: Path) -> str:
    """What a record holds; "" where it is a pipe, a folder or the like."""
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _stamp(path: Path) -> str:
    """What stays the same when a file or a folder is renamed."""
    state = path.stat()
    return f"{state.st_ino} {state.st_mtime_ns}"


def _start(path: Path) -> str:
    """How the note of what was published begins; "" where it is no file."""
    note = path / _PUBLISHED
    if not note.is_file():
        return ""
    with note.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(80)


def _failure(path: Path, error: Exception) -> OutputError | ResourceError:
    gone = isinstance(error, (FileNotFoundError, RuntimeError)) and not os.path.exists(path)
    if gone and os.path.isdir(path.parent):
        return OutputError(
            f"{path} has vanished while it was in use; leave it alone until the work is done, and "
            "run the same command again"
        )
    again = "free some space and run the same command again"
    return unwritable(path, as_full(error), again=again, otherwise="give another `work_dir`")
