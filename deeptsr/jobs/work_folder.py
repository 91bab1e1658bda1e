"""The work folder of a run: its identity, and the stages fitted so far."""

from __future__ import annotations

import errno
import itertools
import json
import pickle
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import deeptsr
from deeptsr import video
from deeptsr.config import Options
from deeptsr.errors import OutputError, ResourceError
from deeptsr.events import StageFitted
from deeptsr.learning.prior import prior_of
from deeptsr.networks import StepNetwork
from deeptsr.system.files import unwritable, whole
from deeptsr.system.fingerprint import fingerprint

__all__ = ["LOCK", "WorkFolder", "identity"]

LOCK = "lock"  # a file in the folder that may come before all others
_PUBLISHED = "published"
_TOLD = 3  # settings that differ, named at most


def identity(source: Path, options: Options, device: torch.device) -> dict[str, Any]:
    """What must agree for a run to go on from an earlier one's work.

    Args:
        source: the input file, or a folder of images.
        options: all settings; how the output is encoded and where work is kept do not matter.
        device: that does the work.
    """
    settings = asdict(options)
    space = ("scale", "size", "camera", "space_prior")  # of the output only: the fit is the same
    for place in ("encode", "work_dir", "resume", "device", "memory", *space):
        del settings[place]
    del settings["pyramid"]["voxels"]  # the memory's bound: all chunks give the same
    prior = prior_of(options)
    return {
        "prior": prior.digest if prior else None,
        "version": f"{deeptsr.__version__}, torch {torch.__version__}",
        "input": fingerprint(video.files_of(source)),
        "device": device.type,
        "options": settings,
    }


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
        self.path, self._record = path, path / "run.json"
        text = json.dumps(who, indent=1, sort_keys=True, default=str)
        try:
            others = (
                {p.name for p in path.iterdir()} - {LOCK, _PUBLISHED} if path.exists() else set()
            )
            if others and not self._record.exists():
                raise OutputError(
                    f"{path} holds other things than a run's work; expected an empty or a new "
                    "folder; give another `work_dir`"
                )
            path.mkdir(parents=True, exist_ok=True)
            if not resume:
                self._drop("stage-*", "part*", self._record.name, _PUBLISHED)
            self.stale, self.note = self._compare(text)
            self._record.write_text(text)
        except OSError as error:
            raise _failure(path, error) from error

    def _compare(self, text: str) -> tuple[bool, str]:
        """Drop what is not of use to this run; return whether that is all, and what to tell."""
        if not self._record.exists():
            self._drop("stage-*", "part*")
            return False, ""
        before = _settings(self._record.read_text(encoding="utf-8", errors="replace"))
        now = _settings(text)
        other = [
            f"{name} is {now.get(name)}, was {before.get(name)}"
            for name in dict.fromkeys((*now, *before))
            if now.get(name) != before.get(name)
        ]
        if not other:
            return False, ""
        told = "; ".join(other[:_TOLD]) + (", and more" if len(other) > _TOLD else "")
        if before and all(difference.startswith("output ") for difference in other):
            found = self._drop("part*", _PUBLISHED)
            note = f"another output was begun in {self.path} ({told}): this one is rendered anew"
            return False, note if found else ""
        self._drop("stage-*", "part*", _PUBLISHED)
        why = told if before else "its record is damaged"
        return True, f"{self.path} held the work of another run ({why}), which is started anew"

    def _drop(self, *patterns: str) -> int:
        files = [file for pattern in patterns for file in self.path.glob(pattern)]
        for file in files:
            file.unlink(missing_ok=True)
        return len(files)

    @property
    def stages(self) -> int:
        """How many stages, from the first on, are kept."""
        return next(number for number in itertools.count() if not self._file(number).exists())

    def restore(self, number: int, network: StepNetwork) -> StageFitted | None:
        """Load a stage's weights into ``network``; None when they are not there, or damaged."""
        try:
            saved = torch.load(self._file(number), weights_only=True, map_location="cpu")
            if saved["weights"] is not None:
                network.load_state_dict(saved["weights"])
            return StageFitted(**saved["event"])
        except (
            OSError,
            RuntimeError,
            pickle.UnpicklingError,
            EOFError,
            LookupError,
            TypeError,
            ValueError,
        ):
            return None

    def save(self, number: int, network: StepNetwork | None, event: StageFitted) -> None:
        """Keep a stage.

        Raises:
            ResourceError: when the disk is full.
            OutputError: when the folder cannot be written.
        """
        weights = None if network is None else network.state_dict()
        self._write(self._file(number), {"weights": weights, "event": asdict(event)})
        self._begun(number).unlink(missing_ok=True)

    def load_partial(self, number: int) -> dict[str, Any] | None:
        """What :meth:`save_partial` kept of a stage; None when it is not there, or damaged."""
        try:
            saved = torch.load(self._begun(number), weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError):
            return None
        return saved if isinstance(saved, dict) else None

    def save_partial(self, number: int, state: dict[str, Any]) -> None:
        """Keep what is made of a stage so far: tensors, numbers, strings, and lists of them.

        Raises:
            ResourceError: when the disk is full.
            OutputError: when the folder cannot be written.
        """
        self._write(self._begun(number), state)

    def _write(self, file: Path, content: dict[str, Any]) -> None:
        try:
            with (
                whole(file, file.with_suffix(".part"), flush=True) as aside,
                aside.open("wb") as stream,
            ):
                torch.save(content, stream)
        except (OSError, RuntimeError) as error:
            raise _failure(self.path, error) from error

    def remove(self) -> None:
        """Delete the work, and the folder if nothing else is in it."""
        self._drop("stage-*", "part*", self._record.name, _PUBLISHED)  # in this order
        if self.path.exists() and not any(self.path.iterdir()):
            shutil.rmtree(self.path, ignore_errors=True)

    def remove_parts(self) -> None:
        """Delete the finished parts of the output; what was fitted stays."""
        self._drop("part*", _PUBLISHED)

    def publishing(self, partial: Path) -> None:
        """Note which file or folder is about to become the output.

        Raises:
            OSError: when it cannot be noted.
        """
        (self.path / _PUBLISHED).write_text(_stamp(partial))

    @staticmethod
    def published(path: Path, output: Path) -> bool:
        """Tell whether the work in a folder became the output, and only its removal is missing."""
        note = path / _PUBLISHED
        return note.is_file() and output.exists() and note.read_text() == _stamp(output)

    def _file(self, number: int) -> Path:
        return self.path / f"stage-{number + 1}.pt"

    def _begun(self, number: int) -> Path:
        return self.path / f"stage-{number + 1}.begun.pt"


def _stamp(path: Path) -> str:
    """What stays the same when a file or a folder is renamed."""
    found = path.stat()
    return f"{found.st_ino} {found.st_mtime_ns}"


def _settings(text: str) -> dict[str, Any]:
    """Lay out a record flat, by the names that users know: "fit steps"; {} when it is damaged."""
    try:
        record = json.loads(text)
        nested = record | record.pop("options")
    except (ValueError, TypeError, KeyError):
        return {}
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, dict):
            flat |= {f"{name} {key}": content for key, content in value.items()}
        else:
            flat[name] = value
    return flat


def _failure(path: Path, error: Exception) -> OutputError | ResourceError:
    if not path.exists() and path.parent.is_dir():
        return OutputError(
            f"{path} has vanished while it was in use; leave it alone until the work is done, and "
            "run the same command again"
        )
    if isinstance(error, RuntimeError):  # as which torch tells of a full disk
        error = OSError(errno.ENOSPC, str(error))
    again = "free some space and run the same command again"
    return unwritable(path, error, again=again, otherwise="give another `work_dir`")
