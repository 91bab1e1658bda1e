"""What a run keeps on the disk so that it can go on: :class:`WorkFolder`."""

from __future__ import annotations

from deeptsr.jobs.work_folder.folder import WorkFolder
from deeptsr.jobs.work_folder.hold import held
from deeptsr.jobs.work_folder.record import identity, is_unchanged

__all__ = ["WorkFolder", "held", "identity", "is_unchanged"]
