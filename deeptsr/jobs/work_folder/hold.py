"""Keeps other runs away while one is at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from deeptsr.config import Options
from deeptsr.events import Listener, Warned
from deeptsr.jobs.work_folder.folder import LOCK, WorkFolder
from deeptsr.system.lock import alone, locked

__all__ = ["held"]


@contextmanager
def held(output: Path, options: Options, on_event: Listener) -> Iterator[None]:
    """Keep other runs away from an output, and from a work folder of the user's own.

    Args:
        output: file or folder, links resolved.
        options: of which the work folder is used.
        on_event: is told where a file system has no locks.

    Raises:
        OutputError: when another run is there, or the folder holds something else.
        ResourceError: when the disk is full.
    """
    folder = None if options.work_dir is None else Path(options.work_dir)
    if folder is not None:
        WorkFolder.refuse_foreign(folder)  # before anything is written there
    with ExitStack() as stack:
        stack.enter_context(alone([output], on_event))
        if folder is not None:
            note = ""
            with suppress(OSError):  # which is told where the folder is opened
                folder.mkdir(0o700, parents=True, exist_ok=True)
                note = stack.enter_context(locked(folder / LOCK, f"the folder {folder}"))
            if note:
                on_event(Warned(note))
        yield
