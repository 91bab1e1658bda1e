"""What a run keeps on the disk so that it can go on: :class:`WorkFolder`."""

from __future__ import annotations

from deeptsr.jobs.work_folder.folder import LOCK, WorkFolder
from deeptsr.jobs.work_folder.record import identity

__all__ = ["LOCK", "WorkFolder", "identity"]
